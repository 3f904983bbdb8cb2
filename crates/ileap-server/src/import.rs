//! From a file to the store: read twice, judged whole, and written whole or not at all.
//!
//! No more than one object and a batch of them is in memory at a time, besides what
//! [`CollectionIndex`] keeps.

mod input;
mod judge;
mod read;
mod write;

use std::{fmt, io};

use ileap_types::{
    extension::ObjectKind,
    rules::{CollectionIndex, Finding, RuleId, Severity},
};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::read::read_anything;
pub use self::{
    input::{Format, Input, OnRead, OnWait},
    read::{Place, table::csv_header},
};
use self::{judge::Judge, write::BatchSize};
use crate::store::{ImportSummary, Store, StoreError};

/// The footprints of the demo.
pub const SAMPLE_FOOTPRINTS: &str = include_str!("../sample-data/footprints.json");
/// The transport activity data of the demo.
pub const SAMPLE_TADS: &str = include_str!("../sample-data/tads.json");

/// TOCs and HOCs that the store is asked about at once.
const ASKED_TOGETHER: usize = 64;

/// The most remarks of one severity listed about one file; the rest are counted.
const LISTED: usize = 100;

/// What an import did, and what it found odd.
#[derive(Debug)]
pub struct ImportReport {
    /// What was written.
    pub summary: ImportSummary,
    /// Remarks that are no obstacle.
    pub warnings: Remarks,
}

/// What is thought of a file.
#[derive(Debug, Default)]
pub struct Judgement {
    /// How many objects it has.
    pub objects: u64,
    /// What keeps it out of the store.
    pub errors: Remarks,
    /// What does not.
    pub warnings: Remarks,
}

/// The first hundred remarks, in the order of the file.
#[derive(Debug, Default)]
pub struct Remarks {
    /// These.
    pub listed: Vec<Remark>,
    /// How many there are in all.
    pub total: u64,
}

/// Something about one object of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remark {
    /// Which object.
    pub place: Place,
    /// RFC 6901 pointer into the object; empty for the object itself.
    pub pointer: String,
    /// The broken rule; none where there is no object to judge, or what is stored contradicts it.
    pub rule: Option<RuleId>,
    /// How bad it is.
    pub severity: Severity,
    /// What was found and what to change.
    pub message: String,
}

impl Remark {
    fn finding(place: Place, finding: Finding) -> Self {
        Self {
            place,
            pointer: finding.pointer,
            rule: Some(finding.rule),
            severity: finding.severity,
            message: finding.message,
        }
    }

    fn error(place: Place, pointer: String, message: String) -> Self {
        Self {
            place,
            pointer,
            rule: None,
            severity: Severity::Error,
            message,
        }
    }

    /// The column of a table, as its header names it.
    pub fn column(&self) -> Option<String> {
        let name = self.pointer.strip_prefix('/')?;
        matches!(self.place, Place::Row(_)).then(|| name.replace('/', "."))
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        match self.column() {
            Some(column) => write!(f, ", column {column}")?,
            None if self.pointer.is_empty() => {}
            None => write!(f, " {}", self.pointer)?,
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {severity}")?;
        if let Some(rule) = self.rule {
            write!(f, " {rule}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Remarks {
    fn add(&mut self, remark: Remark) {
        self.total += 1;
        if self.listed.len() < LISTED {
            self.listed.push(remark);
        }
    }
}

impl fmt::Display for Remarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for remark in &self.listed {
            write!(f, "\n  {remark}")?;
        }
        match self.total.saturating_sub(self.listed.len() as u64) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// Nothing of the file was written.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailure {
    /// It has errors.
    #[error("{}:{}", count(.0.errors.total), .0.errors)]
    Broken(Judgement),
    /// Somebody wrote to it meanwhile.
    #[error("the file changed while it was read; import it again when it is complete")]
    Changed,
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// The store refused, or is not there.
    #[error("{}", .0.with_cause())]
    Store(#[from] StoreError),
}

fn count(errors: u64) -> String {
    format!("{errors} {}", if errors == 1 { "error" } else { "errors" })
}

/// Imports one file.
pub async fn file(store: &dyn Store, input: &Input) -> Result<ImportReport, ImportFailure> {
    in_batches(store, input, BatchSize::default()).await
}

async fn in_batches(
    store: &dyn Store,
    input: &Input,
    size: BatchSize,
) -> Result<ImportReport, ImportFailure> {
    let mut judge = Judge::of(input, CollectionIndex::default()).await?;
    for kind in [ObjectKind::Hoc, ObjectKind::Toc] {
        let named = judge.index.categories().filter(|(own, _)| *own == kind);
        let ids: Vec<_> = named.map(|(_, id)| id.to_owned()).collect();
        for ids in ids.chunks(ASKED_TOGETHER) {
            judge.add_stored(&store.around(kind.as_str(), ids).await?);
        }
    }
    write::into(store, input, judge, size).await
}

/// Judges files as if they were imported one after the other into an empty store.
#[derive(Default)]
pub struct Validation {
    /// The TOCs and HOCs of the files before.
    earlier: CollectionIndex,
}

impl Validation {
    /// Judges the next file. A reference may be met by the file itself or by one before it.
    pub async fn file(&mut self, input: &Input) -> Result<Judgement, ImportFailure> {
        let mut judge = Judge::of(input, self.earlier.followed()).await?;
        judge.index.add_others(&self.earlier);
        let (index, judgement) = judge.references(input, None).await?.into_parts();
        self.earlier.append(index);
        Ok(judgement)
    }
}

/// Puts the demo's data into a store.
pub async fn sample_data(store: &dyn Store) -> Result<(), ImportFailure> {
    for text in [SAMPLE_FOOTPRINTS, SAMPLE_TADS] {
        file(store, &Input::text(text)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
