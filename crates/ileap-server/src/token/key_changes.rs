//! Changes to the keys: the first one, the next one, the end of one. The server and the command line make the same.

use jiff::Timestamp;

use super::{
    Algorithm, KeyError, KeyPolicy, KeyRecord, KeyState, Standing,
    key_life::{self, View},
    key_location::{Edit, KeyLocation, NewKey, Reading, RevokedKey},
};

/// How often a change is tried that others were faster with.
const TRIES: usize = 8;
/// Most keys that are in use at once. With the shortest `rotate_every` there are half as many.
const MOST_KEYS: usize = 64;
/// A key that has to sign at once does so for this long already, so that a clock that is late does not keep it back.
const HEAD_START: std::time::Duration = std::time::Duration::from_mins(1);

/// The keys, as they are listed for the operator.
#[derive(Debug)]
pub struct KeyList {
    /// Those that are kept, the oldest first.
    pub keys: Vec<(KeyRecord, Standing)>,
    /// Those that are kept and cannot be used.
    pub unusable: Vec<KeyRecord>,
    /// Why not, and what else is wrong.
    pub trouble: Vec<KeyError>,
    /// Those that count no longer.
    pub revoked: Vec<RevokedKey>,
    /// Whether the next key should have been published by now.
    pub is_overdue: bool,
}

/// What `rotate` did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rotated {
    /// This key was made; it signs from its time on.
    Begun(KeyRecord),
    /// This key had been made before, and its time will come.
    UnderWay(KeyRecord),
}

/// What `revoke` did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revoked {
    /// It had been revoked before.
    Before(RevokedKey),
    /// It counts no longer; where it signed, this one does now.
    Now {
        /// The key.
        revoked: RevokedKey,
        /// Who signs in its place.
        successor: Option<KeyRecord>,
    },
}

/// Every key and its state. Nothing is made.
pub async fn list_keys(
    location: &dyn KeyLocation,
    policy: &KeyPolicy,
    now: Timestamp,
) -> Result<KeyList, KeyError> {
    let reading = location.read().await?;
    let records = reading.usable();
    let standings = standings(&records, policy, now);
    // A server publishes a key in the moment it is due, or a minute later when others were faster.
    let a_while_ago = now.checked_sub(HEAD_START * 10).unwrap_or(now);
    Ok(KeyList {
        is_overdue: key_life::is_rotation_due(&records, &standings, policy, a_while_ago),
        keys: records.into_iter().zip(standings).collect(),
        unusable: reading.unusable,
        trouble: reading.trouble,
        revoked: reading.revoked,
    })
}

/// Publishes the next key, unless there is one already.
pub async fn rotate_keys(
    location: &dyn KeyLocation,
    policy: &KeyPolicy,
    now: Timestamp,
) -> Result<Rotated, KeyError> {
    for _ in 0..TRIES {
        let records = location.read().await?.sound()?.records();
        let standings = standings(&records, policy, now);
        if let Some(next) = key_life::successor(&records, &standings, policy, now) {
            return Ok(Rotated::UnderWay(next.clone()));
        }
        if let Some(made) = publish(location, &records, policy, now).await? {
            return Ok(Rotated::Begun(made));
        }
    }
    Err(KeyError::Contended)
}

/// Ends a key at once, whatever is wrong with it or with others. Where it signs, the next one does from now on; where
/// there is none that can be used, it is made.
pub async fn revoke_key(
    location: &dyn KeyLocation,
    policy: &KeyPolicy,
    kid: &str,
    now: Timestamp,
) -> Result<Revoked, KeyError> {
    for _ in 0..TRIES {
        let reading = location.read().await?;
        let records = reading.records();
        if let Some(before) = reading.revoked.iter().find(|revoked| revoked.kid == kid) {
            // Whoever revoked it may have ended before its file was gone.
            location.apply(&records, Edit::default()).await?;
            return Ok(Revoked::Before(before.clone()));
        }
        let record = records.iter().find(|record| record.kid == kid);
        let Some(record) = record else {
            return Err(KeyError::Unknown {
                kid: kid.to_owned(),
            });
        };
        let revoked = RevokedKey {
            kid: record.kid.clone(),
            algorithm: record.algorithm,
            at: now,
        };
        let (mut edit, successor) = succession(&reading, record, policy, now).await?;
        edit.revoke = Some(revoked.clone());
        if location.apply(&records, edit).await? {
            return Ok(Revoked::Now { revoked, successor });
        }
    }
    Err(KeyError::Contended)
}

