//! What filters mean.

use serde_json::Value;

use super::{activity, case};
use crate::{
    case::{BOTH, Case, HARDENING, ILEAP},
    listing::{self, Listing},
    options::form_encoded,
    outcome::{Judgement, Stop},
    run::Run,
    wire::Answer,
};

pub(super) static CASES: &[Case] = &[
    case!(
        "filter/and",
        Recommended,
        BOTH,
        "PACT 2 §Filtering; OData 4.01 §5.1.1.1.8",
        "Comparisons joined by `and` must all hold.",
        and
    ),
    case!(
        "filter/quoted-and",
        Recommended,
        BOTH,
        "OData 4.01 §5.1.1.14",
        "The word `and` in a literal joins nothing.",
        quoted_and
    ),
    case!(
        "filter/offset-plus",
        Recommended,
        BOTH,
        "PACT 2 §Filtering; RFC 3339 §5.6",
        "A date with the offset +00:00 is understood, percent-encoded or not.",
        offset_plus
    ),
    case!(
        "filter/syntax-error",
        Recommended,
        BOTH,
        "PACT 2 §Error codes",
        "A filter that is no expression gets 400, or is left out as a whole.",
        syntax
    ),
    case!(
        "filter/tad-and",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §TAD filtering",
        "Filters of different names must all hold.",
        tad_and
    ),
    case!(
        "filter/tad-or",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §TAD filtering",
        "A name given twice matches either value.",
        tad_or
    ),
    case!(
        "filter/tad-case",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §TAD filtering",
        "Values are compared without regard to case.",
        tad_case
    ),
    case!(
        "filter/tad-plus",
        Recommended,
        ILEAP,
        "WHATWG URL §5.1; iLEAP 1.0.0 §TAD filtering",
        "A plus sign in a filter's value means a space.",
        tad_plus
    ),
    case!(
        "filter/tad-unknown",
        Recommended,
        ILEAP,
        "iLEAP 1.0.0 §TAD filtering",
        "A filter by an unknown name does not list everything as if it were none.",
        tad_unknown
    ),
    case!(
        "hardening/filter-depth",
        Hardening,
        HARDENING,
        "CWE-674",
        "A filter of a thousand parentheses is no error of the server.",
        depth
    ),
];

/// The answer to a filter, where the host implements it.
pub(super) async fn filtered(run: &Run, expression: &str) -> Result<(Answer, Vec<Value>), Stop> {
    let expression = form_encoded(expression);
    listed(run, &format!("/2/footprints?%24filter={expression}")).await
}

async fn listed(run: &Run, path: &str) -> Result<(Answer, Vec<Value>), Stop> {
    let answer = implemented(run, path).await?;
    let list = answer.list()?;
    Ok((answer, list))
}

/// The same with all pages.
async fn all(run: &Run, path: &str) -> Result<Listing, Stop> {
    let first = implemented(run, path).await?;
    listing::follow(run, &run.url(path), first).await
}

async fn implemented(run: &Run, path: &str) -> Result<Answer, Stop> {
    let answer = answered(run, path).await?;
    if answer.status == 400 && answer.json_or_null()["code"] == "NotImplemented" {
        return Err(Stop::skip("the host does not implement this filter"));
    }
    answer.expect(&[200])?;
    Ok(answer)
}

/// The answer to a filter, once it is whole.
pub(super) async fn answered(run: &Run, path: &str) -> Result<Answer, Stop> {
    let answer = run.get(path).await?;
    if answer.status == 202 {
        let reason = "the host says that the filtered list is not whole yet (202), and no more";
        return Err(Stop::skip(reason).of(&answer.exchange));
    }
    Ok(answer)
}

/// A comparison that no footprint passes.
const NEVER: &str = "productCategoryCpc eq 'no-such-code'";
/// The same for a URL.
pub(super) const NEVER_ENCODED: &str = "productCategoryCpc+eq+%27no-such-code%27";
const ALWAYS: &str = "created ge '1990-01-01T00:00:00Z'";

