//! Credentials checked through Clerk's Backend API: who has this identifier, is this the password, may the
//! user log in.

mod options;
mod remarks;

pub use self::options::ClerkBackendOptions;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::OptionFuture};
use tokio::time::{Instant, timeout_at};

use self::remarks::Instance;
use super::{
    Account, AccountKey, Attempt, CredentialVerifier, Judged, ProbeFinding, RejectReason, Verdict,
    VerifiedClient, VerifyError, unavailable,
};
use crate::{
    clerk::{
        account::MembershipRules,
        backend::BackendApi,
        call::CallError,
        decoy::invented_id,
        directory::{Directory, Sighting},
        failure::{failed, refusal, unanswered},
        memberships::Memberships,
        user_record::{SecondFactor, UserRecord},
    },
    clock::Clock,
    store::logins::Invalidation,
};

/// A record older than this is read again before a right password counts: a ban bites after as long.
const RECORD_FRESH_FOR: Duration = Duration::from_mins(1);
/// A lookup older than this was not made for the login that comes upon it.
const OWN_FOR: Duration = Duration::from_secs(10);

/// Verifies credentials with a lookup and a password check; no sign-in takes place.
///
/// An identifier that nobody has costs the same calls as a wrong password. Flags are judged after the
/// password, so that they do not show in how long a refusal takes.
pub struct ClerkBackendVerifier {
    api: BackendApi,
    /// The id of a user that does not exist.
    decoy: String,
    directory: Directory,
    memberships: Memberships,
    options: ClerkBackendOptions,
}

/// What a password check said.
enum PasswordEnd {
    Right,
    Refused(RejectReason),
}

/// What is known once the password has been checked.
struct Checked {
    refused: Option<RejectReason>,
    /// The record, where it was read again meanwhile.
    again: Option<Result<Arc<Sighting>, VerifyError>>,
}

impl ClerkBackendVerifier {
    /// A verifier over one Clerk instance. Makes no call yet. `None` when the system gives no randomness.
    pub fn new(
        api: BackendApi,
        options: ClerkBackendOptions,
        clock: Arc<dyn Clock>,
    ) -> Option<Self> {
        Some(Self {
            decoy: invented_id()?,
            directory: Directory::new(api.clone(), clock.clone(), options.timeout),
            memberships: Memberships::new(api.clone(), clock),
            api,
            options,
        })
    }

