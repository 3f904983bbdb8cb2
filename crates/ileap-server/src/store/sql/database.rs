//! Statements, and the two databases they run on. Statements are written once: `$n` for values, and nothing
//! that only one of the databases understands.

use std::{borrow::Cow, fmt::Write as _, time::Duration};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Database, Decode, Either, Encode, Executor, PgPool, Postgres, Row as _,
    SqlSafeStr as _, SqlStr, Sqlite, SqliteConnection, SqlitePool, Type,
    pool::PoolConnection,
    postgres::{PgQueryResult, PgRow},
    query::Query,
    sqlite::{SqliteQueryResult, SqliteRow},
};

use super::{dialect::Dialect, postgres};

/// Connections to a database.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
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
}

impl Pool {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Begins a transaction that is undone when it is dropped. SQLite has one lock for everything that writes;
    /// it is taken at once, because a transaction that reads first cannot wait for another process's.
    pub(super) async fn begin(&self, lock: Lock<'_>) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::Postgres(pool) => {
                Transaction::Postgres(postgres::Transaction::begin(pool, lock).await?)
            }
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
        })
    }
}

/// Statements that happen all together, or not at all.
pub(super) enum Transaction {
    Postgres(postgres::Transaction),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Transaction {
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
    /// Gives the next `$n` its value.
    pub(super) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it; says how many rows it changed.
    pub(super) async fn execute(self, on: impl Into<Target<'_>>) -> Result<u64, sqlx::Error> {
        Ok(self.run(on.into()).await?.affected)
    }

    pub(super) async fn fetch_all(
        self,
        on: impl Into<Target<'_>>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        Ok(self.run(on.into()).await?.rows)
    }

    /// The first row.
    pub(super) async fn fetch_optional(
        self,
        on: impl Into<Target<'_>>,
    ) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// The first row of a statement that always has one.
    pub(super) async fn fetch_one(self, on: impl Into<Target<'_>>) -> Result<Row, sqlx::Error> {
        let row = self.fetch_optional(on).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }

    async fn run(self, on: Target<'_>) -> Result<Answer, sqlx::Error> {
        match on {
            Target::Pool(Pool::Postgres(pool)) => {
                let mut connection = pool.acquire().await?;
                self.on_postgres(&mut connection, postgres::CALL_TIMEOUT)
                    .await
            }
            Target::Pool(Pool::Sqlite(pool)) => {
                let mut connection = pool.acquire().await?;
                self.on_sqlite(&mut connection).await
            }
            Target::Transaction(Transaction::Postgres(transaction)) => {
                let timeout = transaction.call_timeout;
                self.on_postgres(&mut transaction.connection, timeout).await
            }
            Target::Transaction(Transaction::Sqlite(transaction)) => {
                self.on_sqlite(transaction).await
            }
        }
    }

    async fn on_sqlite(self, connection: &mut SqliteConnection) -> Result<Answer, sqlx::Error> {
        let query = self.bound::<Sqlite>();
        let affected = |result: &SqliteQueryResult| result.rows_affected();
        let (rows, affected) = run(query, connection, affected).await?;
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
        let answer = tokio::time::timeout(timeout, run(query, &mut **connection, affected)).await;
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

/// A statement that is put together. Every value is bound; only constants are written into the text.
pub(super) struct Builder {
    pub(super) dialect: Dialect,
    text: String,
    values: Vec<Value<'static>>,
}

impl Builder {
    pub(super) fn new(dialect: Dialect, text: impl Into<String>) -> Self {
        Self {
            dialect,
            text: text.into(),
            values: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(super) fn push_bind(&mut self, value: impl Into<Value<'static>>) -> &mut Self {
        self.values.push(value.into());
        // Writing to a text cannot fail.
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// A statement that says how the database would go about this one.
    #[cfg(test)]
    pub(super) fn explained(mut self, explain: &str) -> Statement<'static> {
        self.text.insert_str(0, explain);
        self.build()
    }

    pub(super) fn build(self) -> Statement<'static> {
        Statement {
            text: AssertSqlSafe(self.text).into_sql_str(),
            values: self.values,
        }
    }
}
