use std::sync::Mutex;

use super::*;
use crate::{
    clock::ManualClock,
    identity::{ClientId, Organization, Principal, Scopes},
    store::sql::SqlStore,
    verify::{Account, AccountKey, Attempt, ProbeFinding, Verdict, VerifyError, unavailable},
};

const NOW: i64 = 1_800_000_000;
const SUBJECT: &str = "clerk|user_1";

/// A verifier that knows nobody, and what it was told to forget.
#[derive(Default)]
pub(crate) struct Forgetful(Mutex<Vec<Invalidation>>);

#[async_trait::async_trait]
impl CredentialVerifier for Forgetful {
    async fn account(&self, _attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        Err(unavailable("connect"))
    }

    async fn verify(&self, _attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        Err(unavailable("connect"))
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        Vec::new()
    }

    fn forget(&self, invalidation: &Invalidation) {
        self.0.lock().unwrap().push(invalidation.clone());
    }

    fn kind(&self) -> &'static str {
        "forgetful"
    }
}

struct Instance {
    clock: Arc<ManualClock>,
    invalidations: Invalidations,
    verifier: Arc<Forgetful>,
}

impl Instance {
    async fn new() -> Self {
        let store = Arc::new(SqlStore::open("sqlite::memory:").await.unwrap());
        Self::on(store, Arc::new(ManualClock::starting_at(at(NOW))))
    }

    fn on(store: Arc<dyn Store>, clock: Arc<ManualClock>) -> Self {
        let verifier = Arc::<Forgetful>::default();
        let invalidations = Invalidations {
            clock: clock.clone(),
            cutoffs: Arc::default(),
            store,
            verifier: verifier.clone(),
        };
        Self {
            clock,
            invalidations,
            verifier,
        }
    }

    /// Another instance, or this one after a restart.
    fn another(&self) -> Self {
        Self::on(self.invalidations.store.clone(), self.clock.clone())
    }

    /// The last second whose tokens do not count.
    fn cut_off(&self) -> Option<i64> {
        self.invalidations.cutoffs.of(&principal())
    }

    fn is_revoked(&self, token: &RevokedToken) -> bool {
        self.invalidations.cutoffs.is_revoked(&token.id)
    }

