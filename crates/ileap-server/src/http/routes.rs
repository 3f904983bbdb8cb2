//! One file per noun; each handler reads the request, asks the domain, and writes the answer.

pub(crate) mod discovery;
pub(crate) mod events;
pub(crate) mod footprints;
pub(crate) mod tad;
pub(crate) mod token;
pub(crate) mod token_status;
pub(crate) mod verify;
pub(crate) mod webhooks;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderValue, header};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// `{"data":<object>}` around stored bytes, which are not parsed again.
fn data_object(object: &Bytes) -> Response {
    let mut body = BytesMut::with_capacity(object.len() + 9);
    body.put_slice(br#"{"data":"#);
    body.put_slice(object);
    body.put_u8(b'}');
    json(body.freeze())
}

/// `{"data":[...]}` around stored bytes, with the Link to the next page where there is one.
fn data_list(objects: &Bytes, link: Option<String>) -> Response {
    let mut body = BytesMut::with_capacity(objects.len() + 11);
    body.put_slice(br#"{"data":["#);
    body.put_slice(objects);
    body.put_slice(b"]}");
    let mut response = json(body.freeze());
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn json(body: Bytes) -> Response {
    (
        [
            (header::CONTENT_TYPE, JSON),
            (header::CACHE_CONTROL, NO_STORE),
        ],
        Body::from(body),
    )
        .into_response()
}
