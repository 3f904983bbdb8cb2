//! One client: may it log in, and why not. Its secret is never asked for.

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    clerk::Clerk,
    judgement::{Blame, Check, Severity, moment_or_null},
    local::StoreState,
    own_records::{self, Failures, LastLogin, Question, Refusal, remedy},
};
use crate::{
    access::Admission,
    clerk::{
        account::MembershipRules,
        examination::{self, Examined, Found},
        user_record::SecondFactor,
    },
    config::{Config, VerifierKind},
    identity::{ClientId, Scopes},
    store::{
        StoreError,
        logins::{Invalidation, LoginRecords as _},
        sqlite::SqliteStore,
    },
    verify::{
        AccountKey, RejectReason, VerifiedClient, VerifyError, static_users::StaticUsersVerifier,
    },
};

const ACCOUNT: &str = "client.account";
const ACCESS: &str = "client.access";
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
pub struct UserReport {
    /// `user_...`
    pub id: String,
    /// Whether it is banned.
    pub banned: bool,
    /// Whether it is locked.
    pub locked: bool,
    /// Until when, where the lock ends.
    #[serde(serialize_with = "moment_or_null")]
    pub locked_until: Option<Timestamp>,
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
        let is_told = matches!((&told, &found), (Told::Checks(_), None | Some(Ok(_))));
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

    /// As the running server allows them: none when the next one or two would lock the account.
    fn allowed_failures(&self, examined: Option<&Examined>) -> Option<u32> {
        let kind = self.config.verifier.kind;
        let allowed = self.clerk?.allowed_failures(kind)?;
        let left = examined.and_then(|examined| examined.record.attempts_remaining);
        let is_last = kind == VerifierKind::ClerkBackend && left.is_some_and(|left| left <= 1);
        Some(if is_last { 0 } else { allowed })
    }

    fn account(&self, found: &Result<Found, VerifyError>) -> Vec<Check> {
        let (identifier, _) = self.client_id.identifier_and_organization();
        let asked = format!("Clerk's users by the exact identifier {identifier}");
        match found {
            Err(error) => vec![
                Check::warning(ACCOUNT, "Clerk could not be asked for this account")
                    .seen(format!("{asked}: {error}"))
                    .advise("see what is said of Clerk's Backend API"),
            ],
            Ok(Found::Nobody) => vec![
                stopped(ACCOUNT, "no user in Clerk has this identifier", &RejectReason::UnknownClient)
                    .seen(format!("{asked}: none")),
            ],
            Ok(Found::Several(ids)) => vec![
                Check::problem(ACCOUNT, Blame::Other, "several users in Clerk have this identifier: none of them can log in with it")
                    .seen(format!("{asked}: {}", ids.join(", ")))
                    .advise("give each of them an e-mail address, phone number or user name of its own in Clerk"),
            ],
            Ok(Found::One(examined)) => self.user_checks(examined),
        }
    }

    fn user_checks(&self, examined: &Examined) -> Vec<Check> {
        let yes = |is: bool| if is { "yes" } else { "no" };
        let user = self.user(examined);
        let lock = match (user.locked, user.locked_until) {
            (false, _) => "no".to_owned(),
            (true, Some(until)) => format!("until {until:.0}"),
            (true, None) => "without an end".to_owned(),
        };
        let evidence = format!(
            "{}: banned {}, locked {lock}, password {}, identifier verified {}, second factor {}, attempts remaining {}",
            user.id,
            yes(user.banned),
            user.password.map_or("unknown", yes),
            yes(user.verified),
            yes(user.second_factor),
            user.attempts_remaining
                .map_or("unlimited".to_owned(), |left| left.to_string()),
        );
        let mut checks = Vec::new();
        if let Some(reason) = &examined.obstacle {
            let finding = match reason {
                RejectReason::Banned => "the user is banned".to_owned(),
                RejectReason::Locked { .. } => format!("the user is locked {lock}"),
                RejectReason::MfaRequired => {
                    "the user has a second factor, which a machine cannot give".to_owned()
                }
                _ => "the identifier is not verified to be the user's".to_owned(),
            };
            checks.push(stopped(ACCOUNT, finding, reason).seen(&evidence));
        }
        if examined.has_password == Some(false) {
            let check = stopped(
                ACCOUNT,
                "the user has no password",
                &RejectReason::NoPassword,
            );
            checks.push(check.seen(&evidence));
        }
        if checks.is_empty() {
            checks.push(Check::ok(ACCOUNT, "the user may log in with its password").seen(evidence));
        }
        checks.push(self.access(examined));
        checks
    }

