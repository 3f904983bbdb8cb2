mod outages;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};

use jiff::Timestamp;

use super::*;
use crate::{
    clock::ManualClock,
    identity::{ClientCredentials, ClientId, ClientSecret},
    store::sql::SqlStore,
    verify::{DEFAULT_ALLOWED_FAILURES, RejectReason, VerifiedClient, unavailable},
};

/// What locks an account at the upstream of these tests.
const THRESHOLD: u32 = 10;
/// How many failures strangers may cause: half of that, less two for addresses that the account knows.
const STRANGERS: u32 = 3;

/// An upstream that counts failures of accounts, as Clerk does, and never forgives before a success.
struct Upstream {
    accounts: Mutex<HashMap<String, UpstreamAccount>>,
    allowed: Mutex<u32>,
    left: Mutex<Option<u32>>,
    down: Mutex<Option<VerifyError>>,
    asked: Mutex<usize>,
}

#[derive(Default)]
struct UpstreamAccount {
    failures: u32,
    worst: u32,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            accounts: Mutex::default(),
            allowed: Mutex::new(DEFAULT_ALLOWED_FAILURES),
            left: Mutex::default(),
            down: Mutex::default(),
            asked: Mutex::default(),
        }
    }
}

impl Upstream {
    fn worst(&self, identifier: &str) -> u32 {
        let accounts = self.accounts.lock().unwrap();
        accounts.get(identifier).map_or(0, |account| account.worst)
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait::async_trait]
impl CredentialVerifier for Upstream {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        let client_id = &attempt.credentials.client_id;
        Ok(Account {
            key: AccountKey::of_identifier(client_id.identifier_and_organization().0),
            allowed_failures: Some(*self.allowed.lock().unwrap()),
            failures_left: *self.left.lock().unwrap(),
        })
    }

    /// The right secret is `right`.
    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        *self.asked.lock().unwrap() += 1;
        let client_id = &attempt.credentials.client_id;
        let identifier = client_id.identifier_and_organization().0.to_lowercase();
        let is_right = attempt.credentials.client_secret.expose() == "right";
        let verdict = {
            let mut accounts = self.accounts.lock().unwrap();
            let account = accounts.entry(identifier).or_default();
            if account.failures >= THRESHOLD {
                Verdict::Reject(RejectReason::Locked { expires_in: None })
            } else if is_right {
                account.failures = 0;
                Verdict::Accept(VerifiedClient {
                    subject: "test|1".to_owned(),
                    client_id: client_id.clone(),
                    organization: None,
                    roles: std::collections::BTreeSet::new(),
                })
            } else {
                account.failures += 1;
                account.worst = account.worst.max(account.failures);
                Verdict::Reject(RejectReason::WrongSecret)
            }
        };
        // The answer may be lost on its way, after it has counted.
        match self.down.lock().unwrap().clone() {
            Some(error) => Err(error),
            None => Ok(verdict),
        }
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        Vec::new()
    }

    fn kind(&self) -> &'static str {
        "upstream"
    }
}

/// Budgets without the rates by address and in all, which have tests of their own.
fn options() -> BudgetOptions {
    let any = Rate {
        burst: 1_000_000,
        period: Duration::from_secs(1),
    };
    BudgetOptions {
        failures_per_address: any,
        failures_in_all: any,
        ..BudgetOptions::default()
    }
}

struct Premises {
    budgeted: Arc<Budgeted>,
    clock: Arc<ManualClock>,
    store: Arc<SqlStore>,
    upstream: Arc<Upstream>,
}

impl Premises {
    async fn new() -> Self {
        Self::with(options()).await
    }

    async fn with(options: BudgetOptions) -> Self {
        let store = Arc::new(SqlStore::open("sqlite::memory:").await.unwrap());
        let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        Self::over(options, store, clock, Arc::default())
    }

    fn over(
        options: BudgetOptions,
        store: Arc<SqlStore>,
        clock: Arc<ManualClock>,
        upstream: Arc<Upstream>,
    ) -> Self {
        let budgeted = Budgeted::new(upstream.clone(), options, store.clone(), clock.clone());
        Self {
            budgeted: Arc::new(budgeted),
            clock,
            store,
            upstream,
        }
    }

