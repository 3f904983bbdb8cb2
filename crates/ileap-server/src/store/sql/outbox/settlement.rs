//! How attempts end: for the task, and for its host.

use super::super::{
    database::{Lock, Pool, Transaction},
    nanoseconds,
    statement::sql,
};
use crate::store::outbox::{Ending, Held, HostState, Settlement};

/// Says whether the task was still held.
pub(super) async fn settle(
    writer: &Pool,
    held: Held,
    ending: &Ending,
) -> Result<bool, sqlx::Error> {
    let (id, lease) = (held.task.to_string(), held.lease.to_string());
    let mut transaction = writer.begin(Lock::Account(&id)).await?;
    let row = sql(
        "SELECT recipient, base_url FROM outbox WHERE id = $1 AND lease = $2 AND state = 'open'",
    )
    .bind(&id)
    .bind(&lease)
    .fetch_optional(&mut transaction)
    .await?;
    let Some(row) = row else {
        transaction.commit().await?;
        return Ok(false);
    };
    let host = (row.text(0)?, row.text(1)?);
    if !end(&mut transaction, (&id, &lease), ending).await? {
        return Ok(false);
    }
    follow(&mut transaction, &host, ending).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn end(
    transaction: &mut Transaction,
    (id, lease): (&str, &str),
    ending: &Ending,
) -> Result<bool, sqlx::Error> {
    let is_unsure = i64::from(ending.is_unsure);
    let statement = match ending.settlement {
        Settlement::Retry {
            due_at,
            refusals,
            why,
        } => sql(
            "UPDATE outbox SET due_at = $3, error = $4, refusals = $5, is_unsure = $6, \
             attempts = attempts + 1, lease = NULL, lease_until = 0 WHERE id = $1 AND lease = $2 AND state = 'open'",
        )
        .bind(id)
        .bind(lease)
        .bind(nanoseconds(due_at))
        .bind(why)
        .bind(i64::from(refusals))
        .bind(is_unsure),
        Settlement::Done => sql(
            "UPDATE outbox SET state = 'done', settled_at = $3, error = NULL, \
             attempts = attempts + 1, lease = NULL, lease_until = 0, input = $4, body = NULL \
             WHERE id = $1 AND lease = $2 AND state = 'open'",
        )
        .bind(id)
        .bind(lease)
        .bind(nanoseconds(ending.at))
        .bind([].as_slice()),
        // Whole, so that it can be revived.
        Settlement::Dead { why } => sql(
            "UPDATE outbox SET state = 'dead', settled_at = $3, error = $4, is_unsure = $5, \
             attempts = attempts + 1, lease = NULL, lease_until = 0 \
             WHERE id = $1 AND lease = $2 AND state = 'open'",
        )
        .bind(id)
        .bind(lease)
        .bind(nanoseconds(ending.at))
        .bind(why)
        .bind(is_unsure),
    };
    Ok(statement.execute(transaction).await? > 0)
}

/// What the end of one task means for the others of its host.
async fn follow(
    transaction: &mut Transaction,
    (recipient, base_url): &(String, String),
    ending: &Ending,
) -> Result<(), sqlx::Error> {
    let (failures, until, given_up_before) = match ending.host {
        HostState::Unknown => return Ok(()),
        HostState::Answers => {
            let answers = sql("DELETE FROM resting_hosts WHERE recipient = $1 AND base_url = $2");
            let answers = answers.bind(recipient).bind(base_url).execute(transaction);
            return answers.await.map(|_| ());
        }
        HostState::Rests {
            failures,
            until,
            given_up_before,
        } => (i64::from(failures), nanoseconds(until), given_up_before),
    };
    sql("INSERT INTO resting_hosts (recipient, base_url, failures, until) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (recipient, base_url) DO UPDATE SET failures = excluded.failures, until = excluded.until")
    .bind(recipient)
    .bind(base_url)
    .bind(failures)
    .bind(until)
    .execute(&mut *transaction)
    .await?;
    if let Settlement::Retry { why, .. } | Settlement::Dead { why } = ending.settlement {
        sql("UPDATE outbox SET state = 'dead', settled_at = $3, error = $4 WHERE state = 'open' AND recipient = $1 \
             AND base_url = $2 AND task <> 'keep' AND created_at < $5 AND lease_until <= $3")
        .bind(recipient)
        .bind(base_url)
        .bind(nanoseconds(ending.at))
        .bind(why)
        .bind(nanoseconds(given_up_before))
        .execute(&mut *transaction)
        .await?;
    }
    sql("UPDATE outbox SET due_at = $3 WHERE state = 'open' AND recipient = $1 AND base_url = $2 AND task <> 'keep' \
         AND due_at < $3")
        .bind(recipient)
        .bind(base_url)
        .bind(until)
        .execute(transaction)
        .await
        .map(|_| ())
}

/// Has the hosts of a recipient tried again at once.
pub(in crate::store::sql) async fn wake_hosts(
    transaction: &mut Transaction,
    recipient: &str,
) -> Result<(), sqlx::Error> {
    sql("UPDATE outbox SET due_at = created_at WHERE state = 'open' AND recipient = $1 AND due_at > created_at")
        .bind(recipient)
        .execute(&mut *transaction)
        .await?;
    sql("DELETE FROM resting_hosts WHERE recipient = $1")
        .bind(recipient)
        .execute(transaction)
        .await
        .map(|_| ())
}
