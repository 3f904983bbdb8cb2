//! What budgets pass on to the verifier behind them.

use super::*;
use crate::verify::ProbeSeverity;

/// A verifier that says what it is asked and told.
#[derive(Default)]
struct Behind(Mutex<Vec<Invalidation>>);

#[async_trait::async_trait]
impl CredentialVerifier for Behind {
    async fn account(&self, _attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        Ok(Account {
            key: AccountKey::of_subject("clerk|user_1"),
            allowed_failures: Some(DEFAULT_ALLOWED_FAILURES),
            failures_left: None,
        })
    }

    async fn verify(&self, _attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        Ok(Verdict::Reject(RejectReason::MfaRequired))
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        vec![finding()]
    }

    async fn tend(&self) {
        self.0.lock().unwrap().clear();
    }

    fn forget(&self, invalidation: &Invalidation) {
        self.0.lock().unwrap().push(invalidation.clone());
    }

    async fn drain(&self, longest: Duration) -> bool {
        longest.is_zero()
    }

    fn kind(&self) -> &'static str {
        "behind"
    }
}

fn finding() -> ProbeFinding {
    ProbeFinding {
        severity: ProbeSeverity::Error,
        finding: "no login can work".to_owned(),
        remedy: "mend it".to_owned(),
    }
}

async fn budgets() -> (Arc<Behind>, Budgeted) {
    let store = Arc::new(SqlStore::open("sqlite::memory:").await.unwrap());
    let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
    let behind = Arc::<Behind>::default();
    let budgeted = Budgeted::new(behind.clone(), options(), store, clock);
    (behind, budgeted)
}

#[tokio::test]
async fn what_is_to_be_forgotten_tended_probed_or_finished_concerns_the_verifier_behind_too() {
    let (behind, budgeted) = budgets().await;
    let invalidations = [
        Invalidation::Account(AccountKey::of_subject("clerk|user_1")),
        Invalidation::Organization("org_1".to_owned()),
        Invalidation::Subject("clerk|user_1".to_owned()),
    ];
    for invalidation in &invalidations {
        budgeted.forget(invalidation);
    }
    assert_eq!(*behind.0.lock().unwrap(), invalidations);
    budgeted.tend().await;
    assert!(behind.0.lock().unwrap().is_empty());
    assert_eq!(budgeted.probe().await, [finding()]);
    assert!(!budgeted.drain(Duration::from_secs(30)).await);
}

#[tokio::test]
async fn a_right_secret_that_is_refused_for_another_reason_uses_up_nothing() {
    let (_, budgeted) = budgets().await;
    let credentials = ClientCredentials {
        client_id: ClientId::new("ops@acme.example").unwrap(),
        client_secret: ClientSecret::new("right").unwrap(),
    };
    let attempt = Attempt {
        credentials: &credentials,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        standing: Standing::Unknown,
    };
    let refused = Ok(Verdict::Reject(RejectReason::MfaRequired));
    for _ in 0..20 {
        assert_eq!(budgeted.verify(&attempt).await, refused);
    }
}

#[tokio::test]
async fn an_account_that_is_to_be_judged_afresh_is_asked_about_again_at_once() {
    let premises = Premises::new().await;
    for guess in 0..=STRANGERS {
        let _ = premises.log_in(&format!("guess-{guess}")).await;
    }
    premises.written().await;
    let account = AccountKey::of_identifier("ops@acme.example");
    let afresh = Invalidation::Account(account);
    let now = premises.clock.now();
    premises.store.invalidate(&afresh, now).await.unwrap();
    // As an instance that has not heard of it yet.
    assert_eq!(budget(&premises.log_in("right").await), "account");
    premises.budgeted.forget(&afresh);
    assert!(is_accepted(&premises.log_in("right").await));
}
