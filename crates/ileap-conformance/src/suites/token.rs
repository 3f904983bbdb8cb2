//! The token endpoint.

use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use uuid::Uuid;

use super::{case, intrusive, refused};
use crate::{
    case::{BOTH, Case, HARDENING, PACT},
    outcome::{Judgement, Stop},
    run::Run,
    wire::{Answer, Auth, Request, basic},
};

pub(super) static CASES: &[Case] = &[
    case!(
        "pact/tc01",
        Required,
        PACT,
        "PACT conformance TC01",
        "The right credentials get an access token.",
        tc01
    ),
    case!(
        "pact/tc02",
        Required,
        PACT,
        "PACT conformance TC02",
        "Wrong credentials are refused with 400 or 401.",
        tc02
    ),
    case!(
        "auth/token-response",
        Required,
        BOTH,
        "RFC 6749 §5.1",
        "The answer is JSON with access_token, token_type bearer, and expires_in as a number if given.",
        response
    ),
    case!(
        "auth/no-store",
        Recommended,
        BOTH,
        "RFC 6749 §5.1",
        "The answer with a token says Cache-Control: no-store.",
        no_store
    ),
    case!(
        "auth/content-type-parameter",
        Recommended,
        BOTH,
        "RFC 9110 §8.3.1",
        "A form with charset=UTF-8 in its content type is accepted.",
        charset
    ),
    case!(
        "auth/scheme-case",
        Recommended,
        BOTH,
        "RFC 7617 §2; RFC 9110 §11.1",
        "The scheme Basic is accepted in any case.",
        scheme_case
    ),
    case!(
        "auth/percent-encoded-basic",
        Recommended,
        BOTH,
        "RFC 6749 §2.3.1",
        "Id and secret are also accepted form-encoded in the Basic header.",
        encoded_basic
    ),
    case!(
        "auth/form-credentials",
        Recommended,
        BOTH,
        "RFC 6749 §2.3.1",
        "Where discovery offers client_secret_post, credentials in the form are accepted.",
        form_credentials
    ),
    case!(
        "auth/unknown-parameters",
        Recommended,
        BOTH,
        "RFC 6749 §3.2",
        "Unknown scope, audience and resource do not keep a partner out.",
        unknown_parameters
    ),
    case!(
        "auth/error-body",
        Required,
        BOTH,
        "RFC 6749 §5.2",
        "Wrong credentials are answered with JSON and the error invalid_client (or invalid_request).",
        error_body
    ),
    case!(
        "auth/no-credentials",
        Required,
        BOTH,
        "RFC 6749 §5.2",
        "A request without credentials gets 400 or 401.",
        no_credentials
    ),
    case!(
        "auth/undecodable-basic",
        Recommended,
        BOTH,
        "RFC 7617 §2; RFC 6749 §5.2",
        "A Basic header that cannot be decoded gets 400 or 401.",
        undecodable
    ),
    case!(
        "auth/missing-grant-type",
        Recommended,
        BOTH,
        "RFC 6749 §5.2",
        "A request without grant_type gets 400 invalid_request.",
        no_grant
    ),
    case!(
        "auth/unsupported-grant-type",
        Recommended,
        BOTH,
        "RFC 6749 §5.2",
        "Another grant type gets 400 unsupported_grant_type.",
        other_grant
    ),
    case!(
        "auth/grant-in-query",
        Recommended,
        BOTH,
        "RFC 6749 §3.2 and §4.4.2",
        "Parameters count in the body alone: a grant type in the URL gets 400.",
        grant_in_query
    ),
    case!(
        "auth/basic-challenge",
        Recommended,
        BOTH,
        "RFC 6749 §5.2; RFC 9110 §11.6.1",
        "Where wrong credentials of a Basic header get 401, it says WWW-Authenticate: Basic.",
        basic_challenge
    ),
    case!(
        "auth/wrong-content-type",
        Recommended,
        BOTH,
        "RFC 6749 §4.4.2",
        "A body that is no form is refused.",
        wrong_content_type
    ),
    case!(
        "auth/duplicate-parameter",
        Recommended,
        BOTH,
        "RFC 6749 §3.2",
        "A repeated parameter is refused with 400.",
        duplicate
    ),
    case!(
        "auth/two-mechanisms",
        Recommended,
        BOTH,
        "RFC 6749 §2.3",
        "Credentials in header and form at once are refused.",
        two_mechanisms
    ),
    case!(
        "auth/get-not-allowed",
        Recommended,
        BOTH,
        "RFC 6749 §3.2; RFC 9110 §15.5.6",
        "GET on the token endpoint gets 405 with Allow: POST.",
        get
    ),
    case!(
        "hardening/token-large-body",
        Hardening,
        HARDENING,
        "CWE-770",
        "A token request of a megabyte is refused.",
        large_body
    ),
    intrusive!(
        "hardening/no-enumeration",
        Hardening,
        HARDENING,
        "CWE-204",
        "A wrong secret of a real account and an unknown account get the same answer.",
        no_enumeration
    ),
];