    /// For which organization and as what.
    fn access(&self, examined: &Examined) -> Check {
        let listed: Vec<_> = match &examined.memberships {
            Ok(_) => self.user(examined).memberships,
            Err(error) => {
                return Check::warning(ACCESS, "the user's organizations cannot be read")
                    .seen(error.to_string())
                    .advise("see what is said of Clerk's Backend API");
            }
        };
        let listed = listed.iter().map(|membership| {
            let name = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
            format!(
                "{} as {}",
                name(&membership.organization),
                name(&membership.role)
            )
        });
        let mut listed = listed.collect::<Vec<_>>().join(", ");
        if listed.is_empty() {
            "none".clone_into(&mut listed);
        }
        let evidence = format!("organizations: {listed}");
        let membership = match &examined.membership {
            Ok(membership) => membership,
            Err(reason) => {
                let finding = "no organization that the user belongs to is the one to act for";
                return stopped(ACCESS, finding, reason).seen(evidence).advise(
                    "name the organization with @SLUG after the client id or in verifier.clerk.organization, and make \
                     the user a member of it",
                );
            }
        };
        let verified = VerifiedClient {
            subject: format!("clerk|{}", examined.record.id),
            client_id: self.client_id.clone(),
            organization: membership.organization.clone(),
            roles: membership.roles.clone(),
        };
        let admission = Admission {
            default_role: self.config.access.default_role,
            allowed_clients: self.config.access.allowed_clients.iter().cloned().collect(),
        };
        match admission.admit(verified, Scopes::all()) {
            None => Check::problem(ACCESS, Blame::Other, "the user has no role here: a login is refused as no_role")
                .seen(evidence)
                .advise(
                    "give the user one of the roles under access.role_keys (org:ileap_user, ...) in its organization, or \
                     set access.default_role",
                ),
            Some(principal) => {
                let roles: Vec<_> = principal.roles.iter().map(|role| role.as_str()).collect();
                let recipient = principal.recipient();
                Check::ok(ACCESS, format!("it acts as {} for {recipient}", roles.join(" and "))).seen(evidence)
            }
        }
    }

    fn static_user(&self) -> Vec<Check> {
        let path = self
            .config
            .verifier
            .static_users_file
            .clone()
            .unwrap_or_default();
        let evidence = path.display().to_string();
        let check = match StaticUsersVerifier::open(path, Box::new(|_| {})) {
            // What is wrong with the file has been said.
            Err(_) => Check::warning(ACCOUNT, "the file of static users cannot be used"),
            Ok(verifier) if verifier.names(self.client_id) => {
                Check::ok(ACCOUNT, "the file of static users names this client")
            }
            Ok(_) => Check::problem(
                ACCOUNT,
                Blame::Other,
                "the file of static users does not name this client",
            )
            .advise("add it: the file is followed while the server runs"),
        };
        vec![check.seen(evidence)]
    }

    fn user(&self, examined: &Examined) -> UserReport {
        let record = &examined.record;
        let lock = record.locked();
        let locked_until = match &lock {
            Some(RejectReason::Locked { expires_in }) => {
                expires_in.and_then(|left| self.now.checked_add(left).ok())
            }
            _ => None,
        };
        let memberships = examined.memberships.as_deref().unwrap_or_default();
        UserReport {
            id: record.id.clone(),
            banned: record.is_banned(),
            locked: lock.is_some(),
            locked_until,
            password: examined.has_password,
            verified: examined.is_named,
            second_factor: examined.has_second_factor,
            attempts_remaining: record.attempts_remaining,
            memberships: memberships
                .iter()
                .map(|membership| MembershipReport {
                    organization: membership.organization_name(),
                    role: membership.role.clone(),
                })
                .collect(),
        }
    }
}

/// Drops what is counted and remembered of a client, under every name it may have.
pub(super) async fn forget(
    client_id: &ClientId,
    clerk: Option<&Clerk>,
    config: &Config,
    store: &SqliteStore,
    now: Timestamp,
) -> Result<Forgotten, StoreError> {
    let found = find(client_id, clerk, config).await;
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

/// The names of one account.
struct Keys {
    counted: AccountKey,
    others: Vec<AccountKey>,
}

fn keys(client_id: &ClientId, examined: Option<&Examined>, kind: VerifierKind) -> Keys {
    let (identifier, _) = client_id.identifier_and_organization();
    let by_identifier = AccountKey::of_identifier(identifier);
    let subject = match (kind, examined) {
        (VerifierKind::StaticUsers, _) => Some(format!("static|{}", client_id.as_str())),
        (_, Some(examined)) => Some(format!("clerk|{}", examined.record.id)),
        (_, None) => None,
    };
    let by_subject = subject.map(|subject| AccountKey::of_subject(&subject));
    match (kind, by_subject) {
        (VerifierKind::ClerkFrontend, by_subject) => Keys {
            counted: by_identifier,
            others: by_subject.into_iter().collect(),
        },
        (_, Some(counted)) => Keys {
            counted,
            others: vec![by_identifier],
        },
        (_, None) => Keys {
            counted: by_identifier,
            others: Vec::new(),
        },
    }
}

/// Who has the identifier; `None` where the Backend API is not configured.
async fn find(
    client_id: &ClientId,
    clerk: Option<&Clerk>,
    config: &Config,
) -> Option<Result<Found, VerifyError>> {
    let backend = clerk?.backend.as_ref()?;
    let (identifier, chosen) = client_id.identifier_and_organization();
    let section = &config.verifier.clerk;
    let rules = MembershipRules {
        required: section.organization.as_deref(),
        chosen,
        role_keys: &config.access.role_keys,
    };
    let is_waived = config.verifier.kind == VerifierKind::ClerkBackend && section.allow_mfa_users;
    let second_factor = if is_waived {
        SecondFactor::Waived
    } else {
        SecondFactor::Required
    };
    let deadline = Instant::now() + section.timeout;
    Some(examination::examine(&backend.api, identifier, &rules, second_factor, deadline).await)
}

fn not_asked() -> Check {
    Check::note(ACCOUNT, "only our own records are known of this client")
        .seen("there is no secret key, so Clerk cannot be asked for a user")
        .advise("with a secret key (CLERK_SECRET_KEY) doctor also tells bans, locks, passwords, second factors and roles")
}

fn stopped(name: &'static str, finding: impl Into<String>, reason: &RejectReason) -> Check {
    let check = Check::problem(name, Blame::Other, finding);
    match remedy(reason) {
        Some(remedy) => check.advise(remedy),
        None => check,
    }
}
