//! The store in a database that speaks SQL: SQLite (one file, or memory) or PostgreSQL.

mod access;
mod condition;
mod database;
mod dialect;
mod grants;
mod import;
mod invalidations;
mod keys;
mod logins;
mod outbox;
mod partners;
mod postgres;
mod publish;
mod query;
mod schema;
mod sizes;
mod sqlite;
mod statement;
mod tokens;

pub use self::condition::{Condition, condition, missing};

use std::sync::Arc;

use bytes::Bytes;
use ileap_types::{
    datetime::NANOSECONDS_PER_TICK,
    filter::{odata::FootprintFilter, tad::TadFilter},
};

use self::{
    database::{Lock, Pool},
    dialect::Dialect,
    query::{
        Builder,
        lead::{self, Lead},
    },
    statement::{Row, Statement, sql},
};
use super::{
    CursorKey, EventReceipt, ImportTransaction, Page, PageQuery, ReceivedEvent, Store, StoreError,
    outbox::NewTask,
};
use crate::{access::Visibility, telemetry::Metrics};

/// Footprints, transport activity data, events and access rules in a database.
///
/// A file has one connection that writes and a few that read, PostgreSQL a few of each, so that readers never wait for
/// an import; a store in memory has one for both.
#[derive(Debug)]
pub struct SqlStore {
    cursor_key: CursorKey,
    readers: Pool,
    writer: Pool,
}

