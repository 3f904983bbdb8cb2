//! The messages of OAuth 2.0: token response, token error, authorization server metadata.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::wire::wire_enum;

/// A bearer access token (RFC 6750). Its text cannot be printed by accident.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct AccessToken(String);

impl AccessToken {
    /// Takes the text of a token.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The text, for the one place that puts it into a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken([redacted])")
    }
}

/// Whether a text can be shown as a token: one word of visible ASCII (RFC 6750 §2.1 takes fewer characters still).
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A successful token response (RFC 6749 §5.1).
///
/// Reading is lenient: partners exist whose response has nothing but `access_token`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TokenResponse {
    /// The token. Written only as part of this response.
    #[serde(serialize_with = "write_token")]
    pub access_token: AccessToken,
    /// How the token is used, in any case; `Bearer` when absent.
    #[serde(default = "bearer")]
    pub token_type: String,
    /// The seconds the token still lives; `None` when absent or unreadable.
    #[serde(
        default,
        deserialize_with = "read_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_in: Option<u64>,
    /// The scopes granted, separated by spaces (RFC 6749 §3.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

wire_enum! {
    /// The error codes of the token endpoint (RFC 6749 §5.2, §4.1.2.1).
    pub closed enum ErrorCode {
        /// The request is malformed, or repeats or lacks a parameter.
        InvalidRequest = "invalid_request",
        /// The client is unknown or its credentials are wrong or absent.
        InvalidClient = "invalid_client",
        /// The grant itself is invalid.
        InvalidGrant = "invalid_grant",
        /// The client may not use this grant.
        UnauthorizedClient = "unauthorized_client",
        /// The grant type is not served.
        UnsupportedGrantType = "unsupported_grant_type",
        /// A scope is unknown or not allowed.
        InvalidScope = "invalid_scope",
        /// The server cannot answer now; try again later.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// The server met an unexpected condition.
        ServerError = "server_error",
    }
}

/// The body of a refused token request (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorBody {
    /// The code for machines.
    pub error: ErrorCode,
    /// The text for people: printable ASCII without `"` and `\`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

/// Authorization server metadata (RFC 8414 §2, OpenID Connect Discovery 1.0 §3).
///
/// One document serves both well-known paths. Reading is lenient, because a client of iLEAP hosts
/// needs `token_endpoint` alone and may fall back when it is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct AuthorizationServerMetadata {
    /// The URL that names the server; equals `iss` in its tokens.
    pub issuer: String,
    /// Unused by the client credentials grant, yet demanded by OpenID Connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where tokens are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Where the public keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where tokens are judged (RFC 7662).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// Where tokens are revoked (RFC 7009).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// The response types served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types_supported: Vec<String>,
    /// The subject types served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_types_supported: Vec<String>,
    /// The algorithms tokens are signed with (RFC 7518 §3.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// The grants served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// How clients may authenticate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// How clients may authenticate where tokens are judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// How clients may authenticate where tokens are revoked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// What the tokens open (RFC 9728 §4).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protected_resources: Vec<String>,
    /// The scopes known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
}

/// Protected resource metadata (RFC 9728 §2). Reading is lenient, as of authorization servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ProtectedResourceMetadata {
    /// The URL that names the resource.
    pub resource: String,
    /// The issuers whose tokens open it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// How a token may be sent: `header`, `body` or `query`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
    /// The scopes that tokens for it may have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
}

fn bearer() -> String {
    "Bearer".to_owned()
}

/// Reads seconds as a number or, as some servers write them, as a string of digits.
fn read_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(seconds) => seconds.as_u64(),
        Value::String(seconds) => seconds.parse().ok(),
        _ => None,
    })
}

fn write_token<S: Serializer>(token: &AccessToken, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_response_writes_the_token_and_never_prints_it() {
        let response = TokenResponse {
            access_token: AccessToken::new("abc.def.ghi".to_owned()),
            token_type: "Bearer".to_owned(),
            expires_in: Some(3600),
            scope: None,
        };
        assert_eq!(
            serde_json::to_value(&response).unwrap(),
            json!({"access_token": "abc.def.ghi", "token_type": "Bearer", "expires_in": 3600})
        );
        assert!(!format!("{response:?}").contains("abc"));
    }

    #[test]
    fn a_response_with_a_token_alone_is_read() {
        let response: TokenResponse =
            serde_json::from_value(json!({"access_token": "t", "refresh_token": null})).unwrap();
        assert_eq!(response.access_token.expose(), "t");
        assert_eq!(response.token_type, "Bearer");
        assert_eq!(response.expires_in, None);
    }

    #[test]
    fn an_odd_lifetime_does_not_spoil_a_token() {
        for (expires_in, seconds) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(null), None),
            (json!(-1), None),
            (json!(0.5), None),
            (json!("soon"), None),
        ] {
            let response = json!({"access_token": "t", "expires_in": expires_in});
            let response: TokenResponse = serde_json::from_value(response).unwrap();
            assert_eq!(response.expires_in, seconds, "{expires_in}");
        }
    }

    #[test]
    fn error_codes_have_the_spelling_of_the_rfc() {
        let body = ErrorBody {
            error: ErrorCode::InvalidClient,
            error_description: None,
        };
        assert_eq!(
            serde_json::to_value(&body).unwrap(),
            json!({"error": "invalid_client"})
        );
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.as_str()), Some(*code));
        }
        assert_eq!(ErrorCode::from_name("Invalid_Client"), None);
    }

    #[test]
    fn metadata_writes_only_what_is_set_and_reads_any_document() {
        let metadata = AuthorizationServerMetadata {
            issuer: "https://h".to_owned(),
            token_endpoint: Some("https://h/auth/token".to_owned()),
            grant_types_supported: vec!["client_credentials".to_owned()],
            ..Default::default()
        };
        let document = serde_json::to_value(&metadata).unwrap();
        assert_eq!(
            document,
            json!({"issuer": "https://h", "token_endpoint": "https://h/auth/token", "grant_types_supported": ["client_credentials"]})
        );
        let foreign = json!({"token_endpoint": "https://t", "claims_supported": ["sub"]});
        let read: AuthorizationServerMetadata = serde_json::from_value(foreign).unwrap();
        assert_eq!(read.token_endpoint.as_deref(), Some("https://t"));
    }
}
