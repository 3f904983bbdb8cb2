//! Where keys are kept: the port, and what is done through it from the outside.

mod directory;
mod file;
mod stored;
mod text;

pub use self::{directory::DirectoryKeys, stored::StoredKeys};

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{Algorithm, KeyError, KeyRecord, key_life, signing_key::SigningKey};

/// A place that keeps keys, in which several processes may work at once.
#[async_trait::async_trait]
pub trait KeyLocation: fmt::Debug + Send + Sync {
    /// What is there. Cheap where nothing has changed: it is asked every second.
    async fn read(&self) -> Result<Reading, KeyError>;

    /// Changes what is there, if that is still `expected`; says whether it was. When this returns, the change
    /// survives a crash; a crash before leaves keys that can be used, old ones or new ones.
    async fn apply(&self, expected: &[KeyRecord], edit: Edit) -> Result<bool, KeyError>;

    /// A key that is to be kept elsewhere, too: PKCS#8 (RFC 5208), DER.
    async fn private_key(&self, kid: &str) -> Result<Zeroizing<Vec<u8>>, KeyError>;
}

/// What a place keeps.
#[derive(Debug, Default)]
pub struct Reading {
    /// Every key that can be used, the oldest first. One that could be read before and cannot be now is still here.
    pub(super) keys: Vec<KeptKey>,
    /// Keys that are known by name and cannot be used: damaged, out of reach, or sealed with another secret.
    pub(super) unusable: Vec<KeyRecord>,
    /// The keys that count no longer.
    pub(super) revoked: Vec<RevokedKey>,
    /// What could not be used, and why.
    pub(super) trouble: Vec<KeyError>,
}

impl Reading {
    /// What is known of all keys, whether they can be used or not, in their order.
    pub(super) fn records(&self) -> Vec<KeyRecord> {
        let mut records = self.usable();
        records.extend(self.unusable.iter().cloned());
        key_life::sort_by(&mut records, |record| record);
        records
    }

    /// The same of those that can be used.
    pub(super) fn usable(&self) -> Vec<KeyRecord> {
        self.keys.iter().map(|kept| kept.record.clone()).collect()
    }

    /// The same, if there is no trouble.
    pub(super) fn sound(mut self) -> Result<Self, KeyError> {
        if self.trouble.is_empty() {
            Ok(self)
        } else {
            Err(self.trouble.swap_remove(0))
        }
    }
}

/// A key that can be used.
#[derive(Clone, Debug)]
pub struct KeptKey {
    pub(super) record: KeyRecord,
    pub(super) key: Arc<SigningKey>,
}

/// A key that counts no longer, by name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokedKey {
    /// The key.
    pub kid: String,
    /// How it signed.
    pub algorithm: Algorithm,
    /// Since when.
    pub at: Timestamp,
}

/// What is to change: all of it, in this order.
#[derive(Debug, Default)]
pub struct Edit {
    /// A key that is there already signs from another moment on.
    pub(super) signs_from: Option<(String, Timestamp)>,
    /// Keys that come, the newest first.
    pub(super) add: Vec<NewKey>,
    /// A key that counts no longer, and since when.
    pub(super) revoke: Option<RevokedKey>,
    /// Keys whose time is over.
    pub(super) remove: Vec<String>,
}

/// A key that is not kept anywhere yet.
pub struct NewKey {
    pub(super) record: KeyRecord,
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
}

impl NewKey {
    /// Makes one. An RSA key takes a moment: not for threads that serve requests.
    pub(super) fn generate(
        algorithm: Algorithm,
        published_at: Timestamp,
        signs_from: Timestamp,
    ) -> Result<Self, KeyError> {
        let failed = || KeyError::Generation { algorithm };
        let pkcs8 = SigningKey::generate_pkcs8(algorithm).map_err(|_| failed())?;
        let key = SigningKey::from_pkcs8(&pkcs8).map_err(|_| failed())?;
        Ok(Self {
            record: KeyRecord {
                kid: key.kid().to_owned(),
                algorithm,
                published_at,
                signs_from,
            },
            pkcs8,
        })
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

/// Work that waits for the disk or computes for long, off the threads that serve requests.
async fn off_the_reactor<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, KeyError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| KeyError::Contended)
}

#[cfg(test)]
mod tests;
