use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::*;
use crate::{
    clock::ManualClock,
    identity::{ClientId, ClientSecret},
    verify::{AccountKey, RejectReason, VerifiedClient, unavailable},
};

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const FRESH_FOR: Duration = Duration::from_mins(5);
const STALE_FOR: Duration = Duration::from_hours(1);

/// An upstream that says what it is told to, and counts how often it is asked.
struct Upstream {
    answer: Mutex<Result<Verdict, VerifyError>>,
    asked: AtomicUsize,
    probed: AtomicUsize,
    /// When set, answers wait for it.
    hold: Mutex<Option<Arc<Notify>>>,
    standings: Mutex<Vec<Standing>>,
}

impl Upstream {
    fn accepts(&self) {
        *self.answer.lock().unwrap() = Ok(Verdict::Accept(client("user_1")));
    }

    fn refuses(&self, reason: RejectReason) {
        *self.answer.lock().unwrap() = Ok(Verdict::Reject(reason));
    }

    fn is_down(&self) {
        *self.answer.lock().unwrap() = Err(unavailable("connect"));
    }

    fn holds_answers(&self) -> Arc<Notify> {
        let hold = Arc::new(Notify::new());
        *self.hold.lock().unwrap() = Some(hold.clone());
        hold
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl CredentialVerifier for Upstream {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        Ok(Account {
            key: AccountKey::of_identifier(attempt.credentials.client_id.as_str()),
            allowed_failures: None,
            failures_left: None,
        })
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.standings.lock().unwrap().push(attempt.standing);
        let hold = self.hold.lock().unwrap().clone();
        if let Some(hold) = hold {
            hold.notified().await;
        }
        let mut answer = self.answer.lock().unwrap().clone();
        if let Ok(Verdict::Accept(client)) = &mut answer {
            client.client_id = attempt.credentials.client_id.clone();
        }
        answer
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        self.probed.fetch_add(1, Ordering::SeqCst);
        match &*self.answer.lock().unwrap() {
            Ok(_) => Vec::new(),
            Err(_) => vec![ProbeFinding {
                severity: ProbeSeverity::Error,
                finding: "down".to_owned(),
                remedy: "wait".to_owned(),
            }],
        }
    }

    /// Done unless answers wait.
    async fn drain(&self, _longest: Duration) -> bool {
        self.hold.lock().unwrap().is_none()
    }

    fn kind(&self) -> &'static str {
        "upstream"
    }
}

struct Premises {
    clock: Arc<ManualClock>,
    known_good: Arc<KnownGood>,
    upstream: Arc<Upstream>,
}

impl Premises {
    fn new() -> Self {
        Self::with(STALE_FOR)
    }

    fn with(stale_for: Duration) -> Self {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        let upstream = Arc::new(Upstream {
            answer: Mutex::new(Ok(Verdict::Accept(client("user_1")))),
            asked: AtomicUsize::new(0),
            probed: AtomicUsize::new(0),
            hold: Mutex::default(),
            standings: Mutex::default(),
        });
        let options = KnownGoodOptions {
            fresh_for: FRESH_FOR,
            stale_for,
        };
        let metrics = Arc::new(Metrics::new());
        let known_good = KnownGood::new(upstream.clone(), options, clock.clone(), metrics);
        Self {
            clock,
            known_good: Arc::new(known_good.unwrap()),
            upstream,
        }
    }

    async fn log_in(&self, secret: &str) -> Result<Verdict, VerifyError> {
        log_in(&self.known_good, "ops@acme.example", secret).await
    }
}

fn client(user: &str) -> VerifiedClient {
    VerifiedClient {
        subject: format!("clerk|{user}"),
        client_id: ClientId::new("ops@acme.example").unwrap(),
        organization: None,
        roles: BTreeSet::new(),
    }
}

async fn log_in(
    known_good: &KnownGood,
    client_id: &str,
    secret: &str,
) -> Result<Verdict, VerifyError> {
    let credentials = ClientCredentials {
        client_id: ClientId::new(client_id).unwrap(),
        client_secret: ClientSecret::new(secret).unwrap(),
    };
    let attempt = Attempt {
        credentials: &credentials,
        source: SOURCE,
        standing: Standing::Unknown,
    };
    known_good.verify(&attempt).await
}

