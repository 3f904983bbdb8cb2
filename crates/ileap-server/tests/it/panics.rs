//! A defect costs one request: a handler that panics, and one that never ends.

use std::{net::IpAddr, sync::Arc, time::Duration};

use ileap_server::{
    clock::SystemClock,
    config::{Config, Sources},
    delivery::DeliveryOptions,
    server::{Parts, Server},
    store::sql::SqlStore,
    telemetry::Metrics,
    token::{Algorithm, SigningKeys},
    verify::{Account, Attempt, CredentialVerifier, ProbeFinding, Verdict, VerifyError},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Notify, oneshot},
};

/// A verifier with a defect.
struct Broken;

#[async_trait::async_trait]
impl CredentialVerifier for Broken {
    async fn account(&self, _: &Attempt<'_>) -> Result<Account, VerifyError> {
        panic!("canary: nobody asks for the account without budgets")
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        let IpAddr::V4(address) = attempt.source else {
            panic!("canary: an address of the old kind");
        };
        panic!(
            "canary: {} from {address}",
            attempt.credentials.client_id.as_str()
        )
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        Vec::new()
    }

    fn kind(&self) -> &'static str {
        "broken"
    }
}

/// A verifier that says when it is asked, and never comes to an end.
struct Endless(Arc<Notify>);

#[async_trait::async_trait]
impl CredentialVerifier for Endless {
    async fn account(&self, _: &Attempt<'_>) -> Result<Account, VerifyError> {
        std::future::pending().await
    }

    async fn verify(&self, _: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        self.0.notify_one();
        std::future::pending().await
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        Vec::new()
    }

    fn kind(&self) -> &'static str {
        "endless"
    }
}

async fn start(
    verifier: impl CredentialVerifier + 'static,
) -> (std::net::SocketAddr, Arc<Metrics>, oneshot::Sender<()>) {
    let environment = [
        (
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            "http://127.0.0.1:9",
        ),
        ("ILEAP_LISTENER__BIND", "127.0.0.1:0"),
        ("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0"),
    ];
    let sources = Sources {
        file: None,
        environment: environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    let config = Config::load(sources).unwrap().config;
    let metrics = Arc::new(Metrics::new());
    let parts = Parts {
        clock: Arc::new(SystemClock),
        delivery: DeliveryOptions::default(),
        keys: Arc::new(SigningKeys::ephemeral(Algorithm::Es256).unwrap()),
        metrics: metrics.clone(),
        refusal_floor: Duration::ZERO,
        store: Arc::new(SqlStore::open("sqlite::memory:").await.unwrap()),
        verifier: Arc::new(verifier),
    };
    let server = Server::bind(&config, parts).await.unwrap();
    let address = server.public_address();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async move {
        let _ = stopped.await;
    }));
    (address, metrics, stop)
}

const LOGIN: &[u8] = b"POST /auth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic YTpi\r\n\
    content-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\r\n\
    grant_type=client_credentials";

/// One answer.
async fn answer(connection: &mut TcpStream, request: &[u8]) -> String {
    connection.write_all(request).await.unwrap();
    let mut answer = vec![0; 4096];
    let count = connection.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

#[tokio::test]
async fn a_panic_costs_one_request_and_says_nothing() {
    let (address, metrics, _stop) = start(Broken).await;
    let mut connection = TcpStream::connect(address).await.unwrap();
    // Twice on one connection: the first takes nothing with it.
    for _ in 0..2 {
        let refusal = answer(&mut connection, LOGIN).await;
        assert!(refusal.starts_with("HTTP/1.1 500 "), "{refusal}");
        assert!(
            refusal.contains("server_error") && !refusal.contains("canary"),
            "{refusal}"
        );
    }
    let keys = answer(&mut connection, b"GET /jwks HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(keys.starts_with("HTTP/1.1 200 "), "{keys}");
    let text = metrics.render();
    let counted = r#"ileap_http_failures_total{endpoint="token",cause="internal"} 2"#;
    assert!(text.contains(counted), "{text}");
}

#[tokio::test]
async fn a_handler_that_does_not_end_in_its_time_is_given_up_and_the_caller_may_come_back() {
    let is_asked = Arc::new(Notify::new());
    let (address, metrics, _stop) = start(Endless(is_asked.clone())).await;
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(LOGIN).await.unwrap();
    is_asked.notified().await;
    // From here on time passes as soon as nobody has anything to do.
    tokio::time::pause();
    let asked = tokio::time::Instant::now();
    let refusal = answer(&mut connection, b"").await;
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    assert!(refusal.contains("\r\nretry-after: 1\r\n"), "{refusal}");
    assert!(asked.elapsed() > Duration::from_secs(14));
    let text = metrics.render();
    let counted = r#"ileap_http_failures_total{endpoint="token",cause="timed_out"} 1"#;
    assert!(text.contains(counted), "{text}");
}
