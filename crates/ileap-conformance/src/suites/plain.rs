//! Plain http beside https. True credentials never go there.

use http::Method;

use super::case;
use crate::{
    case::{Case, PACT},
    outcome::{Judgement, Stop},
    run::Run,
    wire::{Auth, Request},
};

pub(super) static CASES: &[Case] = &[
    case!(
        "pact/tc09",
        Required,
        PACT,
        "PACT conformance TC09",
        "Tokens are not issued over plain http.",
        tc09
    ),
    case!(
        "pact/tc10",
        Required,
        PACT,
        "PACT conformance TC10",
        "Footprints are not listed over plain http.",
        tc10
    ),
    case!(
        "pact/tc11",
        Required,
        PACT,
        "PACT conformance TC11",
        "A footprint is not got over plain http.",
        tc11
    ),
    case!(
        "pact/tc17",
        RequiredFrom22,
        PACT,
        "PACT conformance TC17",
        "Events are not taken over plain http.",
        tc17
    ),
];

async fn judge(run: &Run, request: Request) -> Judgement {
    match run.wire.send(request).await {
        Ok(answer) if answer.status < 300 => Err(answer.fails("plain http is answered")),
        // With made-up credentials an API that listens refuses in its own words.
        Ok(answer) if speaks_api(&answer.json_or_null()) => {
            Err(answer
                .warns("the API itself answers over plain http: credentials sent there are lost"))
        }
        Ok(answer) => Ok(format!("refused with {}", answer.status)),
        Err(stop) if run.wire.is_time_over() || is_answered(&stop) => Err(stop),
        Err(_) => {
            // A host that is away has refused nothing.
            let _ = run.discovery().await;
            if run.wire.has_answered() {
                Ok("there is no answer over plain http".to_owned())
            } else {
                Err(Stop::inconclusive("there is no answer over https either"))
            }
        }
    }
}

/// It throttles.
fn is_answered(stop: &Stop) -> bool {
    let exchange = stop.exchange.as_ref();
    exchange.is_some_and(|exchange| exchange.status.is_some())
}

fn speaks_api(body: &serde_json::Value) -> bool {
    body["error"].is_string() || body["code"].is_string()
}

async fn tc09(run: &Run) -> Judgement {
    let token = run.plain(Method::POST, "/auth/token")?;
    let request = Request::form(token.url, "grant_type=client_credentials");
    judge(run, request.auth(super::token::nobody())).await
}

async fn over_http(run: &Run, method: Method, path: &str) -> Judgement {
    let request = run.plain(method, path)?;
    judge(run, request.auth(Auth::Raw("Bearer made-up".to_owned()))).await
}

async fn tc10(run: &Run) -> Judgement {
    over_http(run, Method::GET, "/2/footprints").await
}

async fn tc11(run: &Run) -> Judgement {
    over_http(
        run,
        Method::GET,
        "/2/footprints/00000000-0000-0000-0000-000000000000",
    )
    .await
}

async fn tc17(run: &Run) -> Judgement {
    if !run.is_https() {
        return Err(Stop::skip(
            "the host under test is asked over plain http itself",
        ));
    }
    over_http(run, Method::POST, "/2/events").await
}
