//! What Clerk's two APIs say, as far as they are configured.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    clock_skew,
    connection::{self, Answered, Unreached, knock},
    judgement::{Blame, Check, Severity},
};
use crate::{
    clerk::{
        backend::BackendApi,
        environment::Environment,
        failure::failed,
        frontend::FrontendApi,
        gate::Gate,
        lockout::Lockout,
        memberships::{Memberships, Organizations},
        sign_in::SignInFlow,
    },
    clock::Clock,
    config::{Config, VerifierKind},
    outbound::OutboundError,
    verify::{ProbeSeverity, VerifyError, unavailable},
};

const BACKEND: &str = "clerk.backend_api";
const FRONTEND: &str = "clerk.frontend_api";
const INSTANCE: &str = "clerk.instance";

/// What each API answered; `None` where it is not configured.
pub(super) struct Clerk {
    pub(super) backend: Option<Backend>,
    frontend: Option<Frontend>,
}

/// The Backend API.
pub(super) struct Backend {
    pub(super) api: BackendApi,
    url: Url,
    knocked: Result<Answered, Unreached>,
    organizations: Result<Organizations, VerifyError>,
    /// How many failures of one account may reach Clerk.
    pub(super) allowed_failures: u32,
}

/// The Frontend API.
struct Frontend {
    url: Url,
    knocked: Result<Answered, Unreached>,
    environment: Result<Environment, VerifyError>,
}

impl Clerk {
    /// Asks both. No limit but Clerk's own stands before these few calls.
    pub(super) async fn ask(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let (backend, frontend) = tokio::join!(
            Backend::ask(config, clock.clone()),
            Frontend::ask(config, clock)
        );
        Self { backend, frontend }
    }

    /// How many failures of one account may reach Clerk; `None` where Clerk did not say enough.
    pub(super) fn allowed_failures(&self, kind: VerifierKind) -> Option<u32> {
        match kind {
            VerifierKind::ClerkBackend => Some(self.backend.as_ref()?.allowed_failures),
            VerifierKind::ClerkFrontend => {
                let environment = self.environment()?;
                Some(environment.allowed_failures())
            }
            VerifierKind::StaticUsers => None,
        }
    }

    /// Everything that the answers tell.
    pub(super) fn checks(&self, config: &Config) -> Vec<Check> {
        let mut checks = Vec::new();
        if let Some(frontend) = &self.frontend {
            checks.extend(frontend.checks(config));
        }
        if let Some(backend) = &self.backend {
            checks.extend(backend.checks(config));
        }
        checks.extend(self.instance_mismatch());
        checks.extend(self.organizations(config));
        checks.extend(self.open_sign_up(config));
        checks.push(clock_skew::check(self.ahead()));
        checks
    }

    fn environment(&self) -> Option<&Environment> {
        self.frontend.as_ref()?.environment.as_ref().ok()
    }

    fn ahead(&self) -> Option<SignedDuration> {
        let frontend = self.frontend.iter().map(|frontend| &frontend.knocked);
        let backend = self.backend.iter().map(|backend| &backend.knocked);
        let answers = frontend.chain(backend).flatten();
        answers.filter_map(|answered| answered.ahead).next()
    }

    fn instance_mismatch(&self) -> Option<Check> {
        let environment = self.environment()?.is_development()?;
        let key = self.backend.as_ref()?.api.is_development();
        let kind = |is_development| {
            if is_development {
                "development"
            } else {
                "production"
            }
        };
        (environment != key).then(|| {
            let (environment, key) = (kind(environment), kind(key));
            Check::warning(INSTANCE, "the two APIs belong to different Clerk instances")
                .seen(format!("the Frontend API answers for a {environment} instance, the secret key is of a {key} one"))
                .advise("take publishable key and secret key from the same instance")
        })
    }

