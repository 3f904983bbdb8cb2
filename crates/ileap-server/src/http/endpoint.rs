//! Which endpoint a path belongs to: what failures, metrics and scopes are told apart by.

use super::protected::Protected;
use crate::identity::Scope;

/// The endpoints of the public listener, as far as answers and metrics differ.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Endpoint {
    /// Metadata of authorization server and protected resource, and `GET /openapi.json`
    Discovery,
    /// `POST /2/events`
    Events,
    /// `GET /2/footprints/{id}`
    GetFootprint,
    /// `POST /auth/introspect`
    Introspect,
    /// `GET /jwks`
    Jwks,
    /// `GET /2/footprints`
    ListFootprints,
    /// `POST /auth/revoke`
    Revoke,
    /// `GET /2/ileap/tad`
    Tad,
    /// `POST /auth/token`
    Token,
    /// Any other path.
    Unknown,
    /// Any other path below `/auth/`.
    UnknownAuth,
    /// `GET /auth/verify`, for the endpoint that the asking proxy protects.
    Verify(Protected),
    /// `POST /webhooks/clerk`
    Webhooks,
}

impl Endpoint {
    /// Every endpoint, in the order of the table of failures.
    pub const ALL: [Self; 17] = [
        Self::Token,
        Self::Introspect,
        Self::Revoke,
        Self::ListFootprints,
        Self::GetFootprint,
        Self::Events,
        Self::Tad,
        Self::Discovery,
        Self::Jwks,
        Self::Verify(Protected::ListFootprints),
        Self::Verify(Protected::GetFootprint),
        Self::Verify(Protected::Events),
        Self::Verify(Protected::Tad),
        Self::Verify(Protected::Other),
        Self::Webhooks,
        Self::UnknownAuth,
        Self::Unknown,
    ];

    /// The endpoint of `path`, which may begin with the public base URL's own path: what the router takes it for, also
    /// where that path looks like one of ours (`/auth`, `/2`).
    pub fn of(path: &str, prefix: &str) -> Self {
        let stripped = without_prefix(path, prefix);
        let known = Self::known(stripped).or_else(|| Self::known(path));
        known.unwrap_or_else(|| {
            if [stripped, path]
                .iter()
                .any(|path| path.starts_with("/auth/"))
            {
                Self::UnknownAuth
            } else {
                Self::Unknown
            }
        })
    }

    fn known(path: &str) -> Option<Self> {
        let endpoint = match path {
            "/auth/token" => Self::Token,
            "/auth/introspect" => Self::Introspect,
            "/auth/revoke" => Self::Revoke,
            // Of what it protects, the path says nothing.
            "/auth/verify" => Self::Verify(Protected::Other),
            "/2/footprints" => Self::ListFootprints,
            "/2/events" => Self::Events,
            "/2/ileap/tad" => Self::Tad,
            "/jwks" => Self::Jwks,
            "/webhooks/clerk" => Self::Webhooks,
            "/openapi.json" => Self::Discovery,
            _ if path.starts_with("/.well-known/") => Self::Discovery,
            _ if path.starts_with("/2/footprints/") => Self::GetFootprint,
            _ => return None,
        };
        Some(endpoint)
    }

    /// The scopes without which an access token does not open this endpoint.
    pub fn scopes(self) -> &'static [Scope] {
        match self {
            Self::ListFootprints | Self::Tad => &[Scope::FootprintList],
            Self::GetFootprint => &[Scope::FootprintRead],
            Self::Verify(protected) => protected.scopes(),
            Self::Discovery
            | Self::Events
            | Self::Introspect
            | Self::Jwks
            | Self::Revoke
            | Self::Token
            | Self::Unknown
            | Self::UnknownAuth
            | Self::Webhooks => &[],
        }
    }

    /// A stable name for logs and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Events => "events",
            Self::GetFootprint => "get_footprint",
            Self::Introspect => "introspect",
            Self::Jwks => "jwks",
            Self::ListFootprints => "list_footprints",
            Self::Revoke => "revoke",
            Self::Tad => "tad",
            Self::Token => "token",
            Self::Unknown => "unknown",
            Self::UnknownAuth => "unknown_auth",
            Self::Verify(_) => "verify",
            Self::Webhooks => "webhooks",
        }
    }
}

/// The public base URL's path is left out where it is there: a proxy may strip it.
pub(super) fn without_prefix<'a>(path: &'a str, prefix: &str) -> &'a str {
    match path.strip_prefix(prefix) {
        Some(rest) if !prefix.is_empty() && rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_recognised_with_and_without_the_base_path() {
        for (path, expected) in [
            ("/auth/token", Endpoint::Token),
            ("/auth/introspect", Endpoint::Introspect),
            ("/auth/revoke", Endpoint::Revoke),
            ("/auth/verify", Endpoint::Verify(Protected::Other)),
            ("/auth/other", Endpoint::UnknownAuth),
            ("/2/footprints", Endpoint::ListFootprints),
            ("/2/footprints/x", Endpoint::GetFootprint),
            ("/2/events", Endpoint::Events),
            ("/2/ileap/tad", Endpoint::Tad),
            ("/jwks", Endpoint::Jwks),
            ("/openapi.json", Endpoint::Discovery),
            ("/.well-known/openid-configuration", Endpoint::Discovery),
            ("/webhooks/clerk", Endpoint::Webhooks),
            ("/other", Endpoint::Unknown),
        ] {
            assert_eq!(Endpoint::of(path, ""), expected, "{path}");
            // The latter ones are paths of ours themselves.
            for prefix in [
                "/api/ileap",
                "/auth",
                "/auth/verify",
                "/2",
                "/2/footprints",
                "/jwks",
                "/webhooks",
            ] {
                assert_eq!(Endpoint::of(path, prefix), expected, "{prefix} {path}");
                let whole = format!("{prefix}{path}");
                let is_below_auth = prefix.starts_with("/auth") && expected == Endpoint::Unknown;
                let expected = match expected {
                    Endpoint::Unknown | Endpoint::UnknownAuth if prefix == "/2/footprints" => {
                        Endpoint::GetFootprint
                    }
                    _ if is_below_auth => Endpoint::UnknownAuth,
                    expected => expected,
                };
                assert_eq!(Endpoint::of(&whole, prefix), expected, "{whole}");
            }
        }
        assert_eq!(
            Endpoint::of("/api/ileapx/jwks", "/api/ileap"),
            Endpoint::Unknown
        );
        assert_eq!(Endpoint::of("/jwks", "/jw"), Endpoint::Jwks);
    }
}
