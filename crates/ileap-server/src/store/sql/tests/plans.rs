//! How the databases go about pages: what they follow, and what they must not look at.

use ileap_types::filter::odata::Property;

use super::super::{dialect::Dialect, *};
use crate::{
    access::AccessRule,
    identity::Role,
    store::{Position, access::AccessRules as _, contract},
};

async fn visibility(store: &SqlStore, roles: &[Role], recipient: &str) -> Visibility {
    let principal = contract::principal(roles, recipient);
    Visibility::of(&principal, store).await.unwrap()
}

fn page(after: &str) -> PageQuery {
    PageQuery {
        offset: 0,
        limit: 10,
        after: Some(Position(after.to_owned())),
    }
}

/// How SQLite goes about a query.
async fn plan_of(store: &SqlStore, query: Builder) -> String {
    let steps = query
        .explained("EXPLAIN QUERY PLAN ")
        .fetch_all(&store.readers)
        .await
        .unwrap();
    let steps = steps.iter().map(|step| step.text(3).unwrap());
    steps.collect::<Vec<_>>().join("\n")
}

/// Where a plan looks; every table is looked up, never read as a whole.
fn searches(plan: &str) -> impl Iterator<Item = &str> {
    let scans = plan
        .lines()
        .map(str::trim)
        .filter(|step| step.starts_with("SCAN"));
    let tables = scans.filter(|step| !step.contains("subquery") && !step.contains("VALUES"));
    assert_eq!(tables.count(), 0, "{plan}");
    plan.lines()
        .map(str::trim)
        .filter(|step| step.starts_with("SEARCH"))
}

/// How SQLite goes about the page of footprints that follows the first lead.
async fn plan_of_footprints(store: &SqlStore, visibility: &Visibility, filter: &str) -> String {
    let filter = FootprintFilter::parse(filter).unwrap();
    let lead = lead::of_footprints(&filter, visibility).first().copied();
    let page = page("5/x");
    let query = query::footprints(Dialect::Sqlite, visibility, &filter, (&page, lead));
    plan_of(store, query.unwrap().unwrap()).await
}

#[tokio::test]
async fn footprints_are_read_in_the_order_of_an_index_from_the_place_where_the_page_begins() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    store.allow("org", &[AccessRule::Everything]).await.unwrap();
    let shipment = AccessRule::Shipment("1".to_owned());
    store.allow("org_few", &[shipment]).await.unwrap();
    let sees = async |roles: &[Role], recipient: &str| visibility(&store, roles, recipient).await;
    let all = Visibility::everything();
    let since = "created ge '2020-01-01T00:00:00Z'";
    let ids = "companyIds/any(v:(v eq 'a')) and productIds/any(v:(v eq 'b'))";
    for (visibility, filter, expected) in [
        (&all, since, "footprints_in_order ((created,id)>(?,?))"),
        // Not to the end of the list.
        (
            &all,
            "created lt '2020-01-01T00:00:00Z'",
            "footprints_in_order ((created,id)>(?,?) AND created<?)",
        ),
        (
            &all,
            "created eq '2020-01-01T00:00:00Z' and productCategoryCpc eq '83117'",
            "footprints_by_cpc (cpc=? AND (created,id)>(?,?) AND created<?)",
        ),
        (
            &all,
            "productCategoryCpc eq '83117'",
            "footprints_by_cpc (cpc=? AND (created,id)>(?,?))",
        ),
        (
            &all,
            "pcf/geographyCountry eq 'DE'",
            "footprints_by_country (country=? AND (created,id)>(?,?))",
        ),
        (
            &all,
            ids,
            "SEARCH k USING PRIMARY KEY (list=? AND value=? AND (created,footprint)>(?,?))",
        ),
        (
            &sees(&[Role::Organizer], "org").await,
            since,
            "footprints_of_categories ((created,id)>(?,?))",
        ),
        (
            &sees(&[Role::Operator], "org").await,
            since,
            "footprints_of_ileap ((created,id)>(?,?))",
        ),
        (
            &sees(&[Role::User, Role::Organizer], "org").await,
            since,
            "footprints_of_ileap ((created,id)>(?,?))",
        ),
        (
            &sees(&[Role::User], "org_few").await,
            since,
            "footprint_grants_of_shipments (recipient=? AND (created,footprint)>(?,?))",
        ),
    ] {
        let plan = plan_of_footprints(&store, visibility, filter).await;
        assert!(plan.contains(expected), "{expected} in {plan}");
        assert!(!plan.contains("FOR ORDER BY"), "{expected} in {plan}");
    }
    // Few are looked at one by one, and sorted.
    for (filter, expected) in [
        (
            "pcf/referencePeriodStart ge '2020-01-01T00:00:00Z'",
            "footprints_by_period (period_start>?)",
        ),
        (
            "pcf/referencePeriodEnd lt '2020-01-01T00:00:00Z'",
            "footprints_by_period_end (period_end<?)",
        ),
        (
            "updated gt '2020-01-01T00:00:00Z'",
            "footprints_by_update (updated>?)",
        ),
    ] {
        let plan = plan_of_footprints(&store, &all, filter).await;
        assert!(plan.contains(expected), "{expected} in {plan}");
    }
}

