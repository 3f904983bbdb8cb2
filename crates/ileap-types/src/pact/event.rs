//! Events between PACT hosts: `CloudEvents` 1.0 in structured JSON mode (PACT v2.3 "Action Events").

mod members;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::members::{is_host_reference, object, present, text, time};
use crate::datetime::DateTime;
use crate::pact::v2::PfId;
use crate::strict_json;
use crate::wire::wire_enum;

/// The longest `id`: it is kept, indexed and logged.
const ID_LIMIT_BYTES: usize = 1024;
/// The longest `source`, likewise.
const SOURCE_LIMIT_BYTES: usize = 2048;

/// The most footprints one event may name: each is fetched.
const PF_IDS_LIMIT: usize = 5000;

wire_enum! {
    /// The four event types of PACT v2.
    pub closed enum EventType {
        /// Footprints were published or updated.
        Published = "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
        /// Footprints are asked for.
        RequestCreated = "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
        /// The answer to a request.
        RequestFulfilled = "org.wbcsd.pathfinder.ProductFootprintRequest.Fulfilled.v1",
        /// The refusal of a request.
        RequestRejected = "org.wbcsd.pathfinder.ProductFootprintRequest.Rejected.v1",
    }
}

/// A well-formed event, received or to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudEvent {
    /// Names the event; unique only together with `source` (`CloudEvents` 1.0 §3.1.1).
    pub id: String,
    /// The host that sent it: an absolute URL, or `//host/path` without the scheme. Not to be trusted.
    pub source: String,
    /// What happened; agrees with `data`.
    pub event_type: EventType,
    /// When it happened, if the sender says so.
    pub time: Option<DateTime>,
    /// What it is about.
    pub data: EventData,
}

/// The `data` of an event, by type.
#[derive(Clone, Debug, PartialEq)]
pub enum EventData {
    /// Footprints were published or updated.
    Published {
        /// Which ones; at least one.
        pf_ids: Vec<PfId>,
    },
    /// Footprints are asked for.
    RequestCreated {
        /// A fragment of a `ProductFootprint` which the wanted ones must agree with.
        pf: Map<String, Value>,
        /// A note for people.
        comment: Option<String>,
    },
    /// The answer to a request.
    RequestFulfilled {
        /// The `id` of the event that asked.
        request_event_id: String,
        /// The footprints, not yet validated; may be none.
        pfs: Vec<Value>,
    },
    /// The refusal of a request.
    RequestRejected {
        /// The `id` of the event that asked.
        request_event_id: String,
        /// Why.
        error: Rejection,
    },
}

/// Why a request was rejected; the code is any text, since partners do not agree on one list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Rejection {
    /// The code for machines; not empty.
    pub code: String,
    /// The text for people; not empty.
    pub message: String,
}

/// What is wrong with an event; the message tells the sender what to change.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The body is an array.
    #[error("the body is a batch; send each CloudEvent in a request of its own")]
    Batch,
    /// A member has the wrong type or a value that is not allowed.
    #[error("{member} must be {expected}")]
    Invalid {
        /// Where: the member's path in the event.
        member: &'static str,
        /// What is allowed there.
        expected: &'static str,
    },
    /// A member is absent or `null`.
    #[error("{member} is missing; it must be {expected}")]
    Missing {
        /// Where: the member's path in the event.
        member: &'static str,
        /// What is allowed there.
        expected: &'static str,
    },
    /// The body cannot be read as JSON.
    #[error("the body cannot be read as JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The body is no object.
    #[error("the body must be a CloudEvent as a JSON object")]
    NotObject,
}

impl CloudEvent {
    /// Reads an event of PACT v2.
    pub fn parse_v2(bytes: &[u8]) -> Result<Self, EventError> {
        let envelope = match strict_json::from_slice(bytes)? {
            Value::Object(envelope) => envelope,
            Value::Array(_) => return Err(EventError::Batch),
            _ => return Err(EventError::NotObject),
        };
        if text(&envelope, "specversion", "specversion")? != "1.0" {
            let expected = "\"1.0\", the version of CloudEvents";
            return Err(EventError::Invalid {
                member: "specversion",
                expected,
            });
        }
        let event_type =
            EventType::from_name(text(&envelope, "type", "type")?).ok_or(EventError::Invalid {
                member: "type",
                expected: "one of the four event types of PACT v2",
            })?;
        let id = text(&envelope, "id", "id")?.to_owned();
        if id.len() > ID_LIMIT_BYTES {
            let expected = "at most 1024 bytes long";
            return Err(EventError::Invalid {
                member: "id",
                expected,
            });
        }
        let source = text(&envelope, "source", "source")?;
        if source.len() > SOURCE_LIMIT_BYTES {
            let expected = "at most 2048 bytes long";
            return Err(EventError::Invalid {
                member: "source",
                expected,
            });
        }
        if !is_host_reference(source) {
            let expected = "an absolute URL with a host, or //host/path";
            return Err(EventError::Invalid {
                member: "source",
                expected,
            });
        }
        let source = source.to_owned();
        let time = time(&envelope)?;
        let data = EventData::read(event_type, object(envelope, "data", "data")?)?;
        Ok(Self {
            id,
            source,
            event_type,
            time,
            data,
        })
    }

