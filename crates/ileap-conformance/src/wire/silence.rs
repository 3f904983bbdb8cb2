//! Why there is no answer, and when to stop asking.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustls::CertificateError;

use super::ANSWER_LIMIT_BYTES;
use crate::outcome::Stop;

/// After so many calls in a row without an answer the host is asked no more.
const MOST_SILENCES: u32 = 3;

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Silence {
    Connect,
    Interrupted,
    Timeout,
    /// In words.
    Tls(String),
    TooLarge,
}

/// What became of the calls so far.
#[derive(Debug, Default)]
pub(super) struct Silences(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Without an answer.
    in_a_row: u32,
    /// Why the last one had none.
    why: String,
    has_answered: bool,
}

impl Silence {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            if let Some(tls) = tls_error(error) {
                Self::Tls(tls_reason(tls))
            } else if error.is_timeout() {
                Self::Timeout
            } else {
                Self::Connect
            }
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Interrupted
        }
    }

    /// Whether the next call is likely to get none either.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::Connect | Self::Timeout | Self::Tls(_) => true,
            Self::Interrupted | Self::TooLarge => false,
        }
    }

    /// What it means for a case; `longest` is what a call may take.
    pub(super) fn stop(&self, longest: Duration) -> Stop {
        match self {
            Self::Connect => Stop::inconclusive("no connection to the host"),
            Self::Interrupted => Stop::broken_off("the host broke off, or what it sent is no HTTP"),
            Self::Timeout => Stop::fail(format!(
                "no whole answer within {} s",
                longest.as_secs_f32()
            )),
            Self::Tls(why) => Stop::fail(why),
            Self::TooLarge => Stop::fail(format!(
                "the answer is larger than {} MiB",
                ANSWER_LIMIT_BYTES / 1024 / 1024
            )),
        }
    }
}

impl Silences {
    /// Why the host is asked no more, once that is so.
    pub(super) fn too_many(&self) -> Option<String> {
        let state = self.state();
        (state.in_a_row >= MOST_SILENCES).then(|| state.why.clone())
    }

    pub(super) fn has_answered(&self) -> bool {
        self.state().has_answered
    }

    pub(super) fn add(&self, why: &str) {
        let mut state = self.state();
        state.in_a_row += 1;
        why.clone_into(&mut state.why);
    }

    pub(super) fn end(&self) {
        *self.state() = State {
            has_answered: true,
            ..State::default()
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        // An io::Error's source() is its inner error's source: the inner error itself is passed over.
        let inner = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

fn tls_reason(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return format!("no TLS connection with the host: {error}");
    };
    let why = match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name"
        }
        CertificateError::UnknownIssuer => {
            "is of an authority that is not known here (--ca-file FILE names one)"
        }
        // What `openssl req -x509` makes unless it is told otherwise.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "is an authority's own, which no server shows: make it with CA:FALSE (`openssl req -x509 -addext \
             basicConstraints=critical,CA:FALSE`), or sign another with it"
        }
        other => return format!("the host's certificate is not believed: {other}"),
    };
    format!("the host's certificate {why}")
}
