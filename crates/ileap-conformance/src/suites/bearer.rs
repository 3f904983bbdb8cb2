//! Access tokens that open nothing.

use secrecy::SecretString;
use uuid::Uuid;

use super::case;
use crate::{
    case::{BOTH, Case, ILEAP, PACT},
    options::form_encoded,
    outcome::{Judgement, Stop},
    run::Run,
    wire::{Answer, Auth, Request},
};

pub(super) static CASES: &[Case] = &[
    case!(
        "pact/tc06",
        Required,
        PACT,
        "PACT conformance TC06",
        "An invalid token cannot list footprints: 400 or 401 (403 before PACT 2.2).",
        tc06
    ),
    case!(
        "pact/tc07",
        Required,
        PACT,
        "PACT conformance TC07",
        "An invalid token cannot get a footprint: 400 or 401 (403 before PACT 2.2).",
        tc07
    ),
    case!(
        "ileap/tc007",
        Required,
        ILEAP,
        "iLEAP 1.0.0 Appendix C TC007",
        "An invalid token on the activity data endpoint gets 403 AccessDenied.",
        tc007
    ),
    case!(
        "ileap/tc008",
        Required,
        ILEAP,
        "iLEAP 1.0.0 Appendix C TC008",
        "An expired token on the activity data endpoint gets 401 TokenExpired.",
        tc008
    ),
    case!(
        "auth/expired-footprints",
        Recommended,
        BOTH,
        "PACT 2 §Error codes",
        "An expired token on the footprints gets 401 TokenExpired.",
        expired
    ),
    case!(
        "auth/missing-footprints",
        Required,
        BOTH,
        "RFC 6750 §3.1; PACT 2 §Authentication",
        "Footprints are not listed without a token.",
        missing_footprints
    ),
    case!(
        "auth/missing-tad",
        Required,
        ILEAP,
        "RFC 6750 §3.1; iLEAP 1.0.0 §5",
        "Activity data is not listed without a token.",
        missing_tad
    ),
    case!(
        "auth/missing-events",
        RequiredFrom22,
        PACT,
        "RFC 6750 §3.1; PACT 2 §Action Events",
        "Events are not taken without a token.",
        missing_events
    ),
    case!(
        "auth/malformed-bearer",
        Required,
        BOTH,
        "RFC 6750 §3.1",
        "Another scheme, an empty token and several tokens are refused.",
        malformed
    ),
    case!(
        "auth/bearer-challenge",
        Recommended,
        BOTH,
        "RFC 6750 §3",
        "A 401 says WWW-Authenticate: Bearer.",
        challenge
    ),
    case!(
        "auth/bearer-scheme-case",
        Recommended,
        BOTH,
        "RFC 9110 §11.1",
        "The scheme Bearer is accepted in any case.",
        scheme_case
    ),
    case!(
        "auth/error-shape",
        Required,
        BOTH,
        "PACT 2 §Error responses",
        "Errors of the data endpoints are JSON objects with code and message.",
        shape
    ),
];

/// As the official tests spell it.
pub(super) fn invalid() -> Auth {
    Auth::Raw("Bearer very-invalid-access-token-0123456789".to_owned())
}

async fn with(run: &Run, path: &str, auth: Auth) -> Result<Answer, Stop> {
    run.wire.send(Request::get(run.url(path)).auth(auth)).await
}

/// What PACT's versions say of an invalid token, all together.
fn refused(run: &Run, answer: &Answer) -> Judgement {
    use crate::case::PactVersion::{V20, V21};
    // PACT 2.0 and 2.1 ask for 403 AccessDenied.
    if matches!(run.version(), V20 | V21) {
        answer.expect(&[400, 401, 403])?;
    } else {
        answer.expect(&[400, 401])?;
    }
    match answer.json_or_null()["code"].as_str() {
        Some("BadRequest" | "AccessDenied") => Ok(String::new()),
        _ => Ok("the code BadRequest is recommended".to_owned()),
    }
}

