//! A whole list, page by page, within bounds.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use crate::{
    outcome::{Exchange, Stop},
    run::Run,
    wire::Answer,
};

const MOST_PAGES: usize = 500;
/// The most that records of one list take in memory, as they were sent.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What a list holds.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) records: Arc<Vec<Value>>,
    /// The first page.
    pub(crate) exchange: Exchange,
    /// Records on each page.
    pub(crate) pages: Vec<usize>,
    /// Why it may not be everything.
    pub(crate) cut: Option<Cut>,
}

/// Why a listing may not be everything.
#[derive(Clone, Debug)]
pub(crate) enum Cut {
    /// We read no further, or the host has no more yet.
    Bound(String),
    /// The host's links lead nowhere.
    Links(String),
}

impl Listing {
    /// What is to be said besides a pass.
    pub(crate) fn remark(&self) -> String {
        match &self.cut {
            Some(Cut::Bound(why) | Cut::Links(why)) => why.clone(),
            None => String::new(),
        }
    }

    /// Nothing can be said of what is missing in a list that was not read to its end.
    pub(crate) fn whole(&self) -> Result<(), Stop> {
        if self.cut.is_none() {
            return Ok(());
        }
        let reason = format!("something is missing, and {}", self.remark());
        Err(Stop::inconclusive(reason).of(&self.exchange))
    }
}

/// Everything from `path` on.
pub(crate) async fn read(run: &Run, path: &str) -> Result<Listing, Stop> {
    let first = run.get(path).await?;
    first.expect(&[200, 202])?;
    follow(run, &run.url(path), first).await
}

/// Everything from a first page on, which came from `url`.
pub(crate) async fn follow(run: &Run, url: &str, first: Answer) -> Result<Listing, Stop> {
    let mut listing = Listing {
        records: Arc::default(),
        exchange: first.exchange.clone(),
        pages: Vec::new(),
        cut: None,
    };
    let mut followed = BTreeSet::from([url.to_owned()]);
    let mut bytes = 0;
    let mut answer = first;
    loop {
        let records = answer.list()?;
        bytes += answer.body.len();
        listing.pages.push(records.len());
        Arc::make_mut(&mut listing.records).extend(records);
        let Some(url) = answer.next_link() else {
            if answer.status == 202 {
                let why = "the host says that the list is not whole yet (202)";
                listing.cut = Some(Cut::Bound(why.to_owned()));
            }
            return Ok(listing);
        };
        let count = listing.records.len();
        let is_enough = listing.pages.len() >= MOST_PAGES
            || count >= run.options.most_records
            || bytes >= MOST_BYTES;
        let cut = if !run.is_ours(&url) {
            Cut::Links(format!("the link {url} leads away from the base URL"))
        } else if followed.contains(&url) {
            Cut::Links(format!("the links run in a circle over {url}"))
        } else if is_enough {
            Cut::Bound(format!("only the first {count} records are looked at"))
        } else {
            answer = run.get_url(&url).await?;
            answer.expect(&[200])?;
            followed.insert(url);
            continue;
        };
        listing.cut = Some(cut);
        return Ok(listing);
    }
}
