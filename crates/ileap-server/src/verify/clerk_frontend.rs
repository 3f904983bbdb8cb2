//! Credentials checked by signing in through Clerk's Frontend API, the way an app would.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::{
    Account, AccountKey, Attempt, CredentialVerifier, DEFAULT_ALLOWED_FAILURES, ProbeFinding,
    Verdict, VerifiedClient, VerifyError, unavailable,
};
use crate::{
    clerk::{
        account::{self, MembershipRules},
        dev_browser::DevBrowsers,
        environment::Environment,
        failure::unanswered,
        frontend::FrontendApi,
        session_removal::SessionRemovals,
        sign_in::{SignInEnd, SignInFlow},
        status::CompletedSignIn,
    },
    identity::{ClientCredentials, ClientId, Role},
};

/// How logins over the Frontend API are judged.
#[derive(Clone, Debug)]
pub struct ClerkFrontendOptions {
    /// Id (`org_...`) or slug of the organization that an account must belong to.
    pub organization: Option<String>,
    /// The roles that organization roles open, by Clerk's role key.
    pub role_keys: BTreeMap<String, Role>,
    /// The longest one verification may take, with everything that is tried again.
    pub timeout: Duration,
}

impl Default for ClerkFrontendOptions {
    /// No required organization, the role keys `org:ileap_user`, `org:ileap_organizer`,
    /// `org:ileap_operator` and `org:ileap_all`, five seconds.
    fn default() -> Self {
        let key = |role: Role| (format!("org:ileap_{}", role.as_str()), role);
        Self {
            organization: None,
            role_keys: Role::ALL.into_iter().map(key).collect(),
            timeout: Duration::from_secs(5),
        }
    }
}

/// Verifies credentials by signing in, and ends the session that a success leaves behind.
#[derive(Debug)]
pub struct ClerkFrontendVerifier {
    /// As the instance's settings say, once they have been read; until then as if there were two kinds of identifier.
    allowed_failures: AtomicU32,
    flow: SignInFlow,
    options: ClerkFrontendOptions,
    removals: SessionRemovals,
}

impl ClerkFrontendVerifier {
    /// A verifier over one Clerk instance. Makes no call yet.
    pub fn new(api: FrontendApi, options: ClerkFrontendOptions) -> Self {
        let dev_browsers = Arc::<DevBrowsers>::default();
        Self {
            allowed_failures: AtomicU32::new(DEFAULT_ALLOWED_FAILURES / 2),
            removals: SessionRemovals::new(api.clone(), Arc::clone(&dev_browsers)),
            flow: SignInFlow::new(api, dev_browsers),
            options,
        }
    }

    async fn environment(&self) -> Result<Environment, VerifyError> {
        let deadline = Instant::now() + self.options.timeout;
        let answer = timeout_at(deadline, self.flow.environment()).await;
        let environment = answer.map_err(|_| unavailable("timeout"))??;
        self.allowed_failures
            .store(environment.allowed_failures(), Ordering::Relaxed);
        Ok(environment)
    }

    fn judge(&self, client_id: &ClientId, login: &CompletedSignIn) -> Verdict {
        let (_, chosen) = client_id.identifier_and_organization();
        let rules = MembershipRules {
            required: self.options.organization.as_deref(),
            chosen,
            role_keys: &self.options.role_keys,
        };
        match account::admit(&login.session, &rules) {
            Ok(membership) => Verdict::Accept(VerifiedClient {
                subject: format!("clerk|{}", login.user_id),
                client_id: client_id.clone(),
                organization: membership.organization,
                roles: membership.roles,
            }),
            Err(reason) => Verdict::Reject(reason),
        }
    }
}

#[async_trait::async_trait]
impl CredentialVerifier for ClerkFrontendVerifier {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        // After calls without an answer, one that shows no secret goes first: a login whose answer is lost
        // may have counted as a failure.
        if self.flow.is_troubled() {
            self.environment().await?;
        }
        let (identifier, _) = attempt.credentials.client_id.identifier_and_organization();
        Ok(Account {
            key: AccountKey::of_identifier(identifier),
            allowed_failures: Some(self.allowed_failures.load(Ordering::Relaxed)),
            failures_left: None,
        })
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        let ClientCredentials {
            client_id,
            client_secret,
        } = attempt.credentials;
        let (identifier, _) = client_id.identifier_and_organization();
        let deadline = Instant::now() + self.options.timeout;
        let login = self.flow.sign_in(identifier, client_secret, deadline);
        let end = timeout_at(deadline, login).await;
        match end.map_err(|_| unavailable("timeout"))?? {
            SignInEnd::Refused(reason) => Ok(Verdict::Reject(reason)),
            SignInEnd::Complete(login) => {
                let verdict = self.judge(client_id, &login);
                if let Some(client_token) = login.client_token {
                    self.removals.enqueue(login.session_id, client_token);
                }
                Ok(verdict)
            }
        }
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        match self.environment().await {
            Ok(environment) => environment.findings(),
            Err(error) => vec![unanswered(
                "Frontend API",
                "the publishable key or verifier.clerk.frontend_api_url",
                &error,
            )],
        }
    }

    /// The sessions of past logins are removed.
    async fn drain(&self, longest: Duration) -> bool {
        self.removals.drain(longest).await
    }

    fn kind(&self) -> &'static str {
        "clerk_frontend"
    }
}

#[cfg(test)]
mod tests;
