//! A running server on free ports with an emulated Clerk, and callers with names.

pub(crate) mod nginx;
mod pair;
pub(crate) mod postgres;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clerk_emulator::{ClerkEmulator, EmulatorOptions, EmulatorUser, load_users};
use ileap_server::{
    access::AccessRule,
    clock::{Clock, SystemClock},
    config::{Config, Sources},
    delivery::DeliveryOptions,
    identity::{ClientId, Principal, Role, Scopes},
    import,
    partner::Reach,
    server::{self, Parts, Server, VerifierParts},
    store::{Store, access::AccessRules as _, sql::SqlStore},
    telemetry::Metrics,
    token::{Algorithm, KeyLocation, KeyPolicy, MintOptions, SigningKeys, TokenIssuer},
};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle};

use self::pair::Pair;

/// The accounts every test can log in with; the passwords appear in no log.
const USERS: &str = r#"
[[user]]
username = "hello"
password = "pathfinder"
organization = "way"
role = "all"

[[user]]
email = "ileap-demo@way.cloud"
password = "HelloPrimaryData"
organization = "demo"
role = "all"

[[user]]
username = "transport_service_user"
password = "ileap"
organization = "shipper"
role = "user"

[[user]]
username = "transport_service_organizer"
password = "ileap"
organization = "forwarder"
role = "organizer"

[[user]]
username = "operator"
password = "ileap"
organization = "carrier"
role = "operator"

[[user]]
username = "no_rule"
password = "ileap"
organization = "stranger"
role = "user"

[[user]]
username = "no_role"
password = "ileap"
"#;

/// What a test wants to be different.
pub(crate) struct Options {
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) users: Vec<EmulatorUser>,
    pub(crate) clerk: EmulatorOptions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) delivery: DeliveryOptions,
    /// Keys as the configuration says, instead of one that all servers of the test have in memory.
    pub(crate) kept_keys: bool,
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) refusal_floor: Duration,
    /// A database of the test's own, for one server.
    pub(crate) store: Option<String>,
    pub(crate) verifier: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            environment: Vec::new(),
            users: load_users(USERS).unwrap(),
            clerk: EmulatorOptions {
                limits: false,
                ..EmulatorOptions::default()
            },
            clock: Arc::new(SystemClock),
            kept_keys: false,
            keys: Arc::new(SigningKeys::ephemeral(Algorithm::Es256).unwrap()),
            refusal_floor: Duration::from_millis(1),
            store: None,
            verifier: "clerk_frontend",
            delivery: DeliveryOptions {
                first_pause: Duration::from_millis(50),
                pauses_after_refusal: [Duration::from_millis(50); 4],
                reach: Reach::Private,
                ..DeliveryOptions::default()
            },
        }
    }
}

impl Options {
    /// With Clerk's Backend API in place of the Frontend API.
    pub(crate) fn over_backend(mut self) -> Self {
        self.verifier = "clerk_backend";
        self
    }

    /// With one more configuration variable.
    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// With more users, in the emulator's TOML.
    pub(crate) fn with_users(mut self, toml: &str) -> Self {
        self.users.extend(load_users(toml).unwrap());
        self
    }
}

/// A server that answers, and the Clerk behind it.
pub(crate) struct TestServer {
    pub(crate) base: String,
    pub(crate) admin: String,
    pub(crate) clerk: Arc<ClerkEmulator>,
    fixed: Fixed,
    pub(crate) http: reqwest::Client,
    instances: Vec<Instance>,
}

