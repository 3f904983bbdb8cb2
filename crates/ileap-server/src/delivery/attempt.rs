//! One attempt at one task.

use bytes::Bytes;
use futures_util::FutureExt as _;
use ileap_types::{
    datetime::DateTime,
    pact::event::{CloudEvent, EventData, EventType},
};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    Delivery,
    answer::{self, Answer},
    input::Received,
    schedule::{self, About, Failure},
};
use crate::{
    data::SourceError,
    identity::Principal,
    partner::{DeliveryError, PartnerEndpoint},
    store::{
        StoreError,
        outbox::{Changed, LeasedTask, TaskKind},
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
        let body = match &leased.body {
            // It may be known there already.
            Some(body) if leased.is_unsure => {
                self.sees_all_of(&requester, body).await?;
                body.clone()
            }
            _ => {
                let answer = match answer::evaluate(&*self.data, &requester, pf).await {
                    Ok(answer) => answer,
                    Err(error) => self.without_data(leased, &error)?,
                };
                let event = self.terminal_event(leased, &event.id, &answer)?;
                self.fix(leased, event).await?
            }
        };
        let endpoint = self.endpoint(leased, &event.source).await?;
        self.send(leased, &endpoint, body).await
    }

    /// What a request gets whose data could not be had for so long that there is just time to say so.
    fn without_data(&self, leased: &LeasedTask, error: &SourceError) -> Result<Answer, Failure> {
        let failure = data_failure(error);
        if !schedule::is_ending(leased.created_at, self.clock.now()) {
            return Err(failure);
        }
        tracing::error!(task.id = %leased.task.id, why = failure.why, "a request is rejected: its data could not be had for days");
        Ok(Answer::Rejected(
            "InternalError",
            "The data could not be looked up for days; please send the request again.",
        ))
    }

    /// What the requester may no longer see is not sent, however old the answer is.
    async fn sees_all_of(&self, requester: &Principal, body: &Bytes) -> Result<(), Failure> {
        let event = CloudEvent::parse_v2(body).map_err(|_| UNREADABLE)?;
        let EventData::RequestFulfilled { pfs, .. } = &event.data else {
            return Ok(());
        };
        for pf in pfs {
            let id = pf.get("id").and_then(Value::as_str).unwrap_or_default();
            let seen = self.data.footprint(requester, id).await;
            if seen.map_err(|error| data_failure(&error))?.is_none() {
                return Err(Failure {
                    is_final: true,
                    ..Failure::new(About::Task, "access_withdrawn")
                });
            }
        }
        Ok(())
    }

    async fn publish(&self, leased: &LeasedTask) -> Result<(), Failure> {
        let body = match &leased.body {
            Some(body) if leased.is_unsure => body.clone(),
            _ => {
                let changed: Changed =
                    serde_json::from_slice(&leased.task.input).map_err(|_| UNREADABLE)?;
                let event = self.event(
                    leased,
                    EventType::Published,
                    json!({ "pfIds": changed.pf_ids }),
                )?;
                self.fix(leased, event).await?
            }
        };
        let endpoint = self.endpoint(leased, &leased.task.base_url).await?;
        self.send(leased, &endpoint, body).await
    }

    async fn send(
        &self,
        leased: &LeasedTask,
        endpoint: &PartnerEndpoint,
        body: Bytes,
    ) -> Result<(), Failure> {
        let sent = self
            .client
            .send_event(endpoint, body, || self.confirm(leased).boxed());
        sent.await.map_err(failure)
    }

    /// Whether it is still ours to send, with enough time for it.
    async fn confirm(&self, leased: &LeasedTask) -> Result<(), DeliveryError> {
        if *self.stopping.borrow() {
            return Err(DeliveryError::KeptBack("stopping"));
        }
        let confirmed = self.store.confirm(leased.held(), self.lease_end()).await;
        let is_ours =
            confirmed.map_err(|error| DeliveryError::KeptBack(store_failure(&error).why))?;
        if !is_ours {
            return Err(DeliveryError::KeptBack("lease_lost"));
        }
        self.is_now_sending(leased.task.id);
        Ok(())
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
        let fixed = self.store.fix_body(leased.held(), &body).await;
        if fixed.map_err(|error| store_failure(&error))? {
            return Ok(body);
        }
        // Somebody else has it now, and may have sent another answer.
        Err(LEASE_LOST)
    }

    /// Where to send to: the host the event names, as far as it is the registered one.
    pub(super) async fn endpoint(
        &self,
        leased: &LeasedTask,
        source: &str,
    ) -> Result<PartnerEndpoint, Failure> {
        let base = self.callback_base(source).ok_or(UNREADABLE)?;
        let partner = self
            .partner(&leased.task.recipient, &base)
            .await
            .map_err(|error| store_failure(&error))?;
        let partner = partner.ok_or(Failure::new(About::Task, "partner_unknown"))?;
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

pub(super) const LEASE_LOST: Failure = Failure::new(About::Us, "lease_lost");
pub(super) const UNREADABLE: Failure = Failure::new(About::Task, "task_unreadable");

pub(super) fn received(leased: &LeasedTask) -> Result<(CloudEvent, Principal), Failure> {
    Received::read(&leased.task.input).ok_or(UNREADABLE)
}

pub(super) fn store_failure(error: &StoreError) -> Failure {
    tracing::error!(
        cause = error.with_cause(),
        "a task for a partner waits for the database"
    );
    Failure::new(About::Us, "store_unavailable")
}

fn data_failure(error: &SourceError) -> Failure {
    tracing::warn!(cause = %error, "a task for a partner waits for the data source");
    Failure::new(About::Us, "data_unavailable")
}

pub(super) fn failure(error: DeliveryError) -> Failure {
    let about = match error {
        DeliveryError::CredentialsRefused | DeliveryError::NoToken => About::Login,
        DeliveryError::Guarded => About::Task,
        DeliveryError::GuardedName | DeliveryError::Later { .. } => About::Host,
        DeliveryError::KeptBack(_) => About::Us,
        DeliveryError::Rejected(_) | DeliveryError::Unreadable => About::Event,
    };
    let retry_after = match error {
        DeliveryError::Later { retry_after, .. } => retry_after,
        _ => None,
    };
    Failure {
        has_not_left: error.has_not_left(),
        retry_after,
        ..Failure::new(about, error.as_str())
    }
}
