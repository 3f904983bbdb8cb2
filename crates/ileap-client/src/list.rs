//! Lists, page by page.

use std::{
    collections::HashSet, collections::hash_map::RandomState, fmt, hash::BuildHasher as _,
    marker::PhantomData, time::Duration,
};

use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use http::{HeaderMap, StatusCode, header};
use ileap_types::page::parse_next_link;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokio::task::JoinHandle;
use url::Url;

use crate::{
    client::Client,
    error::{Error, ErrorKind, LinkProblem},
    item::Item,
    transport::{Answer, has_credentials},
};

/// The pause before an incomplete answer is asked for again; each later one is twice as long.
const INCOMPLETE_PAUSE: Duration = Duration::from_secs(1);
/// How often an incomplete answer is asked for again.
const INCOMPLETE_ATTEMPTS: u32 = 5;
/// How many pages in a row may bring nothing.
const EMPTY_PAGES: u32 = 1000;

/// A list that is read as far as the caller wants.
pub struct List<T> {
    client: Client,
    next: Option<Url>,
    /// Why the list does not go on, to be said once what came before has been looked at.
    fault: Option<Error>,
    seen: Seen,
    empty: u32,
    is_filtered: bool,
    kind: PhantomData<fn() -> T>,
}

/// Part of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The objects, in the host's order.
    pub items: Vec<Item<T>>,
    /// Where the list goes on, for whoever wants to continue later ([`List::at`]); `None` at its end.
    pub next: Option<Url>,
    /// `false` when the host had not finished applying the filter (status 202), however often it was asked.
    pub is_complete: bool,
}

/// The pages that were read, as hashes: a list of a million pages takes eight megabytes.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl Seen {
    fn is_new(&mut self, url: &Url) -> bool {
        self.hashes.insert(self.hasher.hash_one(url.as_str()))
    }
}

impl<T: Send + 'static> List<T> {
    pub(crate) fn new(client: Client, url: Url, is_filtered: bool) -> Self {
        Self {
            client,
            next: Some(url),
            fault: None,
            seen: Seen::default(),
            empty: 0,
            is_filtered,
            kind: PhantomData,
        }
    }

    /// The same list, from a place on that [`Page::next`] told of. Hosts keep such places for three minutes at least.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Link`] where it is on another origin, or has credentials in it.
    pub fn at(mut self, place: Url) -> Result<Self, Error> {
        self.judge(&place)?;
        self.next = Some(place);
        Ok(self)
    }

    /// Where the list stands: the page that comes next; `None` at its end.
    pub fn place(&self) -> Option<&Url> {
        self.next.as_ref()
    }

    /// The next page; `None` after the last. A page is there though its link leads nowhere: that is the next
    /// call's error.
    pub async fn next_page(&mut self) -> Result<Option<Page<T>>, Error> {
        let Some(url) = self.goes_on()? else {
            return Ok(None);
        };
        let fetched = fetch(self.client.clone(), url, self.is_filtered).await?;
        Ok(Some(self.advance(fetched)))
    }

    /// All pages, each asked for while the one before is looked at. Ends after the first error.
    pub fn pages(self) -> BoxStream<'static, Result<Page<T>, Error>> {
        let ahead = Ahead::default();
        stream::try_unfold((self, ahead), |(mut list, mut ahead)| async move {
            let Some(url) = list.goes_on()? else {
                return Ok(None);
            };
            let fetched = match ahead.0.take() {
                Some(running) => joined(running).await?,
                None => fetch(list.client.clone(), url, list.is_filtered).await?,
            };
            let page = list.advance(fetched);
            ahead.0 = list
                .next
                .clone()
                .map(|url| tokio::spawn(fetch(list.client.clone(), url, list.is_filtered)));
            Ok(Some((page, (list, ahead))))
        })
        .boxed()
    }

    /// All objects. Ends after the first error.
    pub fn items(self) -> BoxStream<'static, Result<Item<T>, Error>> {
        self.pages()
            .map_ok(|page| stream::iter(page.items.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    pub(crate) fn goes_on(&mut self) -> Result<Option<Url>, Error> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let next = self.next.take();
        if let Some(url) = &next {
            self.seen.is_new(url);
        }
        Ok(next)
    }

    pub(crate) fn advance(&mut self, fetched: Fetched<T>) -> Page<T> {
        let Fetched { mut page, fault } = fetched;
        self.empty = if page.items.is_empty() {
            self.empty + 1
        } else {
            0
        };
        let judged = page
            .next
            .as_ref()
            .map_or(Ok(()), |url| self.judge_next(url));
        self.fault = fault.or(judged.err());
        if self.fault.is_some() {
            page.next = None;
        }
        self.next.clone_from(&page.next);
        page
    }

    fn judge_next(&mut self, url: &Url) -> Result<(), Error> {
        if self.empty >= EMPTY_PAGES {
            return Err(link_error(url, LinkProblem::Empty));
        }
        self.judge(url)?;
        if !self.seen.is_new(url) {
            return Err(link_error(url, LinkProblem::Circle));
        }
        Ok(())
    }

    /// The token goes along: only to where it came from.
    fn judge(&self, url: &Url) -> Result<(), Error> {
        if url.origin() != self.client.base().origin() {
            return Err(link_error(url, LinkProblem::OtherOrigin));
        }
        if has_credentials(url) {
            return Err(link_error(url, LinkProblem::Credentials));
        }
        Ok(())
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// A page as it came, with a link that cannot be read as its fault.
pub(crate) struct Fetched<T> {
    page: Page<T>,
    fault: Option<Error>,
}

/// The page that is being fetched ahead; nobody waits for it once the list is dropped.
struct Ahead<T>(Option<JoinHandle<Result<Fetched<T>, Error>>>);

impl<T> Default for Ahead<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        if let Some(running) = &self.0 {
            running.abort();
        }
    }
}

