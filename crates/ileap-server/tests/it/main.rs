//! The server as its callers see it: over HTTP, with an emulated Clerk behind it.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod access;
mod attack;
mod audit;
mod backend;
mod callbacks;
mod clock;
mod conformance;
mod database;
mod discovery;
mod edge;
#[path = "../../../ileap-cli/tests/it/effort.rs"]
#[expect(dead_code, reason = "the other crate's tests use more of it")]
mod effort;
mod events;
mod faults;
mod footprints;
mod harness;
mod hostile_tokens;
mod introspection;
mod keys;
mod limits;
mod openapi;
mod outage;
mod paging;
mod panics;
mod revocation;
mod secrets;
mod shutdown;
mod smuggling;
mod tad;
mod token;
mod upstream_data;
mod verify;
mod webhooks;
