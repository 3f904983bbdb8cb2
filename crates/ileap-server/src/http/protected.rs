//! What a proxy protects when it asks at `/auth/verify`.

use http::{HeaderMap, HeaderName};

use super::endpoint::{Endpoint, without_prefix};
use crate::identity::Scope;

/// The names under which proxies pass on the caller's method: Traefik and Caddy, then nginx.
const METHOD: [HeaderName; 2] = [
    HeaderName::from_static("x-forwarded-method"),
    HeaderName::from_static("x-original-method"),
];
/// The names under which they pass on the caller's request target.
const TARGET: [HeaderName; 2] = [
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-original-uri"),
];

/// An endpoint behind a proxy, as far as refusals and scopes differ.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Protected {
    /// `POST /2/events`
    Events,
    /// `GET /2/footprints/{id}`
    GetFootprint,
    /// `GET /2/footprints`
    ListFootprints,
    /// Anything else, and whatever could be read in two ways. It is refused like footprints, and opened by
    /// no less than every scope: a doubt never makes a request easier.
    Other,
    /// `GET /2/ileap/tad`
    Tad,
}

impl Protected {
    /// What the headers of a trusted proxy name.
    pub(crate) fn named_by(headers: &HeaderMap, prefix: &str) -> Self {
        let Some(target) = one_of(headers, &TARGET).and_then(Said::once) else {
            return Self::Other;
        };
        let protected = Self::at(target, prefix);
        let is_its_method = match one_of(headers, &METHOD) {
            Some(Said::Once(method)) => protected.is_asked_by(method),
            // Not said, the caller could choose one that the data service takes for something else.
            None | Some(Said::Twice) => false,
        };
        if is_its_method {
            protected
        } else {
            Self::Other
        }
    }

    /// What stands at a request target. Its path is taken as it is and never decoded or resolved: one that
    /// another server could resolve to another place (GHSA-pxq7-h93f-9jrg) is none of ours, and the query
    /// has no say (GHSA-7rh7-c77v-6434).
    fn at(target: &str, prefix: &str) -> Self {
        let (path, _query) = target.split_once('?').unwrap_or((target, ""));
        // Where the public base URL's path looks like one of ours, the target may be below it or not: what is one of ours
        // in one way alone is that, as the router would have it.
        let both = (
            Self::exactly(without_prefix(path, prefix)),
            Self::exactly(path),
        );
        match both {
            (Self::Other, one) | (one, Self::Other) => one,
            (one, other) if one == other => one,
            _ => Self::Other,
        }
    }

    fn exactly(path: &str) -> Self {
        match Endpoint::of(path, "") {
            Endpoint::Events => Self::Events,
            Endpoint::GetFootprint if names_one_footprint(path) => Self::GetFootprint,
            Endpoint::ListFootprints => Self::ListFootprints,
            Endpoint::Tad => Self::Tad,
            Endpoint::Discovery
            | Endpoint::GetFootprint
            | Endpoint::Introspect
            | Endpoint::Jwks
            | Endpoint::Revoke
            | Endpoint::Token
            | Endpoint::Unknown
            | Endpoint::UnknownAuth
            | Endpoint::Verify(_)
            | Endpoint::Webhooks => Self::Other,
        }
    }

    fn is_asked_by(self, method: &str) -> bool {
        match self {
            Self::Events => method == "POST",
            Self::GetFootprint | Self::ListFootprints | Self::Tad => {
                matches!(method, "GET" | "HEAD")
            }
            Self::Other => true,
        }
    }

    /// The endpoint of ours whose refusals count.
    pub(super) fn endpoint(self) -> Endpoint {
        match self {
            Self::Events => Endpoint::Events,
            Self::GetFootprint => Endpoint::GetFootprint,
            Self::ListFootprints | Self::Other => Endpoint::ListFootprints,
            Self::Tad => Endpoint::Tad,
        }
    }

    /// The scopes without which an access token does not open it.
    pub(super) fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Other => &Scope::ALL,
            Self::Events | Self::GetFootprint | Self::ListFootprints | Self::Tad => {
                self.endpoint().scopes()
            }
        }
    }
}

/// Whether the last step of `/2/footprints/{id}` can be read in one way alone: one step, that no decoding makes
/// two, or one up, or something with parameters.
fn names_one_footprint(path: &str) -> bool {
    let id = path.strip_prefix("/2/footprints/").unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~:@!$'()*+,.=".contains(&byte);
    let is_a_step = id.bytes().all(|byte| byte == b'.');
    !is_a_step && id.bytes().all(is_plain)
}

/// What one header says under any of its names.
enum Said<'a> {
    Once(&'a str),
    /// Several times, and not the same; or what is no text. One of them may be the caller's own.
    Twice,
}

impl<'a> Said<'a> {
    fn once(self) -> Option<&'a str> {
        match self {
            Self::Once(value) => Some(value),
            Self::Twice => None,
        }
    }
}

