mod crash;

use std::{fs, os::unix::fs::PermissionsExt as _};

use ileap_types::filter::odata::Property;

use super::super::{database::Lock, dialect::Dialect, *};
use crate::{
    access::AccessRule,
    identity::Role,
    import,
    store::{
        Position,
        access::AccessRules as _,
        contract,
        logins::{Invalidation, InvalidationMark, LoginRecords as _, News},
    },
    verify::AccountKey,
};

#[tokio::test]
async fn a_store_in_memory_keeps_the_contract() {
    contract::run(&SqlStore::open("sqlite::memory:").await.unwrap()).await;
}

#[tokio::test]
async fn a_store_in_a_file_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    contract::run(&SqlStore::open(&url).await.unwrap()).await;
}

#[tokio::test]
async fn a_file_is_private_and_keeps_data_and_cursor_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ileap.db");
    let url = format!("sqlite:{}", path.display());
    let first = SqlStore::open(&url).await.unwrap();
    import::sample_data(&first).await.unwrap();
    let key = first.cursor_key.0;
    drop(first);
    let again = SqlStore::open(&url).await.unwrap();
    assert_eq!(again.cursor_key.0, key);
    let page = PageQuery {
        offset: 0,
        limit: 1000,
        after: None,
    };
    let filter = FootprintFilter {
        comparisons: Vec::new(),
    };
    let found = again
        .footprints(&Visibility::everything(), &filter, &page)
        .await
        .unwrap();
    assert!(!found.objects.is_empty());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let store = SqlStore::open(&url).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'from the future', 1, x'00', 0)";
    sql(newer).execute(&store.writer).await.unwrap();
    let refused = SqlStore::open(&url).await.unwrap_err();
    assert!(
        refused.to_string().contains("a newer version of ileap"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_earlier_version_s_invalidations_and_their_marks_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ileap.db");
    let url = format!("sqlite:{}", path.display());
    let earlier = sqlx::SqlitePool::connect(&format!("{url}?mode=rwc"))
        .await
        .unwrap();
    schema::SQLITE.up_to(4).run(&earlier).await.unwrap();
    let insert = "INSERT INTO invalidations (kind, name, at) VALUES ('subject', $1, 0)";
    for name in ["clerk|1", "clerk|2", "clerk|3"] {
        let inserted = sqlx::query(insert).bind(name).execute(&earlier).await;
        inserted.unwrap();
    }
    let deleted = sqlx::query("DELETE FROM invalidations WHERE mark = 3");
    deleted.execute(&earlier).await.unwrap();
    earlier.close().await;
    let store = SqlStore::open(&url).await.unwrap();
    let subject = |name: &str| News::Invalidated(Invalidation::Subject(name.to_owned()));
    let mark = InvalidationMark(0);
    let (news, mark) = store.invalidations(Some(mark)).await.unwrap();
    assert_eq!(news, [subject("clerk|1"), subject("clerk|2")]);
    assert_eq!(mark, InvalidationMark(2));
    let later = Invalidation::Subject("clerk|4".to_owned());
    let at = jiff::Timestamp::UNIX_EPOCH;
    store.invalidate(&later, at).await.unwrap();
    let (_, mark) = store.invalidations(Some(mark)).await.unwrap();
    assert_eq!(mark, InvalidationMark(4), "never one that was there before");
}

#[tokio::test]
async fn readers_are_served_while_an_import_is_under_way() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let store = SqlStore::open(&url).await.unwrap();
    import::sample_data(&store).await.unwrap();
    let mut writing = store.writer.begin(Lock::Import).await.unwrap();
    sql("DELETE FROM footprints")
        .execute(&mut writing)
        .await
        .unwrap();
    let page = PageQuery {
        offset: 0,
        limit: 1000,
        after: None,
    };
    let filter = FootprintFilter {
        comparisons: Vec::new(),
    };
    let found = store
        .footprints(&Visibility::everything(), &filter, &page)
        .await
        .unwrap();
    assert!(
        !found.objects.is_empty(),
        "what is not committed is not seen"
    );
}

#[tokio::test]
async fn an_import_waits_for_another_process_that_writes() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let (ours, theirs) = (
        SqlStore::open(&url).await.unwrap(),
        SqlStore::open(&url).await.unwrap(),
    );
    let writing = tokio::spawn(async move {
        for number in 0..200 {
            theirs
                .allow(&format!("org_{number}"), &[AccessRule::Everything])
                .await
                .unwrap();
        }
    });
    let mut number = 0;
    while !writing.is_finished() {
        number += 1;
        let new = contract::object(contract::another(number, "2024-01-01T00:00:00Z"));
        ours.import(&[new]).await.unwrap();
    }
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_file_may_be_opened_by_many_at_once() {
    for _ in 0..10 {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
        let opening: Vec<_> = (0..4)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { SqlStore::open(&url).await })
            })
            .collect();
        let mut keys = Vec::new();
        for store in opening {
            keys.push(store.await.unwrap().unwrap().cursor_key.0);
        }
        keys.dedup();
        assert_eq!(keys.len(), 1, "all agree on the cursor key");
    }
}

