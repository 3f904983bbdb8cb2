//! How what is invalidated is written and read.

use jiff::Timestamp;

use super::{
    database::Transaction,
    nanoseconds,
    statement::{Row, sql},
    tokens,
};
use crate::{
    store::logins::{Invalidation, News},
    verify::AccountKey,
};

const ACCOUNT: &str = "account";
const ORGANIZATION: &str = "organization";
const SUBJECT: &str = "subject";
const TOKEN: &str = "token";

const CUT_OFF: &[&str] = &["INSERT INTO token_cutoffs (name, at) VALUES ($1, $2) \
                            ON CONFLICT (name) DO UPDATE SET at = $2 WHERE token_cutoffs.at < $2"];
const CLEAR: &[&str] = &[
    "DELETE FROM login_failures WHERE account = $1 AND $2 IS NOT NULL",
    "UPDATE login_origins SET tried_at = NULL WHERE account = $1 AND $2 IS NOT NULL",
];

/// Writes an invalidation, and does to our own records what it says.
pub(super) async fn publish(
    transaction: &mut Transaction,
    invalidation: &Invalidation,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, name, effects) = match invalidation {
        Invalidation::Account(account) => (ACCOUNT, account.as_str(), CLEAR),
        Invalidation::Organization(id) => (ORGANIZATION, id.as_str(), CUT_OFF),
        Invalidation::Subject(subject) => (SUBJECT, subject.as_str(), CUT_OFF),
    };
    for statement in effects {
        sql(statement)
            .bind(name)
            .bind(nanoseconds(at))
            .execute(&mut *transaction)
            .await?;
    }
    sql("INSERT INTO invalidations (kind, name, at) VALUES ($1, $2, $3)")
        .bind(kind)
        .bind(name)
        .bind(nanoseconds(at))
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

/// What a row of the invalidations says, joined with the token that it may name; nothing where that is not kept any
/// longer.
pub(super) fn read(row: &Row) -> Result<Option<News>, sqlx::Error> {
    let name = row.text(2)?;
    let invalidation = match row.text(1)?.as_str() {
        TOKEN => {
            let is_kept = row.optional_text(3)?.is_some();
            let token = is_kept.then(|| tokens::token_at(row, 3)).transpose()?;
            return Ok(token.map(News::Revoked));
        }
        ACCOUNT => Invalidation::Account(AccountKey::of_subject(&name)),
        ORGANIZATION => Invalidation::Organization(name),
        _ => Invalidation::Subject(name),
    };
    Ok(Some(News::Invalidated(invalidation)))
}
