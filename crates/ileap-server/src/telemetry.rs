//! What the server says of itself: metrics, log lines and traces.

pub mod edge;
mod first_times;
mod labels;
mod log;
mod metrics;
mod outcomes;
#[cfg(target_os = "linux")]
mod process;
mod signing_keys;
pub mod traces;

pub use self::{
    log::{LogFormat, LogLevel, log_to},
    metrics::{ConnectionGuard, KnownEndpoint, Metrics},
    outcomes::{
        ClerkCallOutcome, KnownGoodAnswer, RevocationOutcome, VerifyOutcome, WebhookOutcome,
    },
    traces::Traces,
};

#[cfg(test)]
mod tests;
