//! What only browsers need: cookies, development browsers, cross-origin headers.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use super::Call;
use crate::{answer::Answer, errors::Refusal, state::DevBrowser};

/// The cookie that holds the client token.
pub(crate) const CLIENT_COOKIE: &str = "__client";
/// What names a development browser, in the query or as a cookie; the second is the older name.
const DEV_BROWSER_NAMES: [&str; 2] = ["__clerk_db_jwt", "__dev_session"];

/// `POST /v1/dev_browser`
pub(crate) fn create_dev_browser(call: &mut Call<'_>) -> Value {
    let id = call.world.ids.object("dvb");
    call.world
        .dev_browsers
        .put(id.clone(), DevBrowser { client_id: None });
    json!({"object": "dev_browser", "id": id, "token": id})
}

/// The development browser the caller names.
pub(crate) fn dev_browser(call: &Call<'_>) -> Result<String, Refusal> {
    let named = DEV_BROWSER_NAMES.iter().find_map(|name| {
        let value = call.query.get(name).map(str::to_owned);
        value.or_else(|| cookie(&call.incoming.headers, name))
    });
    named
        .filter(|id| call.world.dev_browsers.get(id).is_some())
        .ok_or_else(|| Refusal::new("dev_browser_unauthenticated"))
}

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(known, value)| (known == name).then(|| value.to_owned()))
}

/// `Set-Cookie` for the client token; an empty one removes it.
pub(crate) fn client_cookie(token: &str) -> String {
    let lifetime = if token.is_empty() { "; Max-Age=0" } else { "" };
    format!("{CLIENT_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{lifetime}")
}

/// Lets the page that asked read the answer.
pub(crate) fn allow_origin(headers: &HeaderMap, answer: &mut Answer) {
    let origin = headers.get(header::ORIGIN);
    let Some(origin) = origin.and_then(|origin| origin.to_str().ok()) else {
        return;
    };
    answer.set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    answer.set(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "Authorization, Clerk-Db-Jwt, Retry-After, X-Clerk-Trace-Id",
    );
    answer.set(header::VARY, "Origin");
}

/// The answer to a browser that asks whether it may ask (Fetch Standard, CORS-preflight fetch).
pub(crate) fn preflight(headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let mut set = |name: HeaderName, value: Option<&HeaderValue>| {
        if let Some(value) = value {
            response.headers_mut().insert(name, value.clone());
        }
    };
    set(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        headers.get(header::ORIGIN),
    );
    set(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS),
    );
    for (name, value) in [
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, PUT, PATCH, DELETE",
        ),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
        (header::VARY, "Origin"),
    ] {
        set(name, Some(&HeaderValue::from_static(value)));
    }
    response
}
