//! Live checks of a configured deployment, for the operator: what was asked, what came back, what to do.
//!
//! Nothing here attempts a login or counts as one anywhere, and no file or database is made.

mod certificate;
mod clerk;
mod client;
mod clock_skew;
mod connection;
mod issuer;
mod judgement;
mod local;
mod own_records;
mod signing_keys;

pub use self::{
    client::{ClientReport, Forgotten, MembershipReport, UserReport},
    judgement::{Blame, Check, Moment, Severity},
    own_records::{Failures, LastLogin, Refusal},
};

use std::sync::Arc;

use self::{clerk::Clerk, local::StoreState};
use crate::{
    clock::{Clock, SystemClock},
    config::{Config, ConfigError, VerifierKind},
    identity::ClientId,
    invalidation::cutoffs,
    store::StoreError,
    token::TokenCutoffs,
    verify::{VerifyError, static_users},
};

/// Everything that was found.
#[derive(Debug)]
pub struct Diagnosis {
    /// One after the other, in the order they were made.
    pub checks: Vec<Check>,
    /// What is known of the client that was asked about.
    pub client: Option<ClientReport>,
}

impl Diagnosis {
    /// That the configuration cannot be used: nothing else can be looked at.
    pub fn of_unusable(error: &ConfigError) -> Self {
        let mut checks = local::unusable_configuration(error);
        checks.sort_by_key(|check| std::cmp::Reverse(check.severity));
        Self {
            checks,
            client: None,
        }
    }

    /// The gravest of all findings, those about the client included.
    pub fn severity(&self) -> Severity {
        let of_client = self.client.iter().flat_map(|client| &client.checks);
        let all = self.checks.iter().chain(of_client);
        all.map(|check| check.severity)
            .max()
            .unwrap_or(Severity::Ok)
    }

    /// Who has to act before partners can log in: `None` when they can. What waiting does not mend goes first.
    pub fn blame(&self) -> Option<Blame> {
        let of_client = self.client.iter().flat_map(|client| &client.checks);
        let problems = self.checks.iter().chain(of_client);
        problems
            .filter(|check| check.severity == Severity::Problem)
            .map(|check| check.blame)
            .max()
    }
}

/// A deployment that is looked at: its configuration, with what has been learned meanwhile.
pub struct Doctor<'a> {
    config: &'a Config,
    clock: Arc<dyn Clock>,
}

impl<'a> Doctor<'a> {
    /// A doctor for the deployment of this configuration.
    pub fn new(config: &'a Config) -> Self {
        Self {
            config,
            clock: Arc::new(SystemClock),
        }
    }

    /// Looks at everything; `warnings` are those of loading the configuration. With a client, also at that one.
    pub async fn examine(&self, warnings: &[String], client: Option<&ClientId>) -> Diagnosis {
        let mut checks = local::configuration(warnings);
        let (store, check) = local::store(&self.config.store.url).await;
        checks.push(check);
        checks.push(signing_keys::check(self.config, &store, &*self.clock).await);
        checks.extend(certificate::check(self.config, &*self.clock));
        let mut clerk = None;
        if self.config.verifier.kind == VerifierKind::StaticUsers {
            checks.extend(local::static_users(self.config).await);
        } else {
            let asked = Clerk::ask(self.config, self.clock.clone()).await;
            checks.extend(asked.checks(self.config));
            checks.extend(local::webhooks(self.config));
            clerk = Some(asked);
        }
        checks.push(issuer::check(self.config).await);
        checks.extend(issuer::on_record(self.config, &store).await);
        let client = match client {
            Some(client_id) => {
                let examination = client::Examination {
                    client_id,
                    clerk: clerk.as_ref(),
                    config: self.config,
                    now: self.clock.now(),
                    store: &store,
                };
                Some(examination.report().await)
            }
            None => None,
        };
        Diagnosis { checks, client }
    }

    /// The subject of a client's tokens, whatever it calls itself in them.
    pub async fn subject(&self, client_id: &ClientId) -> Result<String, SubjectError> {
        if self.config.verifier.kind == VerifierKind::StaticUsers {
            return Ok(static_users::subject(client_id));
        }
        let clerk = Clerk::ask(self.config, self.clock.clone()).await;
        client::subject(client_id, &clerk, self.config).await
    }

    /// Which tokens running servers let in no more, though their time has not run out.
    pub async fn cutoffs(&self) -> Result<TokenCutoffs, CutoffsError> {
        let (store, _) = local::store(&self.config.store.url).await;
        match store {
            StoreState::Open(store) => Ok(cutoffs(&*store, self.clock.now()).await?),
            StoreState::Closed(why) => Err(CutoffsError::Closed(why)),
            StoreState::Missing => Err(CutoffsError::Closed("there is none yet")),
        }
    }

    /// Clears the failures counted for a client, and what running servers remember of it. Where there is no
    /// database yet, there is nothing to clear.
    pub async fn forget(&self, client_id: &ClientId) -> Result<Forgotten, ForgetError> {
        let (store, _) = local::store(&self.config.store.url).await;
        let store = match store {
            StoreState::Open(store) => store,
            StoreState::Closed(why) => return Err(ForgetError::Closed(why)),
            StoreState::Missing => return Ok(Forgotten::default()),
        };
        let uses_clerk = self.config.verifier.kind != VerifierKind::StaticUsers;
        let clerk = if uses_clerk {
            Some(Clerk::ask(self.config, self.clock.clone()).await)
        } else {
            None
        };
        let now = self.clock.now();
        client::forget(client_id, clerk.as_ref(), self.config, &store, now).await
    }
}

/// Which tokens are revoked cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum CutoffsError {
    /// The database cannot be asked; the text says why.
    #[error("asking the database: {0}; ileap doctor says what to do")]
    Closed(&'static str),
    /// It failed.
    #[error("{}", .0.with_cause())]
    Store(#[from] StoreError),
}

/// Which account a client id belongs to cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// Clerk gives no answer.
    #[error("asking Clerk for the user: {0}")]
    Clerk(VerifyError),
    /// Nobody has the id.
    #[error("Clerk has no user of this name")]
    Nobody,
    /// Without a secret key Clerk cannot be asked.
    #[error("without a secret key (CLERK_SECRET_KEY) Clerk cannot be asked for the user")]
    NotAsked,
    /// Several have it.
    #[error("several users have this name: {}", .0.join(", "))]
    Several(Vec<String>),
}

/// Nothing, or not everything, was cleared.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// Clerk cannot tell which user it is, so nothing was cleared.
    #[error("asking Clerk for the user: {0}")]
    Clerk(VerifyError),
    /// The database cannot be asked; the text says why.
    #[error("asking the database: {0}; ileap doctor says what to do")]
    Closed(&'static str),
    /// It failed.
    #[error("{}", .0.with_cause())]
    Store(#[from] StoreError),
}
