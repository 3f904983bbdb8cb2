//! PostgreSQL goes away, takes no more connections or has no more room beneath a running server: data and events are
//! to be asked for again, logins go on, and all is well by itself as soon as the database is.

use std::time::Duration;

use futures_util::future::{join, join_all};
use reqwest::Response;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::harness::{
    Options, TestServer, header,
    postgres::{database::TestDatabase, server::Server},
};

const LISTS: [&str; 3] = [
    "/2/footprints",
    "/2/footprints/3893bb5d-da16-4dc1-9185-11d97476c254",
    "/2/ileap/tad?mode=Road",
];

/// A server over this database, with the budgets that are kept there.
async fn start(url: &str) -> TestServer {
    let options = Options {
        store: Some(url.to_owned()),
        ..Options::default()
    };
    let options = options.set("ILEAP_VERIFIER__BUDGET__ENABLED", "true");
    TestServer::start_with(options).await
}

fn event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "https://elsewhere.example",
        "type": "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
        "data": {"pfIds": ["3893bb5d-da16-4dc1-9185-11d97476c254"]},
    })
}

async fn execute(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let statement = AssertSqlSafe(statement.to_owned());
    connection.execute(statement).await.unwrap();
}

/// Whoever asks for data or brings an event is told when to come back, and whoever logs in does.
async fn only_logins_go_on(server: &TestServer) {
    // One whose access follows from a role alone, and one that has rules.
    for client in ["hello", "operator"] {
        let caller = server.as_client(client).await;
        let asked = LISTS.map(|path| caller.get(path));
        let (answers, answer) = join(join_all(asked), caller.send_event(&event("lost"))).await;
        for answer in answers.into_iter().chain([answer]) {
            is_put_off(&answer);
        }
    }
}

fn is_put_off(answer: &Response) {
    let retry_after = header(answer, "retry-after").parse::<u64>();
    assert_eq!(answer.status(), 503, "{}", answer.url());
    assert!(
        retry_after.is_ok_and(|seconds| seconds > 0),
        "{}",
        answer.url()
    );
}

/// Comes back until all is well.
async fn heals(server: &TestServer) {
    let caller = server.as_client("hello").await;
    let mut attempts = 0;
    while caller.get(LISTS[0]).await.status() != 200 {
        attempts += 1;
        assert!(attempts < 100, "it does not come back by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for client in ["hello", "operator"] {
        let caller = server.as_client(client).await;
        assert_ne!(caller.data(LISTS[0]).await, json!([]));
        assert_eq!(caller.get(LISTS[2]).await.status(), 200);
    }
    for id in ["kept", "lost"] {
        assert_eq!(caller.send_event(&event(id)).await.status(), 200);
    }
}

/// The ids of the events that are kept.
async fn kept(url: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("SELECT id FROM events ORDER BY id")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_server_outlives_its_database() {
    let mut postgres = Server::start();
    let url = postgres.url("postgres");
    let server = start(&url).await;
    let caller = server.as_client("hello").await;
    assert_eq!(caller.send_event(&event("kept")).await.status(), 200);
    postgres.order("stop");
    only_logins_go_on(&server).await;
    postgres.order("start");
    heals(&server).await;
    assert_eq!(kept(&url).await, ["kept", "lost"]);
}

#[tokio::test]
async fn a_database_that_takes_no_more_connections_is_asked_again_later() {
    let postgres = Server::start();
    let owner = postgres.url("postgres");
    execute(&owner, "CREATE ROLE app LOGIN").await;
    execute(&owner, "CREATE DATABASE app OWNER app").await;
    let url = postgres.url("app").replace("user=postgres", "user=app");
    let server = start(&url).await;
    let caller = server.as_client("hello").await;
    assert_eq!(caller.send_event(&event("kept")).await.status(), 200);
    // From then on the database answers with 53300, too many connections.
    execute(&owner, "ALTER ROLE app CONNECTION LIMIT 0").await;
    let disconnect = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'";
    execute(&owner, disconnect).await;
    assert!(PgConnection::connect(&url).await.is_err());
    only_logins_go_on(&server).await;
    execute(&owner, "ALTER ROLE app CONNECTION LIMIT -1").await;
    heals(&server).await;
    assert_eq!(kept(&url).await, ["kept", "lost"]);
}

#[tokio::test]
async fn a_database_that_has_no_more_room_acknowledges_nothing_and_goes_on_answering() {
    let database = TestDatabase::new().await;
    let server = start(&database.url).await;
    let caller = server.as_client("hello").await;
    assert_eq!(caller.send_event(&event("kept")).await.status(), 200);
    // As PostgreSQL says it when the disk is full.
    for statement in [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()",
    ] {
        execute(&database.url, statement).await;
    }
    is_put_off(&caller.send_event(&event("lost")).await);
    assert_eq!(kept(&database.url).await, ["kept"]);
    assert_ne!(caller.data(LISTS[0]).await, json!([]));
    execute(&database.url, "DROP TRIGGER full_disk ON events").await;
    heals(&server).await;
    assert_eq!(kept(&database.url).await, ["kept", "lost"]);
}
