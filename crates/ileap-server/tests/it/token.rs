//! `POST /auth/token`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::harness::{Options, TestServer, header, json, refusal, text};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_partner_with_the_right_secret_gets_a_bearer_token() {
    let server = TestServer::start().await;
    let answer = server
        .token_request("hello", "pathfinder")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "content-type"), "application/json");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(header(&answer, "pragma"), "no-cache");
    let body = json(answer).await;
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["scope"], "footprint:list footprint:read");
    assert!(
        (3590..=3600).contains(&body["expires_in"].as_u64().unwrap()),
        "{body}"
    );
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn credentials_may_come_in_the_form() {
    let server = TestServer::start().await;
    let answer = server
        .http
        .post(format!("{}/auth/token", server.base))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", "hello"),
            ("client_secret", "pathfinder"),
        ])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_media_type_parameter_is_no_obstacle() {
    let server = TestServer::start().await;
    for media_type in [
        "application/x-www-form-urlencoded;charset=UTF-8",
        "Application/X-WWW-Form-Urlencoded ; charset=utf-8",
    ] {
        let answer = server
            .http
            .post(format!("{}/auth/token", server.base))
            .basic_auth("hello", Some("pathfinder"))
            .header("content-type", media_type)
            .body("grant_type=client_credentials")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{media_type}");
    }
}

#[tokio::test]
async fn each_malformed_request_is_named() {
    let server = TestServer::start().await;
    let good = "grant_type=client_credentials";
    let basic = format!("Basic {}", STANDARD.encode("hello:pathfinder"));
    for (authorization, media_type, body, expected) in [
        (
            Some(basic.as_str()),
            "application/json",
            "{}",
            (400, "invalid_request"),
        ),
        (Some(&basic), FORM, "", (400, "invalid_request")),
        (
            Some(&basic),
            FORM,
            "grant_type=password",
            (400, "unsupported_grant_type"),
        ),
        (
            Some(&basic),
            FORM,
            "grant_type=client_credentials&grant_type=x",
            (400, "invalid_request"),
        ),
        (
            Some(&basic),
            FORM,
            "grant_type=client_credentials&client_secret=x",
            (400, "invalid_request"),
        ),
        (Some("Basic ???"), FORM, good, (400, "invalid_request")),
        (Some("Bearer abc"), FORM, good, (400, "invalid_client")),
        (None, FORM, good, (400, "invalid_client")),
    ] {
        let mut request = server.http.post(format!("{}/auth/token", server.base));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request
            .header("content-type", media_type)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(header(&answer, "cache-control"), "no-store");
        let (status, code) = refusal(answer).await;
        assert_eq!(
            (status, code.as_str()),
            expected,
            "{authorization:?} {media_type} {body}"
        );
    }
    assert_eq!(
        server.clerk.admin().calls().sign_in_creates,
        0,
        "none of it reached Clerk"
    );
}

#[tokio::test]
async fn credentials_in_the_query_are_not_read() {
    let server = TestServer::start().await;
    let answer = server
        .http
        .post(format!(
            "{}/auth/token?client_id=hello&client_secret=pathfinder",
            server.base
        ))
        .header("content-type", FORM)
        .body("grant_type=client_credentials")
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(answer).await, (400, "invalid_client".to_owned()));
}

/// Every account that Clerk turns away, whatever for, and one it does not know.
const TURNED_AWAY: &str = r#"
[[user]]
username = "is_banned"
password = "right"
scenario = "banned"
[[user]]
username = "is_locked"
password = "right"
scenario = "locked"
[[user]]
username = "has_mfa"
password = "right"
scenario = "mfa"
[[user]]
username = "has_no_password"
password = "right"
scenario = "passwordless"
[[user]]
username = "is_pwned"
password = "right"
scenario = "pwned"
[[user]]
username = "must_change"
password = "right"
scenario = "needs_new_password"
[[user]]
username = "is_challenged"
password = "right"
scenario = "needs_protect_check"
[[user]]
username = "is_from_the_future"
password = "right"
scenario = "unknown_status"
[[user]]
username = "is_untrusted"
password = "right"
scenario = "device_trust"
[[user]]
username = "is_gone"
password = "right"
scenario = "deprovisioned"
[[user]]
username = "is_not_allowed"
password = "right"
scenario = "not_allowed"
[[user]]
username = "is_sso_only"
password = "right"
scenario = "sso_only"
[[user]]
username = "must_set_up_mfa"
password = "right"
scenario = "pending_setup_mfa"
[[user]]
username = "must_reset"
password = "right"
scenario = "pending_reset_password"
"#;

