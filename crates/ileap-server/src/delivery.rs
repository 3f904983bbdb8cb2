//! What partners get after their request has been answered: answers to events, news of footprints; and what is
//! fetched from them. Tasks are kept with the event they follow from, and done until they succeed.

mod answer;
#[cfg(any(test, feature = "fuzzing"))]
mod anything;
mod attempt;
mod fetch;
mod input;
mod schedule;
mod settle;
mod worker;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::anything::{ask_anything, fetch_anything, keep_anything};

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicI64},
    time::Duration,
};

use bytes::Bytes;
use ileap_types::pact::event::{CloudEvent, EventData};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use self::{
    input::{Fetching, Received},
    worker::UnderWay,
};
use crate::{
    clock::Clock,
    config::Config,
    data::DataSource,
    identity::{ClientCredentials, Principal, SecretEncoding},
    partner::{CALL_TIMEOUT, PartnerClient, Reach, callback_base, is_within, loopback_base},
    store::{
        Store, StoreError,
        outbox::{NewTask, TaskKind},
        partners::Partner,
    },
    telemetry::Metrics,
};

/// How long a server that stops waits for what is being sent: a call to its end, and the note of it.
pub const DRAIN: Duration = CALL_TIMEOUT.saturating_add(Duration::from_secs(5));

/// How partners are found and how patiently.
#[derive(Clone, Debug)]
pub struct DeliveryOptions {
    /// The pause after a first failure; it doubles.
    pub first_pause: Duration,
    /// The pauses after one refusal, two and so on in a row; the next one ends a task. A partner's gateway that
    /// answers nonsense for some hours must not.
    pub pauses_after_refusal: [Duration; 4],
    /// With what every host on loopback may be called back, registered or not: for the demo alone.
    pub loopback_credentials: Option<ClientCredentials>,
    /// Where partners' hosts may be.
    pub reach: Reach,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(2),
            pauses_after_refusal: [60, 10 * 60, 60 * 60, 6 * 60 * 60].map(Duration::from_secs),
            loopback_credentials: None,
            reach: Reach::Public,
        }
    }
}

impl DeliveryOptions {
    /// As the configuration says.
    pub fn from_config(config: &Config) -> Self {
        Self {
            reach: if config.events.private_networks {
                Reach::Private
            } else {
                Reach::Public
            },
            ..Self::default()
        }
    }
}

/// What tasks are done with.
pub struct DeliveryParts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What requests are answered from.
    pub data: Arc<dyn DataSource>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What partners know us as.
    pub public_base_url: String,
    /// Where tasks are kept.
    pub store: Arc<dyn Store>,
}

/// Does the tasks of the outbox.
pub struct Delivery {
    client: PartnerClient,
    clock: Arc<dyn Clock>,
    data: Arc<dyn DataSource>,
    metrics: Arc<Metrics>,
    options: DeliveryOptions,
    public_base_url: String,
    /// How many nanoseconds the clock that leases are judged by is ahead of ours.
    lease_clock_ahead: AtomicI64,
    stopping: watch::Sender<bool>,
    store: Arc<dyn Store>,
    /// What this process is at, by task.
    under_way: Mutex<HashMap<Uuid, UnderWay>>,
    wake: Notify,
}

impl Delivery {
    /// Nothing is done before [`Delivery::run`].
    pub fn new(options: DeliveryOptions, parts: DeliveryParts) -> Self {
        Self {
            client: PartnerClient::new(options.reach, parts.clock.clone()),
            clock: parts.clock,
            data: parts.data,
            metrics: parts.metrics,
            options,
            public_base_url: parts.public_base_url,
            lease_clock_ahead: AtomicI64::new(0),
            stopping: watch::Sender::new(false),
            store: parts.store,
            under_way: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// The tasks that follow from an event; none when its source is no host that is registered for the sender.
    pub async fn tasks(
        &self,
        event: &CloudEvent,
        body: &Bytes,
        sender: &Principal,
    ) -> Result<Vec<NewTask>, StoreError> {
        let recipient = sender.recipient();
        if matches!(event.data, EventData::RequestRejected { .. }) {
            return Ok(Vec::new());
        }
        let partner = match self.callback_base(&event.source) {
            Some(base) => self.partner(recipient, &base).await?,
            None => None,
        };
        let Some(partner) = partner else {
            tracing::warn!(
                client.id = ?sender.client_id.as_str(),
                event.id = ?event.id,
                recipient,
                "nothing follows from an event: its source is no host registered for the sender; \
                 `ileap partners add` registers one"
            );
            return Ok(Vec::new());
        };
        let task = |kind, input| NewTask {
            id: Uuid::new_v4(),
            kind,
            recipient: recipient.to_owned(),
            base_url: partner.base_url.clone(),
            input,
        };
        let whole = |kind| Received::keep(body, sender).map(|input| task(kind, input));
        Ok(match &event.data {
            EventData::Published { pf_ids } => Fetching::in_parts(&event.source, pf_ids)
                .map(|input| task(TaskKind::Fetch, input))
                .collect(),
            EventData::RequestCreated { .. } => whole(TaskKind::Answer).into_iter().collect(),
            EventData::RequestFulfilled { .. } => whole(TaskKind::Keep).into_iter().collect(),
            EventData::RequestRejected { .. } => Vec::new(),
        })
    }

    /// Says that there are new tasks.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// The base behind an event's source; in the demo nobody on this machine needs HTTPS.
    fn callback_base(&self, source: &str) -> Option<String> {
        let here = match self.options.loopback_credentials {
            Some(_) => loopback_base(source),
            None => None,
        };
        here.or_else(|| callback_base(source))
    }

    /// The partner behind a URL: the registered one of this recipient that has the longest base, or in the demo
    /// whoever it is on loopback.
    async fn partner(&self, recipient: &str, url: &str) -> Result<Option<Partner>, StoreError> {
        let partners = self.store.partners(Some(recipient)).await?;
        let registered = partners
            .into_iter()
            .filter(|partner| is_within(url, &partner.base_url))
            .max_by_key(|partner| partner.base_url.len());
        let on_loopback = || {
            let credentials = self.options.loopback_credentials.clone()?;
            Some(Partner {
                recipient: recipient.to_owned(),
                base_url: loopback_base(url)?,
                auth_base_url: None,
                credentials,
                basic_encoding: SecretEncoding::Raw,
                publish_as: None,
            })
        };
        Ok(registered.or_else(on_loopback))
    }
}
