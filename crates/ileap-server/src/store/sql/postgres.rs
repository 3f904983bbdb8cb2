//! The store in PostgreSQL.

mod unreached;

pub(super) use self::unreached::unreached;

use std::{borrow::Cow, str::FromStr as _, time::Duration};

use sqlx::{
    Connection as _, Executor as _, PgConnection, PgPool, Postgres,
    migrate::MigrateError,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};

use super::{
    database::{Connections, Lock},
    schema,
    statement::sql,
};
use crate::store::StoreError;

/// Most connections of one process, of which some read and some write; a server takes 100 unless it is told otherwise.
pub(super) const READERS: u32 = 8;
pub(super) const WRITERS: u32 = 8;
/// How long a request waits for a connection, new or used, before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// After how long a connection is replaced, so that a server that has become a standby is left.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long a statement may take as seen from here. Longer than the server's own limit, which spares the
/// connection.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(7);
/// The same for a statement of an import, whose commit may write a lot.
const IMPORT_CALL_TIMEOUT: Duration = Duration::from_secs(605);

/// The server's own limits. The last of them gives back the locks of a process that is gone. And what was
/// acknowledged is on disk, also where the database is set not to wait for it.
const LIMITS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '2s'; \
                      SET idle_in_transaction_session_timeout = '60s'; \
                      SELECT set_config('synchronous_commit', 'on', false) \
                      WHERE current_setting('synchronous_commit') = 'off'";
/// How those that read plan: once for each statement, whatever its values are. A statement that is planned for its values
/// takes several times as long, and the longer the more rows there are. Without them all looks cheap that reads a table as
/// a whole, and is switched off: pages are written for one index and its order, and join by looking rows up.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
                     SET enable_bitmapscan = off; SET enable_sort = off; SET enable_incremental_sort = off; \
                     SET enable_hashjoin = off; SET enable_mergejoin = off; \
                     SET max_parallel_workers_per_gather = 0; SET jit = off";
/// Those of an import, which also waits for another one.
const IMPORT_LIMITS: &str = "SELECT set_config('statement_timeout', '600s', true), \
                             set_config('lock_timeout', '60s', true)";
/// Those of a change to the schema, which also waits for another process's, and does not tell of tables that are there.
const MIGRATION_LIMITS: &str = "SET statement_timeout = '600s'; SET lock_timeout = '60s'; \
                                SET client_min_messages = 'warning'";

/// Reads `postgres://...`. Beyond this machine the server must prove who it is, unless the URL says
/// otherwise with `sslmode`: a password and all data go over that connection.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("ileap");
    let host = options.get_host();
    let is_loopback = host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    let is_local = options.get_socket().is_some() || host.starts_with('/') || is_loopback;
    let is_undecided = matches!(options.get_ssl_mode(), PgSslMode::Prefer);
    Ok(if is_undecided && !is_local {
        options.ssl_mode(PgSslMode::VerifyFull)
    } else {
        options
    })
}

/// Connects one connection, in time.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let connecting = PgConnection::connect_with(options);
    tokio::time::timeout(CALL_TIMEOUT, connecting)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

/// Connects, and brings an older schema up to date. Returns the connections that write and those that read; each is tried
/// before it is used, so that a server that comes back is found by itself.
pub(super) async fn open(url: &str) -> Result<(Connections, Connections), StoreError> {
    let options = match options(url) {
        Ok(options) => options,
        Err(error) => return Err(unreached(url, error).await),
    };
    let first = pool(1, &[MIGRATION_LIMITS]).connect_with(options.clone());
    let first = match first.await {
        Ok(first) => first,
        // The pool has tried for a while, and keeps to itself why that was in vain.
        Err(in_vain @ sqlx::Error::PoolTimedOut) => {
            let reason = connect(&options).await.err().unwrap_or(in_vain);
            return Err(unreached(url, reason).await);
        }
        Err(error) => return Err(unreached(url, error).await),
    };
    match schema::POSTGRES.migrator().run(&first).await {
        Ok(()) => {}
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _))
            if unreached::may_not_change(&error) =>
        {
            return Err(unreached(url, error).await);
        }
        Err(error) => return Err(schema::failed(error)),
    }
    first.close().await;
    let writers = pool(WRITERS, &[LIMITS]).connect_lazy_with(options.clone());
    let readers = pool(READERS, &[LIMITS, PLANS]).connect_lazy_with(options);
    Ok((
        Connections::Postgres(writers),
        Connections::Postgres(readers),
    ))
}