fn is_accepted(answer: &Result<Verdict, VerifyError>) -> bool {
    matches!(answer, Ok(Verdict::Accept(_)))
}

#[tokio::test]
async fn right_credentials_are_asked_about_once_while_they_are_fresh() {
    let premises = Premises::new();
    for _ in 0..10 {
        assert!(is_accepted(&premises.log_in("right").await));
    }
    assert_eq!(premises.upstream.asked(), 1);
    premises.clock.advance(FRESH_FOR);
    assert!(is_accepted(&premises.log_in("right").await));
    assert_eq!(premises.upstream.asked(), 2);
    let standings = premises.upstream.standings.lock().unwrap().clone();
    assert_eq!(standings, [Standing::Unknown, Standing::KnownGood]);
}

#[tokio::test]
async fn another_secret_or_client_is_asked_about_by_itself() {
    let premises = Premises::new();
    for (client_id, secret) in [("a", "bc"), ("ab", "c"), ("a", "bcc"), ("abc", "bc")] {
        log_in(&premises.known_good, client_id, secret)
            .await
            .unwrap();
    }
    assert_eq!(premises.upstream.asked(), 4);
}

#[tokio::test]
async fn the_same_wrong_secret_is_asked_about_once_a_minute() {
    let premises = Premises::new();
    premises.upstream.refuses(RejectReason::WrongSecret);
    for _ in 0..10 {
        let answer = premises.log_in("wrong").await;
        assert_eq!(answer, Ok(Verdict::Reject(RejectReason::WrongSecret)));
    }
    assert_eq!(premises.upstream.asked(), 1);
    premises.clock.advance(Duration::from_mins(1));
    let _ = premises.log_in("wrong").await;
    assert_eq!(premises.upstream.asked(), 2);
}

#[tokio::test]
async fn what_the_operator_may_be_mending_is_asked_about_again_at_once() {
    for reason in [
        RejectReason::DeviceTrust,
        RejectReason::MfaRequired,
        RejectReason::NoOrganization,
        RejectReason::UnknownStatus,
    ] {
        let premises = Premises::new();
        premises.upstream.refuses(reason);
        let _ = premises.log_in("right").await;
        premises.upstream.accepts();
        assert!(is_accepted(&premises.log_in("right").await));
    }
}

#[tokio::test]
async fn a_lock_is_remembered_no_longer_than_it_lasts() {
    let premises = Premises::new();
    let expires_in = Some(Duration::from_secs(7));
    premises
        .upstream
        .refuses(RejectReason::Locked { expires_in });
    let _ = premises.log_in("right").await;
    premises.upstream.accepts();
    assert!(!is_accepted(&premises.log_in("right").await));
    premises.clock.advance(Duration::from_secs(7));
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn no_answer_is_no_verdict_and_not_remembered() {
    let premises = Premises::new();
    premises.upstream.is_down();
    assert!(premises.log_in("right").await.is_err());
    premises.upstream.accepts();
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn during_an_outage_known_good_credentials_go_on_for_the_configured_time() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    premises.upstream.is_down();
    for _ in 0..6 {
        premises.clock.advance(Duration::from_mins(10));
        assert!(is_accepted(&premises.log_in("right").await));
    }
    premises.clock.advance(Duration::from_secs(1));
    assert_eq!(premises.log_in("right").await, Err(unavailable("connect")));
    assert!(premises.log_in("another").await.is_err());
}

#[tokio::test]
async fn a_nightly_job_survives_an_outage_that_began_within_the_configured_time() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    premises.clock.advance(Duration::from_hours(24));
    // Another partner's login is the upstream's last sign of life.
    let other = log_in(&premises.known_good, "other", "secret").await;
    assert!(is_accepted(&other));
    premises.upstream.is_down();
    premises.clock.advance(Duration::from_mins(30));
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn a_probe_is_a_sign_of_life() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    premises.clock.advance(Duration::from_hours(12));
    premises.known_good.probe().await;
    premises.upstream.is_down();
    premises.clock.advance(Duration::from_mins(30));
    assert!(is_accepted(&premises.log_in("right").await));
    // One that finds nobody is none.
    premises.known_good.probe().await;
    premises.clock.advance(Duration::from_mins(31));
    assert!(premises.log_in("right").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_upstream_without_logins_is_probed_every_minute_and_any_other_every_ten() {
    let premises = Premises::new();
    let known_good = premises.known_good.clone();
    let tending = tokio::spawn(async move { known_good.tend().await });
    // What is seen from here on comes a moment after each of its looks.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let half_a_minute = async || {
        premises.clock.advance(SILENCE / 2);
        tokio::time::sleep(SILENCE / 2).await;
        premises.upstream.probed.load(Ordering::SeqCst)
    };
    for probed in [0, 1, 1, 2] {
        assert_eq!(half_a_minute().await, probed);
    }
    for login in 0..19 {
        assert_eq!(half_a_minute().await, 2, "{login}");
        let secret = format!("right-{login}");
        assert!(is_accepted(&premises.log_in(&secret).await));
    }
    assert_eq!(half_a_minute().await, 3);
    tending.abort();
}

#[tokio::test]
async fn what_the_upstream_has_to_finish_is_waited_for() {
    let premises = Premises::new();
    assert!(premises.known_good.drain(Duration::ZERO).await);
    premises.upstream.holds_answers();
    assert!(!premises.known_good.drain(Duration::ZERO).await);
}

#[tokio::test]
async fn credentials_that_were_right_long_ago_do_not_outlive_an_outage() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    premises.clock.advance(Duration::from_hours(49));
    premises.known_good.probe().await;
    premises.upstream.is_down();
    assert!(premises.log_in("right").await.is_err());
}

