//! Where footprints, transport activity data, events and access rules are kept.

pub mod access;
#[cfg(test)]
pub(crate) mod contract;
pub mod keys;
pub mod logins;
pub mod outbox;
pub mod partners;
pub mod patience;
pub mod sql;
pub mod tokens;

use bytes::Bytes;
use ileap_types::{
    filter::{odata::FootprintFilter, tad::TadFilter},
    pact::event::CloudEvent,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{access::Visibility, identity::Principal};

/// The store port. Stored JSON leaves as the bytes that went in.
#[async_trait::async_trait]
pub trait Store:
    access::AccessRules
    + keys::KeyRecords
    + logins::LoginRecords
    + outbox::Outbox
    + partners::PartnerRecords
    + tokens::TokenRecords
{
    /// The latest version of one footprint, if `visibility` covers it. Ids compare without regard to case.
    async fn footprint(
        &self,
        visibility: &Visibility,
        id: &str,
    ) -> Result<Option<Bytes>, StoreError>;

    /// One page of footprints (latest versions), ordered by creation and id.
    async fn footprints(
        &self,
        visibility: &Visibility,
        filter: &FootprintFilter,
        page: &PageQuery,
    ) -> Result<Page, StoreError>;

    /// One page of transport activity data.
    async fn tads(
        &self,
        visibility: &Visibility,
        filter: &TadFilter,
        page: &PageQuery,
    ) -> Result<Page, StoreError>;

    /// Keeps an event and, if it is new, the tasks that follow from it; when this returns, all of it survives
    /// a crash. The same source and id again is a duplicate.
    async fn record_event(
        &self,
        event: &ReceivedEvent<'_>,
        tasks: &[outbox::NewTask],
    ) -> Result<EventReceipt, StoreError>;

    /// Begins to change objects. Others see nothing of it before the commit, and no other import or withdrawal
    /// comes in between.
    async fn begin_import(&self) -> Result<Box<dyn ImportTransaction>, StoreError>;

    /// Writes all of `objects` or none. What is already there, byte for byte, is left alone.
    async fn import(&self, objects: &[ImportObject]) -> Result<ImportSummary, StoreError> {
        let mut transaction = self.begin_import().await?;
        let summary = transaction.write(objects).await?;
        transaction.commit().await?;
        Ok(summary)
    }

    /// The footprints around TOCs (`toc`) or HOCs (`hoc`) of these ids: up to four of each id, active ones
    /// first. Ask for few at once: all of it comes together.
    async fn around(&self, kind: &str, object_ids: &[String]) -> Result<Vec<Bytes>, StoreError>;

    /// The secret that signs cursors, the same for everyone on this store.
    fn cursor_key(&self) -> &CursorKey;

    /// Whether other instances may be on this store, too.
    fn is_shared(&self) -> bool;

    /// Answers when the store can.
    async fn check(&self) -> Result<(), StoreError>;

    /// Takes leave of the database, once nobody asks any more.
    async fn close(&self);
}

/// Changes to objects that happen all together at the commit, or not at all if this is dropped before.
#[async_trait::async_trait]
pub trait ImportTransaction: Send {
    /// Writes objects, in order. What is already there, byte for byte, is left alone. After an error only
    /// dropping is left to do.
    async fn write(&mut self, objects: &[ImportObject]) -> Result<ImportSummary, StoreError>;

    /// The latest version of one footprint. Ids compare without regard to case.
    async fn footprint(&mut self, id: &str) -> Result<Option<Bytes>, StoreError>;

    /// Deletes transport activity data; says whether there was any.
    async fn delete_tad(&mut self, activity_id: &str) -> Result<bool, StoreError>;

    /// The references of shipments to TOCs and HOCs without a footprint, among those that what was written has
    /// made or left behind; a hundred at most. Once, at the end.
    async fn open_references(&mut self) -> Result<Vec<OpenReference>, StoreError>;

    /// Makes it all happen; when this returns, it survives a crash.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A shipment's reference that leads nowhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenReference {
    /// `toc` or `hoc`.
    pub kind: &'static str,
    /// Its `tocId` or `hocId`.
    pub object_id: String,
    /// The id of a footprint around a shipment that refers to it.
    pub shipment: String,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub struct PageQuery {
    /// The most items to return; at least 1.
    pub limit: usize,
    /// How many items to pass over first.
    pub offset: u32,
    /// Where the previous page ended.
    pub after: Option<Position>,
}

/// A place in an ordered list; only the store that made it knows what it says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Position(pub String);

/// Part of a list.
#[derive(Debug)]
pub struct Page {
    /// Stored JSON objects, in order, with commas between them.
    pub objects: Bytes,
    /// Where this page ended, if there is more.
    pub next: Option<Position>,
}

impl Page {
    /// Nothing, and nothing after it.
    pub fn empty() -> Self {
        Self {
            objects: Bytes::new(),
            next: None,
        }
    }
}

/// An event with what is known of its sender.
#[derive(Debug)]
pub struct ReceivedEvent<'a> {
    /// The validated event.
    pub event: &'a CloudEvent,
    /// Its JSON as received.
    pub body: &'a Bytes,
    /// Who sent it.
    pub sender: &'a Principal,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventReceipt {
    /// The same sender's event with this source and id was already there; nothing changed.
    Duplicate,
    /// Nothing was kept: too many tasks of this sender are still open, or too many of its events are kept.
    Full,
    /// Kept.
    Stored,
}

/// Something to be imported: already judged, written as these bytes.
#[derive(Clone, Debug)]
pub struct ImportObject {
    /// Footprint or transport activity data.
    pub kind: ImportKind,
    /// The object, for the columns that are searched.
    pub value: Value,
    /// The bytes that will be served.
    pub json: Bytes,
}

/// What can be imported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ImportKind {
    /// A PACT product footprint.
    Footprint,
    /// iLEAP transport activity data.
    Tad,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ImportSummary {
    /// Objects that were new.
    pub added: usize,
    /// Objects that replaced an older version.
    pub updated: usize,
    /// Objects that were already there unchanged.
    pub unchanged: usize,
}

impl std::ops::AddAssign for ImportSummary {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

/// The secret that signs cursors.
pub struct CursorKey(pub(crate) [u8; 32]);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(redacted)")
    }
}

/// The store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The object cannot be kept: it lacks what the store orders by, or is older than what is there.
    #[error("storing object {index}: {reason}")]
    Unacceptable {
        /// Place in the import, from 0.
        index: usize,
        /// What is wrong and what to change.
        reason: String,
    },
    /// A position that this store did not make.
    #[error("reading a page: the position is not one of this store's")]
    UnknownPosition,
    /// The database is down, full, locked or broken.
    #[error("{attempted}: the database is unavailable")]
    Unavailable {
        /// What was attempted.
        attempted: &'static str,
        /// The driver's error, for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database cannot be connected to.
    #[error("connecting to {place}: {finding}; {remedy}")]
    Unreached {
        /// Which one, and as whom; no password.
        place: String,
        /// What is wrong.
        finding: String,
        /// What to do.
        remedy: String,
        /// The driver's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// What failed and why, for the operator: the driver's words are in it, which callers must not see.
    pub fn with_cause(&self) -> String {
        match self {
            Self::Unavailable { source, .. } => format!("{self}: {source}"),
            Self::Unreached {
                place,
                finding,
                remedy,
                source,
            } => format!("connecting to {place}: {finding} ({source}); {remedy}"),
            Self::Unacceptable { .. } | Self::UnknownPosition => self.to_string(),
        }
    }
}
