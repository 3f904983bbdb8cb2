//! A host that conforms, except where a test breaks it.

mod answers;
mod callbacks;
mod documents;
mod filters;
mod own_keys;
pub(crate) mod tls;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
    routing::{any, get, post},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::answers::{error, oauth_error, ok, status};
use crate::data::Data;

pub(crate) const EXPIRED_TOKEN: &str = "this-token-has-expired";
const SIGNATURE: &str = "c2lnbmF0dXJl-of-the-host";

/// The state of a host.
pub(crate) struct Host {
    pub(crate) data: Data,
    /// What it does wrong.
    pub(crate) fault: &'static str,
    pub(crate) base: String,
    http: reqwest::Client,
    /// How often it answered a filter with "not yet".
    later: AtomicUsize,
}

type Shared = Arc<Host>;

impl Host {
    /// Starts one; it lives as long as the test's runtime. Faults of plain http are those of a host on https.
    pub(crate) async fn start(data: Data, fault: &'static str) -> String {
        let socket = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let is_secured = fault.starts_with("plain-") || fault.starts_with("https");
        let scheme = if is_secured { "https" } else { "http" };
        let base = format!("{scheme}://{}/api", socket.local_addr().unwrap());
        let host = Arc::new(Self {
            data,
            fault,
            base: base.clone(),
            http: callbacks::client(),
            later: AtomicUsize::new(0),
        });
        let api = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(documents::discovery),
            )
            .route("/jwks", get(documents::jwks))
            .route("/auth/token", any(token))
            .route("/2/footprints", any(list))
            .route("/2/footprints/{id}", any(one))
            .route("/2/ileap/tad", any(tads))
            .route("/2/events", post(event))
            .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
            .with_state(Arc::clone(&host));
        let router = Router::new()
            .nest("/api", api)
            .fallback(unknown)
            .with_state(host);
        if is_secured {
            let secured = tls::Secured::new(socket, fault);
            tokio::spawn(async move { axum::serve(secured, router).await.unwrap() });
        } else {
            tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        }
        base
    }

    fn secret(&self) -> &'static str {
        if self.is("plus-secret") {
            "a+b%41"
        } else {
            "pathfinder"
        }
    }

    pub(crate) fn is(&self, fault: &str) -> bool {
        self.fault == fault
    }
}

async fn unknown(State(host): State<Shared>) -> Response {
    if host.is("unknown-path-200") {
        return ok(&host, &json!({}));
    }
    status(404)
}

/// The token of this host: a JWT whose signature is a secret.
fn access_token(host: &Host) -> String {
    let mut claims = json!({"sub": "hello", "exp": 4_102_444_800_u32});
    if host.is("token-without-end") {
        claims["exp"] = Value::Null;
    }
    let encoded = |value: &Value| BASE64URL.encode(value.to_string());
    let header = encoded(&json!({"alg": "RS256", "kid": "k1"}));
    format!("{header}.{}.{SIGNATURE}", encoded(&claims))
}

