//! Discovery, the JWK Set and the OpenAPI document: made once for each set of keys, answered from memory with caching
//! headers.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ileap_types::oauth2::{AuthorizationServerMetadata, ProtectedResourceMetadata};

use crate::{
    identity::Scope,
    token::{KeySet, SigningKeys},
};

/// How long the OpenAPI document may be kept, in seconds.
const OPENAPI_MAX_AGE_SECONDS: u64 = 3600;
/// The public listener in OpenAPI 3.1, for a server at [`OPENAPI_SERVER`].
const OPENAPI: &str = include_str!("../../openapi.json");
const OPENAPI_SERVER: &str = "https://ileap.example";

/// The documents of this server, as the keys are now.
#[derive(Debug)]
pub struct CurrentDocuments {
    public_base_url: String,
    keys: Arc<SigningKeys>,
    /// How long a verifier may keep what tells of keys; a new key is published longer than that before it signs.
    max_age: Duration,
    made: ArcSwap<(Arc<KeySet>, Documents)>,
}

impl CurrentDocuments {
    /// The documents of the server at `public_base_url`.
    pub fn new(public_base_url: &str, keys: Arc<SigningKeys>, max_age: Duration) -> Self {
        let set = Arc::clone(&keys.now());
        let documents = Documents::new(public_base_url, &set, max_age.as_secs());
        Self {
            public_base_url: public_base_url.to_owned(),
            keys,
            max_age,
            made: ArcSwap::from_pointee((set, documents)),
        }
    }

    /// Answers with one of them. The first request after a change of the keys writes them anew.
    pub(crate) fn answer(
        &self,
        which: fn(&Documents) -> &Document,
        request: &HeaderMap,
    ) -> Response {
        let (set, made) = (self.keys.now(), self.made.load());
        if Arc::ptr_eq(&set, &made.0) {
            return which(&made.1).answer(request);
        }
        let documents = Documents::new(&self.public_base_url, &set, self.max_age.as_secs());
        let answer = which(&documents).answer(request);
        self.made.store(Arc::new((Arc::clone(&set), documents)));
        answer
    }
}

/// The documents for one set of keys.
#[derive(Debug)]
pub(crate) struct Documents {
    /// RFC 8414 and OpenID Connect Discovery metadata: one document for both paths.
    pub(crate) metadata: Document,
    /// RFC 9728 metadata of the data endpoints.
    pub(crate) protected_resource: Document,
    /// RFC 7517 JWK Set.
    pub(crate) jwks: Document,
    /// `OpenAPI` 3.1 of every route, with our own URLs.
    pub(crate) openapi: Document,
}

impl Documents {
    /// Writes the documents for the server at `public_base_url`.
    fn new(public_base_url: &str, keys: &KeySet, max_age_seconds: u64) -> Self {
        let algorithms = keys.algorithms().into_iter();
        let token_endpoint = format!("{public_base_url}/auth/token");
        let metadata = AuthorizationServerMetadata {
            issuer: public_base_url.to_owned(),
            authorization_endpoint: Some(token_endpoint.clone()),
            token_endpoint: Some(token_endpoint),
            jwks_uri: Some(format!("{public_base_url}/jwks")),
            introspection_endpoint: Some(format!("{public_base_url}/auth/introspect")),
            introspection_endpoint_auth_methods_supported: auth_methods(),
            revocation_endpoint: Some(format!("{public_base_url}/auth/revoke")),
            revocation_endpoint_auth_methods_supported: auth_methods(),
            protected_resources: vec![public_base_url.to_owned()],
            response_types_supported: vec!["token".to_owned()],
            subject_types_supported: vec!["public".to_owned()],
            id_token_signing_alg_values_supported: algorithms
                .map(|algorithm| algorithm.to_string())
                .collect(),
            grant_types_supported: vec!["client_credentials".to_owned()],
            token_endpoint_auth_methods_supported: auth_methods(),
            scopes_supported: scopes(),
        };
        // No `jwks_uri`: in this document it would name keys that sign answers, which are not signed here.
        let protected_resource = ProtectedResourceMetadata {
            resource: public_base_url.to_owned(),
            authorization_servers: vec![public_base_url.to_owned()],
            bearer_methods_supported: vec!["header".to_owned()],
            scopes_supported: scopes(),
        };
        Self {
            metadata: Document::new(
                serde_json::to_vec(&metadata).unwrap_or_default().into(),
                max_age_seconds,
                "application/json",
            ),
            protected_resource: Document::new(
                serde_json::to_vec(&protected_resource)
                    .unwrap_or_default()
                    .into(),
                max_age_seconds,
                "application/json",
            ),
            jwks: Document::new(
                keys.jwks().clone(),
                max_age_seconds,
                "application/jwk-set+json",
            ),
            // A base URL has no character that JSON would escape.
            openapi: Document::new(
                OPENAPI.replace(OPENAPI_SERVER, public_base_url).into(),
                OPENAPI_MAX_AGE_SECONDS,
                "application/json",
            ),
        }
    }
}

