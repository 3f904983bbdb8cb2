//! One client: may it log in, and why not. Its secret is never asked for.

mod account;
mod lookup;

use jiff::Timestamp;
use serde::Serialize;

use self::lookup::{find, keys};
use super::{
    ForgetError, SubjectError,
    clerk::Clerk,
    judgement::{Check, Moment, Severity},
    local::StoreState,
    own_records::{self, Failures, LastLogin, Question, Refusal},
};
use crate::{
    clerk::examination::{Examined, Found},
    config::{Config, VerifierKind},
    identity::ClientId,
    store::{
        logins::{Invalidation, LoginRecords as _},
        sql::SqlStore,
    },
};

const ACCOUNT: &str = "client.account";
const RECORDS: &str = "client.records";

/// What is known of a client.
#[derive(Debug, Serialize)]
pub struct ClientReport {
    /// As it logs in.
    pub client_id: String,
    /// The account that its failures are counted against.
    pub account: String,
    /// Whether the right secret lets it in; `None` where that cannot be known.
    pub can_log_in: Option<bool>,
    /// Clerk's user, where the Backend API could be asked.
    pub user: Option<UserReport>,
    /// Failures and how many are allowed, where our own records could be read.
    pub failures: Option<Failures>,
    /// The last login.
    pub last_login: Option<LastLogin>,
    /// The last refusals, newest first.
    pub refusals: Vec<Refusal>,
    /// What follows from it.
    pub checks: Vec<Check>,
}

/// Clerk's record of a user.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own in Clerk's record"
)]
pub struct UserReport {
    /// `user_...`
    pub id: String,
    /// Whether it is banned.
    pub banned: bool,
    /// Whether it is locked.
    pub locked: bool,
    /// Until when, where the lock ends.
    pub locked_until: Option<Moment>,
    /// Whether it has a password, where Clerk says.
    pub password: Option<bool>,
    /// Whether the identifier is proved to be its own.
    pub verified: bool,
    /// Whether a second factor is set up.
    pub second_factor: bool,
    /// How many failures Clerk still allows.
    pub attempts_remaining: Option<u32>,
    /// Its organizations, by slug or id, with its role key in each.
    pub memberships: Vec<MembershipReport>,
}

/// A membership.
#[derive(Debug, Serialize)]
pub struct MembershipReport {
    /// The organization's slug, else its id.
    pub organization: Option<String>,
    /// Clerk's role key.
    pub role: Option<String>,
}

/// What was cleared.
#[derive(Debug, Default, Serialize)]
pub struct Forgotten {
    /// The names of the account under which something may be remembered.
    pub accounts: Vec<String>,
    /// How many failures had been counted.
    pub failures: u32,
}

/// One client, and where to look.
pub(super) struct Examination<'a> {
    pub(super) client_id: &'a ClientId,
    pub(super) clerk: Option<&'a Clerk>,
    pub(super) config: &'a Config,
    pub(super) now: Timestamp,
    pub(super) store: &'a StoreState,
}

/// What the place where users live says.
enum Told {
    /// Nothing: it was not asked.
    Nothing,
    /// What is in the way, or that nothing is.
    Checks(Vec<Check>),
}