/// Whether filters count at all here: those that ignore them are free to.
pub(super) async fn needs_filters(run: &Run) -> Result<(), Stop> {
    let (_, list) = filtered(run, NEVER).await?;
    if list.is_empty() {
        return Ok(());
    }
    Err(Stop::skip("the host ignores $filter, as PACT allows"))
}

/// The same for a name that activity data is filtered by, with a value that none has.
async fn needs_filter_by(run: &Run, name: &str, value: &str) -> Result<(), Stop> {
    let answer = answered(run, &format!("/2/ileap/tad?{name}={value}")).await?;
    if answer.status == 400 {
        return Err(Stop::skip(format!(
            "the host refuses to filter by {name}={value}"
        )));
    }
    answer.expect(&[200])?;
    if answer.list()?.is_empty() {
        return Ok(());
    }
    let reason = format!("the host ignores filters by {name}, as iLEAP allows");
    Err(Stop::skip(reason))
}

async fn needs_modes(run: &Run, records: &[Value]) -> Result<(), Stop> {
    needs_filter_by(run, "mode", activity::mode_of_none(records)).await
}

async fn and(run: &Run) -> Judgement {
    needs_filters(run).await?;
    for (left, right) in [(ALWAYS, NEVER), (NEVER, ALWAYS)] {
        let (answer, list) = filtered(run, &format!("({left}) and ({right})")).await?;
        if !list.is_empty() {
            return Err(answer.fails(format!(
                "{} footprints, though one side never holds",
                list.len()
            )));
        }
    }
    Ok(String::new())
}

async fn quoted_and(run: &Run) -> Judgement {
    needs_filters(run).await?;
    let (answer, list) = filtered(run, "productCategoryCpc eq 'salt and pepper'").await?;
    if list.is_empty() {
        return Ok(String::new());
    }
    Err(answer.fails(format!(
        "{} footprints for a code that none has",
        list.len()
    )))
}

async fn offset_plus(run: &Run) -> Judgement {
    needs_filters(run).await?;
    for plus in ["%2B", "+"] {
        let date = format!("1990-01-01T00:00:00{plus}00:00");
        let path = format!("/2/footprints?%24filter=created+ge+%27{date}%27");
        let (answer, list) = listed(run, &path).await?;
        if list.is_empty() {
            return Err(answer.fails("nothing is found, though every footprint is younger"));
        }
    }
    Ok(String::new())
}

async fn syntax(run: &Run) -> Judgement {
    let everything = run.footprints().await?.records.len();
    let answer = run.get("/2/footprints?%24filter=created+ge+%28%27").await?;
    if answer.status == 400 {
        return Ok(String::new());
    }
    answer.expect(&[200])?;
    match answer.list()?.len() {
        count if count == everything || answer.next_link().is_some() => {
            Ok("it is ignored, as PACT allows".to_owned())
        }
        count => Err(answer.fails(format!(
            "{count} footprints for something that is no filter"
        ))),
    }
}

async fn tad_and(run: &Run) -> Judgement {
    let records = activity::several(run, 2).await?;
    // The rarest mode, and an activity of another: nothing has both, and most have neither.
    let with = |mode: &Value| records.iter().filter(|r| r["mode"] == *mode).count();
    let rarest = records.iter().min_by_key(|record| with(&record["mode"]));
    let mode = rarest.map_or(&Value::Null, |record| &record["mode"]);
    let other = records.iter().find(|other| other["mode"] != *mode);
    let (Some(mode), Some(other)) = (mode.as_str(), other) else {
        return Err(Stop::skip("it needs activities of two modes to tell"));
    };
    let Some(id) = activity::id(other) else {
        return Err(Stop::skip("an activity has no id"));
    };
    needs_modes(run, records).await?;
    needs_filter_by(run, "activityId", NOBODY).await?;
    let path = format!("/2/ileap/tad?mode={mode}&activityId={}", form_encoded(id));
    let (answer, list) = listed(run, &path).await?;
    if list.is_empty() {
        return Ok(String::new());
    }
    let reason = format!("{} activities, though none has both", list.len());
    let has_one = |record: &Value| activity::has(record, mode) || activity::id(record) == Some(id);
    if list.iter().all(has_one) {
        return Err(answer.warns(format!("{reason}: a union, as iLEAP allows")));
    }
    Err(answer.fails(reason))
}

