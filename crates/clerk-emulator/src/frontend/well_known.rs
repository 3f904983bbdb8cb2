//! The discovery documents of the instance as an OAuth provider. Its OAuth endpoints are not emulated.

use serde_json::{Value, json};

use crate::answer::with;

/// `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §4.2)
pub(crate) fn openid_configuration(origin: &str) -> Value {
    [
        (
            "introspection_endpoint",
            json!(format!("{origin}/oauth/token_info")),
        ),
        (
            "userinfo_endpoint",
            json!(format!("{origin}/oauth/userinfo")),
        ),
        ("response_modes_supported", json!(["query"])),
        ("backchannel_logout_supported", json!(false)),
        ("frontchannel_logout_supported", json!(false)),
    ]
    .into_iter()
    .fold(authorization_server(origin), |document, (name, member)| {
        with(document, name, member)
    })
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414 §3.2)
pub(crate) fn authorization_server(origin: &str) -> Value {
    json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/oauth/authorize"),
        "token_endpoint": format!("{origin}/oauth/token"),
        "revocation_endpoint": format!("{origin}/oauth/token/revoke"),
        "jwks_uri": format!("{origin}/.well-known/jwks.json"),
        "scopes_supported": ["openid", "profile", "email"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "claims_supported": ["aud", "exp", "iat", "iss", "sub"],
        "code_challenge_methods_supported": ["S256"],
    })
}
