//! What the Backend API says.

use std::sync::Arc;

use tokio::time::Instant;
use url::Url;

use super::answers::{below, budget, limited, reached, within};
use crate::{
    clerk::{
        backend::BackendApi,
        failure::failed,
        gate::Gate,
        lockout::Lockout,
        memberships::{Memberships, Organizations},
    },
    clock::Clock,
    config::{Config, VerifierKind},
    doctor::{
        connection::{self, Answered, Unreached, knock},
        judgement::{Check, Severity},
    },
    verify::{VerifyError, unavailable},
};

const BACKEND: &str = "clerk.backend_api";

/// The Backend API.
pub(in crate::doctor) struct Backend {
    /// `None` where no client can be made.
    pub(in crate::doctor) api: Option<BackendApi>,
    url: Url,
    pub(super) knocked: Result<Answered, Unreached>,
    pub(super) organizations: Result<Organizations, VerifyError>,
    /// How many failures of one account may reach Clerk.
    pub(in crate::doctor) allowed_failures: u32,
}

impl Backend {
    pub(super) async fn ask(config: &Config, clock: Arc<dyn Clock>) -> Option<Self> {
        let clerk = &config.verifier.clerk;
        let key = clerk.secret_key.as_ref()?;
        let url = clerk.backend_api_url.clone();
        let http = connection::client(&url);
        let gate = Arc::new(Gate::new(None, None, clock.clone()));
        let Ok(http) = http else {
            return Some(Self {
                api: None,
                url,
                knocked: Err(Unreached::Roots),
                organizations: Err(unavailable("connect")),
                allowed_failures: Lockout::default().allowed_failures(),
            });
        };
        let api = BackendApi::new(&url, key.expose(), http, gate);
        let knocked = knock(&below(&url, "/v1/organizations"), &*clock).await;
        let mut lockout = Lockout::default();
        let organizations = if knocked.is_ok() {
            let deadline = Instant::now() + clerk.timeout;
            let probe = async {
                let memberships = Memberships::new(api.clone(), clock);
                let organizations = memberships.probe(deadline).await;
                let organizations = organizations.map_err(|error| failed(&error))?;
                for user in api.some_users(deadline).await.unwrap_or_default() {
                    if let (Some(id), Some(left)) = (&user.id, user.verification_attempts_remaining)
                    {
                        lockout.see(id, left);
                    }
                }
                Ok(organizations)
            };
            within(config, probe).await
        } else {
            Err(unavailable("connect"))
        };
        Some(Self {
            api: Some(api),
            url,
            knocked,
            organizations,
            allowed_failures: lockout.allowed_failures(),
        })
    }

    /// Whether the key is that of a development instance.
    pub(super) fn is_development(&self) -> bool {
        self.api.as_ref().is_some_and(BackendApi::is_development)
    }

    pub(super) fn checks(&self, config: &Config) -> Vec<Check> {
        let is_used = config.verifier.kind == VerifierKind::ClerkBackend;
        let asked = format!(
            "GET {} with the secret key",
            below(&self.url, "/v1/organizations")
        );
        if let Err(check) = reached(BACKEND, &self.knocked, &asked, &self.organizations) {
            return vec![limited(check, is_used, Severity::Warning)];
        }
        let status = self.knocked.map_or(0, |answered| answered.status);
        let mut checks = vec![
            Check::ok(BACKEND, "Clerk's Backend API accepts the secret key")
                .seen(format!("{asked}: answered; without it HTTP {status}")),
        ];
        let is_public = config
            .public_base_url
            .as_ref()
            .is_some_and(|url| !url.is_loopback());
        if self.is_development() && is_public {
            checks.push(
                Check::warning(BACKEND, "the secret key is that of a development instance")
                    .seen("the key begins with sk_test_, and public_base_url is reached from elsewhere")
                    .advise("use a production instance once partners rely on it: this one is allowed 100 calls in ten seconds"),
            );
        }
        if is_used {
            checks.push(budget(BACKEND, self.allowed_failures).seen(
                "half of the highest verification_attempts_remaining among some users, 5 where that says too little",
            ));
        }
        checks
    }
}