#[tokio::test]
async fn activities_are_read_in_the_order_of_an_index_whatever_they_are_asked_for_by() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let page = page("tad/5");
    let visibility = Visibility::everything();
    for (pairs, expected, times) in [
        (
            vec![("mode", "Road"), ("consignmentIds", "c")],
            "SEARCH k USING PRIMARY KEY (path=? AND key=? AND activity_id>?)",
            1,
        ),
        (
            vec![("city", "Rome")],
            "SEARCH k USING PRIMARY KEY (path=? AND key=? AND activity_id>?)",
            2,
        ),
        (
            vec![
                ("mode", "a"),
                ("mode", "b"),
                ("mode", "c"),
                ("mode", "d"),
                ("mode", "e"),
                ("mode", "f"),
                ("mode", "g"),
                ("mode", "h"),
                ("mode", "i"),
                ("mode", "j"),
            ],
            "SEARCH k USING PRIMARY KEY (path=? AND key=? AND activity_id>?)",
            10,
        ),
        (
            vec![],
            "SEARCH t USING INDEX sqlite_autoindex_tads_1 (activity_id>?)",
            1,
        ),
    ] {
        let pairs: Vec<_> = pairs
            .into_iter()
            .map(|(name, value): (&str, &str)| (name.to_owned(), value.to_owned()))
            .collect();
        let filter = TadFilter::parse(&pairs).unwrap();
        let lead = lead::of_activities(&filter, &visibility).first().copied();
        let query = query::tads(Dialect::Sqlite, &visibility, &filter, (&page, lead));
        let plan = plan_of(&store, query.unwrap().unwrap()).await;
        assert_eq!(
            plan.matches(expected).count(),
            times,
            "{expected} in {plan}"
        );
    }
}

#[tokio::test]
async fn what_a_role_hides_is_neither_walked_over_nor_counted() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    store.allow("org", &[AccessRule::Everything]).await.unwrap();
    for (roles, of) in [
        (vec![Role::Organizer], "categories"),
        (vec![Role::Operator], "ileap"),
        (vec![Role::User], "ileap"),
        (vec![Role::User, Role::Organizer], "ileap"),
        (vec![Role::Operator, Role::Organizer], "ileap"),
    ] {
        let visibility = visibility(&store, &roles, "org").await;
        for (filter, index) in [
            (
                "productIds/any(v:(v eq 'b'))",
                format!("footprint_ids_of_{of} (list=? AND value=?"),
            ),
            (
                "companyIds/any(v:(v eq 'b'))",
                format!("footprint_ids_of_{of} (list=? AND value=?"),
            ),
            (
                "productCategoryCpc eq '1'",
                format!("footprints_of_{of}_by_cpc (cpc=?"),
            ),
            (
                "pcf/geographyCountry eq 'DE'",
                format!("footprints_of_{of}_by_country (country=?"),
            ),
            (
                "pcf/referencePeriodStart ge '2020-01-01T00:00:00Z'",
                format!("footprints_of_{of}_by_period (period_start>?"),
            ),
            (
                "pcf/referencePeriodEnd lt '2020-01-01T00:00:00Z'",
                format!("footprints_of_{of}_by_period_end (period_end<?"),
            ),
            (
                "updated gt '2020-01-01T00:00:00Z'",
                format!("footprints_of_{of}_by_update (updated>?"),
            ),
        ] {
            let plan = plan_of_footprints(&store, &visibility, filter).await;
            assert!(plan.contains(&index), "{roles:?}: {index} in {plan}");
            // Two, because one alone is followed without being counted.
            let both = format!("{filter} and updated ge '2000-01-01T00:00:00Z'");
            let both = FootprintFilter::parse(&both).unwrap();
            let leads = lead::of_footprints(&both, &visibility);
            let counts = lead::counts(Dialect::Sqlite, (&leads, 500), &visibility);
            let counts = plan_of(&store, counts).await;
            assert!(counts.contains(&index), "{roles:?}: {index} in {counts}");
            assert!(counts.contains("COVERING INDEX"), "{counts}");
        }
        let one = query::footprint(Dialect::Sqlite, &visibility, "x").unwrap();
        let one = plan_of(&store, one).await;
        let expected = "SEARCH f USING INDEX footprints_of_ileap_by_id (id=?";
        assert!(one.contains(expected), "{roles:?}: {one}");
    }
}

