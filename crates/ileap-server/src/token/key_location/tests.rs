//! What every place for keys does, and what each does in its own way.

mod directory;

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::{
    store::sql::SqlStore,
    token::{
        KeyCipher, KeyPolicy, Revoked, Rotated,
        key_changes::{begin, kept, publish},
        list_keys, revoke_key, rotate_keys,
    },
};

const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const NOW: i64 = 1_800_000_000;
pub(super) const POLICY: KeyPolicy = KeyPolicy {
    algorithm: Algorithm::Es256,
    publish_before: std::time::Duration::from_hours(24),
    rotate_every: std::time::Duration::from_hours(90 * 24),
};

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).unwrap()
}

/// A place, as several processes see it.
struct Place {
    _root: TempDir,
    seen: Vec<Arc<dyn KeyLocation>>,
}

impl Place {
    async fn all() -> Vec<Self> {
        vec![Self::directory(), Self::store().await]
    }

    fn directory() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("keys");
        let see =
            || Arc::new(DirectoryKeys::new(&path, POLICY.publish_before)) as Arc<dyn KeyLocation>;
        Self {
            seen: (0..4).map(|_| see()).collect(),
            _root: root,
        }
    }

    async fn store() -> Self {
        let root = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", root.path().join("ileap.db").display());
        let mut seen = Vec::new();
        for _ in 0..4 {
            let store = Arc::new(SqlStore::open(&url).await.unwrap());
            let cipher = Arc::new(KeyCipher::from_base64(SECRET).unwrap());
            seen.push(Arc::new(StoredKeys::new(store, cipher)) as Arc<dyn KeyLocation>);
        }
        Self { _root: root, seen }
    }

    fn one(&self) -> &dyn KeyLocation {
        &*self.seen[0]
    }

    fn other(&self) -> &dyn KeyLocation {
        &*self.seen[1]
    }

    async fn states(&self, now: Timestamp) -> Vec<(String, &'static str)> {
        let listed = list_keys(self.other(), &POLICY, now).await.unwrap();
        let states = listed.keys.iter();
        states
            .map(|(record, standing)| (record.kid.clone(), standing.state.as_str()))
            .collect()
    }

    async fn begin(&self) -> String {
        let reading = begin(self.one(), None, &POLICY, at(0)).await.unwrap();
        assert_eq!(reading.keys.len(), 1);
        reading.keys[0].record.kid.clone()
    }
}

#[tokio::test]
async fn the_first_key_signs_at_once_and_is_found_by_the_next_who_comes() {
    for place in Place::all().await {
        let first = place.begin().await;
        assert_eq!(place.states(at(0)).await, [(first.clone(), "active")]);
        let again = begin(place.other(), None, &POLICY, at(5)).await.unwrap();
        assert_eq!(again.keys[0].record.kid, first);
        assert_eq!(again.keys[0].key.kid(), first);
    }
}

#[tokio::test]
async fn starts_at_the_same_moment_agree_on_one_key() {
    for place in Place::all().await {
        let starts = place.seen.iter().map(|location| {
            let location = location.clone();
            tokio::spawn(async move { begin(&*location, None, &POLICY, at(0)).await.unwrap() })
        });
        let mut kids = Vec::new();
        for start in starts.collect::<Vec<_>>() {
            let reading = start.await.unwrap();
            assert_eq!(reading.keys.len(), 1);
            kids.push(reading.keys[0].record.kid.clone());
        }
        assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    }
}

#[tokio::test]
async fn of_servers_that_find_a_rotation_due_at_once_one_makes_the_next_key() {
    for place in Place::all().await {
        place.begin().await;
        // All have looked before the first of them acts.
        let records = place.one().read().await.unwrap().records();
        let racers = place.seen.iter().map(|location| {
            let (location, records) = (location.clone(), records.clone());
            tokio::spawn(async move {
                publish(&*location, &records, &POLICY, at(100))
                    .await
                    .unwrap()
            })
        });
        let mut made = Vec::new();
        for racer in racers.collect::<Vec<_>>() {
            made.extend(racer.await.unwrap());
        }
        assert_eq!(made.len(), 1);
        let states = place.states(at(100)).await;
        assert_eq!(states[1], (made[0].kid.clone(), "published"));
        assert_eq!(states.len(), 2);
    }
}

