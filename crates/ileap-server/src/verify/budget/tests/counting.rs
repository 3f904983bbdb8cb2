//! What is counted where, and what is not.

use super::*;
use crate::verify::budget::records::Records;

const CLIENT_ID: &str = "ops@acme.example";

fn account() -> AccountKey {
    AccountKey::of_identifier(CLIENT_ID)
}

#[tokio::test]
async fn an_account_that_the_store_called_spent_is_let_through_without_it_after_a_success_alone() {
    let premises = Premises::new().await;
    for guess in 0..=STRANGERS {
        let _ = premises.log_in(&format!("guess-{guess}")).await;
    }
    premises.written().await;
    premises.store.set_login_counting(false).await;
    premises.clock.advance(Duration::from_secs(3));
    assert_eq!(budget(&premises.log_in("right").await), "account");
    let known = premises.from(1, CLIENT_ID, "right", Standing::KnownGood);
    assert!(is_accepted(&known.await));
    premises.clock.advance(Duration::from_secs(3));
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn an_account_that_is_to_be_judged_afresh_is_let_through_without_a_store() {
    let premises = Premises::new().await;
    premises.store.set_login_counting(false).await;
    let _ = premises.log_in("guess").await;
    assert_eq!(budget(&premises.log_in("right").await), "account");
    premises.budgeted.forget(&Invalidation::Account(account()));
    assert!(is_accepted(&premises.log_in("right").await));
}

#[tokio::test]
async fn a_failure_of_credentials_once_known_to_be_good_is_counted_in_the_store() {
    let premises = Premises::new().await;
    let changed = premises.from(1, CLIENT_ID, "changed", Standing::KnownGood);
    assert!(matches!(changed.await, Ok(Verdict::Reject(_))));
    premises.written().await;
    let record = premises.store.login_record(&account()).await.unwrap();
    assert_eq!(record.failures, 1);
}

#[tokio::test]
async fn a_failure_that_is_given_back_makes_room_at_once_and_for_one_alone() {
    let premises = Premises::new().await;
    let records = Records::new(premises.store.clone(), premises.clock.clone());
    let key = account();
    let mut reserved = None;
    for _ in 0..2 {
        reserved = records.reserve(&key, 2).await.unwrap();
    }
    assert_eq!(records.reserve(&key, 2).await, Ok(None));
    records.give_back(&key, reserved.unwrap());
    assert!(records.reserve(&key, 2).await.unwrap().is_some());
    assert!(records.drain(Duration::from_secs(30)).await);
    assert_eq!(records.reserve(&key, 2).await, Ok(None));
}

#[tokio::test]
async fn a_failure_that_finds_no_room_to_be_given_back_stays_counted() {
    let premises = Premises::new().await;
    let records = Records::new(premises.store.clone(), premises.clock.clone());
    let key = account();
    let reserved = records.reserve(&key, 1).await.unwrap();
    let origin = Origin::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
    // Nothing is written before this test waits for something.
    for _ in 0..10_000 {
        records.return_origin_try(&key, origin);
    }
    records.give_back(&key, reserved.unwrap());
    assert_eq!(records.reserve(&key, 1).await, Ok(None));
}

#[tokio::test]
async fn known_good_credentials_of_more_spent_accounts_than_there_is_room_for_wait_their_minute() {
    let premises = Premises::new().await;
    let now = premises.clock.monotonic();
    let account = |number: usize| AccountKey::of_subject(&format!("clerk|user_{number}"));
    for number in 0..=SPENT {
        assert!(premises.budgeted.may_bypass(&account(number), now));
    }
    assert!(!premises.budgeted.may_bypass(&account(0), now));
    let later = now + KNOWN_GOOD_EVERY;
    assert!(premises.budgeted.may_bypass(&account(0), later));
    assert_eq!(lock(&premises.budgeted.bypassed).len(), 1);
}
