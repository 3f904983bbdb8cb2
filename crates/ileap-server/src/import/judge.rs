//! What the rules say about a file.

use std::{io, ops::ControlFlow};

use bytes::Bytes;
use ileap_types::rules::{CollectionIndex, Finding, Severity, judge_footprint, judge_tad};

use super::{
    ImportFailure, Judgement, Remark,
    input::Input,
    read::{self, Item, Place, Problem},
    write::Batches,
};
use crate::store::ImportKind;

/// A file under judgement.
pub(super) struct Judge {
    pub(super) index: CollectionIndex,
    judgement: Judgement,
}

impl Judge {
    /// Reads the input for the first time: what each object is for itself, and whether any comes twice. The
    /// index is empty.
    pub(super) async fn of(input: &Input, index: CollectionIndex) -> Result<Self, ImportFailure> {
        let reading = input.clone();
        let judge = on_a_thread(move || {
            let mut judge = Self {
                index,
                judgement: Judgement::default(),
            };
            read::each(&reading, &mut |place, found| {
                judge.add(place, found);
                ControlFlow::Continue(())
            })?;
            Ok(judge)
        });
        let judge = judge.await?;
        unchanged(input)?;
        Ok(judge)
    }

    /// Footprints around TOCs and HOCs that are stored. What cannot be read is not there.
    pub(super) fn add_stored(&mut self, footprints: &[Bytes]) {
        for footprint in footprints {
            if let Ok(footprint) = serde_json::from_slice(footprint) {
                self.index.add_other(&footprint);
            }
        }
    }

    /// Reads the input for the second time: what each object is to the others. Objects go into `batches` as
    /// long as nothing is wrong.
    pub(super) async fn references(
        mut self,
        input: &Input,
        mut batches: Option<Batches>,
    ) -> Result<Self, ImportFailure> {
        let reading = input.clone();
        let judge = on_a_thread(move || {
            read::each(&reading, &mut |place, found| {
                let Ok(item) = found else {
                    return ControlFlow::Continue(());
                };
                if item.kind == ImportKind::Footprint {
                    let findings = self.index.judge_references(&item.value);
                    self.note(place, findings);
                }
                match &mut batches {
                    Some(batches) if self.is_clean() => batches.add(place, item),
                    _ => ControlFlow::Continue(()),
                }
            })?;
            if let Some(batches) = batches.filter(|_| self.is_clean()) {
                batches.finish();
            }
            Ok(self)
        });
        let judge = judge.await?;
        unchanged(input)?;
        Ok(judge)
    }

    /// Whether the file may be written, as far as is known.
    pub(super) fn is_clean(&self) -> bool {
        self.judgement.errors.total == 0
    }

    /// With the remarks of both times in one order.
    pub(super) fn judgement(self) -> Judgement {
        self.into_parts().1
    }

    /// The same, and what was learned of TOCs and HOCs.
    pub(super) fn into_parts(mut self) -> (CollectionIndex, Judgement) {
        for remarks in [&mut self.judgement.errors, &mut self.judgement.warnings] {
            remarks.listed.sort_by_key(|remark| remark.place);
        }
        (self.index, self.judgement)
    }

    fn add(&mut self, place: Place, found: Result<Item, Problem>) {
        let Item { kind, value } = match found {
            Ok(item) => item,
            Err(problem) => {
                let remark = Remark::error(place, problem.pointer, problem.message);
                return self.judgement.errors.add(remark);
            }
        };
        self.judgement.objects += 1;
        let mut findings;
        match kind {
            ImportKind::Footprint => {
                findings = judge_footprint(&value);
                findings.extend(self.index.add_footprint(&value));
            }
            ImportKind::Tad => {
                findings = judge_tad(&value);
                findings.extend(self.index.add_tad(&value));
            }
        }
        self.note(place, findings);
    }

    fn note(&mut self, place: Place, findings: Vec<Finding>) {
        for finding in findings {
            let remarks = match finding.severity {
                Severity::Error => &mut self.judgement.errors,
                Severity::Warning => &mut self.judgement.warnings,
            };
            remarks.add(Remark::finding(place, finding));
        }
    }
}

/// Reading and judging keep a processor busy.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}

fn unchanged(input: &Input) -> Result<(), ImportFailure> {
    if input.is_unchanged()? {
        Ok(())
    } else {
        Err(ImportFailure::Changed)
    }
}
