//! Discovery documents and keys.

use super::{brief, case};
use crate::{
    case::{BOTH, BOTH_FROM_21, Case, HARDENING, PACT},
    outcome::{Judgement, Stop},
    run::Run,
    wire::{Auth, Request},
};

pub(super) static CASES: &[Case] = &[
    case!(
        "auth/discovery",
        Recommended,
        BOTH_FROM_21,
        "PACT 2.1+ §Authentication; OpenID Connect Discovery 1.0 §3",
        "The discovery document names token_endpoint and jwks_uri as absolute URLs, and the base URL as issuer.",
        document
    ),
    case!(
        "auth/discovery-host",
        Recommended,
        BOTH,
        "RFC 9700 §2",
        "The token endpoint is on the host under test, or on one that was named as trusted.",
        host
    ),
    case!(
        "auth/jwks",
        Recommended,
        BOTH,
        "RFC 7517 §5",
        "jwks_uri answers a set of public keys with kty and kid.",
        jwks
    ),
    case!(
        "hardening/jwks-private",
        Hardening,
        HARDENING,
        "RFC 7517 §9.3",
        "The key set holds no private or symmetric key.",
        no_private
    ),
    case!(
        "pact/tc18",
        Recommended,
        PACT,
        "PACT conformance TC18",
        "A token is got at the token endpoint that discovery names.",
        tc18
    ),
    case!(
        "pact/tc19",
        Recommended,
        PACT,
        "PACT conformance TC19",
        "Wrong credentials are refused with 400 or 401 at the token endpoint that discovery names.",
        tc19
    ),
];

/// Where there is none, its contents cannot be judged.
async fn present(run: &Run) -> Result<serde_json::Value, Stop> {
    run.discovery().await.map_err(|stop| {
        let mut skip = Stop::skip(format!("there is no discovery document: {}", stop.reason));
        skip.exchange = stop.exchange;
        skip
    })
}

async fn document(run: &Run) -> Judgement {
    let document = run.discovery().await?;
    for name in ["token_endpoint", "jwks_uri"] {
        let url = document[name].as_str().unwrap_or_default();
        if url::Url::parse(url).is_err() {
            return Err(Stop::fail(format!(
                "`{name}` is no absolute URL: {:?}",
                brief(url)
            )));
        }
    }
    match document["issuer"].as_str() {
        Some(issuer) if issuer.trim_end_matches('/') == run.auth_base() => Ok(String::new()),
        issuer => Err(Stop::fail(format!(
            "`issuer` is {:?}, not the base URL {}",
            brief(issuer.unwrap_or_default()),
            run.auth_base()
        ))),
    }
}

async fn host(run: &Run) -> Judgement {
    let document = present(run).await?;
    let Some(url) = document["token_endpoint"].as_str() else {
        return Err(Stop::skip("discovery names no token endpoint"));
    };
    if run.may_have_credentials(url) {
        return Ok(String::new());
    }
    let reason = format!(
        "discovery sends credentials to {}; allow it with --allow-auth-host HOST if that is right",
        brief(url)
    );
    // PACT allows it; whether it is right only its owner knows.
    Err(Stop::warn(reason))
}

async fn keys(run: &Run) -> Result<crate::wire::Answer, Stop> {
    let document = present(run).await?;
    let Some(url) = document["jwks_uri"].as_str() else {
        return Err(Stop::skip("discovery names no jwks_uri"));
    };
    if !run.may_have_credentials(url) {
        return Err(Stop::skip(
            "jwks_uri is on another host (--allow-auth-host HOST)",
        ));
    }
    let answer = run.wire.send(Request::get(url)).await?;
    answer.expect(&[200])?;
    Ok(answer)
}

async fn jwks(run: &Run) -> Judgement {
    let answer = keys(run).await?;
    let set = answer.json()?;
    let Some(keys) = set["keys"].as_array().filter(|keys| !keys.is_empty()) else {
        return Err(answer.fails("`keys` is no array with a key in it"));
    };
    for key in keys {
        for name in ["kty", "kid"] {
            if key[name].as_str().is_none_or(str::is_empty) {
                return Err(answer.fails(format!("a key has no `{name}`")));
            }
        }
    }
    Ok(String::new())
}

async fn no_private(run: &Run) -> Judgement {
    let answer = keys(run).await?;
    let set = answer.json()?;
    let keys = set["keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for name in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        if keys.iter().any(|key| key.get(name).is_some()) {
            // The answer would carry the key into reports.
            return Err(Stop::fail(format!(
                "a key has the private member `{name}`: replace it"
            )));
        }
    }
    Ok(String::new())
}

async fn discovered(run: &Run) -> Result<String, Stop> {
    let document = present(run).await?;
    let Some(url) = document["token_endpoint"].as_str() else {
        return Err(Stop::fail("discovery names no token_endpoint"));
    };
    if !run.may_have_credentials(url) {
        let reason = format!(
            "{} is another host: --allow-auth-host HOST allows it",
            brief(url)
        );
        return Err(Stop::skip(reason));
    }
    Ok(url.to_owned())
}

async fn tc18(run: &Run) -> Judgement {
    let url = discovered(run).await?;
    let request = Request::form(url, "grant_type=client_credentials").auth(Auth::Basic);
    let answer = run.wire.send(request).await?;
    answer.expect(&[200])?;
    match answer.json()?["access_token"].as_str() {
        Some(token) if !token.is_empty() => Ok(String::new()),
        _ => Err(answer.fails("no `access_token`")),
    }
}

async fn tc19(run: &Run) -> Judgement {
    let request = Request::form(discovered(run).await?, "grant_type=client_credentials");
    let answer = run.wire.send(request.auth(super::token::nobody())).await?;
    answer.expect(&[400, 401])?;
    Ok(String::new())
}
