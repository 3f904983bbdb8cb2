//! Keeping the keys in force in step with the place where they are kept and with the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::{
    KeyError, KeyPolicy, KeyRecord, KeySet, KeyState, Standing,
    key_changes::{begin, kept, publish},
    key_life::{self, Sight, View},
    key_location::{Edit, KeptKey, KeyLocation, Reading},
};
use crate::{clock::Clock, telemetry::Metrics};

/// How often the keys are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a change that failed is left alone.
const REST: Duration = Duration::from_mins(1);
/// How long a key that is gone stays where it is kept: if a wrong clock says so, it may still be wanted.
const REMOVED_AFTER: Duration = Duration::from_hours(1);

/// What a keeper works with.
#[derive(Clone, Debug)]
pub struct KeeperParts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where the keys were kept before: where there are none, these are taken over.
    pub elsewhere: Option<Arc<dyn KeyLocation>>,
    /// Where the keys are kept.
    pub location: Arc<dyn KeyLocation>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// When keys are made.
    pub policy: KeyPolicy,
}

/// Looks after the keys of one process.
#[derive(Debug)]
pub(super) struct KeyKeeper {
    parts: KeeperParts,
    kept: Vec<KeptKey>,
    /// When each key was seen first, by both clocks. One that is to sign from another moment on is seen anew.
    sights: BTreeMap<(String, Timestamp), (Timestamp, Instant)>,
    states: BTreeMap<String, KeyState>,
    gone_since: BTreeMap<String, Instant>,
    /// Why the last change failed.
    stuck: Option<String>,
    /// What has been said to be wrong.
    trouble: Option<String>,
    resting_until: Option<Instant>,
}

impl KeyKeeper {
    /// Reads the keys, makes the first one where there is none, and says which are in force.
    pub(super) async fn open(parts: KeeperParts) -> Result<(Self, KeySet), KeyError> {
        let now = parts.clock.now();
        let elsewhere = parts.elsewhere.as_deref();
        let reading = begin(&*parts.location, elsewhere, &parts.policy, now).await?;
        Self::with(parts, reading.keys)
    }

    /// The same with the keys there are: none is made or moved.
    pub(super) async fn look(parts: KeeperParts) -> Result<(Self, KeySet), KeyError> {
        let reading = kept(&*parts.location, parts.elsewhere.as_deref()).await?;
        Self::with(parts, reading.keys)
    }

    fn with(parts: KeeperParts, kept: Vec<KeptKey>) -> Result<(Self, KeySet), KeyError> {
        let mut keeper = Self {
            parts,
            kept,
            sights: BTreeMap::new(),
            states: BTreeMap::new(),
            gone_since: BTreeMap::new(),
            stuck: None,
            trouble: None,
            resting_until: None,
        };
        let set = keeper.in_force(None).ok_or(KeyError::Contended)?;
        Ok((keeper, set))
    }