/// A running server.
struct Instance {
    address: SocketAddr,
    admin: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// What a restart leaves as it is.
#[derive(Clone)]
struct Fixed {
    clock: Arc<dyn Clock>,
    config: Config,
    delivery: DeliveryOptions,
    kept_keys: bool,
    keys: Arc<SigningKeys>,
    pair: Option<Arc<Pair>>,
    refusal_floor: Duration,
    store: Arc<SqlStore>,
}

impl Instance {
    async fn start(fixed: &Fixed, store: Arc<SqlStore>) -> Self {
        let metrics = Arc::new(Metrics::new());
        let verifier_parts = VerifierParts {
            clock: fixed.clock.clone(),
            metrics: metrics.clone(),
            store: store.clone(),
        };
        let (clock, config) = (fixed.clock.clone(), &fixed.config);
        let keys = if fixed.kept_keys {
            let keys = server::signing_keys(config, Some(store.clone()), clock, metrics.clone());
            Arc::new(keys.await.unwrap())
        } else {
            fixed.keys.clone()
        };
        let parts = Parts {
            clock: fixed.clock.clone(),
            delivery: fixed.delivery.clone(),
            keys,
            metrics,
            refusal_floor: fixed.refusal_floor,
            store,
            verifier: server::verifier(&fixed.config, verifier_parts).unwrap(),
        };
        let server = Server::bind(&fixed.config, parts).await.unwrap();
        let (address, admin) = (server.public_address(), server.admin_address());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        if let Some(pair) = &fixed.pair {
            pair.add(address);
        }
        Self {
            address,
            admin: format!("http://{admin}"),
            stop: Some(stop),
            task,
        }
    }
}

/// A server on free ports over `clerk`, and what the test sets.
fn config(clerk: &ClerkEmulator, verifier: &str, set: Vec<(&'static str, String)>) -> Config {
    let own = [
        ("ILEAP_VERIFIER__KIND", verifier),
        ("CLERK_SECRET_KEY", clerk.secret_key()),
        (
            "ILEAP_VERIFIER__CLERK__BACKEND_API_URL",
            clerk.backend_api_url(),
        ),
        ("ILEAP_LISTENER__BIND", "127.0.0.1:0"),
        ("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0"),
        (
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            clerk.frontend_api_url(),
        ),
        ("ILEAP_STORE__URL", "sqlite::memory:"),
        // Tests of the limits themselves turn them on.
        ("ILEAP_VERIFIER__BUDGET__ENABLED", "false"),
    ];
    let own = own.map(|(name, value)| (name, value.to_owned()));
    let all = own.into_iter().chain(set);
    let environment = all.map(|(name, value)| (name.to_owned(), value)).collect();
    let sources = Sources {
        file: None,
        environment,
    };
    Config::load(sources).unwrap().config
}

impl TestServer {
    /// The ordinary server.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// A server with differences.
    pub(crate) async fn start_with(mut options: Options) -> Self {
        options.clerk.users = std::mem::take(&mut options.users);
        let clerk = ClerkEmulator::start(options.clerk.clone()).await.unwrap();
        Self::start_beside(options, Arc::new(clerk)).await
    }

    /// A server with differences, on a store of its own, over a Clerk that is there.
    pub(crate) async fn start_beside(options: Options, clerk: Arc<ClerkEmulator>) -> Self {
        let mut environment = options.environment;
        let pair = if pair::is_wanted() && options.store.is_none() {
            Some(Arc::new(Pair::new().await))
        } else {
            None
        };
        let store = if let Some(pair) = &pair {
            environment.insert(0, ("ILEAP_PUBLIC_BASE_URL", pair.base.clone()));
            pair.store().await
        } else {
            let url = options.store.as_deref().unwrap_or("sqlite::memory:");
            Arc::new(SqlStore::open(url).await.unwrap())
        };
        import::sample_data(&*store).await.unwrap();
        for organization in ["shipper", "forwarder", "carrier"] {
            let id = clerk.organization_id(organization).unwrap();
            store.allow(&id, &[AccessRule::Everything]).await.unwrap();
        }
        let fixed = Fixed {
            config: config(&clerk, options.verifier, environment),
            keys: options.keys,
            clock: options.clock,
            delivery: options.delivery,
            kept_keys: options.kept_keys,
            pair,
            refusal_floor: options.refusal_floor,
            store,
        };
        Self::over(clerk, fixed).await
    }

    async fn over(clerk: Arc<ClerkEmulator>, fixed: Fixed) -> Self {
        let mut instances = vec![Instance::start(&fixed, fixed.store.clone()).await];
        let mut base = format!("http://{}", instances[0].address);
        if let Some(pair) = &fixed.pair {
            instances.push(Instance::start(&fixed, pair.store().await).await);
            base.clone_from(&pair.base);
        }
        Self {
            base,
            admin: instances[0].admin.clone(),
            clerk,
            fixed,
            http: client(),
            instances,
        }
    }

    /// Adds access rules for an organization, named by its slug.
    pub(crate) async fn allow(&self, organization: &str, rules: &[AccessRule]) {
        let id = self.clerk.organization_id(organization).unwrap();
        self.fixed.store.allow(&id, rules).await.unwrap();
    }

    /// Where its keys are kept, and when they are changed.
    pub(crate) fn keys(&self) -> (Arc<dyn KeyLocation>, KeyPolicy) {
        let location = server::key_location(&self.fixed.config, Some(self.fixed.store.clone()));
        (location.unwrap(), server::key_policy(&self.fixed.config))
    }

    /// The store beneath it.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.fixed.store
    }

    /// Another instance on the same store, keys and Clerk.
    pub(crate) async fn beside(&self) -> Self {
        Self::over(self.clerk.clone(), self.fixed.clone()).await
    }

    /// The same server after a restart: store, keys and Clerk stay, what it remembers goes.
    pub(crate) async fn restarted(mut self) -> Self {
        self.stop();
        let (clerk, fixed) = (self.clerk.clone(), self.fixed.clone());
        self.ended().await;
        Self::over(clerk, fixed).await
    }

    /// Asks the server to stop; it drains.
    pub(crate) fn stop(&mut self) {
        for instance in &mut self.instances {
            if let Some(pair) = &self.fixed.pair {
                pair.remove(instance.address);
            }
            if let Some(stop) = instance.stop.take() {
                let _ = stop.send(());
            }
        }
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(mut self) {
        self.stop();
        for instance in self.instances {
            instance.task.await.unwrap();
        }
    }

    /// A GET without credentials.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base))
    }

    /// A token request with Basic credentials as they are.
    pub(crate) fn token_request(&self, id: &str, secret: &str) -> RequestBuilder {
        self.http
            .post(format!("{}/auth/token", self.base))
            .basic_auth(id, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials")
    }

    /// A question about a token, at `/auth/introspect` or `/auth/revoke`.
    pub(crate) fn ask(&self, path: &str, client: (&str, &str), token: &str) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base))
            .basic_auth(client.0, Some(client.1))
            .form(&[("token", token)])
    }

    /// A caller with a token of its own.
    pub(crate) async fn as_client(&self, id: &str) -> Caller<'_> {
        let secret = match id {
            "hello" => "pathfinder",
            "ileap-demo@way.cloud" => "HelloPrimaryData",
            _ => "ileap",
        };
        let answer = self.token_request(id, secret).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{id} logs in");
        let body: Value = json(answer).await;
        self.with_token(body["access_token"].as_str().unwrap())
    }

    /// A token that was good for an hour, two hours ago.
    pub(crate) fn expired_token(&self) -> String {
        let (issuer, _) = server::token_options(&self.fixed.config, &self.base);
        let issuer = TokenIssuer::new(issuer, self.fixed.keys.clone(), Arc::new(SystemClock));
        let principal = Principal {
            subject: "clerk|user_1".to_owned(),
            client_id: ClientId::new("hello").unwrap(),
            organization: None,
            roles: [Role::All].into(),
            scopes: Scopes::all(),
        };
        let lifetime = Duration::from_secs(3600);
        let options = MintOptions {
            issued_at: SystemClock.now() - 2 * lifetime,
            lifetime,
        };
        issuer
            .mint(&principal, options)
            .unwrap()
            .access_token
            .expose()
            .to_owned()
    }

    /// A token of `hello` that carries one scope alone.
    pub(crate) async fn narrow_token(&self, scope: &str) -> String {
        let form = format!("grant_type=client_credentials&scope={scope}");
        let request = self.token_request("hello", "pathfinder").body(form);
        let answer = json(request.send().await.unwrap()).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A caller with a token from elsewhere.
    pub(crate) fn with_token(&self, token: &str) -> Caller<'_> {
        Caller {
            server: self,
            token: token.to_owned(),
        }
    }
}

