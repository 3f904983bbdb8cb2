//! Which calls a login costs, and what is remembered between logins.

use super::*;
use crate::store::logins::Invalidation;

fn unknown() -> Script {
    Script {
        lookups: vec![found("")],
        passwords: vec![refusal_reply(404, "resource_not_found")],
        ..Script::good()
    }
}

fn wrong() -> Script {
    Script {
        passwords: vec![refusal_reply(422, "incorrect_password")],
        ..Script::good()
    }
}

#[tokio::test]
async fn a_first_login_is_three_calls_and_the_next_one_a_single_one() {
    let scene = Scene::new(Script::good()).await;
    assert!(is_accepted(&scene.log_in_counted().await));
    assert_eq!(scene.calls(0), [LOOKUP, PASSWORD, MEMBERSHIPS]);
    assert!(is_accepted(&scene.log_in_counted().await));
    assert_eq!(scene.calls(3), [PASSWORD]);
}

#[tokio::test]
async fn calls_carry_the_key_the_version_and_the_password_as_json() {
    let scene = Scene::new(Script::good()).await;
    scene.log_in().await.unwrap();
    for request in scene.upstream.requests() {
        let head = request.split("\r\n\r\n").next().unwrap();
        for header in [
            "authorization: Bearer sk_test_canary-key",
            "clerk-api-version: 2025-11-10",
            "accept: application/json",
        ] {
            assert!(head.lines().any(|line| line == header), "{header}");
        }
        assert!(!head.contains("canary-secret"), "{head}");
    }
    let request = &scene.upstream.requests()[1];
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"));
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, serde_json::json!({"password": SECRET}));
}

#[tokio::test]
async fn an_identifier_that_nobody_has_costs_what_a_wrong_password_costs() {
    let known = Scene::new(wrong()).await;
    assert_eq!(
        reason(known.log_in_counted().await),
        RejectReason::WrongSecret
    );
    assert_eq!(known.calls(0), [LOOKUP, PASSWORD]);
    let unknown = Scene::new(unknown()).await;
    assert_eq!(
        reason(unknown.log_in_counted().await),
        RejectReason::UnknownClient
    );
    assert_eq!(unknown.calls(0), [LOOKUP, DECOY]);
    let [known, unknown] = [known, unknown].map(|scene| {
        let requests = scene.upstream.requests();
        requests[1].split_once("\r\n\r\n").unwrap().1.to_owned()
    });
    assert_eq!(known, unknown);
}

#[tokio::test]
async fn the_decoy_is_never_a_login() {
    let script = Script {
        passwords: vec![verified("true")],
        ..unknown()
    };
    let scene = Scene::new(script).await;
    assert_eq!(reason(scene.log_in().await), RejectReason::UnknownClient);
}

