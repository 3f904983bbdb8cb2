//! Credentials checked against a file of hashed secrets: for tests, and for partners who are not in Clerk.

mod file;
mod hashing;
mod read_user;
mod secret_hash;

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

pub use self::secret_hash::{HashError, hash_secret};
use self::{
    file::{Stamp, User, Users},
    hashing::Hashing,
};
use super::{
    Account, AccountKey, Attempt, CredentialVerifier, ProbeFinding, ProbeSeverity, RejectReason,
    Verdict, VerifiedClient, VerifyError,
};
use crate::{
    config::{ConfigError, Violation},
    identity::{ClientCredentials, ClientId, Organization},
    store::logins::Invalidation,
};

/// How often the file is looked at. A change counts once the file has looked the same twice: who writes it in
/// place needs time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Told about every user that was changed or removed, after the change counts.
pub type OnChange = Box<dyn Fn(&Invalidation) + Send + Sync>;

/// Verifies credentials by hashing the secret with Argon2id (RFC 9106). Nothing is ever locked here.
pub struct StaticUsersVerifier {
    path: PathBuf,
    users: Mutex<Arc<Users>>,
    looks: Mutex<Looks>,
    trouble: Mutex<Option<String>>,
    hashing: Hashing,
    on_change: OnChange,
}

/// The states of the file; `None` while there is none.
struct Looks {
    /// The one that was read last, with or without success.
    read: Option<Stamp>,
    /// The one at the last look.
    seen: Option<Stamp>,
}

/// Everything that stands in the way of using the file at `path`.
pub(crate) fn judge_file(path: &Path) -> Vec<Violation> {
    file::read(path).err().unwrap_or_default()
}

impl StaticUsersVerifier {
    /// A verifier over the users that are in the file now; an error is everything that is wrong with it.
    pub fn open(path: PathBuf, on_change: OnChange) -> Result<Self, ConfigError> {
        // Asked before reading: a change in between is read again.
        let stamp = Stamp::of(&path);
        let users = file::read(&path).map_err(|violations| ConfigError {
            violations,
            warnings: Vec::new(),
        })?;
        Ok(Self {
            path,
            users: Mutex::new(Arc::new(users)),
            looks: Mutex::new(Looks {
                read: stamp,
                seen: stamp,
            }),
            trouble: Mutex::default(),
            hashing: Hashing::new(),
            on_change,
        })
    }

    /// Follows the file, on the runtime this is called in, until the verifier is dropped.
    pub fn follow(self: &Arc<Self>) {
        let verifier = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut looks = interval(LOOK_EVERY);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                let Some(verifier) = verifier.upgrade() else {
                    return;
                };
                if spawn_blocking(move || verifier.look()).await.is_err() {
                    tracing::error!("looking at the file of static users failed");
                }
            }
        });
    }

    /// What is wrong with the file now; `None` while its users are the ones in use.
    pub fn trouble(&self) -> Option<String> {
        locked(&self.trouble).clone()
    }

    /// Whether the file names this client, whatever its secret.
    pub fn names(&self, client_id: &ClientId) -> bool {
        self.current().get(client_id).is_some()
    }

    /// Reads the file if it has changed, and no more since the last look.
    fn look(&self) {
        let now = Stamp::of(&self.path);
        let mut looks = locked(&self.looks);
        let is_settled = looks.seen == now;
        looks.seen = now;
        if looks.read == now || !is_settled {
            return;
        }
        looks.read = now;
        match file::read(&self.path) {
            Ok(users) => self.take(users),
            Err(violations) => self.keep(&violations),
        }
    }

    fn take(&self, users: Users) {
        let users = Arc::new(users);
        let old = std::mem::replace(&mut *locked(&self.users), Arc::clone(&users));
        *locked(&self.trouble) = None;
        let mut outdated = 0_usize;
        for client_id in old.outdated_by(&users) {
            (self.on_change)(&Invalidation::Subject(subject(client_id)));
            outdated += 1;
        }
        tracing::info!(
            users.count = users.len(),
            users.changed_or_removed = outdated,
            "the file of static users was read anew"
        );
    }

    fn keep(&self, violations: &[Violation]) {
        let texts: Vec<_> = violations.iter().map(ToString::to_string).collect();
        let trouble = texts.join("; ");
        tracing::error!(
            trouble,
            "the file of static users cannot be used: the users read before stay"
        );
        *locked(&self.trouble) = Some(trouble);
    }

    fn current(&self) -> Arc<Users> {
        Arc::clone(&locked(&self.users))
    }
}

#[async_trait::async_trait]
impl CredentialVerifier for StaticUsersVerifier {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        Ok(Account {
            key: AccountKey::of_subject(&subject(&attempt.credentials.client_id)),
            allowed_failures: None,
            failures_left: None,
        })
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        let ClientCredentials {
            client_id,
            client_secret,
        } = attempt.credentials;
        let users = self.current();
        let known = users.get(client_id);
        let hash = known.map_or(users.decoy(), |user| &user.hash).clone();
        let is_right = self
            .hashing
            .is_of(hash.clone(), client_secret.clone())
            .await?;
        if known.is_none() {
            return Ok(Verdict::Reject(RejectReason::UnknownClient));
        }
        // Asked again: whoever was removed or given another secret during the work is not let in any more.
        let users = self.current();
        let still_known = users.get(client_id).filter(|user| user.hash == hash);
        Ok(match still_known {
            Some(user) if is_right => Verdict::Accept(verified(client_id, user)),
            _ => Verdict::Reject(RejectReason::WrongSecret),
        })
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        let trouble = self.trouble().map(|trouble| ProbeFinding {
            severity: ProbeSeverity::Warning,
            finding: format!("the file of static users cannot be used: {trouble}"),
            remedy: "correct it: until then the users read before stay".to_owned(),
        });
        let unusual = self.current().unusual();
        let costs = (unusual > 0).then(|| ProbeFinding {
            severity: ProbeSeverity::Info,
            finding: format!("{unusual} static users have other Argon2id parameters than most"),
            remedy: "make their hashes anew with the parameters of the others: the time a refusal takes \
                     may tell that they exist"
                .to_owned(),
        });
        trouble.into_iter().chain(costs).collect()
    }

    fn kind(&self) -> &'static str {
        "static_users"
    }
}

impl fmt::Debug for StaticUsersVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticUsersVerifier")
            .field("path", &self.path)
            .field("users", &self.current().len())
            .finish_non_exhaustive()
    }
}

/// The subject of a client of the file.
pub(crate) fn subject(client_id: &ClientId) -> String {
    format!("static|{}", client_id.as_str())
}

fn verified(client_id: &ClientId, user: &User) -> VerifiedClient {
    VerifiedClient {
        subject: subject(client_id),
        client_id: client_id.clone(),
        organization: user
            .organization
            .clone()
            .map(|id| Organization { id, slug: None }),
        roles: BTreeSet::from([user.role]),
    }
}

/// What is guarded is replaced whole: a panic leaves nothing half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
