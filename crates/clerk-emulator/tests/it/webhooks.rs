//! What the emulator tells a receiver of webhooks.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clerk_emulator::{
    ClerkEmulator, EmulatorMembership, EmulatorOptions, EmulatorUser, SpoiledWebhook, StartError,
};
use serde_json::{Value, json};

const OPS: &str = "ops@acme.example";

/// One webhook as it arrived.
#[derive(Clone, Debug)]
struct Arrived {
    headers: HeaderMap,
    body: Bytes,
}

impl Arrived {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn kind(&self) -> String {
        self.event()["type"].as_str().unwrap().to_owned()
    }

    /// Whether it is signed with this secret, by Standard Webhooks 1.0.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD
            .decode(secret.strip_prefix("whsec_").unwrap())
            .unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let (id, sent_at) = (self.header("svix-id"), self.header("svix-timestamp"));
        let message = [id.as_bytes(), b".", sent_at.as_bytes(), b".", &self.body].concat();
        let tag = self.header("svix-signature").strip_prefix("v1,").unwrap();
        hmac::verify(&key, &message, &STANDARD.decode(tag).unwrap()).is_ok()
    }
}

#[derive(Clone, Default)]
struct Receiver {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    refuses: Arc<Mutex<u32>>,
}

impl Receiver {
    async fn listen(&self) -> String {
        let router = Router::new()
            .route("/webhooks/clerk", post(receive))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/webhooks/clerk")
    }

    fn arrived(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.arrived.lock().unwrap())
    }

    fn kinds(&self) -> Vec<String> {
        self.arrived().iter().map(Arrived::kind).collect()
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver
        .arrived
        .lock()
        .unwrap()
        .push(Arrived { headers, body });
    let mut refuses = receiver.refuses.lock().unwrap();
    if *refuses > 0 {
        *refuses -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::NO_CONTENT
}

/// An emulator with one member of an organization, and a receiver of its webhooks.
async fn start() -> (ClerkEmulator, Receiver) {
    let user = EmulatorUser::with_email(OPS, "quartz-Lantern-4711")
        .member_of("acme", "org:ileap_operator");
    let receiver = Receiver::default();
    let options = EmulatorOptions {
        webhook_url: Some(receiver.listen().await),
        ..EmulatorOptions::with_users([user])
    };
    (ClerkEmulator::start(options).await.unwrap(), receiver)
}

#[tokio::test]
async fn what_is_there_at_the_start_is_no_news() {
    let (emulator, receiver) = start().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    emulator.admin().webhooks_told().await;
    assert!(receiver.kinds().is_empty());
}

#[tokio::test]
async fn a_ban_is_told_signed_and_in_clerks_shape() {
    let (emulator, receiver) = start().await;
    emulator.admin().ban(OPS).unwrap();
    emulator.admin().webhooks_told().await;
    let arrived = receiver.arrived();
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert!(arrived[0].is_signed_with(emulator.webhook_signing_secret()));
    assert!(arrived[0].header("svix-id").starts_with("msg_"));
    let event = arrived[0].event();
    assert_eq!(event["type"], "user.updated");
    assert_eq!(event["object"], "event");
    assert_eq!(event["instance_id"], emulator.instance_id());
    assert_eq!(event["data"]["id"], emulator.user_id(OPS).unwrap());
    assert_eq!(event["data"]["banned"], true);
    assert!(!String::from_utf8_lossy(&arrived[0].body).contains("quartz"));
}

#[tokio::test]
async fn every_kind_of_change_has_its_event() {
    let (emulator, receiver) = start().await;
    let admin = emulator.admin();
    let told = async |expected: &[&str]| {
        admin.webhooks_told().await;
        assert_eq!(receiver.kinds(), expected);
    };
    admin.set_password(OPS, "Lantern-quartz-1174").unwrap();
    told(&["user.updated"]).await;
    admin.lock(OPS).unwrap();
    told(&["user.updated"]).await;
    admin.unlock(OPS).unwrap();
    told(&["user.updated"]).await;
    admin
        .set_membership(OPS, EmulatorMembership::new("acme", "org:ileap_all"))
        .unwrap();
    told(&["organizationMembership.updated"]).await;
    admin.remove_membership(OPS, "acme").unwrap();
    told(&["organizationMembership.deleted"]).await;
    admin
        .create_user(EmulatorUser::with_email(
            "new@acme.example",
            "quartz-Lantern-4711",
        ))
        .unwrap();
    told(&["user.created"]).await;
    admin.delete_user("new@acme.example").unwrap();
    told(&["user.deleted"]).await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_again_under_the_same_id() {
    let (emulator, receiver) = start().await;
    *receiver.refuses.lock().unwrap() = 2;
    emulator.admin().ban(OPS).unwrap();
    emulator.admin().webhooks_told().await;
    let arrived = receiver.arrived();
    assert_eq!(arrived.len(), 3);
    assert!(
        arrived
            .iter()
            .all(|one| one.header("svix-id") == arrived[0].header("svix-id"))
    );
    let sent = emulator.admin().webhooks_sent();
    assert_eq!((sent[0].attempts, sent[0].status), (3, Some(204)));

    assert!(emulator.admin().resend_webhook(&sent[0].id));
    assert!(!emulator.admin().resend_webhook("msg_unknown"));
    emulator.admin().webhooks_told().await;
    assert_eq!(receiver.arrived()[0].header("svix-id"), sent[0].id);
}

#[tokio::test]
async fn webhooks_can_be_spoiled() {
    let (emulator, receiver) = start().await;
    let secret = emulator.webhook_signing_secret();
    let event = json!({"type": "user.updated", "data": {"id": "user_1"}});
    let admin = emulator.admin();
    admin.send_webhook(SpoiledWebhook::WrongSignature(event.clone()));
    admin.send_webhook(SpoiledWebhook::Old(event, Duration::from_secs(600)));
    admin.send_webhook(SpoiledWebhook::Body("no JSON".to_owned()));
    admin.webhooks_told().await;
    let [wrong, old, odd] = receiver.arrived().try_into().unwrap();
    assert!(!wrong.is_signed_with(secret));
    assert!(old.is_signed_with(secret) && odd.is_signed_with(secret));
    let sent_at = |one: &Arrived| one.header("svix-timestamp").parse::<u64>().unwrap();
    assert!(sent_at(&odd) - sent_at(&old) >= 600);
    assert_eq!(odd.body, "no JSON");
}

#[tokio::test]
async fn webhooks_do_not_leave_the_machine() {
    let options = EmulatorOptions {
        webhook_url: Some("http://203.0.113.9/webhooks".to_owned()),
        ..EmulatorOptions::default()
    };
    let refused = ClerkEmulator::start(options).await;
    assert!(matches!(refused, Err(StartError::Webhooks(_))));
    let (emulator, receiver) = start().await;
    assert!(
        emulator
            .admin()
            .set_webhook_url(Some("https://clerk.example/"))
            .is_err()
    );
    emulator.admin().set_webhook_url(None).unwrap();
    emulator.admin().ban(OPS).unwrap();
    emulator.admin().webhooks_told().await;
    assert!(receiver.kinds().is_empty());
}