    /// The event in structured JSON mode, to be sent as `application/cloudevents+json`.
    pub fn to_json(&self) -> Value {
        let mut event = json!({
            "specversion": "1.0",
            "type": self.event_type,
            "id": self.id,
            "source": self.source,
            "data": self.data.to_json(),
        });
        if let (Some(time), Some(members)) = (&self.time, event.as_object_mut()) {
            members.insert("time".to_owned(), json!(time));
        }
        event
    }
}

impl EventData {
    fn to_json(&self) -> Value {
        match self {
            Self::Published { pf_ids } => json!({ "pfIds": pf_ids }),
            Self::RequestCreated { pf, comment: None } => json!({ "pf": pf }),
            Self::RequestCreated { pf, comment } => json!({ "pf": pf, "comment": comment }),
            Self::RequestFulfilled {
                request_event_id,
                pfs,
            } => {
                json!({ "requestEventId": request_event_id, "pfs": pfs })
            }
            Self::RequestRejected {
                request_event_id,
                error,
            } => {
                json!({ "requestEventId": request_event_id, "error": error })
            }
        }
    }

    fn read(event_type: EventType, data: Map<String, Value>) -> Result<Self, EventError> {
        match event_type {
            EventType::Published => published(&data),
            EventType::RequestCreated => request_created(data),
            EventType::RequestFulfilled => request_fulfilled(data),
            EventType::RequestRejected => request_rejected(data),
        }
    }
}

fn published(data: &Map<String, Value>) -> Result<EventData, EventError> {
    let member = "data.pfIds";
    let expected = "a non-empty array of footprint ids, each a UUID";
    let ids = present(data, "pfIds").ok_or(EventError::Missing { member, expected })?;
    if ids.as_array().is_some_and(|ids| ids.len() > PF_IDS_LIMIT) {
        let expected = "at most 5000 ids; send the others in further events";
        return Err(EventError::Invalid { member, expected });
    }
    let pf_ids: Option<Vec<PfId>> = ids
        .as_array()
        .filter(|ids| !ids.is_empty())
        .and_then(|ids| ids.iter().map(|id| id.as_str()?.parse().ok()).collect());
    Ok(EventData::Published {
        pf_ids: pf_ids.ok_or(EventError::Invalid { member, expected })?,
    })
}

fn request_created(mut data: Map<String, Value>) -> Result<EventData, EventError> {
    let comment = match data.remove("comment") {
        None | Some(Value::Null) => None,
        Some(Value::String(comment)) => Some(comment),
        Some(_) => {
            return Err(EventError::Invalid {
                member: "data.comment",
                expected: "a string",
            });
        }
    };
    Ok(EventData::RequestCreated {
        pf: object(data, "pf", "data.pf")?,
        comment,
    })
}

fn request_fulfilled(mut data: Map<String, Value>) -> Result<EventData, EventError> {
    let member = "data.pfs";
    let expected = "an array of footprints";
    let request_event_id = text(&data, "requestEventId", "data.requestEventId")?.to_owned();
    match data.remove("pfs") {
        Some(Value::Array(pfs)) if pfs.iter().all(Value::is_object) => {
            Ok(EventData::RequestFulfilled {
                request_event_id,
                pfs,
            })
        }
        None | Some(Value::Null) => Err(EventError::Missing { member, expected }),
        Some(_) => Err(EventError::Invalid { member, expected }),
    }
}

fn request_rejected(data: Map<String, Value>) -> Result<EventData, EventError> {
    let request_event_id = text(&data, "requestEventId", "data.requestEventId")?.to_owned();
    let error = object(data, "error", "data.error")?;
    let code = text(&error, "code", "data.error.code")?.to_owned();
    let message = text(&error, "message", "data.error.message")?.to_owned();
    Ok(EventData::RequestRejected {
        request_event_id,
        error: Rejection { code, message },
    })
}

#[cfg(test)]
mod tests;
