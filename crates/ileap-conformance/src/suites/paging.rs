//! Pages and their links.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{activity, case, filter};
use crate::{
    case::{BOTH, Case, HARDENING, ILEAP},
    listing::{Cut, Listing},
    outcome::{Judgement, Stop},
    run::Run,
    wire::Answer,
};

pub(super) static CASES: &[Case] = &[
    case!(
        "paging/complete",
        Required,
        BOTH,
        "PACT 2 §Pagination",
        "Pages of one footprint each make the same list as pages of the usual size: nothing missing, nothing twice.",
        footprints
    ),
    case!(
        "paging/tad-complete",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Pagination",
        "Pages of one activity each make the same list as pages of the usual size.",
        tads
    ),
    case!(
        "paging/link-form",
        Recommended,
        BOTH,
        "RFC 8288 §3; PACT 2 §Pagination",
        "The header has exactly one link, an absolute URL under the base URL, with a quoted rel=\"next\".",
        form
    ),
    case!(
        "paging/limit-respected",
        Required,
        BOTH,
        "PACT 2 §Pagination",
        "No page holds more than the limit, also behind a link.",
        limit
    ),
    case!(
        "paging/link-reusable",
        Recommended,
        BOTH,
        "PACT 2 §Pagination",
        "A link answers the same page when it is called again.",
        reusable
    ),
    case!(
        "paging/no-link-at-end",
        Required,
        BOTH,
        "PACT 2 §Pagination",
        "A list that holds everything has no link.",
        end
    ),
    case!(
        "paging/filter-kept",
        Required,
        BOTH,
        "PACT 2 §Pagination",
        "Links keep $filter.",
        filter_kept
    ),
    case!(
        "paging/tad-filter-kept",
        Required,
        ILEAP,
        "iLEAP 1.0.0 §Pagination",
        "Links keep the filters of activity data.",
        tad_filter_kept
    ),
    case!(
        "paging/limit-invalid",
        Recommended,
        BOTH,
        "PACT 2 §Pagination",
        "A limit of zero, below zero, or that is no number gets 400.",
        invalid
    ),
    case!(
        "paging/limit-huge",
        Recommended,
        BOTH,
        "PACT 2 §Pagination",
        "A huge limit is capped, not refused.",
        huge
    ),
    case!(
        "hardening/offset",
        Hardening,
        HARDENING,
        "CWE-190",
        "An offset beyond the end or any number's range is no error of the server and no 403.",
        offset
    ),
];

/// So many pages are walked at most.
const MOST_STEPS: usize = 200;

async fn footprints(run: &Run) -> Judgement {
    let listing = run.footprints().await?;
    complete(run, "/2/footprints?limit=1", listing).await
}

async fn tads(run: &Run) -> Judgement {
    let listing = run.tads().await?;
    complete(run, "/2/ileap/tad?limit=1", listing).await
}

async fn complete(run: &Run, path: &str, whole: &Listing) -> Judgement {
    let mut missing: BTreeMap<String, usize> = BTreeMap::new();
    for record in whole.records.iter() {
        *missing.entry(record.to_string()).or_default() += 1;
    }
    let mut answer = run.get(path).await?;
    for step in 0..MOST_STEPS {
        answer.expect(&[200])?;
        for record in answer.list()? {
            let text = record.to_string();
            match missing.get_mut(&text) {
                Some(count) if *count > 0 => *count -= 1,
                Some(_) => return Err(answer.fails("this record was on an earlier page, too")),
                // It may stand where nobody looked.
                None if whole.cut.is_some() => {}
                None => return Err(answer.fails("this record is not in the list of usual pages")),
            }
        }
        let Some(link) = answer.next_link() else {
            let count: usize = missing.values().sum();
            if count > 0 {
                return Err(
                    answer.fails(format!("the last page is reached, and {count} are missing"))
                );
            }
            return Ok(format!("{} pages", step + 1));
        };
        answer = run.get_url(&link).await?;
    }
    Ok(format!("the first {MOST_STEPS} pages"))
}

/// The first page of one, where there are more.
async fn first_page(run: &Run) -> Result<(Answer, String), Stop> {
    if run.footprints().await?.records.len() < 2 {
        return Err(Stop::skip("it needs two footprints to tell"));
    }
    let answer = run.get("/2/footprints?limit=1").await?;
    answer.expect(&[200])?;
    match answer.next_link() {
        Some(link) => Ok((answer, link)),
        None => Err(Stop::inconclusive(
            "there is no link to the next page: see pact/tc05",
        )),
    }
}

async fn form(run: &Run) -> Judgement {
    let (answer, link) = first_page(run).await?;
    let (next, all) = answer.next_links();
    if next.len() != 1 || all != 1 {
        return Err(answer.fails(format!(
            "{all} links, {} of them next: the official tests read the first",
            next.len()
        )));
    }
    if !run.is_ours(&link) {
        return Err(answer.fails(format!("the link does not begin with {}", run.base())));
    }
    if !answer
        .header("link")
        .unwrap_or_default()
        .contains("rel=\"next\"")
    {
        return Err(answer.fails("rel is not quoted"));
    }
    Ok(String::new())
}

