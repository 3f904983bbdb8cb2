//! Why calls to partners' hosts fail.

use std::time::Duration;

use super::guard::Guarded;
use crate::outbound::OutboundError;

/// Why a call to a partner's host did not succeed. It holds nothing of what the host said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeliveryError {
    /// The host's token endpoint does not take our credentials.
    #[error("the partner's token endpoint refuses the credentials")]
    CredentialsRefused,
    /// The host may not be reached: its address is private, or its URL is not HTTPS.
    #[error("the partner's host is not one that may be reached")]
    Guarded,
    /// The host's name leads to no address that may be reached, at the moment.
    #[error("the name of the partner's host leads to no address that may be reached")]
    GuardedName,
    /// It may work later.
    #[error("the partner's host gave no answer that can be used: {why}")]
    Later {
        /// What went wrong, in a word.
        why: &'static str,
        /// How long the host wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The token endpoint says something else than a token or a refusal.
    #[error("the partner's token endpoint gives no token")]
    NoToken,
    /// We kept it back in the last moment; the word says why.
    #[error("nothing was sent: {0}")]
    KeptBack(&'static str),
    /// The host refuses it, and will again.
    #[error("the partner's host refuses with status {0}")]
    Rejected(u16),
    /// The answer is not what it should be.
    #[error("the partner's answer cannot be read")]
    Unreadable,
}

impl DeliveryError {
    /// A short, stable word for logs, metrics and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CredentialsRefused => "credentials_refused",
            Self::Guarded | Self::GuardedName => "address_refused",
            Self::KeptBack(why) | Self::Later { why, .. } => why,
            Self::NoToken => "no_token",
            Self::Rejected(_) => "rejected",
            Self::Unreadable => "answer_unreadable",
        }
    }

    /// Whether no byte of a request can have reached the host.
    pub(crate) fn has_not_left(self) -> bool {
        const UNSENT: [OutboundError; 4] = [
            OutboundError::Connect,
            OutboundError::Request,
            OutboundError::Roots,
            OutboundError::Tls,
        ];
        match self {
            Self::Guarded | Self::GuardedName | Self::KeptBack(_) => true,
            Self::Later { why, .. } => UNSENT.iter().any(|error| error.as_str() == why),
            _ => false,
        }
    }

    pub(super) fn network(error: reqwest::Error) -> Self {
        if is_guarded(&error) {
            return Self::GuardedName;
        }
        Self::outbound(error.into())
    }

    pub(super) fn outbound(error: OutboundError) -> Self {
        match error {
            OutboundError::TooLarge => Self::Unreadable,
            error => Self::Later {
                why: error.as_str(),
                retry_after: None,
            },
        }
    }
}

fn is_guarded(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<Guarded>() {
            return true;
        }
        next = cause.source();
    }
    false
}