async fn tc06(run: &Run) -> Judgement {
    refused(run, &with(run, "/2/footprints", invalid()).await?)
}

async fn tc07(run: &Run) -> Judgement {
    let id = run
        .footprints()
        .await
        .ok()
        .and_then(|listing| Some(listing.records.first()?["id"].as_str()?.to_owned()));
    let id = id.unwrap_or_else(|| "00000000-0000-0000-0000-000000000000".to_owned());
    let id = form_encoded(&id);
    refused(
        run,
        &with(run, &format!("/2/footprints/{id}"), invalid()).await?,
    )
}

async fn tc007(run: &Run) -> Judgement {
    let answer = with(run, "/2/ileap/tad", invalid()).await?;
    answer.expect(&[403])?;
    answer.expect_code(&["AccessDenied"])?;
    Ok(String::new())
}

fn expired_token(run: &Run) -> Result<SecretString, Stop> {
    let token = run.options.expired_token.clone();
    token.ok_or_else(|| {
        Stop::skip("it needs a token of this host that has expired: --expired-token FILE")
    })
}

async fn tc008(run: &Run) -> Judgement {
    let answer = with(run, "/2/ileap/tad", Auth::Bearer(expired_token(run)?)).await?;
    answer.expect(&[401])?;
    // The prose of the case writes ExpiredToken, the specification TokenExpired.
    answer.expect_code(&["TokenExpired", "ExpiredToken"])?;
    Ok(String::new())
}

async fn expired(run: &Run) -> Judgement {
    let answer = with(run, "/2/footprints", Auth::Bearer(expired_token(run)?)).await?;
    answer.expect(&[401])?;
    answer.expect_code(&["TokenExpired"])?;
    Ok(String::new())
}

const REFUSALS: &[u16] = &[400, 401, 403];

async fn missing_footprints(run: &Run) -> Judgement {
    with(run, "/2/footprints", Auth::None)
        .await?
        .expect(REFUSALS)?;
    Ok(String::new())
}

async fn missing_tad(run: &Run) -> Judgement {
    with(run, "/2/ileap/tad", Auth::None)
        .await?
        .expect(REFUSALS)?;
    Ok(String::new())
}

async fn missing_events(run: &Run) -> Judgement {
    // A valid one, which would be taken; nothing follows from it.
    let event = run.published(&[&Uuid::new_v4().to_string()]);
    let request = run.event_request(event.to_string());
    run.wire.send(request).await?.expect(REFUSALS)?;
    Ok(String::new())
}

async fn malformed(run: &Run) -> Judgement {
    for text in ["Token abc", "Bearer", "Bearer a b", "Basic YTpi"] {
        let answer = with(run, "/2/footprints", Auth::Raw(text.to_owned())).await?;
        answer.expect(REFUSALS)?;
    }
    Ok(String::new())
}

async fn challenge(run: &Run) -> Judgement {
    let answer = with(run, "/2/footprints", Auth::None).await?;
    if answer.status != 401 {
        return Err(Stop::skip(format!(
            "the host refuses with {}",
            answer.status
        )));
    }
    if answer.challenges("bearer") {
        return Ok(String::new());
    }
    Err(answer.fails("401 without WWW-Authenticate: Bearer"))
}

async fn scheme_case(run: &Run) -> Judgement {
    let token = run.token().await?;
    let header = format!("bEARER {}", crate::run::exposed(&token));
    let auth = Auth::BasicAs {
        header: SecretString::from(header),
        shown: "bEARER $TOKEN",
    };
    with(run, "/2/footprints?limit=1", auth)
        .await?
        .expect(&[200])?;
    Ok(String::new())
}

async fn shape(run: &Run) -> Judgement {
    let answer = run
        .get("/2/footprints/00000000-0000-0000-0000-000000000000")
        .await?;
    answer.expect_refusal()?;
    let body = answer.json()?;
    for name in ["code", "message"] {
        if body[name].as_str().is_none_or(str::is_empty) {
            return Err(answer.fails(format!("the error has no `{name}`")));
        }
    }
    Ok(String::new())
}
