//! What a cut-off means for tokens yet to be issued.

use std::time::Instant;

use super::*;

const SUBJECT: &str = "clerk|user_1";

async fn issue(setup: &Setup) -> Result<IssuedToken, IssueError> {
    let since = setup.issuer.mark();
    setup.issuer.issue(&principal(SUBJECT), since).await
}

#[tokio::test]
async fn a_token_of_a_cut_offs_second_is_not_reused_and_its_successor_is() {
    let setup = setup(Reuse::WhileHalfLeft);
    let first = issue(&setup).await.unwrap();
    let at = setup.clock.now();
    setup.clock.advance(Duration::from_secs(1));
    setup.issuer.cutoffs.cut_off(SUBJECT, at);
    let second = issue(&setup).await.unwrap();
    let third = issue(&setup).await.unwrap();
    assert_ne!(second.access_token.expose(), first.access_token.expose());
    assert_eq!(third.access_token.expose(), second.access_token.expose());
}

#[tokio::test]
async fn whoever_was_verified_before_a_cut_off_gets_no_token_and_others_do() {
    let setup = setup(Reuse::WhileHalfLeft);
    issue(&setup).await.unwrap();
    let since = setup.issuer.mark();
    setup.clock.advance(Duration::from_secs(10));
    let at = setup.clock.now() - Duration::from_secs(5);
    setup.issuer.cutoffs.cut_off(SUBJECT, at);
    let overtaken = setup.issuer.issue(&principal(SUBJECT), since).await;
    assert!(matches!(overtaken, Err(IssueError::Overtaken)));
    let other = principal("clerk|user_2");
    setup.issuer.issue(&other, since).await.unwrap();
    issue(&setup).await.unwrap();
}

#[tokio::test]
async fn a_token_is_issued_once_those_of_its_second_count_and_nobody_waits_for_a_wrong_clock() {
    let setup = setup(Reuse::Never);
    let now = setup.clock.now();
    setup.issuer.cutoffs.cut_off(SUBJECT, now);
    let began = Instant::now();
    let token = issue(&setup).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    let (_, claims) = parts(&token);
    assert_eq!(claims["nbf"], now.as_second() + 1);
    let far_ahead = now + Duration::from_secs(5);
    setup.issuer.cutoffs.cut_off(SUBJECT, far_ahead);
    assert!(matches!(issue(&setup).await, Err(IssueError::Busy)));
}

#[tokio::test(start_paused = true)]
async fn five_seconds_are_not_too_long_to_wait_for_a_token_that_counts() {
    let setup = setup(Reuse::Never);
    let now = setup.clock.now();
    let at = now + Duration::from_secs(4);
    setup.issuer.cutoffs.cut_off(SUBJECT, at);
    let (_, claims) = parts(&issue(&setup).await.unwrap());
    assert_eq!(claims["nbf"], now.as_second() + 5);
}
