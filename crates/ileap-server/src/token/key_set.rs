//! The keys in force at one moment.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::{Algorithm, signing_key::SigningKey};

/// The keys in force: one signs, all verify; where there is none, nothing is signed and nothing verifies. It never
/// changes; another takes its place. None of the keys can print.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Arc<SigningKey>>,
    jwks: Bytes,
}

impl KeySet {
    /// These keys; the first one signs.
    pub(super) fn new(keys: Vec<Arc<SigningKey>>) -> Self {
        let entries: Vec<_> = keys.iter().map(|key| key.public_json()).collect();
        let jwks = Bytes::from(json!({ "keys": entries }).to_string());
        Self { keys, jwks }
    }

    /// The JSON Web Key Set (RFC 7517 §5), ready to be served: public members only, the signing key
    /// first.
    pub fn jwks(&self) -> &Bytes {
        &self.jwks
    }

    /// The name of the key that signs: its RFC 7638 thumbprint.
    pub fn signing_kid(&self) -> Option<&str> {
        self.signer().map(|key| key.kid())
    }

    /// How the keys sign, the signing key first; each algorithm once.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let mut algorithms = Vec::new();
        for key in &self.keys {
            if !algorithms.contains(&key.algorithm()) {
                algorithms.push(key.algorithm());
            }
        }
        algorithms
    }

    pub(super) fn signer(&self) -> Option<&Arc<SigningKey>> {
        self.keys.first()
    }

    /// The key of that name. Names are compared and nothing else is ever done with them.
    pub(super) fn find(&self, kid: &str) -> Option<&Arc<SigningKey>> {
        self.keys.iter().find(|key| key.kid() == kid)
    }

    /// The names of all keys, the signing key's first.
    pub(super) fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.kid())
    }
}
