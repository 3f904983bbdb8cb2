//! What instances on one store know of logins together.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    store::{
        Store,
        logins::{
            Fate, Invalidation, InvalidationMark, Likeness, LoginRecords, News, RefusedLogin,
            Reservation, TokenCutoff,
        },
    },
    verify::AccountKey,
};

const HOUR: Duration = Duration::from_hours(1);

fn account(name: &str) -> AccountKey {
    AccountKey::of_subject(&format!("clerk|{name}"))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(super) async fn hold(store: &dyn Store) {
    failures_are_counted(store).await;
    the_last_ten_refusals_are_kept(store).await;
    invalidations_are_read_in_order_by_everyone(store).await;
    cut_offs_keep_the_latest_moment(store).await;
    webhooks_are_recognized(store).await;
    pruning_leaves_what_protects_accounts(store).await;
}

/// The part that protects accounts, which a model of a store has to keep as well.
pub(crate) async fn failures_are_counted(store: &dyn LoginRecords) {
    failures_are_counted_in_advance_up_to_a_limit(store).await;
    what_nobody_knows_counts_for_its_time(store).await;
    what_nobody_settles_counts_for_an_hour(store).await;
    what_is_settled_again_or_too_late_changes_nothing(store).await;
    a_success_forgets_what_came_before_and_nothing_else(store).await;
    a_success_forgets_what_nobody_settled_for_a_minute(store).await;
    a_known_origin_keeps_one_try_in_a_window(store).await;
}

async fn reserved(
    store: &dyn LoginRecords,
    account: &AccountKey,
    limit: u32,
) -> Option<Reservation> {
    let reservation = store.reserve_failure(account, limit, at(0)).await;
    reservation.unwrap()
}

async fn granted(store: &dyn LoginRecords, account: &AccountKey, limit: u32) -> bool {
    reserved(store, account, limit).await.is_some()
}

async fn settle(
    store: &dyn LoginRecords,
    account: &AccountKey,
    reservation: Reservation,
    fate: Fate,
) {
    let settled = store.settle_failure(account, reservation, fate, at(0));
    settled.await.unwrap();
}

async fn succeed(store: &dyn LoginRecords, account: &AccountKey, reservation: Option<Reservation>) {
    let recorded = store.record_success(account, reservation, "203.0.113.7", at(10));
    recorded.await.unwrap();
}

async fn failures(store: &dyn LoginRecords, account: &AccountKey) -> u32 {
    store.login_record(account).await.unwrap().failures
}

async fn failures_are_counted_in_advance_up_to_a_limit(store: &dyn LoginRecords) {
    let account = account("limited");
    assert!(!granted(store, &account, 0).await);
    assert_eq!(failures(store, &account).await, 0);
    let attempts = (0..50).map(|_| granted(store, &account, 5));
    let attempts = futures_util::future::join_all(attempts).await;
    assert_eq!(attempts.into_iter().filter(|granted| *granted).count(), 5);
    assert_eq!(failures(store, &account).await, 5);
    let known_good = reserved(store, &account, u32::MAX).await.unwrap();
    settle(store, &account, known_good, Fate::Returned).await;
    assert!(!granted(store, &account, 5).await);
    // What is given back twice is given back once.
    let more = reserved(store, &account, 6).await.unwrap();
    for _ in 0..2 {
        settle(store, &account, more, Fate::Returned).await;
    }
    assert_eq!(failures(store, &account).await, 5);
}

async fn what_nobody_knows_counts_for_its_time(store: &dyn LoginRecords) {
    let account = account("unclear");
    let unclear = reserved(store, &account, 1).await.unwrap();
    settle(store, &account, unclear, Fate::Unclear(at(60))).await;
    let ask = |second| store.reserve_failure(&account, 1, at(second));
    assert_eq!(ask(59).await.unwrap(), None);
    assert!(ask(60).await.unwrap().is_some());
}

async fn what_nobody_settles_counts_for_an_hour(store: &dyn LoginRecords) {
    let account = account("left-behind");
    let ask = |second| store.reserve_failure(&account, 2, at(second));
    let settled = ask(0).await.unwrap().unwrap();
    settle(store, &account, settled, Fate::Happened).await;
    assert!(ask(0).await.unwrap().is_some(), "by a process that dies");
    assert_eq!(ask(3599).await.unwrap(), None);
    assert!(ask(3600).await.unwrap().is_some());
    assert_eq!(ask(3601).await.unwrap(), None, "what happened stays");
}

async fn what_is_settled_again_or_too_late_changes_nothing(store: &dyn LoginRecords) {
    let account = account("settled-again");
    let happened = reserved(store, &account, 9).await.unwrap();
    for _ in 0..3 {
        settle(store, &account, happened, Fate::Happened).await;
    }
    assert_eq!(failures(store, &account).await, 1);
    let late = reserved(store, &account, 9).await.unwrap();
    let recorded = store.record_success(&account, None, "203.0.113.7", at(60));
    recorded.await.unwrap();
    settle(store, &account, late, Fate::Happened).await;
    assert_eq!(failures(store, &account).await, 0);
}

async fn a_success_forgets_what_came_before_and_nothing_else(store: &dyn LoginRecords) {
    let account = account("begins-anew");
    let (first, under_way) = (
        reserved(store, &account, 9).await.unwrap(),
        reserved(store, &account, 9).await.unwrap(),
    );
    settle(store, &account, first, Fate::Happened).await;
    let lost = reserved(store, &account, 9).await.unwrap();
    settle(store, &account, lost, Fate::Unclear(at(86_400))).await;
    let success = reserved(store, &account, 9).await.unwrap();
    let later = reserved(store, &account, 9).await.unwrap();
    settle(store, &account, under_way, Fate::Happened).await;
    succeed(store, &account, Some(success)).await;
    let record = store.login_record(&account).await.unwrap();
    assert_eq!(record.failures, 2, "the one under way, and the later one");
    assert_eq!(record.verified, Some((at(10), "203.0.113.7".to_owned())));
    assert_eq!(record.failed_at, Some(at(0)));
    // Its own end does no harm to what has been counted since.
    settle(store, &account, later, Fate::Happened).await;
    assert_eq!(failures(store, &account).await, 2);
}

async fn a_success_forgets_what_nobody_settled_for_a_minute(store: &dyn LoginRecords) {
    let account = account("abandoned");
    for _ in 0..3 {
        granted(store, &account, 9).await;
    }
    succeed(store, &account, None).await;
    assert_eq!(failures(store, &account).await, 3);
    let recorded = store.record_success(&account, None, "203.0.113.7", at(60));
    recorded.await.unwrap();
    assert_eq!(failures(store, &account).await, 0);
}

async fn a_known_origin_keeps_one_try_in_a_window(store: &dyn LoginRecords) {
    let account = account("origins");
    let take = |origin: &'static str, second| {
        let account = account.clone();
        async move {
            let taken = store.take_origin_try(&account, origin, at(second), HOUR);
            taken.await.unwrap()
        }
    };
    assert!(!take("203.0.113.7", 0).await);
    let login = store.record_success(&account, None, "203.0.113.7", at(0));
    login.await.unwrap();
    let tries = (0..20).map(|_| take("203.0.113.7", 10));
    let tries = futures_util::future::join_all(tries).await;
    assert_eq!(tries.into_iter().filter(|taken| *taken).count(), 1);
    assert!(!take("203.0.113.8", 10).await);
    assert!(!take("203.0.113.7", 3609).await);
    assert!(take("203.0.113.7", 3610).await);
    assert!(!take("203.0.113.7", 3611).await);
    store
        .return_origin_try(&account, "203.0.113.7")
        .await
        .unwrap();
    assert!(take("203.0.113.7", 3612).await, "given back");
    assert!(take("203.0.113.7", 0).await, "the clock was wrong before");
    for host in 0..40 {
        let origin = format!("198.51.100.{host}");
        store
            .record_success(&account, None, &origin, at(4000 + host))
            .await
            .unwrap();
    }
    assert!(
        !take("203.0.113.7", 90_000).await,
        "the oldest of many goes"
    );
    assert!(take("198.51.100.39", 90_000).await);
}

