//! Tasks for partners, as rows.

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

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
        Lease, LeasedTask, NewTask, OPEN_TASKS_LIMIT, Outbox, OutboxDepth, Settlement, TaskKind,
        TaskRecord,
    },
};

#[async_trait::async_trait]
impl Outbox for SqlStore {
    async fn lease(&self, lease: &Lease) -> Result<Vec<LeasedTask>, StoreError> {
        let failed = unavailable("leasing tasks for partners");
        let now = nanoseconds(lease.now);
        let lasts = i64::try_from(lease.lasts.as_nanos()).unwrap_or(i64::MAX);
        let rows = sql("UPDATE outbox SET worker = $1, lease_until = $2 WHERE state = 'open' AND lease_until <= $3 AND id IN \
             (SELECT o.id FROM outbox o WHERE o.state = 'open' AND o.due_at <= $3 AND o.lease_until <= $3 AND NOT EXISTS \
             (SELECT 1 FROM outbox p WHERE p.state = 'open' AND p.base_url = o.base_url AND (p.lease_until > $3 \
             OR p.due_at < o.due_at OR (p.due_at = o.due_at AND p.id < o.id))) ORDER BY o.due_at LIMIT $4) \
             RETURNING id, task, recipient, base_url, input, body, created_at, attempts, refusals")
        .bind(&lease.worker)
        .bind(now.saturating_add(lasts))
        .bind(now)
        .bind(i64::try_from(lease.limit).unwrap_or(i64::MAX))
        .fetch_all(&self.writer)
        .await
        .map_err(&failed)?;
        rows.iter()
            .map(leased)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn extend(
        &self,
        worker: &str,
        tasks: &[Uuid],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        for task in tasks {
            let extended = sql("UPDATE outbox SET lease_until = $2 WHERE worker = $1 AND state = 'open' AND id = $3")
                .bind(worker)
                .bind(nanoseconds(until))
                .bind(task.to_string())
                .execute(&self.writer)
                .await;
            extended.map_err(unavailable("leasing tasks for partners"))?;
        }
        Ok(())
    }

    async fn fix_body(&self, worker: &str, id: Uuid, body: &Bytes) -> Result<bool, StoreError> {
        let fixed = sql("UPDATE outbox SET body = $1 WHERE id = $2 AND worker = $3 AND state = 'open' AND body IS NULL")
            .bind(body)
            .bind(id.to_string())
            .bind(worker)
            .execute(&self.writer)
            .await;
        Ok(fixed.map_err(unavailable("keeping an event to send"))? > 0)
    }

    async fn settle(
        &self,
        worker: &str,
        id: Uuid,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = match settlement {
            Settlement::Retry {
                due_at,
                is_refusal,
                why,
            } => sql(
                "UPDATE outbox SET due_at = $3, error = $4, refusals = refusals + $5, attempts = attempts + 1, \
                 worker = NULL, lease_until = 0 WHERE id = $1 AND worker = $2 AND state = 'open'",
            )
            .bind(id.to_string())
            .bind(worker)
            .bind(nanoseconds(due_at))
            .bind(why)
            .bind(i64::from(is_refusal)),
            Settlement::Done => sql(
                "UPDATE outbox SET state = 'done', settled_at = $3, error = NULL, \
                 attempts = attempts + 1, worker = NULL, lease_until = 0, input = $4, body = NULL \
                 WHERE id = $1 AND worker = $2 AND state = 'open'",
            )
            .bind(id.to_string())
            .bind(worker)
            .bind(nanoseconds(now))
            .bind([].as_slice()),
            // Whole, so that it can be revived.
            Settlement::Dead { why } => sql(
                "UPDATE outbox SET state = 'dead', settled_at = $3, error = $4, \
                 attempts = attempts + 1, worker = NULL, lease_until = 0 \
                 WHERE id = $1 AND worker = $2 AND state = 'open'",
            )
            .bind(id.to_string())
            .bind(worker)
            .bind(nanoseconds(now))
            .bind(why),
        };
        let settled = statement.execute(&self.writer).await;
        Ok(settled.map_err(unavailable("settling a task for a partner"))? > 0)
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
        let revived = sql("UPDATE outbox SET state = 'open', attempts = 0, refusals = 0, created_at = $2, due_at = $2, settled_at = NULL \
             WHERE recipient = $1 AND state = 'dead'")
        .bind(recipient)
        .bind(nanoseconds(now))
        .execute(&self.writer)
        .await;
        revived.map_err(unavailable("trying given-up tasks again"))
    }

    async fn prune(&self, done: Timestamp, dead: Timestamp) -> Result<(), StoreError> {
        sql("DELETE FROM outbox WHERE (state = 'done' AND settled_at < $1) OR (state = 'dead' AND settled_at < $2)")
            .bind(nanoseconds(done))
            .bind(nanoseconds(dead))
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(unavailable("forgetting settled tasks"))
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
        sql("INSERT INTO outbox (id, task, recipient, base_url, input, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $6)")
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

fn leased(row: &Row) -> Result<LeasedTask, sqlx::Error> {
    let id = Uuid::parse_str(&row.text(0)?);
    let kind = TaskKind::from_word(&row.text(1)?);
    Ok(LeasedTask {
        task: NewTask {
            id: id.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            kind: kind.ok_or_else(|| sqlx::Error::Decode("an unknown kind of task".into()))?,
            recipient: row.text(2)?,
            base_url: row.text(3)?,
            input: row.get::<Vec<u8>>(4)?.into(),
        },
        body: row.get::<Option<Vec<u8>>>(5)?.map(Bytes::from),
        created_at: moment(row.get(6)?),
        attempts: row.get::<i64>(7)?.try_into().unwrap_or(u32::MAX),
        refusals: row.get::<i64>(8)?.try_into().unwrap_or(u32::MAX),
    })
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
