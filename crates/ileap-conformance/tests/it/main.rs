//! The suite against a small host, whole and with one thing broken at a time.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod catalogue;
mod data;
mod host;
mod hostile;
mod mutants;
mod options;
mod reports;
