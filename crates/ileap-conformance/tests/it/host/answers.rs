//! What the host says, and how it can say it wrong.

use axum::{
    body::Body,
    http::{HeaderMap, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};

use super::Host;

type Answer = Response<Body>;

pub(super) fn status(code: u16) -> Answer {
    Response::builder()
        .status(code)
        .body(Body::empty())
        .unwrap()
}

pub(super) fn plain(code: u16, body: &str) -> Answer {
    let builder = Response::builder()
        .status(code)
        .header("content-type", "application/json");
    builder.body(Body::from(body.to_owned())).unwrap()
}

pub(super) fn ok(host: &Host, body: &Value) -> Answer {
    let kind = match host.fault {
        "text-plain" => "text/plain",
        "odd-writing" => "Application/JSON",
        "latin-1" => "application/json; charset=iso-8859-1",
        _ => "application/json",
    };
    let mut builder = Response::builder().header("content-type", kind);
    if !host.is("no-nosniff") {
        builder = builder.header("x-content-type-options", "nosniff");
    }
    match host.fault {
        "server-version" => builder = builder.header("server", "acme/1.2.3"),
        "cors" => builder = builder.header("access-control-allow-origin", "*"),
        _ => {}
    }
    builder.body(Body::from(body.to_string())).unwrap()
}

pub(super) fn error(code: u16, word: &str) -> Answer {
    plain(code, &json!({"code": word, "message": "no"}).to_string())
}

pub(super) fn oauth_error(host: &Host, word: &str) -> Answer {
    let word = if host.is("oauth-words") { "nope" } else { word };
    plain(400, &json!({"error": word}).to_string())
}

pub(super) fn refuse_credentials(host: &Host) -> Answer {
    match host.fault {
        "basic-401" => plain(401, r#"{"error":"invalid_client"}"#),
        "refusal-403" => plain(403, r#"{"error":"invalid_client"}"#),
        "refusal-pact" => error(400, "BadRequest"),
        _ => plain(400, r#"{"error":"invalid_client"}"#),
    }
}

pub(super) fn token(host: &Host, token: &str) -> Answer {
    let mut body = json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600});
    match host.fault {
        "token-type" => body["token_type"] = json!("mac"),
        "expires-text" => body["expires_in"] = json!("3600"),
        "long-life" => body["expires_in"] = json!(31_536_000),
        _ => {}
    }
    let body = match host.fault {
        "token-camel" => json!({"accessToken": token}).to_string(),
        "token-nested" => json!({"data": {"access_token": token}}).to_string(),
        "token-bom" => format!("\u{feff}{body}"),
        "token-broken" => format!("{body}, and more"),
        _ => body.to_string(),
    };
    let is_odd = host.is("odd-writing");
    let kind = if is_odd {
        "Application/JSON"
    } else {
        "application/json"
    };
    let mut builder = Response::builder().header("content-type", kind);
    if is_odd {
        builder = builder.header("cache-control", "private");
    }
    if !host.is("stored") {
        builder = builder.header("cache-control", "no-store");
    }
    builder.body(Body::from(body)).unwrap()
}

pub(super) fn unauthorized(host: &Host) -> Answer {
    let mut answer = error(401, "BadRequest");
    if host.is("odd-writing") {
        answer
            .headers_mut()
            .insert("www-authenticate", "Basic realm=\"a\"".parse().unwrap());
    }
    if !host.is("no-challenge") {
        answer
            .headers_mut()
            .append("www-authenticate", "Bearer".parse().unwrap());
    }
    answer
}

pub(super) fn not_allowed(host: &Host, fault: &str, allowed: &str) -> Answer {
    if host.is(fault) {
        return ok(host, &json!({}));
    }
    let builder = Response::builder().status(405).header("allow", allowed);
    builder.body(Body::empty()).unwrap()
}

/// Where a host shows everyone what it was sent.
pub(super) fn with_echo(host: &Host, mut answer: Answer, headers: &HeaderMap) -> Answer {
    if host.fault.starts_with("echo")
        && let Some(given) = headers.get("authorization")
    {
        let text = given.to_str().unwrap();
        *answer.body_mut() = Body::from(json!({"message": text, "code": "BadRequest"}).to_string());
        answer.headers_mut().insert("x-echo", given.clone());
    }
    answer
}

pub(super) fn redirect() -> Answer {
    let builder = Response::builder()
        .status(302)
        .header("location", "https://elsewhere.invalid/");
    builder.body(Body::empty()).unwrap()
}

pub(super) fn no_such(host: &Host, id: &str) -> Answer {
    let is_nil = id.starts_with("00000000");
    match host.fault {
        "unknown-200" if is_nil => ok(host, &json!({"data": {}})),
        "uuid-only" if !is_nil => error(400, "BadRequest"),
        "bare-errors" => plain(404, r#"{"code":"NoSuchFootprint"}"#),
        _ => error(404, "NoSuchFootprint"),
    }
}

/// Id and secret of a Basic header, each raw or form-encoded.
pub(super) fn basic(host: &Host, header: &str) -> Option<(String, String)> {
    let (scheme, text) = header.split_once(' ')?;
    if host.is("basic-case") && scheme != "Basic" {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| {
        let pairs = form_urlencoded::parse(text.as_bytes());
        pairs
            .map(|(name, _)| name.into_owned())
            .next()
            .unwrap_or_default()
    };
    if host.is("basic-raw-only") {
        return Some((id.to_owned(), secret.to_owned()));
    }
    Some((decoded(id), decoded(secret)))
}

/// Whether a host that checks too little takes a token that is not its own.
pub(super) fn is_fooled(host: &Host, token: &str) -> bool {
    let mut parts = token.split('.');
    let mut json =
        || -> Option<Value> { serde_json::from_slice(&BASE64URL.decode(parts.next()?).ok()?).ok() };
    let (Some(header), Some(claims)) = (json(), json()) else {
        return false;
    };
    let signature = token.rsplit('.').next().unwrap();
    match host.fault {
        "alg-none" => header["alg"] == "none",
        "hs256" | "hs256-ec" => header["alg"] == "HS256",
        "padding-ignored" => {
            claims["sub"] == "hello" && signature.trim_end_matches('=') == super::SIGNATURE
        }
        "claims-unchecked" => signature == super::SIGNATURE && claims["sub"] != "hello",
        "signature-unchecked" => {
            header["alg"] == "RS256" && claims["sub"] == "hello" && signature != super::SIGNATURE
        }
        "anything-signed" => claims["sub"] == "stranger",
        _ => false,
    }
}

/// Requests that are too large.
pub(super) fn limits(host: &Host, headers: &HeaderMap, query: Option<&str>) -> Result<(), Answer> {
    if query.is_some_and(|query| query.len() > 16 * 1024) && !host.is("long-target") {
        return Err(status(414));
    }
    if headers.contains_key("x-padding") && !host.is("large-header") {
        return Err(status(431));
    }
    Ok(())
}
