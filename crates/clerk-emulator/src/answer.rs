//! What is sent back.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use serde_json::Value;

/// `value`, an object, with one more member.
pub(crate) fn with(mut value: Value, name: &str, member: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), member);
    }
    value
}

/// An answer whose body is still in one piece.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// JSON that nobody may keep.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let mut answer = Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: HeaderMap::new(),
            body: body.to_string().into_bytes(),
        };
        answer.set(header::CONTENT_TYPE, "application/json");
        answer.set(header::CACHE_CONTROL, "no-store");
        answer
    }

    /// Sets a header. Values that cannot stand in one are left out.
    pub(crate) fn set(&mut self, name: header::HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }

    pub(crate) fn into_response(self) -> Response {
        self.into_response_with(Body::from)
    }

    /// With a body made from the whole one.
    pub(crate) fn into_response_with(self, body: impl FnOnce(Bytes) -> Body) -> Response {
        let mut response = Response::new(body(self.body.into()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