async fn the_last_ten_refusals_are_kept(store: &dyn Store) {
    let account = account("refused");
    let refusal = |number: i64| RefusedLogin {
        account: account.clone(),
        origin: "2001:db8::/64".to_owned(),
        reason: "wrong_secret".to_owned(),
        at: at(number),
    };
    for number in 0..15 {
        store.record_refusal(&refusal(number)).await.unwrap();
    }
    let record = store.login_record(&account).await.unwrap();
    let newest: Vec<_> = (5..15).rev().map(refusal).collect();
    assert_eq!(record.refusals, newest);
}

async fn invalidations_are_read_in_order_by_everyone(store: &dyn Store) {
    let account = account("spent");
    let (none, begin) = store.invalidations(None).await.unwrap();
    assert!(none.is_empty());
    granted(store, &account, 1).await;
    let news = [
        Invalidation::Subject("clerk|changed".to_owned()),
        Invalidation::Account(account.clone()),
        Invalidation::Organization("org_1".to_owned()),
    ];
    for invalidation in &news {
        store.invalidate(invalidation, at(0)).await.unwrap();
    }
    assert_eq!(failures(store, &account).await, 0, "forgiven");
    let news = news.map(News::Invalidated);
    let (read, mark) = store.invalidations(Some(begin)).await.unwrap();
    assert_eq!(read, news);
    assert_eq!(
        store.invalidations(Some(mark)).await.unwrap(),
        (vec![], mark)
    );
    assert_eq!(store.invalidations(None).await.unwrap().1, mark);
    let InvalidationMark(number) = mark;
    let before_last = Some(InvalidationMark(number - 1));
    assert_eq!(store.invalidations(before_last).await.unwrap().0, news[2..]);
}