#[tokio::test]
async fn a_user_made_since_the_last_try_gets_in_on_the_second_next_at_the_latest() {
    let script = Script {
        lookups: vec![found(""), found(&user(""))],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert_eq!(
        reason(scene.log_in_counted().await),
        RejectReason::UnknownClient
    );
    // Whether it gets in already depends on which answer comes first.
    scene.log_in_counted().await.unwrap();
    let is_lookup = |call: &&String| *call == LOOKUP;
    while scene.calls(0).iter().filter(is_lookup).count() < 2 {
        tokio::task::yield_now().await;
    }
    scene.verifier.directory.look_up(CLIENT_ID).await.unwrap();
    assert!(is_accepted(&scene.log_in_counted().await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_found_by_the_time_the_decoy_is_refused_gets_in_at_once() {
    let slow = |_: &str| {
        std::thread::sleep(Duration::from_millis(300));
        refusal_reply(404, "resource_not_found")
    };
    let script = Script {
        lookups: vec![found(""), found(&user(""))],
        passwords: vec![
            refusal_reply(404, "resource_not_found"),
            Reply::Answer(Arc::new(slow)),
            verified("true"),
        ],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert_eq!(
        reason(scene.log_in_counted().await),
        RejectReason::UnknownClient
    );
    assert!(is_accepted(&scene.log_in_counted().await));
}

#[tokio::test]
async fn concurrent_logins_share_one_lookup() {
    let scene = Scene::new(Script::good()).await;
    let logins = (0..20).map(|_| scene.log_in_counted());
    let answers = futures_util::future::join_all(logins).await;
    assert!(answers.iter().all(is_accepted));
    let calls = scene.calls(0);
    assert_eq!(calls.iter().filter(|call| *call == LOOKUP).count(), 1);
}

#[tokio::test]
async fn a_lookup_is_remembered_for_five_minutes() {
    for script in [wrong(), unknown()] {
        let scene = Scene::new(script).await;
        scene.account(CLIENT_ID).await.unwrap();
        scene.clock.advance(Duration::from_secs(299));
        scene.account(CLIENT_ID).await.unwrap();
        assert_eq!(scene.calls(0), [LOOKUP]);
        scene.clock.advance(Duration::from_secs(1));
        scene.account(CLIENT_ID).await.unwrap();
        assert_eq!(scene.calls(0), [LOOKUP, LOOKUP]);
    }
}

#[tokio::test]
async fn identifiers_are_asked_for_as_what_they_are() {
    for (client_id, call) in [
        ("+4930123456", "GET /v1/users?phone_number=%2B4930123456"),
        ("acme-ops", "GET /v1/users?username=acme-ops"),
        ("a&b=c d", "GET /v1/users?username=a%26b%3Dc+d"),
        ("acme-ops@acme", "GET /v1/users?username=acme-ops"),
    ] {
        let scene = Scene::new(unknown()).await;
        scene.log_in_as(client_id).await.unwrap();
        assert_eq!(scene.calls(0)[0], call);
    }
}

#[tokio::test]
async fn a_user_that_has_vanished_is_unknown_and_looked_up_again() {
    let gone = refusal_reply(404, "resource_not_found");
    for script in [
        Script {
            passwords: vec![gone.clone()],
            ..Script::good()
        },
        Script {
            memberships: vec![gone.clone()],
            ..Script::good()
        },
    ] {
        let scene = Scene::new(script).await;
        assert_eq!(reason(scene.log_in().await), RejectReason::UnknownClient);
        let before = scene.calls(0).len();
        scene.log_in().await.unwrap();
        assert_eq!(scene.calls(before)[0], LOOKUP);
    }
    let script = Script {
        users: vec![gone],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    scene.log_in().await.unwrap();
    scene.clock.advance(Duration::from_secs(61));
    assert_eq!(reason(scene.log_in().await), RejectReason::UnknownClient);
}

#[tokio::test]
async fn an_instance_without_organizations_is_asked_for_memberships_once() {
    let disabled = refusal_reply(403, "organization_not_enabled_in_instance");
    let script = Script {
        memberships: vec![disabled.clone()],
        organizations: vec![disabled],
        ..Script::good()
    };
    let scene = Scene::new(script.clone()).await;
    for _ in 0..2 {
        let Ok(Verdict::Accept(client)) = scene.log_in().await else {
            panic!("refused");
        };
        assert!(client.organization.is_none() && client.roles.is_empty());
    }
    assert_eq!(scene.calls(0), [LOOKUP, PASSWORD, MEMBERSHIPS, PASSWORD]);
    let scene = Scene::new(script).await;
    scene.verifier.probe().await;
    let probed = scene.calls(0).len();
    scene.log_in_counted().await.unwrap();
    assert_eq!(scene.calls(probed), [LOOKUP, PASSWORD]);
    scene.clock.advance(Duration::from_mins(10));
    scene.log_in().await.unwrap();
    assert_eq!(scene.calls(probed + 2), [LOOKUP, PASSWORD, MEMBERSHIPS]);
}

#[tokio::test]
async fn memberships_are_remembered_for_a_minute_and_read_page_by_page() {
    let full = memberships(&[("org_9", "nine", "org:ileap_user"); 100]);
    let rest = memberships(&[("org_1", "acme", "org:ileap_all")]);
    let script = Script {
        memberships: vec![full.clone(), rest, full],
        ..Script::good()
    };
    let options = ClerkBackendOptions {
        organization: Some("org_1".to_owned()),
        ..ClerkBackendOptions::default()
    };
    let scene = Scene::with(script, options).await;
    for _ in 0..2 {
        let answer = scene.log_in().await;
        assert!(is_accepted(&answer), "{answer:?}");
    }
    assert!(scene.upstream.requests()[3].contains("offset=100 "));
    assert_eq!(scene.calls(4), [PASSWORD]);
    scene.clock.advance(Duration::from_secs(59));
    assert!(is_accepted(&scene.log_in().await));
    assert_eq!(scene.calls(5), [PASSWORD]);
    // Five pages at most.
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(reason(scene.log_in().await), RejectReason::NoOrganization);
    let pages = scene.calls(6);
    let pages = pages.iter().filter(|call| call.contains("memberships"));
    assert_eq!(pages.count(), 5);
}

#[tokio::test]
async fn what_is_forgotten_is_looked_up_again() {
    for invalidation in [
        Invalidation::Subject("clerk|user_1".to_owned()),
        Invalidation::Account(AccountKey::of_subject("clerk|user_1")),
        Invalidation::Account(AccountKey::of_identifier(CLIENT_ID)),
    ] {
        let scene = Scene::new(Script::good()).await;
        scene.log_in().await.unwrap();
        let another = Invalidation::Subject("clerk|user_2".to_owned());
        scene.verifier.forget(&another);
        scene.log_in().await.unwrap();
        assert_eq!(scene.calls(3), [PASSWORD]);
        scene.verifier.forget(&invalidation);
        scene.log_in().await.unwrap();
        assert_eq!(scene.calls(4)[..2], [LOOKUP, PASSWORD]);
    }
}

#[tokio::test]
async fn a_changed_organization_has_everyones_memberships_asked_for_again() {
    let scene = Scene::new(Script::good()).await;
    scene.log_in().await.unwrap();
    let organization = Invalidation::Organization("org_1".to_owned());
    scene.verifier.forget(&organization);
    scene.log_in().await.unwrap();
    assert_eq!(scene.calls(3), [PASSWORD, MEMBERSHIPS]);
}

#[tokio::test]
async fn a_wrong_password_after_a_minute_has_the_identifier_looked_up_again() {
    let scene = Scene::new(wrong()).await;
    for seconds in [0, 60, 1] {
        scene.clock.advance(Duration::from_secs(seconds));
        assert_eq!(reason(scene.log_in().await), RejectReason::WrongSecret);
    }
    assert_eq!(scene.calls(0), [LOOKUP, PASSWORD, PASSWORD, PASSWORD]);
    scene.log_in().await.unwrap();
    assert_eq!(scene.calls(4), [LOOKUP, PASSWORD]);
}

#[tokio::test]
async fn a_lookup_that_nobody_waits_for_any_longer_is_finished_and_remembered() {
    let scene = Scene::new(Script::good()).await;
    drop(scene.verifier.directory.look_up(CLIENT_ID));
    let is_lookup = |call: &&String| *call == LOOKUP;
    while scene.calls(0).iter().filter(is_lookup).count() < 1 {
        tokio::task::yield_now().await;
    }
    scene.account(CLIENT_ID).await.unwrap();
    assert_eq!(scene.calls(0), [LOOKUP]);
}

#[tokio::test]
async fn a_lookup_that_began_before_its_user_was_forgotten_is_not_remembered() {
    let scene = Scene::new(Script::good()).await;
    let lookup = scene.verifier.directory.look_up(CLIENT_ID);
    // It begins; its answer takes longer than one turn.
    tokio::task::yield_now().await;
    let changed = Invalidation::Subject("clerk|user_1".to_owned());
    scene.verifier.forget(&changed);
    lookup.await.unwrap();
    scene.account(CLIENT_ID).await.unwrap();
    assert_eq!(scene.calls(0), [LOOKUP, LOOKUP]);
}

#[tokio::test]
async fn a_user_that_has_changed_has_its_memberships_asked_for_again() {
    for invalidation in [
        Invalidation::Subject("clerk|user_1".to_owned()),
        Invalidation::Account(AccountKey::of_subject("clerk|user_1")),
    ] {
        let script = Script {
            memberships: vec![
                memberships(&[("org_1", "acme", "org:ileap_operator")]),
                memberships(&[]),
            ],
            ..Script::good()
        };
        let options = ClerkBackendOptions {
            organization: Some("org_1".to_owned()),
            ..ClerkBackendOptions::default()
        };
        let scene = Scene::with(script, options).await;
        assert!(is_accepted(&scene.log_in().await));
        scene.verifier.forget(&invalidation);
        assert_eq!(reason(scene.log_in().await), RejectReason::NoOrganization);
    }
}
