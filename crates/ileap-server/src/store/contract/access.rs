//! Access rules open what they name, and nothing else.

mod reference;

use super::*;
use crate::access::{Opened, Period, RuleReach};

/// What a recipient with one role sees: ids of footprints and of activities.
async fn seen(store: &dyn Store, role: Role, recipient: &str) -> (Vec<String>, Vec<String>) {
    seen_in_pages(store, role, recipient, 3).await
}

async fn seen_in_pages(
    store: &dyn Store,
    role: Role,
    recipient: &str,
    limit: usize,
) -> (Vec<String>, Vec<String>) {
    let principal = principal(&[role], recipient);
    let visibility = Visibility::of(&principal, store).await.unwrap();
    let (mut listed, mut query) = (Vec::new(), first(limit));
    loop {
        let page = store.footprints(&visibility, &all(), &query).await.unwrap();
        listed.extend(ids(&page, "id"));
        let Some(position) = page.next else { break };
        query.after = Some(position);
    }
    let (mut activities, mut query) = (Vec::new(), first(limit));
    loop {
        let page = store.tads(&visibility, &every_tad(), &query).await.unwrap();
        activities.extend(ids(&page, "activityId"));
        let Some(position) = page.next else { break };
        query.after = Some(position);
    }
    (listed, activities)
}

async fn kinds_seen(store: &dyn Store, role: Role, recipient: &str) -> Vec<String> {
    let (listed, _) = seen(store, role, recipient).await;
    let all = footprints();
    let object = |id: &String| {
        let footprint = all
            .iter()
            .find(|footprint| footprint["id"] == **id)
            .unwrap();
        let data = &footprint["extensions"][0]["data"];
        let id = ["shipmentId", "tocId", "hocId"].map(|member| data[member].as_str());
        id.into_iter()
            .flatten()
            .next()
            .unwrap_or("generic")
            .to_owned()
    };
    let mut objects: Vec<_> = listed.iter().map(object).collect();
    objects.sort();
    objects
}

fn shipment_and_references(store: &[Value]) -> (String, Vec<String>, String) {
    let found = store.iter().find(|footprint| {
        let tces = &footprint["extensions"][0]["data"]["tces"];
        tces.as_array().is_some_and(|tces| tces.len() == 3)
    });
    let data = &found.unwrap()["extensions"][0]["data"];
    let tces = data["tces"].as_array().unwrap();
    let mut references: Vec<_> = tces
        .iter()
        .flat_map(|tce| [tce["tocId"].as_str(), tce["hocId"].as_str()])
        .flatten()
        .map(str::to_owned)
        .collect();
    references.sort();
    references.dedup();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&data["shipmentId"]),
        references,
        text(&tces[0]["consignmentId"]),
    )
}

pub(super) async fn rules_open_what_they_name(store: &dyn Store) {
    let (shipment, references, consignment) = shipment_and_references(&footprints());
    let mut whole = references.clone();
    whole.push(shipment.clone());
    whole.sort();
    for rule in [
        AccessRule::Shipment(shipment.clone()),
        AccessRule::Consignment(consignment.clone()),
    ] {
        let rules = [rule];
        assert_eq!(store.allow("org_shipper", &rules).await.unwrap(), 1);
        assert_eq!(store.allow("org_shipper", &rules).await.unwrap(), 0);
        assert_eq!(store.access_rules("org_shipper").await.unwrap(), rules);
        let reach = store.rule_reach("org_shipper").await.unwrap();
        assert_eq!(reach, RuleReach::Objects);
        assert_eq!(kinds_seen(store, Role::User, "org_shipper").await, whole);
        assert_eq!(
            kinds_seen(store, Role::Operator, "org_shipper").await,
            whole
        );
        let organizer = kinds_seen(store, Role::Organizer, "org_shipper").await;
        assert_eq!(organizer, references);
        let opened = store.opened("org_shipper").await.unwrap();
        assert_eq!(opened.shipments, 1);
        assert_eq!(opened.tocs + opened.hocs, references.len() as u64);
        // A stranger of the same role sees nothing of it.
        assert!(kinds_seen(store, Role::User, "org_other").await.is_empty());
        // By naming the rules, or all at once.
        let removed = if rules == [AccessRule::Consignment(consignment.clone())] {
            store.disallow_all("org_shipper").await.unwrap()
        } else {
            store.disallow("org_shipper", &rules).await.unwrap()
        };
        assert_eq!(removed, 1);
        assert!(
            kinds_seen(store, Role::User, "org_shipper")
                .await
                .is_empty()
        );
        assert_eq!(
            store.opened("org_shipper").await.unwrap(),
            Opened::default()
        );
    }
    a_toc_is_for_those_whose_roles_open_tocs(store, &references).await;
    activities_are_opened_by_id_by_consignment_and_by_time(store).await;
}

