//! What answers mean that are no plain yes, and which calls are made again.

use super::*;

fn cause(answer: Result<Verdict, VerifyError>) -> String {
    match answer {
        Err(VerifyError::Unavailable { cause, .. }) => cause,
        other => panic!("not unavailable: {other:?}"),
    }
}

fn with_password(reply: Reply) -> Script {
    Script {
        passwords: vec![reply],
        ..Script::good()
    }
}

/// The same reply to each of the calls of a login in turn.
fn each(reply: &Reply) -> [Script; 3] {
    [
        Script {
            lookups: vec![reply.clone()],
            ..Script::good()
        },
        with_password(reply.clone()),
        Script {
            memberships: vec![reply.clone()],
            ..Script::good()
        },
    ]
}

#[tokio::test]
async fn only_exactly_true_is_a_right_password() {
    let answer = async |value: &str| {
        Scene::new(with_password(verified(value)))
            .await
            .log_in()
            .await
    };
    assert_eq!(reason(answer("false").await), RejectReason::WrongSecret);
    for value in ["\"true\"", "1", "null", "{}"] {
        assert_eq!(cause(answer(value).await), "malformed", "{value}");
    }
}

#[tokio::test]
async fn the_word_for_a_wrong_password_does_not_matter_but_that_clerk_says_it() {
    for code in ["incorrect_password", "form_password_incorrect", "new_word"] {
        let scene = Scene::new(with_password(refusal_reply(422, code))).await;
        assert_eq!(reason(scene.log_in().await), RejectReason::WrongSecret);
    }
    let scene = Scene::new(with_password(Reply::json(422, "{}"))).await;
    assert_eq!(cause(scene.log_in().await), "malformed");
}

#[tokio::test]
async fn a_user_without_password_is_refused() {
    let scene = Scene::new(with_password(refusal_reply(400, "no_password_set"))).await;
    assert_eq!(reason(scene.log_in().await), RejectReason::NoPassword);
}

#[tokio::test]
async fn trouble_with_the_decoy_is_trouble() {
    let faulty = refusal_reply(500, "internal_clerk_error");
    for (reply, expected) in [(faulty, "internal_clerk_error"), (cut(), "reset")] {
        let script = Script {
            lookups: vec![found("")],
            ..with_password(reply)
        };
        assert_eq!(cause(Scene::new(script).await.log_in().await), expected);
    }
}

#[tokio::test]
async fn what_only_the_operator_can_mend_says_what_to_mend() {
    for (status, code, text) in [
        (401, "clerk_key_invalid", "CLERK_SECRET_KEY"),
        (400, "something_new", "backend_api_url"),
        (404, "host_not_found", "backend_api_url"),
        (307, "x", "backend_api_url"),
    ] {
        for script in each(&refusal_reply(status, code)) {
            let answer = Scene::new(script).await.log_in().await;
            let Err(VerifyError::Misconfigured { remedy, .. }) = answer else {
                panic!("{status} {code}: {answer:?}");
            };
            assert!(remedy.contains(text), "{remedy}");
        }
    }
}

#[tokio::test]
async fn answers_that_are_not_understood_are_no_verdict() {
    for reply in [
        Reply::json(200, "<html>"),
        Reply::json(200, "null"),
        Reply::json(200, r#"{"data":7}"#),
        Reply::json(200, r#"[{"id":7}]"#),
        Reply::json_with(200, "content-encoding: gzip\r\n", "[]"),
    ] {
        for script in each(&reply) {
            let cause = cause(Scene::new(script).await.log_in().await);
            assert!(
                ["malformed", "right_then_malformed"].contains(&cause.as_str()),
                "{cause}"
            );
        }
    }
}

#[tokio::test]
async fn a_password_check_is_never_repeated_once_it_may_have_been_made() {
    for reply in [
        cut(),
        Reply::bytes("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"),
        refusal_reply(500, "internal_clerk_error"),
        refusal_reply(502, "x"),
        refusal_reply(503, "maintenance_mode"),
        Reply::json(504, "<html>"),
    ] {
        let script = Script {
            passwords: vec![reply, verified("true")],
            ..Script::good()
        };
        let scene = Scene::new(script).await;
        cause(scene.log_in().await);
        assert_eq!(scene.calls(0), [LOOKUP, PASSWORD]);
    }
}

#[tokio::test]
async fn what_changes_nothing_is_asked_once_more_after_a_gateway_failed() {
    for bad in [
        Reply::json(502, "<html>"),
        Reply::json(503, "{}"),
        Reply::json(504, ""),
    ] {
        let good = Script::good();
        let script = Script {
            lookups: [vec![bad.clone()], good.lookups.clone()].concat(),
            memberships: [vec![bad], good.memberships.clone()].concat(),
            ..good
        };
        let scene = Scene::new(script).await;
        assert!(is_accepted(&scene.log_in().await));
        assert_eq!(
            scene.calls(0),
            [LOOKUP, LOOKUP, PASSWORD, MEMBERSHIPS, MEMBERSHIPS]
        );
    }
    let script = Script {
        lookups: vec![refusal_reply(503, "maintenance_mode")],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert_eq!(cause(scene.log_in().await), "maintenance_mode");
    assert_eq!(scene.calls(0), [LOOKUP]);
}

#[tokio::test]
async fn a_throttle_is_waited_for_when_it_is_short() {
    let throttled = |seconds: &str| {
        let header = format!("retry-after: {seconds}\r\n");
        refusal_with(429, &header, "too_many_requests")
    };
    let script = Script {
        passwords: vec![throttled("0"), verified("true")],
        ..Script::good()
    };
    assert!(is_accepted(&Scene::new(script).await.log_in().await));
    for script in each(&throttled("30")) {
        let answer = Scene::new(script).await.log_in().await;
        let retry_after = Duration::from_secs(30);
        assert_eq!(answer, Err(VerifyError::Throttled { retry_after }));
    }
}

#[tokio::test]
async fn no_answer_in_time_is_no_verdict() {
    for script in each(&Reply::Hang) {
        assert_eq!(cause(Scene::new(script).await.log_in().await), "timeout");
    }
}

#[tokio::test]
async fn after_calls_without_an_answer_one_without_a_secret_goes_first() {
    let script = Script {
        passwords: vec![refusal_reply(500, "internal_clerk_error"), verified("true")],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    cause(scene.log_in_counted().await);
    assert!(is_accepted(&scene.log_in_counted().await));
    assert_eq!(scene.calls(2), [LOOKUP, PASSWORD, MEMBERSHIPS]);
}

#[tokio::test]
async fn an_identifier_that_clerk_finds_ill_formed_is_nobodys() {
    let script = Script {
        lookups: vec![refusal_reply(422, "form_param_format_invalid")],
        ..with_password(refusal_reply(404, "resource_not_found"))
    };
    let scene = Scene::new(script).await;
    assert_eq!(
        reason(scene.log_in_counted().await),
        RejectReason::UnknownClient
    );
    assert_eq!(scene.calls(0), [LOOKUP, DECOY]);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_again_is_no_verdict_and_its_user_is_not_gone() {
    let script = Script {
        users: vec![
            refusal_reply(500, "internal_clerk_error"),
            Reply::json(200, &user("")),
        ],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert!(is_accepted(&scene.log_in().await));
    scene.clock.advance(Duration::from_secs(61));
    assert_eq!(
        cause(scene.log_in().await),
        "right_then_internal_clerk_error"
    );
    let before = scene.calls(0).len();
    assert!(is_accepted(&scene.log_in().await));
    assert_eq!(scene.calls(before), [PASSWORD, USER, MEMBERSHIPS]);
}
