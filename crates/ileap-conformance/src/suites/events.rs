//! Events and the callbacks that follow.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{bearer, case, intrusive, refused};
use crate::{
    case::{ACT, Case, HARDENING, PACT},
    listener::Received,
    outcome::{Judgement, Problems, Stop},
    run::{Requested, Run},
    schema::Schema,
    wire::Answer,
};

pub(super) static CASES: &[Case] = &[
    case!(
        "pact/tc12",
        RequiredFrom22,
        PACT,
        "PACT conformance TC12",
        "A request by event for existing products is taken with 200.",
        tc12
    ),
    case!(
        "pact/tc13",
        RequiredFrom22,
        PACT,
        "PACT conformance TC13",
        "It is fulfilled by an event at its source, with valid footprints of these products.",
        tc13
    ),
    case!(
        "pact/tc14a",
        RequiredFrom22,
        PACT,
        "PACT conformance TC14.A",
        "A request by event for an unknown product is taken with 200.",
        tc14a
    ),
    case!(
        "pact/tc14b",
        RequiredFrom22,
        PACT,
        "PACT conformance TC14.B",
        "It is rejected by an event at its source, with an error's code and message.",
        tc14b
    ),
    case!(
        "events/callback-authenticated",
        Recommended,
        PACT,
        "PACT 2 §Action Events",
        "Callbacks carry the token that the host got from the requester's own token endpoint.",
        authenticated
    ),
    case!(
        "events/one-answer",
        Recommended,
        PACT,
        "PACT 2 §Asynchronous events",
        "A request gets exactly one answer.",
        one_answer
    ),
    case!(
        "pact/tc15",
        RequiredFrom22,
        PACT,
        "PACT conformance TC15",
        "A Published event with a UUID is taken with 200.",
        tc15
    ),
    case!(
        "pact/tc16",
        RequiredFrom22,
        PACT,
        "PACT conformance TC16",
        "An event with an invalid token gets 400 or 401 with BadRequest.",
        tc16
    ),
    case!(
        "pact/tc21",
        RequiredFrom22,
        PACT,
        "PACT conformance TC21",
        "A Published event whose ids are no UUIDs gets 400.",
        tc21
    ),
    case!(
        "events/empty-answer",
        Recommended,
        PACT,
        "PACT 2 §Action Events",
        "An accepted event is answered with an empty body.",
        empty_answer
    ),
    case!(
        "events/broken-json",
        Required,
        PACT,
        "PACT 2 §Error codes; RFC 8259",
        "A body that is no JSON gets 400.",
        broken
    ),
    case!(
        "events/unknown-type",
        Recommended,
        PACT,
        "PACT 2 §Action Events",
        "An event of an unknown type gets 400.",
        unknown_type
    ),
    case!(
        "events/missing-data",
        Recommended,
        PACT,
        "PACT 2 §Action Events",
        "An event without data gets 400.",
        missing_data
    ),
    case!(
        "act/specversion",
        Recommended,
        ACT,
        "CloudEvents 1.0 §specversion, as ACT asks it",
        "An event of CloudEvents 0.3 gets 400.",
        specversion
    ),
    case!(
        "hardening/event-batch",
        Hardening,
        HARDENING,
        "CloudEvents HTTP 1.0 §3.3; CWE-20",
        "A batch of events is taken or refused: no error of the server.",
        batch
    ),
    intrusive!(
        "hardening/large-event",
        Hardening,
        HARDENING,
        "CWE-770",
        "An event of eight megabytes is refused.",
        large
    ),
];

async fn tc12(run: &Run) -> Judgement {
    run.requested().await?.answer.expect(&[200])?;
    Ok(String::new())
}

async fn tc14a(run: &Run) -> Judgement {
    run.requested_nothing().await?.answer.expect(&[200])?;
    Ok(String::new())
}

fn taken(requested: &Requested) -> Result<(), Stop> {
    if requested.answer.status == 200 {
        return Ok(());
    }
    let reason = "the request was not taken, so no answer is due";
    Err(Stop::inconclusive(reason))
}

/// The answer to a request, by its type's name.
async fn callback(run: &Run, requested: &Requested, kind: &str) -> Result<Received, Stop> {
    let listener = run.listener().await?;
    taken(requested)?;
    let Some(received) = listener.wait(&requested.event_id, requested.due).await else {
        let longest = run.options.timing.callback;
        let reason = format!(
            "no event with this requestEventId came to {} within {} s",
            listener.url(),
            longest.as_secs_f32()
        );
        return Err(Stop::fail(reason).of(&requested.answer.exchange));
    };
    let given = received.event["type"].as_str().unwrap_or_default();
    let wanted = format!("org.wbcsd.pathfinder.ProductFootprintRequest.{kind}.v1");
    if given != wanted {
        let reason = format!(
            "the answer is of type {:?}, not {wanted}",
            super::brief(given)
        );
        return Err(Stop::fail(reason).of(&requested.answer.exchange));
    }
    Ok(received)
}

