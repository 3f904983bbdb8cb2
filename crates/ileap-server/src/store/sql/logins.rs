//! Failures, origins and invalidations of logins.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    SqlStore,
    database::Lock,
    invalidations, moment, nanoseconds,
    statement::{Row, sql},
    unavailable,
};
use crate::{
    store::{
        StoreError,
        logins::{
            Fate, Invalidation, InvalidationMark, Likeness, LoginRecord, LoginRecords, News,
            RefusedLogin, Reservation, TokenCutoff, UNSETTLED_FOR,
        },
    },
    verify::AccountKey,
};

/// Whatever was under way so many nanoseconds ago has ended.
const LONG_AGO: i64 = 60_000_000_000;
/// [`UNSETTLED_FOR`].
const UNSETTLED_NANOSECONDS: i64 = UNSETTLED_FOR.as_secs().cast_signed() * 1_000_000_000;

#[async_trait::async_trait]
impl LoginRecords for SqlStore {
    async fn reserve_failure(
        &self,
        account: &AccountKey,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Reservation>, StoreError> {
        let failed = unavailable("counting a failed login in advance");
        let lock = Lock::Account(account.as_str());
        let mut transaction = self.writer.begin(lock).await.map_err(&failed)?;
        let row = sql(
            "INSERT INTO login_failures (account, at) SELECT $1, $2 WHERE (SELECT COUNT(*) FROM login_failures \
             WHERE account = $1 AND (counts_until IS NULL OR counts_until > $2) \
             AND (is_settled = 1 OR at > $4)) < $3 RETURNING id",
        )
        .bind(account.as_str())
        .bind(nanoseconds(now))
        .bind(i64::from(limit))
        .bind(nanoseconds(now).saturating_sub(UNSETTLED_NANOSECONDS))
        .fetch_optional(&mut transaction)
        .await
        .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        row.map(|row| row.get(0).map(Reservation))
            .transpose()
            .map_err(&failed)
    }

    async fn settle_failure(
        &self,
        account: &AccountKey,
        Reservation(id): Reservation,
        fate: Fate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = unavailable("recording how a login ended");
        let lock = Lock::Account(account.as_str());
        let mut transaction = self.writer.begin(lock).await.map_err(&failed)?;
        let taken_back = sql("DELETE FROM login_failures WHERE id = $1 AND account = $2")
            .bind(id)
            .bind(account.as_str())
            .execute(&mut transaction)
            .await
            .map_err(&failed)?;
        let counts_until = match fate {
            Fate::Happened => None,
            Fate::Returned => return transaction.commit().await.map_err(&failed),
            Fate::Unclear(until) => Some(nanoseconds(until)),
        };
        if taken_back == 0 {
            return transaction.commit().await.map_err(&failed);
        }
        sql(
            "INSERT INTO login_failures (account, at, is_settled, counts_until) VALUES ($1, $2, 1, $3)",
        )
        .bind(account.as_str())
        .bind(nanoseconds(now))
        .bind(counts_until)
        .execute(&mut transaction)
        .await
        .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn record_success(
        &self,
        account: &AccountKey,
        reservation: Option<Reservation>,
        origin: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = unavailable("recording a login");
        let long_ago = nanoseconds(now).saturating_sub(LONG_AGO);
        let lock = Lock::Account(account.as_str());
        let mut transaction = self.writer.begin(lock).await.map_err(&failed)?;
        sql("DELETE FROM login_failures WHERE account = $1 \
             AND (id = $2 OR (id < $2 AND is_settled = 1) OR at <= $3)")
        .bind(account.as_str())
        .bind(reservation.map(|Reservation(id)| id))
        .bind(long_ago)
        .execute(&mut transaction)
        .await
        .map_err(&failed)?;
        for statement in [
            "INSERT INTO login_accounts (account, verified_at, verified_from) VALUES ($1, $2, $3) \
             ON CONFLICT (account) DO UPDATE SET verified_at = $2, verified_from = $3",
            "INSERT INTO login_origins (account, origin, verified_at) VALUES ($1, $3, $2) \
             ON CONFLICT (account, origin) DO UPDATE SET verified_at = $2, tried_at = NULL",
            "DELETE FROM login_origins WHERE account = $1 AND origin NOT IN (SELECT origin FROM login_origins \
             WHERE account = $1 ORDER BY verified_at DESC LIMIT 32)",
        ] {
            sql(statement)
                .bind(account.as_str())
                .bind(nanoseconds(now))
                .bind(origin)
                .execute(&mut transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }

    async fn take_origin_try(
        &self,
        account: &AccountKey,
        origin: &str,
        now: Timestamp,
        window: Duration,
    ) -> Result<bool, StoreError> {
        let window = i64::try_from(window.as_nanos()).unwrap_or(i64::MAX);
        let taken = sql(
            "UPDATE login_origins SET tried_at = $3 \
             WHERE account = $1 AND origin = $2 AND (tried_at IS NULL OR tried_at <= $4 OR tried_at > $3)",
        )
        .bind(account.as_str())
        .bind(origin)
        .bind(nanoseconds(now))
        .bind(nanoseconds(now).saturating_sub(window))
        .execute(&self.writer)
        .await
        .map_err(unavailable("looking for an earlier login"))?;
        Ok(taken > 0)
    }

    async fn return_origin_try(
        &self,
        account: &AccountKey,
        origin: &str,
    ) -> Result<(), StoreError> {
        sql("UPDATE login_origins SET tried_at = NULL WHERE account = $1 AND origin = $2")
            .bind(account.as_str())
            .bind(origin)
            .execute(&self.writer)
            .await
            .map_err(unavailable("giving back the try of an address"))?;
        Ok(())
    }

    async fn record_refusal(&self, refusal: &RefusedLogin) -> Result<(), StoreError> {
        let failed = unavailable("recording a refused login");
        let lock = Lock::Account(refusal.account.as_str());
        let mut transaction = self.writer.begin(lock).await.map_err(&failed)?;
        sql("INSERT INTO login_refusals (account, origin, reason, at) VALUES ($1, $2, $3, $4)")
            .bind(refusal.account.as_str())
            .bind(&refusal.origin)
            .bind(&refusal.reason)
            .bind(nanoseconds(refusal.at))
            .execute(&mut transaction)
            .await
            .map_err(&failed)?;
        sql(
            "DELETE FROM login_refusals WHERE account = $1 AND id NOT IN (SELECT id FROM login_refusals \
             WHERE account = $1 ORDER BY at DESC, id DESC LIMIT 10)",
        )
        .bind(refusal.account.as_str())
        .execute(&mut transaction)
        .await
        .map_err(&failed)?;
        // All accounts together: ids grow, and the highest is the newest.
        sql("DELETE FROM login_refusals WHERE id <= (SELECT MAX(id) FROM login_refusals) - 100000")
            .execute(&mut transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn login_record(&self, account: &AccountKey) -> Result<LoginRecord, StoreError> {
        let failed = unavailable("reading an account's logins");
        let counted = sql(
            "SELECT (SELECT COUNT(*) FROM login_failures WHERE account = $1), \
             (SELECT MAX(at) FROM login_failures WHERE account = $1), verified_at, verified_from \
             FROM (SELECT $1 AS account) AS wanted LEFT JOIN login_accounts USING (account)",
        )
        .bind(account.as_str())
        .fetch_one(&self.readers)
        .await
        .map_err(&failed)?;
        let refusals = sql(
            "SELECT origin, reason, at FROM login_refusals WHERE account = $1 ORDER BY at DESC, id DESC LIMIT 10",
        )
        .bind(account.as_str())
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        let refusal = |row: &Row| {
            Ok(RefusedLogin {
                account: account.clone(),
                origin: row.text(0)?,
                reason: row.text(1)?,
                at: moment(row.get(2)?),
            })
        };
        let refusals = refusals.iter().map(refusal).collect::<Result<_, _>>();
        let failures = counted.get::<i64>(0).map_err(&failed)?;
        let verified_at = counted.get::<Option<i64>>(2).map_err(&failed)?;
        let verified_from = counted.optional_text(3).map_err(&failed)?;
        let failed_at = counted.get::<Option<i64>>(1).map_err(&failed)?;
        Ok(LoginRecord {
            failures: failures.try_into().unwrap_or(u32::MAX),
            failed_at: failed_at.map(moment),
            verified: verified_at.map(moment).zip(verified_from),
            refusals: refusals.map_err(&failed)?,
        })
    }

    async fn invalidate(
        &self,
        invalidation: &Invalidation,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = unavailable("recording an invalidation");
        let begun = self.writer.begin(Lock::Invalidations).await;
        let mut transaction = begun.map_err(&failed)?;
        let published = invalidations::publish(&mut transaction, invalidation, now).await;
        published.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn invalidations(
        &self,
        after: Option<InvalidationMark>,
    ) -> Result<(Vec<News>, InvalidationMark), StoreError> {
        let failed = unavailable("reading invalidations");
        let Some(InvalidationMark(after)) = after else {
            // Where none is left, every mark to come is above zero.
            let newest = sql("SELECT COALESCE(MAX(mark), 0) FROM invalidations")
                .fetch_one(&self.readers)
                .await
                .map_err(&failed)?;
            let mark = newest.get(0).map_err(&failed)?;
            return Ok((Vec::new(), InvalidationMark(mark)));
        };
        let rows = sql(
            "SELECT mark, kind, name, id, subject, not_before, expires_at FROM invalidations \
             LEFT JOIN revoked_tokens ON kind = 'token' AND id = name WHERE mark > $1 ORDER BY mark LIMIT 1000",
        )
        .bind(after)
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        let mut mark = after;
        let mut news = Vec::with_capacity(rows.len());
        for row in &rows {
            mark = row.get(0).map_err(&failed)?;
            news.extend(invalidations::read(row).map_err(&failed)?);
        }
        Ok((news, InvalidationMark(mark)))
    }

    async fn token_cutoffs(&self, since: Timestamp) -> Result<Vec<TokenCutoff>, StoreError> {
        let failed = unavailable("reading the cut-offs of tokens");
        let rows = sql("SELECT name, at FROM token_cutoffs WHERE at > $1")
            .bind(nanoseconds(since))
            .fetch_all(&self.readers)
            .await
            .map_err(&failed)?;
        let cutoff = |row: &Row| {
            Ok(TokenCutoff {
                name: row.text(0)?,
                at: moment(row.get(1)?),
            })
        };
        rows.iter()
            .map(cutoff)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn knows_webhook(&self, id: &str) -> Result<bool, StoreError> {
        let known = sql("SELECT 1 FROM webhooks WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.readers)
            .await;
        Ok(known
            .map_err(unavailable("looking for a webhook"))?
            .is_some())
    }

    async fn likeness(&self, subject: &str) -> Result<Option<Likeness>, StoreError> {
        let failed = unavailable("looking how a user was");
        let known = sql("SELECT digest FROM user_likenesses WHERE subject = $1")
            .bind(subject)
            .fetch_optional(&self.readers)
            .await
            .map_err(&failed)?;
        let digest = known.map(|row| row.get::<Vec<u8>>(0)).transpose();
        let digest = digest.map_err(&failed)?;
        Ok(digest.and_then(|digest| digest.try_into().ok().map(Likeness)))
    }

    async fn record_webhook(
        &self,
        id: &str,
        about: Option<(&str, Option<Likeness>)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = unavailable("recording a webhook");
        if let Some((subject, likeness)) = about {
            let statement = match &likeness {
                Some(Likeness(digest)) => sql(
                    "INSERT INTO user_likenesses (subject, digest, seen_at) VALUES ($1, $2, $3) \
                     ON CONFLICT (subject) DO UPDATE SET digest = excluded.digest, seen_at = excluded.seen_at",
                )
                .bind(subject)
                .bind(digest.as_slice())
                .bind(nanoseconds(now)),
                None => sql("DELETE FROM user_likenesses WHERE subject = $1").bind(subject),
            };
            statement.execute(&self.writer).await.map_err(&failed)?;
        }
        sql("INSERT INTO webhooks (id, received_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(id)
            .bind(nanoseconds(now))
            .execute(&self.writer)
            .await
            .map_err(&failed)?;
        Ok(())
    }

    async fn prune_logins(&self, before: Timestamp) -> Result<(), StoreError> {
        let failed = unavailable("deleting old records of logins");
        // Who has logged in within ninety days is a partner.
        let partners_since = nanoseconds(before).saturating_sub(90 * 86_400 * 1_000_000_000);
        for statement in [
            "DELETE FROM webhooks WHERE received_at < $1",
            "DELETE FROM user_likenesses WHERE seen_at < $2 AND $1 IS NOT NULL",
            "DELETE FROM invalidations WHERE at < $1",
            "DELETE FROM login_refusals WHERE at < $1",
            "DELETE FROM token_cutoffs WHERE at < $1",
            // With both values: for PostgreSQL, one text has one number of them.
            "DELETE FROM revoked_tokens WHERE expires_at < $1 AND $2 IS NOT NULL",
            "DELETE FROM login_origins WHERE verified_at < $2 AND $1 IS NOT NULL",
            "DELETE FROM login_accounts WHERE verified_at < $2 AND $1 IS NOT NULL",
            "DELETE FROM login_failures WHERE counts_until < $1 OR (is_settled = 0 AND at < $1)",
            // Too many: those of inventions go first, which fail once or twice and have never logged in.
            "DELETE FROM login_failures WHERE $1 IS NOT NULL AND (SELECT COUNT(*) FROM login_failures) > 1000000 \
             AND account IN (SELECT account FROM login_failures GROUP BY account \
             ORDER BY account IN (SELECT account FROM login_accounts WHERE verified_at >= $2), COUNT(*), MAX(at) \
             LIMIT (SELECT CASE WHEN COUNT(*) > 1000000 THEN COUNT(*) - 1000000 ELSE 0 END FROM login_failures))",
        ] {
            sql(statement)
                .bind(nanoseconds(before))
                .bind(partners_since)
                .execute(&self.writer)
                .await
                .map_err(&failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl SqlStore {
    /// Takes the table of failures away, or brings it back.
    pub(crate) async fn set_login_counting(&self, is_possible: bool) {
        let statement = if is_possible {
            "ALTER TABLE hidden RENAME TO login_failures"
        } else {
            "ALTER TABLE login_failures RENAME TO hidden"
        };
        // In the state wanted already.
        let _ = sql(statement).execute(&self.writer).await;
    }
}
