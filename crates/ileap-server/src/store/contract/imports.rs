//! Imports happen as a whole.

use super::*;
use crate::store::ImportSummary;

pub(super) async fn are_whole_or_not_at_all(store: &dyn Store) {
    let new = another(0xffff, "2024-01-01T00:00:00Z");
    let mut conflicting = footprints()[0].clone();
    conflicting["comment"] = json!("the same version, another content");
    let refused = store
        .import(&[object(new.clone()), object(conflicting)])
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::Unacceptable { index: 1, .. })
    ));
    let id = new["id"].as_str().unwrap();
    assert!(
        store
            .footprint(&Visibility::everything(), id)
            .await
            .unwrap()
            .is_none()
    );
}

pub(super) async fn that_are_dropped_never_were(store: &dyn Store) {
    let new = another(0xfffe, "2024-01-01T00:00:00Z");
    let id = new["id"].as_str().unwrap().to_owned();
    let activity = tads()[0]["activityId"].as_str().unwrap().to_owned();
    let before = number_of_tads(store).await;
    for is_kept in [false, true] {
        let mut transaction = store.begin_import().await.unwrap();
        assert!(transaction.footprint(&id).await.unwrap().is_none());
        assert_eq!(
            transaction.write(&[object(new.clone())]).await.unwrap(),
            ImportSummary {
                added: 1,
                ..ImportSummary::default()
            }
        );
        // It sees what it does, in batches.
        let written = transaction.footprint(&id.to_uppercase()).await.unwrap();
        assert_eq!(written.unwrap(), object(new.clone()).json);
        let again = transaction.write(&[object(new.clone())]).await.unwrap();
        assert_eq!((again.added, again.unchanged), (0, 1));
        assert!(transaction.delete_tad(&activity).await.unwrap());
        assert!(!transaction.delete_tad(&activity).await.unwrap());
        if is_kept {
            transaction.commit().await.unwrap();
        } else {
            drop(transaction);
        }
        let found = store.footprint(&Visibility::everything(), &id).await;
        assert_eq!(found.unwrap().is_some(), is_kept);
        assert_eq!(
            number_of_tads(store).await,
            before - usize::from(is_kept),
            "activities"
        );
    }
    let value = tads()[0].clone();
    let json = Bytes::from(value.to_string());
    let kind = ImportKind::Tad;
    let restored = store.import(&[ImportObject { kind, value, json }]).await;
    assert_eq!(restored.unwrap().added, 1);
}

/// PACT v2.3, footprint life cycle: an update is later than what it replaces, and nothing follows a deprecated
/// version.
pub(super) async fn follow_the_life_cycle(store: &dyn Store) {
    let mut value = another(0xfffd, "2024-01-01T00:00:00Z");
    value.as_object_mut().unwrap().remove("updated");
    value["version"] = json!(0);
    store.import(&[object(value.clone())]).await.unwrap();
    let refused = async |value: &Value, expected: &str| {
        let refused = store.import(&[object(value.clone())]).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    };
    value["version"] = json!(1);
    refused(&value, "without `updated`").await;
    value["updated"] = json!("2024-03-01T00:00:00Z");
    store.import(&[object(value.clone())]).await.unwrap();
    for early in ["2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"] {
        let mut value = value.clone();
        value["version"] = json!(2);
        value["updated"] = json!(early);
        refused(&value, "`updated` that is not earlier").await;
    }
    value["version"] = json!(2);
    value["updated"] = json!("2024-03-01T00:00:00.0000001Z");
    value["status"] = json!("Deprecated");
    for unchanged in [0, 1] {
        let kept = store.import(&[object(value.clone())]).await.unwrap();
        assert_eq!(kept.unchanged, unchanged);
    }
    value["version"] = json!(3);
    value["updated"] = json!("2024-04-01T00:00:00Z");
    for status in ["Active", "Deprecated"] {
        value["status"] = json!(status);
        refused(&value, "was withdrawn").await;
    }
}

