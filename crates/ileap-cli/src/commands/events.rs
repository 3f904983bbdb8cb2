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
    cli::{EventsCommand, HostArguments, RequestArguments, SendArguments},
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
    let answers_to = event.source.trim_end_matches('/');
    let said = format!(
        "request {} is acknowledged; the answer goes to {answers_to}/2/events",
        event.id
    );
    deliver(&event, (&arguments.host, arguments.json), &said).await
}

async fn send(arguments: &SendArguments) -> Result<(), Failed> {
    let attempted = format!("reading the event in {}", arguments.file.display());
    let bytes = read(&arguments.file).map_err(|error| Failed::new(&attempted, error))?;
    let event = CloudEvent::parse_v2(&bytes).map_err(|error| Failed::new(&attempted, error))?;
    let said = format!("event {} is acknowledged", event.id);
    deliver(&event, (&arguments.host, arguments.json), &said).await
}

/// Sends an event, and says `said`, or as JSON which event it was, once the host has acknowledged it.
async fn deliver(
    event: &CloudEvent,
    (host, as_json): (&HostArguments, bool),
    said: &str,
) -> Result<(), Failed> {
    let host = host::find(host).await?;
    let sent = host.client.send_event(event).await;
    sent.map_err(|error| host::failed(&error))?;
    if as_json {
        return output::json(&json!({ "id": event.id, "source": event.source }));
    }
    output::line(output::sanitised(said))
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
