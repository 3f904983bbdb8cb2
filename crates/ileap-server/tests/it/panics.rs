//! A defect costs one request.

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
    sync::oneshot,
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

async fn start() -> (std::net::SocketAddr, Arc<Metrics>, oneshot::Sender<()>) {
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
        verifier: Arc::new(Broken),
    };
    let server = Server::bind(&config, parts).await.unwrap();
    let address = server.public_address();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async move {
        let _ = stopped.await;
    }));
    (address, metrics, stop)
}

#[tokio::test]
async fn a_panic_costs_one_request_and_says_nothing() {
    let (address, metrics, _stop) = start().await;
    let mut connection = TcpStream::connect(address).await.unwrap();
    let login = "POST /auth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic YTpi\r\n\
                 content-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\r\n\
                 grant_type=client_credentials";
    // Twice on one connection: the first takes nothing with it.
    for _ in 0..2 {
        connection.write_all(login.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let count = connection.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..count]);
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(
            answer.contains("server_error") && !answer.contains("canary"),
            "{answer}"
        );
    }
    let keys = "GET /jwks HTTP/1.1\r\nhost: x\r\n\r\n";
    connection.write_all(keys.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let count = connection.read(&mut answer).await.unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 200 "));
    let text = metrics.render();
    let counted = r#"ileap_http_failures_total{endpoint="token",cause="internal"} 2"#;
    assert!(text.contains(counted), "{text}");
}
