//! One attempt at one task.

use bytes::Bytes;
use ileap_types::{
    datetime::DateTime,
    pact::{
        event::{CloudEvent, EventData, EventType},
        v2::ProductFootprint,
    },
};
use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::{
    Delivery,
    answer::{self, Answer},
    input::Received,
    schedule::Failure,
};
use crate::{
    identity::Principal,
    partner::{DeliveryError, PartnerEndpoint, callback_base},
    store::{
        StoreError,
        outbox::{Changed, LeasedTask, TaskKind},
        partners::ReceivedFootprint,
    },
};

impl Delivery {
    /// Does what the task asks for. An `Ok` means that it is done.
    pub(super) async fn attempt(&self, leased: &LeasedTask) -> Result<(), Failure> {
        match leased.task.kind {
            TaskKind::Answer => self.answer(leased).await,
            TaskKind::Fetch => self.fetch(leased).await,
            TaskKind::Keep => self.keep(leased).await,
            TaskKind::Publish => self.publish(leased).await,
        }
    }

    async fn answer(&self, leased: &LeasedTask) -> Result<(), Failure> {
        let (event, requester) = received(leased)?;
        let EventData::RequestCreated { pf, .. } = &event.data else {
            return Err(UNREADABLE);
        };
        let body = if let Some(body) = &leased.body {
            body.clone()
        } else {
            let answer = answer::evaluate(&*self.data, &requester, pf).await;
            let answer = answer.map_err(|_| Failure::for_now("data_unavailable"))?;
            let event = self.terminal_event(leased, &event.id, &answer)?;
            self.fix(leased, event).await?
        };
        let endpoint = self.endpoint(leased, &event.source).await?;
        self.client
            .send_event(&endpoint, body)
            .await
            .map_err(failure)
    }

    async fn publish(&self, leased: &LeasedTask) -> Result<(), Failure> {
        let body = if let Some(body) = &leased.body {
            body.clone()
        } else {
            let changed: Changed =
                serde_json::from_slice(&leased.task.input).map_err(|_| UNREADABLE)?;
            let event = self.event(
                leased,
                EventType::Published,
                json!({ "pfIds": changed.pf_ids }),
            )?;
            self.fix(leased, event).await?
        };
        let endpoint = self.endpoint(leased, &leased.task.base_url).await?;
        self.client
            .send_event(&endpoint, body)
            .await
            .map_err(failure)
    }

    async fn fetch(&self, leased: &LeasedTask) -> Result<(), Failure> {
        let (event, _) = received(leased)?;
        let EventData::Published { pf_ids } = &event.data else {
            return Err(UNREADABLE);
        };
        let endpoint = self.endpoint(leased, &event.source).await?;
        for id in pf_ids {
            let answer = self.client.footprint(&endpoint, &id.to_string()).await;
            // One that is gone, or that we may not see, keeps nobody from the others.
            let Some(json) = answer.map_err(failure)? else {
                tracing::info!(task.id = %leased.task.id, footprint.id = %id, "a published footprint is not there");
                continue;
            };
            let json = data_member(&json).ok_or(Failure::refusal("answer_unreadable"))?;
            let footprints = self.readable(leased, [json]);
            if footprints.iter().any(|footprint| footprint.id != *id) {
                return Err(Failure::refusal("answer_unreadable"));
            }
            self.store
                .keep_received(&footprints)
                .await
                .map_err(|error| store_failure(&error))?;
        }
        Ok(())
    }

    async fn keep(&self, leased: &LeasedTask) -> Result<(), Failure> {
        let (event, _) = received(leased)?;
        let EventData::RequestFulfilled { pfs, .. } = &event.data else {
            return Err(UNREADABLE);
        };
        let footprints = self.readable(leased, pfs.iter().map(|pf| Bytes::from(pf.to_string())));
        self.store
            .keep_received(&footprints)
            .await
            .map_err(|error| store_failure(&error))
    }

    /// Those that are footprints; others are passed over with a word in the log.
    fn readable(
        &self,
        leased: &LeasedTask,
        objects: impl IntoIterator<Item = Bytes>,
    ) -> Vec<ReceivedFootprint> {
        let read = |json: Bytes| {
            let footprint = serde_json::from_slice::<ProductFootprint>(&json);
            let footprint = footprint
                .inspect_err(|_| tracing::warn!(task.id = %leased.task.id, "a partner's footprint cannot be read and is not kept"))
                .ok()?;
            Some(ReceivedFootprint {
                recipient: leased.task.recipient.clone(),
                id: footprint.id,
                version: footprint.version,
                received_at: self.clock.now(),
                json,
            })
        };
        objects.into_iter().filter_map(read).collect()
    }