/// How a client may authenticate itself, at every endpoint.
fn auth_methods() -> Vec<String> {
    ["client_secret_basic", "client_secret_post"]
        .map(str::to_owned)
        .to_vec()
}

fn scopes() -> Vec<String> {
    Scope::ALL.map(|scope| scope.as_str().to_owned()).to_vec()
}

/// One document with its validators (RFC 9110 §8.8, RFC 9111 §5.2).
#[derive(Debug)]
pub(crate) struct Document {
    body: Bytes,
    cache_control: HeaderValue,
    content_type: &'static str,
    etag: HeaderValue,
}

impl Document {
    fn new(body: Bytes, max_age_seconds: u64, content_type: &'static str) -> Self {
        let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &body));
        let cache_control = format!("public, max-age={max_age_seconds}, must-revalidate");
        Self {
            body,
            cache_control: header_value(&cache_control),
            content_type,
            etag: header_value(&format!("\"{hash}\"")),
        }
    }

    /// 200 with the document, or 304 when the caller has it.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let known = request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|value| self.is_named_by(value));
        let validators = [
            (header::CACHE_CONTROL, self.cache_control.clone()),
            (header::ETAG, self.etag.clone()),
        ];
        if known {
            return (StatusCode::NOT_MODIFIED, validators).into_response();
        }
        let content_type = [(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        )];
        (validators, content_type, Body::from(self.body.clone())).into_response()
    }

    fn is_named_by(&self, if_none_match: &HeaderValue) -> bool {
        let Ok(tags) = if_none_match.to_str() else {
            return false;
        };
        let ours = self.etag.to_str().unwrap_or_default();
        let is_blank = |c: char| matches!(c, ' ' | '\t');
        // What stands between quotes may hold commas and asterisks (RFC 9110 §8.8.3).
        tags.trim_matches(is_blank) == "*" || quoted(tags).any(|tag| tag == ours)
    }
}

/// For the fuzzer: the tag of a document, and whether a caller who sends this has it.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn is_known(if_none_match: &HeaderValue) -> (String, bool) {
    let document = Document::new(Bytes::from_static(b"{}"), 60, "application/json");
    let tag = document.etag.to_str().unwrap_or_default().to_owned();
    (tag, document.is_named_by(if_none_match))
}

/// The tags of a list, with their quotes; what comes after one that is none is not read.
fn quoted(tags: &str) -> impl Iterator<Item = &str> {
    let mut rest = tags;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let tag = rest.strip_prefix("W/").unwrap_or(rest);
        let length = tag.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = tag.split_at_checked(length)?;
        rest = after;
        Some(tag)
    })
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_caller_who_has_the_document_is_told_so() {
        let document = Document::new(Bytes::from_static(b"{}"), 60, "application/json");
        let ours = document.etag.to_str().unwrap();
        let known = |tags: &str| document.is_named_by(&HeaderValue::from_str(tags).unwrap());
        for tags in [
            ours,
            "*",
            " * ",
            &format!("W/{ours}"),
            &format!("\"x\", {ours}"),
            &format!("\"x\",, W/\"y,z\"\t,W/{ours} "),
        ] {
            assert!(known(tags), "{tags}");
        }
        let bare = ours.trim_matches('"');
        for tags in [
            "",
            "\"x\"",
            "\"x, *, y\"",
            "\"x\", *",
            bare,
            &format!("\"x{bare}\""),
            &format!("W/W/{ours}"),
            &format!("w/{ours}"),
        ] {
            assert!(!known(tags), "{tags}");
        }
    }
}