#[tokio::test]
async fn zero_turns_going_on_off() {
    let premises = Premises::with(Duration::ZERO);
    assert!(is_accepted(&premises.log_in("right").await));
    premises.upstream.is_down();
    assert!(is_accepted(&premises.log_in("right").await), "still fresh");
    premises.clock.advance(FRESH_FOR);
    assert!(premises.log_in("right").await.is_err());
}

#[tokio::test]
async fn a_refusal_ends_what_was_known_good() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    premises.clock.advance(FRESH_FOR);
    premises.upstream.refuses(RejectReason::Banned);
    assert!(!is_accepted(&premises.log_in("right").await));
    premises.upstream.is_down();
    premises.clock.advance(Duration::from_mins(2));
    assert!(premises.log_in("right").await.is_err());
}

#[tokio::test]
async fn a_new_secret_ends_the_old_one() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("old").await));
    assert!(is_accepted(&premises.log_in("new").await));
    premises.upstream.is_down();
    assert!(is_accepted(&premises.log_in("new").await));
    assert!(premises.log_in("old").await.is_err());
}

#[tokio::test]
async fn a_slow_upstream_keeps_overdue_credentials_waiting_only_for_a_moment() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    premises.clock.advance(FRESH_FOR);
    let hold = premises.upstream.holds_answers();
    // The upstream never answers here: this ends because it is not waited for.
    assert!(is_accepted(&premises.log_in("right").await));
    // Its answer counts when it comes.
    premises.upstream.refuses(RejectReason::WrongSecret);
    hold.notify_one();
    while is_accepted(&premises.log_in("right").await) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_thousand_that_ask_the_same_at_once_are_one_question() {
    let premises = Premises::new();
    let hold = premises.upstream.holds_answers();
    let logins: Vec<_> = (0..1000)
        .map(|_| {
            let known_good = premises.known_good.clone();
            tokio::spawn(async move { log_in(&known_good, "ops@acme.example", "right").await })
        })
        .collect();
    while premises.upstream.asked() == 0 {
        tokio::task::yield_now().await;
    }
    hold.notify_one();
    for login in logins {
        assert!(is_accepted(&login.await.unwrap()));
    }
    assert_eq!(premises.upstream.asked(), 1);
}

#[tokio::test]
async fn whoever_asked_first_may_hang_up_without_harm_to_the_others() {
    let premises = Premises::new();
    let hold = premises.upstream.holds_answers();
    let begin = || {
        let known_good = premises.known_good.clone();
        tokio::spawn(async move { log_in(&known_good, "ops@acme.example", "right").await })
    };
    let first = begin();
    while premises.upstream.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let second = begin();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    hold.notify_one();
    assert!(is_accepted(&second.await.unwrap()));
    assert_eq!(premises.upstream.asked(), 1);
}

