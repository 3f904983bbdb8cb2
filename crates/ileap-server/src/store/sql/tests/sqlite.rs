mod crash;

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::super::{database::Lock, dialect::Dialect, *};
use crate::{
    access::AccessRule,
    identity::Role,
    import,
    store::{access::AccessRules as _, contract, logins::LoginRecords as _},
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

#[tokio::test]
async fn lists_follow_an_index_that_is_in_their_order() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    store.allow("org", &[AccessRule::Everything]).await.unwrap();
    let organizer = contract::principal(&[Role::Organizer], "org");
    let organizer = Visibility::of(&organizer, &store).await.unwrap();
    let page = PageQuery {
        offset: 0,
        limit: 10,
        after: None,
    };
    let footprints = |visibility: &Visibility, filter: &str| {
        let filter = FootprintFilter::parse(filter).unwrap();
        query::footprints(Dialect::Sqlite, visibility, &filter, &page)
            .unwrap()
            .unwrap()
    };
    let pairs = [("mode", "Road"), ("consignmentIds", "c")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let activities = TadFilter::parse(&pairs).unwrap();
    let ids = "companyIds/any(v:(v eq 'a')) and productIds/any(v:(v eq 'b'))";
    for (query, expected) in [
        (
            footprints(&organizer, "productCategoryCpc eq '83117'"),
            "SCAN f USING INDEX footprints_in_order",
        ),
        (
            footprints(&Visibility::everything(), ids),
            "SEARCH k USING PRIMARY KEY (list=? AND value=?)",
        ),
        (
            query::tads(Dialect::Sqlite, &organizer, &activities, &page)
                .unwrap()
                .unwrap(),
            "SEARCH k USING PRIMARY KEY (path=? AND key=?)",
        ),
    ] {
        let plan = plan(&store, query).await;
        assert!(plan.contains(expected), "{expected} in {plan}");
        assert!(!plan.contains("FOR ORDER BY"), "{expected} in {plan}");
    }
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
