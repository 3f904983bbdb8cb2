//! Emissions data: shipments, TOCs and HOCs.

use std::sync::Arc;

use serde_json::Value;

use super::case;
use crate::{
    case::{Case, ILEAP, PactVersion},
    outcome::{Judgement, Problems, Stop},
    rules::{self, Kind},
    run::{Run, aside},
};

pub(super) static CASES: &[Case] = &[
    case!(
        "ileap/tc001",
        Required,
        ILEAP,
        "iLEAP 1.0.0 Appendix C TC001",
        "Every shipment conforms to ShipmentFootprint and its mapping; there is at least one.",
        tc001
    ),
    case!(
        "ileap/tc002",
        Required,
        ILEAP,
        "iLEAP 1.0.0 Appendix C TC002",
        "Every TOC conforms, and all that shipments refer to are there.",
        tc002
    ),
    case!(
        "ileap/tc003",
        Required,
        ILEAP,
        "iLEAP 1.0.0 Appendix C TC003",
        "Every HOC conforms, and all that shipments refer to are there.",
        tc003
    ),
];

async fn tc001(run: &Run) -> Judgement {
    of_kind(run, Kind::Shipment, "").await
}

async fn tc002(run: &Run) -> Judgement {
    of_kind(run, Kind::Toc, "/tocId").await
}

async fn tc003(run: &Run) -> Judgement {
    of_kind(run, Kind::Hoc, "/hocId").await
}

/// Schema and rules over all footprints of a kind, and what shipments miss of it.
async fn of_kind(run: &Run, kind: Kind, reference: &str) -> Judgement {
    let listing = run.footprints().await?;
    let (records, version) = (Arc::clone(&listing.records), run.version());
    let (mut problems, count) = aside(move || alone(&records, kind, version)).await?;
    let mut missing = Problems::default();
    if !reference.is_empty() {
        for problem in run.findings().await?.errors_of("r24").listed {
            if problem.pointer.ends_with(reference) {
                missing.add(problem);
            }
        }
    }
    if missing.count() > 0 && listing.cut.is_some() {
        problems.judged(&listing.exchange)?;
        listing.whole()?;
    } else {
        problems.extend(missing);
        problems.judged(&listing.exchange)?;
    }
    if count > 0 {
        return Ok(format!("{count} looked at"));
    }
    if kind == Kind::Shipment {
        listing.whole()?;
        return Err(Stop::fail("the account sees no shipment").of(&listing.exchange));
    }
    Err(Stop::skip("no shipment refers to any, and none is listed"))
}

/// What is wrong with footprints of a kind, each by itself, and how many there are.
fn alone(records: &[Value], kind: Kind, version: PactVersion) -> (Problems, usize) {
    let mut problems = Problems::default();
    let mut count = 0;
    for (index, record) in records.iter().enumerate() {
        if rules::kind(record) != Some(kind) {
            continue;
        }
        count += 1;
        let Some((_, extension, at)) = rules::extension_of(record) else {
            problems.push(
                format!("/data/{index}/extensions"),
                "the iLEAP extension is missing",
            );
            continue;
        };
        let pointer = format!("/data/{index}/extensions/{at}/data");
        for fault in kind.schema().faults(&extension["data"]) {
            problems.push(format!("{pointer}{}", fault.pointer), fault.text);
        }
        problems.extend(rules::judge_footprint(record, index, version).errors());
    }
    (problems, count)
}
