//! The emulator as a client sees it, over HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod accounts;
mod backend_access;
mod backend_changes;
mod backend_organizations;
mod backend_passwords;
mod backend_sessions;
mod backend_users;
mod browser;
mod devices;
mod faults;
mod harness;
mod limits;
mod mode;
mod openapi;
mod sessions;
mod sign_in;
mod start;
mod webhooks;