    /// Exactly one of the two ends a request (PACT v2.3 "Action Events").
    fn terminal_event(
        &self,
        leased: &LeasedTask,
        request_event_id: &str,
        answer: &Answer,
    ) -> Result<Bytes, Failure> {
        match answer {
            Answer::Found(pfs) => {
                let data = Fulfilled {
                    request_event_id,
                    pfs,
                };
                self.event(leased, EventType::RequestFulfilled, data)
            }
            Answer::Rejected(code, message) => {
                let error = json!({ "code": code, "message": message });
                let data = json!({ "requestEventId": request_event_id, "error": error });
                self.event(leased, EventType::RequestRejected, data)
            }
        }
    }

    fn event(
        &self,
        leased: &LeasedTask,
        event_type: EventType,
        data: impl Serialize,
    ) -> Result<Bytes, Failure> {
        let event = Envelope {
            specversion: "1.0",
            event_type,
            id: leased.task.id.to_string(),
            source: &self.public_base_url,
            time: DateTime::from(self.clock.now()),
            data,
        };
        let event = serde_json::to_vec(&event).map_err(|_| UNREADABLE)?;
        Ok(Bytes::from(event))
    }

    async fn fix(&self, leased: &LeasedTask, body: Bytes) -> Result<Bytes, Failure> {
        let fixed = self
            .store
            .fix_body(&self.worker, leased.task.id, &body)
            .await;
        if fixed.map_err(|error| store_failure(&error))? {
            return Ok(body);
        }
        // Somebody else has it now, and may have sent another answer.
        Err(Failure::for_now("lease_lost"))
    }

    /// Where to send to: the host the event names, as far as it is the registered one.
    async fn endpoint(
        &self,
        leased: &LeasedTask,
        source: &str,
    ) -> Result<PartnerEndpoint, Failure> {
        let base = callback_base(source).ok_or(UNREADABLE)?;
        let partner = self
            .partner(&leased.task.recipient, &base)
            .await
            .map_err(|error| store_failure(&error))?;
        let partner = partner.ok_or(Failure::refusal("partner_unknown"))?;
        Ok(PartnerEndpoint {
            base_url: base,
            auth_base_url: partner.auth_base_url.unwrap_or(partner.base_url),
            credentials: partner.credentials,
            basic_encoding: partner.basic_encoding,
        })
    }
}

/// An event to send; stored footprints go into it as the bytes they are.
#[derive(Serialize)]
struct Envelope<'a, D> {
    specversion: &'static str,
    #[serde(rename = "type")]
    event_type: EventType,
    id: String,
    source: &'a str,
    time: DateTime,
    data: D,
}

/// The data of an answer that has footprints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fulfilled<'a> {
    request_event_id: &'a str,
    pfs: &'a [Box<RawValue>],
}

const UNREADABLE: Failure = Failure {
    why: "task_unreadable",
    is_refusal: true,
    retry_after: None,
};

fn received(leased: &LeasedTask) -> Result<(CloudEvent, Principal), Failure> {
    Received::read(&leased.task.input).ok_or(UNREADABLE)
}

fn store_failure(error: &StoreError) -> Failure {
    tracing::error!(
        cause = error.with_cause(),
        "a task for a partner waits for the database"
    );
    Failure::for_now("store_unavailable")
}

fn failure(error: DeliveryError) -> Failure {
    let why = error.as_str();
    match error {
        DeliveryError::Later { retry_after, .. } => Failure {
            retry_after,
            ..Failure::for_now(why)
        },
        _ => Failure::refusal(why),
    }
}

/// The footprint in the answer to `GetFootprint`: its member `data`.
fn data_member(answer: &Bytes) -> Option<Bytes> {
    #[derive(serde::Deserialize)]
    struct Answered {
        data: Box<RawValue>,
    }
    let answered: Answered = serde_json::from_slice(answer).ok()?;
    Some(Bytes::from(answered.data.get().to_owned()))
}
