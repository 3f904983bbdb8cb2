//! Failures, origins and invalidations of logins.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{SqliteStore, moment, nanoseconds, unavailable};
use crate::{
    store::{
        StoreError,
        logins::{
            Invalidation, InvalidationMark, LoginRecord, LoginRecords, RefusedLogin, Reservation,
            TokenCutoff,
        },
    },
    verify::AccountKey,
};

const ACCOUNT: &str = "account";
const ORGANIZATION: &str = "organization";
const SUBJECT: &str = "subject";

const CUT_OFF: &[&str] = &["INSERT INTO token_cutoffs (name, at) VALUES (?1, ?2) \
                            ON CONFLICT (name) DO UPDATE SET at = MAX(at, ?2)"];
const CLEAR: &[&str] = &[
    "UPDATE login_accounts SET failures = 0 WHERE account = ?1 AND ?2 IS NOT NULL",
    "UPDATE login_origins SET tried_at = NULL WHERE account = ?1 AND ?2 IS NOT NULL",
];

#[async_trait::async_trait]
impl LoginRecords for SqliteStore {
    async fn reserve_failure(
        &self,
        account: &AccountKey,
        limit: u32,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        if limit == 0 {
            return Ok(Reservation::Spent);
        }
        let counted = sqlx::query(
            "INSERT INTO login_accounts (account, failures, failed_at) VALUES (?1, 1, ?2) \
             ON CONFLICT (account) DO UPDATE SET failures = failures + 1, failed_at = ?2 WHERE failures < ?3",
        )
        .bind(account.as_str())
        .bind(nanoseconds(now))
        .bind(limit)
        .execute(&self.writer)
        .await
        .map_err(unavailable("counting a failed login in advance"))?;
        Ok(if counted.rows_affected() > 0 {
            Reservation::Granted
        } else {
            Reservation::Spent
        })
    }

    async fn return_failure(&self, account: &AccountKey) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE login_accounts SET failures = failures - 1 WHERE account = ? AND failures > 0",
        )
        .bind(account.as_str())
        .execute(&self.writer)
        .await
        .map_err(unavailable("taking back a failed login"))?;
        Ok(())
    }

    async fn record_success(
        &self,
        account: &AccountKey,
        origin: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = unavailable("recording a login");
        let mut transaction = self.writer.begin().await.map_err(&failed)?;
        for statement in [
            "INSERT INTO login_accounts (account, failures, verified_at, verified_from) VALUES (?1, 0, ?2, ?3) \
             ON CONFLICT (account) DO UPDATE SET failures = 0, verified_at = ?2, verified_from = ?3",
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
             WHERE account = ?1 AND origin = ?2 AND (tried_at IS NULL OR tried_at <= ?4)",
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
            "SELECT failures, failed_at, verified_at, verified_from FROM login_accounts WHERE account = ?",
        )
        .bind(account.as_str())
        .fetch_optional(&self.readers)
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
        let mut record = LoginRecord {
            refusals: refusals.map_err(&failed)?,
            ..LoginRecord::default()
        };
        if let Some(row) = counted {
            let verified_at = row.try_get::<Option<i64>, _>(2).map_err(&failed)?;
            let verified_from = row.try_get::<Option<String>, _>(3).map_err(&failed)?;
            record.failures = row.try_get(0).map_err(&failed)?;
            record.failed_at = row
                .try_get::<Option<i64>, _>(1)
                .map_err(&failed)?
                .map(moment);
            record.verified = verified_at.map(moment).zip(verified_from);
        }
        Ok(record)
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
            "DELETE FROM login_accounts WHERE failures = 0 AND IFNULL(verified_at, 0) < ?2 AND ?1 IS NOT NULL",
            "DELETE FROM login_accounts WHERE ?1 IS NOT NULL AND account IN (SELECT account FROM login_accounts \
             ORDER BY IFNULL(verified_at, 0) >= ?2, failures, failed_at \
             LIMIT MAX(0, (SELECT COUNT(*) FROM login_accounts) - 1000000))",
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
