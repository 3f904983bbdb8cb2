//! What an earlier version has left, which kept moments in nanoseconds and grants without their kind.

use super::super::SqlStore;
use crate::{
    access::{AccessRule, Period, Visibility},
    identity::Role,
    import,
    store::{access::AccessRules as _, contract},
};

/// Writes what this version has left in the schema `now` as version 6 would have left it.
pub(super) const AS_LEFT: [&str; 10] = [
    "INSERT INTO footprints SELECT id, version, created * 100, updated * 100, status, kind, object_id, cpc, country, \
     period_start * 100, period_end * 100, json FROM now.footprints",
    "INSERT INTO footprint_ids SELECT list, value, created * 100, footprint FROM now.footprint_ids",
    "INSERT INTO shipment_references SELECT * FROM now.shipment_references",
    "INSERT INTO footprint_consignments SELECT * FROM now.footprint_consignments",
    "INSERT INTO footprint_grants SELECT recipient, created * 100, footprint, by_rule, by_shipment \
     FROM now.footprint_grants",
    "INSERT INTO tads SELECT activity_id, departs * 100, arrives * 100, json FROM now.tads",
    "INSERT INTO tad_fields SELECT * FROM now.tad_fields",
    "INSERT INTO tad_consignments SELECT * FROM now.tad_consignments",
    "INSERT INTO tad_grants SELECT * FROM now.tad_grants",
    "INSERT INTO access_rules SELECT recipient, kind, value, \
     CASE WHEN kind = 'period' AND starts <> -9223372036854775807 - 1 THEN starts * 100 ELSE starts END, \
     CASE WHEN kind = 'period' AND ends <> 9223372036854775807 THEN ends * 100 ELSE ends END FROM now.access_rules",
];

/// What is in a store, and what each role of a recipient sees of it.
pub(super) struct Left {
    rules: Vec<AccessRule>,
    seen: Vec<Vec<String>>,
}

const ROLES: [Role; 3] = [Role::User, Role::Organizer, Role::Operator];
const RECIPIENT: &str = "org_left";

impl Left {
    /// Leaves something in a store that is empty.
    pub(super) async fn in_store(store: &SqlStore) -> Self {
        import::sample_data(store).await.unwrap();
        let rules = [
            AccessRule::Shipment("shipment-multi-modal-1".to_owned()),
            AccessRule::Period(Period {
                from: Some("2024-01-01T00:00:00.5Z".parse().unwrap()),
                until: None,
            }),
        ];
        store.allow(RECIPIENT, &rules).await.unwrap();
        let left = Self::of(store).await;
        assert!(left.seen.iter().all(|seen| !seen.is_empty()));
        left
    }

    async fn of(store: &SqlStore) -> Self {
        let mut seen = Vec::new();
        for role in ROLES {
            let principal = contract::principal(&[role], RECIPIENT);
            let visibility = Visibility::of(&principal, store).await.unwrap();
            seen.push(contract::filters::seen(store, &visibility).await);
        }
        let rules = store.access_rules(RECIPIENT).await.unwrap();
        Self { rules, seen }
    }

    /// Holds that it is all there, and found by every filter.
    pub(super) async fn is_found_in(&self, store: &SqlStore) {
        let found = Self::of(store).await;
        assert_eq!(found.rules, self.rules);
        assert_eq!(found.seen, self.seen);
        contract::filters::agree_with_the_reference(store).await;
        contract::filters::of_activities_agree_with_the_reference(store).await;
    }
}