async fn token(
    State(host): State<Shared>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = match query {
        Some(query) if host.is("grant-in-query") => Bytes::from(query),
        _ => body,
    };
    if host.is("foreign-tokens-only") {
        return status(404);
    }
    if method != Method::POST {
        return answers::not_allowed(&host, "token-get", "POST");
    }
    if body.len() > 64 * 1024 && !host.is("token-large-body") {
        return status(413);
    }
    let kind = headers
        .get("content-type")
        .map_or("", |kind| kind.to_str().unwrap());
    let is_form = kind.split(';').next() == Some("application/x-www-form-urlencoded");
    if (host.is("charset-refused") && kind.contains(';')) || (!is_form && !host.is("json-accepted"))
    {
        return oauth_error(&host, "invalid_request");
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let values = |name: &str| -> Vec<&str> {
        form.iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    };
    let header = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    let is_post = !values("client_id").is_empty();
    if header.is_some() && is_post && !host.is("two-mechanisms") {
        return oauth_error(&host, "invalid_request");
    }
    let given = match header {
        Some(header) => answers::basic(&host, header),
        None if is_post && !host.is("form-refused") => Some((
            values("client_id")[0].to_owned(),
            values("client_secret")[0].to_owned(),
        )),
        None if host.is("no-credentials-accepted") => {
            Some(("hello".to_owned(), "pathfinder".to_owned()))
        }
        None => None,
    };
    let is_garbage = header.is_some_and(|header| header.contains("!!!"));
    if is_garbage && host.is("undecodable-500") {
        return status(500);
    }
    let is_right = given
        .as_ref()
        .is_some_and(|(id, secret)| id == "hello" && secret == host.secret());
    if (!is_right && !host.is("anyone")) || host.is("nobody") || host.is("echo-refusal") {
        if host.is("enumeration") && given.is_some_and(|(id, _)| id == "hello") {
            return answers::plain(
                400,
                r#"{"error":"invalid_client","error_description":"locked"}"#,
            );
        }
        return answers::with_echo(&host, answers::refuse_credentials(&host), &headers);
    }
    let scope_is_strict = host.is("scope-strict") && values("scope") == ["some:scope"];
    match values("grant_type").as_slice() {
        _ if scope_is_strict => oauth_error(&host, "invalid_scope"),
        ["client_credentials"] => answers::token(&host, &access_token(&host)),
        [_, _] if host.is("duplicates-accepted") => answers::token(&host, &access_token(&host)),
        [] if host.is("grant-optional") || !is_form => answers::token(&host, &access_token(&host)),
        [] | [_, _] => oauth_error(&host, "invalid_request"),
        _ if host.is("any-grant") => answers::token(&host, &access_token(&host)),
        _ => oauth_error(&host, "unsupported_grant_type"),
    }
}

/// Whether a request may see data; else the answer.
async fn admit(host: &Host, headers: &HeaderMap, path: &str) -> Result<(), Response> {
    let is_tad = path.ends_with("/tad");
    let header = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    let refusal = |fault: &str| {
        if host.is(fault) {
            Ok(())
        } else if is_tad && !host.is("tad-401") {
            Err(error(403, "AccessDenied"))
        } else {
            Err(answers::unauthorized(host))
        }
    };
    let Some(header) = header else {
        return refusal(&format!(
            "{}-without-token",
            path.rsplit('/').next().unwrap()
        ));
    };
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    let is_bearer =
        scheme == "Bearer" || (scheme.eq_ignore_ascii_case("bearer") && !host.is("bearer-case"));
    if !is_bearer || token.is_empty() || token.contains(' ') {
        return refusal("malformed-accepted");
    }
    if token == EXPIRED_TOKEN {
        return match host.fault {
            "expired-accepted" => Ok(()),
            "expired-403" => Err(error(403, "AccessDenied")),
            _ => Err(error(401, "TokenExpired")),
        };
    }
    if token == access_token(host) {
        return Ok(());
    }
    if host.is("large-tokens-500") && token.len() > 8 * 1024 {
        return Err(status(500));
    }
    if answers::is_fooled(host, token) || own_keys::is_fooled(host, token).await {
        return Ok(());
    }
    if host.is("tad-invalid-401") && is_tad {
        return Err(error(401, "AccessDenied"));
    }
    if token.starts_with("very-invalid") {
        let is_get = path.contains("/footprints/");
        return match host.fault {
            "invalid-lists" if path.ends_with("/footprints") => Ok(()),
            "invalid-gets" if is_get => Ok(()),
            "invalid-events" if path.ends_with("/events") => Err(error(401, "AccessDenied")),
            _ => refusal("never"),
        };
    }
    refusal("never")
}

async fn list(
    State(host): State<Shared>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if let Err(refusal) = answers::limits(&host, &headers, query.as_deref()) {
        return refusal;
    }
    if host.is("redirects") && headers.get("authorization").is_none() {
        return answers::redirect();
    }
    if method != Method::GET {
        return status(405);
    }
    if let Err(refusal) = admit(&host, &headers, "/2/footprints").await {
        return answers::with_echo(&host, refusal, &headers);
    }
    if host.is("echo") {
        return answers::with_echo(&host, status(500), &headers);
    }
    filters::footprints(
        &host,
        &documents::public(&host, &headers),
        &query.unwrap_or_default(),
    )
}

async fn tads(
    State(host): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if let Err(refusal) = admit(&host, &headers, "/2/ileap/tad").await {
        return refusal;
    }
    filters::tads(
        &host,
        &documents::public(&host, &headers),
        &query.unwrap_or_default(),
    )
}

async fn one(
    State(host): State<Shared>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    id: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Response {
    if method != Method::GET {
        return answers::not_allowed(&host, "delete", "GET");
    }
    if let Err(refusal) = admit(&host, &headers, "/2/footprints/id").await {
        return refusal;
    }
    let id = id.map(|Path(id)| id).unwrap_or_default();
    if host.is("traversal") && uri.path().contains('%') {
        return ok(&host, &json!({"data": {}}));
    }
    let Some(found) = host
        .data
        .footprints
        .iter()
        .find(|footprint| footprint["id"] == id.as_str())
    else {
        return answers::no_such(&host, &id);
    };
    let mut found = found.clone();
    match host.fault {
        "get-differs" => found["comment"] = json!("another"),
        "get-other-id" => found["id"] = json!("7c0b3e5a-0000-4000-8000-000000000099"),
        "get-invalid" => found["status"] = json!("Gone"),
        _ => {}
    }
    ok(&host, &json!({"data": found}))
}

async fn event(State(host): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refusal) = admit(&host, &headers, "/2/events").await {
        return refusal;
    }
    let kind = headers.get("content-type").unwrap().to_str().unwrap();
    if host.is("batch-500") && kind.contains("batch") {
        return status(500);
    }
    if host.is("no-events") {
        return error(400, "NotImplemented");
    }
    if body.len() > 1024 * 1024 && !host.is("large-events") {
        return status(413);
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return if host.is("broken-json-500") {
            status(500)
        } else {
            error(400, "BadRequest")
        };
    };
    callbacks::take(&host, &event)
}
