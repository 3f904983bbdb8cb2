//! From changed footprints to tasks that tell partners of them.

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    database::{Lock, Pool, Transaction},
    outbox, partners, query,
    statement::sql,
};
use crate::{
    access::Visibility,
    identity::Role,
    store::{
        outbox::{Changed, NewTask, TaskKind},
        partners::Partner,
    },
};

/// How many footprints one event names.
const AT_ONCE: i64 = 500;

/// Says whether there were any changes.
pub(super) async fn changes(
    readers: &Pool,
    writer: &Pool,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let waiting = sql("SELECT 1 FROM unpublished LIMIT 1")
        .fetch_optional(readers)
        .await?;
    if waiting.is_none() {
        return Ok(false);
    }
    // While no import writes: what it changes must not be taken for published.
    let mut transaction = writer.begin(Lock::Import).await?;
    let rows = sql("SELECT footprint FROM unpublished ORDER BY footprint LIMIT $1")
        .bind(AT_ONCE)
        .fetch_all(&mut transaction)
        .await?;
    let changed: Vec<String> = rows
        .iter()
        .map(|row| row.text(0))
        .collect::<Result<_, _>>()?;
    for (partner, role) in followers(&mut transaction).await? {
        tell(&mut transaction, (&partner, role), &changed, now).await?;
    }
    let (Some(first), Some(last)) = (changed.first(), changed.last()) else {
        return Ok(false);
    };
    sql("DELETE FROM unpublished WHERE footprint >= $1 AND footprint <= $2")
        .bind(first)
        .bind(last)
        .execute(&mut transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

/// Whether any partner is told of changes.
pub(super) async fn has_followers(transaction: &mut Transaction) -> Result<bool, sqlx::Error> {
    let follower = sql("SELECT 1 FROM partners WHERE publish_as IS NOT NULL LIMIT 1");
    Ok(follower.fetch_optional(transaction).await?.is_some())
}

async fn followers(transaction: &mut Transaction) -> Result<Vec<(Partner, Role)>, sqlx::Error> {
    let rows = sql(partners::WITH_NEWS).fetch_all(transaction).await?;
    let all: Vec<_> = rows
        .iter()
        .map(partners::partner)
        .collect::<Result<_, _>>()?;
    let follower = |partner: Partner| partner.publish_as.map(|role| (partner, role));
    Ok(all.into_iter().filter_map(follower).collect())
}

async fn tell(
    transaction: &mut Transaction,
    (partner, role): (&Partner, Role),
    changed: &[String],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if outbox::is_full(transaction, &partner.recipient).await? {
        tracing::warn!(
            partner.base_url = partner.base_url,
            "a partner is not told of changed footprints: too much waits for it already"
        );
        return Ok(());
    }
    let reach = super::access::rule_reach(&mut *transaction, &partner.recipient).await?;
    let visibility = Visibility::resolve([role].into(), &partner.recipient, reach);
    let Some(query) = query::visible(transaction.dialect(), &visibility, changed) else {
        return Ok(());
    };
    let rows = query.build().fetch_all(&mut *transaction).await?;
    let pf_ids: Vec<String> = rows
        .iter()
        .map(|row| row.text(0))
        .collect::<Result<_, _>>()?;
    if pf_ids.is_empty() {
        return Ok(());
    }
    let input = serde_json::to_vec(&Changed { pf_ids });
    let input = input.map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let task = NewTask {
        id: Uuid::new_v4(),
        kind: TaskKind::Publish,
        recipient: partner.recipient.clone(),
        base_url: partner.base_url.clone(),
        input: Bytes::from(input),
    };
    outbox::insert(transaction, &[task], now).await
}
