//! What is remembered of credentials: bounded, and nothing that a secret could be guessed from.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lc_rs::{hmac, rand};
use quick_cache::sync::Cache;

use super::KnownGoodOptions;
use crate::{
    identity::ClientCredentials,
    store::logins::Invalidation,
    verify::{AccountKey, RejectReason, VerifiedClient},
};

/// How many right credentials are remembered.
const GOOD_ENTRIES: usize = 32 * 1024;
/// How many wrong ones; they have their room to themselves, so that nobody pushes the right ones out.
const WRONG_ENTRIES: usize = 16 * 1024;
/// How many invalidations are held against verifications that began before them.
const FORGOTTEN_ENTRIES: usize = 4 * 1024;
/// How long a refusal is remembered.
const WRONG_FOR: Duration = Duration::from_mins(1);
/// Credentials that were right longer ago than this are not accepted without a verdict: time enough for a
/// job that runs once a night.
const OLDEST_STALE: Duration = Duration::from_hours(48);

/// Stands for an id and a secret; says nothing about either to whoever lacks the key.
pub(super) type Tag = [u8; 32];

/// Right credentials.
#[derive(Debug)]
pub(super) struct Good {
    pub(super) client: VerifiedClient,
    verified_at: Instant,
}

/// What is remembered of one pair of id and secret.
#[derive(Debug)]
pub(super) enum Recollection {
    /// Right, lately.
    Fresh(Arc<Good>),
    /// Nothing.
    Nothing,
    /// Right, when it was verified last.
    Overdue(Arc<Good>),
    /// Refused, lately.
    Wrong(RejectReason),
}

#[derive(Clone, Debug)]
struct Wrong {
    reason: RejectReason,
    until: Instant,
}

/// All that is remembered.
pub(super) struct Memory {
    key: hmac::Key,
    options: KnownGoodOptions,
    good: Cache<Tag, Arc<Good>>,
    wrong: Cache<Tag, Wrong>,
    /// Which secret of a client id was right last: an earlier one has been changed.
    latest: Cache<String, Tag>,
    forgotten: Cache<String, Instant>,
    answered_at: Mutex<Instant>,
    /// When anything was forgotten last.
    invalidated_at: Mutex<Option<Instant>>,
}

