//! `ileap partners received`

use bytes::Bytes;
use ileap_server::store::{
    StoreError,
    partners::{PartnerRecords as _, ReceivedAnswer, ReceivedFootprint},
    sql::SqlStore,
};
use ileap_types::pact::event::{CloudEvent, EventData};

use super::super::{load_for_store, open_store, refused_by_store};
use crate::{cli::ReceivedArguments, exit::Failed, output};

/// How many footprints or answers are read at a time.
const PAGE: usize = 100;

/// Lists what a partner has shared, or forgets some of it.
pub(super) async fn run(arguments: &ReceivedArguments) -> Result<(), Failed> {
    let store = open_store(&load_for_store(&arguments.config)?).await?;
    if let Some(until) = arguments.forget_until {
        let forgotten = store.forget_received(&arguments.recipient, until).await;
        let forgotten = forgotten.map_err(|error| refused(arguments, &error))?;
        return output::line(format!("{forgotten} footprints are forgotten"));
    }
    let count = if arguments.answers {
        list_answers(&store, arguments).await?
    } else {
        list_footprints(&store, arguments).await?
    };
    if count == 0 && !arguments.json {
        output::line(
            "nothing is kept of this partner's; `ileap partners list` shows the partners",
        )?;
    }
    Ok(())
}

fn refused(arguments: &ReceivedArguments, error: &StoreError) -> Failed {
    let recipient = &arguments.recipient;
    let attempted = format!("reading or forgetting what {recipient} has shared");
    refused_by_store(output::sanitised(&attempted), error)
}

async fn list_footprints(store: &SqlStore, arguments: &ReceivedArguments) -> Result<usize, Failed> {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = store.received(&arguments.recipient, after, PAGE).await;
        let page = page.map_err(|error| refused(arguments, &error))?;
        let Some(last) = page.last() else {
            return Ok(count);
        };
        after = Some(last.id);
        count += page.len();
        for footprint in &page {
            print(footprint, arguments.json)?;
        }
    }
}

async fn list_answers(store: &SqlStore, arguments: &ReceivedArguments) -> Result<usize, Failed> {
    let (mut last, mut count) = (None, 0);
    loop {
        let after = last.as_ref();
        let page = store.received_answers(&arguments.recipient, after, PAGE);
        let page = page.await.map_err(|error| refused(arguments, &error))?;
        for answer in &page {
            print_answer(answer, arguments.json)?;
        }
        count += page.len();
        last = page.into_iter().last();
        if last.is_none() {
            return Ok(count);
        }
    }
}

/// Which request it answers, and how.
fn print_answer(answer: &ReceivedAnswer, is_json: bool) -> Result<(), Failed> {
    // Once its text is forgotten there is nothing to print but that it came.
    let event = CloudEvent::parse_v2(&answer.json).ok();
    if is_json {
        return match event {
            Some(_) => print_json(&answer.json),
            None => Ok(()),
        };
    }
    let (request, what) = match event.map(|event| event.data) {
        Some(EventData::RequestFulfilled {
            request_event_id,
            pfs,
        }) => (request_event_id, format!("{} footprints", pfs.len())),
        Some(EventData::RequestRejected {
            request_event_id,
            error,
        }) => (
            request_event_id,
            format!("rejected: {}: {}", error.code, error.message),
        ),
        _ => (format!("of event {}", answer.id), "forgotten".to_owned()),
    };
    let line = format!("request {request}  {what}  came {}", answer.received_at);
    output::line(output::on_one_line(&line))
}

fn print(footprint: &ReceivedFootprint, is_json: bool) -> Result<(), Failed> {
    if is_json {
        return print_json(&footprint.json);
    }
    output::line(format!(
        "{}  version {}  came {}",
        footprint.id, footprint.version, footprint.received_at
    ))
}

fn print_json(json: &Bytes) -> Result<(), Failed> {
    // Line breaks in JSON are white space: in texts they are escaped.
    let text = String::from_utf8_lossy(json).replace(['\n', '\r', '\t'], " ");
    output::line(text)
}
