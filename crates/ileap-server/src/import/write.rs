//! From the judge to the store, a batch at a time.

use std::ops::ControlFlow;

use bytes::Bytes;
use ileap_types::rules::{RuleId, Severity};
use tokio::sync::mpsc;

use super::{
    ImportFailure, ImportReport, Input, Judgement, Remark,
    judge::Judge,
    read::{Item, Place},
};
use crate::store::{
    ImportObject, ImportSummary, ImportTransaction, OpenReference, Store, StoreError,
    patience::{self, OnWait},
};

/// How much is sent to the store at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchSize {
    pub(super) objects: usize,
    pub(super) bytes: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self {
            objects: 256,
            bytes: 1 << 20,
        }
    }
}

/// Batches that wait for the store.
const WAITING: usize = 1;

/// Objects that go to the store together.
#[derive(Default)]
struct Batch {
    places: Vec<Place>,
    objects: Vec<ImportObject>,
    bytes: usize,
}

/// Where the judge puts objects.
pub(super) struct Batches {
    batch: Batch,
    size: BatchSize,
    sender: mpsc::Sender<Batch>,
}

impl Batches {
    /// Stops the reading when the store takes no more. Waits for it: not for asynchronous code.
    pub(super) fn add(&mut self, place: Place, item: Item) -> ControlFlow<()> {
        let json = Bytes::from(item.value.to_string());
        let batch = &mut self.batch;
        batch.bytes += json.len();
        batch.places.push(place);
        batch.objects.push(ImportObject {
            kind: item.kind,
            value: item.value,
            json,
        });
        if batch.objects.len() < self.size.objects && batch.bytes < self.size.bytes {
            return ControlFlow::Continue(());
        }
        let full = std::mem::take(batch);
        match self.sender.blocking_send(full) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Sends what is left.
    pub(super) fn finish(self) {
        // A store that takes no more has said why.
        let _ = self.sender.blocking_send(self.batch);
    }
}

/// Writes the whole file if the judge has nothing against it.
pub(super) async fn into(
    store: &dyn Store,
    input: &Input,
    judge: Judge,
    size: BatchSize,
) -> Result<ImportReport, ImportFailure> {
    if !judge.is_clean() {
        let judge = judge.references(input, None).await?;
        return Err(ImportFailure::Broken(judge.judgement()));
    }
    let (sender, batches) = mpsc::channel(WAITING);
    let judging = judge.references(
        input,
        Some(Batches {
            batch: Batch::default(),
            size,
            sender,
        }),
    );
    let writing = write_all(store, &*input.on_wait, batches);
    let (judge, written) = tokio::join!(judging, writing);
    let (mut transaction, summary) = written?;
    let mut judgement = judge?.judgement();
    if judgement.errors.total == 0 {
        // What it was judged by may have changed since, and what it takes away shows only now.
        for open in transaction.open_references().await? {
            judgement.errors.add(dangling(&open));
        }
    }
    if judgement.errors.total > 0 {
        return Err(ImportFailure::Broken(judgement));
    }
    transaction.commit().await?;
    Ok(ImportReport {
        summary,
        warnings: judgement.warnings,
    })
}

fn dangling(open: &OpenReference) -> Remark {
    let OpenReference {
        kind,
        object_id,
        shipment,
    } = open;
    let message = format!(
        "no footprint would be around the {} `{object_id}`, to which the shipment of footprint {shipment} refers: \
         leave it where it is, or import another one with it",
        kind.to_uppercase()
    );
    Remark {
        place: Place::File,
        pointer: String::new(),
        rule: Some(RuleId::R24),
        severity: Severity::Error,
        message,
    }
}

/// Everything in one transaction, which is not committed here.
async fn write_all(
    store: &dyn Store,
    on_wait: OnWait<'_>,
    mut batches: mpsc::Receiver<Batch>,
) -> Result<(Box<dyn ImportTransaction>, ImportSummary), ImportFailure> {
    let mut transaction = patience::begin_import(store, on_wait).await?;
    let mut summary = ImportSummary::default();
    while let Some(batch) = batches.recv().await {
        match transaction.write(&batch.objects).await {
            Ok(written) => summary += written,
            Err(StoreError::Unacceptable { index, reason }) => {
                let place = batch.places.get(index).copied().unwrap_or(Place::Item(1));
                let mut judgement = Judgement::default();
                judgement
                    .errors
                    .add(Remark::error(place, String::new(), reason));
                return Err(ImportFailure::Broken(judgement));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((transaction, summary))
}
