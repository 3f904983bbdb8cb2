//! The store on a real PostgreSQL.

mod database;
mod outage;
mod plans;
mod proxy;
mod server;
mod shared;

use ileap_types::pact::event::CloudEvent;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::Executor as _;

use self::database::TestDatabase;
use super::{
    super::*,
    earlier::{self, Left},
};
use crate::{
    identity::Role,
    import::{self, SAMPLE_FOOTPRINTS, SAMPLE_TADS},
    store::{ImportKind, ImportObject, contract},
};

async fn open(database: &TestDatabase) -> SqlStore {
    SqlStore::open(&database.url).await.unwrap()
}

fn event(source: &str, id: &str) -> Bytes {
    Bytes::from(
        json!({
            "specversion": "1.0", "id": id, "source": source,
            "type": "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
            "data": {"pfIds": ["3893bb5d-da16-4dc1-9185-11d97476c254"]},
        })
        .to_string(),
    )
}

async fn record(store: &SqlStore, body: &Bytes) -> Result<EventReceipt, StoreError> {
    let sender = contract::principal(&[Role::User], "org");
    let received = ReceivedEvent {
        event: &CloudEvent::parse_v2(body).unwrap(),
        body,
        sender: &sender,
        received_at: Timestamp::UNIX_EPOCH,
    };
    store.record_event(&received, &[]).await
}

fn activity(id: &str) -> ImportObject {
    let mut list: Vec<Value> = serde_json::from_str(SAMPLE_TADS).unwrap();
    let mut value = list.remove(0);
    value["activityId"] = json!(id);
    ImportObject {
        kind: ImportKind::Tad,
        json: Bytes::from(value.to_string()),
        value,
    }
}

/// Text that no compression makes shorter.
fn noise(length: usize) -> String {
    let mut bytes = vec![0; length];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    let letters = bytes.iter().map(|byte| char::from(b'0' + byte % 64));
    letters.filter(|letter| *letter != '\\').collect()
}

fn assert_unavailable<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(
        matches!(answer, Err(StoreError::Unavailable { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_store_in_postgresql_keeps_the_contract() {
    let database = TestDatabase::new().await;
    contract::run(&open(&database).await).await;
}

#[tokio::test]
async fn data_and_cursor_key_outlive_the_process() {
    let database = TestDatabase::new().await;
    let first = open(&database).await;
    import::sample_data(&first).await.unwrap();
    let footprints: Vec<Value> = serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap();
    let id = footprints[0]["id"].as_str().unwrap();
    let again = open(&database).await;
    assert_eq!(again.cursor_key.0, first.cursor_key.0);
    let found = again.footprint(&Visibility::everything(), id).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn an_earlier_version_s_objects_are_found_narrowed_and_opened_as_before() {
    let database = TestDatabase::new().await;
    let before = Left::in_store(&open(&database).await).await;
    let mut connection = database.connect().await;
    let aside = "ALTER SCHEMA public RENAME TO now; CREATE SCHEMA public";
    connection.execute(aside).await.unwrap();
    let earlier = schema::POSTGRES.up_to(6);
    earlier.run(&mut connection).await.unwrap();
    for statement in earlier::AS_LEFT {
        connection.execute(statement).await.unwrap();
    }
    before.is_found_in(&open(&database).await).await;
}

#[tokio::test]
async fn senders_may_name_events_as_they_like() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    // Longer than an index takes, at the limits of what an event may say.
    let (long, path) = (
        noise(1000),
        form_urlencoded::byte_serialize(noise(600).as_bytes()).collect::<String>(),
    );
    let far = format!("https://a.example/{path}");
    for (source, id) in [
        ("https://a.example", "nul \0 and \u{1}"),
        ("https://a.example", "nul \u{1}\u{1} and \u{1}"),
        ("https://a.example", r"\x00 \ \\ '"),
        ("https://a.example", &long),
        ("https://b.example", &long),
        (&far, &long),
    ] {
        let event = event(source, id);
        assert_eq!(record(&store, &event).await.unwrap(), EventReceipt::Stored);
        assert_eq!(
            record(&store, &event).await.unwrap(),
            EventReceipt::Duplicate
        );
    }
}

#[tokio::test]
async fn pages_follow_the_bytes_of_ids_whatever_is_in_them() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let ids = ["B", "a", "a\0", "a\0b", "a\u{1}", "a\u{2}", "é", "Ω"];
    let objects: Vec<_> = ids.iter().rev().map(|id| activity(id)).collect();
    store.import(&objects).await.unwrap();
    let filter = TadFilter::parse(&[]).unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let query = PageQuery {
            limit: 1,
            offset: 0,
            after,
        };
        let page = store
            .tads(&Visibility::everything(), &filter, &query)
            .await
            .unwrap();
        let object: Value = serde_json::from_slice(&page.objects).unwrap();
        found.push(object["activityId"].as_str().unwrap().to_owned());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ids);
}

#[tokio::test]
async fn what_no_index_takes_is_refused_with_a_reason() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let mut endless = activity("endless");
    endless.value["consignmentIds"] = json!([noise(10_000)]);
    let refused = store.import(&[activity("short"), endless]).await;
    let Err(StoreError::Unacceptable { index: 1, reason }) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("too long"), "{reason}");
}

