//! Pages go on where the last one ended, whatever has happened in between.

use super::{dice::Dice, *};

fn activity(id: &str) -> ImportObject {
    let mut value = tads()[0].clone();
    value["activityId"] = json!(id);
    value["consignmentIds"] = json!(["paged"]);
    ImportObject {
        kind: ImportKind::Tad,
        json: Bytes::from(value.to_string()),
        value,
    }
}

pub(super) async fn holds_while_objects_and_grants_change(store: &dyn Store) {
    footprints_get_new_versions(store).await;
    activities_come_and_go(store).await;
    grants_come_and_go(store).await;
}

/// All that a filter finds, with a change after each page.
async fn footprints_get_new_versions(store: &dyn Store) {
    let mut stored: Vec<Value> = (0..12)
        .map(|number| {
            let mut footprint = another(0x6000 + number, "2024-02-02T00:00:00Z");
            footprint["productIds"] = json!(["urn:paged"]);
            footprint
        })
        .collect();
    let objects: Vec<_> = stored.iter().cloned().map(object).collect();
    store.import(&objects).await.unwrap();
    let filter = FootprintFilter::parse("productIds/any(v:(v eq 'urn:paged'))").unwrap();
    let before = walk(store, &filter, 100).await;
    assert_eq!(before.len(), stored.len());
    let mut dice = Dice::new(3);
    let (mut found, mut query) = (Vec::new(), first(2));
    loop {
        let page = store
            .footprints(&Visibility::everything(), &filter, &query)
            .await
            .unwrap();
        found.extend(ids(&page, "id"));
        for _ in 0..3 {
            let place = usize::try_from(dice.below(12)).unwrap();
            let version = stored[place]["version"].as_u64().unwrap();
            stored[place]["version"] = json!(version + 1);
            // A new version says when it was made.
            stored[place]["updated"] = json!(format!("2024-06-01T00:00:{:02}Z", version % 60));
            store
                .import(&[object(stored[place].clone())])
                .await
                .unwrap();
        }
        let Some(position) = page.next else { break };
        query.after = Some(position);
    }
    assert_eq!(found, before, "a new version stays where it was");
}

async fn activities_come_and_go(store: &dyn Store) {
    let id = |number: u64| format!("paged-{number:03}");
    let stay: Vec<String> = (0..20).map(|number| id(number * 10)).collect();
    let objects: Vec<_> = stay.iter().map(|id| activity(id)).collect();
    store.import(&objects).await.unwrap();
    let filter = [("consignmentId".to_owned(), "paged".to_owned())];
    let filter = TadFilter::parse(&filter).unwrap();
    let mut dice = Dice::new(4);
    let (mut found, mut query) = (Vec::new(), first(3));
    loop {
        let page = store
            .tads(&Visibility::everything(), &filter, &query)
            .await
            .unwrap();
        found.extend(ids(&page, "activityId"));
        // Among those is now and then the very one at which the page ended.
        let (new, old) = (dice.below(20) * 10 + 1 + dice.below(9), dice.below(200));
        store.import(&[activity(&id(new))]).await.unwrap();
        let mut transaction = store.begin_import().await.unwrap();
        if !stay.contains(&id(old)) {
            transaction.delete_tad(&id(old)).await.unwrap();
        }
        if let Some(last) = found.last().filter(|last| !stay.contains(last)) {
            transaction.delete_tad(last).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let Some(position) = page.next else { break };
        query.after = Some(position);
    }
    assert!(found.is_sorted(), "{found:?}");
    let mut once = found.clone();
    once.dedup();
    assert_eq!(once, found, "nothing twice");
    assert!(stay.iter().all(|id| found.contains(id)), "nothing missed");
}

async fn grants_come_and_go(store: &dyn Store) {
    let tocs: Vec<Value> = (0..10)
        .map(|number| {
            let all = footprints();
            let toc = all
                .iter()
                .find(|one| one["extensions"][0]["data"].get("tocId").is_some());
            let mut toc = toc.unwrap().clone();
            toc["id"] = json!(format!(
                "{:08x}-0000-4000-8000-000000000000",
                0x5000 + number
            ));
            toc["extensions"][0]["data"]["tocId"] = json!(format!("paged-toc-{number}"));
            toc
        })
        .collect();
    let objects: Vec<_> = tocs.iter().cloned().map(object).collect();
    store.import(&objects).await.unwrap();
    let rule = |number: usize| AccessRule::Toc(format!("paged-toc-{number}"));
    let all_rules: Vec<_> = (0..10).map(rule).collect();
    store.allow("org_paged", &all_rules).await.unwrap();
    let principal = principal(&[Role::Organizer], "org_paged");
    let visibility = Visibility::of(&principal, store).await.unwrap();
    let whole = walk_as(store, &visibility, &all(), 100).await;
    assert_eq!(whole.len(), 10);
    let page = store
        .footprints(&visibility, &all(), &first(4))
        .await
        .unwrap();
    assert_eq!(ids(&page, "id"), whole[..4]);
    // What was seen is taken away, with the one at which the page ended, and one that was to come.
    store
        .disallow("org_paged", &[rule(0), rule(3), rule(5)])
        .await
        .unwrap();
    let rest = PageQuery {
        after: page.next,
        ..first(100)
    };
    let found = store.footprints(&visibility, &all(), &rest).await.unwrap();
    let expected = [&whole[4..5], &whole[6..]].concat();
    assert_eq!(ids(&found, "id"), expected);
    store.disallow_all("org_paged").await.unwrap();
    let found = store.footprints(&visibility, &all(), &rest).await.unwrap();
    assert!(found.objects.is_empty() && found.next.is_none());
}
