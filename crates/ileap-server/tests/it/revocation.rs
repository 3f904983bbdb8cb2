//! `POST /auth/revoke`: a token that was revoked opens nothing any more, anywhere, and does not come back.

use std::time::Duration;

use futures_util::future::join_all;
use ileap_server::{
    clock::{Clock as _, SystemClock},
    invalidation::leave_cut_off,
};
use reqwest::RequestBuilder;

use crate::harness::{Caller, Options, TestServer, header, json, refusal, text};

const PATH: &str = "/auth/revoke";
const HELLO: (&str, &str) = ("hello", "pathfinder");
const OPERATOR: (&str, &str) = ("operator", "ileap");
/// Has no role, no organization and no data.
const WATCHMAN: (&str, &str) = ("no_role", "ileap");

/// With a service that may revoke anybody's tokens, and an issuer that outlives a restart.
async fn start() -> TestServer {
    let options = Options::default()
        .set("ILEAP_ACCESS__RESOURCE_SERVERS", WATCHMAN.0)
        .set("ILEAP_PUBLIC_BASE_URL", "http://127.0.0.1:8080");
    TestServer::start_with(options).await
}

async fn revoke(server: &TestServer, client: (&str, &str), token: &str) {
    let answer = server.ask(PATH, client, token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(text(answer).await, "");
}

async fn statuses(caller: &Caller<'_>) -> [u16; 2] {
    [
        caller.get("/2/footprints").await.status().as_u16(),
        caller.get("/2/ileap/tad").await.status().as_u16(),
    ]
}

async fn is_refused_at_last(caller: &Caller<'_>) {
    while statuses(caller).await != [401, 403] {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn opens(caller: &Caller<'_>) -> bool {
    let statuses = statuses(caller).await;
    assert!(
        statuses == [200, 200] || statuses == [401, 403],
        "{statuses:?}"
    );
    statuses == [200, 200]
}

#[tokio::test]
async fn a_partner_revokes_its_token_and_gets_another_one() {
    let server = start().await;
    let (first, other) = (
        server.as_client("hello").await,
        server.as_client("operator").await,
    );
    assert_eq!(
        server.as_client("hello").await.token,
        first.token,
        "handed out again until then"
    );
    revoke(&server, HELLO, &first.token).await;
    assert!(!opens(&first).await);
    let second = server.as_client("hello").await;
    assert_ne!(second.token, first.token);
    assert!(opens(&second).await && opens(&other).await);
    revoke(&server, HELLO, &first.token).await;
    assert!(!opens(&first).await && opens(&second).await);
}

#[tokio::test]
async fn credentials_may_come_in_the_form_and_any_hint_is_taken() {
    let server = start().await;
    for hint in ["access_token", "refresh_token", "urn:invented:tomorrow", ""] {
        let caller = server.as_client("hello").await;
        let request = server.http.post(format!("{}{PATH}", server.base));
        let form = [
            ("client_id", HELLO.0),
            ("client_secret", HELLO.1),
            ("token", &caller.token),
            ("token_type_hint", hint),
        ];
        let answer = request.form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{hint}");
        assert!(!opens(&caller).await, "{hint}");
    }
}

#[tokio::test]
async fn what_is_not_the_callers_is_left_alone_with_the_same_answer() {
    let server = start().await;
    let victim = server.as_client("hello").await;
    let expired = server.expired_token();
    let (head, signature) = victim.token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for token in [&victim.token, "abc", "a.b.c", &expired, &forged] {
        revoke(&server, OPERATOR, token).await;
        assert!(opens(&victim).await);
    }
}

#[tokio::test]
async fn a_resource_server_revokes_anybodys_token_and_needs_no_role() {
    let server = start().await;
    let partner = server.as_client("hello").await;
    revoke(&server, WATCHMAN, &partner.token).await;
    assert!(!opens(&partner).await);

    let unnamed = TestServer::start().await;
    let partner = unnamed.as_client("hello").await;
    revoke(&unnamed, WATCHMAN, &partner.token).await;
    assert!(opens(&partner).await);
}

#[tokio::test]
async fn a_restart_brings_no_revoked_token_back() {
    let server = start().await;
    let revoked = server.as_client("hello").await.token;
    revoke(&server, HELLO, &revoked).await;
    let kept = server.as_client("hello").await.token;
    let server = server.restarted().await;
    assert!(!opens(&server.with_token(&revoked)).await);
    assert!(opens(&server.with_token(&kept)).await);
}

#[tokio::test]
async fn other_instances_on_the_same_store_follow() {
    let first = start().await;
    let second = first.beside().await;
    let partner = second.as_client("hello").await;
    revoke(&first, HELLO, &partner.token).await;
    is_refused_at_last(&partner).await;
    let again = second.as_client("hello").await;
    assert_ne!(again.token, partner.token);
    assert!(opens(&again).await);
}

#[tokio::test]
async fn an_operator_beside_the_servers_revokes_all_of_an_accounts_tokens() {
    let server = start().await;
    let (partner, other) = (
        server.as_client("hello").await,
        server.as_client("operator").await,
    );
    let subject = format!("clerk|{}", server.clerk.user_id("hello").unwrap());
    let left = leave_cut_off(server.store(), &subject, SystemClock.now());
    left.await.unwrap();
    is_refused_at_last(&partner).await;
    assert!(opens(&other).await);
    assert!(opens(&server.as_client("hello").await).await);
}

#[tokio::test]
async fn who_revokes_too_many_tokens_loses_the_others_and_nobody_else_does() {
    let options = Options::default().set("ILEAP_TOKEN__REUSE", "false");
    let server = TestServer::start_with(options).await;
    let bystander = server.as_client("operator").await;
    let kept = server.as_client("hello").await;
    let log_in = (0..101).map(|_| server.as_client("hello"));
    let callers = join_all(log_in).await;
    let (last, others) = callers.split_last().unwrap();
    join_all(others.iter().map(|one| revoke(&server, HELLO, &one.token))).await;
    assert!(opens(&kept).await && opens(last).await);
    revoke(&server, HELLO, &last.token).await;
    for one in &callers {
        assert_eq!(one.get("/2/footprints").await.status(), 401);
    }
    // In a pair, the other server has heard of it, too: the answer came after that.
    assert!(!opens(&kept).await && opens(&bystander).await);
    assert!(opens(&server.as_client("hello").await).await);
}

/// In a store in memory an import has the only connection.
#[tokio::test]
async fn nothing_is_called_revoked_that_the_store_has_not_taken() {
    let server = start().await;
    let partner = server.as_client("hello").await;
    let import = server.store().begin_import().await.unwrap();
    let answer = server.ask(PATH, HELLO, &partner.token).send().await;
    let answer = answer.unwrap();
    assert_eq!(header(&answer, "retry-after"), "5");
    assert_eq!(
        refusal(answer).await,
        (503, "temporarily_unavailable".to_owned())
    );
    drop(import);
    assert!(opens(&partner).await, "not revoked");
    revoke(&server, HELLO, &partner.token).await;
    assert!(!opens(&partner).await);
}

#[tokio::test]
async fn who_cannot_prove_who_it_is_revokes_nothing_and_learns_nothing() {
    let server = start().await;
    let partner = server.as_client("hello").await;
    let mut answers = Vec::new();
    for client in [
        ("hello", "wrong"),
        ("nobody", "wrong"),
        ("nobody@x.example", "x"),
    ] {
        for path in [PATH, "/auth/introspect"] {
            for token in [&partner.token, "abc"] {
                let answer = server.ask(path, client, token).send().await.unwrap();
                let status = answer.status();
                let mut headers = answer.headers().clone();
                headers.remove("x-request-id");
                headers.remove("date");
                answers.push((status, format!("{headers:?}"), text(answer).await));
            }
        }
    }
    let (status, headers, body) = &answers[0];
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(*status, 401);
    assert!(headers.contains("Basic realm="), "{headers}");
    assert!(body.contains("\"invalid_client\""), "{body}");
    assert!(opens(&partner).await);
}

#[tokio::test]
async fn each_mistake_has_its_own_answer() {
    let server = start().await;
    let partner = server.as_client("hello").await;
    let token = partner.token.as_str();
    let form = |body: String| {
        move |request: RequestBuilder| {
            let typed = request.header("content-type", "application/x-www-form-urlencoded");
            typed.basic_auth(HELLO.0, Some(HELLO.1)).body(body)
        }
    };
    for path in [PATH, "/auth/introspect"] {
        let post = |query: &str| server.http.post(format!("{}{path}{query}", server.base));
        let bad = (400, "invalid_request");
        for (request, expected) in [
            (form(String::new())(post("")), bad),
            (form("token=".to_owned())(post("")), bad),
            (form(String::new())(post(&format!("?token={token}"))), bad),
            (form(format!("token={token}&token={token}"))(post("")), bad),
            (form("token=%zz".to_owned())(post("")), bad),
            (
                form(format!("token={token}&client_secret=x"))(post("")),
                bad,
            ),
            (
                form(format!("token={}", "x".repeat(9000)))(post("")),
                (413, "invalid_request"),
            ),
            (post("").form(&[("token", token)]), (401, "invalid_client")),
            (
                post("").bearer_auth(token).form(&[("token", token)]),
                (401, "invalid_client"),
            ),
            (post("").basic_auth(HELLO.0, Some(HELLO.1)).body("{}"), bad),
            (server.get(path), (405, "invalid_request")),
        ] {
            let (status, code) = refusal(request.send().await.unwrap()).await;
            assert_eq!((status, code.as_str()), expected, "{path}");
        }
    }
    assert!(opens(&partner).await);
}

#[tokio::test]
async fn guesses_at_any_endpoint_count_at_all_of_them() {
    let options = Options::default().set("ILEAP_VERIFIER__BUDGET__ENABLED", "true");
    let server = TestServer::start_with(options).await;
    for guess in 0..10 {
        let secret = format!("wrong {guess}");
        let path = [PATH, "/auth/introspect"][guess % 2];
        let answer = server.ask(path, ("hello", &secret), "abc").send().await;
        assert!([401, 429].contains(&answer.unwrap().status().as_u16()));
    }
    for answer in [
        server.token_request("hello", "one more"),
        server.ask(PATH, ("hello", "one more"), "abc"),
    ] {
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 429);
        assert_eq!(json(answer).await["error"], "temporarily_unavailable");
    }
}
