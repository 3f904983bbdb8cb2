//! `POST /auth/introspect`: what a token stands for, for those it concerns.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json as json_value};

use crate::{
    harness::{Options, TestServer, header, text},
    hostile_tokens::{
        cases::{self, ISSUER, Verdict},
        forge::Forge,
    },
};

const PATH: &str = "/auth/introspect";
const INACTIVE: &str = r#"{"active":false}"#;
const HELLO: (&str, &str) = ("hello", "pathfinder");
const OPERATOR: (&str, &str) = ("operator", "ileap");
/// Has no role, no organization and no data.
const WATCHMAN: (&str, &str) = ("no_role", "ileap");

fn options() -> Options {
    Options::default().set("ILEAP_ACCESS__RESOURCE_SERVERS", WATCHMAN.0)
}

async fn introspect(server: &TestServer, client: (&str, &str), token: &str) -> String {
    let answer = server.ask(PATH, client, token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(header(&answer, "content-type"), "application/json");
    text(answer).await
}

#[tokio::test]
async fn a_client_and_a_resource_server_are_told_what_the_token_says() {
    let server = TestServer::start_with(options()).await;
    for id in ["hello", "operator", "transport_service_user"] {
        let token = server.as_client(id).await.token;
        let payload = token.split('.').nth(1).unwrap();
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
        let mut expected: Value = serde_json::from_slice(&payload).unwrap();
        expected["active"] = true.into();
        expected["token_type"] = "Bearer".into();
        let secret = if id == "hello" { "pathfinder" } else { "ileap" };
        for client in [(id, secret), WATCHMAN] {
            let told = introspect(&server, client, &token).await;
            let told: Value = serde_json::from_str(&told).unwrap();
            assert_eq!(told, expected, "{client:?}");
            assert!(told["org_id"].is_string() && told["roles"].is_array());
        }
    }
}

#[tokio::test]
async fn of_everything_else_nobody_learns_more_than_that_it_is_not_active() {
    let server = TestServer::start_with(options()).await;
    let token = server.as_client("hello").await.token;
    assert_eq!(introspect(&server, OPERATOR, &token).await, INACTIVE);
    let expired = server.expired_token();
    for nothing in ["abc", "a.b.c", &expired, &format!("{token}x")] {
        for client in [HELLO, WATCHMAN] {
            assert_eq!(introspect(&server, client, nothing).await, INACTIVE);
        }
    }
    let revoked = server.ask("/auth/revoke", HELLO, &token).send().await;
    assert_eq!(revoked.unwrap().status(), 200);
    for client in [HELLO, WATCHMAN] {
        assert_eq!(introspect(&server, client, &token).await, INACTIVE);
    }
}

#[tokio::test]
async fn no_hostile_token_is_active_or_revoked() {
    let forge = Forge::new();
    let mut options = options().set("ILEAP_PUBLIC_BASE_URL", ISSUER);
    options.keys = Arc::clone(forge.keys());
    let server = TestServer::start_with(options).await;
    let cases = cases::all(&forge);
    let asked = stream::iter(&cases).map(async |case| {
        let form = [("token", case.token.as_str())];
        let answers = [PATH, "/auth/revoke"].map(|path| {
            let request = server.http.post(format!("{}{path}", server.base));
            let request = request.basic_auth(WATCHMAN.0, Some(WATCHMAN.1)).form(&form);
            (path, request)
        });
        for (path, request) in answers {
            let (name, is_good) = (&case.name, case.expected == Verdict::Valid);
            if is_good && path != PATH {
                continue;
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let is_empty = case.token.is_empty();
            let is_large = case.token.len() > 7 * 1024;
            assert!(
                status == 200 || (is_empty && status == 400) || (is_large && status == 413),
                "{name}: {status}"
            );
            let body = text(answer).await;
            if status == 200 && path == PATH {
                let told: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(told["active"], is_good, "{name}: {body}");
                assert_eq!(body == INACTIVE, !is_good, "{name}: {body}");
            }
        }
    });
    asked.buffer_unordered(8).collect::<()>().await;
    let metrics = server.http.get(format!("{}/metrics", server.admin)).send();
    let metrics = text(metrics.await.unwrap()).await;
    assert!(
        !metrics.contains(r#"ileap_revocations_total{outcome="token"}"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn what_is_cut_off_is_not_active() {
    let server = TestServer::start_with(options()).await;
    let token = server.as_client("hello").await.token;
    let told = introspect(&server, HELLO, &token).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["active"], json_value!(true));
    let subject = told["sub"].as_str().unwrap();
    let clock = ileap_server::clock::SystemClock;
    let now = ileap_server::clock::Clock::now(&clock);
    let left = ileap_server::invalidation::leave_cut_off(server.store(), subject, now);
    left.await.unwrap();
    while introspect(&server, HELLO, &token).await != INACTIVE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
