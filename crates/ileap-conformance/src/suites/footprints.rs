//! PACT's list and get.

use std::sync::Arc;

use serde_json::Value;

use super::case;
use crate::{
    case::{ACT, BOTH, Case, PACT, PactVersion},
    options::form_encoded,
    outcome::{Judgement, Problems, Stop},
    rules,
    run::{Run, aside},
    schema::Schema,
    wire::Answer,
};

pub(super) static CASES: &[Case] = &[
    case!(
        "pact/tc04",
        Required,
        PACT,
        "PACT conformance TC04",
        "All footprints are listed, and each matches the published schema of every version under test.",
        tc04
    ),
    case!(
        "pact/tc03",
        Required,
        PACT,
        "PACT conformance TC03",
        "A footprint is got by its id, matches the schema, and has that id.",
        tc03
    ),
    case!(
        "pact/tc05",
        Required,
        PACT,
        "PACT conformance TC05",
        "A list of one has a link that begins with the base URL and leads to more footprints.",
        tc05
    ),
    case!(
        "pact/tc08",
        Required,
        PACT,
        "PACT conformance TC08",
        "An unknown id gets 404 or 400 with NoSuchFootprint or BadRequest.",
        tc08
    ),
    case!(
        "pact/tc20",
        Recommended,
        PACT,
        "PACT conformance TC20",
        "$filter by `created` lists exactly footprints that fit, and at least one.",
        tc20
    ),
    case!(
        "act/tc08",
        Required,
        ACT,
        "PACT conformance 1.4 TC08, as ACT asks it",
        "An id that is no UUID gets NoSuchFootprint.",
        act_tc08
    ),
    case!(
        "data/content-type",
        Required,
        BOTH,
        "PACT 2 §HTTP; RFC 8259 §8.1",
        "Lists are application/json in UTF-8.",
        content_type
    ),
    case!(
        "data/get-is-listed",
        Required,
        BOTH,
        "PACT 2 §Action GetFootprint",
        "Footprints got by their ids are the same as in the list.",
        same
    ),
    case!(
        "data/ids-distinct",
        Required,
        BOTH,
        "PACT 2 §ProductFootprint",
        "No footprint is listed twice with the same id and version.",
        distinct
    ),
];

/// Faults of one record against all versions under test.
fn faults(versions: &[PactVersion], record: &Value, pointer: &str) -> Problems {
    let mut problems = Problems::default();
    for version in versions {
        for fault in Schema::Footprint(*version).faults(record) {
            let text = format!("PACT {}: {}", version.as_str(), fault.text);
            problems.push(format!("{pointer}{}", fault.pointer), text);
        }
    }
    problems
}

async fn tc04(run: &Run) -> Judgement {
    // Judged by an own request, so that failures are this case's and not a missing precondition.
    let first = run.get("/2/footprints").await?;
    first.expect(&[200, 202])?;
    if first.list()?.is_empty() {
        return Err(first.fails("the account sees no footprint"));
    }
    let listing = run
        .footprints()
        .await
        .map_err(|stop| stop.softened(crate::outcome::StopKind::Fail))?;
    let (records, versions) = (Arc::clone(&listing.records), run.versions.clone());
    let problems = aside(move || {
        let mut problems = Problems::default();
        for (index, record) in records.iter().enumerate() {
            problems.extend(faults(&versions, record, &format!("/data/{index}")));
        }
        problems
    });
    let problems = problems.await?;
    problems.judged(&listing.exchange)?;
    Ok(listing.remark())
}

async fn first_id(run: &Run) -> Result<String, Stop> {
    let listing = run.footprints().await?;
    let id = listing
        .records
        .first()
        .and_then(|record| record["id"].as_str());
    id.map(str::to_owned)
        .ok_or_else(|| Stop::inconclusive("no footprint with an id is listed"))
}

async fn by_id(run: &Run, id: &str) -> Result<Answer, Stop> {
    let id = form_encoded(id);
    run.get(&format!("/2/footprints/{id}")).await
}

async fn tc03(run: &Run) -> Judgement {
    let id = first_id(run).await?;
    let answer = by_id(run, &id).await?;
    answer.expect(&[200])?;
    let footprint = answer.object()?;
    faults(&run.versions, &footprint, "/data").judged(&answer.exchange)?;
    if footprint["id"].as_str() != Some(&id) {
        return Err(answer.fails("it has another id"));
    }
    Ok(String::new())
}

