//! Statements, their values, and the rows they bring. Statements are written once for both databases: `$n` for
//! values, and nothing that only one of them understands.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Database, Decode, Either, Encode, Executor, Postgres, Row as _, SqlSafeStr as _,
    SqlStr, Sqlite, SqliteConnection, Type,
    pool::PoolConnection,
    postgres::{PgQueryResult, PgRow},
    query::Query,
    sqlite::{SqliteQueryResult, SqliteRow},
};

use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    database::{Connections, Target, Transaction},
    dialect::Dialect,
    postgres,
};
use crate::telemetry::traces;

/// A value of a statement.
#[derive(Clone, Debug)]
pub(super) enum Value<'q> {
    Bytes(&'q [u8]),
    Integer(Option<i64>),
    Text(Option<Cow<'q, str>>),
}

impl<'q> From<&'q Bytes> for Value<'q> {
    fn from(bytes: &'q Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'q> From<&'q [u8]> for Value<'q> {
    fn from(bytes: &'q [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl<'q> From<&'q String> for Value<'q> {
    fn from(text: &'q String) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(text: &'q str) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl<'q> From<Option<&'q str>> for Value<'q> {
    fn from(text: Option<&'q str>) -> Self {
        Self::Text(text.map(Cow::from))
    }
}

/// A statement with its values.
#[derive(Debug)]
pub(super) struct Statement<'q> {
    text: SqlStr,
    values: Vec<Value<'q>>,
}

/// A statement of constant text; databases keep it compiled.
pub(super) fn sql<'q>(text: &'static str) -> Statement<'q> {
    Statement {
        text: text.into_sql_str(),
        values: Vec::new(),
    }
}

impl<'q> Statement<'q> {
    /// A statement that was put together, of constants.
    pub(super) fn new(text: String, values: Vec<Value<'q>>) -> Self {
        let text = AssertSqlSafe(text).into_sql_str();
        Self { text, values }
    }

    /// Gives the next `$n` its value.
    pub(super) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Statements that say how PostgreSQL would go about this one whatever its values are.
    #[cfg(test)]
    pub(super) fn explained_for_any_values(self) -> [String; 3] {
        let values = vec!["NULL"; self.values.len()].join(", ");
        [
            format!("PREPARE asked AS {}", self.text.as_str()),
            format!("EXPLAIN EXECUTE asked({values})"),
            "DEALLOCATE asked".to_owned(),
        ]
    }

    /// Runs it; says how many rows it changed.
    pub(super) async fn execute(self, on: impl Into<Target<'_>>) -> Result<u64, sqlx::Error> {
        Ok(self.run(on.into(), usize::MAX).await?.affected)
    }

    pub(super) async fn fetch_all(
        self,
        on: impl Into<Target<'_>>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        Ok(self.run(on.into(), usize::MAX).await?.rows)
    }

    /// The first row.
    pub(super) async fn fetch_optional(
        self,
        on: impl Into<Target<'_>>,
    ) -> Result<Option<Row>, sqlx::Error> {
        let answer = self.run(on.into(), 1).await?;
        Ok(answer.rows.into_iter().next())
    }

    /// The first row of a statement that always has one.
    pub(super) async fn fetch_one(self, on: impl Into<Target<'_>>) -> Result<Row, sqlx::Error> {
        let row = self.fetch_optional(on).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }

    /// Runs it; rows beyond `wanted` may be left out.
    async fn run(self, on: Target<'_>, wanted: usize) -> Result<Answer, sqlx::Error> {
        match on {
            Target::Pool(pool) => {
                let began = Instant::now();
                let span = traces::store_call(pool.name());
                let answer = self
                    .on_pool(&pool.connections, wanted)
                    .instrument(span)
                    .await;
                pool.count(answer.is_err(), began.elapsed());
                answer
            }
            Target::Transaction(Transaction::Postgres(transaction)) => {
                let timeout = transaction.call_timeout;
                self.on_postgres(&mut transaction.connection, timeout).await
            }
            Target::Transaction(Transaction::Sqlite(transaction)) => {
                self.on_sqlite(transaction, wanted).await
            }
        }
    }

    async fn on_pool(
        self,
        connections: &Connections,
        wanted: usize,
    ) -> Result<Answer, sqlx::Error> {
        match connections {
            Connections::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                self.on_postgres(&mut connection, postgres::CALL_TIMEOUT)
                    .await
            }
            Connections::Sqlite(pool) => {
                let mut connection = pool.acquire().await?;
                self.on_sqlite(&mut connection, wanted).await
            }
            Connections::SqliteReaders(readers) => {
                let mut reader = readers.acquire().await?;
                let answer = self.on_sqlite(reader.ask()?, wanted).await;
                reader.give_back();
                answer
            }
        }
    }

    /// To wait for the end behind the last row wanted would cost another turn of the connection's thread.
    async fn on_sqlite(
        self,
        connection: &mut SqliteConnection,
        wanted: usize,
    ) -> Result<Answer, sqlx::Error> {
        let query = self.bound::<Sqlite>();
        let affected = |result: &SqliteQueryResult| result.rows_affected();
        let (rows, affected) = run(query, connection, affected, wanted).await?;
        let rows = rows.into_iter().map(Row::Sqlite).collect();
        Ok(Answer { rows, affected })
    }

    /// A connection that does not answer in time is closed: a server that is gone without a word would keep
    /// it busy for ever.
    pub(super) async fn on_postgres(
        mut self,
        connection: &mut PoolConnection<Postgres>,
        timeout: Duration,
    ) -> Result<Answer, sqlx::Error> {
        for value in &mut self.values {
            if let Value::Text(Some(text)) = value {
                postgres::escape(text);
            }
        }
        let query = self.bound::<Postgres>();
        let affected = |result: &PgQueryResult| result.rows_affected();
        let answer =
            tokio::time::timeout(timeout, run(query, &mut **connection, affected, usize::MAX))
                .await;
        let Ok(answer) = answer else {
            connection.close_on_drop();
            return Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
        };
        let (rows, affected) = answer?;
        let rows = rows.into_iter().map(Row::Postgres).collect();
        Ok(Answer { rows, affected })
    }

    fn bound<DB>(self) -> Query<'q, DB, DB::Arguments>
    where
        DB: Database,
        &'q [u8]: Encode<'q, DB> + Type<DB>,
        Option<i64>: Encode<'q, DB> + Type<DB>,
        Option<Cow<'q, str>>: Encode<'q, DB> + Type<DB>,
    {
        let query = sqlx::query(self.text);
        let values = self.values.into_iter();
        values.fold(query, |query, value| match value {
            Value::Bytes(bytes) => query.bind(bytes),
            Value::Integer(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
        })
    }
}

async fn run<'q, 'c, DB, E>(
    query: Query<'q, DB, DB::Arguments>,
    executor: E,
    affected: fn(&DB::QueryResult) -> u64,
    wanted: usize,
) -> Result<(Vec<DB::Row>, u64), sqlx::Error>
where
    DB: Database,
    DB::Arguments: sqlx::IntoArguments<DB>,
    E: Executor<'c, Database = DB>,
    'q: 'c,
{
    let mut answers = executor.fetch_many(query);
    let (mut rows, mut number) = (Vec::new(), 0);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(result) => number += affected(&result),
            Either::Right(row) => rows.push(row),
        }
        if rows.len() >= wanted {
            break;
        }
    }
    Ok((rows, number))
}

/// What a statement brought.
pub(super) struct Answer {
    rows: Vec<Row>,
    affected: u64,
}

/// A row of an answer.
#[derive(Debug)]
pub(super) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

impl Row {
    /// A column's number or bytes; see [`Row::text`] for texts.
    pub(super) fn get<'r, T>(&'r self, column: usize) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Postgres> + Type<Postgres> + Decode<'r, Sqlite> + Type<Sqlite>,
    {
        match self {
            Self::Postgres(row) => row.try_get(column),
            Self::Sqlite(row) => row.try_get(column),
        }
    }

    /// A column's text, as it was bound.
    pub(super) fn text(&self, column: usize) -> Result<String, sqlx::Error> {
        let text = self.optional_text(column)?;
        text.ok_or_else(|| sqlx::Error::ColumnNotFound(column.to_string()))
    }

    /// A column's text, where it has one.
    pub(super) fn optional_text(&self, column: usize) -> Result<Option<String>, sqlx::Error> {
        let text = self.get::<Option<String>>(column)?;
        Ok(match self {
            Self::Postgres(_) => text.map(|text| Dialect::Postgres.restored(text)),
            Self::Sqlite(_) => text,
        })
    }
}