/// Credentials that nobody has.
pub(super) fn nobody() -> Auth {
    Auth::BasicOf {
        id: format!("nobody-{}", Uuid::new_v4()),
        secret: Uuid::new_v4().to_string(),
    }
}

async fn send(run: &Run, body: &str, auth: Auth) -> Result<Answer, Stop> {
    run.wire
        .send(Request::form(run.token_url().await?, body).auth(auth))
        .await
}

const GRANT: &str = "grant_type=client_credentials";

fn has_token(answer: &Answer) -> Result<(), Stop> {
    answer.expect(&[200])?;
    match answer.json()?["access_token"].as_str() {
        Some(token) if !token.is_empty() => Ok(()),
        _ => Err(answer.fails("no `access_token`")),
    }
}

async fn tc01(run: &Run) -> Judgement {
    let answer = send(run, GRANT, Auth::Basic).await?;
    has_token(&answer)?;
    Ok(String::new())
}

async fn tc02(run: &Run) -> Judgement {
    send(run, GRANT, nobody()).await?.expect(&[400, 401])?;
    Ok(String::new())
}

async fn response(run: &Run) -> Judgement {
    let answer = send(run, GRANT, Auth::Basic).await?;
    has_token(&answer)?;
    let body = answer.json()?;
    let kind = answer.media_type();
    if kind != "application/json" {
        return Err(answer.fails(format!("the content type is {kind:?}")));
    }
    if !body["token_type"]
        .as_str()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
    {
        return Err(answer.fails("`token_type` is not bearer"));
    }
    match &body["expires_in"] {
        Value::Null => Ok("no expires_in: clients have to guess".to_owned()),
        Value::Number(_) => Ok(String::new()),
        _ => Err(answer.fails("`expires_in` is no number")),
    }
}

async fn no_store(run: &Run) -> Judgement {
    let answer = send(run, GRANT, Auth::Basic).await?;
    has_token(&answer)?;
    let control = answer
        .header("cache-control")
        .unwrap_or_default()
        .to_lowercase();
    if control.contains("no-store") {
        return Ok(String::new());
    }
    Err(answer.fails("Cache-Control does not say no-store"))
}

async fn charset(run: &Run) -> Judgement {
    let kind = "application/x-www-form-urlencoded;charset=UTF-8";
    let request = run.token_request().await?.header("content-type", kind);
    has_token(&run.wire.send(request).await?)?;
    Ok(String::new())
}

/// The run's credentials as a header in another writing.
fn own(run: &Run, write: impl Fn(&str, &str) -> String, shown: &'static str) -> Auth {
    let (id, secret) = run.options.pair();
    Auth::BasicAs {
        header: SecretString::from(write(&id, secret.expose_secret())),
        shown,
    }
}

async fn scheme_case(run: &Run) -> Judgement {
    let write = |id: &str, secret: &str| basic(id, secret).replacen("Basic", "bASIC", 1);
    let shown = "bASIC $(printf %s \"$CLIENT_ID:$CLIENT_SECRET\" | base64 -w0)";
    has_token(&send(run, GRANT, own(run, write, shown)).await?)?;
    Ok(String::new())
}

async fn encoded_basic(run: &Run) -> Judgement {
    // Every byte as %XX: what any encoder may do, and no two readings of it are alike.
    let percent = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let write = |id: &str, secret: &str| basic(&percent(id), &percent(secret));
    let shown = "Basic $BOTH_WITH_EACH_BYTE_AS_PERCENT_XX_IN_BASE64";
    has_token(&send(run, GRANT, own(run, write, shown)).await?)?;
    Ok(String::new())
}

/// The run's credentials as form fields.
fn fields(run: &Run) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", &run.options.client_id);
    form.append_pair("client_secret", run.options.client_secret.expose_secret());
    form.finish()
}

const SHOWN_FIELDS: &str =
    "grant_type=client_credentials&client_id=$CLIENT_ID&client_secret=$CLIENT_SECRET";

