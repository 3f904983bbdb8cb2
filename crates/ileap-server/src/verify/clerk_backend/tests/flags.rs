//! What is judged after the password.

use super::*;

fn flagged(more: &str) -> Script {
    Script {
        lookups: vec![found(&user(more))],
        users: vec![Reply::json(200, &user(more))],
        ..Script::good()
    }
}

const LOCKED: &str = r#","locked":true,"lockout_expires_in_seconds":60"#;

fn locked() -> RejectReason {
    RejectReason::Locked {
        expires_in: Some(Duration::from_mins(1)),
    }
}

#[tokio::test]
async fn flags_count_only_after_a_right_password_and_cost_no_further_call() {
    for (more, expected) in [
        (r#","banned":true"#, RejectReason::Banned),
        (LOCKED, locked()),
        (r#","two_factor_enabled":true"#, RejectReason::MfaRequired),
    ] {
        let scene = Scene::new(flagged(more)).await;
        assert_eq!(reason(scene.log_in_counted().await), expected);
        assert_eq!(scene.calls(0), [LOOKUP, PASSWORD]);
        let wrong = Script {
            passwords: vec![refusal_reply(422, "incorrect_password")],
            ..flagged(more)
        };
        let scene = Scene::new(wrong).await;
        let expected = if expected == locked() {
            expected
        } else {
            RejectReason::WrongSecret
        };
        assert_eq!(reason(scene.log_in_counted().await), expected);
        assert_eq!(scene.calls(0), [LOOKUP, PASSWORD]);
    }
}

#[tokio::test]
async fn a_ban_bites_a_minute_after_the_record_was_read() {
    let script = Script {
        users: vec![Reply::json(200, &user(r#","banned":true"#))],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert!(is_accepted(&scene.log_in().await));
    scene.clock.advance(Duration::from_secs(60));
    assert!(is_accepted(&scene.log_in().await));
    scene.clock.advance(Duration::from_secs(1));
    let before = scene.calls(0).len();
    assert_eq!(reason(scene.log_in().await), RejectReason::Banned);
    assert_eq!(scene.calls(before), [PASSWORD, USER]);
}

#[tokio::test]
async fn a_ban_or_lock_that_has_ended_keeps_nobody_out() {
    for more in [r#","banned":true"#, LOCKED] {
        let script = Script {
            users: vec![Reply::json(200, &user(""))],
            ..flagged(more)
        };
        let scene = Scene::new(script).await;
        scene.log_in().await.unwrap();
        let before = scene.calls(0).len();
        assert!(is_accepted(&scene.log_in().await));
        assert_eq!(scene.calls(before), [PASSWORD, USER, MEMBERSHIPS]);
    }
}

#[tokio::test]
async fn a_ban_seen_by_a_login_that_was_held_back_is_looked_at_again() {
    let script = Script {
        users: vec![Reply::json(200, &user(""))],
        ..flagged(r#","banned":true"#)
    };
    let scene = Scene::new(script).await;
    scene.account(CLIENT_ID).await.unwrap();
    scene.clock.advance(Duration::from_secs(11));
    assert!(is_accepted(&scene.log_in().await));
}

#[tokio::test]
async fn a_remembered_lock_costs_the_same_calls_whatever_the_password() {
    for passwords in [
        verified("true"),
        refusal_reply(422, "form_password_incorrect"),
    ] {
        let script = Script {
            passwords: vec![passwords],
            ..flagged(LOCKED)
        };
        let scene = Scene::new(script).await;
        scene.log_in().await.unwrap();
        let before = scene.calls(0).len();
        assert_eq!(reason(scene.log_in().await), locked());
        let mut calls = scene.calls(before);
        calls.sort();
        assert_eq!(calls, [USER, PASSWORD]);
    }
}

#[tokio::test]
async fn a_remembered_lock_is_looked_at_again_while_the_password_is_checked() {
    let script = Script {
        passwords: vec![verified("true"), Reply::Hang],
        ..flagged(LOCKED)
    };
    let scene = Scene::new(script).await;
    scene.log_in().await.unwrap();
    let before = scene.calls(0).len();
    scene.log_in().await.unwrap_err();
    assert!(scene.calls(before).contains(&USER.to_owned()));
}

#[tokio::test]
async fn an_address_that_is_not_verified_lets_nobody_in_until_it_is() {
    let unverified = user("").replace("\"verified\"", "\"unverified\"");
    let script = Script {
        lookups: vec![found(&unverified), found(&user(""))],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert_eq!(reason(scene.log_in().await), RejectReason::NotAllowed);
    assert!(is_accepted(&scene.log_in().await));
}

#[tokio::test]
async fn a_user_that_does_not_have_the_identifier_is_not_let_in_under_it() {
    let stranger = user_named("user_2", "stranger@other.example", "");
    let script = Script {
        lookups: vec![found(&stranger)],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert_eq!(reason(scene.log_in().await), RejectReason::NotAllowed);
}

#[tokio::test]
async fn another_users_record_in_place_of_the_one_asked_for_is_no_answer() {
    let script = Script {
        users: vec![Reply::json(200, &user_named("user_2", CLIENT_ID, ""))],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    scene.log_in().await.unwrap();
    scene.clock.advance(Duration::from_secs(61));
    let answer = scene.log_in().await;
    assert!(
        matches!(answer, Err(VerifyError::Unavailable { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn second_factors_are_waived_where_the_operator_says_so() {
    let options = ClerkBackendOptions {
        allow_mfa_users: true,
        ..ClerkBackendOptions::default()
    };
    let scene = Scene::with(flagged(r#","two_factor_enabled":true"#), options).await;
    assert!(is_accepted(&scene.log_in().await));
}

#[tokio::test]
async fn an_identifier_of_several_users_is_nobodys() {
    let two = format!("{},{}", user(""), user_named("user_2", CLIENT_ID, ""));
    let script = Script {
        lookups: vec![found(&two)],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert_eq!(reason(scene.log_in().await), RejectReason::UnknownClient);
    assert_eq!(scene.calls(0), [LOOKUP, DECOY]);
}

#[tokio::test]
async fn an_id_is_no_login_even_where_a_lookup_finds_somebody() {
    let scene = Scene::new(Script::good()).await;
    let answer = scene.log_in_as("user_1").await;
    assert_eq!(reason(answer), RejectReason::UnknownClient);
    assert_eq!(scene.calls(0), ["GET /v1/users?username=user_1", DECOY]);
}