impl Memory {
    pub(super) fn new(options: KnownGoodOptions, now: Instant) -> Option<Self> {
        let mut key = [0; 32];
        rand::fill(&mut key).ok()?;
        Some(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            options,
            good: Cache::new(GOOD_ENTRIES),
            wrong: Cache::new(WRONG_ENTRIES),
            latest: Cache::new(GOOD_ENTRIES),
            forgotten: Cache::new(FORGOTTEN_ENTRIES),
            answered_at: Mutex::new(now),
            invalidated_at: Mutex::new(None),
        })
    }

    /// Id and secret, each with its length before it, so that no two pairs make the same message.
    pub(super) fn tag(&self, credentials: &ClientCredentials) -> Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [
            credentials.client_secret.expose(),
            credentials.client_id.as_str(),
        ] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part.as_bytes());
        }
        let mut tag = Tag::default();
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    pub(super) fn sizes(&self) -> [(&'static str, usize); 2] {
        [
            ("right_credentials", self.good.len()),
            ("wrong_credentials", self.wrong.len()),
        ]
    }

    pub(super) fn recall(&self, tag: &Tag, now: Instant) -> Recollection {
        if let Some(good) = self.good.get(tag) {
            let age = now.saturating_duration_since(good.verified_at);
            return if age < self.options.fresh_for {
                Recollection::Fresh(good)
            } else {
                Recollection::Overdue(good)
            };
        }
        match self.wrong.get(tag) {
            Some(wrong) if now < wrong.until => Recollection::Wrong(wrong.reason),
            _ => Recollection::Nothing,
        }
    }

    /// Whether overdue credentials may be accepted without a verdict.
    pub(super) fn may_go_on(&self, good: &Good, now: Instant) -> bool {
        let age = now.saturating_duration_since(good.verified_at);
        !self.options.stale_for.is_zero()
            && self.silence(now) <= self.options.stale_for
            && age <= OLDEST_STALE
    }

    /// The upstream has given a sign of life.
    pub(super) fn answered(&self, now: Instant) {
        *self
            .answered_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// How long the upstream's last sign of life is past.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        let answered_at = *self
            .answered_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(answered_at)
    }

    /// Remembers right credentials that were asked about at `asked_at`.
    pub(super) fn remember_good(&self, tag: Tag, client: &VerifiedClient, asked_at: Instant) {
        if self.knows_better(&tag, asked_at) {
            return;
        }
        self.wrong.remove(&tag);
        let client_id = client.client_id.as_str();
        if let Some(earlier) = self.latest.get(client_id).filter(|earlier| *earlier != tag) {
            self.good.remove(&earlier);
        }
        let good = Good {
            client: client.clone(),
            verified_at: asked_at,
        };
        self.latest.insert(client_id.to_owned(), tag);
        self.good.insert(tag, Arc::new(good));
        // In this order: an invalidation from now on finds the entry, one from before is found here.
        let is_forgotten = names(client).iter().any(|name| {
            self.forgotten
                .get(name.as_str())
                .is_some_and(|at| at >= asked_at)
        });
        if is_forgotten {
            self.good.remove(&tag);
        }
    }

    /// Remembers a refusal, if it is one that the same secret would get again; and forgets that the
    /// credentials have been right.
    pub(super) fn remember_refused(&self, tag: Tag, reason: &RejectReason, asked_at: Instant) {
        if self.knows_better(&tag, asked_at) {
            return;
        }
        self.good.remove(&tag);
        if let Some(lasts) = lasts(reason) {
            let wrong = Wrong {
                reason: reason.clone(),
                until: asked_at + lasts,
            };
            self.wrong.insert(tag, wrong);
        }
        // In this order: an invalidation from now on finds the entry, one from before is found here.
        if self.invalidated_at() >= Some(asked_at) {
            self.wrong.remove(&tag);
        }
    }

    /// Whether the credentials have been verified since: a verification that began before an invalidation may
    /// end after one that began behind it.
    fn knows_better(&self, tag: &Tag, asked_at: Instant) -> bool {
        let good = self.good.get(tag);
        good.is_some_and(|good| good.verified_at > asked_at)
    }

    fn invalidated_at(&self) -> Option<Instant> {
        *self
            .invalidated_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what an invalidation names. Refusals go altogether: any of them may have become wrong.
    pub(super) fn forget(&self, invalidation: &Invalidation, now: Instant) {
        let name = match invalidation {
            Invalidation::Account(account) => account.as_str(),
            Invalidation::Organization(name) | Invalidation::Subject(name) => name,
        };
        *self
            .invalidated_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(now);
        self.forgotten.insert(name.to_owned(), now);
        self.good
            .retain(|_, good| !names(&good.client).iter().any(|key| key == name));
        self.wrong.clear();
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("options", &self.options)
            .field("good", &self.good.len())
            .field("wrong", &self.wrong.len())
            .finish_non_exhaustive()
    }
}

/// The names under which a client may be invalidated.
fn names(client: &VerifiedClient) -> Vec<String> {
    let (identifier, _) = client.client_id.identifier_and_organization();
    let mut names = vec![
        client.subject.clone(),
        AccountKey::of_identifier(identifier).to_string(),
    ];
    names.extend(
        client
            .organization
            .as_ref()
            .map(|organization| organization.id.clone()),
    );
    names
}

/// How long a refusal stands. What the operator may be mending right now is not remembered, nor is a status
/// that nobody knows.
fn lasts(reason: &RejectReason) -> Option<Duration> {
    match reason {
        RejectReason::Banned
        | RejectReason::NoPassword
        | RejectReason::NotAllowed
        | RejectReason::SecretCompromised
        | RejectReason::UnknownClient
        | RejectReason::WrongSecret
        | RejectReason::Locked { expires_in: None } => Some(WRONG_FOR),
        RejectReason::Locked {
            expires_in: Some(rest),
        } => Some(WRONG_FOR.min(*rest)),
        RejectReason::DeviceTrust
        | RejectReason::MfaRequired
        | RejectReason::NewPasswordRequired
        | RejectReason::NoOrganization
        | RejectReason::ProtectCheck
        | RejectReason::SessionTask
        | RejectReason::UnknownStatus => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::{ClientId, ClientSecret};

    fn memory() -> Memory {
        let options = KnownGoodOptions {
            fresh_for: Duration::from_secs(300),
            stale_for: Duration::ZERO,
        };
        Memory::new(options, Instant::now()).unwrap()
    }

    fn credentials(id: &str, secret: &str) -> Option<ClientCredentials> {
        Some(ClientCredentials {
            client_id: ClientId::new(id)?,
            client_secret: ClientSecret::new(secret)?,
        })
    }

    proptest! {
        #[test]
        fn moving_the_border_between_id_and_secret_makes_another_pair(
            text in "[a-z:%+]{3,24}",
            cut in 1..23_usize,
            other in 1..23_usize,
        ) {
            let (cut, other) = (cut % text.len(), other % text.len());
            let memory = memory();
            let pair = |cut: usize| credentials(&text[..cut], &text[cut..]);
            if let (Some(one), Some(two)) = (pair(cut), pair(other)) {
                prop_assert_eq!(memory.tag(&one) == memory.tag(&two), cut == other);
            }
        }
    }

    #[test]
    fn no_two_processes_give_credentials_the_same_tag() {
        let pair = credentials("partner", "secret").unwrap();
        assert_ne!(memory().tag(&pair), memory().tag(&pair));
    }

    #[test]
    fn a_refusal_that_was_asked_for_before_an_invalidation_is_not_remembered() {
        let memory = memory();
        let asked_at = Instant::now();
        let tag = Tag::default();
        let refusal = RejectReason::Banned;
        let is_remembered = || {
            let found = memory.recall(&tag, asked_at);
            matches!(found, Recollection::Wrong(_))
        };
        memory.remember_refused(tag, &refusal, asked_at);
        assert!(is_remembered(), "nothing was invalidated");
        let unbanned = Invalidation::Subject("clerk|user_1".to_owned());
        memory.forget(&unbanned, asked_at);
        assert!(!is_remembered());
        memory.remember_refused(tag, &refusal, asked_at);
        assert!(!is_remembered(), "asked for before, or in the same moment");
        let later = asked_at + Duration::from_nanos(1);
        memory.remember_refused(tag, &refusal, later);
        assert!(is_remembered(), "asked for since");
    }

    #[test]
    fn a_hundred_thousand_clients_take_no_more_room_than_there_is() {
        let memory = memory();
        let now = Instant::now();
        for number in 0_u32..100_000 {
            let id = format!("client-{number}");
            let client = VerifiedClient {
                subject: format!("clerk|{id}"),
                client_id: ClientId::new(&id).unwrap(),
                organization: None,
                roles: [].into(),
            };
            let mut tag = Tag::default();
            tag[..4].copy_from_slice(&number.to_le_bytes());
            memory.remember_good(tag, &client, now);
            let mut wrong = tag;
            wrong[31] = 1;
            memory.remember_refused(wrong, &RejectReason::WrongSecret, now);
        }
        let [(_, good), (_, wrong)] = memory.sizes();
        assert!((GOOD_ENTRIES / 2..=GOOD_ENTRIES).contains(&good), "{good}");
        assert!(
            (WRONG_ENTRIES / 2..=WRONG_ENTRIES).contains(&wrong),
            "{wrong}"
        );
        assert!(memory.latest.len() <= GOOD_ENTRIES);
    }
}