/// How SQLite goes about a query.
async fn plan(store: &SqlStore, query: Builder) -> String {
    let steps = query
        .explained("EXPLAIN QUERY PLAN ")
        .fetch_all(&store.readers)
        .await
        .unwrap();
    let steps = steps.iter().map(|step| step.text(3).unwrap());
    steps.collect::<Vec<_>>().join("\n")
}

/// How SQLite goes about the page of footprints that follows the first lead.
async fn plan_of_footprints(store: &SqlStore, visibility: &Visibility, filter: &str) -> String {
    let filter = FootprintFilter::parse(filter).unwrap();
    let lead = lead::of_footprints(&filter, visibility).first().copied();
    let page = PageQuery {
        offset: 0,
        limit: 10,
        after: Some(Position("5/x".to_owned())),
    };
    let query = query::footprints(Dialect::Sqlite, visibility, &filter, (&page, lead));
    plan(store, query.unwrap().unwrap()).await
}

#[tokio::test]
async fn footprints_are_read_in_the_order_of_an_index_from_the_place_where_the_page_begins() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    store.allow("org", &[AccessRule::Everything]).await.unwrap();
    let shipment = AccessRule::Shipment("1".to_owned());
    store.allow("org_few", &[shipment]).await.unwrap();
    let sees = async |roles: &[Role], recipient: &str| {
        let principal = contract::principal(roles, recipient);
        Visibility::of(&principal, &store).await.unwrap()
    };
    let all = Visibility::everything();
    let since = "created ge '2020-01-01T00:00:00Z'";
    let ids = "companyIds/any(v:(v eq 'a')) and productIds/any(v:(v eq 'b'))";
    for (visibility, filter, expected) in [
        (&all, since, "footprints_in_order ((created,id)>(?,?))"),
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
            "SEARCH k USING PRIMARY KEY (recipient=? AND (created,footprint)>(?,?))",
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
    let page = PageQuery {
        offset: 0,
        limit: 10,
        after: Some(Position("tad/5".to_owned())),
    };
    let visibility = Visibility::everything();
    for (pairs, expected, times) in [
        (
            vec![("mode", "Road"), ("consignmentIds", "c")],
            "SEARCH d USING PRIMARY KEY (path=? AND key=? AND activity_id>?)",
            1,
        ),
        (
            vec![("city", "Rome")],
            "SEARCH d USING PRIMARY KEY (path=? AND key=? AND activity_id>?)",
            2,
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
        let plan = plan(&store, query.unwrap().unwrap()).await;
        assert_eq!(
            plan.matches(expected).count(),
            times,
            "{expected} in {plan}"
        );
    }
}

#[test]
fn a_page_follows_what_there_is_least_of() {
    let filter = "pcf/geographyCountry eq 'DE' and updated ge '2020-01-01T00:00:00Z' and productIds/any(p:(p eq 'x'))";
    let filter = FootprintFilter::parse(filter).unwrap();
    let all = Visibility::everything();
    let leads = lead::of_footprints(&filter, &all);
    let chosen = |counts: [i64; 3]| match lead::chosen(&leads, Some(&counts)) {
        Some(Lead::Equal(comparison) | Lead::Few(comparison)) => Some(comparison.property),
        _ => None,
    };
    let [product, country, updated] = [
        Property::ProductIds,
        Property::GeographyCountry,
        Property::Updated,
    ];
    assert_eq!(chosen([3, 2, 500]), Some(country));
    assert_eq!(chosen([5000, 5000, 4]), Some(updated));
    assert_eq!(chosen([5000, 4000, 500]), Some(country));
    // Where all are many, one whose entries are in the order of the list.
    assert_eq!(chosen([5000, 5000, 500]), Some(product));
    let only = FootprintFilter::parse("updated ge '2020-01-01T00:00:00Z'").unwrap();
    let leads = lead::of_footprints(&only, &all);
    assert!(lead::chosen(&leads, Some(&[500])).is_none());
}

#[tokio::test]
async fn two_instances_on_one_file_count_failures_together() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let account = AccountKey::of_identifier("ops@acme.example");
    let now = jiff::Timestamp::UNIX_EPOCH;
    {
        let first = SqlStore::open(&url).await.unwrap();
        let second = SqlStore::open(&url).await.unwrap();
        let attempts = (0..200).map(|attempt| {
            let store = if attempt % 2 == 0 { &first } else { &second };
            store.reserve_failure(&account, 5, now)
        });
        let attempts = futures_util::future::join_all(attempts).await;
        let granted = attempts
            .into_iter()
            .filter(|answer| answer.as_ref().unwrap().is_some());
        assert_eq!(granted.count(), 5);
    }
    let reopened = SqlStore::open(&url).await.unwrap();
    assert_eq!(reopened.login_record(&account).await.unwrap().failures, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_on_one_file_share_tasks() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let ours = SqlStore::open(&url).await.unwrap();
    let theirs = SqlStore::open(&url).await.unwrap();
    contract::workers::share([&ours, &theirs]).await;
}

#[tokio::test]
async fn what_is_kept_of_one_partners_has_bounds() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    super::sizes::are_bounded(&store).await;
}
