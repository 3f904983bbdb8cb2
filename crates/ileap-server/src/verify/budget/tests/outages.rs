//! The store is away, for a while or when a process ends.

use super::*;

#[tokio::test]
async fn a_store_that_comes_and_goes_lets_no_more_through_than_one_that_stays() {
    let premises = Premises::new().await;
    for round in 0..20 {
        premises.store.set_login_counting(round % 2 == 0).await;
        for guess in 0..3 {
            let _ = premises.log_in(&format!("guess-{round}-{guess}")).await;
        }
        premises.tried_to_write().await;
        premises.clock.advance(Duration::from_secs(3));
    }
    assert!(premises.upstream.worst("ops@acme.example") <= THRESHOLD / 2);
}

#[tokio::test]
async fn failures_while_the_store_is_away_count_when_it_is_back() {
    let premises = Premises::new().await;
    let _ = premises.log_in("guess-1").await;
    premises.written().await;
    premises.store.set_login_counting(false).await;
    let _ = premises.log_in("guess-2").await;
    assert!(!premises.tried_to_write().await);
    assert_eq!(premises.upstream.worst("ops@acme.example"), 2);
    premises.store.set_login_counting(true).await;
    premises.written().await;
    let restarted = premises.another();
    for guess in 3..20 {
        let _ = restarted.log_in(&format!("guess-{guess}")).await;
    }
    assert_eq!(premises.upstream.worst("ops@acme.example"), STRANGERS);
}

#[tokio::test]
async fn a_success_makes_failures_that_the_store_does_not_know_of_pointless() {
    let premises = Premises::new().await;
    premises.store.set_login_counting(false).await;
    let _ = premises.log_in("guess").await;
    let good = premises.from(1, "ops@acme.example", "right", Standing::KnownGood);
    assert!(is_accepted(&good.await));
    assert!(!premises.tried_to_write().await);
    premises.store.set_login_counting(true).await;
    premises.written().await;
    let key = AccountKey::of_identifier("ops@acme.example");
    let record = premises.store.login_record(&key).await.unwrap();
    assert_eq!(record.failures, 0);
    assert!(record.verified.is_some());
}

#[tokio::test]
async fn a_process_that_ends_while_the_store_is_away_takes_one_failure_along() {
    let mut premises = Premises::new().await;
    for life in 0..2 {
        premises.store.set_login_counting(false).await;
        for guess in 0..20 {
            let _ = premises.log_in(&format!("guess-{life}-{guess}")).await;
        }
        assert_eq!(premises.upstream.worst("ops@acme.example"), life + 1);
        premises = premises.another();
        premises.store.set_login_counting(true).await;
    }
    for guess in 0..20 {
        let _ = premises.log_in(&format!("guess-{guess}")).await;
    }
    assert_eq!(premises.upstream.worst("ops@acme.example"), 2 + STRANGERS);
}

#[tokio::test]
async fn without_a_store_known_good_credentials_and_a_few_others_go_on() {
    let premises = Premises::new().await;
    premises.store.set_login_counting(false).await;
    for _ in 0..20 {
        let good = premises.from(1, "ops@acme.example", "right", Standing::KnownGood);
        assert!(is_accepted(&good.await));
    }
    for guess in 0..20 {
        let client_id = "other@acme.example";
        let secret = format!("guess-{guess}");
        let _ = premises
            .from(1, client_id, &secret, Standing::Unknown)
            .await;
    }
    assert_eq!(premises.upstream.worst("other@acme.example"), 1);
    assert!(is_accepted(&premises.log_in("right").await));
}