impl Examination<'_> {
    pub(super) async fn report(&self) -> ClientReport {
        let found = find(self.client_id, self.clerk, self.config).await;
        let examined = match &found {
            Some(Ok(Found::One(examined))) => Some(&**examined),
            _ => None,
        };
        let told = match &found {
            None if self.config.verifier.kind == VerifierKind::StaticUsers => {
                Told::Checks(self.static_user())
            }
            None => Told::Nothing,
            Some(found) => Told::Checks(self.account(found)),
        };
        let keys = keys(self.client_id, examined, self.config.verifier.kind);
        let question = Question {
            counted: &keys.counted,
            others: &keys.others,
            allowed: self.allowed_failures(examined),
            config: self.config,
            now: self.now,
        };
        let records = own_records::read(self.store, &question).await;
        let is_known = match &found {
            None => true,
            Some(Ok(Found::One(examined))) => examined.memberships.is_ok(),
            Some(found) => found.is_ok(),
        };
        let is_told = matches!(&told, Told::Checks(_)) && is_known;
        let mut checks = match told {
            Told::Checks(checks) => checks,
            Told::Nothing => vec![not_asked()],
        };
        match &records {
            Ok(records) => checks.extend(records.checks(self.config, &keys.counted)),
            Err(why) => checks
                .push(Check::note(RECORDS, "our own records of logins cannot be read").seen(why)),
        }
        let has_problem = checks
            .iter()
            .any(|check| check.severity == Severity::Problem);
        let records = records.ok();
        ClientReport {
            client_id: self.client_id.as_str().to_owned(),
            account: keys.counted.as_str().to_owned(),
            can_log_in: if has_problem {
                Some(false)
            } else {
                is_told.then_some(true)
            },
            user: examined.map(|examined| self.user(examined)),
            failures: records.as_ref().map(|records| records.failures),
            last_login: records
                .as_ref()
                .and_then(|records| records.last_login.clone()),
            refusals: records.map(|records| records.refusals).unwrap_or_default(),
            checks,
        }
    }

    /// As the running server allows them: never the last that Clerk leaves.
    fn allowed_failures(&self, examined: Option<&Examined>) -> Option<u32> {
        let kind = self.config.verifier.kind;
        let allowed = self.clerk?.allowed_failures(kind)?;
        let left = examined.and_then(|examined| examined.record.attempts_remaining);
        match left {
            Some(left) if kind == VerifierKind::ClerkBackend => {
                Some(allowed.min(left.saturating_sub(1)))
            }
            _ => Some(allowed),
        }
    }
}

/// Drops what is counted and remembered of a client, under every name it may have.
pub(super) async fn forget(
    client_id: &ClientId,
    clerk: Option<&Clerk>,
    config: &Config,
    store: &SqlStore,
    now: Timestamp,
) -> Result<Forgotten, ForgetError> {
    let found = find(client_id, clerk, config).await;
    if let (VerifierKind::ClerkBackend, Some(Err(error))) = (config.verifier.kind, found.as_ref()) {
        // Failures are counted by the user's id, which only Clerk can tell.
        return Err(ForgetError::Clerk(error.clone()));
    }
    let examined = match &found {
        Some(Ok(Found::One(examined))) => Some(&**examined),
        _ => None,
    };
    let keys = keys(client_id, examined, config.verifier.kind);
    let mut forgotten = Forgotten::default();
    for key in std::iter::once(keys.counted).chain(keys.others) {
        forgotten.failures += store.login_record(&key).await?.failures;
        forgotten.accounts.push(key.as_str().to_owned());
        store.invalidate(&Invalidation::Account(key), now).await?;
    }
    Ok(forgotten)
}

/// The subject of a client's tokens.
pub(super) async fn subject(
    client_id: &ClientId,
    clerk: &Clerk,
    config: &Config,
) -> Result<String, SubjectError> {
    let found = find(client_id, Some(clerk), config).await;
    match found.ok_or(SubjectError::NotAsked)? {
        Ok(Found::One(examined)) => Ok(format!("clerk|{}", examined.record.id)),
        Ok(Found::Nobody) => Err(SubjectError::Nobody),
        Ok(Found::Several(ids)) => Err(SubjectError::Several(ids)),
        Err(error) => Err(SubjectError::Clerk(error)),
    }
}

fn not_asked() -> Check {
    Check::note(ACCOUNT, "only our own records are known of this client")
        .seen("there is no secret key, so Clerk cannot be asked for a user")
        .advise("with a secret key (CLERK_SECRET_KEY) doctor also tells bans, locks, passwords, second factors and roles")
}
