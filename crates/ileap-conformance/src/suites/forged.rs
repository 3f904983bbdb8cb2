//! Tokens that strangers could make.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::case;
use crate::{
    case::{Case, HARDENING},
    jwt::{Jwt, public_key_forms},
    outcome::{Judgement, Stop},
    run::{Run, exposed},
    wire::{Auth, Request},
};

pub(super) static CASES: &[Case] = &[
    case!(
        "hardening/token-signature",
        Hardening,
        HARDENING,
        "RFC 7515 §5.2; RFC 8725 §3.3",
        "A token with a broken signature opens nothing.",
        signature
    ),
    case!(
        "hardening/token-claims",
        Hardening,
        HARDENING,
        "RFC 7515 §5.2; RFC 8725 §3.3",
        "A token with altered claims opens nothing.",
        claims
    ),
    case!(
        "hardening/token-alg-none",
        Hardening,
        HARDENING,
        "RFC 8725 §3.1",
        "An unsigned token opens nothing.",
        none
    ),
    case!(
        "hardening/token-public-key",
        Hardening,
        HARDENING,
        "RFC 8725 §2.1",
        "A token signed with the host's public key as an HMAC secret opens nothing.",
        public_key
    ),
    case!(
        "hardening/token-made-up",
        Hardening,
        HARDENING,
        "RFC 7515 §5.2",
        "An unsigned token of somebody else's making opens nothing.",
        made_up
    ),
    case!(
        "hardening/token-padded",
        Hardening,
        HARDENING,
        "RFC 7515 §2",
        "A token in another writing, with base64's padding, opens nothing.",
        padded
    ),
    case!(
        "hardening/token-large",
        Hardening,
        HARDENING,
        "CWE-770",
        "A token of twelve kilobytes is refused.",
        large
    ),
    case!(
        "hardening/token-expires",
        Hardening,
        HARDENING,
        "RFC 9068 §2.2; RFC 6750 §5.3",
        "Tokens end: within a day, and as expires_in says.",
        expires
    ),
];

/// The host's own token, where it is a JWT.
pub(super) async fn own(run: &Run) -> Result<Jwt, Stop> {
    let token = run.token().await?;
    Jwt::parse(exposed(&token)).ok_or_else(|| Stop::skip("the host's tokens are no JWTs"))
}

/// Refused on both data endpoints.
pub(super) async fn refused(
    run: &Run,
    token: &SecretString,
    shown: &'static str,
) -> Result<(), Stop> {
    for path in ["/2/footprints?limit=1", "/2/ileap/tad?limit=1"] {
        let auth = Auth::Forged {
            token: token.clone(),
            shown,
        };
        let answer = run
            .wire
            .send(Request::get(run.url(path)).auth(auth))
            .await?;
        answer.expect_refusal()?;
    }
    Ok(())
}

async fn signature(run: &Run) -> Judgement {
    let token = own(run).await?.with_broken_signature();
    refused(run, &token, "$TOKEN_WITH_ITS_SIGNATURE_REVERSED").await?;
    Ok(String::new())
}

async fn claims(run: &Run) -> Judgement {
    let token = own(run).await?.with_altered_claims();
    refused(run, &token, "$TOKEN_WITH_ALTERED_CLAIMS").await?;
    Ok(String::new())
}

async fn none(run: &Run) -> Judgement {
    let token = own(run).await?.unsigned();
    refused(run, &token, "$TOKEN_WITH_ALG_NONE").await?;
    Ok(String::new())
}

async fn public_key(run: &Run) -> Judgement {
    let jwt = own(run).await?;
    let document = run.discovery().await.unwrap_or_default();
    let url = document["jwks_uri"]
        .as_str()
        .filter(|url| run.may_have_credentials(url));
    let Some(url) = url else {
        return Err(Stop::skip("discovery names no key set on this host"));
    };
    let answer = run.wire.send(Request::get(url)).await?;
    answer.expect(&[200])?;
    let set = answer.json()?;
    let keys = set["keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let kid = &jwt.header["kid"];
    let key = keys.iter().find(|key| kid.is_null() || key["kid"] == *kid);
    let forms = public_key_forms(key.unwrap_or(&Value::Null));
    if forms.is_empty() {
        return Err(Stop::skip(
            "the host's key is of a kind that this suite does not know",
        ));
    }
    for form in forms {
        let token = jwt.signed_with_public_key(&form);
        refused(run, &token, "$TOKEN_WITH_ALG_HS256_AND_THE_PUBLIC_KEY").await?;
    }
    Ok(String::new())
}

async fn padded(run: &Run) -> Judgement {
    let token = own(run).await?.padded();
    refused(run, &token, "$TOKEN==").await?;
    Ok(String::new())
}

/// A token of somebody else's making.
fn strange(run: &Run, padding: usize) -> SecretString {
    let encoded = |value: &Value| BASE64URL.encode(value.to_string());
    let claims = json!({
        "iss": run.base(), "aud": run.base(), "sub": "stranger", "client_id": "stranger",
        "username": "stranger", "roles": ["all"], "exp": 4_102_444_800_u32, "padding": "x".repeat(padding),
    });
    let header = encoded(&json!({"alg": "RS256", "typ": "at+jwt"}));
    let token = format!("{header}.{}.{}", encoded(&claims), "A".repeat(342));
    SecretString::from(token)
}

async fn made_up(run: &Run) -> Judgement {
    refused(run, &strange(run, 0), "$MADE_UP_TOKEN").await?;
    Ok(String::new())
}

async fn large(run: &Run) -> Judgement {
    refused(run, &strange(run, 9 * 1024), "$MADE_UP_TOKEN_OF_12_KB").await?;
    Ok(String::new())
}

async fn expires(run: &Run) -> Judgement {
    let answer = run.wire.send(run.token_request().await?).await?;
    answer.expect(&[200])?;
    let body = answer.json()?;
    let life = body["expires_in"].as_u64();
    let jwt = body["access_token"].as_str().and_then(Jwt::parse);
    let claimed = jwt.map(|jwt| jwt.claims["exp"].as_i64());
    match (life, claimed) {
        (Some(life), _) if life > 86_400 => Err(answer.fails(format!("it lives {life} s"))),
        (_, Some(None)) => Err(answer.fails("the token has no `exp`: it never ends")),
        (None, None) => Err(answer.fails("neither expires_in nor the token says when it ends")),
        _ => Ok(String::new()),
    }
}
