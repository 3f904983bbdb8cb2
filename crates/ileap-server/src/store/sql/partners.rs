//! Partners' hosts, as rows.

use ileap_types::pact::{event::EventType, v2::PfId};
use jiff::Timestamp;

use super::{
    SqlStore,
    database::{Lock, Transaction},
    json, moment, nanoseconds, outbox, sizes,
    statement::{Row, sql},
    unavailable,
};
use crate::{
    identity::{ClientCredentials, ClientId, ClientSecret, Role, SecretEncoding},
    store::{
        StoreError,
        partners::{Partner, PartnerRecords, ReceivedAnswer, ReceivedFootprint},
    },
};

macro_rules! partners {
    () => {
        "SELECT recipient, base_url, auth_base_url, client_id, client_secret, basic_encoding, publish_as FROM partners"
    };
}

/// Those that are told of changed footprints.
pub(super) const WITH_NEWS: &str = concat!(partners!(), " WHERE publish_as IS NOT NULL");

#[async_trait::async_trait]
impl PartnerRecords for SqlStore {
    async fn partners(&self, recipient: Option<&str>) -> Result<Vec<Partner>, StoreError> {
        let failed = unavailable("reading partners");
        let rows = match recipient {
            Some(recipient) => sql(concat!(
                partners!(),
                " WHERE recipient = $1 ORDER BY base_url"
            ))
            .bind(recipient),
            None => sql(concat!(partners!(), " ORDER BY recipient, base_url")),
        };
        let rows = rows.fetch_all(&self.readers).await.map_err(&failed)?;
        rows.iter()
            .map(partner)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn put_partner(&self, partner: &Partner) -> Result<(), StoreError> {
        let encoding = match partner.basic_encoding {
            SecretEncoding::FormEncoded => "rfc6749",
            SecretEncoding::Raw => "raw",
        };
        let kept = async {
            let mut transaction = self.writer.begin(Lock::Account(&partner.recipient)).await?;
            sql("INSERT INTO partners (recipient, base_url, auth_base_url, client_id, client_secret, basic_encoding, publish_as) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (recipient, base_url) DO UPDATE SET \
                 auth_base_url = excluded.auth_base_url, client_id = excluded.client_id, client_secret = excluded.client_secret, \
                 basic_encoding = excluded.basic_encoding, publish_as = excluded.publish_as")
            .bind(&partner.recipient)
            .bind(&partner.base_url)
            .bind(partner.auth_base_url.as_deref())
            .bind(partner.credentials.client_id.as_str())
            .bind(partner.credentials.client_secret.expose())
            .bind(encoding)
            .bind(partner.publish_as.map(Role::as_str))
            .execute(&mut transaction)
            .await?;
            outbox::wake_hosts(&mut transaction, &partner.recipient).await?;
            transaction.commit().await
        };
        kept.await.map_err(unavailable("keeping a partner"))
    }

    async fn remove_partner(&self, recipient: &str, base_url: &str) -> Result<bool, StoreError> {
        let removed = async {
            let mut transaction = self.writer.begin(Lock::Account(recipient)).await?;
            sql("DELETE FROM outbox WHERE recipient = $1 AND base_url = $2")
                .bind(recipient)
                .bind(base_url)
                .execute(&mut transaction)
                .await?;
            sql("DELETE FROM resting_hosts WHERE recipient = $1 AND base_url = $2")
                .bind(recipient)
                .bind(base_url)
                .execute(&mut transaction)
                .await?;
            let removed = sql("DELETE FROM partners WHERE recipient = $1 AND base_url = $2")
                .bind(recipient)
                .bind(base_url)
                .execute(&mut transaction)
                .await?;
            transaction.commit().await?;
            Ok(removed > 0)
        };
        removed.await.map_err(unavailable("removing a partner"))
    }

    async fn keep_received(&self, footprints: &[ReceivedFootprint]) -> Result<bool, StoreError> {
        let Some(first) = footprints.first() else {
            return Ok(true);
        };
        let kept = async {
            let mut transaction = self.writer.begin(Lock::Account(&first.recipient)).await?;
            let (mut count, mut bytes) = (0, 0);
            for footprint in footprints {
                let (more, longer) = keep(&mut transaction, footprint).await?;
                count += more;
                bytes += longer;
            }
            let sum = (count, bytes);
            let fits = sizes::add_footprints(&mut transaction, &first.recipient, sum).await?;
            if fits {
                transaction.commit().await?;
            }
            Ok(fits)
        };
        kept.await
            .map_err(unavailable("keeping received footprints"))
    }

    async fn received(
        &self,
        recipient: &str,
        after: Option<PfId>,
        limit: usize,
    ) -> Result<Vec<ReceivedFootprint>, StoreError> {
        let failed = unavailable("reading received footprints");
        let rows = sql("SELECT json, id, version, received_at FROM received_footprints WHERE recipient = $1 AND id > $2 \
             ORDER BY id LIMIT $3")
            .bind(recipient)
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(sizes::number(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(&failed)?;
        let footprint = |row: &Row| {
            Ok(ReceivedFootprint {
                recipient: recipient.to_owned(),
                id: row.text(1)?.parse().map_err(undecodable)?,
                version: row.get::<i64>(2)?.try_into().unwrap_or(u32::MAX),
                received_at: moment(row.get(3)?),
                json: json(row)?,
            })
        };
        rows.iter()
            .map(footprint)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn received_answers(
        &self,
        recipient: &str,
        after: Option<&ReceivedAnswer>,
        limit: usize,
    ) -> Result<Vec<ReceivedAnswer>, StoreError> {
        let failed = unavailable("reading a partner's answers");
        let (source, id) = after.map_or(("", ""), |after| (&after.source, &after.id));
        let rows = sql("SELECT json, source, id, received_at FROM events WHERE recipient = $1 AND type IN ($2, $3) \
             AND (source, id) > ($4, $5) ORDER BY source, id LIMIT $6")
        .bind(recipient)
        .bind(EventType::RequestFulfilled.as_str())
        .bind(EventType::RequestRejected.as_str())
        .bind(source)
        .bind(id)
        .bind(sizes::number(limit))
        // Where PostgreSQL plans for the values: of many events few are answers.
        .fetch_all(&self.writer)
        .await
        .map_err(&failed)?;
        let answer = |row: &Row| {
            Ok(ReceivedAnswer {
                source: row.text(1)?,
                id: row.text(2)?,
                received_at: moment(row.get(3)?),
                json: json(row)?,
            })
        };
        rows.iter()
            .map(answer)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn forget_received(&self, recipient: &str, until: Timestamp) -> Result<u64, StoreError> {
        let forgotten = async {
            let mut transaction = self.writer.begin(Lock::Account(recipient)).await?;
            let forgotten =
                sql("DELETE FROM received_footprints WHERE recipient = $1 AND received_at <= $2")
                    .bind(recipient)
                    .bind(nanoseconds(until))
                    .execute(&mut transaction)
                    .await?;
            sql("UPDATE received_sizes SET footprints = (SELECT COUNT(*) FROM received_footprints WHERE recipient = $1), \
                 footprint_bytes = (SELECT CAST(COALESCE(SUM(length(json)), 0) AS BIGINT) FROM received_footprints \
                 WHERE recipient = $1) WHERE recipient = $1")
                .bind(recipient)
                .execute(&mut transaction)
                .await?;
            transaction.commit().await?;
            Ok(forgotten)
        };
        forgotten
            .await
            .map_err(unavailable("forgetting received footprints"))
    }

    async fn prune_events(&self, bodies: Timestamp, all: Timestamp) -> Result<(), StoreError> {
        let pruned = sizes::prune((&self.readers, &self.writer), bodies, all);
        pruned.await.map_err(unavailable("forgetting old events"))
    }
}

/// Keeps a footprint; how many more there are then, and how many more bytes.
async fn keep(
    transaction: &mut Transaction,
    footprint: &ReceivedFootprint,
) -> Result<(i64, i64), sqlx::Error> {
    let id = footprint.id.to_string();
    let known = sql("SELECT version, CAST(length(json) AS BIGINT) FROM received_footprints WHERE recipient = $1 AND id = $2")
        .bind(&footprint.recipient)
        .bind(&id)
        .fetch_optional(&mut *transaction)
        .await?;
    let known = known
        .map(|row| Ok::<_, sqlx::Error>((row.get::<i64>(0)?, row.get::<i64>(1)?)))
        .transpose()?;
    let version = i64::from(footprint.version);
    if known.is_some_and(|(known, _)| known > version) {
        return Ok((0, 0));
    }
    sql("INSERT INTO received_footprints (recipient, id, version, received_at, json) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (recipient, id) DO UPDATE SET version = excluded.version, \
         received_at = excluded.received_at, json = excluded.json")
    .bind(&footprint.recipient)
    .bind(&id)
    .bind(version)
    .bind(nanoseconds(footprint.received_at))
    .bind(&footprint.json)
    .execute(transaction)
    .await?;
    let bytes = sizes::number(footprint.json.len());
    Ok(match known {
        Some((_, length)) => (0, bytes - length),
        None => (1, bytes),
    })
}

pub(super) fn partner(row: &Row) -> Result<Partner, sqlx::Error> {
    let client_id = ClientId::new(row.text(3)?).ok_or_else(|| undecodable("a client id"))?;
    let client_secret = ClientSecret::new(row.text(4)?);
    let client_secret = client_secret.ok_or_else(|| undecodable("a client secret"))?;
    let role = row.optional_text(6)?.map(|role| role.parse::<Role>());
    Ok(Partner {
        recipient: row.text(0)?,
        base_url: row.text(1)?,
        auth_base_url: row.optional_text(2)?,
        credentials: ClientCredentials {
            client_id,
            client_secret,
        },
        basic_encoding: if row.text(5)? == "raw" {
            SecretEncoding::Raw
        } else {
            SecretEncoding::FormEncoded
        },
        publish_as: role.transpose().map_err(undecodable)?,
    })
}

fn undecodable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
