use std::sync::{
    atomic::{AtomicBool, AtomicUsize},
    mpsc,
};

use bytes::Bytes;
use ileap_types::{
    filter::{odata::FootprintFilter, tad::TadFilter},
    pact::event::CloudEvent,
};
use serde_json::json;

use super::*;
use crate::{
    clock::{Clock as _, SystemClock},
    data::{DataSource, Question, SourceError, stored::StoredData},
    delivery::{DeliveryOptions, DeliveryParts},
    identity::{ClientCredentials, ClientId, ClientSecret, Principal, Role, SecretEncoding},
    outbound::raw_upstream::{RawUpstream, Reply},
    partner::Reach,
    store::{
        EventReceipt, Page, ReceivedEvent, Store as _,
        contract::principal,
        outbox::Outbox as _,
        partners::{Partner, PartnerRecords as _},
        sql::SqlStore,
    },
    telemetry::Metrics,
};

/// What happens the first time that footprints are looked for.
type Surprise = Box<dyn Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>;

/// The store's data, with a surprise.
struct Surprising {
    data: StoredData,
    is_over: AtomicBool,
    surprise: Surprise,
}

#[async_trait::async_trait]
impl DataSource for Surprising {
    async fn footprint(&self, caller: &Principal, id: &str) -> Result<Option<Bytes>, SourceError> {
        self.data.footprint(caller, id).await
    }

    async fn footprints(
        &self,
        caller: &Principal,
        question: &Question<'_, FootprintFilter>,
    ) -> Result<Page, SourceError> {
        if !self.is_over.swap(true, Ordering::SeqCst) {
            (self.surprise)().await;
        }
        self.data.footprints(caller, question).await
    }

    async fn tads(
        &self,
        caller: &Principal,
        question: &Question<'_, TadFilter>,
    ) -> Result<Page, SourceError> {
        self.data.tads(caller, question).await
    }
}

fn no_surprise() -> Surprise {
    Box::new(|| Box::pin(async {}))
}

/// Data that cannot be had.
struct Away;

#[async_trait::async_trait]
impl DataSource for Away {
    async fn footprint(&self, _: &Principal, _: &str) -> Result<Option<Bytes>, SourceError> {
        Err(unreachable())
    }

    async fn footprints(
        &self,
        _: &Principal,
        _: &Question<'_, FootprintFilter>,
    ) -> Result<Page, SourceError> {
        Err(unreachable())
    }

    async fn tads(&self, _: &Principal, _: &Question<'_, TadFilter>) -> Result<Page, SourceError> {
        Err(unreachable())
    }
}

fn unreachable() -> SourceError {
    SourceError::Unavailable {
        why: "connect",
        retry_after: Duration::from_secs(1),
    }
}

