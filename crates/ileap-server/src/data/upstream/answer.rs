//! What the service answers, read within limits.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use ileap_types::{page::parse_next_link, strict_json};
use reqwest::Response;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tokio::task::spawn_blocking;
use url::Url;

use super::{
    QUERY_LIMIT_BYTES,
    judgement::{Judge, Judged},
    room::{SMALL_BYTES, Taken},
    unavailable,
};
use crate::{
    data::SourceError,
    outbound::{OutboundError, read_capped},
};

/// The longest list that is read, in bytes: a thousand large footprints.
pub(super) const LIST_LIMIT_BYTES: usize = 32 * 1024 * 1024;
/// The longest single object.
pub(super) const OBJECT_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// The longest error body that is looked into.
const ERROR_LIMIT_BYTES: usize = 64 * 1024;
const CREDENTIAL_REFUSED: &str = "it refuses our credential (data.upstream.token_file)";

/// One page of the service's.
pub(super) struct List {
    /// As it was sent.
    pub(super) body: Bytes,
    /// The query of the page that follows.
    pub(super) next: Option<String>,
    /// Given back when the list is gone.
    pub(super) _room: Taken,
}

impl List {
    /// Reads the answer about the list at this base and path.
    pub(super) async fn read(
        response: Response,
        (base, path): (&str, &str),
        mut room: Taken,
    ) -> Result<Self, SourceError> {
        let response = successful(response).await?;
        let next = next(response.headers(), base, path)?;
        let body = read_body(response, LIST_LIMIT_BYTES, &mut room).await?;
        Ok(Self {
            body,
            next,
            _room: room,
        })
    }
}

/// An answer about one object.
pub(super) struct Object {
    body: Bytes,
    _room: Taken,
}

impl Object {
    /// What becomes of it, found out on a thread for such work.
    pub(super) async fn judged(self, judge: Judge) -> Result<Judged, SourceError> {
        let judging = spawn_blocking(move || object_in(&self.body).map(|data| judge.judge(data)));
        let judged = judging
            .await
            .map_err(|_| unavailable("judging it failed"))?;
        judged.map_err(|_| unavailable("it answered no object of PACT's form"))
    }
}

/// The object of `{"data": {...}}`, as it was sent.
pub(super) fn object_in(body: &[u8]) -> Result<&RawValue, serde_json::Error> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let Envelope { data } = serde_json::from_slice(body)?;
    Ok(data)
}

/// The answer about one object; `None` where there is none, or none for this caller.
pub(super) async fn object(
    response: Response,
    mut room: Taken,
) -> Result<Option<Object>, SourceError> {
    match response.status() {
        StatusCode::NOT_FOUND => return Ok(None),
        // PACT's words for "not for you"; our credential is refused in others, or with 401.
        StatusCode::FORBIDDEN => {
            return match code(response).await.as_deref() {
                Some("AccessDenied") => Ok(None),
                _ => Err(unavailable(CREDENTIAL_REFUSED)),
            };
        }
        _ => {}
    }
    let response = successful(response).await?;
    let body = read_body(response, OBJECT_LIMIT_BYTES, &mut room).await?;
    Ok(Some(Object { body, _room: room }))
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
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CREDENTIAL_REFUSED,
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
    code_in(&body)
}

pub(super) fn code_in(body: &[u8]) -> Option<String> {
    let error = strict_json::from_slice(body).ok()?;
    let code = error.get("code").and_then(Value::as_str);
    code.map(str::to_owned)
}

/// Reads a body, with room for all of it as soon as it turns out to be large.
async fn read_body(
    mut response: Response,
    limit_bytes: usize,
    room: &mut Taken,
) -> Result<Bytes, SourceError> {
    let failed = |error: OutboundError| unavailable(error.as_str());
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| failed(error.into()))?
    {
        let length = body.len() + chunk.len();
        if length > limit_bytes {
            return Err(failed(OutboundError::TooLarge));
        }
        if length > SMALL_BYTES {
            room.enlarge(limit_bytes).await?;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The query behind `rel="next"`; the link must lead to the same list.
pub(super) fn next(
    headers: &HeaderMap,
    base: &str,
    path: &str,
) -> Result<Option<String>, SourceError> {
    let links = headers.get_all(header::LINK).iter();
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
