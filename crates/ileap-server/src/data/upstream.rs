//! Data from the operator's own HTTP service, which speaks plain PACT and iLEAP JSON.
//!
//! The service answers `GET {url}/2/footprints`, `GET {url}/2/footprints/{id}` and `GET {url}/2/ileap/tad` as
//! PACT v2 and iLEAP 1.0.0 say, pages or not. It gets a credential of ours and learns from headers for whom we
//! ask; which objects that caller may see is its decision, which kinds the caller's roles open is ours. What it
//! answers is parsed and judged: an object that breaks a rule is left out of a list and never served.

mod answer;
#[cfg(any(test, feature = "fuzzing"))]
mod anything;
mod found;
mod judgement;
mod request;
mod room;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::anything::read_anything;

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use ileap_types::filter::{odata::FootprintFilter, tad::TadFilter};
use secrecy::SecretString;
use serde_json::Value;

use self::{
    answer::List,
    found::Found,
    judgement::{Judge, Judged, Refusals},
    request::{Asked, Caller},
    room::Room,
};
use super::{DataSource, Question, SourceError};
use crate::{
    identity::Principal,
    outbound::{self, OutboundError, OutboundOptions},
    store::{Page, PageQuery, Position, StoreError},
    telemetry::Metrics,
};

const FOOTPRINTS: &str = "/2/footprints";
const TADS: &str = "/2/ileap/tad";
/// Calls for one page of ours: the service's pages may hold little that the caller may see.
const CALLS: usize = 8;
/// The longest query that is followed from a link: a cursor of ours carries it.
const QUERY_LIMIT_BYTES: usize = 2048;
/// When callers shall come back after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Where the service is, and how long we wait for it.
#[derive(Clone, Debug)]
pub struct UpstreamOptions {
    /// Its base, without trailing slash; the paths of PACT and iLEAP follow it.
    pub url: String,
    /// The bearer token we show.
    pub token: Option<SecretString>,
    /// The longest one answer of ours may take, all calls together.
    pub timeout: Duration,
}

/// The operator's service.
pub struct UpstreamData {
    client: reqwest::Client,
    metrics: Arc<Metrics>,
    options: UpstreamOptions,
    room: Room,
}

impl UpstreamData {
    /// A service that is asked from now on; nothing is sent yet.
    pub fn new(
        options: UpstreamOptions,
        outbound: &OutboundOptions,
        metrics: Arc<Metrics>,
    ) -> Result<Self, OutboundError> {
        Ok(Self {
            client: outbound::client(outbound)?,
            metrics,
            options,
            room: Room::new(),
        })
    }

    /// What `answer` says within the deadline.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let in_time = tokio::time::timeout(self.options.timeout, answer).await;
        in_time.unwrap_or_else(|_| Err(unavailable("no answer in time")))
    }

    /// One page of a list: the service's pages are read until ours is full.
    async fn page(&self, asked: &Asked<'_>, page: &PageQuery) -> Result<Page, SourceError> {
        let mut place = match &page.after {
            Some(position) => Place::parse(position, asked)?,
            None => Place {
                query: asked.first_query(page.limit),
                first: Some(page.limit),
                skip: 0,
                offset: page.offset,
            },
        };
        let mut found = Found::up_to(page.limit, place.offset);
        for _ in 0..CALLS {
            let mut list = self.ask(asked, &place.query).await?;
            let next = list.next.take();
            let judge = Arc::clone(&asked.judge);
            let rest;
            (found, rest) = found.fill(list, place.skip, judge).await?;
            if let Some(index) = rest {
                let place = Place {
                    skip: index,
                    offset: found.offset,
                    ..place
                };
                return Ok(self.finished(found, asked.path, Some(place)));
            }
            match next {
                None => return Ok(self.finished(found, asked.path, None)),
                Some(next) if next == place.query => {
                    return Err(unavailable("a page of it links to itself"));
                }
                Some(query) => {
                    place = Place {
                        query,
                        first: None,
                        skip: 0,
                        offset: found.offset,
                    };
                }
            }
            if found.is_full() {
                break;
            }
        }
        Ok(self.finished(found, asked.path, Some(place)))
    }

    fn finished(&self, found: Found, path: &'static str, next: Option<Place>) -> Page {
        found.refusals.report(path, &self.metrics);
        Page {
            objects: found.objects.freeze(),
            next: next.map(Place::into_position),
        }
    }

    async fn ask(&self, asked: &Asked<'_>, query: &str) -> Result<List, SourceError> {
        let room = self.room.take().await?;
        let request = self.client.get(asked.list_url(&self.options.url, query));
        let response = asked.caller.send(request, &self.options).await?;
        List::read(response, (&self.options.url, asked.path), room).await
    }
}

