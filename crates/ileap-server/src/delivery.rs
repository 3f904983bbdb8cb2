//! What partners get after their request has been answered: answers to events, news of footprints; and what is
//! fetched from them. Tasks are kept with the event they follow from, and done until they succeed.

mod answer;
mod attempt;
mod input;
mod schedule;
mod worker;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use ileap_types::pact::event::{CloudEvent, EventData};
use tokio::sync::Notify;
use uuid::Uuid;

use self::input::Received;
use crate::{
    clock::Clock,
    config::Config,
    data::DataSource,
    identity::{ClientCredentials, Principal, SecretEncoding},
    partner::{PartnerClient, Reach, callback_base, is_within, loopback_base},
    store::{
        Store, StoreError,
        outbox::{NewTask, TaskKind},
        partners::Partner,
    },
    telemetry::Metrics,
};

/// How partners are found and how patiently.
#[derive(Clone, Debug)]
pub struct DeliveryOptions {
    /// The pause after a first failure; it doubles.
    pub first_pause: Duration,
    /// With what every host on loopback may be called back, registered or not: for the demo alone.
    pub loopback_credentials: Option<ClientCredentials>,
    /// Where partners' hosts may be.
    pub reach: Reach,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(2),
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
    stopping: Notify,
    store: Arc<dyn Store>,
    wake: Notify,
    /// A name that no other worker has.
    worker: String,
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
            stopping: Notify::new(),
            store: parts.store,
            wake: Notify::new(),
            worker: Uuid::new_v4().to_string(),
        }
    }

    /// The tasks that follow from an event; none when its source is no host that is registered for the sender.
    pub async fn tasks(
        &self,
        event: &CloudEvent,
        body: &Bytes,
        sender: &Principal,
    ) -> Result<Vec<NewTask>, StoreError> {
        let kind = match event.data {
            EventData::Published { .. } => TaskKind::Fetch,
            EventData::RequestCreated { .. } => TaskKind::Answer,
            EventData::RequestFulfilled { .. } => TaskKind::Keep,
            EventData::RequestRejected { .. } => return Ok(Vec::new()),
        };
        let recipient = sender.recipient();
        let partner = match callback_base(&event.source) {
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
        let Some(input) = Received::keep(body, sender) else {
            return Ok(Vec::new());
        };
        Ok(vec![NewTask {
            id: Uuid::new_v4(),
            kind,
            recipient: recipient.to_owned(),
            base_url: partner.base_url,
            input,
        }])
    }

    /// Says that there are new tasks.
    pub fn wake(&self) {
        self.wake.notify_one();
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
