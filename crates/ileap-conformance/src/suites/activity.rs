//! Activity data.

use std::sync::Arc;

use serde_json::Value;

use super::case;
use crate::{
    case::{Case, ILEAP},
    outcome::{Judgement, Problems, Stop, StopKind},
    rules,
    run::{Run, aside},
    schema::Schema,
};

pub(super) static CASES: &[Case] = &[
    case!(
        "ileap/tc004",
        Required,
        ILEAP,
        "iLEAP 1.0.0 Appendix C TC004",
        "Activity data is listed, and every activity conforms.",
        tc004
    ),
    case!(
        "ileap/tc005",
        Required,
        ILEAP,
        "iLEAP 1.0.0 Appendix C TC005",
        "A filter by mode lists activities of that mode and no others.",
        tc005
    ),
    case!(
        "ileap/tc006",
        Required,
        ILEAP,
        "iLEAP 1.0.0 Appendix C TC006",
        "limit=1 lists one activity and a link to more, or all there are.",
        tc006
    ),
];

const MODES: [&str; 5] = ["Road", "Rail", "Air", "Sea", "InlandWaterway"];

async fn tc004(run: &Run) -> Judgement {
    let answer = run.get("/2/ileap/tad").await?;
    answer.expect(&[200])?;
    if answer.list()?.is_empty() {
        return Err(answer.fails("the account sees no activity data"));
    }
    let listing = run
        .tads()
        .await
        .map_err(|stop| stop.softened(StopKind::Fail))?;
    let records = Arc::clone(&listing.records);
    let problems = aside(move || {
        let mut problems = Problems::default();
        for (index, record) in records.iter().enumerate() {
            let pointer = format!("/data/{index}");
            for fault in Schema::Tad.faults(record) {
                problems.push(format!("{pointer}{}", fault.pointer), fault.text);
            }
            problems.extend(rules::judge_tad(record, pointer).errors());
        }
        problems
    });
    let problems = problems.await?;
    problems.judged(&listing.exchange)?;
    Ok(listing.remark())
}

async fn tc005(run: &Run) -> Judgement {
    let mut is_shown = false;
    let mut refused = None;
    for mode in MODES {
        let answer = run.get(&format!("/2/ileap/tad?mode={mode}")).await?;
        if answer.status != 200 {
            refused = Some(answer);
            continue;
        }
        is_shown = true;
        let found = answer.list()?;
        if let Some(other) = found.iter().position(|record| !has(record, mode)) {
            let reason = format!("/data/{other} is of another mode than {mode}");
            return Err(answer.fails(reason));
        }
        let listing = run.tads().await?;
        let expected = listing
            .records
            .iter()
            .filter(|record| has(record, mode))
            .count();
        if found.is_empty() && expected > 0 {
            return Err(answer.fails(format!("nothing is found, though {expected} are {mode}")));
        }
    }
    match refused {
        Some(answer) if !is_shown => {
            Err(answer.fails(format!("status {} for a filter by mode", answer.status)))
        }
        Some(answer) => Ok(format!("status {} for some modes", answer.status)),
        None => Ok(String::new()),
    }
}

/// A mode that none of them has, where there is one.
pub(super) fn mode_of_none(records: &[Value]) -> &'static str {
    let is_free = |mode: &&str| !records.iter().any(|record| has(record, mode));
    MODES.into_iter().find(is_free).unwrap_or("none")
}

pub(super) fn has(record: &Value, mode: &str) -> bool {
    record["mode"]
        .as_str()
        .is_some_and(|given| given.eq_ignore_ascii_case(mode))
}

async fn tc006(run: &Run) -> Judgement {
    let answer = run.get("/2/ileap/tad?limit=1").await?;
    answer.expect(&[200])?;
    let found = answer.list()?.len();
    if found > 1 {
        return Err(answer.fails(format!(
            "{found} activities where one at most was asked for"
        )));
    }
    match answer.next_link() {
        Some(link) if !run.is_ours(&link) => {
            Err(answer.fails(format!("the link does not begin with {}", run.base())))
        }
        Some(link) => {
            let next = run.get_url(&link).await?;
            next.expect(&[200])?;
            if next.list()?.is_empty() {
                return Err(next.fails("the link leads to an empty page"));
            }
            Ok(String::new())
        }
        None if run.tads().await?.records.len() == found => Ok(String::new()),
        None => Err(answer.fails("there is more, and no Link with rel=\"next\"")),
    }
}

/// Shared with the other suites: what an activity is called.
pub(super) fn id(record: &Value) -> Option<&str> {
    record["activityId"].as_str().filter(|id| !id.is_empty())
}

/// The list, with at least `least` activities.
pub(super) async fn several(run: &Run, least: usize) -> Result<&[Value], Stop> {
    let listing = run.tads().await?;
    if listing.records.len() < least {
        return Err(Stop::skip(format!("it needs {least} activities to tell")));
    }
    Ok(&listing.records)
}
