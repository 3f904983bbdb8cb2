//! What can go wrong with keys.

use std::{io, path::PathBuf};

use super::Algorithm;
use crate::store::StoreError;

/// Keys could not be made, kept or read. At start-up the server ends with it; while it runs, the keys it has go on.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Others kept changing the keys in the meantime.
    #[error("changing the signing keys: others kept changing them at the same time; try again")]
    Contended,
    /// The same key is in two files.
    #[error("reading signing keys: {} and {} hold the same key: remove one", first.display(), second.display())]
    Duplicate {
        /// The file read first.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// Group or others may read a key, or put keys into the directory.
    #[error("reading signing keys: {} is open to others (mode {mode:03o}): run `chmod {remedy} {}`", path.display(), path.display())]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they must be, as `chmod` takes it.
        remedy: &'static str,
    },
    /// Root finds a key that does not belong to the owner of the directory, and so not to the server.
    #[error(
        "reading signing key {}: it belongs to somebody else than its directory: run `chown --reference={} {}`",
        path.display(), path.parent().unwrap_or(path).display(), path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The crypto library could not make a key.
    #[error(
        "making a signing key for {algorithm}: the random source or the crypto library gave none"
    )]
    Generation {
        /// The kind asked for.
        algorithm: Algorithm,
    },
    /// The file system did not do as it was asked.
    #[error("{attempted} {}", path.display())]
    Io {
        /// What was attempted, as a phrase that the path completes.
        attempted: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// There were keys, and now there are none, though not all have been revoked.
    #[error(
        "reading signing keys: there are none any more: put them back, or restart to begin with a new one"
    )]
    Missing,
    /// There are no keys, and this is not the place to make one.
    #[error("reading signing keys: there are none yet; the first start of the server makes one")]
    NoneYet,
    /// The store has a key that `keys.encryption_key_file` does not open.
    #[error(
        "reading signing key {kid} from the store: keys.encryption_key_file does not open it: copy the file that the \
         other instances use, or the copy that was kept, to its place; only where it is lost everywhere, see \"Another \
         secret\" in docs/operations.md"
    )]
    Sealed {
        /// The key.
        kid: String,
    },
    /// The store did not answer.
    #[error("{}", .0.with_cause())]
    Store(#[from] StoreError),
    /// Keys are made faster than they go.
    #[error(
        "making a signing key: there are {count} already, and each stays as long as its tokens live; try again later"
    )]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// There is no such key.
    #[error(
        "revoking signing key {kid}: there is none of that name; `ileap keys list` lists those there are"
    )]
    Unknown {
        /// The name given.
        kid: String,
    },
    /// What should hold a key holds none that may be used.
    #[error("reading signing key {place}: {reason}")]
    Unusable {
        /// The file, or the key's name in the store.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl KeyError {
    /// The whole story, for the operator.
    pub fn with_cause(&self) -> String {
        match self {
            Self::Io { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }
}
