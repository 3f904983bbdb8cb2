use std::{collections::hash_map::RandomState, hash::BuildHasher as _};

/// Texts as numbers, different for different texts with all the certainty that is needed; strangers cannot
/// aim for equal ones, because the keys are random.
#[derive(Clone, Default)]
pub(super) struct Fingerprints([RandomState; 2]);

impl Fingerprints {
    pub(super) fn of(&self, text: &str) -> u128 {
        let [high, low] = &self.0;
        u128::from(high.hash_one(text)) << 64 | u128::from(low.hash_one(text))
    }
}
