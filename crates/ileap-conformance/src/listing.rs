//! A whole list, page by page, within bounds.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    outcome::{Exchange, Stop},
    run::Run,
};

const MOST_PAGES: usize = 500;
const MOST_RECORDS: usize = 20_000;
/// The most that records of one list take in memory, as they were sent.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What a list holds.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) records: Vec<Value>,
    /// The first page.
    pub(crate) exchange: Exchange,
    /// Records on each page.
    pub(crate) pages: Vec<usize>,
    /// Why it may not be everything.
    pub(crate) cut: Option<String>,
}

/// Follows links from `path` on to the end.
pub(crate) async fn read(run: &Run, path: &str) -> Result<Listing, Stop> {
    let mut next = Some(run.url(path));
    let mut listing = Listing {
        records: Vec::new(),
        exchange: Exchange::default(),
        pages: Vec::new(),
        cut: None,
    };
    let mut followed = BTreeSet::new();
    let mut bytes = 0;
    while let Some(url) = next.take() {
        if !run.is_ours(&url) {
            listing.cut = Some(format!("the link {url} leads away from the base URL"));
            break;
        }
        if !followed.insert(url.clone()) {
            listing.cut = Some(format!("the links run in a circle over {url}"));
            break;
        }
        let answer = run.get_url(&url).await?;
        answer.expect(&[200])?;
        let records = answer.list()?;
        if listing.pages.is_empty() {
            listing.exchange = answer.exchange.clone();
        }
        bytes += answer.body.len();
        listing.pages.push(records.len());
        listing.records.extend(records);
        next = answer.next_link();
        let is_enough = listing.pages.len() >= MOST_PAGES
            || listing.records.len() >= MOST_RECORDS
            || bytes >= MOST_BYTES;
        if is_enough && next.is_some() {
            let count = listing.records.len();
            listing.cut = Some(format!("only the first {count} records are looked at"));
            break;
        }
    }
    Ok(listing)
}
