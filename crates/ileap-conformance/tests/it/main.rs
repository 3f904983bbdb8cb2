//! The suite against a small host, whole and with one thing broken at a time.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]
#![expect(
    clippy::result_large_err,
    reason = "a refusal is an answer, made once for a request"
)]

mod allowed;
mod catalogue;
mod data;
mod evidence;
mod host;
mod hostile;
mod mutants;
mod options;
mod reports;
mod sentence;
