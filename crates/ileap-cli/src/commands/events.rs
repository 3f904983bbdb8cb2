//! `ileap events`

mod listen;

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use ileap_client::types::pact::event::{CloudEvent, EventData, EventType};
use ileap_server::clock::{Clock as _, SystemClock};
use serde_json::{Map, json};
use uuid::Uuid;

use super::host;
use crate::{
    cli::{EventsCommand, RequestArguments, SendArguments},
    exit::Failed,
    output,
};

/// The largest event that is read from a file.
const EVENT_LIMIT_BYTES: u64 = 8 * 1024 * 1024;

/// Sends events, or receives them.
pub(crate) async fn run(command: EventsCommand) -> Result<(), Failed> {
    match command {
        EventsCommand::Listen(arguments) => listen::run(&arguments).await,
        EventsCommand::Request(arguments) => request(&arguments).await,
        EventsCommand::Send(arguments) => send(&arguments).await,
    }
}

async fn request(arguments: &RequestArguments) -> Result<(), Failed> {
    let host = host::find(&arguments.host).await?;
    let mut pf = Map::new();
    pf.insert("productIds".to_owned(), json!(arguments.products));
    let now = SystemClock.now().to_string();
    let event = CloudEvent {
        id: Uuid::new_v4().to_string(),
        source: arguments.source.clone(),
        event_type: EventType::RequestCreated,
        time: now.parse().ok(),
        data: EventData::RequestCreated {
            pf,
            comment: arguments.comment.clone(),
        },
    };
    host.client
        .send_event(&event)
        .await
        .map_err(|error| host::failed(&error))?;
    if arguments.json {
        return output::json(&json!({ "id": event.id, "source": event.source }));
    }
    output::line(output::sanitised(&format!(
        "request {} is acknowledged; the answer goes to {}/2/events",
        event.id,
        event.source.trim_end_matches('/')
    )))
}

async fn send(arguments: &SendArguments) -> Result<(), Failed> {
    let attempted = format!("reading the event in {}", arguments.file.display());
    let bytes = read(&arguments.file).map_err(|error| Failed::new(&attempted, error))?;
    let event = CloudEvent::parse_v2(&bytes).map_err(|error| Failed::new(&attempted, error))?;
    let host = host::find(&arguments.host).await?;
    host.client
        .send_event(&event)
        .await
        .map_err(|error| host::failed(&error))?;
    if arguments.json {
        return output::json(&json!({ "id": event.id, "source": event.source }));
    }
    output::line(output::sanitised(&format!(
        "event {} is acknowledged",
        event.id
    )))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let source: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path)?)
    };
    source.take(EVENT_LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
