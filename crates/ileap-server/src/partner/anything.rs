//! For the fuzzer: whatever a partner's host may answer and an event may name, and what comes of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, StatusCode};
use url::{Host, Url};

use super::{
    DeliveryError, PartnerClient, Reach, callback_base, is_within, loopback_base, registered_base,
    token::{PartnerToken, named_endpoint},
};
use crate::clock::SystemClock;

/// A token fits in a header, shows in no log and ends within a day; credentials go nowhere inside for a document's sake;
/// a wait is one only where it may help.
pub(crate) fn read_anything(headers: &HeaderMap, body: &[u8]) {
    let asked_at = Instant::now();
    if let Ok(token) = PartnerToken::read(body, asked_at) {
        check(&token, asked_at);
    }
    if let Some(Ok(endpoint)) = named_endpoint(body) {
        assert!(!Reach::Public.allows_url(&endpoint) || is_outside(&endpoint));
    }
    let client = PartnerClient::new(Reach::Public, Arc::new(SystemClock));
    for status in [200, 302, 400, 404, 408, 425, 429, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        let is_later = matches!(
            client.status_error(status, headers),
            DeliveryError::Later { .. }
        );
        assert_eq!(is_later, super::is_temporary(status));
    }
}

fn check(token: &PartnerToken, asked_at: Instant) {
    let header = token.header();
    let shown = header.as_ref().and_then(|header| header.to_str().ok());
    let value = shown.and_then(|shown| shown.strip_prefix("Bearer "));
    let is_one_word = |value: &str| !value.is_empty() && !value.contains(char::is_whitespace);
    assert!(value.is_some_and(is_one_word));
    assert!(header.is_some_and(|header| header.is_sensitive()));
    assert!(!token.is_good(asked_at + Duration::from_hours(24)));
}

/// Over HTTPS, and no address of this machine or a private network; without credentials of its own.
fn is_outside(url: &Url) -> bool {
    let is_public = match url.host() {
        Some(Host::Domain(_)) => true,
        Some(Host::Ipv4(address)) => {
            !address.is_loopback() && !address.is_private() && !address.is_link_local()
        }
        Some(Host::Ipv6(address)) => !address.is_loopback() && !address.is_unique_local(),
        None => false,
    };
    url.scheme() == "https" && is_public && url.authority() == without_user(url)
}

fn without_user(url: &Url) -> &str {
    let authority = url.authority();
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// The base behind a source is one by itself, holds itself, and is called only where we may go.
pub(crate) fn lead_anywhere(source: &str) {
    if let Some(base) = callback_base(source) {
        assert_eq!(callback_base(&base).as_ref(), Some(&base));
        assert!(is_within(&base, &base) && is_within(&format!("{base}/x"), &base));
        assert!(!base.ends_with('/') && !base.contains(['?', '#']));
    }
    if let Ok(base) = registered_base(source, Reach::Public) {
        assert!(
            Url::parse(&base).is_ok_and(|base| is_outside(&base)),
            "{base}"
        );
    }
    if let Some(base) = loopback_base(source) {
        let here = ["http://localhost", "http://127.", "http://[::1]"];
        let host = base.replacen("https://", "http://", 1);
        assert!(here.iter().any(|here| host.starts_with(here)), "{base}");
    }
}