async fn a_toc_is_for_those_whose_roles_open_tocs(store: &dyn Store, references: &[String]) {
    let toc = references.iter().find(|id| id.contains("toc")).unwrap();
    let rules = [AccessRule::Toc(toc.clone())];
    store.allow("org_buyer", &rules).await.unwrap();
    for (role, objects) in [
        (Role::Organizer, vec![toc.clone()]),
        (Role::Operator, vec![toc.clone()]),
        (Role::User, vec![]),
    ] {
        assert_eq!(
            kinds_seen(store, role, "org_buyer").await,
            objects,
            "{role:?}"
        );
    }
    // A generic footprint is for the role that needs no rule.
    let generic = footprints()[0]["id"].as_str().unwrap().parse().unwrap();
    let generic = [AccessRule::Footprint(generic)];
    store.allow("org_buyer", &generic).await.unwrap();
    assert_eq!(
        kinds_seen(store, Role::Operator, "org_buyer").await,
        std::slice::from_ref(toc)
    );
    let recipients = store.recipients().await.unwrap();
    assert!(
        recipients.contains(&("org_buyer".to_owned(), 2)),
        "{recipients:?}"
    );
}

async fn activities_are_opened_by_id_by_consignment_and_by_time(store: &dyn Store) {
    let (_, stored) = seen(store, Role::All, "org_reader").await;
    let tads = tads();
    let one = tads
        .iter()
        .find(|tad| stored.iter().any(|id| tad["activityId"] == **id));
    let one = one.unwrap();
    let id = one["activityId"].as_str().unwrap().to_owned();
    let departs: Timestamp = one["departureAt"].as_str().unwrap().parse().unwrap();
    let arrives: Timestamp = one["arrivalAt"].as_str().unwrap().parse().unwrap();
    let second = jiff::SignedDuration::from_secs(1);
    let period = |from, until| AccessRule::Period(Period { from, until });
    for (rule, opens) in [
        (AccessRule::Tad(id.clone()), true),
        (AccessRule::Tad(id.to_uppercase()), false),
        (
            AccessRule::Consignment(one["consignmentIds"][0].as_str().unwrap().to_owned()),
            true,
        ),
        (period(Some(departs), Some(departs + second)), true),
        (period(Some(arrives), None), true),
        (period(None, Some(departs)), false),
        (period(Some(arrives + second), None), false),
    ] {
        let rules = [rule];
        store.allow("org_reader", &rules).await.unwrap();
        for role in [Role::User, Role::Organizer, Role::Operator] {
            let (_, activities) = seen(store, role, "org_reader").await;
            assert_eq!(activities.contains(&id), opens, "{rules:?}");
        }
        assert_eq!(store.access_rules("org_reader").await.unwrap(), rules);
        store.disallow("org_reader", &rules).await.unwrap();
        let (_, activities) = seen(store, Role::User, "org_reader").await;
        assert!(activities.is_empty());
    }
}

pub(super) async fn agrees_with_the_reference(store: &dyn Store) {
    for seed in 1..=3 {
        reference::walk(store, seed).await;
    }
}
