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

/// How many activities there are.
async fn number_of_tads(store: &dyn Store) -> usize {
    let page = store
        .tads(&Visibility::everything(), &every_tad(), &first(1000))
        .await;
    ids(&page.unwrap(), "activityId").len()
}
