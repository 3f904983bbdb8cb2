//! The `ileap` command and the workspace it is built from.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod access;
mod client;
mod commands;
mod demo_callbacks;
mod doctor;
mod durability;
mod import;
mod partners;
mod static_users;
mod upstream_tls;
mod workspace;
