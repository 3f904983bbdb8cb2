//! The store in SQLite: one file, or memory.

mod condition;
mod connect;
mod import;
mod logins;
mod query;

pub use self::condition::{Condition, condition};

use bytes::Bytes;
use ileap_types::filter::{odata::FootprintFilter, tad::TadFilter};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool, sqlite::SqliteRow};

use super::{
    CursorKey, EventReceipt, ImportTransaction, Page, PageQuery, ReceivedEvent, Store, StoreError,
};
use crate::access::{AccessRule, Visibility};

/// How the rule "everything" is written in the database.
const EVERYTHING: &str = "everything";

/// Footprints, transport activity data, events and access rules in SQLite.
///
/// A file has one connection that writes and a few that read, so that readers never wait for an import.
/// A store in memory has one connection for both.
#[derive(Debug)]
pub struct SqliteStore {
    cursor_key: CursorKey,
    readers: SqlitePool,
    writer: SqlitePool,
}

impl SqliteStore {
    /// Opens `sqlite:FILE`, made with mode 0600 where it is missing, or `sqlite::memory:`. Brings an older
    /// schema up to date and refuses a newer one.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let (writer, readers) = connect::pools(url).await?;
        connect::migrate(&writer).await?;
        let cursor_key = connect::cursor_key(&writer).await?;
        Ok(Self {
            cursor_key,
            readers,
            writer,
        })
    }

    async fn page(
        &self,
        query: Option<QueryBuilder<Sqlite>>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let Some(mut query) = query else {
            return Ok(Page::empty());
        };
        let failed = unavailable("reading a page");
        let row = query
            .build()
            .fetch_one(&self.readers)
            .await
            .map_err(&failed)?;
        let objects = row.try_get::<Option<Vec<u8>>, _>(0).map_err(&failed)?;
        let places = row.try_get::<Option<String>, _>(1).map_err(&failed)?;
        let (Some(objects), Some(places)) = (objects, places) else {
            return Ok(Page::empty());
        };
        query::page(objects, &places, limit).ok_or_else(|| StoreError::Unavailable {
            attempted: "reading a page",
            source: "the database joined it in an unexpected form".into(),
        })
    }
}

#[async_trait::async_trait]
impl Store for SqliteStore {
    async fn footprint(
        &self,
        visibility: &Visibility,
        id: &str,
    ) -> Result<Option<Bytes>, StoreError> {
        let Some(mut query) = query::footprint(visibility, id) else {
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
        self.page(query::footprints(visibility, filter, page)?, page.limit)
            .await
    }

    async fn tads(
        &self,
        visibility: &Visibility,
        filter: &TadFilter,
        page: &PageQuery,
    ) -> Result<Page, StoreError> {
        self.page(query::tads(visibility, filter, page)?, page.limit)
            .await
    }

    async fn record_event(&self, received: &ReceivedEvent<'_>) -> Result<EventReceipt, StoreError> {
        let event = received.event;
        let inserted = sqlx::query(
            "INSERT INTO events (recipient, source, id, type, client_id, received_at, json) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(received.sender.recipient())
        .bind(&event.source)
        .bind(&event.id)
        .bind(event.event_type.as_str())
        .bind(received.sender.client_id.as_str())
        .bind(nanoseconds(received.received_at))
        .bind(received.body.as_ref())
        .execute(&self.writer)
        .await
        .map_err(unavailable("keeping an event"))?;
        let is_new = inserted.rows_affected() > 0;
        Ok(if is_new {
            EventReceipt::Stored
        } else {
            EventReceipt::Duplicate
        })
    }

    async fn begin_import(&self) -> Result<Box<dyn ImportTransaction>, StoreError> {
        Ok(Box::new(import::Import::begin(&self.writer).await?))
    }

    async fn has_object(&self, kind: &str, object_id: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM footprints WHERE kind = ? AND object_id = ? LIMIT 1")
            .bind(kind)
            .bind(object_id)
            .fetch_optional(&self.readers)
            .await;
        Ok(row.map_err(unavailable("looking for an object"))?.is_some())
    }

    async fn access_rules(&self, recipient: &str) -> Result<Vec<AccessRule>, StoreError> {
        let rows = sqlx::query("SELECT rule FROM access_rules WHERE recipient = ?")
            .bind(recipient)
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable("reading access rules"))?;
        let is_everything = |row: &SqliteRow| {
            row.try_get::<&str, _>(0)
                .is_ok_and(|rule| rule == EVERYTHING)
        };
        Ok(rows
            .iter()
            .filter(|row| is_everything(row))
            .map(|_| AccessRule::Everything)
            .collect())
    }

    async fn allow(&self, recipient: &str, rule: AccessRule) -> Result<(), StoreError> {
        let AccessRule::Everything = rule;
        sqlx::query(
            "INSERT INTO access_rules (recipient, rule) VALUES (?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(recipient)
        .bind(EVERYTHING)
        .execute(&self.writer)
        .await
        .map_err(unavailable("adding an access rule"))?;
        Ok(())
    }

    async fn disallow(&self, recipient: &str, rule: AccessRule) -> Result<bool, StoreError> {
        let AccessRule::Everything = rule;
        let deleted = sqlx::query("DELETE FROM access_rules WHERE recipient = ? AND rule = ?")
            .bind(recipient)
            .bind(EVERYTHING)
            .execute(&self.writer)
            .await
            .map_err(unavailable("taking an access rule away"))?;
        Ok(deleted.rows_affected() > 0)
    }

    fn cursor_key(&self) -> &CursorKey {
        &self.cursor_key
    }

    async fn check(&self) -> Result<(), StoreError> {
        let answer = sqlx::query("SELECT 1").execute(&self.readers).await;
        answer
            .map(|_| ())
            .map_err(unavailable("asking the database for a sign of life"))
    }
}

fn json(row: &SqliteRow) -> Result<Bytes, sqlx::Error> {
    row.try_get::<Vec<u8>, _>(0).map(Bytes::from)
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

/// What failed, with the driver's error for the log.
fn unavailable(attempted: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| StoreError::Unavailable {
        attempted,
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests;
