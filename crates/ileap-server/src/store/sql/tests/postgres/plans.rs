//! How PostgreSQL goes about what access bounds, among so many rows that it matters.

use super::{super::super::dialect::Dialect, *};
use crate::{
    access::AccessRule,
    store::{Position, access::AccessRules as _},
};

/// Twenty thousand footprints, of which one in ten is a TOC, and one in ten a shipment; half of those granted to
/// `org_many`, and those among the first ten to `org_few`.
const ROWS: [&str; 5] = [
    "INSERT INTO footprints (id, version, created, updated, status, kind, object_id, cpc, country, period_start, \
     period_end, json) \
     SELECT md5(n::text), 1, n * 1000, n * 1000, 'Active', \
     CASE n % 10 WHEN 0 THEN 'toc' WHEN 1 THEN 'shipment' ELSE 'generic' END, 'object-' || n, \
     'cpc-' || n % 7, 'C' || n % 5, n * 1000, n * 1000 + 500, '{}' FROM generate_series(1, 20000) AS n",
    "INSERT INTO footprint_ids (list, value, created, footprint, kind) \
     SELECT 'product', 'group-' || (version + created / 1000) % 3, created, id, kind FROM footprints",
    "INSERT INTO footprint_grants (recipient, created, footprint, kind, by_rule, by_shipment) \
     SELECT 'org_many', created, id, kind, 1, 0 FROM footprints WHERE kind <> 'generic' AND created % 20000 <= 1000",
    "INSERT INTO footprint_grants (recipient, created, footprint, kind, by_rule, by_shipment) \
     SELECT 'org_few', created, id, kind, 1, 0 FROM footprints WHERE kind <> 'generic' AND created <= 10000",
    "ANALYZE",
];

async fn plan(store: &SqlStore, query: Builder) -> String {
    let lines = query.explained("EXPLAIN ").fetch_all(&store.readers).await;
    let lines = lines.unwrap();
    let lines = lines.iter().map(|line| line.text(0).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_hidden_is_not_walked_over() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let mut connection = database.connect().await;
    for statement in ROWS {
        connection.execute(statement).await.unwrap();
    }
    store.allow("org", &[AccessRule::Everything]).await.unwrap();
    let toc = [AccessRule::Toc("none".to_owned())];
    for recipient in ["org_many", "org_few"] {
        store.allow(recipient, &toc).await.unwrap();
    }
    let page = PageQuery {
        offset: 0,
        limit: 10,
        after: Some(Position("5000/x".to_owned())),
    };
    for recipient in ["org_many", "org_few"] {
        for role in [Role::User, Role::Organizer, Role::Operator] {
            let principal = contract::principal(&[role], recipient);
            let visibility = Visibility::of(&principal, &store).await.unwrap();
            for filter in [
                "created ge '1970-01-01T00:00:00Z'",
                "productIds/any(v:(v eq 'group-1'))",
                "productCategoryCpc eq 'cpc-1'",
            ] {
                let filter = FootprintFilter::parse(filter).unwrap();
                assert!(lead::of_footprints(&filter, &visibility).is_empty());
                let query =
                    query::footprints(Dialect::Postgres, &visibility, &filter, (&page, None));
                let plan = plan(&store, query.unwrap().unwrap()).await;
                let followed = match role {
                    Role::User => "footprint_grants_of_shipments",
                    Role::Organizer => "footprint_grants_of_categories",
                    _ => "footprint_grants_pkey",
                };
                assert!(plan.contains(followed), "{role:?}: {plan}");
                assert!(!plan.contains("Seq Scan on footprints"), "{role:?}: {plan}");
            }
            let id = "c4ca4238a0b923820dcc509a6f75849b";
            let one = query::footprint(Dialect::Postgres, &visibility, id).unwrap();
            let plan = plan(&store, one).await;
            assert!(
                plan.contains("footprint_grants_by_footprint"),
                "{role:?}: {plan}"
            );
            assert!(!plan.contains("Seq Scan"), "{role:?}: {plan}");
        }
    }
    for (role, of) in [(Role::Organizer, "categories"), (Role::Operator, "ileap")] {
        let principal = contract::principal(&[role], "org");
        let visibility = Visibility::of(&principal, &store).await.unwrap();
        for filter in [
            "productIds/any(v:(v eq 'group-1'))",
            "productCategoryCpc eq 'cpc-1'",
            "pcf/geographyCountry eq 'C1'",
            "updated lt '1970-01-01T00:00:00.001Z'",
            "created ge '1970-01-01T00:00:00Z'",
        ] {
            let filter = FootprintFilter::parse(filter).unwrap();
            let lead = lead::of_footprints(&filter, &visibility).first().copied();
            let query = query::footprints(Dialect::Postgres, &visibility, &filter, (&page, lead));
            let plan = plan(&store, query.unwrap().unwrap()).await;
            let walks = plan
                .lines()
                .filter(|line| line.contains("Scan"))
                .collect::<Vec<_>>();
            let is_of = |line: &&&str| line.contains(&format!("_of_{of}"));
            let is_one_look = |line: &&&str| {
                line.contains("footprints_pkey") || line.contains("footprints_of_ileap_by_id")
            };
            let others = walks
                .iter()
                .filter(|line| !is_of(line) && !is_one_look(line));
            assert_eq!(others.count(), 0, "{role:?}: {plan}");
            assert!(walks.iter().any(|line| is_of(&line)), "{role:?}: {plan}");
        }
    }
}