/// Someone with an access token.
pub(crate) struct Caller<'a> {
    server: &'a TestServer,
    pub(crate) token: String,
}

impl Caller<'_> {
    /// A GET with the token.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.server
            .get(path)
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap()
    }

    /// What a GET that succeeds says.
    pub(crate) async fn data(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "GET {path}");
        json(answer).await["data"].take()
    }

    /// An event.
    pub(crate) async fn send_event(&self, event: &Value) -> Response {
        self.server
            .http
            .post(format!("{}/2/events", self.server.base))
            .bearer_auth(&self.token)
            .header(
                "content-type",
                "application/cloudevents+json; charset=UTF-8",
            )
            .body(event.to_string())
            .send()
            .await
            .unwrap()
    }
}

/// A client that follows nothing and waits for nobody's proxy.
#[expect(
    clippy::disallowed_methods,
    reason = "the caller's client, not the server's"
)]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

/// The body as text.
#[expect(clippy::disallowed_methods, reason = "our own answers are small")]
pub(crate) async fn text(answer: Response) -> String {
    answer.text().await.unwrap()
}

/// The body as JSON.
pub(crate) async fn json(answer: Response) -> Value {
    let text = text(answer).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Status and `code` or `error` of a refusal.
pub(crate) async fn refusal(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body = json(answer).await;
    let code = body
        .get("code")
        .or(body.get("error"))
        .and_then(Value::as_str)
        .unwrap();
    (status, code.to_owned())
}

/// One header as text, empty when it is missing.
pub(crate) fn header(answer: &Response, name: &str) -> String {
    answer
        .headers()
        .get(name)
        .map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}
