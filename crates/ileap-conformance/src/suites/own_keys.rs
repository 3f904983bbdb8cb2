//! Tokens that tell by which key they are to be believed.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    case,
    forged::{own, refused},
};
use crate::{
    case::{Case, HARDENING},
    jwt::OwnKey,
    outcome::{Judgement, Stop},
    run::Run,
    wire::{Auth, Request},
};

pub(super) static CASES: &[Case] = &[
    case!(
        "hardening/token-own-key",
        Hardening,
        HARDENING,
        "RFC 8725 §2.6; RFC 7515 §4.1.2 and §4.1.3",
        "A token signed with a key that it brings along (jwk) or points to (jku) opens nothing.",
        own_key
    ),
    case!(
        "hardening/token-own-certificate",
        Hardening,
        HARDENING,
        "RFC 8725 §2.6; RFC 7515 §4.1.5 and §4.1.6",
        "A token signed with the key of a certificate that it brings along (x5c) or points to (x5u) opens nothing.",
        own_certificate
    ),
    case!(
        "hardening/token-points-away",
        Hardening,
        HARDENING,
        "RFC 8725 §3.10; CWE-918",
        "The host does not fetch what a stranger's token points to.",
        points_away
    ),
];

/// Where nobody can answer.
const NOWHERE: &str = "https://conformance.invalid/keys";

fn key() -> Result<OwnKey, Stop> {
    OwnKey::generate().ok_or_else(|| Stop::inconclusive("no key can be made on this machine"))
}

/// Signed with `key`, of which the header `name` tells.
async fn signed(run: &Run, key: &OwnKey, name: &str, value: &Value) -> Result<SecretString, Stop> {
    let token = key.sign(&own(run).await?, name, value);
    token.ok_or_else(|| Stop::inconclusive("no token can be signed on this machine"))
}

/// How a person is shown it.
fn shown(name: &str) -> &'static str {
    match name {
        "jwk" => "$TOKEN_WITH_ITS_KEY_IN_JWK",
        "jku" => "$TOKEN_WITH_ITS_KEY_AT_JKU",
        "x5c" => "$TOKEN_WITH_ITS_CERTIFICATE_IN_X5C",
        _ => "$TOKEN_WITH_ITS_CERTIFICATE_AT_X5U",
    }
}

async fn refused_with(run: &Run, key: &OwnKey, name: &str, value: &Value) -> Result<(), Stop> {
    let token = signed(run, key, name, value).await?;
    refused(run, &token, shown(name)).await
}

/// Where the host finds `text`, if it reaches us.
async fn offered(run: &Run, text: String) -> String {
    let listener = run.listener().await;
    listener.map_or_else(|_| NOWHERE.to_owned(), |listener| listener.offer(text))
}

async fn own_key(run: &Run) -> Judgement {
    let key = key()?;
    refused_with(run, &key, "jwk", &key.jwk()).await?;
    let url = offered(run, key.set().to_string()).await;
    refused_with(run, &key, "jku", &json!(url)).await?;
    Ok(String::new())
}

async fn own_certificate(run: &Run) -> Judgement {
    let key = key()?;
    refused_with(run, &key, "x5c", &key.chain()).await?;
    let url = offered(run, key.pem()).await;
    refused_with(run, &key, "x5u", &json!(url)).await?;
    Ok(String::new())
}

async fn points_away(run: &Run) -> Judgement {
    let (listener, key) = (run.listener().await?, key()?);
    for (name, text) in [("jku", key.set().to_string()), ("x5u", key.pem())] {
        let url = listener.offer(text);
        let auth = Auth::Forged {
            token: signed(run, &key, name, &json!(url)).await?,
            shown: shown(name),
        };
        let request = Request::get(run.url("/2/footprints?limit=1")).auth(auth);
        // Whether it opens something is for other cases.
        let answer = run.wire.send(request).await?;
        if listener.was_asked(&url) {
            return Err(answer.fails(format!("the host fetched what the header {name} points to")));
        }
    }
    Ok(String::new())
}
