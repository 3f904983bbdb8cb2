//! One webhook on its way: signed, posted, tried again.

use std::time::Duration;

use http_body_util::Full;
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::{Message, Target, WebhookDelivery};
use crate::state::Shared;

/// How often a webhook is tried.
const ATTEMPTS: u32 = 3;
/// How long one attempt may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// The pause after the first attempt; the next is twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// Delivers until an answer says yes. The id stays the same, timestamp and signature are made anew.
pub(super) async fn deliver(
    message: &Message,
    target: &Target,
    shared: &Shared,
) -> WebhookDelivery {
    let mut delivery = WebhookDelivery {
        id: message.id.clone(),
        kind: message.kind.clone(),
        status: None,
        attempts: 0,
    };
    for attempt in 1..=ATTEMPTS {
        let now = shared.clock().now_ms() / 1000;
        let signed = message.signed(shared.webhooks.secret(), now);
        let answer = timeout(DEADLINE, post(target, &signed, &message.body)).await;
        delivery.attempts = attempt;
        delivery.status = answer.ok().flatten();
        if delivery
            .status
            .is_some_and(|status| (200..300).contains(&status))
        {
            break;
        }
        if attempt < ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
        }
    }
    delivery
}

/// The status of the answer.
async fn post(target: &Target, [id, sent_at, signature]: &[String; 3], body: &str) -> Option<u16> {
    let stream = TcpStream::connect(target.address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::post(&target.path)
        .header(header::HOST, target.address.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .header("svix-id", id)
        .header("svix-timestamp", sent_at)
        .header("svix-signature", signature)
        .body(Full::<bytes::Bytes>::from(body.to_owned()))
        .ok()?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    let status = answer.ok().map(|answer| answer.status().as_u16());
    connection.abort();
    status
}
