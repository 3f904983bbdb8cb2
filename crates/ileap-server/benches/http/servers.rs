//! The servers that are measured, each on a runtime with one thread.

use std::{
    convert::Infallible,
    io::{Read as _, Write as _},
    net::SocketAddr,
    process::ChildStdout,
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa,
    signature::{self, KeyPair as _},
};
use axum::{Router, routing::get};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use ileap_server::{
    access::Visibility,
    clock::{Clock as _, SystemClock},
    config::{Config, Sources},
    identity::{Organization, Principal, Role, Scopes},
    import,
    server::{self, Parts, Server},
    store::{Store as _, sql::SqlStore},
    telemetry::Metrics,
    token::{Algorithm, MintOptions, SigningKeys, TokenIssuer},
    verify::{
        Account, AccountKey, Attempt, CredentialVerifier, ProbeFinding, Verdict, VerifiedClient,
        VerifyError,
        known_good::{KnownGood, KnownGoodOptions},
    },
};
use tokio::net::TcpListener;

/// How long an access token signed by RSA is.
const TOKEN_LENGTH: usize = 800;
/// Headers of an answer of `/auth/verify`.
const TOLD: [HeaderName; 9] = [
    HeaderName::from_static("x-ileap-subject"),
    HeaderName::from_static("x-ileap-client-id"),
    HeaderName::from_static("x-ileap-organization"),
    HeaderName::from_static("x-ileap-roles"),
    HeaderName::from_static("x-ileap-scope"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-content-type-options"),
    HeaderName::from_static("referrer-policy"),
    HeaderName::from_static("content-security-policy"),
];
/// How many tokens are made for a server that shall not know any.
const UNSEEN_TOKENS: usize = 8192;

/// Runs one server until it is killed; its first line says where it is and with what to ask it. A name may be
/// followed by `@` and the store that is used in place of one in memory.
pub(crate) fn serve(name: &str) {
    let (name, store) = name.split_once('@').unwrap_or((name, "sqlite::memory:"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match name {
            "empty" => serve_axum("none", "none", Router::new().route("/", get(async || ()))).await,
            "floor" => serve_axum(&"x".repeat(TOKEN_LENGTH), "none", floor(|_| ())).await,
            "floor-rsa" => serve_axum(&"x".repeat(TOKEN_LENGTH), "none", floor(rsa_check())).await,
            "floor-read" => serve_read(store).await,
            "rsa" => rsa_server().await,
            "token-rs256" => product(Algorithm::Rs256, "false", store).await,
            "token-es256" => product(Algorithm::Es256, "false", store).await,
            "token-eddsa" => product(Algorithm::EdDsa, "false", store).await,
            "token-reuse" | "data" => product(Algorithm::Rs256, "true", store).await,
            "verify" => product_with(Algorithm::Rs256, "true", store, Tokens::Many).await,
            other => panic_unknown(other),
        }
    });
}

fn panic_unknown(name: &str) {
    println!("unknown server {name}");
}

/// One line of a server's stdout.
pub(crate) fn read_line(stdout: &mut ChildStdout) -> String {
    let mut line = Vec::new();
    let mut byte = [0_u8];
    while stdout.read_exact(&mut byte).is_ok() && byte != *b"\n" {
        line.extend_from_slice(&byte);
    }
    String::from_utf8(line).expect("text")
}

fn announce(address: SocketAddr, token: &str, footprint: &str) {
    println!("{address} {token} {footprint}");
    std::io::stdout().flush().expect("stdout");
}

/// What no check of tokens can do without: the token's SHA-256, its signature where it is not remembered, and an answer
/// with as many headers as ours.
fn floor(check: impl Fn(&[u8]) + Clone + Send + Sync + 'static) -> Router {
    let handler = async move |headers: HeaderMap| {
        let token = headers.get(header::AUTHORIZATION).expect("a token");
        std::hint::black_box(digest(&SHA256, token.as_bytes()));
        check(token.as_bytes());
        let mut answer = Response::new(axum::body::Body::empty());
        for name in TOLD {
            answer.headers_mut().insert(
                name,
                HeaderValue::from_static("footprint:list footprint:read"),
            );
        }
        answer
    };
    Router::new().route("/auth/verify", get(handler))
}

/// Verifies an RSA-2048 signature, that of a token as long as the one presented.
fn rsa_check() -> impl Fn(&[u8]) + Clone {
    let token = format!("Bearer {}", "x".repeat(TOKEN_LENGTH));
    let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
    let mut made = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    key.sign(
        &signature::RSA_PKCS1_SHA256,
        &random,
        token.as_bytes(),
        &mut made,
    )
    .expect("a signature");
    let algorithm = &signature::RSA_PKCS1_2048_8192_SHA256;
    let key = signature::ParsedPublicKey::new(algorithm, key.public_key().as_ref())
        .expect("its public half");
    move |signed| key.verify_sig(signed, &made).expect("our signature")
}

/// What no answer from the store can do without: reading it there.
async fn serve_read(store: &str) {
    let store = Arc::new(SqlStore::open(store).await.expect("a store"));
    import::sample_data(&*store).await.expect("sample data");
    let id = sample_footprint();
    let visibility = Visibility::of(&principal(), &*store).await;
    let visibility = Arc::new(visibility.expect("what all may see"));
    let wanted = id.clone();
    let handler = async move || {
        let read = store.footprint(&visibility, &wanted).await;
        read.expect("a store that answers").expect("a footprint")
    };
    let router = Router::new().route(&format!("/2/footprints/{id}"), get(handler));
    serve_axum("none", &id, router).await;
}

/// The id of one in the sample data.
fn sample_footprint() -> String {
    let footprints: serde_json::Value =
        serde_json::from_str(import::SAMPLE_FOOTPRINTS).expect("the sample data");
    let id = footprints
        .pointer("/6/id")
        .and_then(serde_json::Value::as_str);
    id.expect("an id").to_owned()
}

/// A router on a server that does nothing else.
async fn serve_axum(token: &str, footprint: &str, router: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    announce(listener.local_addr().expect("an address"), token, footprint);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// A bare hyper handler that makes one RSA-2048 signature.
async fn rsa_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    announce(listener.local_addr().expect("an address"), "none", "none");
    let sign = Arc::new(rsa_signer());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let sign = sign.clone();
        let service = service_fn(move |_| {
            let body = sign();
            async move { Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from(body))) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Signs four hundred bytes with a new RSA-2048 key.
pub(crate) fn rsa_signer() -> impl Fn() -> Vec<u8> + Send + Sync {
    let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().expect("its encoding");
    let key = rsa::KeyPair::from_pkcs8(pkcs8.as_ref()).expect("the key again");
    move || {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &signature::RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            &[7; 400],
            &mut signature,
        )
        .expect("a signature");
        signature
    }
}

/// Our server, with a verifier that accepts everyone: Clerk's time is not ours.
async fn product(algorithm: Algorithm, reuse: &str, store: &str) {
    product_with(algorithm, reuse, store, Tokens::One).await;
}

/// What a server announces to be asked with.
#[derive(PartialEq)]
enum Tokens {
    One,
    /// A file of them.
    Many,
}

async fn product_with(algorithm: Algorithm, reuse: &str, store: &str, tokens: Tokens) {
    let environment = [
        ("ILEAP_LISTENER__BIND", "127.0.0.1:0"),
        ("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0"),
        ("ILEAP_LISTENER__REQUESTS_PER_ADDRESS", "0"),
        ("ILEAP_LISTENER__MAX_CONNECTIONS_PER_ADDRESS", "10000"),
        (
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            "http://127.0.0.1:9",
        ),
        ("ILEAP_STORE__URL", store),
        ("ILEAP_TOKEN__REUSE", reuse),
    ];
    let environment = environment
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let config = Config::load(Sources {
        file: None,
        environment,
    })
    .expect("a configuration")
    .config;
    let store = Arc::new(SqlStore::open(store).await.expect("a store"));
    import::sample_data(&*store).await.expect("sample data");
    let keys = Arc::new(SigningKeys::ephemeral(algorithm).expect("keys"));
    let metrics = Arc::new(Metrics::new());
    let clock = Arc::new(SystemClock);
    let remembered = KnownGoodOptions {
        fresh_for: Duration::from_mins(5),
        stale_for: Duration::from_hours(1),
    };
    let verifier = KnownGood::new(
        Arc::new(AcceptsAll),
        remembered,
        clock.clone(),
        metrics.clone(),
    );
    let parts = Parts {
        clock,
        keys: keys.clone(),
        metrics,
        delivery: ileap_server::delivery::DeliveryOptions::default(),
        refusal_floor: Duration::ZERO,
        store,
        verifier: Arc::new(verifier.expect("randomness")),
    };
    let server = Server::bind(&config, parts).await.expect("a server");
    let (options, _) = server::token_options(&config, server.public_base_url());
    let lifetime = options.lifetime;
    let issuer = TokenIssuer::new(options, keys, Arc::new(SystemClock));
    let mint = || {
        let options = MintOptions {
            issued_at: SystemClock.now(),
            lifetime,
        };
        let minted = issuer.mint(&principal(), options).expect("a token");
        minted.access_token.expose().to_owned()
    };
    let rest = format!("{} {}", sample_footprint(), server.admin_address());
    if tokens == Tokens::Many {
        let tokens: Vec<_> = (0..UNSEEN_TOKENS).map(|_| mint()).collect();
        let file = std::env::temp_dir().join(format!("ileap-bench-{}", std::process::id()));
        std::fs::write(&file, tokens.join("\n")).expect("a file of tokens");
        announce(server.public_address(), &file.to_string_lossy(), &rest);
    } else {
        announce(server.public_address(), &mint(), &rest);
    }
    server.run(std::future::pending()).await;
}

fn principal() -> Principal {
    Principal {
        subject: "clerk|user_2xAq4bC9dEfGhIjKlMnOpQrStUv".to_owned(),
        client_id: ileap_server::identity::ClientId::new("hello").expect("an id"),
        organization: Some(Organization {
            id: "org_2xAq4bC9dEfGhIjKlMnOpQrStUv".to_owned(),
            slug: Some("hello".to_owned()),
        }),
        roles: [Role::All].into(),
        scopes: Scopes::all(),
    }
}

struct AcceptsAll;

#[async_trait::async_trait]
impl CredentialVerifier for AcceptsAll {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        Ok(Account {
            key: AccountKey::of_identifier(attempt.credentials.client_id.as_str()),
            allowed_failures: None,
            failures_left: None,
        })
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        let credentials = attempt.credentials;
        let principal = principal();
        Ok(Verdict::Accept(VerifiedClient {
            subject: principal.subject,
            client_id: credentials.client_id.clone(),
            organization: principal.organization,
            roles: principal.roles,
        }))
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        Vec::new()
    }

    fn kind(&self) -> &'static str {
        "accepts_all"
    }
}