async fn limit(run: &Run) -> Judgement {
    let (first, link) = first_page(run).await?;
    let second = run.get_url(&link).await?;
    for answer in [first, second] {
        let count = answer.list()?.len();
        if count > 1 {
            return Err(answer.fails(format!("{count} footprints on a page of one")));
        }
    }
    Ok(String::new())
}

async fn reusable(run: &Run) -> Judgement {
    let (_, link) = first_page(run).await?;
    let once = run.get_url(&link).await?;
    once.expect(&[200])?;
    let again = run.get_url(&link).await?;
    again.expect(&[200])?;
    if once.list()? == again.list()? {
        return Ok(String::new());
    }
    Err(again.fails("the second call shows another page"))
}

async fn end(run: &Run) -> Judgement {
    let listing = run.footprints().await?;
    if let Some(cut) = &listing.cut {
        return match cut {
            Cut::Bound(why) => Ok(why.clone()),
            Cut::Links(why) => {
                Err(Stop::fail(format!("no end is reached: {why}")).of(&listing.exchange))
            }
        };
    }
    if listing.pages.len() > 1 && listing.pages.last() == Some(&0) {
        return Err(Stop::fail("the last link leads to an empty page").of(&listing.exchange));
    }
    Ok(String::new())
}

async fn filter_kept(run: &Run) -> Judgement {
    let records = &run.footprints().await?.records;
    let with = |cpc: &str| {
        records
            .iter()
            .filter(|r| r["productCategoryCpc"] == cpc)
            .count()
    };
    let chosen = records
        .iter()
        .filter_map(|record| record["productCategoryCpc"].as_str());
    let chosen = chosen
        .into_iter()
        .find(|cpc| (2..records.len()).contains(&with(cpc)));
    let Some(cpc) = chosen else {
        return Err(Stop::skip(
            "it needs two footprints of one CPC code and another of another",
        ));
    };
    let path = format!("/2/footprints?%24filter=productCategoryCpc+eq+%27{cpc}%27&limit=1");
    let fits = |record: &Value| record["productCategoryCpc"] == cpc;
    let never = format!("/2/footprints?%24filter={}", filter::NEVER_ENCODED);
    kept(run, &path, &never, with(cpc), fits).await
}

async fn tad_filter_kept(run: &Run) -> Judgement {
    let records = activity::several(run, 3).await?;
    let with = |mode: &str| {
        records
            .iter()
            .filter(|record| record["mode"] == mode)
            .count()
    };
    let mut modes = records.iter().filter_map(|record| record["mode"].as_str());
    let Some(mode) = modes.find(|mode| (2..records.len()).contains(&with(mode))) else {
        return Err(Stop::skip(
            "it needs two activities of one mode and another of another",
        ));
    };
    let path = format!("/2/ileap/tad?mode={mode}&limit=1");
    let never = format!("/2/ileap/tad?mode={}", activity::mode_of_none(records));
    kept(run, &path, &never, with(mode), |record| {
        record["mode"] == mode
    })
    .await
}

/// Every page behind the first one is filtered like it; `never` is a filter of the same kind that nothing passes.
async fn kept(
    run: &Run,
    path: &str,
    never: &str,
    count: usize,
    fits: impl Fn(&Value) -> bool,
) -> Judgement {
    let mut answer = filter::answered(run, path).await?;
    let none = filter::answered(run, never).await?;
    if answer.status == 400 || none.status == 400 || !none.list()?.is_empty() {
        return Err(Stop::skip("the host does not filter by this"));
    }
    let mut found = 0;
    for _ in 0..MOST_STEPS {
        answer.expect(&[200])?;
        let page = answer.list()?;
        if let Some(_other) = page.iter().find(|record| !fits(record)) {
            return Err(
                answer.fails("behind the link there are records that the filter leaves out")
            );
        }
        found += page.len();
        match answer.next_link() {
            Some(link) => answer = run.get_url(&link).await?,
            None if found < count => {
                return Err(answer.fails(format!("{found} of {count} that fit are on all pages")));
            }
            None => return Ok(String::new()),
        }
    }
    Ok(String::new())
}

async fn invalid(run: &Run) -> Judgement {
    for limit in ["0", "-1", "many"] {
        run.get(&format!("/2/footprints?limit={limit}"))
            .await?
            .expect(&[400])?;
    }
    Ok(String::new())
}

async fn huge(run: &Run) -> Judgement {
    let answer = run.get("/2/footprints?limit=1000000").await?;
    answer.expect(&[200])?;
    answer.list()?;
    Ok(String::new())
}

async fn offset(run: &Run) -> Judgement {
    for offset in ["1000000", "18446744073709551616"] {
        let answer = run
            .get(&format!("/2/footprints?limit=1&offset={offset}"))
            .await?;
        answer.expect(&[200, 400])?;
    }
    Ok(String::new())
}
