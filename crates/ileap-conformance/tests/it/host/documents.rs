//! What the host says of itself, and its keys.

use axum::{extract::State, http::HeaderMap, response::Response};
use serde_json::{Value, json};

use super::{
    Host, Shared,
    answers::{ok, status},
};

/// The modulus of an RSA key of 2048 bits; nobody needs its other half.
const MODULUS: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

/// What a client is told of this host's URL.
pub(super) fn public(host: &Host, headers: &HeaderMap) -> String {
    let named = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let spoofed = if host.is("host-believed") {
        named("host")
    } else if host.is("forwarded-host-believed") {
        named("x-forwarded-host")
    } else {
        None
    };
    spoofed.map_or_else(|| host.base.clone(), |name| format!("http://{name}/api"))
}

pub(super) async fn discovery(State(host): State<Shared>, headers: HeaderMap) -> Response {
    if host.is("no-discovery") {
        return status(404);
    }
    let base = public(&host, &headers);
    let mut document = json!({
        "issuer": base,
        "token_endpoint": format!("{base}/auth/token"),
        "jwks_uri": format!("{base}/jwks"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    });
    match host.fault {
        "foreign-token-endpoint" | "foreign-tokens-only" => {
            document["token_endpoint"] = json!("https://elsewhere.invalid/token");
        }
        "odd-writing" => document["issuer"] = json!(format!("{base}/")),
        "no-token-endpoint" => document["token_endpoint"] = Value::Null,
        "other-issuer" => document["issuer"] = json!("https://elsewhere.invalid"),
        _ => {}
    }
    ok(&host, &document)
}

pub(super) async fn jwks(State(host): State<Shared>) -> Response {
    let mut key =
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": MODULUS, "e": "AQAB"});
    match host.fault {
        "hs256-ec" => {
            let point = [
                "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            ];
            key = json!({"kty": "EC", "use": "sig", "alg": "ES256", "kid": "k1", "crv": "P-256", "x": point[0], "y": point[1]});
        }
        "private-key" => key["d"] = json!("AQAB"),
        "no-kid" => key["kid"] = Value::Null,
        _ => {}
    }
    ok(&host, &json!({"keys": [key]}))
}
