//! The set of keys of this server.

use std::{fmt, fs::File, path::Path, time::SystemTime};

use bytes::Bytes;
use serde_json::json;

use super::{
    Algorithm, KeyError,
    key_file::{self, KeyFile},
    signing_key::SigningKey,
};

/// The keys: one signs, all verify. None of them can print.
pub struct SigningKeys {
    current: SigningKey,
    others: Vec<SigningKey>,
    jwks: Bytes,
}

impl SigningKeys {
    /// Reads the keys in `directory` and makes one where none is of the kind `algorithm` wants.
    ///
    /// The newest file of that kind signs; the rest stay for verification, so that changing the
    /// algorithm does not invalidate tokens. A directory or file that others may read is refused, as
    /// is anything in a key file that is not a sound key. Several processes may start at once on an
    /// empty directory: they end up with the same key.
    pub fn load_or_create(directory: &Path, algorithm: Algorithm) -> Result<Self, KeyError> {
        let handle = key_file::open_directory(directory)?;
        if let Some(keys) = Self::load(directory, algorithm)? {
            return Ok(keys);
        }
        create_unless_there(directory, &handle, algorithm)?;
        Self::load(directory, algorithm)?.ok_or(KeyError::Generation { algorithm })
    }

    /// Reads the keys in `directory` as [`Self::load_or_create`] does, and makes nothing: `None` where it would make
    /// a key.
    pub fn load_existing(directory: &Path, algorithm: Algorithm) -> Result<Option<Self>, KeyError> {
        if !key_file::is_directory(directory)? {
            return Ok(None);
        }
        Self::load(directory, algorithm)
    }

    /// One new key that lives as long as the process, for demonstrations and tests.
    pub fn ephemeral(algorithm: Algorithm) -> Result<Self, KeyError> {
        let failed = KeyError::Generation { algorithm };
        let Ok(pkcs8) = SigningKey::generate_pkcs8(algorithm) else {
            return Err(failed);
        };
        let key = SigningKey::from_pkcs8(&pkcs8).map_err(|_| failed)?;
        Ok(Self::of(key, Vec::new()))
    }

    /// The JSON Web Key Set (RFC 7517 §5), ready to be served: public members only, the signing key
    /// first.
    pub fn jwks(&self) -> &Bytes {
        &self.jwks
    }

    /// The name of the key that signs: its RFC 7638 thumbprint.
    pub fn current_kid(&self) -> &str {
        self.current.kid()
    }

    /// How the signing key signs.
    pub fn algorithm(&self) -> Algorithm {
        self.current.algorithm()
    }

    pub(super) fn current(&self) -> &SigningKey {
        &self.current
    }

    /// The key of that name. Names are compared and nothing else is ever done with them.
    pub(super) fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.all().find(|key| key.kid() == kid)
    }

    fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.current).chain(&self.others)
    }

    fn load(directory: &Path, algorithm: Algorithm) -> Result<Option<Self>, KeyError> {
        let mut files = key_file::read_all(directory)?;
        refuse_duplicates(&mut files)?;
        // Newest first; the name decides between equals, so that replicas agree.
        files.sort_by(|a, b| rank(b).cmp(&rank(a)));
        let signs = |file: &KeyFile| file.key.algorithm() == algorithm;
        let Some(position) = files.iter().position(signs) else {
            return Ok(None);
        };
        let current = files.remove(position).key;
        let others = files.into_iter().map(|file| file.key).collect();
        Ok(Some(Self::of(current, others)))
    }

    fn of(current: SigningKey, others: Vec<SigningKey>) -> Self {
        let entries: Vec<_> = std::iter::once(&current)
            .chain(&others)
            .map(SigningKey::public_json)
            .collect();
        let jwks = Bytes::from(json!({ "keys": entries }).to_string());
        Self {
            current,
            others,
            jwks,
        }
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys")
            .field("current", &self.current)
            .field("others", &self.others)
            .finish_non_exhaustive()
    }
}

/// Holds the directory's lock while it looks again and writes, so that of several processes one makes
/// the key and the others find it.
fn create_unless_there(
    directory: &Path,
    handle: &File,
    algorithm: Algorithm,
) -> Result<(), KeyError> {
    let failed = |source| key_file::io_error("locking key directory", directory, source);
    handle.lock().map_err(failed)?;
    let made_meanwhile = SigningKeys::load(directory, algorithm)?.is_some();
    if !made_meanwhile {
        let pkcs8 = SigningKey::generate_pkcs8(algorithm)
            .map_err(|_| KeyError::Generation { algorithm })?;
        key_file::write(directory, handle, &pkcs8)?;
    }
    handle.unlock().map_err(failed)
}

fn refuse_duplicates(files: &mut [KeyFile]) -> Result<(), KeyError> {
    files.sort_by(|a, b| (a.key.kid(), &a.path).cmp(&(b.key.kid(), &b.path)));
    let same = files.windows(2).find_map(|pair| match pair {
        [first, second] if first.key.kid() == second.key.kid() => Some((first, second)),
        _ => None,
    });
    same.map_or(Ok(()), |(first, second)| {
        Err(KeyError::Duplicate {
            first: first.path.clone(),
            second: second.path.clone(),
        })
    })
}

fn rank(file: &KeyFile) -> (SystemTime, &str) {
    (file.modified, file.key.kid())
}

#[cfg(test)]
mod tests;
