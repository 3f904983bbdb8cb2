//! What the Frontend API says.

use std::sync::Arc;

use url::Url;

use super::{
    INSTANCE,
    answers::{below, budget, limited, reached, within},
};
use crate::{
    clerk::{environment::Environment, frontend::FrontendApi, gate::Gate, sign_in::SignInFlow},
    clock::Clock,
    config::{Config, VerifierKind},
    doctor::{
        connection::{self, Answered, Unreached, knock},
        judgement::{Blame, Check, Severity},
    },
    verify::{ProbeSeverity, VerifyError, unavailable},
};

const FRONTEND: &str = "clerk.frontend_api";

/// The Frontend API.
pub(super) struct Frontend {
    url: Url,
    pub(super) knocked: Result<Answered, Unreached>,
    pub(super) environment: Result<Environment, VerifyError>,
}

impl Frontend {
    pub(super) async fn ask(config: &Config, clock: Arc<dyn Clock>) -> Option<Self> {
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

    pub(super) fn checks(&self, config: &Config) -> Vec<Check> {
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
            let is_to_be_done = !found.remedy.starts_with("nothing");
            let check = if is_to_be_done {
                check.advise(found.remedy)
            } else {
                check
            };
            limited(check, is_used, Severity::Note)
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