    /// The same store, clock and upstream after a restart, or in another instance.
    fn another(&self) -> Self {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        Self::over(options(), store, clock, self.upstream.clone())
    }

    async fn written(&self) {
        assert!(self.tried_to_write().await);
    }

    /// Whether the store has taken everything.
    async fn tried_to_write(&self) -> bool {
        self.budgeted.drain(Duration::from_secs(30)).await
    }

    async fn log_in(&self, secret: &str) -> Result<Verdict, VerifyError> {
        self.from(1, "ops@acme.example", secret, Standing::Unknown)
            .await
    }

    async fn from(
        &self,
        host: u8,
        client_id: &str,
        secret: &str,
        standing: Standing,
    ) -> Result<Verdict, VerifyError> {
        let credentials = ClientCredentials {
            client_id: ClientId::new(client_id).unwrap(),
            client_secret: ClientSecret::new(secret).unwrap(),
        };
        let attempt = Attempt {
            credentials: &credentials,
            source: IpAddr::V4(Ipv4Addr::new(203, 0, 113, host)),
            standing,
        };
        self.budgeted.verify(&attempt).await
    }
}

fn is_accepted(answer: &Result<Verdict, VerifyError>) -> bool {
    matches!(answer, Ok(Verdict::Accept(_)))
}

