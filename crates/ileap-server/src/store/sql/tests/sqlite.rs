mod crash;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use bytes::Bytes;
use serde_json::json;
use sqlx::{Connection as _, sqlite::SqliteConnectOptions};

use super::{
    super::{
        database::{Connections, Lock, Pool},
        sqlite::readers::Readers,
        *,
    },
    earlier::{self, Left},
};
use crate::{
    access::AccessRule,
    identity::Role,
    import,
    store::{
        ImportKind, ImportObject,
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
async fn an_earlier_version_s_objects_are_found_narrowed_and_opened_as_before() {
    let directory = tempfile::tempdir().unwrap();
    let [path, now] = ["earlier.db", "now.db"].map(|name| directory.path().join(name));
    let open = async |path: &Path| {
        let url = format!("sqlite:{}", path.display());
        SqlStore::open(&url).await.unwrap()
    };
    let before = Left::in_store(&open(&now).await).await;
    let url = format!("sqlite:{}?mode=rwc", path.display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    schema::SQLITE.up_to(6).run(&mut database).await.unwrap();
    let attach = sqlx::query("ATTACH $1 AS now").bind(now.to_str().unwrap());
    attach.execute(&mut database).await.unwrap();
    for statement in earlier::AS_LEFT {
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }
    database.close().await.unwrap();
    before.is_found_in(&open(&path).await).await;
}

#[tokio::test]
async fn a_large_import_finds_and_forgets_activities_like_small_ones() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let activities: Vec<_> = (0..10_500)
        .map(|number| {
            let value =
                json!({ "activityId": format!("a-{}", number * 7919 % 10_500), "mode": "Road" });
            let json = Bytes::from(value.to_string());
            let kind = ImportKind::Tad;
            ImportObject { kind, value, json }
        })
        .collect();
    assert_eq!(store.import(&activities).await.unwrap().added, 10_500);
    let count = async |text: &'static str| {
        let row = sql(text).fetch_one(&store.readers).await.unwrap();
        row.get::<i64>(0).unwrap()
    };
    let of_mode = "SELECT COUNT(*) FROM tad_fields WHERE path = 'mode'";
    let by_activity = "SELECT COUNT(*) FROM tad_fields INDEXED BY tad_fields_by_activity WHERE activity_id = 'a-17'";
    assert_eq!(count(of_mode).await, 10_500);
    let own = count(by_activity).await;
    assert!(own > 0);
    let all = count("SELECT COUNT(*) FROM tad_fields").await;
    let mut import = store.begin_import().await.unwrap();
    assert!(import.delete_tad("a-17").await.unwrap());
    import.commit().await.unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM tad_fields").await, all - own);
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

/// One connection that reads, for so long at a time.
async fn reader(path: &Path, timeout: Duration) -> Pool {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let readers = Readers::open(options, (1, timeout)).await.unwrap();
    Pool::new(Connections::SqliteReaders(readers))
}

#[tokio::test]
async fn a_reading_statement_without_end_is_ended_and_gives_its_connection_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ileap.db");
    let url = format!("sqlite:{}", path.display());
    let store = SqlStore::open(&url).await.unwrap();
    let hasty = SqlStore {
        cursor_key: CursorKey([0; 32]),
        readers: reader(&path, Duration::from_millis(50)).await,
        writer: store.writer.clone(),
    };
    let endless =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    for _ in 0..3 {
        let ended = sql(endless).fetch_one(&hasty.readers).await;
        let ended = ended.map_err(unavailable("counting")).unwrap_err();
        assert!(
            matches!(&ended, StoreError::Unavailable { .. }) && !ended.is_locked(),
            "{ended:?}"
        );
        // The same connection, which has a time of its own for each statement.
        hasty.check().await.unwrap();
    }
}

#[tokio::test]
async fn a_caller_who_has_left_does_not_keep_a_reader_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ileap.db");
    let url = format!("sqlite:{}", path.display());
    drop(SqlStore::open(&url).await.unwrap());
    // Longer than anybody waits for a connection.
    let readers = reader(&path, Duration::from_secs(3600)).await;
    let endless =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    for _ in 0..3 {
        let asking = sql(endless).fetch_one(&readers);
        let left = tokio::time::timeout(Duration::from_millis(20), asking).await;
        assert!(left.is_err());
        sql("SELECT 1").fetch_one(&readers).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_is_there_is_opened_while_another_process_writes() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let store = SqlStore::open(&url).await.unwrap();
    let writing = store.writer.begin(Lock::Import).await.unwrap();
    let beside = SqlStore::open(&url).await.unwrap();
    assert_eq!(beside.access_rules("org_acme").await.unwrap(), []);
    let changed = beside.disallow_all("org_acme").await.unwrap_err();
    assert!(changed.is_locked(), "{changed:?}");
    drop(writing);
}