async fn tc13(run: &Run) -> Judgement {
    let requested = run.requested().await?;
    let received = callback(run, requested, "Fulfilled").await?;
    let footprints = received.event["data"]["pfs"].as_array();
    let footprints = footprints.map(Vec::as_slice).unwrap_or_default();
    let mut problems = Problems::default();
    for (index, footprint) in footprints.iter().enumerate() {
        for fault in Schema::Footprint(run.version()).faults(footprint) {
            problems.push(format!("/data/pfs/{index}{}", fault.pointer), fault.text);
        }
    }
    problems.judged(&requested.answer.exchange)?;
    let is_wanted = |id: &Value| {
        requested
            .products
            .iter()
            .any(|product| id == product.as_str())
    };
    let matches = |footprint: &Value| {
        footprint["productIds"]
            .as_array()
            .is_some_and(|ids| ids.iter().any(is_wanted))
    };
    if footprints.iter().any(matches) {
        return Ok(String::new());
    }
    let reason = "no footprint in data.pfs is of a product that was asked for";
    Err(Stop::fail(reason).of(&requested.answer.exchange))
}

async fn tc14b(run: &Run) -> Judgement {
    let requested = run.requested_nothing().await?;
    let received = callback(run, requested, "Rejected").await?;
    for name in ["code", "message"] {
        let text = received.event["data"]["error"][name].as_str();
        if text.is_none_or(str::is_empty) {
            let stop = Stop::fail(format!("data.error has no `{name}`"));
            return Err(stop.of(&requested.answer.exchange));
        }
    }
    Ok(String::new())
}

/// All answers to our request that came; there is at least one.
async fn answers(run: &Run) -> Result<(&Requested, Vec<Received>), Stop> {
    let requested = run.requested().await?;
    let listener = run.listener().await?;
    taken(requested)?;
    if listener
        .wait(&requested.event_id, requested.due)
        .await
        .is_none()
    {
        return Err(Stop::inconclusive("no callback came: see pact/tc13"));
    }
    Ok((requested, listener.answers_to(&requested.event_id)))
}

async fn authenticated(run: &Run) -> Judgement {
    let (requested, received) = answers(run).await?;
    if received.iter().all(|received| received.is_authenticated) {
        return Ok(String::new());
    }
    let reason = "a callback came without the token of our token endpoint";
    Err(Stop::fail(reason).of(&requested.answer.exchange))
}

async fn one_answer(run: &Run) -> Judgement {
    answers(run).await?;
    // Nothing says that no further one is on its way; a moment is what the suite has.
    tokio::time::sleep(run.options.timing.callback / 10).await;
    let (requested, received) = answers(run).await?;
    if received.len() == 1 {
        return Ok(String::new());
    }
    let reason = format!("{} answers came to one request", received.len());
    Err(Stop::fail(reason).of(&requested.answer.exchange))
}

async fn send_published(run: &Run) -> Result<Answer, Stop> {
    run.post_event(&run.published(&[&Uuid::new_v4().to_string()]))
        .await
}

async fn tc15(run: &Run) -> Judgement {
    send_published(run).await?.expect(&[200])?;
    Ok(String::new())
}

async fn empty_answer(run: &Run) -> Judgement {
    let answer = send_published(run).await?;
    answer.expect(&[200])?;
    if answer.body.is_empty() {
        return Ok(String::new());
    }
    Err(answer.fails(format!("the body has {} bytes", answer.body.len())))
}

async fn tc16(run: &Run) -> Judgement {
    let event = run.published(&[&Uuid::new_v4().to_string()]);
    let request = run.event_request(event.to_string());
    let answer = run.wire.send(request.auth(bearer::invalid())).await?;
    answer.expect(&[400, 401])?;
    answer.expect_code(&["BadRequest"])?;
    Ok(String::new())
}

async fn tc21(run: &Run) -> Judgement {
    let answer = run
        .post_event(&run.published(&["urn:gtin:4712345060507"]))
        .await?;
    answer.expect(&[400])?;
    Ok(String::new())
}

async fn broken(run: &Run) -> Judgement {
    let request = run.event_request("{\"type\":".to_owned());
    run.send(request).await?.expect(&[400])?;
    Ok(String::new())
}

/// A valid event with one member changed or, by null, taken out.
async fn with_member(run: &Run, name: &str, value: Value) -> Judgement {
    let mut event = run.published(&[&Uuid::new_v4().to_string()]);
    if let Some(members) = event.as_object_mut() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
    }
    run.post_event(&event).await?.expect(&[400])?;
    Ok(String::new())
}

async fn unknown_type(run: &Run) -> Judgement {
    with_member(run, "type", json!("com.example.Unknown.v1")).await
}

async fn missing_data(run: &Run) -> Judgement {
    with_member(run, "data", Value::Null).await
}

async fn specversion(run: &Run) -> Judgement {
    with_member(run, "specversion", json!("0.3")).await
}

async fn batch(run: &Run) -> Judgement {
    let batch = json!([run.published(&[&Uuid::new_v4().to_string()])]);
    let request = run.event_request(batch.to_string());
    let request = request.header("content-type", "application/cloudevents-batch+json");
    let answer = run.send(request).await?;
    if answer.status < 500 {
        return Ok(String::new());
    }
    Err(answer.fails(format!("status {}: an error of the server", answer.status)))
}

async fn large(run: &Run) -> Judgement {
    let event = run.published(&[&Uuid::new_v4().to_string()]).to_string();
    let rest = event.strip_prefix('{').unwrap_or_default();
    let padding = "x".repeat(8 * 1024 * 1024);
    let request = run.event_request(format!("{{\"padding\":\"{padding}\",{rest}"));
    refused(run.send(request).await)
}
