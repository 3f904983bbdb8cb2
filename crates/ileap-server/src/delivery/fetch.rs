//! Footprints that partners share: those they send, and those they tell of.

use bytes::Bytes;
use ileap_types::pact::{
    event::EventData,
    v2::{PfId, ProductFootprint},
};
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{
    Delivery,
    attempt::{LEASE_LOST, UNREADABLE, failure, received, store_failure},
    input::Fetching,
    schedule::{About, Failure},
};
use crate::{
    partner::{DeliveryError, PartnerEndpoint},
    store::{outbox::LeasedTask, partners::ReceivedFootprint},
};

/// After how many footprints it is noted which are left.
const NOTED_EVERY: u32 = 10;

impl Delivery {
    /// Fetches one footprint after the other. What is wrong with one keeps nobody from the others; what is wrong
    /// with the host leaves those that are still to be fetched.
    pub(super) async fn fetch(&self, leased: &LeasedTask) -> Result<(), Failure> {
        let mut left = Fetching::read(&leased.task.input).ok_or(UNREADABLE)?;
        let endpoint = self.endpoint(leased, &left.source).await?;
        self.client.prepare(&endpoint).await.map_err(failure)?;
        let mut fetched = 0;
        while let Some(id) = left.pf_ids.front() {
            if let Err(failure) = self.fetch_one(leased, &endpoint, *id).await {
                self.narrow(leased, &left).await?;
                return Err(failure);
            }
            left.pf_ids.pop_front();
            fetched += 1;
            if fetched % NOTED_EVERY == 0 {
                self.narrow(leased, &left).await?;
            }
        }
        Ok(())
    }

    async fn fetch_one(
        &self,
        leased: &LeasedTask,
        endpoint: &PartnerEndpoint,
        id: PfId,
    ) -> Result<(), Failure> {
        let why = match self.client.footprint(endpoint, &id.to_string()).await {
            Ok(Some(answer)) => {
                let json = data_member(&answer);
                let found = self.readable(leased, json);
                if found.iter().all(|footprint| footprint.id == id) && !found.is_empty() {
                    return self.keep_all(&found).await;
                }
                "answer_unreadable"
            }
            Ok(None) => "not_there",
            Err(error @ (DeliveryError::Rejected(_) | DeliveryError::Unreadable)) => error.as_str(),
            Err(error) => return Err(failure(error)),
        };
        tracing::warn!(task.id = %leased.task.id, footprint.id = %id, why, "a published footprint is passed over");
        Ok(())
    }

    async fn narrow(&self, leased: &LeasedTask, left: &Fetching) -> Result<(), Failure> {
        let input = left.keep().ok_or(UNREADABLE)?;
        let narrowed = self.store.narrow(leased.held(), &input).await;
        if narrowed.map_err(|error| store_failure(&error))? {
            return Ok(());
        }
        Err(LEASE_LOST)
    }

    pub(super) async fn keep(&self, leased: &LeasedTask) -> Result<(), Failure> {
        let (event, _) = received(leased)?;
        let EventData::RequestFulfilled { pfs, .. } = &event.data else {
            return Err(UNREADABLE);
        };
        let footprints = self.readable(leased, pfs.iter().map(|pf| Bytes::from(pf.to_string())));
        self.keep_all(&footprints).await
    }

    async fn keep_all(&self, footprints: &[ReceivedFootprint]) -> Result<(), Failure> {
        let kept = self.store.keep_received(footprints).await;
        if kept.map_err(|error| store_failure(&error))? {
            return Ok(());
        }
        Err(Failure::new(About::Us, "no_room"))
    }

    /// Those that are footprints; others are passed over with a word in the log.
    fn readable(
        &self,
        leased: &LeasedTask,
        objects: impl IntoIterator<Item = Bytes>,
    ) -> Vec<ReceivedFootprint> {
        let read = |json: Bytes| {
            let footprint = footprint(json, &leased.task.recipient, self.clock.now());
            if footprint.is_none() {
                tracing::warn!(task.id = %leased.task.id, "a partner's footprint cannot be read and is not kept");
            }
            footprint
        };
        objects.into_iter().filter_map(read).collect()
    }
}

/// A partner's footprint, as it is kept.
pub(super) fn footprint(
    json: Bytes,
    recipient: &str,
    received_at: Timestamp,
) -> Option<ReceivedFootprint> {
    let footprint: ProductFootprint = serde_json::from_slice(&json).ok()?;
    Some(ReceivedFootprint {
        recipient: recipient.to_owned(),
        id: footprint.id,
        version: footprint.version,
        received_at,
        json,
    })
}

/// The footprint in the answer to `GetFootprint`: its member `data`.
pub(super) fn data_member(answer: &Bytes) -> Option<Bytes> {
    #[derive(serde::Deserialize)]
    struct Answered {
        data: Box<RawValue>,
    }
    let answered: Answered = serde_json::from_slice(answer).ok()?;
    Some(Bytes::from(answered.data.get().to_owned()))
}
