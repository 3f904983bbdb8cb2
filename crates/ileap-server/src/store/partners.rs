//! Where partners' hosts are kept, and what they have shared.

use bytes::Bytes;
use ileap_types::pact::v2::PfId;
use jiff::Timestamp;

use super::StoreError;
use crate::identity::{ClientCredentials, Role, SecretEncoding};

/// The most events of one sender that are remembered, so that each is taken once.
pub const EVENTS_LIMIT: i64 = 1_000_000;
/// The most bytes of them that are kept.
pub const EVENT_BYTES_LIMIT: i64 = 256 * 1024 * 1024;
/// The most footprints of one partner that are kept.
pub const FOOTPRINTS_LIMIT: i64 = 100_000;
/// The most bytes of them.
pub const FOOTPRINT_BYTES_LIMIT: i64 = 1024 * 1024 * 1024;

/// A partner's own host, for events and footprints that go there.
#[derive(Clone, Debug)]
pub struct Partner {
    /// Whose host it is, as access rules name it: a Clerk organization id or a subject.
    pub recipient: String,
    /// Where its endpoints are, without a slash at the end: `/2/events` comes right behind it.
    pub base_url: String,
    /// Where its tokens come from, if elsewhere.
    pub auth_base_url: Option<String>,
    /// What we show there.
    pub credentials: ClientCredentials,
    /// How it reads them.
    pub basic_encoding: SecretEncoding,
    /// The role as which it is told of new and changed footprints; `None` tells it of none.
    pub publish_as: Option<Role>,
}

/// A footprint that a partner has shared.
#[derive(Clone, Debug)]
pub struct ReceivedFootprint {
    /// Whose host it came from.
    pub recipient: String,
    /// Its id.
    pub id: PfId,
    /// Its version.
    pub version: u32,
    /// When it came.
    pub received_at: Timestamp,
    /// The bytes that came.
    pub json: Bytes,
}

/// A partner's answer to a request, or its refusal.
#[derive(Clone, Debug)]
pub struct ReceivedAnswer {
    /// The event's `source`.
    pub source: String,
    /// The event's `id`.
    pub id: String,
    /// When it came.
    pub received_at: Timestamp,
    /// The event as it came; empty once its text is forgotten.
    pub json: Bytes,
}

/// The part of the store port that is about partners' hosts.
#[async_trait::async_trait]
pub trait PartnerRecords: Send + Sync {
    /// All partners, or those of one recipient.
    async fn partners(&self, recipient: Option<&str>) -> Result<Vec<Partner>, StoreError>;

    /// Adds a partner, or changes the one with this recipient and base URL. Its hosts are tried again at once.
    async fn put_partner(&self, partner: &Partner) -> Result<(), StoreError>;

    /// Forgets a recipient's host; says whether there was one. What was to be sent there is given up.
    async fn remove_partner(&self, recipient: &str, base_url: &str) -> Result<bool, StoreError>;

    /// Keeps what a partner has shared, all or nothing; an older version does not replace a newer one. `false`
    /// when so much of this partner's is kept that there is no room.
    async fn keep_received(&self, footprints: &[ReceivedFootprint]) -> Result<bool, StoreError>;

    /// What a partner has shared, by id: so many behind this one.
    async fn received(
        &self,
        recipient: &str,
        after: Option<PfId>,
        limit: usize,
    ) -> Result<Vec<ReceivedFootprint>, StoreError>;

    /// A partner's answers to requests, refusals among them, by source and id: so many behind this one.
    async fn received_answers(
        &self,
        recipient: &str,
        after: Option<&ReceivedAnswer>,
        limit: usize,
    ) -> Result<Vec<ReceivedAnswer>, StoreError>;

    /// Forgets what a partner has shared and what came until then; says how many footprints that were.
    async fn forget_received(&self, recipient: &str, until: Timestamp) -> Result<u64, StoreError>;

    /// Forgets the bodies of events that came before one moment, and what came before another altogether.
    async fn prune_events(&self, bodies: Timestamp, all: Timestamp) -> Result<(), StoreError>;
}
