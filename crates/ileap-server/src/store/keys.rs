//! Where signing keys are kept, sealed: what a row says is known, the key itself is not.

use jiff::Timestamp;

use super::StoreError;
use crate::token::KeyRecord;

/// A kept key without the key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRow {
    /// What is recorded of it.
    pub record: KeyRecord,
    /// Since when it counts no longer.
    pub revoked_at: Option<Timestamp>,
}

/// A key to be kept.
#[derive(Debug)]
pub struct NewKeyRow {
    /// What is recorded of it.
    pub record: KeyRecord,
    /// The key, sealed.
    pub sealed: Vec<u8>,
}

/// What is to change, all at once.
#[derive(Debug, Default)]
pub struct KeyChange {
    /// Keys that come.
    pub add: Vec<NewKeyRow>,
    /// A key that signs from another moment on.
    pub signs_from: Option<(String, Timestamp)>,
    /// A key that counts no longer, and since when; its sealed half goes, its name stays.
    pub revoke: Option<(String, Timestamp)>,
    /// Keys that go altogether.
    pub remove: Vec<String>,
}

/// The part of the store port that is about signing keys. It is asked every second, and never on the way of a request.
#[async_trait::async_trait]
pub trait KeyRecords: Send + Sync {
    /// Every key there is or was, in no order.
    async fn signing_keys(&self) -> Result<Vec<KeyRow>, StoreError>;

    /// A key, sealed; `None` where there is none or it is revoked.
    async fn sealed_signing_key(&self, kid: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Makes a change if the keys that are not revoked are still those `expected`, in any order; says whether they
    /// were. Of any number of instances that expect the same, one makes its change.
    async fn change_signing_keys(
        &self,
        expected: &[KeyRecord],
        change: &KeyChange,
    ) -> Result<bool, StoreError>;
}