    fn forgotten(&self) -> Vec<Invalidation> {
        std::mem::take(&mut self.verifier.0.lock().unwrap())
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn principal() -> Principal {
    Principal {
        subject: SUBJECT.to_owned(),
        client_id: ClientId::new("ops@acme.example").unwrap(),
        organization: Some(Organization {
            id: "org_1".to_owned(),
            slug: None,
        }),
        roles: std::collections::BTreeSet::new(),
        scopes: Scopes::all(),
    }
}

fn token(number: u32) -> RevokedToken {
    RevokedToken {
        id: format!("token {number}"),
        subject: SUBJECT.to_owned(),
        not_before: at(NOW - 60),
        expires_at: at(NOW + 3600),
    }
}

#[tokio::test]
async fn a_change_cuts_off_tokens_up_to_two_seconds_from_now_on_every_instance() {
    for invalidation in [
        Invalidation::Subject(SUBJECT.to_owned()),
        Invalidation::Organization("org_1".to_owned()),
    ] {
        let here = Instance::new().await;
        let other = here.another();
        let mut mark = Some(other.invalidations.catch_up().await.unwrap());
        assert_eq!(other.cut_off(), None);
        here.invalidations.publish(&invalidation).await.unwrap();
        other.invalidations.take_news(&mut mark).await.unwrap();
        let restarted = here.another();
        restarted.invalidations.catch_up().await.unwrap();
        for instance in [&here, &other, &restarted] {
            assert_eq!(instance.cut_off(), Some(NOW + 2));
        }
        for instance in [&here, &other] {
            assert_eq!(instance.forgotten(), std::slice::from_ref(&invalidation));
        }
    }
}

#[tokio::test]
async fn an_account_to_be_judged_afresh_keeps_its_tokens() {
    let here = Instance::new().await;
    let other = here.another();
    let mut mark = Some(other.invalidations.catch_up().await.unwrap());
    let account = Invalidation::Account(AccountKey::of_subject(SUBJECT));
    here.invalidations.publish(&account).await.unwrap();
    other.invalidations.take_news(&mut mark).await.unwrap();
    for instance in [&here, &other] {
        assert_eq!(instance.forgotten(), std::slice::from_ref(&account));
        assert_eq!(instance.cut_off(), None);
    }
}

#[tokio::test]
async fn news_are_taken_in_once() {
    let here = Instance::new().await;
    let mut mark = Some(here.invalidations.catch_up().await.unwrap());
    let subject = Invalidation::Subject(SUBJECT.to_owned());
    here.another()
        .invalidations
        .publish(&subject)
        .await
        .unwrap();
    here.invalidations.take_news(&mut mark).await.unwrap();
    assert_eq!(here.forgotten(), [subject]);
    here.invalidations.take_news(&mut mark).await.unwrap();
    assert_eq!(here.forgotten(), []);
}

#[tokio::test]
async fn whoever_could_not_read_the_store_at_first_takes_in_all_of_it() {
    let here = Instance::new().await;
    let subject = Invalidation::Subject(SUBJECT.to_owned());
    here.invalidations.publish(&subject).await.unwrap();
    here.invalidations.revoke(&token(0)).await.unwrap();
    let late = here.another();
    let newest = late.invalidations.store.invalidations(None).await.unwrap();
    late.invalidations.take_all().await.unwrap();
    assert_eq!(late.cut_off(), Some(NOW + 2));
    assert!(late.is_revoked(&token(0)));
    let mut mark = None;
    let later = here.another();
    later.invalidations.take_news(&mut mark).await.unwrap();
    assert_eq!(mark, Some(newest.1));
    assert_eq!(later.cut_off(), Some(NOW + 2));
    assert!(later.is_revoked(&token(0)));
    assert_eq!(later.forgotten(), [subject]);
}

#[tokio::test]
async fn a_revoked_token_counts_on_no_instance_and_others_go_on() {
    let here = Instance::new().await;
    let other = here.another();
    let mut mark = Some(other.invalidations.catch_up().await.unwrap());
    let revocation = here.invalidations.revoke(&token(0)).await.unwrap();
    assert_eq!(revocation, Revocation::OfToken);
    other.invalidations.take_news(&mut mark).await.unwrap();
    let restarted = here.another();
    restarted.invalidations.catch_up().await.unwrap();
    for instance in [&here, &other, &restarted] {
        assert!(instance.is_revoked(&token(0)) && !instance.is_revoked(&token(1)));
        assert_eq!(instance.cut_off(), None);
    }
}

#[tokio::test]
async fn whoever_revokes_too_many_tokens_loses_all_up_to_two_seconds_from_now() {
    let here = Instance::new().await;
    let other = here.another();
    let mut mark = Some(other.invalidations.catch_up().await.unwrap());
    for number in 0..ROOM.per_subject {
        here.invalidations.revoke(&token(number)).await.unwrap();
    }
    assert_eq!(here.cut_off(), None);
    let one_more = token(ROOM.per_subject);
    here.invalidations.revoke(&one_more).await.unwrap();
    other.invalidations.take_news(&mut mark).await.unwrap();
    for instance in [&here, &other] {
        assert_eq!(instance.cut_off(), Some(NOW + 2));
    }
    let subject = Invalidation::Subject(SUBJECT.to_owned());
    assert_eq!(here.forgotten(), [subject]);
}

#[tokio::test]
async fn what_is_left_from_beside_the_servers_reaches_as_far_as_their_own() {
    let here = Instance::new().await;
    let store = &*here.invalidations.store;
    let now = here.clock.now();
    for number in 0..=ROOM.per_subject {
        leave_revocation(store, &token(number), now).await.unwrap();
    }
    let known = cutoffs(store, now).await.unwrap();
    assert_eq!(known.of(&principal()), Some(NOW + 2));
    leave_cut_off(store, SUBJECT, at(NOW + 60)).await.unwrap();
    let known = cutoffs(store, at(NOW + 60)).await.unwrap();
    assert_eq!(known.of(&principal()), Some(NOW + 62));
}

#[tokio::test]
async fn old_records_go_and_cut_offs_stay_as_long_as_any_token_lives() {
    let here = Instance::new().await;
    let subject = Invalidation::Subject(SUBJECT.to_owned());
    here.invalidations.publish(&subject).await.unwrap();
    here.clock.advance(Duration::from_hours(24));
    here.invalidations.prune().await;
    let restarted = here.another();
    restarted.invalidations.catch_up().await.unwrap();
    assert_eq!(restarted.cut_off(), Some(NOW + 2));
    here.clock.advance(Duration::from_hours(2));
    here.invalidations.prune().await;
    // Asked as of the day before, when it would still count.
    let known = cutoffs(&*here.invalidations.store, at(NOW)).await.unwrap();
    assert_eq!(known.of(&principal()), None);
}