#[tokio::test]
async fn the_condition_of_a_database_is_told_and_left_as_it_is() {
    let database = TestDatabase::new().await;
    let look = async || condition(&database.url).await.unwrap();
    assert_eq!(look().await, Condition::Older, "an empty one");
    assert_eq!(look().await, Condition::Older, "and it still is");
    drop(open(&database).await);
    assert_eq!(look().await, Condition::Good);
    let mut connection = database.connect().await;
    for (change, expected) in [
        ("SET default_transaction_read_only = on", Condition::Standby),
        ("RESET default_transaction_read_only", Condition::Good),
    ] {
        let alter = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {change}', current_database()); END $$"
        );
        connection
            .execute(sqlx::AssertSqlSafe(alter))
            .await
            .unwrap();
        assert_eq!(look().await, expected);
    }
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'from the future', true, '', 0)";
    connection.execute(newer).await.unwrap();
    assert_eq!(look().await, Condition::Newer);
    let refused = SqlStore::open(&database.url).await.unwrap_err();
    assert!(
        refused.to_string().contains("a newer version of ileap"),
        "{refused}"
    );
}

#[tokio::test]
async fn errors_keep_the_password_to_themselves() {
    for url in [
        "postgres://ileap:canary@127.0.0.1:1/ileap",
        "postgres://ileap@127.0.0.1:1/ileap?password=canary&sslmode=verify-full",
    ] {
        for error in [
            SqlStore::open(url).await.unwrap_err(),
            condition(url).await.unwrap_err(),
        ] {
            assert!(!format!("{error:?}").contains("canary"));
        }
    }
}

#[tokio::test]
async fn what_is_kept_of_one_partners_has_bounds() {
    let database = TestDatabase::new().await;
    super::sizes::are_bounded(&open(&database).await).await;
}

#[tokio::test]
async fn commits_wait_for_the_disk_whatever_the_database_is_set_to() {
    let database = TestDatabase::new().await;
    let setting = async |store: &SqlStore| {
        let row = sql("SELECT current_setting('synchronous_commit')");
        row.fetch_one(&store.writer).await.unwrap().text(0).unwrap()
    };
    let mut connection = database.connect().await;
    for (set, expected) in [
        ("off", "on"),
        ("local", "local"),
        ("remote_apply", "remote_apply"),
    ] {
        let alter = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = {set}', current_database()); END $$"
        );
        connection
            .execute(sqlx::AssertSqlSafe(alter))
            .await
            .unwrap();
        assert_eq!(setting(&open(&database).await).await, expected);
    }
}

#[tokio::test]
async fn leases_are_judged_by_the_databases_clock() {
    use crate::store::outbox::Outbox as _;
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let [first, second] =
        [Timestamp::UNIX_EPOCH, Timestamp::MAX].map(|ours| store.lease_time(ours));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert!(Timestamp::UNIX_EPOCH < first && first <= second && second < Timestamp::MAX);
}
