//! Tokens revoked one by one, and as whom they are issued, as all instances on one store know it.

use jiff::Timestamp;

use super::{StoreError, logins::TokenCutoff};
use crate::token::RevokedToken;

/// The part of the store port that revoked tokens need. Nothing here is asked when a token is presented.
#[async_trait::async_trait]
pub trait TokenRecords: Send + Sync {
    /// Revokes one token and puts that where every instance finds it. Where there is no room for one more, all of
    /// its subject's tokens up to `at` are cut off in its place, and up to this one if it began later. When this
    /// returns, it survives a crash.
    async fn revoke_token(
        &self,
        token: &RevokedToken,
        room: RevocationRoom,
        at: Timestamp,
    ) -> Result<Revocation, StoreError>;

    /// The tokens revoked one by one that have not expired at `now`.
    async fn revoked_tokens(&self, now: Timestamp) -> Result<Vec<RevokedToken>, StoreError>;

    /// As whom tokens are issued: what the instance that started last has noted.
    async fn noted_issuer(&self) -> Result<Option<String>, StoreError>;

    /// Notes as whom tokens are issued from now on; returns as whom until now, where that is another.
    async fn note_issuer(&self, issuer: &str) -> Result<Option<String>, StoreError>;
}

/// How many tokens are revoked one by one before whole subjects are cut off. Those that have expired do not count.
#[derive(Clone, Copy, Debug)]
pub struct RevocationRoom {
    /// Of one subject.
    pub per_subject: u32,
    /// Of all together.
    pub in_all: u32,
}

/// What was done to revoke a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revocation {
    /// Its subject's tokens are cut off, this one among them.
    OfSubject(TokenCutoff),
    /// It alone is revoked.
    OfToken,
}

impl Revocation {
    /// What goes on record when every token of an account is revoked.
    pub const ALL: &str = "every token up to now revoked";

    /// What goes on record when the token with this `jti` was to be revoked.
    pub fn change(&self, token_id: &str) -> String {
        match self {
            Self::OfSubject(_) => Self::ALL.to_owned(),
            Self::OfToken => format!("token {token_id} revoked"),
        }
    }
}
