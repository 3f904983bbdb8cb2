//! Failures, origins and invalidations of logins.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{SqliteStore, moment, nanoseconds, unavailable};
use crate::{
    store::{
        StoreError,
        logins::{
            Fate, Invalidation, InvalidationMark, LoginRecord, LoginRecords, RefusedLogin,
            Reservation, TokenCutoff,
        },
    },
    verify::AccountKey,
};

const ACCOUNT: &str = "account";
const ORGANIZATION: &str = "organization";
const SUBJECT: &str = "subject";
/// Whatever was under way so many nanoseconds ago has ended.
const LONG_AGO: i64 = 60_000_000_000;

const CUT_OFF: &[&str] = &["INSERT INTO token_cutoffs (name, at) VALUES (?1, ?2) \
                            ON CONFLICT (name) DO UPDATE SET at = MAX(at, ?2)"];
const CLEAR: &[&str] = &[
    "DELETE FROM login_failures WHERE account = ?1 AND ?2 IS NOT NULL",
    "UPDATE login_origins SET tried_at = NULL WHERE account = ?1 AND ?2 IS NOT NULL",
];

#[async_trait::async_trait]
impl LoginRecords for SqliteStore {
    async fn reserve_failure(
        &self,
        account: &AccountKey,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Reservation>, StoreError> {
        let failed = unavailable("counting a failed login in advance");
        let row = sqlx::query(
            "INSERT INTO login_failures (account, at) SELECT ?1, ?2 WHERE (SELECT COUNT(*) FROM login_failures \
             WHERE account = ?1 AND (counts_until IS NULL OR counts_until > ?2)) < ?3 RETURNING id",
        )
        .bind(account.as_str())
        .bind(nanoseconds(now))
        .bind(limit)
        .fetch_optional(&self.writer)
        .await
        .map_err(&failed)?;
        row.map(|row| row.try_get(0).map(Reservation))
            .transpose()
            .map_err(&failed)
    }

    async fn settle_failure(
        &self,
        account: &AccountKey,
        reservation: Option<Reservation>,
        fate: Fate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = unavailable("recording how a login ended");
        let mut transaction = self.writer.begin().await.map_err(&failed)?;
        if let Some(Reservation(id)) = reservation {
            sqlx::query("DELETE FROM login_failures WHERE id = ? AND account = ?")
                .bind(id)
                .bind(account.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        let counts_until = match fate {
            Fate::Happened => None,
            Fate::Returned => return transaction.commit().await.map_err(&failed),
            Fate::Unclear(until) => Some(nanoseconds(until)),
        };
        sqlx::query(
            "INSERT INTO login_failures (account, at, is_settled, counts_until) VALUES (?, ?, 1, ?)",
        )
        .bind(account.as_str())
        .bind(nanoseconds(now))
        .bind(counts_until)
        .execute(&mut *transaction)
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
        let mut transaction = self.writer.begin().await.map_err(&failed)?;
        sqlx::query(
            "DELETE FROM login_failures WHERE account = ?1 \
             AND (id = ?2 OR (id < ?2 AND is_settled = 1) OR at <= ?3)",
        )
        .bind(account.as_str())
        .bind(reservation.map(|Reservation(id)| id))
        .bind(long_ago)
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        for statement in [
            "INSERT INTO login_accounts (account, verified_at, verified_from) VALUES (?1, ?2, ?3) \
             ON CONFLICT (account) DO UPDATE SET verified_at = ?2, verified_from = ?3",
            "INSERT INTO login_origins (account, origin, verified_at) VALUES (?1, ?3, ?2) \
             ON CONFLICT (account, origin) DO UPDATE SET verified_at = ?2, tried_at = NULL",
            "DELETE FROM login_origins WHERE account = ?1 AND origin NOT IN (SELECT origin FROM login_origins \
             WHERE account = ?1 ORDER BY verified_at DESC LIMIT 32)",
        ] {
            sqlx::query(statement)
                .bind(account.as_str())
                .bind(nanoseconds(now))
                .bind(origin)
                .execute(&mut *transaction)
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
        let taken = sqlx::query(
            "UPDATE login_origins SET tried_at = ?3 \
             WHERE account = ?1 AND origin = ?2 AND (tried_at IS NULL OR tried_at <= ?4 OR tried_at > ?3)",
        )
        .bind(account.as_str())
        .bind(origin)
        .bind(nanoseconds(now))
        .bind(nanoseconds(now).saturating_sub(window))
        .execute(&self.writer)
        .await
        .map_err(unavailable("looking for an earlier login"))?;
        Ok(taken.rows_affected() > 0)
    }

    async fn return_origin_try(
        &self,
        account: &AccountKey,
        origin: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE login_origins SET tried_at = NULL WHERE account = ? AND origin = ?")
            .bind(account.as_str())
            .bind(origin)
            .execute(&self.writer)
            .await
            .map_err(unavailable("giving back the try of an address"))?;
        Ok(())
    }

    async fn record_refusal(&self, refusal: &RefusedLogin) -> Result<(), StoreError> {
        let failed = unavailable("recording a refused login");
        let mut transaction = self.writer.begin().await.map_err(&failed)?;
        sqlx::query("INSERT INTO login_refusals (account, origin, reason, at) VALUES (?, ?, ?, ?)")
            .bind(refusal.account.as_str())
            .bind(&refusal.origin)
            .bind(&refusal.reason)
            .bind(nanoseconds(refusal.at))
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        sqlx::query(
            "DELETE FROM login_refusals WHERE account = ?1 AND id NOT IN (SELECT id FROM login_refusals \
             WHERE account = ?1 ORDER BY at DESC, id DESC LIMIT 10)",
        )
        .bind(refusal.account.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        // All accounts together: ids grow, and the highest is the newest.
        sqlx::query(
            "DELETE FROM login_refusals WHERE id <= (SELECT MAX(id) FROM login_refusals) - 100000",
        )
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn login_record(&self, account: &AccountKey) -> Result<LoginRecord, StoreError> {
        let failed = unavailable("reading an account's logins");
        let counted = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM login_failures WHERE account = ?1), \
             (SELECT MAX(at) FROM login_failures WHERE account = ?1), verified_at, verified_from \
             FROM (SELECT ?1 AS account) LEFT JOIN login_accounts USING (account)",
        )
        .bind(account.as_str())
        .fetch_one(&self.readers)
        .await
        .map_err(&failed)?;
        let refusals = sqlx::query(
            "SELECT origin, reason, at FROM login_refusals WHERE account = ? ORDER BY at DESC, id DESC LIMIT 10",
        )
        .bind(account.as_str())
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        let refusal = |row: &SqliteRow| {
            Ok(RefusedLogin {
                account: account.clone(),
                origin: row.try_get(0)?,
                reason: row.try_get(1)?,
                at: moment(row.try_get(2)?),
            })
        };
        let refusals = refusals.iter().map(refusal).collect::<Result<_, _>>();
        let verified_at = counted.try_get::<Option<i64>, _>(2).map_err(&failed)?;
        let verified_from = counted.try_get::<Option<String>, _>(3).map_err(&failed)?;
        let failed_at = counted.try_get::<Option<i64>, _>(1).map_err(&failed)?;
        Ok(LoginRecord {
            failures: counted.try_get(0).map_err(&failed)?,
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
        let (kind, name, effects) = match invalidation {
            Invalidation::Account(account) => (ACCOUNT, account.as_str(), CLEAR),
            Invalidation::Organization(id) => (ORGANIZATION, id.as_str(), CUT_OFF),
            Invalidation::Subject(subject) => (SUBJECT, subject.as_str(), CUT_OFF),
        };
        let mut transaction = self.writer.begin().await.map_err(&failed)?;
        for statement in effects {
            sqlx::query(*statement)
                .bind(name)
                .bind(nanoseconds(now))
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        sqlx::query("INSERT INTO invalidations (kind, name, at) VALUES (?, ?, ?)")
            .bind(kind)
            .bind(name)
            .bind(nanoseconds(now))
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn invalidations(
        &self,
        after: Option<InvalidationMark>,
    ) -> Result<(Vec<Invalidation>, InvalidationMark), StoreError> {
        let failed = unavailable("reading invalidations");
        let Some(InvalidationMark(after)) = after else {
            let newest =
                sqlx::query("SELECT seq FROM sqlite_sequence WHERE name = 'invalidations'")
                    .fetch_optional(&self.readers)
                    .await
                    .map_err(&failed)?;
            let mark = newest
                .map_or(Ok(0), |row| row.try_get(0))
                .map_err(&failed)?;
            return Ok((Vec::new(), InvalidationMark(mark)));
        };
        let rows = sqlx::query(
            "SELECT mark, kind, name FROM invalidations WHERE mark > ? ORDER BY mark LIMIT 1000",
        )
        .bind(after)
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        let mut mark = after;
        let mut invalidations = Vec::with_capacity(rows.len());
        for row in &rows {
            mark = row.try_get(0).map_err(&failed)?;
            let kind = row.try_get::<&str, _>(1).map_err(&failed)?;
            let name = row.try_get::<String, _>(2).map_err(&failed)?;
            invalidations.push(match kind {
                ACCOUNT => Invalidation::Account(AccountKey::of_subject(&name)),
                ORGANIZATION => Invalidation::Organization(name),
                _ => Invalidation::Subject(name),
            });
        }
        Ok((invalidations, InvalidationMark(mark)))
    }

    async fn token_cutoffs(&self, since: Timestamp) -> Result<Vec<TokenCutoff>, StoreError> {
        let failed = unavailable("reading the cut-offs of tokens");
        let rows = sqlx::query("SELECT name, at FROM token_cutoffs WHERE at > ?")
            .bind(nanoseconds(since))
            .fetch_all(&self.readers)
            .await
            .map_err(&failed)?;
        let cutoff = |row: &SqliteRow| {
            Ok(TokenCutoff {
                name: row.try_get(0)?,
                at: moment(row.try_get(1)?),
            })
        };
        rows.iter()
            .map(cutoff)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    async fn knows_webhook(&self, id: &str) -> Result<bool, StoreError> {
        let known = sqlx::query("SELECT 1 FROM webhooks WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.readers)
            .await;
        Ok(known
            .map_err(unavailable("looking for a webhook"))?
            .is_some())
    }

    async fn record_webhook(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO webhooks (id, received_at) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(id)
            .bind(nanoseconds(now))
            .execute(&self.writer)
            .await
            .map_err(unavailable("recording a webhook"))?;
        Ok(())
    }

    async fn prune_logins(&self, before: Timestamp) -> Result<(), StoreError> {
        let failed = unavailable("deleting old records of logins");
        // Who has logged in within ninety days is a partner.
        let partners_since = nanoseconds(before).saturating_sub(90 * 86_400 * 1_000_000_000);
        for statement in [
            "DELETE FROM webhooks WHERE received_at < ?1",
            "DELETE FROM invalidations WHERE at < ?1",
            "DELETE FROM login_refusals WHERE at < ?1",
            "DELETE FROM token_cutoffs WHERE at < ?1",
            "DELETE FROM login_origins WHERE verified_at < ?2 AND ?1 IS NOT NULL",
            "DELETE FROM login_accounts WHERE verified_at < ?2 AND ?1 IS NOT NULL",
            "DELETE FROM login_failures WHERE counts_until < ?1",
            // Too many: those of inventions go first, which fail once or twice and have never logged in.
            "DELETE FROM login_failures WHERE ?1 IS NOT NULL AND (SELECT COUNT(*) FROM login_failures) > 1000000 \
             AND account IN (SELECT account FROM login_failures GROUP BY account \
             ORDER BY account IN (SELECT account FROM login_accounts WHERE verified_at >= ?2), COUNT(*), MAX(at) \
             LIMIT (SELECT COUNT(*) FROM login_failures) - 1000000)",
        ] {
            sqlx::query(statement)
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
impl SqliteStore {
    /// Takes the table of failures away, or brings it back.
    pub(crate) async fn set_login_counting(&self, is_possible: bool) {
        let statement = if is_possible {
            "ALTER TABLE hidden RENAME TO login_failures"
        } else {
            "ALTER TABLE login_failures RENAME TO hidden"
        };
        // In the state wanted already.
        let _ = sqlx::query(statement).execute(&self.writer).await;
    }
}
