//! Who calls: a browser, an app, or something that says neither.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{Call, browser};
use crate::{answer::Answer, errors::Refusal, options::InstanceKind};

/// How the caller is taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Caller {
    /// Nobody in particular: the route is public, or the caller was refused before this was known.
    Anonymous,
    /// An app: the client token travels in `Authorization`.
    Native,
    /// A browser: the client token travels in a cookie, or behind a development browser.
    Browser {
        /// Its `Origin`.
        origin: String,
        /// The development browser it named, where one is needed.
        dev_browser: Option<String>,
    },
}

/// What happens to the caller's client token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ClientReply {
    /// It stays as it is.
    Keep,
    /// The caller gets the present one.
    Send,
    /// The caller has to forget it.
    Clear,
}

/// Finds out who calls, in which way, and as which client.
pub(crate) fn identify(call: &mut Call<'_>) -> Result<(), Refusal> {
    let headers = &call.incoming.headers;
    let origin = single(
        headers,
        &header::ORIGIN,
        "multiple_origin_header_values_forbidden",
    )?;
    let authorization = single(
        headers,
        &header::AUTHORIZATION,
        "multiple_authorization_header_values_forbidden",
    )?;
    let is_flagged = matches!(call.query.get("_is_native"), Some("1" | "true"));
    match (origin, authorization) {
        (Some(_), Some(_)) => Err(Refusal::new("origin_authorization_headers_conflict")),
        // An app has no origin; one that claims both would get past either set of rules.
        (Some(_), None) if is_flagged => Err(Refusal::new("origin_authorization_headers_conflict")),
        (Some(origin), None) => as_browser(call, origin),
        (None, authorization) => as_native(call, is_flagged, authorization),
    }
}

fn as_native(
    call: &mut Call<'_>,
    is_flagged: bool,
    authorization: Option<&HeaderValue>,
) -> Result<(), Refusal> {
    let options = &call.shared.options;
    if !is_flagged && !options.lenient_headerless {
        return Err(Refusal::new("request_header_missing").param("Origin"));
    }
    if !options.native_api {
        return Err(Refusal::new("native_api_disabled"));
    }
    if authorization.is_none() && options.strict_headers {
        return Err(Refusal::new("request_header_missing").param("Authorization"));
    }
    call.caller = Caller::Native;
    if options.require_dev_browser && options.instance_kind == InstanceKind::Development {
        browser::dev_browser(call)?;
    }
    let token = authorization.and_then(|value| value.to_str().ok());
    let token = token.map(without_bearer).filter(|token| !token.is_empty());
    call.client_id = token.and_then(|token| call.world.client_of_token(token));
    Ok(())
}

fn as_browser(call: &mut Call<'_>, origin: &HeaderValue) -> Result<(), Refusal> {
    let origin = origin
        .to_str()
        .ok()
        .filter(|origin| is_allowed(call, origin));
    let origin = origin
        .ok_or_else(|| Refusal::new("origin_invalid"))?
        .to_owned();
    let mut dev_browser = None;
    if call.shared.options.instance_kind == InstanceKind::Development {
        let id = browser::dev_browser(call)?;
        let found = call.world.dev_browsers.get(&id);
        let client_id = found.and_then(|found| found.client_id.clone());
        call.client_id = client_id.filter(|id| call.world.clients.get(id).is_some());
        dev_browser = Some(id);
    }
    if call.client_id.is_none() {
        let token = browser::cookie(&call.incoming.headers, browser::CLIENT_COOKIE);
        call.client_id = token.and_then(|token| call.world.client_of_token(&token));
    }
    call.caller = Caller::Browser {
        origin,
        dev_browser,
    };
    Ok(())
}

/// A production instance serves its own domain, which here is this machine; a development one everybody.
fn is_allowed(call: &Call<'_>, origin: &str) -> bool {
    let Ok(origin) = origin.parse::<axum::http::Uri>() else {
        return false;
    };
    let is_web = matches!(origin.scheme_str(), Some("http" | "https"));
    let is_local = matches!(origin.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    is_web && (is_local || call.shared.options.instance_kind == InstanceKind::Development)
}

/// The client token as the caller must send it from now on.
pub(crate) fn hand_over_token(call: &mut Call<'_>, answer: &mut Answer) {
    let client = call.client_id.as_deref();
    let token = client.and_then(|id| call.world.clients.get(id));
    let token = token.map_or("", |client| client.token.as_str());
    let token = match call.reply {
        ClientReply::Keep => return,
        ClientReply::Send => token,
        ClientReply::Clear => "",
    };
    match &call.caller {
        Caller::Anonymous => {}
        Caller::Native => answer.set(header::AUTHORIZATION, token),
        Caller::Browser {
            dev_browser: Some(id),
            ..
        } => {
            answer.set(HeaderName::from_static("clerk-db-jwt"), id);
            let client_id = call.client_id.clone();
            if let Some(dev_browser) = call.world.dev_browsers.get_mut(id) {
                dev_browser.client_id = client_id;
            }
        }
        Caller::Browser { .. } => answer.set(header::SET_COOKIE, &browser::client_cookie(token)),
    }
}

fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    refusal: &str,
) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Refusal::new(refusal)),
        (value, None) => Ok(value),
    }
}

/// The documents call the scheme bearer, the SDKs send the bare token: both are taken.
fn without_bearer(value: &str) -> &str {
    let value = value.trim();
    match value.split_at_checked("bearer".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value,
    }
}
