//! The two databases: connections, transactions, and the locks that keep writers apart.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, Sqlite, SqlitePool};

use super::{dialect::Dialect, postgres, sqlite::readers::Readers};
use crate::telemetry::Metrics;

/// Connections to a database, and where it is counted what their statements take.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) connections: Connections,
    pub(super) metrics: Option<Arc<Metrics>>,
}

/// Connections to a database.
#[derive(Clone, Debug)]
pub(super) enum Connections {
    Postgres(PgPool),
    Sqlite(SqlitePool),
    SqliteReaders(Readers),
}

/// What a transaction keeps others from doing meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lock<'a> {
    /// Changing the records of one account.
    Account(&'a str),
    /// Importing.
    Import,
    /// Publishing invalidations: their marks must become visible in their order.
    Invalidations,
    /// Adding tasks of our own making.
    Outbox,
    /// Changing the signing keys.
    SigningKeys,
}

impl Pool {
    pub(super) fn new(connections: Connections) -> Self {
        Self {
            connections,
            metrics: None,
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self.connections {
            Connections::Postgres(_) => Dialect::Postgres,
            Connections::Sqlite(_) | Connections::SqliteReaders(_) => Dialect::Sqlite,
        }
    }

    /// The database, as metrics and traces call it.
    pub(super) fn name(&self) -> &'static str {
        match self.connections {
            Connections::Postgres(_) => "postgresql",
            Connections::Sqlite(_) | Connections::SqliteReaders(_) => "sqlite",
        }
    }

    /// Counts a statement that took this long.
    pub(super) fn count(&self, is_error: bool, elapsed: Duration) {
        if let Some(metrics) = &self.metrics {
            metrics.store_answered(self.name(), is_error, elapsed);
        }
    }

    /// Ends the connections to a server, which otherwise finds them broken. A file needs no goodbye.
    pub(super) async fn close(&self) {
        if let Connections::Postgres(pool) = &self.connections {
            pool.close().await;
        }
    }

    /// Begins a transaction that is undone when it is dropped. SQLite has one lock for everything that writes;
    /// it is taken at once, because a transaction that reads first cannot wait for another process's.
    pub(super) async fn begin(&self, lock: Lock<'_>) -> Result<Transaction, sqlx::Error> {
        Ok(match &self.connections {
            Connections::Postgres(pool) => {
                Transaction::Postgres(postgres::Transaction::begin(pool, lock).await?)
            }
            Connections::Sqlite(pool) => {
                Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?)
            }
            Connections::SqliteReaders(_) => {
                return Err(sqlx::Error::Configuration(
                    "these connections only read".into(),
                ));
            }
        })
    }
}

/// Statements that happen all together, or not at all.
pub(super) enum Transaction {
    Postgres(postgres::Transaction),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Transaction {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(transaction) => transaction.commit().await,
            Self::Sqlite(transaction) => transaction.commit().await,
        }
    }
}

/// What a statement runs on.
pub(super) enum Target<'a> {
    Pool(&'a Pool),
    Transaction(&'a mut Transaction),
}

impl<'a> From<&'a Pool> for Target<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'a> From<&'a mut Transaction> for Target<'a> {
    fn from(transaction: &'a mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}