async fn joined<T>(running: JoinHandle<Result<Fetched<T>, Error>>) -> Result<Fetched<T>, Error> {
    match running.await {
        Ok(page) => page,
        // The runtime is being shut down.
        Err(_) => Err(Error::new("reading a page", ErrorKind::Interrupted)),
    }
}

async fn fetch<T>(client: Client, url: Url, is_filtered: bool) -> Result<Fetched<T>, Error> {
    let attempted = format!("reading the page at {url}");
    let mut incomplete = 0;
    loop {
        let answer = client
            .authorized(&attempted, || client.transport().get(&url))
            .await?;
        let is_complete = !(is_filtered && answer.status == StatusCode::ACCEPTED);
        if !is_complete && incomplete < INCOMPLETE_ATTEMPTS {
            tokio::time::sleep(INCOMPLETE_PAUSE * 2_u32.saturating_pow(incomplete)).await;
            incomplete += 1;
            continue;
        }
        let mut fetched = read(&url, &answer).map_err(|kind| Error::new(&attempted, kind))?;
        fetched.page.is_complete = is_complete;
        return Ok(fetched);
    }
}

/// A page in the answer from its URL.
pub(crate) fn read<T>(url: &Url, answer: &Answer) -> Result<Fetched<T>, ErrorKind> {
    let items = objects(&answer.body)
        .ok_or_else(|| answer.unreadable("it is no JSON object with a list `data`"))?;
    let (next, fault) = match next_url(url, &answer.headers) {
        Ok(next) => (next, None),
        Err(fault) => (None, Some(fault)),
    };
    let page = Page {
        items: items.into_iter().map(Item::new).collect(),
        next,
        is_complete: true,
    };
    Ok(Fetched { page, fault })
}

fn objects(body: &[u8]) -> Option<Vec<Box<RawValue>>> {
    #[derive(Deserialize)]
    struct Listed {
        #[serde(deserialize_with = "list_or_null")]
        data: Vec<Box<RawValue>>,
    }
    let listed: Listed = serde_json::from_slice(body).ok()?;
    Some(listed.data)
}

/// Hosts exist that say null for "none". Saying nothing is something else.
fn list_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Box<RawValue>>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The target of the link `next` in any of the `Link` fields (RFC 8288 §3), which may be relative.
fn next_url(page: &Url, headers: &HeaderMap) -> Result<Option<Url>, Error> {
    let fields = headers.get_all(header::LINK).iter();
    let target = fields
        .filter_map(|field| field.to_str().ok())
        .find_map(parse_next_link);
    let Some(target) = target else {
        return Ok(None);
    };
    let url = page
        .join(target)
        .map_err(|_| link_error(page, LinkProblem::Unreadable))?;
    Ok(Some(url))
}

fn link_error(url: &Url, problem: LinkProblem) -> Error {
    Error::new(
        format!("following the list to {url}"),
        ErrorKind::Link(problem),
    )
}