fn budget(answer: &Result<Verdict, VerifyError>) -> &'static str {
    match answer {
        Err(VerifyError::OverBudget {
            budget,
            retry_after,
        }) => {
            assert!(!retry_after.is_zero());
            budget
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn half_of_what_locks_an_account_is_let_through_over_any_length_of_time() {
    let premises = Premises::new().await;
    for hour in 0..48 {
        for guess in 0..20 {
            let _ = premises.log_in(&format!("guess-{hour}-{guess}")).await;
        }
        premises.written().await;
        premises.clock.advance(Duration::from_hours(1));
    }
    assert_eq!(premises.upstream.worst("ops@acme.example"), STRANGERS);
    assert_eq!(budget(&premises.log_in("right").await), "account");
}

#[tokio::test]
async fn guesses_at_once_are_counted_before_they_are_made() {
    let premises = Premises::new().await;
    let guesses = (0..200).map(|guess| {
        let budgeted = premises.budgeted.clone();
        tokio::spawn(async move {
            let credentials = ClientCredentials {
                client_id: ClientId::new("ops@acme.example").unwrap(),
                client_secret: ClientSecret::new(format!("guess-{guess}")).unwrap(),
            };
            let attempt = Attempt {
                credentials: &credentials,
                source: IpAddr::V4(Ipv4Addr::LOCALHOST),
                standing: Standing::Unknown,
            };
            let _ = budgeted.verify(&attempt).await;
        })
    });
    for guess in guesses.collect::<Vec<_>>() {
        guess.await.unwrap();
    }
    assert_eq!(premises.upstream.worst("ops@acme.example"), STRANGERS);
}

#[tokio::test]
async fn spelling_and_organization_make_no_other_account() {
    let premises = Premises::new().await;
    for id in [
        "ops@acme.example",
        "OPS@acme.example",
        "ops@ACME.example@acme",
    ] {
        for guess in 0..5 {
            let secret = format!("guess-{guess}");
            let _ = premises.from(1, id, &secret, Standing::Unknown).await;
        }
    }
    assert_eq!(premises.upstream.worst("ops@acme.example"), STRANGERS);
}

#[tokio::test]
async fn restarts_and_other_instances_count_on() {
    let first = Premises::new().await;
    for guess in 0..2 {
        let _ = first.log_in(&format!("guess-{guess}")).await;
    }
    let second = first.another();
    for guess in 2..9 {
        let _ = second.log_in(&format!("guess-{guess}")).await;
        let _ = first.log_in(&format!("another-{guess}")).await;
    }
    assert_eq!(first.upstream.worst("ops@acme.example"), STRANGERS);
}

#[tokio::test]
async fn a_success_begins_the_count_anew() {
    let premises = Premises::new().await;
    for _ in 0..6 {
        for guess in 0..2 {
            let _ = premises.log_in(&format!("guess-{guess}")).await;
            premises.written().await;
        }
        assert!(is_accepted(&premises.log_in("right").await));
        premises.written().await;
    }
    assert_eq!(premises.upstream.worst("ops@acme.example"), 2);
}

#[tokio::test]
async fn known_good_credentials_pass_a_spent_account_once_a_minute() {
    let premises = Premises::new().await;
    let good = || premises.from(1, "ops@acme.example", "right", Standing::KnownGood);
    for guess in 0..6 {
        let _ = premises.log_in(&format!("guess-{guess}")).await;
    }
    *premises.upstream.down.lock().unwrap() = Some(unavailable("connect"));
    assert_eq!(good().await, Err(unavailable("connect")));
    premises.clock.advance(Duration::from_secs(1));
    assert_eq!(budget(&good().await), "account");
    *premises.upstream.down.lock().unwrap() = None;
    premises.clock.advance(Duration::from_mins(1));
    assert!(is_accepted(&good().await));
    premises.written().await;
    assert!(
        is_accepted(&premises.log_in("right").await),
        "the count begins anew"
    );
}

#[tokio::test]
async fn known_good_credentials_pass_the_rates_of_address_and_all() {
    let few = Rate {
        burst: 2,
        period: Duration::from_mins(1),
    };
    for (what, options) in [
        (
            "address",
            BudgetOptions {
                failures_per_address: few,
                ..options()
            },
        ),
        (
            "all",
            BudgetOptions {
                failures_in_all: few,
                ..options()
            },
        ),
    ] {
        let premises = Premises::with(options).await;
        for guess in 0..2 {
            let client_id = format!("stranger-{guess}");
            let _ = premises
                .from(1, &client_id, "guess", Standing::Unknown)
                .await;
        }
        assert_eq!(budget(&premises.log_in("right").await), what);
        let good = premises.from(1, "ops@acme.example", "right", Standing::KnownGood);
        assert!(is_accepted(&good.await));
        // Elsewhere only the total counts.
        let elsewhere = premises.from(2, "ops@acme.example", "right", Standing::Unknown);
        assert_eq!(is_accepted(&elsewhere.await), what == "address");
        premises.clock.advance(Duration::from_mins(1));
        assert!(
            is_accepted(&premises.log_in("right").await),
            "{what} refills"
        );
    }
}

#[tokio::test]
async fn an_address_that_the_account_knows_keeps_one_try_an_hour_also_after_a_restart() {
    let premises = Premises::new().await;
    assert!(is_accepted(&premises.log_in("right").await));
    premises.written().await;
    for guess in 0..6 {
        let secret = format!("guess-{guess}");
        let _ = premises
            .from(66, "ops@acme.example", &secret, Standing::Unknown)
            .await;
    }
    let restarted = premises.another();
    let stranger = restarted.from(66, "ops@acme.example", "right", Standing::Unknown);
    assert_eq!(budget(&stranger.await), "account");
    restarted.clock.advance(Duration::from_secs(3));
    let _ = restarted.log_in("mistyped").await;
    restarted.clock.advance(Duration::from_secs(3));
    assert_eq!(budget(&restarted.log_in("right").await), "account");
    restarted.clock.advance(Duration::from_hours(1));
    let answer = restarted.log_in("right").await;
    assert!(is_accepted(&answer), "{answer:?}");
}

#[tokio::test]
async fn tries_from_known_addresses_stop_short_of_the_lock() {
    let premises = Premises::new().await;
    assert!(is_accepted(&premises.log_in("right").await));
    premises.written().await;
    for hour in 0..100 {
        for guess in 0..8 {
            let _ = premises.log_in(&format!("guess-{hour}-{guess}")).await;
        }
        premises.written().await;
        premises.clock.advance(Duration::from_hours(1));
    }
    assert_eq!(premises.upstream.worst("ops@acme.example"), THRESHOLD / 2);
}

#[tokio::test]
async fn attempts_that_never_reached_the_upstream_cost_nothing() {
    let premises = Premises::new().await;
    for error in [
        unavailable("connect"),
        unavailable("circuit_open"),
        VerifyError::Throttled {
            retry_after: Duration::from_secs(1),
        },
        VerifyError::Misconfigured {
            code: "host_invalid".to_owned(),
            remedy: "",
        },
    ] {
        *premises.upstream.down.lock().unwrap() = Some(error.clone());
        // One after the other, without waiting for what is written behind.
        for _ in 0..20 {
            assert_eq!(premises.log_in("right").await.as_ref(), Err(&error));
        }
    }
    *premises.upstream.down.lock().unwrap() = None;
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn answers_that_were_lost_count_for_an_hour() {
    let premises = Premises::new().await;
    *premises.upstream.down.lock().unwrap() = Some(unavailable("timeout"));
    for guess in 0..50 {
        let _ = premises.log_in(&format!("guess-{guess}")).await;
    }
    premises.written().await;
    assert_eq!(premises.upstream.worst("ops@acme.example"), STRANGERS);
    *premises.upstream.down.lock().unwrap() = None;
    premises.clock.advance(Duration::from_secs(3));
    assert_eq!(budget(&premises.log_in("right").await), "account");
    premises.clock.advance(Duration::from_hours(1));
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn the_operator_reads_the_last_refusals_and_clears_the_count() {
    let premises = Premises::new().await;
    let key = AccountKey::of_identifier("ops@acme.example");
    for guess in 0..6 {
        let _ = premises.log_in(&format!("guess-{guess}")).await;
    }
    premises.written().await;
    let record = premises.store.login_record(&key).await.unwrap();
    assert_eq!(record.failures, STRANGERS);
    assert_eq!(record.refusals.len(), 3);
    assert_eq!(record.refusals[0].reason, "wrong_secret");
    assert_eq!(record.refusals[0].origin, "203.0.113.1");
    let invalidation = Invalidation::Account(key);
    let now = premises.clock.now();
    premises.store.invalidate(&invalidation, now).await.unwrap();
    premises.clock.advance(Duration::from_secs(3));
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn logins_of_strangers_come_no_faster_than_allowed() {
    let window = WindowOptions {
        limit: 3,
        period: Duration::from_secs(10),
        patience: Duration::ZERO,
    };
    let premises = Premises::with(BudgetOptions {
        logins: Some(window),
        ..options()
    })
    .await;
    for number in 0..10 {
        let client_id = format!("partner-{number}");
        let _ = premises
            .from(1, &client_id, "right", Standing::Unknown)
            .await;
    }
    assert_eq!(premises.upstream.asked(), 3);
    let good = premises.from(1, "ops@acme.example", "right", Standing::KnownGood);
    assert!(is_accepted(&good.await));
}

#[tokio::test]
async fn one_address_that_asks_again_and_again_uses_up_nothing_that_others_have() {
    let few = |burst| Rate {
        burst,
        period: Duration::from_mins(1),
    };
    let premises = Premises::with(BudgetOptions {
        failures_per_address: few(2),
        failures_in_all: few(4),
        ..options()
    })
    .await;
    for number in 0..100 {
        let client_id = format!("stranger-{number}");
        let _ = premises
            .from(66, &client_id, "guess", Standing::Unknown)
            .await;
    }
    assert_eq!(premises.upstream.asked(), 2);
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn whoever_has_to_wait_is_charged_nothing_and_keeps_the_try_of_a_known_address() {
    let premises = Premises::new().await;
    assert!(is_accepted(&premises.log_in("right").await));
    premises.written().await;
    for guess in 0..6 {
        let secret = format!("guess-{guess}");
        let _ = premises
            .from(66, "ops@acme.example", &secret, Standing::Unknown)
            .await;
    }
    let restarted = premises.another();
    restarted.clock.advance(Duration::from_secs(3));
    for error in [
        VerifyError::Throttled {
            retry_after: Duration::from_secs(1),
        },
        unavailable("circuit_open"),
    ] {
        *restarted.upstream.down.lock().unwrap() = Some(error.clone());
        assert_eq!(restarted.log_in("right").await, Err(error));
        restarted.written().await;
    }
    *restarted.upstream.down.lock().unwrap() = None;
    assert!(is_accepted(&restarted.log_in("right").await));
}

#[tokio::test]
async fn a_partner_gets_in_though_guesses_have_left_every_account_with_little() {
    let premises = Premises::new().await;
    assert!(is_accepted(&premises.log_in("right").await));
    premises.written().await;
    for number in 0..20 {
        let secret = format!("guess-{number}");
        let _ = premises
            .from(66, "ops@acme.example", &secret, Standing::Unknown)
            .await;
    }
    premises.written().await;
    // Seven are left of ten, and more than that nobody has who is looked at after a restart.
    let restarted = premises.another();
    *restarted.upstream.allowed.lock().unwrap() = 3;
    *restarted.upstream.left.lock().unwrap() = Some(7);
    assert_eq!(restarted.upstream.worst("ops@acme.example"), STRANGERS);
    restarted.clock.advance(Duration::from_secs(3));
    assert!(is_accepted(&restarted.log_in("right").await));
}

#[tokio::test]
async fn an_address_keeps_its_try_where_nothing_could_be_tried() {
    let premises = Premises::new().await;
    assert!(is_accepted(&premises.log_in("right").await));
    premises.written().await;
    let restarted = premises.another();
    *restarted.upstream.down.lock().unwrap() = Some(unavailable("timeout"));
    for _ in 0..10 {
        let good = restarted.from(1, "ops@acme.example", "right", Standing::KnownGood);
        assert_eq!(good.await, Err(unavailable("timeout")));
        restarted.written().await;
        restarted.clock.advance(Duration::from_mins(2));
    }
    *restarted.upstream.down.lock().unwrap() = None;
    assert_eq!(budget(&restarted.log_in("right").await), "account");
    restarted.written().await;
    // Strangers have nothing yet when the first six of ten count no longer.
    restarted.clock.advance(Duration::from_mins(51));
    assert!(is_accepted(&restarted.log_in("right").await));
}

#[tokio::test]
async fn failures_whose_answer_was_lost_are_not_taken_for_others_after_a_success() {
    let premises = Premises::new().await;
    *premises.upstream.down.lock().unwrap() = Some(unavailable("timeout"));
    for guess in 0..STRANGERS - 1 {
        let _ = premises.log_in(&format!("lost-{guess}")).await;
    }
    premises.written().await;
    *premises.upstream.down.lock().unwrap() = None;
    assert!(is_accepted(&premises.log_in("right").await));
    premises.written().await;
    for hour in 0..5 {
        for guess in 0..10 {
            let _ = premises.log_in(&format!("guess-{hour}-{guess}")).await;
        }
        premises.written().await;
        premises.clock.advance(Duration::from_hours(1));
    }
    assert!(premises.upstream.worst("ops@acme.example") <= THRESHOLD / 2);
}

#[tokio::test]
async fn a_try_of_the_accounts_own_address_is_nobodys_while_its_job_is_at_work() {
    let premises = Premises::new().await;
    assert!(is_accepted(&premises.log_in("right").await));
    premises.written().await;
    for guess in 0..20 {
        let _ = premises.log_in(&format!("guess-{guess}")).await;
        premises.written().await;
    }
    assert_eq!(premises.upstream.worst("ops@acme.example"), STRANGERS);
    let restarted = premises.another();
    assert!(is_accepted(&restarted.log_in("right").await));
}

#[tokio::test]
async fn a_hundred_thousand_addresses_take_no_more_room_than_there_is() {
    let premises = Premises::new().await;
    for number in 0..100_000 {
        let address = IpAddr::V4(Ipv4Addr::from_bits(number));
        premises.budgeted.charge_address(Origin::from(address));
    }
    let caches = premises.budgeted.remembered();
    let entries = caches.iter().find(|(cache, _)| *cache == "addresses");
    let (_, entries) = entries.unwrap();
    assert!((ADDRESSES / 2..=ADDRESSES).contains(entries), "{entries}");
}

#[test]
fn addresses_that_an_account_knows_have_more_tries_than_strangers_and_no_more_than_two() {
    let shares = [
        (0, 0, 0),
        (1, 1, 2),
        (2, 2, 3),
        (3, 2, 3),
        (4, 3, 4),
        (5, 3, 5),
        (50, 48, 50),
    ];
    for (allowed, strangers, origins) in shares {
        assert_eq!(strangers_share(allowed), strangers, "of {allowed}");
        assert_eq!(share_of_origins(allowed, None), origins, "of {allowed}");
    }
}

mod counting;
mod passed_on;
