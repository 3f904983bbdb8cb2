//! The life of a signing key, worked out from what is recorded and the time, so that all instances agree without
//! asking each other: published, active, retiring, gone.

use std::time::Duration;

use jiff::Timestamp;

use super::Algorithm;

/// How long a key that signs no longer is kept to verify: as long as the longest token that any configuration allows
/// lives (24 h), with room for clocks that disagree and for instances that are slow to switch. Not as long as
/// `token.lifetime`, which may have been longer when the token was signed.
pub(super) const KEPT_FOR: Duration = Duration::from_hours(25);
/// The longest a verifier is ever told to keep the key set.
const LONGEST_MAX_AGE: Duration = Duration::from_mins(5);
/// By how much the clocks of instances may differ.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

/// When keys are made, and for how long they wait.
#[derive(Clone, Copy, Debug)]
pub struct KeyPolicy {
    /// The kind of new keys.
    pub algorithm: Algorithm,
    /// How long a key is published before it signs.
    pub publish_before: Duration,
    /// How long a key signs.
    pub rotate_every: Duration,
}

impl KeyPolicy {
    /// How long verifiers may keep the key set: so short that all have a new key long before it signs.
    pub fn max_age(&self) -> Duration {
        LONGEST_MAX_AGE.min(self.publish_before / 2)
    }
}

/// What is known of a key besides the key itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRecord {
    /// Its name.
    pub kid: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// When it was put into the set; of two keys, the one published later is the newer one.
    pub published_at: Timestamp,
    /// From when it signs, if no newer one does.
    pub signs_from: Timestamp,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum KeyState {
    /// In the key set, so that verifiers know it when it begins to sign.
    Published,
    /// It signs.
    Active,
    /// It signs no longer and verifies what it has signed.
    Retiring,
    /// All that it signed has expired.
    Gone,
}

impl KeyState {
    /// Its name for people, logs and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
        }
    }
}

/// A state, and until when it is expected to last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    /// The state.
    pub state: KeyState,
    /// Its end; a key that is gone has none.
    pub until: Option<Timestamp>,
}

/// How long a process has known a key, by two clocks: whatever happens to the one on the wall, nothing happens before
/// as much time has passed on the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// The wall clock when the key was seen first.
    pub(super) first: Timestamp,
    /// What has passed since, by the monotonic clock.
    pub(super) elapsed: Duration,
}

/// From where the keys are looked at.
pub(super) struct View<'a> {
    pub(super) now: Timestamp,
    /// Who signed when this was asked last: a clock that is set back does not bring an older key back.
    pub(super) signer: Option<&'a str>,
    pub(super) sight: &'a dyn Fn(&KeyRecord) -> Sight,
}

impl View<'_> {
    /// As seen by somebody who has just come.
    pub(super) fn fresh(
        now: Timestamp,
        look: impl FnOnce(&View<'_>) -> Vec<Standing>,
    ) -> Vec<Standing> {
        let sight = |_: &KeyRecord| Sight {
            first: now,
            elapsed: Duration::ZERO,
        };
        look(&View {
            now,
            signer: None,
            sight: &sight,
        })
    }

    /// Whether the key's time to sign has come, and verifiers that have kept an older key set have it, too.
    fn is_ripe(&self, record: &KeyRecord, policy: &KeyPolicy) -> bool {
        let sight = (self.sight)(record);
        let was_ripe = sight.first >= record.signs_from;
        self.now >= record.signs_from && (was_ripe || sight.elapsed >= policy.max_age())
    }

    fn is_over(&self, record: &KeyRecord, end: Timestamp) -> bool {
        let sight = (self.sight)(record);
        self.now >= end && later(sight.first, sight.elapsed) >= end
    }
}

/// The standing of each of `records`, which are in order; one of them is active, whatever the time.
pub(super) fn standings(
    records: &[KeyRecord],
    policy: &KeyPolicy,
    view: &View<'_>,
) -> Vec<Standing> {
    let Some(signer) = signer(records, policy, view) else {
        return Vec::new();
    };
    let standing = |(place, record): (usize, &KeyRecord)| {
        if place > signer {
            return Standing {
                state: KeyState::Published,
                until: Some(record.signs_from),
            };
        }
        let newer = records.iter().skip(place + 1);
        if place == signer {
            let planned = later(record.signs_from, policy.rotate_every);
            let until = newer.map(|newer| newer.signs_from).min();
            return Standing {
                state: KeyState::Active,
                until: Some(until.unwrap_or(planned)),
            };
        }
        // It stopped signing when the first newer key began to.
        let until_signer = newer.take(signer - place);
        let retired_at = until_signer.map(|newer| newer.signs_from).min();
        let end = later(retired_at.unwrap_or(record.signs_from), KEPT_FOR);
        if view.is_over(record, end) {
            return Standing {
                state: KeyState::Gone,
                until: None,
            };
        }
        Standing {
            state: KeyState::Retiring,
            until: Some(end),
        }
    };
    records.iter().enumerate().map(standing).collect()
}

/// The newest key whose time has come signs. Where none's has, because clocks disagree, it is the one whose comes first.
fn signer(records: &[KeyRecord], policy: &KeyPolicy, view: &View<'_>) -> Option<usize> {
    let ripe = records
        .iter()
        .rposition(|record| view.is_ripe(record, policy));
    let earlier = records
        .iter()
        .rposition(|record| Some(record.kid.as_str()) == view.signer);
    let first = || {
        let places = records.iter().enumerate();
        places
            .min_by_key(|(_, record)| record.signs_from)
            .map(|(place, _)| place)
    };
    ripe.max(earlier).or_else(first)
}

/// The key that is to sign next, if it does so within the time that a key waits; one that a wrong clock has dated far
/// into the future keeps nobody from making another.
pub(super) fn successor<'a>(
    records: &'a [KeyRecord],
    standings: &[Standing],
    policy: &KeyPolicy,
    now: Timestamp,
) -> Option<&'a KeyRecord> {
    let latest = later(now, policy.publish_before + CLOCK_SKEW);
    let published = records.iter().zip(standings);
    published
        .filter(|(_, standing)| standing.state == KeyState::Published)
        .map(|(record, _)| record)
        .find(|record| record.signs_from <= latest)
}

/// Whether it is time to publish a key: the active one will have signed long enough when the new one begins, or it is
/// of another kind than new keys are.
pub(super) fn is_rotation_due(
    records: &[KeyRecord],
    standings: &[Standing],
    policy: &KeyPolicy,
    now: Timestamp,
) -> bool {
    if successor(records, standings, policy, now).is_some() {
        return false;
    }
    let mut active = records.iter().zip(standings);
    let active = active.find(|(_, standing)| standing.state == KeyState::Active);
    active.is_none_or(|(active, _)| {
        let ends = later(active.signs_from, policy.rotate_every);
        active.algorithm != policy.algorithm || later(now, policy.publish_before) >= ends
    })
}

/// Brings what has records into their order: the oldest first. The name decides between equals, so that instances
/// agree.
pub(super) fn sort_by<T>(items: &mut [T], record: impl Fn(&T) -> &KeyRecord) {
    items.sort_by(|a, b| {
        let [a, b] = [a, b].map(|item| {
            let record = record(item);
            (record.published_at, record.kid.as_str())
        });
        a.cmp(&b)
    });
}

/// `moment` and `by` more; the end of the calendar where there is nothing later.
pub(super) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