#[tokio::test]
async fn whoever_sees_what_rules_name_follows_that_alone_whatever_is_asked() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let shipment = AccessRule::Shipment("1".to_owned());
    store.allow("org_few", &[shipment]).await.unwrap();
    // What the role hides is in none of what is walked over.
    for (roles, followed) in [
        (
            vec![Role::User],
            "COVERING INDEX footprint_grants_of_shipments",
        ),
        (
            vec![Role::Organizer],
            "COVERING INDEX footprint_grants_of_categories",
        ),
        (vec![Role::Operator], "PRIMARY KEY"),
        (vec![Role::User, Role::Organizer], "PRIMARY KEY"),
    ] {
        let visibility = visibility(&store, &roles, "org_few").await;
        for filter in [
            "created ge '2020-01-01T00:00:00Z'",
            "productIds/any(v:(v eq 'b')) and companyIds/any(v:(v eq 'b'))",
            "productCategoryCpc eq '1' and pcf/geographyCountry eq 'DE'",
            "updated gt '2020-01-01T00:00:00Z'",
        ] {
            let plan = plan_of_footprints(&store, &visibility, filter).await;
            let expected =
                format!("SEARCH k USING {followed} (recipient=? AND (created,footprint)>(?,?))");
            let searches: Vec<_> = searches(&plan).collect();
            assert_eq!(searches[0], expected, "{roles:?}: {plan}");
            assert!(!plan.contains("FOR ORDER BY"), "{plan}");
            // One look per footprint into everything else; into the footprint itself last.
            let (into_footprint, others) = searches[1..].split_last().unwrap();
            let expected = "SEARCH f USING INDEX sqlite_autoindex_footprints_1 (id=?)";
            assert_eq!(*into_footprint, expected, "{roles:?}: {plan}");
            for search in others {
                let expected =
                    "SEARCH i USING PRIMARY KEY (list=? AND value=? AND created=? AND footprint=?)";
                assert_eq!(*search, expected, "{roles:?}: {plan}");
            }
            let filter = FootprintFilter::parse(filter).unwrap();
            assert!(lead::of_footprints(&filter, &visibility).is_empty());
        }
        let one = query::footprint(Dialect::Sqlite, &visibility, "x").unwrap();
        let one = plan_of(&store, one).await;
        let expected = " INDEX footprint_grants_by_footprint (footprint=? AND recipient=?)";
        assert!(one.contains(expected), "{roles:?}: {one}");
        let pairs = [("mode", "Road"), ("city", "Rome")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let filter = TadFilter::parse(&pairs).unwrap();
        assert!(lead::of_activities(&filter, &visibility).is_empty());
        let query = query::tads(
            Dialect::Sqlite,
            &visibility,
            &filter,
            (&page("tad/5"), None),
        );
        let plan = plan_of(&store, query.unwrap().unwrap()).await;
        let expected = "SEARCH k USING PRIMARY KEY (recipient=? AND activity_id>?)";
        assert_eq!(searches(&plan).next(), Some(expected), "{plan}");
    }
}

#[test]
fn a_page_follows_what_there_is_least_of() {
    let filter = "pcf/geographyCountry eq 'DE' and updated ge '2020-01-01T00:00:00Z' and productIds/any(p:(p eq 'x'))";
    let filter = FootprintFilter::parse(filter).unwrap();
    let all = Visibility::everything();
    let leads = lead::of_footprints(&filter, &all);
    assert!(lead::are_to_be_counted(&leads));
    let rarest = |counts: [i64; 3]| match lead::rarest(&leads, (&counts, 500)) {
        Some(Lead::Equal(comparison) | Lead::Few(comparison)) => Some(comparison.property),
        _ => None,
    };
    let [product, country, updated] = [
        Property::ProductIds,
        Property::GeographyCountry,
        Property::Updated,
    ];
    assert_eq!(rarest([3, 2, 500]), Some(country));
    assert_eq!(rarest([500, 500, 4]), Some(updated));
    assert_eq!(rarest([2, 2, 2]), Some(product));
    assert_eq!(rarest([500, 500, 500]), None);
    // Where all are many, one whose entries are in the order of the list.
    let mut ordered = leads.clone();
    lead::keep_ordered(&mut ordered);
    assert_eq!(ordered.len(), 2);
    assert!(matches!(ordered[0], Lead::Equal(first) if first.property == product));
    assert!(!lead::are_to_be_counted(&ordered[..1]));
    let only = FootprintFilter::parse("updated ge '2020-01-01T00:00:00Z'").unwrap();
    let mut only = lead::of_footprints(&only, &all);
    assert!(lead::are_to_be_counted(&only));
    lead::keep_ordered(&mut only);
    assert!(only.is_empty());
}