impl SqlStore {
    /// Opens `sqlite:FILE`, made with mode 0600 where it is missing, `sqlite::memory:`, or
    /// `postgres://USER:PASSWORD@HOST/DATABASE`. Brings an older schema up to date and refuses a newer one.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let (writer, readers) = if is_postgres(url) {
            postgres::open(url).await?
        } else {
            sqlite::open(url).await?
        };
        let (writer, readers) = (Pool::new(writer), Pool::new(readers));
        let cursor_key = schema::cursor_key(&writer).await?;
        Ok(Self {
            cursor_key,
            readers,
            writer,
        })
    }

    /// The same, with what its statements take counted.
    #[must_use]
    pub fn counted(mut self, metrics: &Arc<Metrics>) -> Self {
        self.readers.metrics = Some(metrics.clone());
        self.writer.metrics = Some(metrics.clone());
        self
    }

    /// Which of the leads a page follows; `None` where that is the whole list.
    async fn lead<'a>(
        &self,
        mut leads: Vec<Lead<'a>>,
        visibility: &Visibility,
    ) -> Result<Option<Lead<'a>>, StoreError> {
        for most in lead::COUNTED {
            if !lead::are_to_be_counted(&leads) {
                break;
            }
            let counts = self.counts((&leads, most), visibility).await;
            let counts = counts.map_err(unavailable("reading a page"))?;
            if let Some(rarest) = lead::rarest(&leads, (&counts, most)) {
                return Ok(Some(rarest));
            }
            lead::keep_ordered(&mut leads);
        }
        Ok(leads.first().copied())
    }

    async fn counts(
        &self,
        (leads, most): (&[Lead<'_>], i64),
        visibility: &Visibility,
    ) -> Result<Vec<i64>, sqlx::Error> {
        let query = lead::counts(self.readers.dialect(), (leads, most), visibility);
        let row = query.build().fetch_one(&self.readers).await?;
        (0..leads.len()).map(|column| row.get(column)).collect()
    }

    async fn page(&self, query: Option<Builder>, limit: usize) -> Result<Page, StoreError> {
        let Some(query) = query else {
            return Ok(Page::empty());
        };
        let failed = unavailable("reading a page");
        let row = query
            .build()
            .fetch_one(&self.readers)
            .await
            .map_err(&failed)?;
        let objects = row.get::<Option<Vec<u8>>>(0).map_err(&failed)?;
        let places = row.get::<Option<String>>(1).map_err(&failed)?;
        let (Some(objects), Some(places)) = (objects, places) else {
            return Ok(Page::empty());
        };
        let page = query::page(self.readers.dialect(), objects, &places, limit);
        page.ok_or_else(|| StoreError::Unavailable {
            attempted: "reading a page",
            source: "the database joined it in an unexpected form".into(),
        })
    }
}

#[async_trait::async_trait]
impl Store for SqlStore {
    async fn footprint(
        &self,
        visibility: &Visibility,
        id: &str,
    ) -> Result<Option<Bytes>, StoreError> {
        let Some(query) = query::footprint(self.readers.dialect(), visibility, id) else {
            return Ok(None);
        };
        let row = query.build().fetch_optional(&self.readers).await;
        let failed = unavailable("reading a footprint");
        row.map_err(&failed)?
            .as_ref()
            .map(json)
            .transpose()
            .map_err(&failed)
    }

    async fn footprints(
        &self,
        visibility: &Visibility,
        filter: &FootprintFilter,
        page: &PageQuery,
    ) -> Result<Page, StoreError> {
        let leads = lead::of_footprints(filter, visibility);
        let lead = self.lead(leads, visibility).await?;
        let query = query::footprints(self.readers.dialect(), visibility, filter, (page, lead))?;
        self.page(query, page.limit).await
    }

    async fn tads(
        &self,
        visibility: &Visibility,
        filter: &TadFilter,
        page: &PageQuery,
    ) -> Result<Page, StoreError> {
        let leads = lead::of_activities(filter, visibility);
        let lead = self.lead(leads, visibility).await?;
        let query = query::tads(self.readers.dialect(), visibility, filter, (page, lead))?;
        self.page(query, page.limit).await
    }

    async fn record_event(
        &self,
        received: &ReceivedEvent<'_>,
        tasks: &[NewTask],
    ) -> Result<EventReceipt, StoreError> {
        let failed = unavailable("keeping an event");
        let kept = async {
            let recipient = received.sender.recipient();
            let mut transaction = self.writer.begin(Lock::Account(recipient)).await?;
            let receipt = receipt(event(received).execute(&mut transaction).await?);
            if receipt == EventReceipt::Duplicate {
                transaction.commit().await?;
                return Ok(receipt);
            }
            let fits = sizes::add_event(&mut transaction, recipient, received.body.len()).await?;
            let is_full = !tasks.is_empty() && outbox::is_full(&mut transaction, recipient).await?;
            if is_full || !fits {
                return Ok(EventReceipt::Full);
            }
            outbox::insert(&mut transaction, tasks, received.received_at).await?;
            transaction.commit().await?;
            Ok(receipt)
        };
        kept.await.map_err(failed)
    }

    async fn begin_import(&self) -> Result<Box<dyn ImportTransaction>, StoreError> {
        Ok(Box::new(import::Import::begin(&self.writer).await?))
    }

    async fn around(&self, kind: &str, object_ids: &[String]) -> Result<Vec<Bytes>, StoreError> {
        let found = import::around(&self.readers, kind, object_ids).await;
        found.map_err(unavailable("looking for TOCs and HOCs"))
    }

    fn cursor_key(&self) -> &CursorKey {
        &self.cursor_key
    }

    fn is_shared(&self) -> bool {
        self.writer.dialect() == Dialect::Postgres
    }

    async fn check(&self) -> Result<(), StoreError> {
        let answer = sql("SELECT 1").execute(&self.readers).await;
        answer
            .map(|_| ())
            .map_err(unavailable("asking the database for a sign of life"))
    }

    async fn close(&self) {
        tokio::join!(self.readers.close(), self.writer.close());
    }
}

impl StoreError {
    /// Whether another process held SQLite's lock for longer than a statement waits: the same may succeed later.
    pub fn is_locked(&self) -> bool {
        match self {
            Self::Unavailable { source, .. } => source.downcast_ref().is_some_and(sqlite::is_busy),
            Self::Unacceptable { .. } | Self::UnknownPosition | Self::Unreached { .. } => false,
        }
    }
}

/// Whether a URL names a database in PostgreSQL.
pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn event<'q>(received: &'q ReceivedEvent<'_>) -> Statement<'q> {
    let event = received.event;
    sql(
        "INSERT INTO events (recipient, source, id, type, client_id, received_at, json) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(received.sender.recipient())
    .bind(&event.source)
    .bind(&event.id)
    .bind(event.event_type.as_str())
    .bind(received.sender.client_id.as_str())
    .bind(nanoseconds(received.received_at))
    .bind(received.body)
}

fn receipt(inserted: u64) -> EventReceipt {
    match inserted {
        0 => EventReceipt::Duplicate,
        _ => EventReceipt::Stored,
    }
}

fn json(row: &Row) -> Result<Bytes, sqlx::Error> {
    row.get::<Vec<u8>>(0).map(Bytes::from)
}

/// A moment as it is kept; what lies outside 1677 to 2262 is cut to the nearer end.
fn nanoseconds(moment: jiff::Timestamp) -> i64 {
    let nanoseconds = moment.as_nanosecond();
    nanoseconds
        .try_into()
        .unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

/// The other way round.
fn moment(nanoseconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}

/// A moment that objects are listed, narrowed or granted by: in ticks, which have room for every year.
fn ticks(moment: jiff::Timestamp) -> i64 {
    let ticks = moment
        .as_nanosecond()
        .div_euclid(NANOSECONDS_PER_TICK.into());
    ticks.try_into().unwrap_or(i64::MAX)
}

/// The other way round.
fn of_ticks(ticks: i64) -> jiff::Timestamp {
    let nanoseconds = i128::from(ticks) * i128::from(NANOSECONDS_PER_TICK);
    jiff::Timestamp::from_nanosecond(nanoseconds).unwrap_or_default()
}

/// What a pool says that tries until time is over, and keeps to itself why that was in vain.
#[derive(Debug, thiserror::Error)]
#[error("no connection came free in time: it is away or busy, and `ileap doctor` says which")]
struct NoConnection;

/// What failed, with the driver's error for the log.
fn unavailable(attempted: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| StoreError::Unavailable {
        attempted,
        source: match error {
            sqlx::Error::PoolTimedOut => Box::new(NoConnection),
            error => Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests;
