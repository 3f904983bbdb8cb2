//! Clerk's two APIs. This module and its children are the only place that knows Clerk's words:
//! paths, field names, status values, error codes.
//!
//! `call` exchanges one request, `wire` is what comes back, `error` is the table from an error code to
//! what it means here, `status` the one from a sign-in's status; `frontend` and `backend` list the calls,
//! `sign_in` strings those of the Frontend API together into one login, `directory` remembers whom the Backend
//! API found, `account` says what may be done with an account. `gate` stands before the calls that Clerk limits.

pub(crate) mod account;
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

/// For the fuzzer: reads `data` as everything that Clerk may answer.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn read_anything(data: &[u8]) {
    let name = login_name::LoginName::of("ops@acme.example");
    if let Ok(body) = serde_json::from_slice::<wire::SignInEnvelope>(data) {
        // A status or a fault, whatever it is.
        let _ = status::read(call::Answer {
            body,
            client_token: None,
        });
    }
    if let Ok(user) = serde_json::from_slice::<wire::DirectoryUser>(data) {
        user_record::UserRecord::read(&name, &user);
    }
    if let Ok(envelope) = serde_json::from_slice::<wire::ErrorEnvelope>(data) {
        for status in [400, 401, 403, 404, 409, 422, 423, 429, 500, 503] {
            let error = error::ClerkError::new(status, &envelope, None);
            error.class();
            assert!(error.code().len() <= 128, "what is logged is a short word");
        }
    }
    let _ = serde_json::from_slice::<environment::Environment>(data);
    let _ = serde_json::from_slice::<wire::MembershipPage>(data);
    let _ = serde_json::from_slice::<wire::PasswordAnswer>(data);
}