async fn cut_offs_keep_the_latest_moment(store: &dyn Store) {
    let subject = Invalidation::Subject("clerk|twice".to_owned());
    for second in [100, 50] {
        store.invalidate(&subject, at(second)).await.unwrap();
    }
    let cutoff = TokenCutoff {
        name: "clerk|twice".to_owned(),
        at: at(100),
    };
    let since = |second| async move { store.token_cutoffs(at(second)).await.unwrap() };
    assert!(since(99).await.contains(&cutoff));
    assert!(!since(100).await.contains(&cutoff));
}

async fn webhooks_are_recognized(store: &dyn Store) {
    assert!(!store.knows_webhook("msg_1").await.unwrap());
    let look = |digest: u8| Some(Likeness([digest; 32]));
    let record = async |likeness| {
        let about = Some(("clerk|seen", likeness));
        store.record_webhook("msg_1", about, at(0)).await.unwrap();
        assert!(store.knows_webhook("msg_1").await.unwrap());
        store.likeness("clerk|seen").await.unwrap()
    };
    for likeness in [look(1), look(2), None, None, look(1)] {
        assert_eq!(record(likeness).await, likeness);
    }
    store.record_webhook("msg_2", None, at(0)).await.unwrap();
    assert_eq!(store.likeness("clerk|seen").await.unwrap(), look(1));
    assert_eq!(store.likeness("clerk|unseen").await.unwrap(), None);
}

async fn pruning_leaves_what_protects_accounts(store: &dyn Store) {
    let account = account("protected");
    succeed(store, &account, None).await;
    granted(store, &account, 5).await;
    let happened = reserved(store, &account, 5).await.unwrap();
    settle(store, &account, happened, Fate::Happened).await;
    store.prune_logins(at(86_400)).await.unwrap();
    assert_eq!(failures(store, &account).await, 1);
    assert!(!store.knows_webhook("msg_1").await.unwrap());
    assert!(store.likeness("clerk|seen").await.unwrap().is_some());
    assert!(store.token_cutoffs(at(0)).await.unwrap().is_empty());
    let origin = store.take_origin_try(&account, "203.0.113.7", at(86_400), HOUR);
    assert!(origin.await.unwrap());
    let months_later = at(100 * 86_400);
    store.prune_logins(months_later).await.unwrap();
    assert_eq!(store.likeness("clerk|seen").await.unwrap(), None);
    // Marks go on from where they were, though nothing is left.
    let (_, mark) = store.invalidations(None).await.unwrap();
    let subject = Invalidation::Subject("clerk|later".to_owned());
    store.invalidate(&subject, at(86_500)).await.unwrap();
    let (read, _) = store.invalidations(Some(mark)).await.unwrap();
    assert_eq!(read, [News::Invalidated(subject)]);
}
