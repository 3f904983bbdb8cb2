//! Signing keys, as every store keeps them.

use jiff::Timestamp;

use crate::{
    store::{
        Store,
        keys::{KeyChange, KeyRow, NewKeyRow},
    },
    token::{Algorithm, KeyRecord},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn record(kid: &str, second: i64) -> KeyRecord {
    KeyRecord {
        kid: kid.to_owned(),
        algorithm: Algorithm::EdDsa,
        published_at: at(second),
        signs_from: at(second + 60),
    }
}

fn adding(record: &KeyRecord) -> KeyChange {
    KeyChange {
        add: vec![NewKeyRow {
            record: record.clone(),
            sealed: record.kid.as_bytes().to_vec(),
        }],
        ..KeyChange::default()
    }
}

async fn rows(store: &dyn Store) -> Vec<KeyRow> {
    let mut rows = store.signing_keys().await.unwrap();
    rows.sort_by(|a, b| a.record.kid.cmp(&b.record.kid));
    rows
}

pub(super) async fn are_changed_by_one_at_a_time(store: &dyn Store) {
    changes_are_made_to_what_is_expected_only(store).await;
    a_revoked_key_keeps_its_name_and_nothing_else(store).await;
    of_many_who_expect_the_same_one_makes_its_change(store).await;
}

async fn changes_are_made_to_what_is_expected_only(store: &dyn Store) {
    let (a, b) = (record("a", 0), record("b", 1));
    assert!(rows(store).await.is_empty());
    assert!(store.change_signing_keys(&[], &adding(&a)).await.unwrap());
    assert!(!store.change_signing_keys(&[], &adding(&b)).await.unwrap());
    let older = KeyRecord {
        signs_from: at(7),
        ..a.clone()
    };
    let changed = store.change_signing_keys(&[older], &adding(&b)).await;
    assert!(!changed.unwrap());
    let changed = store
        .change_signing_keys(std::slice::from_ref(&a), &adding(&b))
        .await;
    assert!(changed.unwrap());
    let later = KeyChange {
        signs_from: Some(("b".to_owned(), at(9))),
        ..KeyChange::default()
    };
    // In any order.
    let expected = [b.clone(), a.clone()];
    assert!(store.change_signing_keys(&expected, &later).await.unwrap());
    let b = KeyRecord {
        signs_from: at(9),
        ..b
    };
    let records: Vec<_> = rows(store)
        .await
        .into_iter()
        .map(|row| row.record)
        .collect();
    assert_eq!(records, [a, b]);
    let sealed = store.sealed_signing_key("b").await.unwrap();
    assert_eq!(sealed.unwrap(), b"b");
    assert!(store.sealed_signing_key("c").await.unwrap().is_none());
}

async fn a_revoked_key_keeps_its_name_and_nothing_else(store: &dyn Store) {
    let before: Vec<_> = rows(store)
        .await
        .into_iter()
        .map(|row| row.record)
        .collect();
    let revoke = KeyChange {
        revoke: Some(("a".to_owned(), at(100))),
        ..KeyChange::default()
    };
    assert!(store.change_signing_keys(&before, &revoke).await.unwrap());
    let after = rows(store).await;
    let revoked: Vec<_> = after.iter().map(|row| row.revoked_at).collect();
    assert_eq!(revoked, [Some(at(100)), None]);
    assert!(store.sealed_signing_key("a").await.unwrap().is_none());
    // What is expected are the keys that count.
    let remove = KeyChange {
        remove: vec!["b".to_owned()],
        ..KeyChange::default()
    };
    assert!(
        store
            .change_signing_keys(&before[1..], &remove)
            .await
            .unwrap()
    );
    assert_eq!(rows(store).await.len(), 1);
}

async fn of_many_who_expect_the_same_one_makes_its_change(store: &dyn Store) {
    let changes: Vec<_> = (0..6)
        .map(|number| adding(&record(&format!("race {number}"), 200)))
        .collect();
    let racers = changes
        .iter()
        .map(|change| store.change_signing_keys(&[], change));
    let won = futures_util::future::join_all(racers).await;
    assert_eq!(
        won.into_iter().filter(|won| *won.as_ref().unwrap()).count(),
        1
    );
    assert_eq!(rows(store).await.len(), 2);
}