    /// Without organizations nobody has a role of its own.
    fn organizations(&self, config: &Config) -> Option<Check> {
        let of_backend = self.backend.as_ref().and_then(|backend| {
            let organizations = backend.organizations.as_ref().ok()?;
            Some(*organizations == Organizations::Enabled)
        });
        let is_enabled =
            of_backend.or_else(|| self.environment().and_then(Environment::has_organizations))?;
        if is_enabled {
            return None;
        }
        let check = if config.access.default_role.is_some() {
            Check::note(
                INSTANCE,
                "the instance has no organizations: every partner gets access.default_role",
            )
        } else {
            Check::warning(
                INSTANCE,
                "the instance has no organizations and there is no default role: every login is refused as no_role",
            )
            .advise("set access.default_role, or enable organizations in the Clerk dashboard")
        };
        Some(check.seen("asked whether organizations are enabled: they are not"))
    }

    /// With a default role, whoever makes an account is a partner.
    fn open_sign_up(&self, config: &Config) -> Option<Check> {
        let role = config.access.default_role?;
        let is_narrowed = !config.access.allowed_clients.is_empty()
            || config.verifier.clerk.organization.is_some();
        if is_narrowed || !self.environment()?.has_open_sign_up() {
            return None;
        }
        let role = role.as_str();
        Some(
            Check::warning(
                INSTANCE,
                format!("anybody may sign up, and who has no role gets access.default_role ({role})"),
            )
            .seen("user_settings.sign_up.mode is public")
            .advise(
                "name the partners in access.allowed_clients, or restrict sign-up in the Clerk dashboard (Configure, \
                 Restrictions)",
            ),
        )
    }
}

impl Frontend {
    async fn ask(config: &Config, clock: Arc<dyn Clock>) -> Option<Self> {
        let url = config.verifier.clerk.frontend_api_url.clone()?;
        let knocked = knock(&below(&url, "/v1/environment?_is_native=1"), &*clock).await;
        let environment = match (&knocked, connection::client(&url)) {
            (Ok(_), Ok(http)) => {
                let gate = Arc::new(Gate::new(None, None, clock));
                let api = FrontendApi::new(&url, http, gate);
                let flow = SignInFlow::new(api, Arc::default());
                within(config, flow.environment()).await
            }
            _ => Err(unavailable("connect")),
        };
        Some(Self {
            url,
            knocked,
            environment,
        })
    }

    fn checks(&self, config: &Config) -> Vec<Check> {
        let is_used = config.verifier.kind == VerifierKind::ClerkFrontend;
        let asked = format!("GET {}", below(&self.url, "/v1/environment"));
        let environment = match reached(FRONTEND, &self.knocked, &asked, &self.environment) {
            Ok(environment) => environment,
            Err(check) => return vec![limited(check, is_used, Severity::Warning)],
        };
        let status = self.knocked.map_or(0, |answered| answered.status);
        let mut checks = vec![
            Check::ok(FRONTEND, "Clerk's Frontend API answers")
                .seen(format!("{asked}: HTTP {status}")),
        ];
        checks.extend(environment.findings().into_iter().map(|found| {
            let blame = if environment.is_in_maintenance() {
                Blame::Upstream
            } else {
                Blame::Configuration
            };
            let check = match found.severity {
                ProbeSeverity::Info => Check::note(INSTANCE, found.finding),
                ProbeSeverity::Warning => Check::warning(INSTANCE, found.finding),
                ProbeSeverity::Error => Check::problem(INSTANCE, blame, found.finding),
            };
            let check = check.seen(format!("{asked}: the instance's settings"));
            limited(check.advise(found.remedy), is_used, Severity::Note)
        }));
        if is_used {
            checks.push(budget(FRONTEND, environment.allowed_failures()).seen(format!(
                "{asked}: half of user_lockout.max_attempts (10 where it is not said), shared among the kinds of \
                 identifier"
            )));
            checks.push(
                Check::note(FRONTEND, "whether Device Trust is on cannot be asked")
                    .seen("no setting that the Frontend API shows tells of it; instances made after November 2025 have it on")
                    .advise(
                        "when a right password is refused as device_trust (log, or doctor --client): set \
                         bypass_client_trust on the user, turn Device Trust off, or give ileap the secret key",
                    ),
            );
        }
        checks
    }
}

