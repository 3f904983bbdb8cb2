//! A server over an emulated Clerk, and callers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clerk_emulator::{
    ClerkEmulator, EmulatorOptions, EmulatorUser, Endpoint, Fault, InstanceKind, load_users,
};
use ileap_server::{
    clock::{Clock, SystemClock},
    config::{Config, Sources},
    server::{self, Parts, Server, VerifierParts},
    store::sql::SqlStore,
    telemetry::Metrics,
    token::{Algorithm, SigningKeys},
};

/// The secret of every partner.
pub(crate) const SECRET: &str = "quartz-Lantern-4711";

/// A server over an emulated Clerk with so many partners.
pub(crate) struct Scene {
    pub(crate) base: String,
    pub(crate) clerk: ClerkEmulator,
    pub(crate) http: reqwest::Client,
}

impl Scene {
    pub(crate) async fn set(
        partners: usize,
        organizations: bool,
        environment: &[(&str, &str)],
    ) -> Self {
        Self::set_at(
            Arc::new(SystemClock),
            (partners, organizations),
            environment,
        )
        .await
    }

    /// The same by another clock.
    pub(crate) async fn set_at(
        clock: Arc<dyn Clock>,
        (partners, organizations): (usize, bool),
        environment: &[(&str, &str)],
    ) -> Self {
        let clerk = EmulatorOptions {
            instance_kind: InstanceKind::Production,
            // Ours keep to Clerk's limits; where they are turned off, so are its own.
            limits: false,
            organizations,
            users: users(partners, organizations),
            ..EmulatorOptions::default()
        };
        let clerk = ClerkEmulator::start(clerk)
            .await
            .expect("an emulated Clerk");
        let own = [
            ("CLERK_SECRET_KEY", clerk.secret_key()),
            (
                "ILEAP_VERIFIER__CLERK__BACKEND_API_URL",
                clerk.backend_api_url(),
            ),
            (
                "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
                clerk.frontend_api_url(),
            ),
            ("ILEAP_LISTENER__BIND", "127.0.0.1:0"),
            ("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0"),
            ("ILEAP_LISTENER__REQUESTS_PER_ADDRESS", "0"),
            ("ILEAP_STORE__URL", "sqlite::memory:"),
            ("ILEAP_ACCESS__DEFAULT_ROLE", "user"),
        ];
        let environment = own
            .iter()
            .chain(environment)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let sources = Sources {
            file: None,
            environment,
        };
        let config = Config::load(sources).expect("a configuration").config;
        let metrics = Arc::new(Metrics::new());
        let store = Arc::new(SqlStore::open("sqlite::memory:").await.expect("a store"));
        let verifier_parts = VerifierParts {
            clock: clock.clone(),
            metrics: metrics.clone(),
            store: store.clone(),
        };
        let parts = Parts {
            verifier: server::verifier(&config, verifier_parts).expect("a verifier"),
            clock,
            keys: Arc::new(SigningKeys::ephemeral(Algorithm::Rs256).expect("keys")),
            metrics,
            delivery: ileap_server::delivery::DeliveryOptions::default(),
            refusal_floor: server::REFUSAL_FLOOR,
            store,
        };
        let server = Server::bind(&config, parts).await.expect("a server");
        let base = format!("http://{}", server.public_address());
        tokio::spawn(server.run(std::future::pending()));
        // The probe at the start is not a login's.
        tokio::time::sleep(Duration::from_millis(500)).await;
        Self {
            base,
            clerk,
            http: reqwest::Client::new(),
        }
    }
}

fn users(partners: usize, organizations: bool) -> Vec<EmulatorUser> {
    let user = |number: usize| {
        let place = if organizations {
            format!("organization = \"org-{number}\"\nrole = \"user\"\n")
        } else {
            String::new()
        };
        format!("[[user]]\nusername = \"partner-{number}\"\npassword = \"{SECRET}\"\n{place}")
    };
    load_users(&(0..partners).map(user).collect::<String>()).expect("users")
}

/// Status of a token request, and how long it took.
pub(crate) async fn log_in(
    http: reqwest::Client,
    base: String,
    id: String,
    secret: String,
) -> (u16, Duration) {
    let began = Instant::now();
    let answer = http
        .post(format!("{base}/auth/token"))
        .basic_auth(id, Some(secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials")
        .send()
        .await
        .expect("an answer");
    (answer.status().as_u16(), began.elapsed())
}

/// Makes every call of a login over either API take so long.
pub(crate) fn delay(clerk: &ClerkEmulator, latency: Duration) {
    for endpoint in [
        Endpoint::CreateSignIn,
        Endpoint::BackendListUsers,
        Endpoint::BackendVerifyPassword,
        Endpoint::BackendListUserMemberships,
    ] {
        clerk.admin().fail_always(endpoint, Fault::Latency(latency));
    }
}
