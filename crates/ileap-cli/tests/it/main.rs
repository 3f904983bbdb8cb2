//! The `ileap` command and the workspace it is built from.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod access;
mod admin;
mod client;
mod cluster;
mod commands;
mod conformance;
mod demo_callbacks;
mod deploy;
mod deploying;
mod doctor;
mod durability;
mod edge;
mod effort;
mod front;
mod import;
mod keys;
mod on_record;
mod partners;
mod postgres;
mod revoke;
mod scale;
mod soak;
mod static_users;
#[cfg(feature = "otel")]
mod traces;
mod unreached;
mod upgrade;
mod upstream_tls;
mod wire;
mod workspace;
