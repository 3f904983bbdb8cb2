//! Servers over changes of the schema: from an earlier one, and on one that a later version has extended.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, migrate::Migrator,
};

use crate::{
    admin,
    cluster::{Cluster, Load},
    effort::rounds,
};

const MIGRATIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../ileap-server/migrations/postgres"
);
const FOOTPRINTS: &str = include_str!("../../../ileap-server/sample-data/footprints.json");
/// The schema of an earlier version, in which moments of footprints are nanoseconds.
const EARLIER: usize = 6;

async fn migrations() -> Migrator {
    Migrator::new(Path::new(MIGRATIONS)).await.unwrap()
}

/// What an earlier version has left: its schema and a footprint. Says when that was created.
async fn as_left_by_an_earlier_version(database: &mut PgConnection) -> String {
    let mut earlier = migrations().await;
    earlier.migrations = earlier.migrations[..EARLIER].to_vec().into();
    earlier.run(&mut *database).await.unwrap();
    let footprints: Vec<Value> = serde_json::from_str(FOOTPRINTS).unwrap();
    let (footprint, text) = (&footprints[0], |name: &str| {
        footprints[0][name].as_str().unwrap()
    });
    let created: Timestamp = text("created").parse().unwrap();
    let insert = "INSERT INTO footprints (id, version, created, status, kind, json) \
                  VALUES ($1, 0, $2, 'Active', 'generic', $3)";
    let insert = sqlx::query(insert)
        .bind(text("id"))
        .bind(i64::try_from(created.as_nanosecond()).unwrap())
        .bind(footprint.to_string().into_bytes());
    insert.execute(database).await.unwrap();
    text("created").to_owned()
}

async fn number(database: &mut PgConnection, query: &'static str) -> i64 {
    database.fetch_one(query).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_start_at_once_on_an_earlier_schema_lose_no_request_that_comes_meanwhile()
{
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity \
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in rounds(1) {
        let mut cluster = Cluster::new(2, &[]);
        let mut database = cluster.database().await;
        let created = as_left_by_an_earlier_version(&mut database).await;
        let mut holder = cluster.database().await;
        let mut held = holder.begin().await.unwrap();
        let lock = "LOCK TABLE _sqlx_migrations IN EXCLUSIVE MODE";
        held.execute(lock).await.unwrap();
        // One on a socket of the service manager, whose queue takes requests; one that cannot be reached yet.
        let socket = cluster.socket(0);
        cluster.begin_on(0, &socket);
        cluster.begin(1);
        cluster.open_front();
        let load = Load::on(&cluster);
        while number(&mut database, WAITING).await < 2 {
            tokio::task::yield_now().await;
        }
        for instance in &cluster.instances {
            assert!(!admin::is_ready(&instance.admin));
        }
        held.rollback().await.unwrap();
        for place in 0..2 {
            cluster.is_up(place);
        }
        load.goes_on();
        let (acknowledged, failures) = load.end().await;
        assert_eq!(failures, Vec::<String>::new());
        let kept = number(&mut database, "SELECT count(*) FROM events").await;
        assert_eq!(u64::try_from(kept).unwrap(), acknowledged);
        let versions = number(&mut database, "SELECT count(*) FROM _sqlx_migrations").await;
        assert_eq!(
            usize::try_from(versions).unwrap(),
            migrations().await.iter().count()
        );

        // What was there before is found by what it was found by.
        let partner = cluster.caller("127.0.0.1");
        let token = partner.token(&cluster.public()).await;
        for (comparison, expected) in [("ge", 1), ("gt", 0)] {
            let filter = format!("$filter=created+{comparison}+'{created}'");
            let url = format!("{}/2/footprints?{filter}", cluster.public());
            let answer = partner.send(partner.get(&url, Some(&token))).await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(
                answer.json()["data"].as_array().unwrap().len(),
                expected,
                "{filter}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_go_on_on_a_schema_that_a_later_version_has_extended_and_do_not_start_on_it() {
    const TABLES: &str = "SELECT tablename::text FROM pg_tables \
                          WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'";
    for _ in rounds(1) {
        let mut cluster = Cluster::start(2, &[]);
        let load = Load::on(&cluster);
        load.goes_on();
        let mut database = cluster.database().await;
        let tables = database.fetch_all(TABLES).await.unwrap();
        assert!(tables.len() > 10);
        for table in tables {
            let table: String = table.get(0);
            let extend = format!(
                "ALTER TABLE {table} ADD COLUMN of_later_versions BIGINT NOT NULL DEFAULT 0;
                 CREATE INDEX {table}_of_later_versions ON {table} (of_later_versions)"
            );
            database.execute(AssertSqlSafe(extend)).await.unwrap();
        }
        let later = "CREATE TABLE later (id BIGINT);
                     INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     VALUES (9999, 'later', true, '', 0)";
        database.execute(later).await.unwrap();
        load.goes_on();
        assert_eq!(cluster.terminate(0), 0);
        cluster.begin(0);
        let (code, log) = cluster.ends(0);
        assert_eq!(code, Some(69));
        assert!(
            log.contains("a newer version of ileap has written it; update this one"),
            "{log}"
        );
        load.goes_on();
        let (acknowledged, failures) = load.end().await;
        assert_eq!(failures, Vec::<String>::new());
        let kept = number(&mut database, "SELECT count(*) FROM events").await;
        assert_eq!(u64::try_from(kept).unwrap(), acknowledged);
    }
}
