use std::{io::ErrorKind, net::SocketAddr, path::PathBuf};

use crate::{config::ConfigError, store::StoreError, token::KeyError};

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The audit trail cannot be written.
    #[error("opening the audit trail: {0}")]
    Audit(std::io::Error),
    /// An address cannot be bound.
    #[error("binding {key} = {address}: {source}; {}", way_to_bind(key, source.kind()))]
    Bind {
        /// What the configuration calls it.
        key: &'static str,
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
    #[error("reading {key} = {}: {reason}", path.display())]
    Tls {
        /// What the configuration calls it.
        key: &'static str,
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
            Self::Audit(source) | Self::Keys(KeyError::Io { source, .. }) => {
                is_wrong_place(source.kind())
            }
            Self::Keys(error) => !matches!(
                error,
                KeyError::Contended | KeyError::Generation { .. } | KeyError::Store(_)
            ),
            Self::HandedOver { .. }
            | Self::StaticUsers(_)
            | Self::Tls { .. }
            | Self::Upstream(_)
            | Self::Verifier(_) => true,
            // Any other may be over at the next try: a process ends, a network comes up.
            Self::Bind { source, .. } => source.kind() == ErrorKind::PermissionDenied,
            Self::Randomness | Self::Store(_) => false,
        }
    }
}

/// What to do about an address that cannot be bound.
fn way_to_bind(key: &str, kind: ErrorKind) -> String {
    match kind {
        ErrorKind::AddrInUse => format!(
            "another process listens there: end it (`ss -ltnp` lists who listens), or set {key} to another port"
        ),
        ErrorKind::AddrNotAvailable => format!(
            "set {key} to an address of this machine (`ip address` lists them), or start when its network is up"
        ),
        ErrorKind::PermissionDenied => format!(
            "set {key} to a port above 1023, or let the service bind lower ones (systemd: \
             AmbientCapabilities=CAP_NET_BIND_SERVICE)"
        ),
        _ => format!("set {key} to an address and port that this machine has free"),
    }
}

/// Whether the file system says that what was named is not there or not ours. Anything else, such as a full disk, may
/// be over at the next try.
fn is_wrong_place(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidFilename
            | ErrorKind::InvalidInput
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(kind: ErrorKind) -> [StartError; 2] {
        let keys = KeyError::Io {
            attempted: "writing",
            path: "keys".into(),
            source: kind.into(),
        };
        [StartError::Audit(kind.into()), keys.into()]
    }

    #[test]
    fn a_service_manager_is_told_to_give_up_where_the_settings_are_wrong_and_nowhere_else() {
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::PermissionDenied,
            ErrorKind::ReadOnlyFilesystem,
        ] {
            for error in errors(kind) {
                assert!(error.is_configuration(), "{error}");
            }
        }
        let bind = |kind: ErrorKind| StartError::Bind {
            key: "listener.bind",
            address: ([127, 0, 0, 1], 80).into(),
            source: kind.into(),
        };
        assert!(bind(ErrorKind::PermissionDenied).is_configuration());
        for kind in [ErrorKind::AddrInUse, ErrorKind::AddrNotAvailable] {
            assert!(!bind(kind).is_configuration());
        }
        for kind in [
            ErrorKind::StorageFull,
            ErrorKind::QuotaExceeded,
            ErrorKind::WouldBlock,
            ErrorKind::Other,
        ] {
            for error in errors(kind) {
                assert!(!error.is_configuration(), "{error}");
            }
        }
    }
}
