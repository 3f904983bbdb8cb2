//! Tasks for partners, as rows.

mod leases;
mod settlement;

pub(super) use self::settlement::wake_hosts;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    SqlStore,
    database::{Lock, Transaction},
    moment, nanoseconds, publish,
    statement::{Row, sql},
    unavailable,
};
use crate::store::{
    StoreError,
    outbox::{
        Ending, Held, Lease, LeasedTask, NewTask, OPEN_TASKS_LIMIT, Outbox, OutboxDepth, TaskRecord,
    },
};

#[async_trait::async_trait]
impl Outbox for SqlStore {
    async fn lease(&self, lease: &Lease) -> Result<Vec<LeasedTask>, StoreError> {
        let rows = leases::take(lease).fetch_all(&self.writer).await;
        let failed = unavailable("leasing tasks for partners");
        rows.map_err(&failed)?
            .iter()
            .map(|row| leases::leased(row, lease.id))
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn extend(&self, held: &[Held], until: Timestamp) -> Result<(), StoreError> {
        if held.is_empty() {
            return Ok(());
        }
        let extended = leases::prolong(held, nanoseconds(until)).execute(&self.writer);
        extended
            .await
            .map(|_| ())
            .map_err(unavailable("leasing tasks for partners"))
    }

    async fn confirm(&self, held: Held, until: Timestamp) -> Result<bool, StoreError> {
        let confirmed = sql("UPDATE outbox SET lease_until = $1, is_unsure = 1 WHERE id = $2 AND lease = $3 AND state = 'open'")
            .bind(nanoseconds(until))
            .bind(held.task.to_string())
            .bind(held.lease.to_string())
            .execute(&self.writer)
            .await;
        Ok(confirmed.map_err(unavailable("leasing tasks for partners"))? > 0)
    }

    async fn release(&self, held: &[Held]) -> Result<(), StoreError> {
        if held.is_empty() {
            return Ok(());
        }
        let released = leases::release(held).execute(&self.writer);
        released
            .await
            .map(|_| ())
            .map_err(unavailable("giving tasks for partners back"))
    }

    async fn fix_body(&self, held: Held, body: &Bytes) -> Result<bool, StoreError> {
        let fixed = sql("UPDATE outbox SET body = $1 WHERE id = $2 AND lease = $3 AND state = 'open' AND is_unsure = 0")
            .bind(body)
            .bind(held.task.to_string())
            .bind(held.lease.to_string())
            .execute(&self.writer)
            .await;
        Ok(fixed.map_err(unavailable("keeping an event to send"))? > 0)
    }

    async fn narrow(&self, held: Held, input: &Bytes) -> Result<bool, StoreError> {
        let narrowed =
            sql("UPDATE outbox SET input = $1 WHERE id = $2 AND lease = $3 AND state = 'open'")
                .bind(input)
                .bind(held.task.to_string())
                .bind(held.lease.to_string())
                .execute(&self.writer)
                .await;
        Ok(narrowed.map_err(unavailable("keeping how far a task for a partner is"))? > 0)
    }

    async fn settle(&self, held: Held, ending: &Ending) -> Result<bool, StoreError> {
        let settled = settlement::settle(&self.writer, held, ending);
        settled
            .await
            .map_err(unavailable("settling a task for a partner"))
    }

    async fn lease_time(&self, ours: Timestamp) -> Result<Timestamp, StoreError> {
        let Some(clock) = self.writer.dialect().clock() else {
            return Ok(ours);
        };
        let failed = unavailable("asking the database for the time");
        let row = sql(clock).fetch_one(&self.writer).await.map_err(&failed)?;
        row.get::<i64>(0).map(moment).map_err(&failed)
    }

    async fn add_tasks(&self, tasks: &[NewTask], now: Timestamp) -> Result<(), StoreError> {
        let added = async {
            let mut transaction = self.writer.begin(Lock::Outbox).await?;
            insert(&mut transaction, tasks, now).await?;
            transaction.commit().await
        };
        added
            .await
            .map_err(unavailable("adding tasks for partners"))
    }

    async fn publish_changes(&self, now: Timestamp) -> Result<bool, StoreError> {
        let published = publish::changes(&self.readers, &self.writer, now).await;
        published.map_err(unavailable("publishing changed footprints"))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let failed = unavailable("looking for tasks for partners");
        let row = sql("SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) FROM outbox WHERE state = 'open'")
            .fetch_one(&self.readers)
            .await
            .map_err(&failed)?;
        let due: Option<i64> = row.get(0).map_err(&failed)?;
        Ok(due.map(moment))
    }

    async fn depth(&self) -> Result<OutboxDepth, StoreError> {
        let failed = unavailable("counting tasks for partners");
        let rows = sql("SELECT state, COUNT(*), MIN(created_at) FROM outbox WHERE state IN ('open', 'dead') GROUP BY state")
            .fetch_all(&self.readers)
            .await
            .map_err(&failed)?;
        let mut depth = OutboxDepth::default();
        for row in &rows {
            let count = row.get::<i64>(1).map_err(&failed)?.unsigned_abs();
            if row.text(0).map_err(&failed)? == "open" {
                depth.open = count;
                depth.oldest = row.get::<Option<i64>>(2).map_err(&failed)?.map(moment);
            } else {
                depth.dead = count;
            }
        }
        Ok(depth)
    }

    async fn unsettled(&self, limit: usize) -> Result<Vec<TaskRecord>, StoreError> {
        let failed = unavailable("reading tasks for partners");
        let rows = sql("SELECT id, task, recipient, base_url, state, attempts, error, created_at, due_at FROM outbox \
             WHERE state IN ('open', 'dead') ORDER BY created_at, id LIMIT $1")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        rows.iter()
            .map(record)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn revive(&self, recipient: &str, now: Timestamp) -> Result<u64, StoreError> {
        let revived = async {
            let mut transaction = self.writer.begin(Lock::Account(recipient)).await?;
            wake_hosts(&mut transaction, recipient).await?;
            let revived = sql("UPDATE outbox SET state = 'open', attempts = 0, refusals = 0, created_at = $2, due_at = $2, settled_at = NULL, \
                 body = CASE WHEN is_unsure = 0 THEN NULL ELSE body END WHERE recipient = $1 AND state = 'dead'")
            .bind(recipient)
            .bind(nanoseconds(now))
            .execute(&mut transaction)
            .await?;
            transaction.commit().await?;
            Ok(revived)
        };
        revived
            .await
            .map_err(unavailable("trying given-up tasks again"))
    }

    async fn prune(&self, done: Timestamp, dead: Timestamp) -> Result<(), StoreError> {
        let failed = unavailable("forgetting settled tasks");
        sql("DELETE FROM outbox WHERE (state = 'done' AND settled_at < $1) OR (state = 'dead' AND settled_at < $2)")
            .bind(nanoseconds(done))
            .bind(nanoseconds(dead))
            .execute(&self.writer)
            .await
            .map_err(&failed)?;
        sql("DELETE FROM resting_hosts WHERE until < $1")
            .bind(nanoseconds(dead))
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(&failed)
    }
}

/// Whether a recipient has so many tasks open that it gets no more.
pub(super) async fn is_full(
    transaction: &mut Transaction,
    recipient: &str,
) -> Result<bool, sqlx::Error> {
    let row = sql("SELECT COUNT(*) FROM outbox WHERE recipient = $1 AND state = 'open'")
        .bind(recipient)
        .fetch_one(transaction)
        .await?;
    Ok(row.get::<i64>(0)? >= OPEN_TASKS_LIMIT)
}

pub(super) async fn insert(
    transaction: &mut Transaction,
    tasks: &[NewTask],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for task in tasks {
        sql("INSERT INTO outbox (id, task, recipient, base_url, input, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, \
             COALESCE((SELECT until FROM resting_hosts WHERE recipient = $3 AND base_url = $4 AND until > $6 AND $2 <> 'keep'), $6))")
            .bind(task.id.to_string())
            .bind(task.kind.as_str())
            .bind(&task.recipient)
            .bind(&task.base_url)
            .bind(&task.input)
            .bind(nanoseconds(now))
            .execute(&mut *transaction)
            .await?;
    }
    Ok(())
}

fn record(row: &Row) -> Result<TaskRecord, sqlx::Error> {
    Ok(TaskRecord {
        id: row.text(0)?,
        kind: row.text(1)?,
        recipient: row.text(2)?,
        base_url: row.text(3)?,
        state: row.text(4)?,
        attempts: row.get::<i64>(5)?.try_into().unwrap_or(u32::MAX),
        error: row.optional_text(6)?,
        created_at: moment(row.get(7)?),
        due_at: moment(row.get(8)?),
    })
}