fn pool(connections: u32, settings: &'static [&'static str]) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(LIFETIME)
        .test_before_acquire(true)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for setting in settings {
                    connection.execute(*setting).await?;
                }
                Ok(())
            })
        })
}

/// A transaction that is undone, by closing its connection, when it is dropped.
pub(in crate::store::sql) struct Transaction {
    pub(super) call_timeout: Duration,
    pub(super) connection: PoolConnection<Postgres>,
    is_over: bool,
}

impl Transaction {
    /// Begins, and waits for the lock. Every statement sees what was committed before it, whatever the
    /// server's own setting is: what is read under the lock has to be what the last holder left.
    pub(super) async fn begin(pool: &PgPool, lock: Lock<'_>) -> Result<Self, sqlx::Error> {
        let mut transaction = Self {
            call_timeout: CALL_TIMEOUT,
            connection: pool.acquire().await?,
            is_over: false,
        };
        transaction
            .execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            .await?;
        let name = match lock {
            Lock::Account(account) => Cow::from(format!("ileap account {account}")),
            Lock::Import => {
                transaction.call_timeout = IMPORT_CALL_TIMEOUT;
                transaction.execute(IMPORT_LIMITS).await?;
                "ileap import".into()
            }
            Lock::Invalidations => "ileap invalidations".into(),
            Lock::Outbox => "ileap outbox".into(),
            Lock::SigningKeys => "ileap signing keys".into(),
        };
        // Given back after the commit has become visible.
        sql("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(&*name)
            .on_postgres(&mut transaction.connection, transaction.call_timeout)
            .await?;
        Ok(transaction)
    }

    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.execute("COMMIT").await?;
        self.is_over = true;
        Ok(())
    }

    async fn execute(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        let answer = sql(statement).on_postgres(&mut self.connection, self.call_timeout);
        answer.await.map(|_| ())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.close_on_drop();
        }
    }
}

/// PostgreSQL keeps no U+0000 in a text: U+0000 becomes U+0001 U+0001, and U+0001 becomes U+0001 U+0002.
/// What is equal stays so, and the order of the bytes does, too.
pub(super) fn escape(text: &mut Cow<'_, str>) {
    if text.contains(['\0', '\u{1}']) {
        let escaped = text
            .replace('\u{1}', "\u{1}\u{2}")
            .replace('\0', "\u{1}\u{1}");
        *text = escaped.into();
    }
}

/// The other way round.
pub(super) fn unescape(text: String) -> String {
    if !text.contains('\u{1}') {
        return text;
    }
    let mut restored = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        restored.push(match char {
            '\u{1}' => match chars.next() {
                Some('\u{1}') => '\0',
                _ => '\u{1}',
            },
            char => char,
        });
    }
    restored
}

/// Whether a text is too long for the index that finds it (54000 `program_limit_exceeded`).
pub(super) fn is_too_long(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "54000")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut text = Cow::from(text);
        escape(&mut text);
        text.into_owned()
    }

    proptest! {
        #[test]
        fn every_text_is_kept_without_nul_and_comes_back(text in "[\0\u{1}\u{2}a]*") {
            prop_assert!(!escaped(&text).contains('\0'));
            prop_assert_eq!(unescape(escaped(&text)), text);
        }

        #[test]
        fn kept_texts_are_in_the_order_of_their_bytes(one in "[\0\u{1}\u{2}a]*", other in "[\0\u{1}\u{2}a]*") {
            prop_assert_eq!(escaped(&one).cmp(&escaped(&other)), one.cmp(&other));
        }
    }

    #[test]
    fn a_server_elsewhere_must_prove_who_it_is() {
        let mode = |url| options(url).unwrap().get_ssl_mode();
        for url in [
            "postgres://db.example.com/ileap",
            "postgres://10.0.0.1/ileap",
            "postgres://db/ileap?sslmode=prefer",
        ] {
            assert!(matches!(mode(url), PgSslMode::VerifyFull), "{url}");
        }
        let plain = "postgres://db/ileap?sslmode=disable";
        assert!(matches!(mode(plain), PgSslMode::Disable));
        for url in [
            "postgres://localhost/ileap",
            "postgres://127.0.0.1/ileap",
            "postgres:///ileap?host=/run/postgresql",
        ] {
            assert!(matches!(mode(url), PgSslMode::Prefer), "{url}");
        }
    }
}
