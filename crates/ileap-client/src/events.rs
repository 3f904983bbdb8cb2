//! Sending events (PACT v2 "Action Events").

use http::header;
use ileap_types::pact::event::CloudEvent;

use crate::{client::Client, error::Error};

impl Client {
    /// Sends an event; an `Ok` means that the host has acknowledged it.
    ///
    /// It may arrive more than once when answers are lost: hosts tell by `source` and `id`.
    pub async fn send_event(&self, event: &CloudEvent) -> Result<(), Error> {
        let url = self.url(&["2", "events"]);
        let body = event.to_json().to_string();
        let attempted = format!("sending an event to {url}");
        let request = || {
            let request = self
                .transport()
                .post(&url)?
                .header(header::ACCEPT, "application/json")
                .header(
                    header::CONTENT_TYPE,
                    "application/cloudevents+json; charset=UTF-8",
                )
                .body(body.clone());
            Ok(request)
        };
        self.authorized(&attempted, request).await.map(|_| ())
    }
}
