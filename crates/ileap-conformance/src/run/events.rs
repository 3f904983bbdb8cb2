//! Events that the run sends.

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::Run;
use crate::{
    listener::Listener,
    outcome::Stop,
    wire::{Answer, Request, is_loopback},
};

/// The product that nobody has, as the official tests name it.
const NO_PRODUCT: &str = "urn:pact:null";
/// The source of events that nothing follows from.
const NOWHERE: &str = "https://conformance.invalid";

/// A request by event, and what the host said to it.
#[derive(Clone, Debug)]
pub(crate) struct Requested {
    pub(crate) event_id: String,
    pub(crate) products: Vec<String>,
    pub(crate) answer: Answer,
    /// When its callback is due.
    pub(crate) due: Instant,
}

impl Run {
    pub(crate) async fn post_event(&self, event: &Value) -> Result<Answer, Stop> {
        self.send(self.event_request(event.to_string())).await
    }

    pub(crate) fn event_request(&self, body: String) -> Request {
        let media_type = "application/cloudevents+json; charset=UTF-8";
        Request::post(self.url("/2/events"), media_type, body)
    }

    /// An event of ours; `source` is where answers go.
    pub(crate) fn event(&self, kind: &str, source: &str, data: &Value) -> Value {
        json!({
            "type": format!("org.wbcsd.pathfinder.{kind}.v1"),
            "specversion": "1.0",
            "id": format!("{}/12", Uuid::new_v4()),
            "source": source,
            "time": self.options.started_at.to_string(),
            "data": data,
        })
    }

    /// A Published event from nowhere: nothing follows from it.
    pub(crate) fn published(&self, ids: &[&str]) -> Value {
        self.event(
            "ProductFootprint.Published",
            NOWHERE,
            &json!({"pfIds": ids}),
        )
    }

    /// Whether the host says that it has no events.
    pub(crate) async fn is_without_events(&self) -> Result<bool, Stop> {
        let ask = || async {
            let event = self.published(&[&Uuid::new_v4().to_string()]);
            let answer = self.post_event(&event).await?;
            Ok(answer.status == 400 && answer.json_or_null()["code"] == "NotImplemented")
        };
        self.without_events.get_or_init(ask).await.clone()
    }

    /// Where the host's callbacks arrive.
    pub(crate) async fn listener(&self) -> Result<&Listener, Stop> {
        let start = || async {
            let public = self.options.callback_url.clone();
            if public.is_none() && !is_loopback(&self.options.base) {
                let reason = "the host cannot call back here; name a URL that leads to this machine with --callback-url";
                return Err(Stop::skip(reason));
            }
            Listener::start(self.options.callback_bind, public).await
        };
        self.listener
            .get_or_init(start)
            .await
            .as_ref()
            .map_err(Clone::clone)
    }

    /// A request by event for the products of the first footprint.
    pub(crate) async fn requested(&self) -> Result<&Requested, Stop> {
        let send = || async {
            let listing = self.footprints().await?;
            let first = listing.records.first();
            let ids = first.and_then(|footprint| footprint["productIds"].as_array());
            let ids = ids.map(Vec::as_slice).unwrap_or_default().iter();
            let products: Vec<_> = ids.filter_map(Value::as_str).map(str::to_owned).collect();
            if products.is_empty() {
                return Err(Stop::inconclusive("no footprint is there to ask for"));
            }
            self.request(products).await
        };
        self.requested
            .get_or_init(send)
            .await
            .as_ref()
            .map_err(Clone::clone)
    }

    /// A request by event for a product that nobody has.
    pub(crate) async fn requested_nothing(&self) -> Result<&Requested, Stop> {
        let send = || self.request(vec![NO_PRODUCT.to_owned()]);
        let requested = self.requested_nothing.get_or_init(send).await;
        requested.as_ref().map_err(Clone::clone)
    }

    async fn request(&self, products: Vec<String>) -> Result<Requested, Stop> {
        // The answer at once tells something even where no callback can come.
        let source = self.listener().await.map_or(NOWHERE, Listener::url);
        let data = json!({"pf": {"productIds": products}, "comment": "a conformance test"});
        let event = self.event("ProductFootprintRequest.Created", source, &data);
        let answer = self.post_event(&event).await?;
        Ok(Requested {
            event_id: event["id"].as_str().unwrap_or_default().to_owned(),
            products,
            answer,
            due: Instant::now() + self.options.timing.callback,
        })
    }
}