#[tokio::test]
async fn rotating_twice_makes_one_key_that_waits_before_it_signs() {
    for place in Place::all().await {
        let first = place.begin().await;
        let Rotated::Begun(next) = rotate_keys(place.one(), &POLICY, at(0)).await.unwrap() else {
            panic!("nothing was under way");
        };
        assert_eq!(next.signs_from, at(86_400));
        let again = rotate_keys(place.other(), &POLICY, at(10)).await.unwrap();
        assert_eq!(again, Rotated::UnderWay(next.clone()));
        for (now, expected) in [
            (86_399, ["active", "published"]),
            (86_400, ["retiring", "active"]),
        ] {
            let states = place.states(at(now)).await;
            let [one, other] = expected;
            assert_eq!(states, [(first.clone(), one), (next.kid.clone(), other)]);
        }
    }
}

#[tokio::test]
async fn a_revoked_key_is_gone_and_the_next_signs_at_once() {
    for place in Place::all().await {
        let first = place.begin().await;
        let Rotated::Begun(next) = rotate_keys(place.one(), &POLICY, at(0)).await.unwrap() else {
            panic!("nothing was under way");
        };
        let revoked = revoke_key(place.one(), &POLICY, &first, at(10))
            .await
            .unwrap();
        let Revoked::Now { successor, .. } = revoked else {
            panic!("it was not revoked before");
        };
        assert_eq!(successor.unwrap().kid, next.kid);
        assert_eq!(place.states(at(10)).await, [(next.kid, "active")]);
        let listed = list_keys(place.other(), &POLICY, at(10)).await.unwrap();
        assert_eq!(listed.revoked.len(), 1);
        assert_eq!(
            (&listed.revoked[0].kid, listed.revoked[0].at),
            (&first, at(10))
        );
        assert!(place.one().private_key(&first).await.is_err());
        let again = revoke_key(place.other(), &POLICY, &first, at(20))
            .await
            .unwrap();
        assert!(matches!(again, Revoked::Before(before) if before.at == at(10)));
    }
}

#[tokio::test]
async fn where_nobody_waits_a_revoked_key_gets_a_successor_and_one_that_does_not_sign_gets_none() {
    for place in Place::all().await {
        let first = place.begin().await;
        let revoked = revoke_key(place.one(), &POLICY, &first, at(10))
            .await
            .unwrap();
        let Revoked::Now {
            successor: Some(second),
            ..
        } = revoked
        else {
            panic!("somebody signs");
        };
        assert_eq!(place.states(at(10)).await, [(second.kid.clone(), "active")]);
        rotate_keys(place.one(), &POLICY, at(20)).await.unwrap();
        let waiting = place.states(at(20)).await[1].0.clone();
        let revoked = revoke_key(place.one(), &POLICY, &waiting, at(30))
            .await
            .unwrap();
        assert!(matches!(
            revoked,
            Revoked::Now {
                successor: None,
                ..
            }
        ));
        assert_eq!(place.states(at(30)).await, [(second.kid, "active")]);
        let unknown = revoke_key(place.one(), &POLICY, "nobody", at(40)).await;
        assert!(matches!(unknown, Err(KeyError::Unknown { .. })));
    }
}

#[tokio::test]
async fn a_change_of_what_has_changed_meanwhile_is_not_made() {
    for place in Place::all().await {
        let first = place.begin().await;
        let stale = place.one().read().await.unwrap().records();
        rotate_keys(place.other(), &POLICY, at(0)).await.unwrap();
        let edit = Edit {
            remove: vec![first.clone()],
            ..Edit::default()
        };
        assert!(!place.one().apply(&stale, edit).await.unwrap());
        let records = place.one().read().await.unwrap().records();
        let edit = Edit {
            remove: vec![first],
            ..Edit::default()
        };
        assert!(place.one().apply(&records, edit).await.unwrap());
        assert_eq!(place.one().read().await.unwrap().keys.len(), 1);
    }
}

#[tokio::test]
async fn keys_move_from_one_place_to_the_other_with_all_they_have_signed() {
    let (directory, store) = (Place::directory(), Place::store().await);
    let first = directory.begin().await;
    rotate_keys(directory.one(), &POLICY, at(0)).await.unwrap();
    let moved = begin(store.one(), Some(directory.one()), &POLICY, at(60))
        .await
        .unwrap();
    assert_eq!(
        moved.records(),
        directory.one().read().await.unwrap().records()
    );
    let back = Place::directory();
    let moved = begin(back.one(), Some(store.one()), &POLICY, at(86_400))
        .await
        .unwrap();
    assert_eq!(moved.records()[0].kid, first);
    assert_eq!(moved.records().len(), 2);
    // Keys that are there already are not mixed with others.
    let kept = begin(
        back.one(),
        Some(Place::directory().one()),
        &POLICY,
        at(86_400),
    )
    .await;
    assert_eq!(kept.unwrap().records(), moved.records());
}

