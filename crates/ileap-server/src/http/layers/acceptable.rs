//! What is no request of ours, before anything is done about it.

use std::net::Ipv6Addr;

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};

use crate::{
    http::failure::{Cause, Failure},
    serve::{HEAD_LIMIT_BYTES, HEADER_COUNT_LIMIT},
};

/// The longest request target taken.
pub(in crate::http) const URI_LIMIT_BYTES: usize = 8 * 1024;

/// Refuses targets and heads beyond our limits, and requests that do not say which host they are for.
pub(super) fn refusal(request: &Request) -> Option<Response> {
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > URI_LIMIT_BYTES) {
        return Some(Failure::from(Cause::UriTooLong).into_response());
    }
    // The connection does this too, with the same answer and without a body; but it sees what arrives at once,
    // which may be more, and in HTTP/2 it does not count.
    if request.headers().len() > HEADER_COUNT_LIMIT || head_bytes(request) > HEAD_LIMIT_BYTES {
        return Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response());
    }
    if !has_clear_host(request) {
        return Some(Failure::from(Cause::HostUnclear).into_response());
    }
    if !has_clear_length(request.headers()) {
        return Some(Failure::from(Cause::BodyUnreadable).into_response());
    }
    None
}

/// Of transfer codings only `chunked` is read (RFC 9112 §6.1); what is coded once more would pass for the body itself.
fn has_clear_length(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// The head's size as HTTP/1.1 writes it, but for the method.
fn head_bytes(request: &Request) -> usize {
    let target = request.uri().path_and_query();
    let target = target.map_or(0, |target| target.as_str().len());
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + 4);
    target + fields.sum::<usize>()
}

/// RFC 9112 §3.2: exactly one Host in HTTP/1.1; HTTP/1.0 knows none, HTTP/2 has `:authority` instead
/// (RFC 9113 §8.3.1), from which a Host beside it must not differ. What it says is nothing to us, but proxies have to
/// agree on it.
fn has_clear_host(request: &Request) -> bool {
    let authority = request.uri().authority();
    let is_other = |host: &HeaderValue| {
        let is_binding = request.version() == Version::HTTP_2;
        let host = host.to_str().unwrap_or_default();
        authority.is_some_and(|authority| is_binding && !is_same_host(authority.as_str(), host))
    };
    if authority.is_some_and(|authority| !is_host(authority.as_str())) {
        return false;
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_empty_or_host(host) && !is_other(host),
        (None, _) => request.version() != Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// In any case, with the port that goes without saying or without it (RFC 9113 §8.3.1, RFC 3986 §6.2.3).
fn is_same_host(one: &str, other: &str) -> bool {
    let plain = |host: &str| {
        let ports = [":443", ":80", ":"];
        let plain = ports.iter().find_map(|port| host.strip_suffix(port));
        plain.unwrap_or(host).to_ascii_lowercase()
    };
    plain(one) == plain(other)
}

/// Nothing where the target has no authority (RFC 9110 §7.2).
pub(crate) fn is_empty_or_host(value: &HeaderValue) -> bool {
    value.is_empty() || value.to_str().is_ok_and(is_host)
}

/// `uri-host [":" port]`: one name or address, and a port that there is.
fn is_host(text: &str) -> bool {
    let (is_host, after) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').unwrap_or((bracketed, "]"));
        (address.parse::<Ipv6Addr>().is_ok(), after)
    } else {
        let (name, after) = text.split_at(text.find(':').unwrap_or(text.len()));
        (is_name(name), after)
    };
    is_host && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port))
}

/// A name of DNS, an IPv4 address, or what containers are called.
fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

/// Digits, or none (RFC 3986 §3.2.3).
fn is_port(text: &str) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (text.is_empty() || text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn status(version: Version, hosts: &[&str]) -> Option<StatusCode> {
        let mut request = Request::builder().uri("/jwks").version(version);
        for host in hosts {
            request = request.header("host", *host);
        }
        let refused = refusal(&request.body(Body::empty()).unwrap())?;
        Some(refused.status())
    }

    #[test]
    fn a_head_has_so_many_fields_and_bytes() {
        let status = |fields: usize, bytes: usize| {
            let mut request = Request::builder().uri("/jwks").version(Version::HTTP_2);
            for field in 0..fields {
                request = request.header(format!("x-{field}"), "x".repeat(bytes / fields));
            }
            let refused = refusal(&request.body(Body::empty()).unwrap())?;
            Some(refused.status().as_u16())
        };
        assert_eq!(status(64, 8000), None);
        assert_eq!(status(65, 8000), Some(431));
        assert_eq!(status(2, 16_000), None);
        assert_eq!(status(2, 17_000), Some(431));
    }

    #[test]
    fn a_request_names_one_host() {
        for host in [
            "ileap.example.com",
            "ileap.example.com:8443",
            "[::1]:80",
            "127.0.0.1",
            "",
        ] {
            assert_eq!(status(Version::HTTP_11, &[host]), None, "{host}");
        }
        for hosts in [
            [].as_slice(),
            &["a.example", "a.example"],
            &["a.example", "b.example"],
            &["a.example, b.example"],
            &["user@a.example"],
            &["a.example/path"],
            &["a b"],
            &["a.example,b.example"],
            &["a.example:http"],
            &["a.example:80:80"],
            &["a.example:65536"],
            &[":80"],
            &["[::1"],
            &["[a.example]"],
            &["[127.0.0.1]"],
            &["[::1]a"],
        ] {
            assert!(status(Version::HTTP_11, hosts).is_some(), "{hosts:?}");
        }
        assert_eq!(status(Version::HTTP_10, &[]), None);
        assert_eq!(status(Version::HTTP_2, &[]), None);
    }
}
