//! Clerk's two APIs. This module and its children are the only place that knows Clerk's words:
//! paths, field names, status values, error codes.
//!
//! `call` exchanges one request, `wire` is what comes back, `error` is the table from an error code to
//! what it means here, `status` the one from a sign-in's status; `frontend` and `backend` list the calls,
//! `sign_in` strings those of the Frontend API together into one login, `directory` remembers whom the Backend
//! API found, `account` says what may be done with an account. `gate` stands before the calls that Clerk limits.

pub(crate) mod account;
#[cfg(any(test, feature = "fuzzing"))]
mod anything;
pub mod backend;
pub(crate) mod call;
pub(crate) mod decoy;
pub(crate) mod dev_browser;
pub(crate) mod directory;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod examination;
pub(crate) mod failure;
pub mod frontend;
pub mod gate;
pub(crate) mod lockout;
pub(crate) mod login_name;
pub(crate) mod memberships;
pub(crate) mod retry;
pub(crate) mod session_removal;
pub(crate) mod sign_in;
pub(crate) mod status;
pub(crate) mod user_record;
pub mod webhook;
pub(crate) mod wire;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::anything::read_anything;
