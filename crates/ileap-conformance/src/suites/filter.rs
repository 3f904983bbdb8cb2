//! What filters mean.

use serde_json::Value;

use super::{activity, case};
use crate::{
    case::{BOTH, Case, HARDENING, ILEAP},
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
async fn filtered(run: &Run, expression: &str) -> Result<(Answer, Vec<Value>), Stop> {
    let expression: String = form_urlencoded::byte_serialize(expression.as_bytes()).collect();
    listed(run, &format!("/2/footprints?%24filter={expression}")).await
}

async fn listed(run: &Run, path: &str) -> Result<(Answer, Vec<Value>), Stop> {
    let answer = run.get(path).await?;
    if answer.status == 400 && answer.json_or_null()["code"] == "NotImplemented" {
        return Err(Stop::skip("the host does not implement this filter"));
    }
    answer.expect(&[200])?;
    let list = answer.list()?;
    Ok((answer, list))
}

/// A comparison that no footprint passes.
const NEVER: &str = "productCategoryCpc eq 'no-such-code'";
const ALWAYS: &str = "created ge '1990-01-01T00:00:00Z'";

/// Whether filters count at all here: those that ignore them are free to.
async fn needs_filters(run: &Run) -> Result<(), Stop> {
    let (_, list) = filtered(run, NEVER).await?;
    if list.is_empty() {
        return Ok(());
    }
    Err(Stop::skip("the host ignores $filter, as PACT allows"))
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
    // Two activities of different modes: the mode of one and the id of the other fit nothing.
    let first = records.first().unwrap_or(&Value::Null);
    let other = records.iter().find(|other| other["mode"] != first["mode"]);
    let (Some(mode), Some(other)) = (first["mode"].as_str(), other) else {
        return Err(Stop::skip("it needs activities of two modes to tell"));
    };
    let Some(id) = activity::id(other) else {
        return Err(Stop::skip("an activity has no id"));
    };
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let (answer, list) = listed(run, &format!("/2/ileap/tad?mode={mode}&activityId={id}")).await?;
    if list.is_empty() {
        return Ok(String::new());
    }
    Err(answer.fails(format!("{} activities, though none has both", list.len())))
}

async fn tad_or(run: &Run) -> Judgement {
    let records = activity::several(run, 2).await?;
    let ids: Vec<_> = records.iter().filter_map(activity::id).take(2).collect();
    let [first, second] = ids.as_slice() else {
        return Err(Stop::skip("it needs two activities with ids"));
    };
    let encoded = |id: &str| form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
    let (first, second) = (encoded(first), encoded(second));
    let path = format!("/2/ileap/tad?activityId={first}&activityId={second}");
    let (answer, list) = listed(run, &path).await?;
    if list.len() == 2 {
        return Ok(String::new());
    }
    Err(answer.fails(format!(
        "{} activities where both of two are due",
        list.len()
    )))
}

async fn tad_case(run: &Run) -> Judgement {
    let records = activity::several(run, 1).await?;
    let mode = records
        .iter()
        .find_map(|record| record["mode"].as_str())
        .unwrap_or_default();
    let expected = records
        .iter()
        .filter(|record| record["mode"] == mode)
        .count();
    let (answer, list) = listed(run, &format!("/2/ileap/tad?mode={}", mode.to_uppercase())).await?;
    if list.len() == expected || answer.next_link().is_some() {
        return Ok(String::new());
    }
    Err(answer.fails(format!("{} of {expected} in capital letters", list.len())))
}

/// The first feedstock whose name has a space, and how many activities have it.
fn spaced(records: &[Value]) -> Option<(&str, usize)> {
    let feedstocks = |record: &'_ Value| -> Vec<String> {
        let carriers = record["energyCarriers"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let all = carriers
            .iter()
            .flat_map(|c| c["feedstocks"].as_array().cloned().unwrap_or_default());
        all.filter_map(|f| f["feedstock"].as_str().map(str::to_owned))
            .collect()
    };
    let known = ["Cooking oil", "Natural gas", "Renewable electricity"];
    known.into_iter().find_map(|name| {
        let count = records
            .iter()
            .filter(|r| feedstocks(r).iter().any(|f| f == name))
            .count();
        (count > 0).then_some((name, count))
    })
}

async fn tad_plus(run: &Run) -> Judgement {
    let records = activity::several(run, 1).await?;
    let Some((name, expected)) = spaced(records) else {
        return Err(Stop::skip(
            "it needs an activity with a feedstock such as `Cooking oil`",
        ));
    };
    let value = name.replace(' ', "+");
    let (answer, list) = listed(run, &format!("/2/ileap/tad?feedstock={value}")).await?;
    if list.len() == expected || list.len() == records.len() {
        return Ok(String::new());
    }
    Err(answer.fails(format!(
        "{} of {expected} with the feedstock {name}",
        list.len()
    )))
}

async fn tad_unknown(run: &Run) -> Judgement {
    let records = activity::several(run, 1).await?;
    let (answer, list) = listed(run, "/2/ileap/tad?noSuchField=1")
        .await
        .or_else(|stop| {
            // To say so is the best answer.
            let is_said = stop.kind == crate::outcome::StopKind::Skip;
            if is_said {
                Ok((said(), Vec::new()))
            } else {
                Err(stop)
            }
        })?;
    if list.is_empty() || list.len() < records.len() {
        return Ok(String::new());
    }
    Err(answer.fails("everything is listed: whoever misspells a name gets data of others"))
}

/// Stands for an answer that needs no second look.
fn said() -> Answer {
    Answer {
        status: 400,
        headers: http::HeaderMap::new(),
        body: Vec::new(),
        exchange: crate::outcome::Exchange::default(),
    }
}

async fn depth(run: &Run) -> Judgement {
    let deep = format!("{}{ALWAYS}{}", "(".repeat(500), ")".repeat(500));
    let deep: String = form_urlencoded::byte_serialize(deep.as_bytes()).collect();
    let answer = run.get(&format!("/2/footprints?%24filter={deep}")).await?;
    if answer.status < 500 {
        return Ok(String::new());
    }
    Err(answer.fails(format!("status {}: an error of the server", answer.status)))
}