#[tokio::test]
async fn every_refusal_looks_the_same_from_outside() {
    let server = TestServer::start_with(Options::default().with_users(TURNED_AWAY)).await;
    let mut attempts = vec![("hello", "wrong"), ("nobody", "right")];
    let names: Vec<String> = TURNED_AWAY
        .lines()
        .filter_map(|line| line.strip_prefix("username = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .collect();
    assert_eq!(names.len(), 14);
    attempts.extend(names.iter().map(|name| (name.as_str(), "right")));
    let mut answers = Vec::new();
    for (id, secret) in attempts {
        let answer = server.token_request(id, secret).send().await.unwrap();
        let status = answer.status();
        let mut headers: Vec<_> = answer
            .headers()
            .iter()
            .filter(|(name, _)| *name != "date" && *name != "x-request-id")
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        answers.push((id, format!("{status} {headers:?} {}", text(answer).await)));
    }
    let (_, first) = &answers[0];
    assert!(first.contains(r#""error":"invalid_client""#), "{first}");
    for (id, answer) in &answers {
        assert_eq!(answer, first, "{id}");
    }
}

#[tokio::test]
async fn a_deployment_chooses_how_wrong_credentials_look() {
    for (profile, status, code, challenge) in [
        ("pact", 400, "invalid_client", ""),
        (
            "rfc6749",
            401,
            "invalid_client",
            r#"Basic realm="ileap", charset="UTF-8""#,
        ),
        ("ileaptest", 400, "invalid_request", ""),
    ] {
        let options = Options::default().set("ILEAP_PROFILE__OAUTH_ERRORS", profile);
        let server = TestServer::start_with(options).await;
        let answer = server.token_request("hello", "wrong").send().await.unwrap();
        assert_eq!(header(&answer, "www-authenticate"), challenge, "{profile}");
        assert_eq!(
            refusal(answer).await,
            (status, code.to_owned()),
            "{profile}"
        );
    }
}

#[tokio::test]
async fn a_verified_client_without_a_role_is_unauthorized_unless_there_is_a_default() {
    let server = TestServer::start().await;
    let answer = server
        .token_request("no_role", "ileap")
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(answer).await,
        (400, "unauthorized_client".to_owned())
    );
    let options = Options::default().set("ILEAP_ACCESS__DEFAULT_ROLE", "user");
    let server = TestServer::start_with(options).await;
    let answer = server
        .token_request("no_role", "ileap")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn secrets_with_plus_and_percent_work_raw_and_form_encoded() {
    let users = r#"
[[user]]
email = "ops+ileap@acme.example"
password = "a+b%41:c d/ü"
organization = "acme"
role = "all"
"#;
    let server = TestServer::start_with(Options::default().with_users(users)).await;
    let (id, secret) = ("ops+ileap@acme.example", "a+b%41:c d/ü");
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for (id, secret) in [
        (id.to_owned(), secret.to_owned()),
        (encode(id), encode(secret)),
    ] {
        let answer = server.token_request(&id, &secret).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{id}");
    }
}

#[tokio::test]
async fn the_token_says_who_for_whom_and_what() {
    let server = TestServer::start().await;
    let caller = server.as_client("transport_service_user").await;
    let claims = claims_of(&caller.token);
    assert_eq!(claims["iss"], server.base);
    assert_eq!(claims["aud"], server.base);
    assert!(
        claims["sub"].as_str().unwrap().starts_with("clerk|user_"),
        "{claims}"
    );
    assert_eq!(claims["client_id"], "transport_service_user");
    assert_eq!(
        claims["org_id"],
        server.clerk.organization_id("shipper").unwrap()
    );
    assert_eq!(claims["org_slug"], "shipper");
    assert_eq!(claims["roles"], serde_json::json!(["user"]));
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        3600
    );
}

#[tokio::test]
async fn the_same_token_serves_again_while_half_its_life_is_left() {
    let server = TestServer::start().await;
    let first = server.as_client("hello").await.token;
    assert_eq!(server.as_client("hello").await.token, first);
    let other = server.as_client("transport_service_user").await.token;
    assert_ne!(other, first);
    let never = TestServer::start_with(Options::default().set("ILEAP_TOKEN__REUSE", "false")).await;
    let first = never.as_client("hello").await.token;
    assert_ne!(never.as_client("hello").await.token, first);
}

#[tokio::test]
async fn a_scope_asked_for_is_the_scope_granted() {
    let server = TestServer::start().await;
    for (asked, granted) in [
        ("footprint:read", "footprint:read"),
        ("openid email", "footprint:list footprint:read"),
    ] {
        let answer = server
            .http
            .post(format!("{}/auth/token", server.base))
            .basic_auth("hello", Some("pathfinder"))
            .form(&[
                ("grant_type", "client_credentials"),
                ("scope", asked),
                ("audience", "urn:x"),
            ])
            .send()
            .await
            .unwrap();
        assert_eq!(json(answer).await["scope"], granted, "{asked}");
    }
}

#[tokio::test]
async fn no_session_is_left_behind_at_clerk() {
    let mut server = TestServer::start().await;
    for client in ["hello", "operator", "transport_service_user"] {
        server.as_client(client).await;
    }
    let clerk = server.clerk.admin().clone();
    server.stop();
    server.ended().await;
    assert_eq!(clerk.calls().sign_in_creates, 3);
    assert_eq!(clerk.sessions_active(), 0);
}

/// The payload of a token, unverified.
fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