/// A partner's host that gives tokens and acknowledges events, after it has done this.
async fn host(before: impl Fn() + Send + Sync + 'static) -> (RawUpstream, Arc<AtomicUsize>) {
    let events = Arc::new(AtomicUsize::new(0));
    let counted = events.clone();
    let reply = Reply::Answer(Arc::new(move |request: &str| {
        if request.starts_with("POST /2/events") {
            before();
            counted.fetch_add(1, Ordering::SeqCst);
            return Reply::json(200, "");
        }
        Reply::json(200, r#"{"access_token":"t"}"#)
    }));
    (RawUpstream::scripted(vec![reply]).await, events)
}

fn delivery(store: &Arc<SqlStore>, surprise: Surprise) -> Arc<Delivery> {
    let data = Surprising {
        data: StoredData::new(store.clone()),
        is_over: AtomicBool::new(false),
        surprise,
    };
    delivery_of(store, Arc::new(data))
}

fn delivery_of(store: &Arc<SqlStore>, data: Arc<dyn DataSource>) -> Arc<Delivery> {
    let options = DeliveryOptions {
        first_pause: Duration::from_millis(20),
        reach: Reach::Loopback,
        ..DeliveryOptions::default()
    };
    let parts = DeliveryParts {
        clock: Arc::new(SystemClock),
        data,
        metrics: Arc::new(Metrics::new()),
        public_base_url: "https://us.example".to_owned(),
        store: store.clone(),
    };
    Arc::new(Delivery::new(options, parts))
}

/// Receives a request that is to be answered at `host`.
async fn receive(delivery: &Delivery, store: &SqlStore, host: &RawUpstream) {
    receive_at(delivery, store, host, SystemClock.now()).await;
}

async fn receive_at(
    delivery: &Delivery,
    store: &SqlStore,
    host: &RawUpstream,
    received_at: Timestamp,
) {
    let base = host.url().as_str().trim_end_matches('/').to_owned();
    let sender = principal(&[Role::User], "org_1");
    let partner = Partner {
        recipient: "org_1".to_owned(),
        base_url: base.clone(),
        auth_base_url: None,
        credentials: ClientCredentials {
            client_id: ClientId::new("us").unwrap(),
            client_secret: ClientSecret::new("sesame").unwrap(),
        },
        basic_encoding: SecretEncoding::Raw,
        publish_as: None,
    };
    store.put_partner(&partner).await.unwrap();
    let event = json!({
        "specversion": "1.0", "id": "1", "source": base,
        "type": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
        "data": { "pf": { "productIds": ["urn:pact:null"] } },
    });
    let body = Bytes::from(event.to_string());
    let event = CloudEvent::parse_v2(&body).unwrap();
    let tasks = delivery.tasks(&event, &body, &sender).await.unwrap();
    assert_eq!(tasks.len(), 1);
    let received = ReceivedEvent {
        event: &event,
        body: &body,
        sender: &sender,
        received_at,
    };
    let receipt = store.record_event(&received, &tasks).await.unwrap();
    assert_eq!(receipt, EventReceipt::Stored);
}

async fn open(store: &SqlStore) -> u64 {
    store.depth().await.map_or(1, |depth| depth.open)
}

/// A request that has come in, and the worker that answers it.
struct Scene {
    delivery: Arc<Delivery>,
    running: JoinHandle<()>,
    store: Arc<SqlStore>,
}

impl Scene {
    async fn begin(store: Arc<SqlStore>, host: &RawUpstream, surprise: Surprise) -> Self {
        let delivery = delivery(&store, surprise);
        receive(&delivery, &store, host).await;
        Self {
            running: tokio::spawn(delivery.clone().run()),
            delivery,
            store,
        }
    }

    /// Waits until the request has been answered, and says how many tasks are under way then.
    async fn is_answered(&self) -> usize {
        all_is_done(&self.store).await;
        self.delivery.under_way().len()
    }

    async fn stop(self, longest: Duration) {
        self.delivery.stop(self.running, longest).await;
    }
}

async fn in_memory() -> Arc<SqlStore> {
    Arc::new(SqlStore::open("sqlite::memory:").await.unwrap())
}

async fn all_is_done(store: &SqlStore) {
    for _ in 0..3000 {
        if open(store).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("tasks stay open: {:?}", store.unsettled(10).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_acknowledged_event_is_not_sent_again_though_the_database_was_away_in_that_moment() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let store = Arc::new(SqlStore::open(&url).await.unwrap());
    let importer = SqlStore::open(&url).await.unwrap();
    let (asks, asked) = mpsc::channel();
    let (allows, allowed) = mpsc::channel::<()>();
    let allowed = std::sync::Mutex::new(allowed);
    let (host, events) = host(move || {
        let _ = asks.send(());
        let _ = allowed.lock().unwrap().recv();
    })
    .await;
    let scene = Scene::begin(store, &host, no_surprise()).await;
    tokio::task::spawn_blocking(move || asked.recv().unwrap())
        .await
        .unwrap();
    // An import begins before the partner acknowledges: for longer than a statement waits, and than a lease lasts.
    let import = importer.begin_import().await.unwrap();
    drop(allows);
    tokio::time::sleep(Duration::from_secs(33)).await;
    drop(import);
    scene.is_answered().await;
    assert_eq!(events.load(Ordering::SeqCst), 1);
    scene.stop(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_task_that_panics_is_tried_again() {
    let (host, events) = host(|| {}).await;
    let surprise = Box::new(|| panic!("as surprises do"));
    let scene = Scene::begin(in_memory().await, &host, surprise).await;
    assert_eq!(scene.is_answered().await, 0);
    assert_eq!(events.load(Ordering::SeqCst), 1);
    scene.stop(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn who_has_lost_a_lease_sends_nothing() {
    let store = in_memory().await;
    let (host, events) = host(|| {}).await;
    let taken = Arc::new(std::sync::Mutex::new(None));
    let (thief, kept) = (store.clone(), taken.clone());
    let steal = move || {
        let (thief, kept) = (thief.clone(), kept.clone());
        async move {
            let lease = Lease {
                id: Uuid::new_v4(),
                now: SystemClock.now() + SignedDuration::from_hours(1),
                lasts: Duration::from_secs(60),
                limit: 1,
                except: Vec::new(),
            };
            let leased = thief.lease(&lease).await.unwrap();
            *kept.lock().unwrap() = Some(leased[0].held());
        }
        .boxed()
    };
    let scene = Scene::begin(store.clone(), &host, Box::new(steal)).await;
    let held = loop {
        if let Some(held) = *taken.lock().unwrap() {
            break held;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    while !scene.delivery.under_way().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((events.load(Ordering::SeqCst), open(&store).await), (0, 1));
    assert_eq!(store.unsettled(1).await.unwrap()[0].attempts, 0);
    // The thief gives it back.
    store.release(&[held]).await.unwrap();
    scene.is_answered().await;
    assert_eq!(events.load(Ordering::SeqCst), 1);
    scene.stop(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_request_whose_data_cannot_be_had_for_three_days_is_rejected_once() {
    let store = Arc::new(SqlStore::open("sqlite::memory:").await.unwrap());
    let events = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = events.clone();
    let reply = Reply::Answer(Arc::new(move |request: &str| {
        if let Some((head, body)) = request.split_once("\r\n\r\n")
            && head.starts_with("POST /2/events")
        {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            kept.lock().unwrap().push(body);
            return Reply::json(200, "");
        }
        Reply::json(200, r#"{"access_token":"t"}"#)
    }));
    let host = RawUpstream::scripted(vec![reply]).await;
    let delivery = delivery_of(&store, Arc::new(Away));
    let ago = |hours| SystemClock.now() - SignedDuration::from_hours(hours);
    receive_at(&delivery, &store, &host, ago(65)).await;
    let running = tokio::spawn(delivery.clone().run());
    let attempts = async || store.unsettled(1).await.unwrap()[0].attempts;
    while attempts().await < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    delivery.stop(running, Duration::from_secs(20)).await;
    assert_eq!(events.lock().unwrap().len(), 0, "it may still be had");

    let store = Arc::new(SqlStore::open("sqlite::memory:").await.unwrap());
    let delivery = delivery_of(&store, Arc::new(Away));
    receive_at(&delivery, &store, &host, ago(67)).await;
    let running = tokio::spawn(delivery.clone().run());
    all_is_done(&store).await;
    delivery.stop(running, Duration::from_secs(20)).await;
    let events = events.lock().unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    let rejected = "org.wbcsd.pathfinder.ProductFootprintRequest.Rejected.v1";
    assert_eq!(events[0]["type"], rejected);
    assert_eq!(events[0]["data"]["requestEventId"], "1");
    assert_eq!(events[0]["data"]["error"]["code"], "InternalError");
}

static ROUNDS: AtomicUsize = AtomicUsize::new(0);

async fn panics_at_first(_: Arc<Delivery>) {
    let round = ROUNDS.fetch_add(1, Ordering::SeqCst);
    assert!(round > 0, "the first round panics");
}

#[tokio::test]
async fn a_part_that_panics_is_begun_anew() {
    let store = in_memory().await;
    let delivery = delivery(&store, no_surprise());
    delivery.clone().kept_up("part", panics_at_first).await;
    assert_eq!(ROUNDS.load(Ordering::SeqCst), 2);
    let metrics = delivery.metrics.render();
    assert!(metrics.contains("restarted"), "{metrics}");
}

#[tokio::test]
async fn what_is_not_being_sent_when_the_server_stops_is_given_back() {
    let store = in_memory().await;
    let (asks, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let reply = Reply::Answer(Arc::new(move |_: &str| {
        let _ = asks.send(());
        Reply::Hang
    }));
    // A host that never gives a token: nothing is being sent yet.
    let host = RawUpstream::scripted(vec![reply]).await;
    let scene = Scene::begin(store.clone(), &host, no_surprise()).await;
    asked.recv().await.unwrap();
    // It would hang for longer than this.
    scene.stop(Duration::from_secs(10)).await;
    let next = store.next_due().await.unwrap().unwrap();
    assert!(
        next <= SystemClock.now(),
        "another process may have it at once"
    );
    assert_eq!(store.unsettled(1).await.unwrap()[0].attempts, 0);
}