/// Who signs in the place of a key that goes, and what that takes: nobody where another signs.
async fn succession(
    reading: &Reading,
    going: &KeyRecord,
    policy: &KeyPolicy,
    now: Timestamp,
) -> Result<(Edit, Option<KeyRecord>), KeyError> {
    let mut edit = Edit::default();
    let usable = reading.usable();
    let standings = standings(&usable, policy, now);
    let places = || usable.iter().zip(&standings);
    let mut active = places().filter(|(_, standing)| standing.state == KeyState::Active);
    if active
        .next()
        .is_some_and(|(active, _)| active.kid != going.kid)
    {
        return Ok((edit, None));
    }
    let signs_from = now.checked_sub(HEAD_START).unwrap_or(now);
    let mut waiting = places().filter(|(_, standing)| standing.state == KeyState::Published);
    if let Some((next, _)) = waiting.next() {
        edit.signs_from = Some((next.kid.clone(), signs_from));
        let successor = KeyRecord {
            signs_from,
            ..next.clone()
        };
        return Ok((edit, Some(successor)));
    }
    let new = generate(
        policy.algorithm,
        published_at(&reading.records(), now),
        signs_from,
    )
    .await?;
    let successor = new.record.clone();
    edit.add.push(new);
    Ok((edit, Some(successor)))
}

/// Publishes a key if the keys are still `records`: it signs once it has been there for as long as it must. `None`
/// means that others were faster.
pub(super) async fn publish(
    location: &dyn KeyLocation,
    records: &[KeyRecord],
    policy: &KeyPolicy,
    now: Timestamp,
) -> Result<Option<KeyRecord>, KeyError> {
    let standings = standings(records, policy, now);
    let in_use = standings
        .iter()
        .filter(|standing| standing.state != KeyState::Gone);
    let count = in_use.count();
    if count >= MOST_KEYS {
        return Err(KeyError::TooMany { count });
    }
    // The first key of all has nobody to wait for.
    let signs_from = if records.is_empty() {
        now
    } else {
        key_life::later(now, policy.publish_before)
    };
    let new = generate(policy.algorithm, published_at(records, now), signs_from).await?;
    let record = new.record.clone();
    let edit = Edit {
        add: vec![new],
        ..Edit::default()
    };
    let is_made = location.apply(records, edit).await?;
    Ok(is_made.then_some(record))
}

/// The keys to begin with: those that are there, else those of `elsewhere`, where they were kept before, else a new
/// one.
pub(super) async fn begin(
    location: &dyn KeyLocation,
    elsewhere: Option<&dyn KeyLocation>,
    policy: &KeyPolicy,
    now: Timestamp,
) -> Result<Reading, KeyError> {
    for _ in 0..TRIES {
        let reading = location.read().await?.sound()?;
        if !reading.keys.is_empty() {
            return Ok(reading);
        }
        let mut moved = Vec::new();
        if let Some(elsewhere) = elsewhere {
            moved = usable_keys(elsewhere, policy, now).await?;
        }
        if moved.is_empty() {
            publish(location, &[], policy, now).await?;
            continue;
        }
        let count = moved.len();
        let edit = Edit {
            add: moved,
            ..Edit::default()
        };
        if location.apply(&[], edit).await? {
            tracing::info!(
                keys = count,
                "signing keys have moved here; remove them where they were once no instance has its keys there any more"
            );
        }
    }
    Err(KeyError::Contended)
}

/// The keys that [`begin`] would begin with, if there are any.
pub(super) async fn kept(
    location: &dyn KeyLocation,
    elsewhere: Option<&dyn KeyLocation>,
) -> Result<Reading, KeyError> {
    for place in std::iter::once(location).chain(elsewhere) {
        let reading = place.read().await?.sound()?;
        if !reading.keys.is_empty() {
            return Ok(reading);
        }
    }
    Err(KeyError::NoneYet)
}

/// The keys of a place that are not gone, the newest first.
async fn usable_keys(
    place: &dyn KeyLocation,
    policy: &KeyPolicy,
    now: Timestamp,
) -> Result<Vec<NewKey>, KeyError> {
    let records = place.read().await?.sound()?.records();
    let standings = standings(&records, policy, now);
    let mut keys = Vec::new();
    for (record, standing) in records.into_iter().zip(standings).rev() {
        if standing.state != KeyState::Gone {
            let pkcs8 = place.private_key(&record.kid).await?;
            keys.push(NewKey { record, pkcs8 });
        }
    }
    Ok(keys)
}

fn standings(records: &[KeyRecord], policy: &KeyPolicy, now: Timestamp) -> Vec<Standing> {
    View::fresh(now, |view| key_life::standings(records, policy, view))
}

/// Now, or just after the newest key, so that the order of keys is the order in which they were made.
fn published_at(records: &[KeyRecord], now: Timestamp) -> Timestamp {
    let after_newest = |newest: &KeyRecord| {
        key_life::later(newest.published_at, std::time::Duration::from_millis(1))
    };
    records
        .last()
        .map(after_newest)
        .map_or(now, |after| after.max(now))
}

async fn generate(
    algorithm: Algorithm,
    published_at: Timestamp,
    signs_from: Timestamp,
) -> Result<NewKey, KeyError> {
    let work = move || NewKey::generate(algorithm, published_at, signs_from);
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(KeyError::Generation { algorithm }))
}