/// A shipment refers to TOCs and HOCs; a version without the id it refers to leaves it alone.
pub(super) async fn know_what_they_leave_open(store: &dyn Store) {
    let is_shipment = |value: &&Value| value.to_string().contains("shipment-footprint.json");
    let shipment = footprints().iter().find(is_shipment).unwrap().clone();
    let id = shipment["id"].as_str().unwrap().to_owned();
    let tce = &shipment["extensions"][0]["data"]["tces"][0];
    let toc_id = tce["tocId"].as_str().unwrap().to_owned();
    let ids = std::slice::from_ref(&toc_id);
    let around = store.around("toc", ids).await.unwrap();
    let [toc] = around.as_slice() else {
        panic!("{around:?}")
    };
    let toc: Value = serde_json::from_slice(toc).unwrap();
    assert_eq!(toc["extensions"][0]["data"]["tocId"], toc_id);
    assert!(store.around("hoc", ids).await.unwrap().is_empty());
    assert!(store.around("toc", &[]).await.unwrap().is_empty());
    let hostile = ["'".to_owned(), "\u{0}".to_owned(), "%".to_owned()];
    assert!(store.around("toc", &hostile).await.unwrap().is_empty());

    let mut renamed = toc.clone();
    renamed["version"] = json!(renamed["version"].as_u64().unwrap() + 1);
    renamed["updated"] = json!("2030-01-01T00:00:00Z");
    let mut deprecated = renamed.clone();
    deprecated["status"] = json!("Deprecated");
    renamed["extensions"][0]["data"]["tocId"] = json!("renamed");
    let left_open = async |value: &Value| {
        let mut transaction = store.begin_import().await.unwrap();
        transaction.write(&[object(value.clone())]).await.unwrap();
        transaction.open_references().await.unwrap()
    };
    let open = left_open(&renamed).await;
    let [open] = open.as_slice() else {
        panic!("{open:?}")
    };
    assert_eq!((open.kind, &open.object_id), ("toc", &toc_id));
    let shipments: Vec<_> = footprints()
        .into_iter()
        .filter(|value| {
            value
                .to_string()
                .contains(&format!("\"tocId\":\"{toc_id}\""))
        })
        .map(|value| value["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(shipments.contains(&id) && shipments.contains(&open.shipment));
    assert_eq!(left_open(&deprecated).await, []);
    let mut lost = another(0xfffc, "2024-01-01T00:00:00Z");
    lost["extensions"] = shipment["extensions"].clone();
    lost["extensions"][0]["data"]["tces"][0]["tocId"] = json!("nowhere");
    let open = left_open(&lost).await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].object_id, "nowhere");
}

/// How many activities there are.
/// Activities are found by what they say, not by what they said earlier in the same file, and those that go in it
/// by nothing.
pub(super) async fn find_activities_by_their_last_version(store: &dyn Store) {
    let mut value = tads()[0].clone();
    value["origin"]["city"] = json!("Atlantis");
    let version = |id: &str, mass: u32| {
        let mut value = value.clone();
        value["activityId"] = json!(id);
        value["mass"] = json!(mass);
        let json = Bytes::from(value.to_string());
        let kind = ImportKind::Tad;
        ImportObject { kind, value, json }
    };
    let mut transaction = store.begin_import().await.unwrap();
    let twice = [
        version("twice", 101),
        version("twice", 102),
        version("gone", 103),
    ];
    let summary = transaction.write(&twice).await.unwrap();
    assert_eq!((summary.added, summary.updated), (2, 1));
    assert!(transaction.delete_tad("gone").await.unwrap());
    transaction.write(&[version("twice", 104)]).await.unwrap();
    transaction.commit().await.unwrap();
    for (name, text, expected) in [
        ("origin.city", "Atlantis", ["twice"].as_slice()),
        ("mass", "104", &["twice"]),
        ("mass", "101", &[]),
        ("mass", "102", &[]),
        ("mass", "103", &[]),
    ] {
        let filter = TadFilter::parse(&[(name.to_owned(), text.to_owned())]).unwrap();
        let found = walk_activities(store, &filter, 10).await;
        assert_eq!(found, expected, "{name} {text}");
    }
    let mut transaction = store.begin_import().await.unwrap();
    assert!(transaction.delete_tad("twice").await.unwrap());
    transaction.commit().await.unwrap();
}

async fn number_of_tads(store: &dyn Store) -> usize {
    let page = store
        .tads(&Visibility::everything(), &every_tad(), &first(1000))
        .await;
    ids(&page.unwrap(), "activityId").len()
}
