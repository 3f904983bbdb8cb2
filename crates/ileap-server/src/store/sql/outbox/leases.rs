//! Who has which task, and for how long.

use std::fmt::Write as _;

use bytes::Bytes;
use uuid::Uuid;

use super::super::{
    moment, nanoseconds,
    statement::{Row, Statement, Value},
};
use crate::store::outbox::{Held, Lease, LeasedTask, NewTask, TaskKind};

/// The statement that takes tasks which are due: of each host the first, of none that somebody is busy with.
pub(super) fn take(lease: &Lease) -> Statement<'static> {
    let now = nanoseconds(lease.now);
    let lasts = i64::try_from(lease.lasts.as_nanos()).unwrap_or(i64::MAX);
    let mut values: Vec<Value<'static>> = vec![
        lease.id.to_string().into(),
        now.saturating_add(lasts).into(),
        now.into(),
        i64::try_from(lease.limit).unwrap_or(i64::MAX).into(),
    ];
    let mut except = String::new();
    for task in &lease.except {
        values.push(task.to_string().into());
        let _ = write!(except, " AND o.id <> ${}", values.len());
    }
    let text = format!(
        "UPDATE outbox SET lease = $1, lease_until = $2 WHERE state = 'open' AND lease_until <= $3 AND id IN \
         (SELECT o.id FROM outbox o WHERE o.state = 'open' AND o.due_at <= $3 AND o.lease_until <= $3{except} \
         AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.state = 'open' AND p.base_url = o.base_url \
         AND (p.lease_until > $3 OR p.due_at < o.due_at OR (p.due_at = o.due_at AND p.id < o.id))) \
         ORDER BY o.due_at LIMIT $4) \
         RETURNING id, task, recipient, base_url, input, body, created_at, attempts, refusals, is_unsure, \
         (SELECT h.failures FROM resting_hosts h WHERE h.recipient = outbox.recipient AND h.base_url = outbox.base_url)"
    );
    Statement::new(text, values)
}

/// The statement that moves the end of leases.
pub(super) fn prolong(held: &[Held], until: i64) -> Statement<'static> {
    change("lease_until = $1", held, until)
}

/// The statement that ends them.
pub(super) fn release(held: &[Held]) -> Statement<'static> {
    change("lease = NULL, lease_until = $1", held, 0)
}

fn change(set: &str, held: &[Held], until: i64) -> Statement<'static> {
    let mut values: Vec<Value<'static>> = vec![until.into()];
    let mut any = String::new();
    for Held { lease, task } in held {
        values.push(task.to_string().into());
        values.push(lease.to_string().into());
        let (or, last) = (if any.is_empty() { "" } else { " OR " }, values.len());
        let _ = write!(any, "{or}(id = ${} AND lease = ${last})", last - 1);
    }
    let text = format!("UPDATE outbox SET {set} WHERE state = 'open' AND ({any})");
    Statement::new(text, values)
}

pub(super) fn leased(row: &Row, lease: Uuid) -> Result<LeasedTask, sqlx::Error> {
    let id = Uuid::parse_str(&row.text(0)?);
    let kind = TaskKind::from_word(&row.text(1)?);
    let count = |column| {
        let count = row.get::<Option<i64>>(column)?.unwrap_or_default();
        Ok::<_, sqlx::Error>(count.try_into().unwrap_or(u32::MAX))
    };
    Ok(LeasedTask {
        task: NewTask {
            id: id.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            kind: kind.ok_or_else(|| sqlx::Error::Decode("an unknown kind of task".into()))?,
            recipient: row.text(2)?,
            base_url: row.text(3)?,
            input: row.get::<Vec<u8>>(4)?.into(),
        },
        lease,
        body: row.get::<Option<Vec<u8>>>(5)?.map(Bytes::from),
        created_at: moment(row.get(6)?),
        attempts: count(7)?,
        refusals: count(8)?,
        is_unsure: count(9)? > 0,
        host_failures: count(10)?,
    })
}
