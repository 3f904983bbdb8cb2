//! What all instances on one store know together about logins: failures that may lock an account, addresses
//! that logins came from, refusals, and what has been invalidated.

use std::time::Duration;

use jiff::Timestamp;

use super::StoreError;
use crate::{token::RevokedToken, verify::AccountKey};

/// How long a failure that was counted in advance counts when nobody says what became of it: the process that counted
/// it has died, or the store did not take its word. As long as Clerk keeps an account locked.
pub const UNSETTLED_FOR: Duration = Duration::from_hours(1);

/// The part of the store port that logins need. Nothing here is asked on the way of credentials that are
/// known to be good.
#[async_trait::async_trait]
pub trait LoginRecords: Send + Sync {
    /// Counts one failure of `account` in advance; `None` when `limit` are counted already. Atomic over all
    /// instances: of any number that ask at once, no more than `limit` are let through.
    async fn reserve_failure(
        &self,
        account: &AccountKey,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Reservation>, StoreError>;

    /// Says what became of a failure of `account`. Until then it counts as one that happened; if this is never said,
    /// for [`UNSETTLED_FOR`]. Saying it again, or after it has been forgotten, changes nothing.
    async fn settle_failure(
        &self,
        account: &AccountKey,
        reservation: Reservation,
        fate: Fate,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Remembers that `account` logged in from `origin`, and forgets the failures that came before: those
    /// settled before the reservation of that login was made, and those made a minute before it. What was still
    /// under way then may have come after it upstream.
    async fn record_success(
        &self,
        account: &AccountKey,
        reservation: Option<Reservation>,
        origin: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes the one try that an origin keeps which `account` has logged in from before: true once in every
    /// `window`, false without such a login.
    async fn take_origin_try(
        &self,
        account: &AccountKey,
        origin: &str,
        now: Timestamp,
        window: Duration,
    ) -> Result<bool, StoreError>;

    /// Gives that try back: it came to nothing.
    async fn return_origin_try(&self, account: &AccountKey, origin: &str)
    -> Result<(), StoreError>;

    /// Remembers a refusal for the operator; the last ten of an account are kept.
    async fn record_refusal(&self, refusal: &RefusedLogin) -> Result<(), StoreError>;

    /// What is known of `account`; everything zero and empty where nothing is.
    async fn login_record(&self, account: &AccountKey) -> Result<LoginRecord, StoreError>;

    /// Puts an invalidation where every instance finds it, and does to the store's own records what it says.
    async fn invalidate(
        &self,
        invalidation: &Invalidation,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What was invalidated after `after`, oldest first, at most 1000; and the place to go on from. `None` begins
    /// after the newest there is. A revoked token that has expired or been cut off with others is passed over.
    async fn invalidations(
        &self,
        after: Option<InvalidationMark>,
    ) -> Result<(Vec<News>, InvalidationMark), StoreError>;

    /// Up to when the tokens of subjects and organizations do not count, as far as that is later than `since`.
    async fn token_cutoffs(&self, since: Timestamp) -> Result<Vec<TokenCutoff>, StoreError>;

    /// Whether a webhook of this id has been recorded.
    async fn knows_webhook(&self, id: &str) -> Result<bool, StoreError>;

    /// How `subject` looked when a webhook was last recorded about it.
    async fn likeness(&self, subject: &str) -> Result<Option<Likeness>, StoreError>;

    /// Remembers the id of a webhook that has taken effect, and how the subject looks that it is about.
    async fn record_webhook(
        &self,
        id: &str,
        about: Option<(&str, Option<Likeness>)>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes what is older than `before` and needed by nobody: webhook ids, invalidations, refusals, origins
    /// not logged in from. Failures stay, save those that would exceed a bound on their number.
    async fn prune_logins(&self, before: Timestamp) -> Result<(), StoreError>;
}

/// A digest of what is known of a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Likeness(pub [u8; 32]);

/// A failure that is counted in advance; only the store that made it knows what it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reservation(pub i64);

/// What became of a failure counted in advance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// The upstream has counted it.
    Happened,
    /// It has not.
    Returned,
    /// Nobody knows; it counts until then.
    Unclear(Timestamp),
}

/// A login that was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusedLogin {
    /// Whose.
    pub account: AccountKey,
    /// From where: an address, or a /64 network of IPv6.
    pub origin: String,
    /// The refusal's stable name.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What is known of an account.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LoginRecord {
    /// Failures that reached the upstream since the last success, with those under way.
    pub failures: u32,
    /// When it failed last.
    pub failed_at: Option<Timestamp>,
    /// When it logged in last, cached logins not counted, and from where.
    pub verified: Option<(Timestamp, String)>,
    /// The last refusals, newest first.
    pub refusals: Vec<RefusedLogin>,
}

/// Something that no instance may rely on any longer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Invalidation {
    /// What is remembered of an account's credentials and failures: the operator wants it judged afresh.
    Account(AccountKey),
    /// An organization changed upstream or is gone: the same as for a subject, for all who act for it.
    Organization(String),
    /// A subject changed upstream: remembered credentials go, and so do the tokens issued up to now.
    Subject(String),
}

/// What instances tell each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum News {
    /// Something is not to be relied on any longer.
    Invalidated(Invalidation),
    /// One token does not count any longer.
    Revoked(RevokedToken),
}

/// A place in the sequence of invalidations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidationMark(pub i64);

/// Tokens of the subject or organization `name` issued at `at` or before, in whole seconds, do not count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenCutoff {
    /// The token's `sub` or `org_id`.
    pub name: String,
    /// The last moment whose tokens are cut off.
    pub at: Timestamp,
}