    async fn judge(
        &self,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<Verdict, VerifyError> {
        let sighting = self.directory.find(identifier(attempt)).await?;
        let is_recent = self.directory.age(&sighting) <= OWN_FOR;
        let source = if sighting.take() && is_recent {
            Source::OwnLookup
        } else {
            Source::Memory
        };
        match &sighting.user {
            Some(user) => {
                let known = Known {
                    sighting: &sighting,
                    source,
                    user,
                };
                self.judge_known(attempt, &known, deadline).await
            }
            None => self.judge_unknown(attempt, source, deadline).await,
        }
    }

    /// Makes the calls that a wrong password costs. That nobody has the identifier is looked up again beside
    /// them when it was remembered only: a user made since gets in.
    async fn judge_unknown(
        &self,
        attempt: &Attempt<'_>,
        source: Source,
        deadline: Instant,
    ) -> Result<Verdict, VerifyError> {
        let lookup = (source == Source::Memory).then(|| {
            let lookup = self.directory.look_up(identifier(attempt));
            // This login's own, also when it ends after the login.
            let taken = lookup.clone();
            tokio::spawn(async move { taken.await.map(|sighting| sighting.take()) });
            lookup
        });
        self.check(&self.decoy, attempt, deadline).await?;
        let sighting = lookup.and_then(|lookup| lookup.now_or_never()?.ok());
        if let Some(sighting) = sighting
            && let Some(user) = &sighting.user
        {
            let known = Known {
                sighting: &sighting,
                source: Source::OwnLookup,
                user,
            };
            return self.judge_known(attempt, &known, deadline).await;
        }
        Ok(Verdict::Reject(RejectReason::UnknownClient))
    }

    async fn judge_known(
        &self,
        attempt: &Attempt<'_>,
        known: &Known<'_>,
        deadline: Instant,
    ) -> Result<Verdict, VerifyError> {
        let (name, id) = (identifier(attempt), &known.user.id);
        // A remembered ban or lock is looked at again whatever the password, and beside it: neither what is asked nor
        // how long it takes tells of one.
        let is_kept_out = known.source == Source::Memory && known.user.is_kept_out();
        let again = is_kept_out.then(|| self.directory.read_again(name, id, deadline));
        let (checked, again) =
            tokio::join!(self.check(id, attempt, deadline), OptionFuture::from(again));
        let refused = match checked? {
            PasswordEnd::Right => None,
            PasswordEnd::Refused(reason) => Some(reason),
        };
        let judged = match refused {
            None => Judged::Right,
            Some(_) => Judged::Wrong,
        };
        let checked = Checked { refused, again };
        let verdict = self.judge_checked(attempt, known, checked, deadline).await;
        verdict.map_err(|error| error.after(judged))
    }

    /// Goes on after the password; what fails from here on does not unmake what Clerk has counted.
    async fn judge_checked(
        &self,
        attempt: &Attempt<'_>,
        known: &Known<'_>,
        Checked { refused, again }: Checked,
        deadline: Instant,
    ) -> Result<Verdict, VerifyError> {
        if refused == Some(RejectReason::UnknownClient) {
            self.drop_user(&known.user.id);
            return Ok(Verdict::Reject(RejectReason::UnknownClient));
        }
        let is_old = self.directory.age(known.sighting) > RECORD_FRESH_FOR;
        let again = match again {
            None if refused.is_none() && is_old => {
                let (name, id) = (identifier(attempt), &known.user.id);
                Some(self.directory.read_again(name, id, deadline).await?)
            }
            again => again.transpose()?,
        };
        let user = match &again {
            Some(sighting) => sighting.user.as_ref(),
            None => Some(known.user),
        };
        let Some(user) = user else {
            return Ok(Verdict::Reject(RejectReason::UnknownClient));
        };
        match refused {
            None => self.admit(attempt, user, deadline).await,
            Some(reason) => {
                known.sighting.fail();
                // Perhaps the identifier is another user's by now.
                if is_old {
                    self.directory.drop_name(identifier(attempt));
                }
                Ok(Verdict::Reject(user.locked().unwrap_or(reason)))
            }
        }
    }

    async fn check(
        &self,
        id: &str,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<PasswordEnd, VerifyError> {
        let password = &attempt.credentials.client_secret;
        let answer = self.api.verify_password(id, password, deadline).await;
        match answer.map(|answer| answer.verified) {
            Ok(Some(true)) => Ok(PasswordEnd::Right),
            Ok(Some(false)) => Ok(PasswordEnd::Refused(RejectReason::WrongSecret)),
            Ok(None) => Err(unavailable("malformed")),
            Err(error) => match refusal(&error) {
                Some(reason) => Ok(PasswordEnd::Refused(reason)),
                None => Err(failed(&error)),
            },
        }
    }

    /// Says for whom a user whose password is right acts, if at all.
    async fn admit(
        &self,
        attempt: &Attempt<'_>,
        user: &UserRecord,
        deadline: Instant,
    ) -> Result<Verdict, VerifyError> {
        let client_id = &attempt.credentials.client_id;
        let (identifier, chosen) = client_id.identifier_and_organization();
        let second_factor = if self.options.allow_mfa_users {
            SecondFactor::Waived
        } else {
            SecondFactor::Required
        };
        if let Some(reason) = user.obstacle(second_factor) {
            if reason == RejectReason::NotAllowed {
                // Verified in a moment perhaps, or another user's.
                self.directory.drop_name(identifier);
            }
            return Ok(Verdict::Reject(reason));
        }
        let memberships = match self.memberships.of(&user.id, deadline).await {
            Ok(memberships) => memberships,
            Err(error) => {
                let reason = refusal(&error).ok_or_else(|| failed(&error))?;
                self.drop_user(&user.id);
                return Ok(Verdict::Reject(reason));
            }
        };
        let rules = MembershipRules {
            required: self.options.organization.as_deref(),
            chosen,
            role_keys: &self.options.role_keys,
        };
        Ok(match rules.choose(&memberships) {
            Ok(membership) => Verdict::Accept(VerifiedClient {
                subject: subject(user),
                client_id: client_id.clone(),
                organization: membership.organization,
                roles: membership.roles,
            }),
            Err(reason) => Verdict::Reject(reason),
        })
    }

    fn instance(&self) -> Instance {
        if self.api.is_development() && self.options.is_public {
            Instance::DevelopmentInPublic
        } else {
            Instance::Fitting
        }
    }

    fn drop_user(&self, id: &str) {
        self.directory.drop_user(id);
        self.memberships.forget(id);
    }
}

/// Where it is known from who has an identifier.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Source {
    Memory,
    OwnLookup,
}

/// A user and how it was found.
struct Known<'a> {
    sighting: &'a Sighting,
    source: Source,
    user: &'a UserRecord,
}

