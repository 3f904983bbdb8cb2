//! What Clerk's two APIs say, as far as they are configured.

mod answers;
mod backend;
mod frontend;

use std::sync::Arc;

use jiff::SignedDuration;

use self::{backend::Backend, frontend::Frontend};
use super::{clock_skew, judgement::Check};
use crate::{
    clerk::{environment::Environment, memberships::Organizations},
    clock::Clock,
    config::{Config, VerifierKind},
};

const INSTANCE: &str = "clerk.instance";

/// What each API answered; `None` where it is not configured.
pub(super) struct Clerk {
    pub(super) backend: Option<Backend>,
    frontend: Option<Frontend>,
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
        let mut answers = frontend.chain(backend).flatten();
        answers.find_map(|answered| answered.ahead)
    }

    fn instance_mismatch(&self) -> Option<Check> {
        let environment = self.environment()?.is_development()?;
        let key = self.backend.as_ref()?.is_development();
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