impl Backend {
    async fn ask(config: &Config, clock: Arc<dyn Clock>) -> Option<Self> {
        let clerk = &config.verifier.clerk;
        let key = clerk.secret_key.as_ref()?;
        let url = clerk.backend_api_url.clone();
        let http = connection::client(&url);
        let gate = Arc::new(Gate::new(None, None, clock.clone()));
        let knocked = match &http {
            Ok(_) => knock(&below(&url, "/v1/organizations"), &*clock).await,
            Err(_) => Err(Unreached::Roots),
        };
        let api = BackendApi::new(&url, key.expose(), http.ok()?, gate);
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
            api,
            url,
            knocked,
            organizations,
            allowed_failures: lockout.allowed_failures(),
        })
    }

    fn checks(&self, config: &Config) -> Vec<Check> {
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
        if self.api.is_development() && is_public {
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

fn budget(name: &'static str, allowed: u32) -> Check {
    Check::note(
        name,
        format!("failures of one account stop at {allowed}, short of Clerk's lockout"),
    )
}

/// The body of an answer, or what stood in the way of one.
fn reached<'a, T>(
    name: &'static str,
    knocked: &Result<Answered, Unreached>,
    asked: &str,
    answer: &'a Result<T, VerifyError>,
) -> Result<&'a T, Check> {
    let answered = knocked.map_err(|unreached| {
        let blame = match unreached {
            Unreached::Roots => Blame::Configuration,
            _ => Blame::Upstream,
        };
        let finding = format!("Clerk cannot be reached: {}", unreached.finding());
        let check = Check::problem(name, blame, finding);
        check.seen(asked).advise(unreached.remedy())
    })?;
    answer.as_ref().map_err(|error| {
        let status = answered.status;
        refused(name, error).seen(format!(
            "{asked}: {}; without credentials HTTP {status}",
            word(error)
        ))
    })
}

fn refused(name: &'static str, error: &VerifyError) -> Check {
    match error {
        VerifyError::Misconfigured { code, remedy } => {
            let finding = format!("Clerk refuses our calls ({code})");
            Check::problem(name, Blame::Configuration, finding).advise(*remedy)
        }
        VerifyError::OverBudget { retry_after, .. } | VerifyError::Throttled { retry_after } => {
            Check::problem(name, Blame::Upstream, "Clerk throttles our calls").advise(format!(
                "wait {} seconds; see what else uses this key or address",
                retry_after.as_secs()
            ))
        }
        VerifyError::Unavailable { cause, .. } if cause == "maintenance_mode" => {
            Check::problem(name, Blame::Upstream, "Clerk is in maintenance")
                .advise("wait until it is over (https://status.clerk.com)")
        }
        VerifyError::Unavailable { cause, .. } => {
            let finding = format!("Clerk gives no usable answer ({cause})");
            Check::problem(name, Blame::Upstream, finding).advise(
                "see https://status.clerk.com, and what stands between this machine and Clerk",
            )
        }
    }
}

/// The answer in a word.
fn word(error: &VerifyError) -> String {
    match error {
        VerifyError::Misconfigured { code, .. } => code.clone(),
        VerifyError::OverBudget { .. } | VerifyError::Throttled { .. } => "throttled".to_owned(),
        VerifyError::Unavailable { cause, .. } => cause.clone(),
    }
}

/// An API that no login goes over stands in nobody's way.
fn limited(check: Check, is_used: bool, at_most: Severity) -> Check {
    if is_used {
        return check;
    }
    let evidence = format!("{} (logins do not go over this API)", check.evidence);
    check.at_most(at_most).seen(evidence)
}

async fn within<T>(
    config: &Config,
    asked: impl Future<Output = Result<T, VerifyError>>,
) -> Result<T, VerifyError> {
    let deadline = Instant::now() + config.verifier.clerk.timeout;
    let answer = timeout_at(deadline, asked).await;
    answer.map_err(|_| unavailable(OutboundError::Timeout.as_str()))?
}

/// `path` below an origin or prefix.
fn below(url: &Url, path: &str) -> Url {
    let text = format!("{}{path}", url.as_str().trim_end_matches('/'));
    text.parse().unwrap_or_else(|_| url.clone())
}
