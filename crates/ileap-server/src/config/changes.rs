//! What differs between two configurations, key by key.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    sync::LazyLock,
};

use super::keys::{KEYS, Key};

/// Some values are secrets: what is kept for as long as the server runs are keyed hashes.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What every key stands at, so far as it can be compared within this process.
#[derive(Clone, Debug)]
pub struct Values(BTreeMap<&'static str, u64>);

/// Keys with another value than before.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// Those that a reload takes on.
    pub taken_on: Vec<&'static str>,
    /// Those that have an effect after a restart.
    pub for_restart: Vec<&'static str>,
}

impl Values {
    pub(super) fn of(value: impl Fn(&Key) -> String) -> Self {
        let hash = |key: &Key| (key.path, HASHER.hash_one(value(key)));
        Self(KEYS.iter().map(hash).collect())
    }

    /// What `new` has changed.
    pub fn changes(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        let differing = KEYS
            .iter()
            .filter(|key| self.0.get(key.path) != new.0.get(key.path));
        for key in differing {
            if key.is_reloaded {
                changes.taken_on.push(key.path);
            } else {
                changes.for_restart.push(key.path);
            }
        }
        changes
    }

    /// These values, save for those that a restart waits for: they stand where they stood.
    pub fn take_on(&mut self, new: &Self) {
        for key in KEYS.iter().filter(|key| key.is_reloaded) {
            if let Some(value) = new.0.get(key.path) {
                self.0.insert(key.path, *value);
            }
        }
    }
}
