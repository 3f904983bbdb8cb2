//! `ileap demo`

use std::{io, sync::Arc};

use clerk_emulator::{ClerkEmulator, EmulatorOptions, InstanceKind, Lockout, load_users};
use ileap_server::{
    access::AccessRule,
    clock::SystemClock,
    config::{Config, Sources},
    delivery::DeliveryOptions,
    identity::{ClientCredentials, ClientId, ClientSecret},
    import,
    partner::Reach,
    server::{self, Parts, Server, VerifierParts},
    store::{access::AccessRules as _, sql::SqlStore},
    telemetry::{self, Metrics},
    token::SigningKeys,
};
use serde::Serialize;

use super::serve::told_to_stop;
use crate::{cli::DemoArguments, exit::Failed, output};

/// The demo's accounts: one of our own, and the three that every iLEAP implementer knows.
const ACCOUNTS: [Account; 4] = [
    Account {
        client_id: "ileap-demo@way.cloud",
        client_secret: "HelloPrimaryData",
        role: "all",
        organization: "way",
    },
    Account {
        client_id: "hello",
        client_secret: "pathfinder",
        role: "all",
        organization: "hello",
    },
    Account {
        client_id: "transport_service_user",
        client_secret: "ileap",
        role: "user",
        organization: "shipper",
    },
    Account {
        client_id: "transport_service_organizer",
        client_secret: "ileap",
        role: "organizer",
        organization: "forwarder",
    },
];