async fn tc05(run: &Run) -> Judgement {
    if run.footprints().await?.records.len() < 2 {
        return Err(Stop::fail(
            "the account sees fewer than two footprints: no page can follow",
        ));
    }
    let answer = run.get("/2/footprints?limit=1").await?;
    answer.expect(&[200])?;
    let Some(link) = answer.next_link() else {
        return Err(answer.fails("there are more footprints and no Link with rel=\"next\""));
    };
    if !run.is_ours(&link) {
        return Err(answer.fails(format!("the link does not begin with {}", run.base())));
    }
    let next = run.get_url(&link).await?;
    next.expect(&[200])?;
    if next
        .list()?
        .iter()
        .all(|record| record["id"].as_str().is_none())
    {
        return Err(next.fails("no footprint with an id is on the page"));
    }
    Ok(String::new())
}

async fn tc08(run: &Run) -> Judgement {
    let answer = by_id(run, "00000000-0000-0000-0000-000000000000").await?;
    answer.expect(&[400, 404])?;
    answer.expect_code(&["NoSuchFootprint", "BadRequest"])?;
    Ok(String::new())
}

async fn act_tc08(run: &Run) -> Judgement {
    let answer = by_id(run, "random-string-as-id-1234567890").await?;
    answer.expect(&[400, 404])?;
    answer.expect_code(&["NoSuchFootprint"])?;
    Ok(String::new())
}

async fn tc20(run: &Run) -> Judgement {
    let listing = run.footprints().await?;
    let created: Vec<_> = listing
        .records
        .iter()
        .filter_map(|r| r["created"].as_str())
        .collect();
    // The latest, so that the filter has something to leave out.
    let latest = created
        .iter()
        .filter_map(|text| Some((rules::instant(text)?, *text)))
        .max();
    let Some((instant, text)) = latest else {
        return Err(Stop::inconclusive(
            "no footprint with a date of creation is listed",
        ));
    };
    super::filter::needs_filters(run).await?;
    let (answer, found) = super::filter::filtered(run, &format!("created ge '{text}'")).await?;
    let fits = |record: &Value| {
        record["created"]
            .as_str()
            .and_then(rules::instant)
            .is_some_and(|given| given >= instant)
    };
    if found.is_empty() {
        return Err(answer.fails("nothing is found, though a footprint fits"));
    }
    match found.iter().filter(|record| !fits(record)).count() {
        0 => Ok(String::new()),
        count => Err(answer.fails(format!("{count} of {} were created earlier", found.len()))),
    }
}

async fn content_type(run: &Run) -> Judgement {
    let answer = run.get("/2/footprints?limit=1").await?;
    answer.expect(&[200])?;
    let given = answer.header("content-type").unwrap_or_default();
    let given = given.to_lowercase();
    let (_, parameters) = given.split_once(';').unwrap_or_default();
    if answer.media_type() != "application/json" {
        return Err(answer.fails(format!("the content type is {given:?}")));
    }
    if parameters.contains("charset") && !parameters.contains("utf-8") {
        return Err(answer.fails(format!("JSON is in UTF-8, not in {}", parameters.trim())));
    }
    answer.json()?;
    Ok(String::new())
}

async fn same(run: &Run) -> Judgement {
    let listing = run.footprints().await?;
    for record in listing.records.iter().take(5) {
        let Some(id) = record["id"].as_str() else {
            continue;
        };
        // An older version may be listed besides; by id there is the latest.
        let is_latest = listing.records.iter().all(|other| {
            other["id"] != record["id"] || other["version"].as_i64() <= record["version"].as_i64()
        });
        if !is_latest {
            continue;
        }
        let answer = by_id(run, id).await?;
        answer.expect(&[200])?;
        if answer.object()? != *record {
            return Err(answer.fails("it differs from what the list holds under this id"));
        }
    }
    Ok(String::new())
}

async fn distinct(run: &Run) -> Judgement {
    let listing = run.footprints().await?;
    let mut seen = std::collections::BTreeSet::new();
    let mut problems = Problems::default();
    for (index, record) in listing.records.iter().enumerate() {
        if !seen.insert((record["id"].to_string(), record["version"].to_string())) {
            problems.push(
                format!("/data/{index}/id"),
                "an earlier record has the same id and version",
            );
        }
    }
    problems.judged(&listing.exchange)?;
    Ok(String::new())
}
