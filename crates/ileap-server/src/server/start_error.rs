use std::{net::SocketAddr, path::PathBuf};

use crate::{config::ConfigError, store::StoreError, token::KeyError};

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The audit trail cannot be written.
    #[error("opening the audit trail: {0}")]
    Audit(std::io::Error),
    /// An address cannot be bound.
    #[error("binding {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The service manager hands over a socket that the configuration does not speak of.
    #[error(
        "taking over the socket at {given}: listener.bind is {wanted}; set it to the address in ListenStream="
    )]
    HandedOver {
        /// The socket's address.
        given: SocketAddr,
        /// The configuration's.
        wanted: SocketAddr,
    },
    /// The signing keys cannot be used.
    #[error("{}", .0.with_cause())]
    Keys(#[from] KeyError),
    /// The system gives no random bytes.
    #[error("drawing random bytes: the operating system gives none")]
    Randomness,
    /// The store cannot be opened.
    #[error("opening the store: {}", .0.with_cause())]
    Store(#[from] StoreError),
    /// The file of static users cannot be used, or is not named.
    #[error("reading the static users: {0}")]
    StaticUsers(ConfigError),
    /// The certificate or its key cannot be used.
    #[error("reading {path}: {reason}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The client for the data source cannot be made.
    #[error("preparing the client for data.upstream.url: {0}")]
    Upstream(String),
    /// The client for the verifier's upstream cannot be made.
    #[error("preparing the client for Clerk: {0}")]
    Verifier(String),
}

impl StartError {
    /// Whether the operator's settings or files are to blame, rather than the machine's state.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Keys(error) => !matches!(error, KeyError::Contended | KeyError::Store(_)),
            Self::Audit(_)
            | Self::HandedOver { .. }
            | Self::StaticUsers(_)
            | Self::Tls { .. }
            | Self::Upstream(_)
            | Self::Verifier(_) => true,
            Self::Bind { .. } | Self::Randomness | Self::Store(_) => false,
        }
    }
}
