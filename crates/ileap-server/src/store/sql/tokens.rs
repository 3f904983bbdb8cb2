//! Tokens revoked one by one, and as whom they are issued.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    SqlStore,
    database::{Lock, Transaction},
    invalidations, moment, nanoseconds,
    statement::{Row, sql},
    unavailable,
};
use crate::{
    store::{
        StoreError,
        logins::{Invalidation, TokenCutoff},
        tokens::{Revocation, RevocationRoom, TokenRecords},
    },
    token::RevokedToken,
};

/// A token that expired this long ago has expired by the clock of every instance.
const CLOCKS_APART: Duration = Duration::from_mins(5);

/// What a subject's cut-off says for all of its tokens up to then need not be said of each; nor twice, so that nobody
/// fills the sequence who revokes again and again.
const MAKE_ROOM: [&str; 3] = [
    "DELETE FROM invalidations WHERE kind = 'token' AND name IN (SELECT id FROM revoked_tokens \
     WHERE subject = $1 AND not_before <= $2)",
    "DELETE FROM revoked_tokens WHERE subject = $1 AND not_before <= $2",
    "DELETE FROM invalidations WHERE kind = 'subject' AND name = $1 AND $2 IS NOT NULL",
];

#[async_trait::async_trait]
impl TokenRecords for SqlStore {
    async fn revoke_token(
        &self,
        token: &RevokedToken,
        room: RevocationRoom,
        at: Timestamp,
    ) -> Result<Revocation, StoreError> {
        let failed = unavailable("revoking a token");
        let begun = self.writer.begin(Lock::Invalidations).await;
        let mut transaction = begun.map_err(&failed)?;
        let revocation = revoke(&mut transaction, token, room, at).await;
        let revocation = revocation.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        Ok(revocation)
    }

    async fn revoked_tokens(&self, now: Timestamp) -> Result<Vec<RevokedToken>, StoreError> {
        let failed = unavailable("reading which tokens are revoked");
        let rows = sql(
            "SELECT id, subject, not_before, expires_at FROM revoked_tokens WHERE expires_at > $1",
        )
        .bind(nanoseconds(now))
        .fetch_all(&self.readers)
        .await
        .map_err(&failed)?;
        let tokens = rows.iter().map(|row| token_at(row, 0));
        tokens.collect::<Result<_, _>>().map_err(&failed)
    }

    async fn noted_issuer(&self) -> Result<Option<String>, StoreError> {
        let failed = unavailable("reading as whom tokens are issued");
        let row = sql("SELECT value FROM settings WHERE name = 'issuer'")
            .fetch_optional(&self.readers)
            .await
            .map_err(&failed)?;
        let noted: Option<Vec<u8>> = row.map(|row| row.get(0)).transpose().map_err(&failed)?;
        Ok(noted.map(|noted| String::from_utf8_lossy(&noted).into_owned()))
    }

    async fn note_issuer(&self, issuer: &str) -> Result<Option<String>, StoreError> {
        let failed = unavailable("noting as whom tokens are issued");
        let before = self.noted_issuer().await?;
        if before.as_deref() == Some(issuer) {
            return Ok(None);
        }
        sql("INSERT INTO settings (name, value) VALUES ('issuer', $1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(issuer.as_bytes())
        .execute(&self.writer)
        .await
        .map_err(&failed)?;
        Ok(before)
    }
}

async fn revoke(
    transaction: &mut Transaction,
    token: &RevokedToken,
    room: RevocationRoom,
    at: Timestamp,
) -> Result<Revocation, sqlx::Error> {
    sql("DELETE FROM revoked_tokens WHERE expires_at < $1")
        .bind(nanoseconds(at - CLOCKS_APART))
        .execute(&mut *transaction)
        .await?;
    let kept = sql("SELECT (SELECT COUNT(*) FROM revoked_tokens WHERE id = $1), \
         (SELECT COUNT(*) FROM revoked_tokens WHERE subject = $2), (SELECT COUNT(*) FROM revoked_tokens)")
    .bind(&token.id)
    .bind(&token.subject)
    .fetch_one(&mut *transaction)
    .await?;
    if kept.get::<i64>(0)? > 0 {
        return Ok(Revocation::OfToken);
    }
    let of_subject = kept.get::<i64>(1)?;
    let in_all = kept.get::<i64>(2)?;
    if of_subject < i64::from(room.per_subject) && in_all < i64::from(room.in_all) {
        keep(transaction, token, at).await?;
        return Ok(Revocation::OfToken);
    }
    // A token of an instance whose clock is ahead may begin after the cut-off.
    let at = at.max(token.not_before);
    for statement in MAKE_ROOM {
        sql(statement)
            .bind(&token.subject)
            .bind(nanoseconds(at))
            .execute(&mut *transaction)
            .await?;
    }
    let subject = Invalidation::Subject(token.subject.clone());
    invalidations::publish(transaction, &subject, at).await?;
    Ok(Revocation::OfSubject(TokenCutoff {
        name: token.subject.clone(),
        at,
    }))
}

async fn keep(
    transaction: &mut Transaction,
    token: &RevokedToken,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sql("INSERT INTO revoked_tokens (id, subject, not_before, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(&token.id)
        .bind(&token.subject)
        .bind(nanoseconds(token.not_before))
        .bind(nanoseconds(token.expires_at))
        .execute(&mut *transaction)
        .await?;
    sql("INSERT INTO invalidations (kind, name, at) VALUES ('token', $1, $2)")
        .bind(&token.id)
        .bind(nanoseconds(at))
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

/// The token in the columns of `revoked_tokens`, which begin at `column`.
pub(super) fn token_at(row: &Row, column: usize) -> Result<RevokedToken, sqlx::Error> {
    Ok(RevokedToken {
        id: row.text(column)?,
        subject: row.text(column + 1)?,
        not_before: moment(row.get(column + 2)?),
        expires_at: moment(row.get(column + 3)?),
    })
}