#[async_trait::async_trait]
impl DataSource for UpstreamData {
    async fn footprint(&self, caller: &Principal, id: &str) -> Result<Option<Bytes>, SourceError> {
        let wanted = id.to_owned();
        let has_this_id = move |footprint: &Value| {
            let found = footprint.get("id").and_then(Value::as_str);
            found.is_some_and(|found| found.eq_ignore_ascii_case(&wanted))
        };
        let judge = Judge::of_footprints(caller, has_this_id);
        let answer = async {
            let room = self.room.take().await?;
            let url = request::object_url(&self.options.url, FOOTPRINTS, id);
            let request = self.client.get(url);
            let response = Caller(caller).send(request, &self.options).await?;
            match answer::object(response, room).await? {
                Some(object) => object.judged(judge).await.map(Some),
                None => Ok(None),
            }
        };
        match self.in_time(answer).await? {
            Some(Judged::Serve(footprint)) => Ok(Some(footprint)),
            Some(Judged::Hide) | None => Ok(None),
            Some(Judged::Refuse(refusal)) => {
                let mut refusals = Refusals::default();
                refusals.add(refusal);
                refusals.report(FOOTPRINTS, &self.metrics);
                Err(unavailable("the footprint breaks a rule"))
            }
        }
    }

    async fn footprints(
        &self,
        caller: &Principal,
        question: &Question<'_, FootprintFilter>,
    ) -> Result<Page, SourceError> {
        let filter = question.filter.clone();
        let judge = Judge::of_footprints(caller, move |footprint| filter.matches(footprint));
        let asked = Asked {
            path: FOOTPRINTS,
            caller: Caller(caller),
            query: question.query,
            judge: Arc::new(judge),
        };
        self.in_time(self.page(&asked, question.page)).await
    }

    async fn tads(
        &self,
        caller: &Principal,
        question: &Question<'_, TadFilter>,
    ) -> Result<Page, SourceError> {
        if caller.roles.is_empty() {
            return Ok(Page::empty());
        }
        let filter = question.filter.clone();
        let judge = Judge::of_tads(move |tad| filter.matches(tad));
        let asked = Asked {
            path: TADS,
            caller: Caller(caller),
            query: question.query,
            judge: Arc::new(judge),
        };
        self.in_time(self.page(&asked, question.page)).await
    }
}

/// A place in a list of the service's.
#[derive(Debug)]
struct Place {
    /// Names a page.
    query: String,
    /// Where that is the first: how much of it was wanted. A cursor names it by this alone; the filters stand beside
    /// it in a link, and for both there is no room.
    first: Option<usize>,
    /// So many objects of it have been looked at.
    skip: usize,
    /// So many of those that the caller may see are still to be passed over.
    offset: u32,
}

impl Place {
    fn parse(position: &Position, asked: &Asked<'_>) -> Result<Self, SourceError> {
        let read = || {
            let (page, place) = position.0.split_once('/')?;
            let mut parts = place.splitn(3, '/');
            let (skip, offset) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            let (query, first) = match page {
                "upstream" => (parts.next()?.to_owned(), None),
                "upstream-first" => {
                    let limit = parts.next()?.parse().ok()?;
                    (asked.first_query(limit), Some(limit))
                }
                _ => return None,
            };
            Some(Self {
                query,
                first,
                skip,
                offset,
            })
        };
        read().ok_or(SourceError::Store(StoreError::UnknownPosition))
    }

    fn into_position(self) -> Position {
        let Self {
            query,
            first,
            skip,
            offset,
        } = self;
        Position(match first {
            Some(limit) => format!("upstream-first/{skip}/{offset}/{limit}"),
            None => format!("upstream/{skip}/{offset}/{query}"),
        })
    }
}

fn unavailable(why: &'static str) -> SourceError {
    SourceError::Unavailable {
        why,
        retry_after: RETRY_AFTER,
    }
}

#[cfg(test)]
mod tests;
