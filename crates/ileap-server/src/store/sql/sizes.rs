//! How much is kept of what each partner sent and shared: never more than there is room for.

use jiff::Timestamp;

use super::{
    database::{Lock, Pool, Transaction},
    nanoseconds,
    statement::sql,
};
use crate::store::partners::{
    EVENT_BYTES_LIMIT, EVENTS_LIMIT, FOOTPRINT_BYTES_LIMIT, FOOTPRINTS_LIMIT,
};

/// How many recipients are read at once.
const AT_ONCE: i64 = 500;

/// Counts an event in; `false` when it is one too many.
pub(super) async fn add_event(
    transaction: &mut Transaction,
    recipient: &str,
    length: usize,
) -> Result<bool, sqlx::Error> {
    let sizes = sql("INSERT INTO received_sizes (recipient, events, event_bytes) VALUES ($1, 1, $2) \
         ON CONFLICT (recipient) DO UPDATE SET events = received_sizes.events + 1, \
         event_bytes = received_sizes.event_bytes + excluded.event_bytes RETURNING events, event_bytes")
    .bind(recipient)
    .bind(number(length))
    .fetch_all(transaction)
    .await?;
    let size = sizes.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(size.get::<i64>(0)? <= EVENTS_LIMIT && size.get::<i64>(1)? <= EVENT_BYTES_LIMIT)
}

/// Counts footprints and their bytes in, or out; `false` when that is too much.
pub(super) async fn add_footprints(
    transaction: &mut Transaction,
    recipient: &str,
    (count, bytes): (i64, i64),
) -> Result<bool, sqlx::Error> {
    let sizes = sql("INSERT INTO received_sizes (recipient, footprints, footprint_bytes) VALUES ($1, $2, $3) \
         ON CONFLICT (recipient) DO UPDATE SET footprints = received_sizes.footprints + excluded.footprints, \
         footprint_bytes = received_sizes.footprint_bytes + excluded.footprint_bytes \
         RETURNING footprints, footprint_bytes")
    .bind(recipient)
    .bind(count)
    .bind(bytes)
    .fetch_all(transaction)
    .await?;
    let size = sizes.first().ok_or(sqlx::Error::RowNotFound)?;
    let has_grown = count > 0 || bytes > 0;
    let fits =
        size.get::<i64>(0)? <= FOOTPRINTS_LIMIT && size.get::<i64>(1)? <= FOOTPRINT_BYTES_LIMIT;
    Ok(fits || !has_grown)
}

/// Forgets the bodies of events that came before one moment, and what came before another altogether.
pub(super) async fn prune(
    (readers, writer): (&Pool, &Pool),
    bodies: Timestamp,
    keys: Timestamp,
) -> Result<(), sqlx::Error> {
    let (mut after, mut failed) = (String::new(), None);
    loop {
        let rows = sql(
            "SELECT recipient FROM received_sizes WHERE recipient > $1 ORDER BY recipient LIMIT $2",
        )
        .bind(&after)
        .bind(AT_ONCE)
        .fetch_all(readers)
        .await?;
        let Some(last) = rows.last() else {
            return failed.map_or(Ok(()), Err);
        };
        after = last.text(0)?;
        for row in &rows {
            // One that somebody keeps locked keeps no other from its turn.
            let pruned = prune_one(writer, &row.text(0)?, (bodies, keys)).await;
            failed = failed.or(pruned.err());
        }
    }
}

async fn prune_one(
    writer: &Pool,
    recipient: &str,
    (bodies, keys): (Timestamp, Timestamp),
) -> Result<(), sqlx::Error> {
    if !is_prunable(writer, recipient, (bodies, keys)).await? {
        return Ok(());
    }
    let mut transaction = writer.begin(Lock::Account(recipient)).await?;
    sql("DELETE FROM events WHERE recipient = $1 AND received_at < $2")
        .bind(recipient)
        .bind(nanoseconds(keys))
        .execute(&mut transaction)
        .await?;
    sql("UPDATE events SET json = $3 WHERE recipient = $1 AND received_at < $2 AND length(json) > 0")
        .bind(recipient)
        .bind(nanoseconds(bodies))
        .bind([].as_slice())
        .execute(&mut transaction)
        .await?;
    sql("UPDATE received_sizes SET events = (SELECT COUNT(*) FROM events WHERE recipient = $1), event_bytes = \
         (SELECT CAST(COALESCE(SUM(length(json)), 0) AS BIGINT) FROM events WHERE recipient = $1) WHERE recipient = $1")
        .bind(recipient)
        .execute(&mut transaction)
        .await?;
    transaction.commit().await
}

/// Looked at without a lock: mostly there is nothing to do. By a connection that plans for the values: where most events
/// are old or none is, PostgreSQL reads them as they lie.
async fn is_prunable(
    writer: &Pool,
    recipient: &str,
    (bodies, keys): (Timestamp, Timestamp),
) -> Result<bool, sqlx::Error> {
    let old = sql(
        "SELECT 1 FROM events WHERE recipient = $1 AND received_at < $2 \
         AND (length(json) > 0 OR received_at < $3) LIMIT 1",
    )
    .bind(recipient)
    .bind(nanoseconds(bodies))
    .bind(nanoseconds(keys))
    .fetch_optional(writer)
    .await?;
    Ok(old.is_some())
}

pub(super) fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
