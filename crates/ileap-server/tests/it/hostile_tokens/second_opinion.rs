//! The `jsonwebtoken` crate, told to be as strict as its options allow.

use ileap_server::token::Algorithm;
use jsonwebtoken::{
    DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    errors::ErrorKind,
    jwk::{Jwk, JwkSet, KeyAlgorithm},
};
use serde_json::Value;

use super::{
    cases::{AUDIENCE, ISSUER, TYP},
    forge::Forge,
};

/// Where we say invalid and it does not: why we do, and for which cases.
pub(crate) const DIFFERENCES: &[(&str, &[&str])] = &[
    (
        "RFC 7515 §4.1.11 and RFC 8725 §3.10: a header that changes how the rest is read, or brings a key",
        &[
            "header b64 off",
            "header b64 on",
            "header crit with a name",
            "header crit without a name",
            "header jku",
            "header jwk",
            "header x5c",
            "header x5u",
            "header zip",
        ],
    ),
    (
        "RFC 8725 §3.11: it does not look at the type",
        &[
            "no typ",
            "typ \"\"",
            "typ \"JWT\"",
            "typ \"id+jwt\"",
            "typ \"logout+jwt\"",
            "typ null",
        ],
    ),
    (
        "RFC 9068 §2.2: it does not know which claims our tokens carry, nor that iat is one",
        &[
            "client_id is \"a\\u0000b\"",
            "iat in the future",
            "iat is \"4102444800\"",
            "iat is -1",
            "iat is -4102444800",
            "iat is 18446744073709551615",
            "iat is 1e308",
            "iat is 4.1024448e9",
            "iat is 4102444800.0",
            "iat is 9223372036854775807",
            "iat is 99999999999999999999",
            "iat is [4102444800]",
            "iat is null",
            "iat is true",
            "iat is {}",
            "jti is 7",
            "no client_id",
            "no iat",
            "no jti",
            "no roles",
            "no scope",
            "org_id is 7",
            "roles is \"all\"",
            "roles is [\"admin\"]",
            "scope is [\"footprint:read\"]",
            "sub is \"\"",
        ],
    ),
    (
        "RFC 7519 §2 allows fractions of a second and sets no end of time; we write whole seconds",
        &[
            "exp is 18446744073709551615",
            "exp is 4.1024448e9",
            "exp is 4102444800.0",
            "exp is 9223372036854775807",
        ],
    ),
    (
        "RFC 7519 §4.1.1: the issuer is one string",
        &["iss is [\"https://ileap.example.com\"]"],
    ),
    (
        "RFC 7519 §4: we refuse a member named twice at any depth, it only among the registered claims",
        &["a doubled member further in"],
    ),
    (
        "it sets no bounds of its own",
        &[
            "101 levels",
            "9 levels",
            "a header of more than 1 KiB",
            "more than 8 KiB",
        ],
    ),
    (
        "it judges times before the audience and nbf, we call only a token expired that is good otherwise",
        &["expired and not for us", "expired before it began"],
    ),
];

pub(crate) fn verdict(jwks: &[u8], token: &str) -> &'static str {
    match judge(jwks, token) {
        Ok(()) => "valid",
        Err(ErrorKind::ExpiredSignature) => "expired",
        Err(_) => "invalid",
    }
}

/// A token made there with our key.
pub(crate) fn mint(forge: &Forge, algorithm: Algorithm, claims: &Value) -> String {
    let pkcs8 = forge.pkcs8(algorithm);
    let (alg, key) = match algorithm {
        // It wants the PKCS#1 key inside, which in PKCS#8 begins after 26 bytes (RSA of 2048 bits).
        Algorithm::Rs256 => (
            jsonwebtoken::Algorithm::RS256,
            EncodingKey::from_rsa_der(&pkcs8[26..]),
        ),
        Algorithm::Es256 => (
            jsonwebtoken::Algorithm::ES256,
            EncodingKey::from_ec_der(pkcs8),
        ),
        Algorithm::EdDsa => (
            jsonwebtoken::Algorithm::EdDSA,
            EncodingKey::from_ed_der(pkcs8),
        ),
    };
    let mut header = Header::new(alg);
    header.typ = Some(TYP.to_owned());
    header.kid = Some(forge.kid(algorithm).to_owned());
    encode(&header, claims, &key).unwrap()
}

fn judge(jwks: &[u8], token: &str) -> Result<(), ErrorKind> {
    let keys: JwkSet = serde_json::from_slice(jwks).unwrap();
    let header = decode_header(token).map_err(jsonwebtoken::errors::Error::into_kind)?;
    let kid = header.kid.ok_or(ErrorKind::InvalidToken)?;
    let key = keys.find(&kid).ok_or(ErrorKind::InvalidToken)?;
    let mut validation = Validation::new(pinned_algorithm(key));
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let decoding_key = DecodingKey::from_jwk(key).unwrap();
    decode::<Value>(token, &decoding_key, &validation)
        .map(drop)
        .map_err(jsonwebtoken::errors::Error::into_kind)
}

fn pinned_algorithm(key: &Jwk) -> jsonwebtoken::Algorithm {
    match key.common.key_algorithm.unwrap() {
        KeyAlgorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        KeyAlgorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        KeyAlgorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        other => panic!("our key set does not hold keys for {other:?}"),
    }
}