/// `None` when no name is there.
fn one_of<'a>(headers: &'a HeaderMap, names: &[HeaderName]) -> Option<Said<'a>> {
    let mut values = names.iter().flat_map(|name| headers.get_all(name));
    let first = values.next()?;
    if values.any(|value| value != first) {
        return Some(Said::Twice);
    }
    Some(first.to_str().map_or(Said::Twice, Said::Once))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(headers: &[(&'static str, &str)]) -> Protected {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Protected::named_by(&map, "/api/ileap")
    }

    fn at(target: &str) -> Protected {
        Protected::at(target, "/api/ileap")
    }

    #[test]
    fn each_endpoint_is_found_with_and_without_the_base_path_whatever_the_query_says() {
        for (path, expected) in [
            ("/2/footprints", Protected::ListFootprints),
            (
                "/2/footprints/91715e5e-fd0b-4d1c-8fab-76290c46e6ed",
                Protected::GetFootprint,
            ),
            ("/2/footprints/urn:x@y", Protected::GetFootprint),
            ("/2/events", Protected::Events),
            ("/2/ileap/tad", Protected::Tad),
        ] {
            for prefix in ["", "/api/ileap"] {
                for query in [
                    "",
                    "?",
                    "?limit=1",
                    "?/2/events",
                    "?x=/../../2/events#?/2/ileap/tad",
                ] {
                    assert_eq!(
                        at(&format!("{prefix}{path}{query}")),
                        expected,
                        "{path}{query}"
                    );
                }
            }
        }
    }

    /// GHSA-pxq7-h93f-9jrg.
    #[test]
    fn a_path_that_another_server_may_read_in_another_way_is_no_endpoint_of_ours() {
        for path in [
            "",
            "/",
            "*",
            "2/events",
            "http://x/2/events",
            "//2/events",
            "/2//events",
            "/2/events/",
            "/2/./events",
            "/2/footprints/../events",
            "/2/%65vents",
            "/2/events;x",
            "/2/events#x",
            "/2/events%23",
            "/2/events%3f",
            "/2/events\\",
            "/2/Events",
            "/2/footprints/",
            "/2/footprints/.",
            "/2/footprints/..",
            "/2/footprints/...",
            "/2/footprints/%2e%2e",
            "/2/footprints/%2E%2E%2Fileap%2Ftad",
            "/2/footprints/%252e%252e",
            "/2/footprints/..\\ileap\\tad",
            "/2/footprints/..;/ileap/tad",
            "/2/footprints/x/../../ileap/tad",
            "/2/footprints/x/2/footprints/y",
            "/2/footprints/x;y",
            "/2/footprints/x#y",
            "/2/footprints/x%00",
            "/2/footprints/x y",
            "/api/2/events",
            "/api/ileapx/2/events",
            "/api/ileap2/events",
        ] {
            assert_eq!(at(path), Protected::Other, "{path}");
            assert_eq!(
                at(&format!("{path}?x=/2/events")),
                Protected::Other,
                "{path}"
            );
        }
    }

    #[test]
    fn a_base_path_that_looks_like_one_of_ours_makes_nothing_easier() {
        for (target, prefix, expected) in [
            ("/2/footprints/x", "/2", Protected::GetFootprint),
            ("/2/2/events", "/2", Protected::Events),
            ("/2/events", "/auth", Protected::Events),
            ("/2/footprints/2", "/2/footprints", Protected::GetFootprint),
            (
                "/2/events/2/footprints",
                "/2/events",
                Protected::ListFootprints,
            ),
            ("/2/footprints/2/events", "/2/footprints", Protected::Events),
            ("/auth/2/x", "/auth", Protected::Other),
        ] {
            assert_eq!(Protected::at(target, prefix), expected, "{prefix} {target}");
        }
    }

    #[test]
    fn what_is_said_twice_and_not_the_same_is_not_believed() {
        let tad = ("x-forwarded-uri", "/2/ileap/tad");
        let get = ("x-forwarded-method", "GET");
        assert_eq!(named(&[tad, get]), Protected::Tad);
        assert_eq!(
            named(&[tad, get, ("x-original-uri", "/2/ileap/tad")]),
            Protected::Tad
        );
        for other in ["x-forwarded-uri", "x-original-uri"] {
            assert_eq!(named(&[tad, get, (other, "/2/events")]), Protected::Other);
        }
        for other in ["x-forwarded-method", "x-original-method"] {
            assert_eq!(named(&[tad, get, (other, "HEAD")]), Protected::Other);
        }
        assert_eq!(named(&[get]), Protected::Other);
        assert_eq!(named(&[]), Protected::Other);
    }

    #[test]
    fn a_proxy_that_does_not_say_the_method_asks_about_no_endpoint_of_ours() {
        for target in [
            "/2/ileap/tad",
            "/2/footprints",
            "/2/footprints/x",
            "/2/events",
        ] {
            assert_eq!(
                named(&[("x-original-uri", target)]),
                Protected::Other,
                "{target}"
            );
        }
    }

    #[test]
    fn an_endpoint_asked_by_a_method_that_it_does_not_have_is_another() {
        let events = ("x-original-uri", "/2/events");
        let by = |endpoint, method| named(&[endpoint, ("x-original-method", method)]);
        assert_eq!(by(events, "POST"), Protected::Events);
        for method in ["GET", "DELETE", "post", "OPTIONS", ""] {
            assert_eq!(by(events, method), Protected::Other, "{method}");
        }
        let list = ("x-original-uri", "/2/footprints");
        assert_eq!(by(list, "HEAD"), Protected::ListFootprints);
        assert_eq!(by(list, "POST"), Protected::Other);
        assert_eq!(by(list, "OPTIONS"), Protected::Other);
    }

    #[test]
    fn what_is_in_doubt_takes_every_scope() {
        assert_eq!(Protected::Other.scopes(), Scope::ALL);
        assert_eq!(Protected::Events.scopes(), []);
        assert_eq!(Protected::Tad.scopes(), [Scope::FootprintList]);
        assert_eq!(Protected::ListFootprints.scopes(), [Scope::FootprintList]);
        assert_eq!(Protected::GetFootprint.scopes(), [Scope::FootprintRead]);
    }
}
