//! The keys of this server, as they are now.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::{ArcSwap, Guard};

use super::{
    Algorithm, KeeperParts, KeyError, KeySet, key_keeper::KeyKeeper, signing_key::SigningKey,
};

/// The keys in force, which readers get without a lock, and who looks after them.
pub struct SigningKeys {
    pub(super) set: ArcSwap<KeySet>,
    keeper: Mutex<Option<KeyKeeper>>,
}

impl SigningKeys {
    /// The keys that are kept where `parts` say, the first one made where there is none. Anything that cannot be used
    /// there is an error. [`Self::tend`] follows and rotates them.
    pub async fn open(parts: KeeperParts) -> Result<Self, KeyError> {
        let (keeper, set) = KeyKeeper::open(parts).await?;
        Ok(Self {
            set: ArcSwap::from_pointee(set),
            keeper: Mutex::new(Some(keeper)),
        })
    }

    /// The keys that are there now, for a command beside the server: none is made, moved or followed.
    pub async fn look(parts: KeeperParts) -> Result<Self, KeyError> {
        let (_, set) = KeyKeeper::look(parts).await?;
        Ok(Self {
            set: ArcSwap::from_pointee(set),
            keeper: Mutex::new(None),
        })
    }

    /// One new key that lives as long as the process, for demonstrations and tests.
    pub fn ephemeral(algorithm: Algorithm) -> Result<Self, KeyError> {
        let failed = KeyError::Generation { algorithm };
        match SigningKey::generate_pkcs8(algorithm) {
            Ok(pkcs8) => Self::fixed(&[&pkcs8]),
            Err(_) => Err(failed),
        }
    }

    /// Keys of the caller's own (PKCS#8, DER) that nobody rotates; the first one signs.
    pub fn fixed(keys: &[&[u8]]) -> Result<Self, KeyError> {
        let key = |(place, pkcs8): (usize, &&[u8])| match SigningKey::from_pkcs8(pkcs8) {
            Ok(key) => Ok(Arc::new(key)),
            Err(reason) => Err(KeyError::Unusable {
                place: format!("number {}", place + 1),
                reason: reason.to_string(),
            }),
        };
        if keys.is_empty() {
            return Err(KeyError::Missing);
        }
        let keys = keys.iter().enumerate().map(key);
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self {
            set: ArcSwap::from_pointee(KeySet::new(keys)),
            keeper: Mutex::new(None),
        })
    }

    /// Follows the place where the keys are kept, and rotates them, until it is dropped. Who calls it second does
    /// nothing.
    pub async fn tend(&self) {
        let keeper = self.keeper().take();
        if let Some(keeper) = keeper {
            keeper.run(&self.set).await;
        }
    }

    /// The keys in force now, for a moment: no await, and nothing that takes long.
    pub fn now(&self) -> Guard<Arc<KeySet>> {
        self.set.load()
    }

    pub(super) fn keeper(&self) -> std::sync::MutexGuard<'_, Option<KeyKeeper>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys")
            .field("set", &*self.now())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