async fn form_credentials(run: &Run) -> Judgement {
    let document = run.discovery().await.unwrap_or_default();
    let methods = document["token_endpoint_auth_methods_supported"].as_array();
    if !methods.is_some_and(|methods| methods.iter().any(|method| method == "client_secret_post")) {
        return Err(Stop::skip("discovery does not offer client_secret_post"));
    }
    let body = format!("{GRANT}&{}", fields(run));
    let request = Request::form(run.token_url().await?, body).shown_body(SHOWN_FIELDS);
    has_token(&run.wire.send(request).await?)?;
    Ok(String::new())
}

async fn unknown_parameters(run: &Run) -> Judgement {
    let body =
        format!("{GRANT}&scope=some%3Ascope&audience=anyone&resource=https%3A%2F%2Fexample.com");
    has_token(&send(run, &body, Auth::Basic).await?)?;
    Ok(String::new())
}

async fn error_body(run: &Run) -> Judgement {
    let answer = send(run, GRANT, nobody()).await?;
    answer.expect(&[400, 401])?;
    answer.expect_error(&["invalid_client", "invalid_request"])?;
    Ok(String::new())
}

async fn no_credentials(run: &Run) -> Judgement {
    send(run, GRANT, Auth::None).await?.expect(&[400, 401])?;
    Ok(String::new())
}

async fn undecodable(run: &Run) -> Judgement {
    let answer = send(run, GRANT, Auth::Raw("Basic !!!not-base64!!!".to_owned())).await?;
    answer.expect(&[400, 401])?;
    Ok(String::new())
}

async fn no_grant(run: &Run) -> Judgement {
    let answer = send(run, "scope=footprint%3Alist", Auth::Basic).await?;
    answer.expect(&[400])?;
    answer.expect_error(&["invalid_request", "unsupported_grant_type"])?;
    Ok(String::new())
}

async fn other_grant(run: &Run) -> Judgement {
    let answer = send(run, "grant_type=urn%3Aexample%3Aunknown", Auth::Basic).await?;
    answer.expect(&[400])?;
    answer.expect_error(&["unsupported_grant_type"])?;
    Ok(String::new())
}

async fn grant_in_query(run: &Run) -> Judgement {
    let url = run.token_url().await?;
    let mark = if url.contains('?') { '&' } else { '?' };
    let request = Request::form(format!("{url}{mark}{GRANT}"), "").auth(Auth::Basic);
    run.wire.send(request).await?.expect(&[400])?;
    Ok(String::new())
}

async fn basic_challenge(run: &Run) -> Judgement {
    let answer = send(run, GRANT, nobody()).await?;
    if answer.status != 401 {
        return Ok(format!("the host refuses with {}", answer.status));
    }
    if answer.challenges("basic") {
        return Ok(String::new());
    }
    Err(answer.fails("401 without WWW-Authenticate: Basic"))
}

async fn wrong_content_type(run: &Run) -> Judgement {
    let body = r#"{"grant_type":"client_credentials"}"#;
    let request = Request::post(run.token_url().await?, "application/json", body).auth(Auth::Basic);
    run.wire.send(request).await?.expect(&[400, 415])?;
    Ok(String::new())
}

async fn duplicate(run: &Run) -> Judgement {
    let body = format!("{GRANT}&{GRANT}");
    send(run, &body, Auth::Basic).await?.expect(&[400])?;
    Ok(String::new())
}

async fn two_mechanisms(run: &Run) -> Judgement {
    let body = format!("{GRANT}&{}", fields(run));
    let request = Request::form(run.token_url().await?, body).shown_body(SHOWN_FIELDS);
    let answer = run.wire.send(request.auth(Auth::Basic)).await?;
    answer.expect(&[400, 401])?;
    Ok(String::new())
}

async fn get(run: &Run) -> Judgement {
    let answer = run
        .wire
        .send(Request::new(Method::GET, run.token_url().await?))
        .await?;
    answer.expect(&[405])?;
    let allowed = answer.header("allow").unwrap_or_default();
    if allowed.split(',').any(|method| method.trim() == "POST") {
        return Ok(String::new());
    }
    Err(answer.fails("405 without Allow: POST"))
}

async fn large_body(run: &Run) -> Judgement {
    let body = format!("{GRANT}&padding={}", "x".repeat(1024 * 1024));
    refused(send(run, &body, Auth::Basic).await)
}

async fn no_enumeration(run: &Run) -> Judgement {
    let wrong = Auth::BasicOf {
        id: run.options.client_id.clone(),
        secret: Uuid::new_v4().to_string(),
    };
    let known = send(run, GRANT, wrong).await?;
    let unknown = send(run, GRANT, nobody()).await?;
    if known.status == unknown.status && known.body == unknown.body {
        return Ok(String::new());
    }
    Err(known
        .fails("an unknown account is answered otherwise: strangers learn which accounts exist"))
}