#[async_trait::async_trait]
impl CredentialVerifier for ClerkBackendVerifier {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        let identifier = identifier(attempt);
        // After calls without an answer, one that shows no secret goes first: a password whose check is lost
        // may have counted as a failure.
        let sighting = if self.api.is_troubled() {
            self.directory.look_up(identifier).await?
        } else {
            self.directory.find(identifier).await?
        };
        let key = match &sighting.user {
            Some(user) => AccountKey::of_subject(&subject(user)),
            None => AccountKey::of_identifier(identifier),
        };
        Ok(Account {
            key,
            allowed_failures: Some(self.directory.allowed_failures(&sighting)),
            failures_left: sighting.attempts_remaining(),
        })
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        let deadline = Instant::now() + self.options.timeout;
        let verdict = timeout_at(deadline, self.judge(attempt, deadline)).await;
        verdict.map_err(|_| unavailable("timeout"))?
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        let deadline = Instant::now() + self.options.timeout;
        let probe = async {
            let organizations = self.memberships.probe(deadline).await?;
            self.directory.learn_lockout(deadline).await;
            Ok(organizations)
        };
        let answer = timeout_at(deadline, probe).await;
        let answer = answer.map(|answer| answer.map_err(|error: CallError| failed(&error)));
        match answer.unwrap_or_else(|_| Err(unavailable("timeout"))) {
            Ok(organizations) => remarks::on(organizations, self.instance()),
            Err(error) => {
                vec![unanswered(
                    "Backend API",
                    "verifier.clerk.backend_api_url",
                    &error,
                )]
            }
        }
    }

    fn forget(&self, invalidation: &Invalidation) {
        self.directory.forget(invalidation);
        let name = match invalidation {
            Invalidation::Account(key) => key.as_str(),
            Invalidation::Organization(_) => return self.memberships.forget_all(),
            Invalidation::Subject(subject) => subject,
        };
        if let Some(id) = name.strip_prefix("clerk|") {
            self.memberships.forget(id);
        }
    }

    fn remembered(&self) -> Vec<(&'static str, usize)> {
        self.directory.remembered().into()
    }

    fn kind(&self) -> &'static str {
        "clerk_backend"
    }
}

fn identifier<'a>(attempt: &Attempt<'a>) -> &'a str {
    attempt
        .credentials
        .client_id
        .identifier_and_organization()
        .0
}

fn subject(user: &UserRecord) -> String {
    format!("clerk|{}", user.id)
}

#[cfg(test)]
mod tests;
