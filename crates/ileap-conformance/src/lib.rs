//! A conformance suite for iLEAP and PACT hosts.
//!
//! It shares no code with any server: it speaks HTTP as strangers do, and judges bytes, published JSON Schemas and
//! rules of its own. Every case has an address, a requirement in words and a source; a failure carries the request
//! as a line for `curl` and what the host answered.

#![expect(
    clippy::indexing_slicing,
    reason = "it is JSON that is indexed: what is not there reads as null, without a panic"
)]

pub mod case;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod options;
pub mod report;
pub mod runner;

mod jwt;
mod listener;
mod listing;
mod outcome;
mod rules;
mod run;
mod schema;
mod suites;
mod wire;

pub use self::{
    case::{Case, PactVersion, Profile, Severity, all},
    options::{Options, Timing},
    report::{CaseReport, Report},
    runner::{Unavailable, run},
};