#[derive(Serialize)]
struct Account {
    client_id: &'static str,
    client_secret: &'static str,
    role: &'static str,
    #[serde(skip)]
    organization: &'static str,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Ready<'a> {
    base_url: &'a str,
    clerk_frontend_api_url: &'a str,
    clerk_backend_api_url: &'a str,
    clerk_secret_key: &'a str,
    accounts: [Account; 4],
}

/// Runs emulator, store and server on loopback until told to stop.
pub(crate) async fn run(arguments: DemoArguments) -> Result<(), Failed> {
    let stop = told_to_stop()?;
    let clerk = clerk(arguments.real_limits).await?;
    let config = config(&arguments, &clerk)?;
    telemetry::log_to(io::stderr, &config.log.level, config.log.format);
    let store = store(&clerk).await?;
    let failed = |error: server::StartError| Failed::new("starting the demo", error);
    let keys = SigningKeys::ephemeral(config.token.algorithm);
    let metrics = Arc::new(Metrics::new());
    let verifier_parts = VerifierParts {
        clock: Arc::new(SystemClock),
        metrics: metrics.clone(),
        store: store.clone(),
    };
    let parts = Parts {
        delivery: callbacks()?,
        keys: Arc::new(keys.map_err(|error| failed(error.into()))?),
        metrics,
        refusal_floor: server::REFUSAL_FLOOR,
        store,
        verifier: server::verifier(&config, verifier_parts).map_err(failed)?,
        clock: Arc::new(SystemClock),
    };
    let server = Server::bind(&config, parts).await.map_err(failed)?;
    announce(&arguments, &clerk, server.public_base_url())?;
    server.run(stop).await;
    clerk.stop().await;
    Ok(())
}

/// Whoever listens on this machine is called back, with credentials that everyone knows.
fn callbacks() -> Result<DeliveryOptions, Failed> {
    let client_id = ClientId::new("test_client_id");
    let client_secret = ClientSecret::new("test_client_secret");
    let (Some(client_id), Some(client_secret)) = (client_id, client_secret) else {
        return Err(Failed::new(
            "starting the demo",
            "its callback credentials are malformed",
        ));
    };
    Ok(DeliveryOptions {
        loopback_credentials: Some(ClientCredentials {
            client_id,
            client_secret,
        }),
        reach: Reach::Loopback,
        ..DeliveryOptions::default()
    })
}

async fn clerk(real_limits: bool) -> Result<ClerkEmulator, Failed> {
    let failed = |error: &dyn std::fmt::Display| Failed::new("starting the emulated Clerk", error);
    let users: String = ACCOUNTS.iter().map(Account::as_toml).collect();
    let options = EmulatorOptions {
        // A development instance would be warned about at every start.
        instance_kind: InstanceKind::Production,
        limits: real_limits,
        lockout: Lockout {
            enabled: real_limits,
            ..Lockout::default()
        },
        users: load_users(&users).map_err(|error| failed(&error))?,
        ..EmulatorOptions::default()
    };
    ClerkEmulator::start(options)
        .await
        .map_err(|error| failed(&error))
}

impl Account {
    fn as_toml(&self) -> String {
        let name = if self.client_id.contains('@') {
            "email"
        } else {
            "username"
        };
        let Self {
            client_id,
            client_secret,
            role,
            organization,
        } = self;
        format!(
            "[[user]]\n{name} = \"{client_id}\"\npassword = \"{client_secret}\"\nrole = \"{role}\"\n\
             organization = \"{organization}\"\n"
        )
    }
}

/// The configuration of a server on loopback with the emulator behind it; the environment may still
/// choose what does not concern either, such as `ILEAP_TOKEN__ALGORITHM`.
fn config(arguments: &DemoArguments, clerk: &ClerkEmulator) -> Result<Config, Failed> {
    let own = [
        ("ILEAP_PUBLIC_BASE_URL", String::new()),
        (
            "ILEAP_LISTENER__BIND",
            format!("127.0.0.1:{}", arguments.port),
        ),
        ("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0".to_owned()),
        (
            "ILEAP_VERIFIER__KIND",
            arguments.verifier.as_str().to_owned(),
        ),
        ("CLERK_SECRET_KEY", clerk.secret_key().to_owned()),
        (
            "ILEAP_VERIFIER__CLERK__BACKEND_API_URL",
            clerk.backend_api_url().to_owned(),
        ),
        (
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            clerk.frontend_api_url().to_owned(),
        ),
        ("ILEAP_STORE__URL", "sqlite::memory:".to_owned()),
        (
            "ILEAP_VERIFIER__BUDGET__ENABLED",
            arguments.real_limits.to_string(),
        ),
        (
            "ILEAP_LISTENER__REQUESTS_PER_ADDRESS",
            if arguments.real_limits { "" } else { "0" }.to_owned(),
        ),
        (
            "ILEAP_LISTENER__MAX_CONNECTIONS_PER_ADDRESS",
            if arguments.real_limits { "" } else { "10000" }.to_owned(),
        ),
    ];
    let kept = [
        "ILEAP_TOKEN__",
        "ILEAP_DATA__",
        "ILEAP_PROFILE__",
        "ILEAP_LOG__",
    ];
    let mut sources = Sources::from_process(None);
    sources.file = None;
    sources
        .environment
        .retain(|(name, _)| kept.iter().any(|prefix| name.starts_with(prefix)));
    if !sources
        .environment
        .iter()
        .any(|(name, _)| name == "ILEAP_LOG__LEVEL")
    {
        sources
            .environment
            .push(("ILEAP_LOG__LEVEL".to_owned(), "warn".to_owned()));
    }
    sources
        .environment
        .extend(own.map(|(name, value)| (name.to_owned(), value)));
    Config::load(sources)
        .map(|loaded| loaded.config)
        .map_err(Failed::configuration)
}

/// Sample data in memory, all of it visible to every account as far as its role goes.
async fn store(clerk: &ClerkEmulator) -> Result<Arc<SqlStore>, Failed> {
    let failed = |error: &dyn std::fmt::Display| Failed::new("preparing the sample data", error);
    let store = SqlStore::open("sqlite::memory:")
        .await
        .map_err(|error| failed(&error))?;
    import::sample_data(&store)
        .await
        .map_err(|error| failed(&error))?;
    for account in &ACCOUNTS {
        if let Some(organization) = clerk.organization_id(account.organization) {
            store
                .allow(&organization, &[AccessRule::Everything])
                .await
                .map_err(|error| failed(&error))?;
        }
    }
    Ok(Arc::new(store))
}

fn announce(
    arguments: &DemoArguments,
    clerk: &ClerkEmulator,
    base_url: &str,
) -> Result<(), Failed> {
    if arguments.json {
        return output::json(&Ready {
            base_url,
            clerk_frontend_api_url: clerk.frontend_api_url(),
            clerk_backend_api_url: clerk.backend_api_url(),
            clerk_secret_key: clerk.secret_key(),
            accounts: ACCOUNTS,
        });
    }
    let accounts: String = ACCOUNTS.iter().map(Account::as_row).collect();
    output::line(format_args!(
        r#"iLEAP demo at {base_url} (an emulated Clerk, sample data, everything in memory)

  client id                     client secret      may see
{accounts}
Paste these:

  TOKEN=$(curl -s -u 'hello:pathfinder' -d grant_type=client_credentials {base_url}/auth/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s -H "Authorization: Bearer $TOKEN" '{base_url}/2/footprints?limit=2'
  curl -s -H "Authorization: Bearer $TOKEN" '{base_url}/2/ileap/tad?mode=Road'

Ctrl-C ends it."#
    ))
}

impl Account {
    fn as_row(&self) -> String {
        let sees = match self.role {
            "user" => "shipments, the TOCs and HOCs they refer to, activity data",
            "organizer" => "TOCs, HOCs, activity data",
            _ => "everything",
        };
        format!(
            "  {:<29} {:<18} {sees}\n",
            self.client_id, self.client_secret
        )
    }
}