#[tokio::test]
async fn keys_in_the_store_open_with_their_own_secret_only() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("ileap.db");
    let url = format!("sqlite:{}", path.display());
    let store = Arc::new(SqlStore::open(&url).await.unwrap());
    let open = |secret: &str| {
        let cipher = Arc::new(KeyCipher::from_base64(secret).unwrap());
        StoredKeys::new(store.clone(), cipher)
    };
    let reading = begin(&open(SECRET), None, &POLICY, at(0)).await.unwrap();
    let pkcs8 = open(SECRET)
        .private_key(&reading.keys[0].record.kid)
        .await
        .unwrap();
    drop(reading);
    for name in ["ileap.db", "ileap.db-wal"] {
        let bytes = std::fs::read(root.path().join(name)).unwrap_or_default();
        assert!(
            !bytes
                .windows(32)
                .any(|window| pkcs8.windows(32).any(|part| part == window))
        );
    }
    let other = open("ODEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let error = begin(&other, None, &POLICY, at(0)).await.unwrap_err();
    assert!(matches!(error, KeyError::Sealed { .. }), "{error}");
}

#[tokio::test]
async fn keys_sealed_with_a_secret_that_is_gone_are_named_and_can_be_ended() {
    let root = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", root.path().join("ileap.db").display());
    let store = Arc::new(SqlStore::open(&url).await.unwrap());
    let open = |secret: &str| {
        let cipher = Arc::new(KeyCipher::from_base64(secret).unwrap());
        StoredKeys::new(store.clone(), cipher)
    };
    let before = open(SECRET);
    begin(&before, None, &POLICY, at(0)).await.unwrap();
    rotate_keys(&before, &POLICY, at(1)).await.unwrap();
    let sealed = before.read().await.unwrap().records();

    let after = open("ODEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let listed = list_keys(&after, &POLICY, at(10)).await.unwrap();
    assert_eq!((listed.keys.len(), &listed.unusable.len()), (0, &2));
    for (record, error) in listed.unusable.iter().zip(&listed.trouble) {
        assert!(sealed.contains(record));
        // The wrong file may merely have been copied: then nothing is to be ended.
        let said = error.to_string();
        assert!(
            said.contains(&record.kid) && said.contains("keys.encryption_key_file"),
            "{said}"
        );
        assert!(!said.contains("keys revoke"), "{said}");
    }
    let mut successors = Vec::new();
    for record in &sealed {
        let revoked = revoke_key(&after, &POLICY, &record.kid, at(20)).await;
        let Revoked::Now { successor, .. } = revoked.unwrap() else {
            panic!("it was not revoked before");
        };
        successors.extend(successor);
    }
    let begun = begin(&after, None, &POLICY, at(30)).await.unwrap();
    assert_eq!(begun.records(), successors);
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn sixty_four_keys_in_use_are_enough_and_those_that_are_gone_do_not_count() {
    let place = Place::directory();
    let key = |number: i64| KeyRecord {
        kid: format!("key-{number}"),
        algorithm: Algorithm::Es256,
        published_at: at(number),
        signs_from: at(number + 86_400),
    };
    // All but the last, which signs, are from long ago. None of these is where keys are kept.
    let gone: Vec<_> = (0..100).map(|number| key(number - 20_000_000)).collect();
    let in_use = |count| {
        let newest = (0..count).map(key);
        gone.iter().cloned().chain(newest).collect::<Vec<_>>()
    };
    let publish =
        async |records: &[KeyRecord]| publish(place.one(), records, &POLICY, at(100)).await;
    assert!(matches!(publish(&in_use(62)).await, Ok(None)));
    let error = publish(&in_use(63)).await.unwrap_err();
    assert!(matches!(error, KeyError::TooMany { .. }), "{error}");
}

#[tokio::test]
async fn whoever_only_looks_finds_the_keys_where_they_are_or_were_and_says_so_when_there_are_none()
{
    for place in Place::all().await {
        let nothing = kept(place.one(), Some(Place::directory().one())).await;
        assert!(matches!(nothing, Err(KeyError::NoneYet)));
        let first = place.begin().await;
        let (here, elsewhere) = (place.other(), Place::directory());
        for found in [
            kept(here, None).await,
            kept(here, Some(elsewhere.one())).await,
            kept(elsewhere.one(), Some(here)).await,
        ] {
            let keys = found.unwrap().keys;
            assert_eq!((keys.len(), &keys[0].record.kid), (1, &first));
        }
    }
}
