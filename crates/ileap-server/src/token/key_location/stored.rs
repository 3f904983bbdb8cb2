//! Keys in the store, which all instances share, sealed with a secret that is not there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use zeroize::Zeroizing;

use super::{Edit, KeptKey, KeyLocation, NewKey, Reading, RevokedKey, off_the_reactor};
use crate::{
    store::{
        Store,
        keys::{KeyChange, NewKeyRow},
    },
    token::{KeyCipher, KeyError, KeyRecord, key_life, signing_key::SigningKey},
};

/// Keys in the store.
#[derive(Clone)]
pub struct StoredKeys {
    store: Arc<dyn Store>,
    cipher: Arc<KeyCipher>,
    /// What was opened before: keys never change.
    known: Arc<Mutex<BTreeMap<String, Arc<SigningKey>>>>,
}

impl StoredKeys {
    /// The keys in `store` that `cipher` opens; nothing is made or read yet.
    pub fn new(store: Arc<dyn Store>, cipher: Arc<KeyCipher>) -> Self {
        Self {
            store,
            cipher,
            known: Arc::default(),
        }
    }

    async fn key(&self, record: &KeyRecord) -> Result<Arc<SigningKey>, KeyError> {
        if let Some(key) = self.known().get(&record.kid) {
            return Ok(key.clone());
        }
        let pkcs8 = self.unseal(record).await?;
        let parsed = off_the_reactor(move || SigningKey::from_pkcs8(&pkcs8)).await?;
        let unusable = |reason: String| KeyError::Unusable {
            place: format!("{} in the store", record.kid),
            reason,
        };
        let key = parsed.map_err(|reason| unusable(reason.to_string()))?;
        if key.kid() != record.kid || key.algorithm() != record.algorithm {
            return Err(unusable("it is another key".to_owned()));
        }
        let key = Arc::new(key);
        self.known().insert(record.kid.clone(), key.clone());
        Ok(key)
    }

    async fn unseal(&self, record: &KeyRecord) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let kid = &record.kid;
        let sealed = self.store.sealed_signing_key(kid).await?;
        let sealed = sealed.ok_or_else(|| KeyError::Unknown { kid: kid.clone() })?;
        let opened = self.cipher.open(kid, record.algorithm, &sealed);
        opened.ok_or_else(|| KeyError::Sealed { kid: kid.clone() })
    }

    fn seal(&self, new: &NewKey) -> Result<NewKeyRow, KeyError> {
        let NewKey { record, pkcs8 } = new;
        let sealed = self.cipher.seal(&record.kid, record.algorithm, pkcs8);
        Ok(NewKeyRow {
            record: record.clone(),
            sealed: sealed.ok_or(KeyError::Generation {
                algorithm: record.algorithm,
            })?,
        })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<SigningKey>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKeys").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl KeyLocation for StoredKeys {
    async fn read(&self) -> Result<Reading, KeyError> {
        let mut reading = Reading::default();
        for row in self.store.signing_keys().await? {
            let record = row.record;
            if let Some(at) = row.revoked_at {
                reading.revoked.push(RevokedKey {
                    kid: record.kid,
                    algorithm: record.algorithm,
                    at,
                });
                continue;
            }
            match self.key(&record).await {
                Ok(key) => reading.keys.push(KeptKey { record, key }),
                // The store went away in the middle: what it says may be half of it.
                Err(KeyError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    reading.unusable.push(record);
                    reading.trouble.push(error);
                }
            }
        }
        let is_there = |kid: &String| reading.keys.iter().any(|kept| kept.record.kid == *kid);
        self.known().retain(|kid, _| is_there(kid));
        key_life::sort_by(&mut reading.keys, |kept| &kept.record);
        Ok(reading)
    }

    async fn apply(&self, expected: &[KeyRecord], edit: Edit) -> Result<bool, KeyError> {
        let add = edit.add.iter().map(|new| self.seal(new));
        let change = KeyChange {
            add: add.collect::<Result<_, _>>()?,
            signs_from: edit.signs_from,
            revoke: edit.revoke.map(|revoked| (revoked.kid, revoked.at)),
            remove: edit.remove,
        };
        Ok(self.store.change_signing_keys(expected, &change).await?)
    }

    async fn private_key(&self, kid: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let rows = self.store.signing_keys().await?;
        let mut rows = rows.into_iter();
        let row = rows.find(|row| row.record.kid == kid && row.revoked_at.is_none());
        let row = row.ok_or_else(|| KeyError::Unknown {
            kid: kid.to_owned(),
        })?;
        self.unseal(&row.record).await
    }
}
