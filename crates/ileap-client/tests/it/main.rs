//! The client against hosts that behave, and hosts that do not.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod faults;
mod host;
mod lists;
mod tls;
mod tokens;
mod unknown_names;
