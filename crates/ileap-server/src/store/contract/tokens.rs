//! What instances on one store know of revoked tokens together.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    store::{
        Store,
        logins::{Invalidation, InvalidationMark, News, TokenCutoff},
        tokens::{Revocation, RevocationRoom},
    },
    token::RevokedToken,
};

const ROOM: RevocationRoom = RevocationRoom {
    per_subject: 3,
    in_all: 5,
};

/// Later than anything else that is held of the store.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + second).unwrap()
}

/// The token that began at `second`, and lives for an hour.
fn token(subject: &str, second: i64) -> RevokedToken {
    RevokedToken {
        id: format!("{subject} {second}"),
        subject: format!("clerk|{subject}"),
        not_before: at(second),
        expires_at: at(second) + Duration::from_hours(1),
    }
}

pub(super) async fn hold(store: &dyn Store) {
    a_revoked_token_is_kept_until_it_has_expired(store).await;
    too_many_of_one_subject_cut_it_off_and_nobody_else(store).await;
    too_many_in_all_cut_off_the_one_who_comes(store).await;
    another_issuer_on_the_same_store_is_noticed_once(store).await;
}

async fn revoke(store: &dyn Store, token: &RevokedToken, now: i64) -> Revocation {
    store.revoke_token(token, ROOM, at(now)).await.unwrap()
}

async fn revoked(store: &dyn Store, now: i64) -> Vec<RevokedToken> {
    let mut tokens = store.revoked_tokens(at(now)).await.unwrap();
    tokens.sort_by(|one, other| one.id.cmp(&other.id));
    tokens
}

async fn newest(store: &dyn Store) -> InvalidationMark {
    store.invalidations(None).await.unwrap().1
}

async fn news(store: &dyn Store, after: InvalidationMark) -> Vec<News> {
    store.invalidations(Some(after)).await.unwrap().0
}

/// Everything has expired, and the next revocation finds room.
const NEXT: i64 = 10_000;

async fn a_revoked_token_is_kept_until_it_has_expired(store: &dyn Store) {
    let begin = newest(store).await;
    let token = token("one", 0);
    for _ in 0..2 {
        assert_eq!(revoke(store, &token, 10).await, Revocation::OfToken);
    }
    assert_eq!(news(store, begin).await, [News::Revoked(token.clone())]);
    assert_eq!(revoked(store, 3599).await, [token]);
    assert_eq!(revoked(store, 3600).await, []);
}

async fn too_many_of_one_subject_cut_it_off_and_nobody_else(store: &dyn Store) {
    let begin = newest(store).await;
    let other = token("other", NEXT);
    revoke(store, &other, NEXT).await;
    for second in 0..3 {
        let one = token("many", NEXT + second);
        assert_eq!(revoke(store, &one, NEXT + 10).await, Revocation::OfToken);
    }
    // The one too many is of an instance whose clock is ahead.
    let ahead = token("many", NEXT + 20);
    let cutoff = TokenCutoff {
        name: "clerk|many".to_owned(),
        at: at(NEXT + 20),
    };
    assert_eq!(
        revoke(store, &ahead, NEXT + 10).await,
        Revocation::OfSubject(cutoff.clone())
    );
    let cutoffs = store.token_cutoffs(at(NEXT)).await.unwrap();
    assert_eq!(cutoffs, [cutoff]);
    assert_eq!(
        revoked(store, NEXT + 10).await,
        std::slice::from_ref(&other)
    );
    let subject = Invalidation::Subject("clerk|many".to_owned());
    assert_eq!(
        news(store, begin).await,
        [News::Revoked(other), News::Invalidated(subject)]
    );
    for second in 21..25 {
        revoke(store, &token("many", NEXT + second), NEXT + 30).await;
    }
    let cutoffs = store.token_cutoffs(at(NEXT)).await.unwrap();
    assert_eq!(cutoffs[0].at, at(NEXT + 30));
    assert_eq!(
        news(store, begin).await.len(),
        2,
        "never more of one subject"
    );
    let later = token("many", NEXT + 31);
    assert_eq!(revoke(store, &later, NEXT + 40).await, Revocation::OfToken);
}

async fn too_many_in_all_cut_off_the_one_who_comes(store: &dyn Store) {
    let now = 2 * NEXT;
    for number in 0..5 {
        let one = token(&format!("client {number}"), now);
        assert_eq!(revoke(store, &one, now).await, Revocation::OfToken);
    }
    let one_more = revoke(store, &token("late", now), now + 1).await;
    let cutoff = TokenCutoff {
        name: "clerk|late".to_owned(),
        at: at(now + 1),
    };
    assert_eq!(one_more, Revocation::OfSubject(cutoff));
    assert_eq!(revoked(store, now).await.len(), 5);
    let after = revoke(store, &token("late", 3 * NEXT), 3 * NEXT).await;
    assert_eq!(after, Revocation::OfToken, "the others have expired");
    assert_eq!(revoked(store, now).await.len(), 1);
}

async fn another_issuer_on_the_same_store_is_noticed_once(store: &dyn Store) {
    let note = async |issuer| store.note_issuer(issuer).await.unwrap();
    let (one, other) = ("https://one.example", "https://other.example");
    assert_eq!(note(one).await, None);
    assert_eq!(note(one).await, None);
    assert_eq!(note(other).await.as_deref(), Some(one));
    assert_eq!(note(other).await, None);
    let noted = store.noted_issuer().await.unwrap();
    assert_eq!(noted.as_deref(), Some(other));
}
