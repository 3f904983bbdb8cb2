//! Browsers: cookies in production, development browsers in development, and permission to read.

use clerk_emulator::{EmulatorOptions, EmulatorUser, InstanceKind};
use reqwest::Method;

use crate::harness::{Clerk, PASSWORD, read};

const ORIGIN: &str = "http://localhost:3000";
const FORM: [(&str, &str); 2] = [("identifier", "hello"), ("password", PASSWORD)];

async fn clerk(instance_kind: InstanceKind) -> Clerk {
    Clerk::start(EmulatorOptions {
        instance_kind,
        ..EmulatorOptions::with_users([EmulatorUser::with_username("hello", PASSWORD)])
    })
    .await
}

#[tokio::test]
async fn in_production_a_cookie_holds_the_client() {
    let clerk = clerk(InstanceKind::Production).await;
    let post = clerk
        .plain(Method::POST, "/v1/client/sign_ins")
        .header("origin", ORIGIN);
    let answer = read(post.form(&FORM)).await;
    assert_eq!(answer.sign_in_status(), "complete");
    assert_eq!(answer.header("authorization"), None);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let get = clerk
        .plain(Method::GET, "/v1/client")
        .header("origin", ORIGIN);
    let client = read(get.header("cookie", format!("other=1; {pair}"))).await;
    assert_eq!(
        client.body["response"]["sessions"][0]["id"],
        answer.session_id()
    );
}

#[tokio::test]
async fn in_development_the_development_browser_stands_for_the_client() {
    let clerk = clerk(InstanceKind::Development).await;
    let post = |path: &str| clerk.plain(Method::POST, path).header("origin", ORIGIN);
    let refused = read(post("/v1/client/sign_ins").form(&FORM)).await;
    assert_eq!(refused.refusal(), (401, "dev_browser_unauthenticated"));
    let created = read(clerk.plain(Method::POST, "/v1/dev_browser")).await;
    let id = created.body["id"].as_str().unwrap();
    let path = format!("/v1/client/sign_ins?__clerk_db_jwt={id}");
    let answer = read(post(&path).form(&FORM)).await;
    assert_eq!(answer.sign_in_status(), "complete");
    assert_eq!(answer.header("clerk-db-jwt"), Some(id));
    let path = format!("/v1/client?__clerk_db_jwt={id}");
    let client = read(clerk.plain(Method::GET, &path).header("origin", ORIGIN)).await;
    assert_eq!(
        client.body["response"]["sessions"][0]["id"],
        answer.session_id()
    );
}

#[tokio::test]
async fn production_serves_its_own_origins_only() {
    let clerk = clerk(InstanceKind::Production).await;
    let get = clerk.plain(Method::GET, "/v1/client");
    let answer = read(get.header("origin", "https://elsewhere.example")).await;
    assert_eq!(answer.refusal(), (400, "origin_invalid"));
}

#[tokio::test]
async fn a_page_may_read_answers_but_not_use_the_controls() {
    let clerk = clerk(InstanceKind::Production).await;
    let ask = |path: &str| {
        clerk
            .plain(Method::OPTIONS, path)
            .header("origin", ORIGIN)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
    };
    let allowed = read(ask("/v1/client/sign_ins")).await;
    assert_eq!(
        (
            allowed.status,
            allowed.header("access-control-allow-origin")
        ),
        (204, Some(ORIGIN))
    );
    assert_eq!(
        allowed.header("access-control-allow-credentials"),
        Some("true")
    );
    let controls = read(ask("/__emulator/faults")).await;
    assert_eq!(controls.header("access-control-allow-origin"), None);
    let rebound = clerk
        .plain(Method::GET, "/__emulator/calls")
        .header("host", "evil.example");
    assert_eq!(read(rebound).await.status, 403);
    let get = clerk
        .plain(Method::GET, "/v1/client")
        .header("origin", ORIGIN);
    assert_eq!(
        read(get).await.header("access-control-allow-origin"),
        Some(ORIGIN)
    );
}