async fn tad_or(run: &Run) -> Judgement {
    let records = activity::several(run, 2).await?;
    let ids: Vec<_> = records.iter().filter_map(activity::id).take(2).collect();
    let [first, second] = ids.as_slice() else {
        return Err(Stop::skip("it needs two activities with ids"));
    };
    needs_filter_by(run, "activityId", NOBODY).await?;
    let (first, second) = (form_encoded(first), form_encoded(second));
    let path = format!("/2/ileap/tad?activityId={first}&activityId={second}");
    exactly(&all(run, &path).await?, 2, |record| {
        activity::id(record).is_some_and(|id| ids.contains(&id))
    })
}

async fn tad_case(run: &Run) -> Judgement {
    let records = activity::several(run, 1).await?;
    let mode = records.iter().find_map(|record| record["mode"].as_str());
    let mode = mode.unwrap_or_default();
    needs_modes(run, records).await?;
    let expected = records.iter().filter(|r| activity::has(r, mode)).count();
    let path = format!("/2/ileap/tad?mode={}", mode.to_uppercase());
    exactly(&all(run, &path).await?, expected, |record| {
        activity::has(record, mode)
    })
}

/// A value that no activity has.
const NOBODY: &str = "no-such-value";

/// All that fit, and no others; there may be more of them than were counted.
fn exactly(found: &Listing, expected: usize, fits: impl Fn(&Value) -> bool) -> Judgement {
    let count = found.records.len();
    let others = found.records.iter().filter(|record| !fits(record)).count();
    if others == 0 && count >= expected {
        return Ok(String::new());
    }
    let reason = if others > 0 {
        format!("{others} of {count} activities do not fit")
    } else {
        format!("{count} activities where {expected} fit")
    };
    Err(Stop::fail(reason).of(&found.exchange))
}

fn has_feedstock(record: &Value, name: &str) -> bool {
    let items = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    items(&record["energyCarriers"])
        .iter()
        .flat_map(|carrier| items(&carrier["feedstocks"]))
        .any(|feedstock| feedstock["feedstock"] == name)
}

async fn tad_plus(run: &Run) -> Judgement {
    let records = activity::several(run, 1).await?;
    let with = |name: &str| records.iter().filter(|r| has_feedstock(r, name)).count();
    let spaced = ["Cooking oil", "Natural gas", "Renewable electricity"];
    let Some(name) = spaced.into_iter().find(|name| with(name) > 0) else {
        return Err(Stop::skip(
            "it needs an activity with a feedstock such as `Cooking oil`",
        ));
    };
    needs_filter_by(run, "feedstock", NOBODY).await?;
    let path = format!("/2/ileap/tad?feedstock={}", name.replace(' ', "+"));
    exactly(&all(run, &path).await?, with(name), |record| {
        has_feedstock(record, name)
    })
}

async fn tad_unknown(run: &Run) -> Judgement {
    let records = activity::several(run, 1).await?;
    needs_modes(run, records).await?;
    let path = "/2/ileap/tad?noSuchField=1";
    let first = answered(run, path).await?;
    if first.status == 400 && first.json_or_null()["code"] == "NotImplemented" {
        // To say so is the best answer.
        return Ok(String::new());
    }
    first.expect(&[200])?;
    let found = listing::follow(run, &run.url(path), first).await?;
    if found.records.len() < records.len() {
        return Ok(String::new());
    }
    let reason = "everything is listed: whoever misspells a name gets data of others";
    Err(Stop::fail(reason).of(&found.exchange))
}

async fn depth(run: &Run) -> Judgement {
    let deep = format!("{}{ALWAYS}{}", "(".repeat(500), ")".repeat(500));
    let deep = form_encoded(&deep);
    let answer = run.get(&format!("/2/footprints?%24filter={deep}")).await?;
    if answer.status < 500 {
        return Ok(String::new());
    }
    Err(answer.fails(format!("status {}: an error of the server", answer.status)))
}
