//! What the service answers, read within limits.

use bytes::Bytes;
use http::{StatusCode, header};
use ileap_types::{page::parse_next_link, strict_json};
use reqwest::Response;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use url::Url;

use super::{QUERY_LIMIT_BYTES, unavailable};
use crate::{data::SourceError, outbound::read_capped};

/// The longest list that is read, in bytes: a thousand large footprints.
const LIST_LIMIT_BYTES: usize = 32 * 1024 * 1024;
/// The longest single object.
const OBJECT_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// The longest error body that is looked into.
const ERROR_LIMIT_BYTES: usize = 64 * 1024;

/// One page of the service's.
#[derive(Debug)]
pub(super) struct List {
    /// Each object as it was sent.
    pub(super) items: Vec<Box<RawValue>>,
    /// The query of the page that follows.
    pub(super) next: Option<String>,
}

/// The envelope of every answer with data.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

impl List {
    /// Reads the answer about the list at `path`.
    pub(super) async fn read(
        response: Response,
        base: &str,
        path: &str,
    ) -> Result<Self, SourceError> {
        let response = successful(response).await?;
        let next = next(&response, base, path)?;
        let body = read_body(response, LIST_LIMIT_BYTES).await?;
        let Envelope { data: items } = serde_json::from_slice(&body)
            .map_err(|_| unavailable("it answered no list of PACT's form"))?;
        Ok(Self { items, next })
    }
}

/// The object in an answer about one; `None` where there is none.
pub(super) async fn object(response: Response) -> Result<Option<Box<RawValue>>, SourceError> {
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let response = successful(response).await?;
    let body = read_body(response, OBJECT_LIMIT_BYTES).await?;
    let Envelope { data } = serde_json::from_slice(&body)
        .map_err(|_| unavailable("it answered no object of PACT's form"))?;
    Ok(Some(data))
}

/// 200, or why not. 202 is PACT's "not all of it yet", which our caller could not tell from all of it.
async fn successful(response: Response) -> Result<Response, SourceError> {
    let why = match response.status() {
        StatusCode::OK => return Ok(response),
        StatusCode::BAD_REQUEST | StatusCode::NOT_IMPLEMENTED => {
            return Err(match code(response).await.as_deref() {
                Some("NotImplemented") => SourceError::FilterUnsupported,
                _ => unavailable("it calls our request wrong"),
            });
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "it refuses our credential (data.upstream.token_file)"
        }
        StatusCode::TOO_MANY_REQUESTS => "it says there are too many requests",
        status if status.is_redirection() => "it redirects, which is not followed",
        status if status.is_server_error() => "it answers with an error of its own",
        _ => "it answers with a status that PACT does not have here",
    };
    Err(unavailable(why))
}

/// The code of a PACT error, if it is one.
async fn code(response: Response) -> Option<String> {
    let body = read_capped(response, ERROR_LIMIT_BYTES).await.ok()?;
    let error = strict_json::from_slice(&body).ok()?;
    let code = error.get("code").and_then(Value::as_str);
    code.map(str::to_owned)
}

async fn read_body(response: Response, limit_bytes: usize) -> Result<Bytes, SourceError> {
    let body = read_capped(response, limit_bytes).await;
    body.map_err(|error| unavailable(error.as_str()))
}

/// The query behind `rel="next"`; the link must lead to the same list.
fn next(response: &Response, base: &str, path: &str) -> Result<Option<String>, SourceError> {
    let links = response.headers().get_all(header::LINK).iter();
    let mut links = links.filter_map(|link| link.to_str().ok());
    let Some(target) = links.find_map(parse_next_link) else {
        return Ok(None);
    };
    let astray = || unavailable("its link leads elsewhere, or is too long");
    let list = Url::parse(&format!("{base}{path}")).map_err(|_| astray())?;
    let target = list.join(target).map_err(|_| astray())?;
    let query = target.query().unwrap_or_default();
    let is_same_list = target.origin() == list.origin() && target.path() == list.path();
    if !is_same_list || query.len() > QUERY_LIMIT_BYTES {
        return Err(astray());
    }
    Ok(Some(query.to_owned()))
}