#[tokio::test]
async fn what_is_forgotten_is_asked_about_afresh_and_never_stale() {
    for invalidation in [
        Invalidation::Subject("clerk|user_1".to_owned()),
        Invalidation::Account(AccountKey::of_subject("clerk|user_1")),
        Invalidation::Account(AccountKey::of_identifier("OPS@acme.example")),
    ] {
        let premises = Premises::new();
        assert!(is_accepted(&premises.log_in("right").await));
        premises.known_good.forget(&invalidation);
        premises.upstream.is_down();
        assert!(premises.log_in("right").await.is_err(), "{invalidation:?}");
    }
}

#[tokio::test]
async fn forgetting_one_account_leaves_the_others() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    let other = Invalidation::Subject("clerk|user_2".to_owned());
    premises.known_good.forget(&other);
    premises.upstream.is_down();
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn an_answer_that_was_asked_for_before_the_forgetting_is_not_remembered() {
    let premises = Premises::new();
    let hold = premises.upstream.holds_answers();
    let known_good = premises.known_good.clone();
    let login = tokio::spawn(async move { log_in(&known_good, "ops@acme.example", "right").await });
    while premises.upstream.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let subject = Invalidation::Subject("clerk|user_1".to_owned());
    premises.known_good.forget(&subject);
    hold.notify_one();
    assert!(is_accepted(&login.await.unwrap()));
    premises.upstream.is_down();
    *premises.upstream.hold.lock().unwrap() = None;
    assert!(premises.log_in("right").await.is_err());
}

#[tokio::test]
async fn what_is_forgotten_while_a_slow_upstream_is_waited_for_is_not_answered_from_memory() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    premises.clock.advance(FRESH_FOR);
    let hold = premises.upstream.holds_answers();
    let known_good = premises.known_good.clone();
    let login = tokio::spawn(async move { log_in(&known_good, "ops@acme.example", "right").await });
    while premises.upstream.asked() < 2 {
        tokio::task::yield_now().await;
    }
    premises.upstream.refuses(RejectReason::Banned);
    let subject = Invalidation::Subject("clerk|user_1".to_owned());
    premises.known_good.forget(&subject);
    // Once for the question under way, once for the one that is asked afresh.
    while !login.is_finished() {
        hold.notify_waiters();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = Ok(Verdict::Reject(RejectReason::Banned));
    assert_eq!(login.await.unwrap(), refused);
    let standings = premises.upstream.standings.lock().unwrap().clone();
    assert_eq!(standings[1], Standing::KnownGood);
    assert!(standings[2..].iter().all(|one| *one == Standing::Unknown));
}

#[tokio::test]
async fn an_old_question_that_ends_late_does_not_overwrite_a_newer_answer() {
    let premises = Premises::new();
    let log_in = || {
        let known_good = premises.known_good.clone();
        tokio::spawn(async move { log_in(&known_good, "ops@acme.example", "right").await })
    };
    let hold = premises.upstream.holds_answers();
    let old = log_in();
    while premises.upstream.asked() == 0 {
        tokio::task::yield_now().await;
    }
    *premises.upstream.hold.lock().unwrap() = None;
    premises.clock.advance(Duration::from_secs(1));
    let subject = Invalidation::Subject("clerk|user_1".to_owned());
    premises.known_good.forget(&subject);
    premises.clock.advance(Duration::from_secs(1));
    assert!(is_accepted(&log_in().await.unwrap()));
    // The old one was judged before the change.
    premises.upstream.refuses(RejectReason::WrongSecret);
    hold.notify_one();
    assert!(!is_accepted(&old.await.unwrap()));
    premises.upstream.is_down();
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn wrong_credentials_cannot_push_out_right_ones() {
    let premises = Premises::new();
    assert!(is_accepted(&premises.log_in("right").await));
    premises.upstream.refuses(RejectReason::WrongSecret);
    for number in 0..50_000 {
        let _ = premises.log_in(&format!("guess-{number}")).await;
    }
    let asked = premises.upstream.asked();
    assert!(is_accepted(&premises.log_in("right").await));
    assert_eq!(premises.upstream.asked(), asked);
}

#[tokio::test]
async fn ten_thousand_partners_are_remembered_at_once() {
    let premises = Premises::new();
    for _ in 0..2 {
        for number in 0..10_000 {
            let client_id = format!("partner-{number}");
            assert!(is_accepted(
                &log_in(&premises.known_good, &client_id, "secret").await
            ));
        }
    }
    assert_eq!(premises.upstream.asked(), 10_000);
}