    /// Follows and rotates the keys until it is dropped.
    pub(super) async fn run(mut self, set: &ArcSwap<KeySet>) {
        loop {
            self.turn(set).await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Looks once. Whatever is in the way, the keys that are known go on, and change as their times come.
    pub(super) async fn turn(&mut self, set: &ArcSwap<KeySet>) {
        let looked = match self.parts.location.read().await {
            Ok(reading) => self.take(reading),
            Err(error) => Err(error),
        };
        let before = set.load_full();
        if let Some(after) = self.in_force(Some(&before)) {
            set.store(Arc::new(after));
        }
        if looked.is_ok() {
            self.work().await;
        }
        self.report(looked);
    }

    /// Takes over what is there now. A key that is revoked goes, whatever else is wrong: if it was the only one, nothing
    /// is signed until another is there.
    fn take(&mut self, reading: Reading) -> Result<(), KeyError> {
        let revoked: BTreeSet<_> = reading.revoked.into_iter().map(|key| key.kid).collect();
        let mut trouble = reading.trouble;
        if reading.keys.is_empty() {
            self.kept.retain(|kept| !revoked.contains(&kept.record.kid));
            if !self.kept.is_empty() {
                trouble.push(KeyError::Missing);
            }
        } else {
            self.kept = reading.keys;
        }
        if trouble.is_empty() {
            Ok(())
        } else {
            Err(trouble.swap_remove(0))
        }
    }

    /// The keys in force, where they are others than `before`.
    fn in_force(&mut self, before: Option<&KeySet>) -> Option<KeySet> {
        let (now, monotonic) = (self.parts.clock.now(), self.parts.clock.monotonic());
        self.see(now, monotonic);
        let records = self.records();
        let standings = self.standings(&records, before.and_then(KeySet::signing_kid));
        self.note(&records, &standings, monotonic);
        let mut keys = Vec::new();
        // The newest first: the order is part of the document that verifiers keep.
        for (kept, standing) in self.kept.iter().zip(&standings).rev() {
            match standing.state {
                KeyState::Active => keys.insert(0, kept.key.clone()),
                KeyState::Published | KeyState::Retiring => keys.push(kept.key.clone()),
                KeyState::Gone => {}
            }
        }
        let after = KeySet::new(keys);
        let is_same = before.is_some_and(|before| before.kids().eq(after.kids()));
        (!is_same).then_some(after)
    }

    /// Remembers when keys were seen first.
    fn see(&mut self, now: Timestamp, monotonic: Instant) {
        let name = |record: &KeyRecord| (record.kid.clone(), record.signs_from);
        let names: BTreeSet<_> = self.kept.iter().map(|kept| name(&kept.record)).collect();
        self.sights.retain(|name, _| names.contains(name));
        for name in names {
            self.sights.entry(name).or_insert((now, monotonic));
        }
    }

    fn standings(&self, records: &[KeyRecord], signer: Option<&str>) -> Vec<Standing> {
        let (now, monotonic) = (self.parts.clock.now(), self.parts.clock.monotonic());
        let sight = |record: &KeyRecord| {
            let seen = self.sights.get(&(record.kid.clone(), record.signs_from));
            let (first, since) = seen.copied().unwrap_or((now, monotonic));
            Sight {
                first,
                elapsed: monotonic.saturating_duration_since(since),
            }
        };
        let view = View {
            now,
            signer,
            sight: &sight,
        };
        key_life::standings(records, &self.parts.policy, &view)
    }

    /// Logs every step that a key takes, and counts the keys.
    fn note(&mut self, records: &[KeyRecord], standings: &[Standing], monotonic: Instant) {
        let mut states = BTreeMap::new();
        for (record, standing) in records.iter().zip(standings) {
            let KeyRecord { kid, algorithm, .. } = record;
            let state = standing.state;
            if self.states.get(kid) != Some(&state) {
                let until = standing.until.map(tracing::field::display);
                tracing::info!(key.kid = kid, key.algorithm = %algorithm, key.until = until, "signing key is {}", state.as_str());
            }
            states.insert(kid.clone(), state);
        }
        for kid in self.states.keys().filter(|kid| !states.contains_key(*kid)) {
            tracing::warn!(
                key.kid = kid,
                "signing key is no longer there: it was revoked or removed"
            );
        }
        self.gone_since
            .retain(|kid, _| states.get(kid) == Some(&KeyState::Gone));
        for (kid, _) in states.iter().filter(|(_, state)| **state == KeyState::Gone) {
            self.gone_since.entry(kid.clone()).or_insert(monotonic);
        }
        self.states = states;
        self.count(records, standings);
    }

    fn count(&self, records: &[KeyRecord], standings: &[Standing]) {
        let of = |state| {
            standings
                .iter()
                .filter(|standing| standing.state == state)
                .count()
        };
        for state in [KeyState::Published, KeyState::Active, KeyState::Retiring] {
            self.parts.metrics.signing_keys(state.as_str(), of(state));
        }
        let mut keys = records.iter().zip(standings);
        let active = keys.find(|(_, standing)| standing.state == KeyState::Active);
        if let Some((active, _)) = active {
            let age = self.parts.clock.now().duration_since(active.signs_from);
            self.parts.metrics.signing_key_age(age);
        }
    }

    /// Publishes the next key when it is time, or the first where all were revoked, and removes those whose time is over.
    async fn work(&mut self) {
        let monotonic = self.parts.clock.monotonic();
        if self.resting_until.is_some_and(|until| monotonic < until) {
            return;
        }
        let KeeperParts {
            clock,
            location,
            policy,
            ..
        } = &self.parts;
        let (now, records) = (clock.now(), self.records());
        let mut states = self.states.iter();
        let active = states.find(|(_, state)| **state == KeyState::Active);
        let standings = self.standings(&records, active.map(|(kid, _)| kid.as_str()));
        let mut changed = Ok(());
        if key_life::is_rotation_due(&records, &standings, policy, now) {
            changed = publish(&**location, &records, policy, now)
                .await
                .map(|_| ());
        } else if let Some(edit) = self.removal(monotonic) {
            changed = location.apply(&records, edit).await.map(|_| ());
        }
        self.resting_until = changed.is_err().then(|| monotonic + REST);
        self.stuck = changed.err().map(|error| error.with_cause());
    }

    /// Takes away the keys that have been gone for long.
    fn removal(&self, monotonic: Instant) -> Option<Edit> {
        let is_over =
            |since: &Instant| monotonic.saturating_duration_since(*since) >= REMOVED_AFTER;
        let gone = self.gone_since.iter().filter(|(_, since)| is_over(since));
        let remove: Vec<_> = gone.map(|(kid, _)| kid.clone()).collect();
        (!remove.is_empty()).then(|| Edit {
            remove,
            ..Edit::default()
        })
    }

    /// Says once what is wrong, and once that it is over.
    fn report(&mut self, looked: Result<(), KeyError>) {
        let unread = looked.err().map(|error| error.with_cause());
        let trouble = unread.or_else(|| self.stuck.clone());
        match &trouble {
            Some(cause) if self.trouble != trouble => {
                let remedy = if self.kept.is_empty() {
                    "nothing is signed until a key can be used; `ileap keys list` lists them"
                } else {
                    "the keys in use go on; `ileap doctor` looks at those that are kept"
                };
                tracing::error!(cause, remedy, "signing keys cannot be followed or rotated");
            }
            None if self.trouble.is_some() => {
                tracing::info!("signing keys can be followed and rotated again");
            }
            _ => {}
        }
        self.parts.metrics.signing_key_trouble(trouble.is_some());
        self.trouble = trouble;
    }

    fn records(&self) -> Vec<KeyRecord> {
        self.kept.iter().map(|kept| kept.record.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
