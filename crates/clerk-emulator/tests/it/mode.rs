//! Who may call how.

use clerk_emulator::{EmulatorOptions, EmulatorUser, InstanceKind, Scenario};
use reqwest::Method;

use crate::harness::{Clerk, PASSWORD, read};

const SIGN_INS: &str = "/v1/client/sign_ins";

#[tokio::test]
async fn headers_that_exclude_each_other_are_refused() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let native = || clerk.native(Method::GET, "/v1/client", "");
    let plain = || clerk.plain(Method::GET, "/v1/client");
    let origin = "http://localhost:3000";
    for (request, code) in [
        (
            native().header("origin", origin),
            "origin_authorization_headers_conflict",
        ),
        (
            clerk
                .plain(Method::GET, "/v1/client?_is_native=1")
                .header("origin", origin),
            "origin_authorization_headers_conflict",
        ),
        (
            plain().header("origin", origin).header("origin", origin),
            "multiple_origin_header_values_forbidden",
        ),
        (
            native().header("authorization", "again"),
            "multiple_authorization_header_values_forbidden",
        ),
        (plain().header("origin", "not an origin"), "origin_invalid"),
        (native().header("host", "clerk.example.com"), "host_invalid"),
    ] {
        assert_eq!(read(request).await.refusal(), (400, code));
    }
}

#[tokio::test]
async fn a_caller_that_says_nothing_is_native_unless_the_instance_is_strict() {
    let lenient = Clerk::with_scenario(Scenario::Ok).await;
    let form = [("identifier", "ops@acme.example"), ("password", PASSWORD)];
    let answer = read(lenient.plain(Method::POST, SIGN_INS).form(&form)).await;
    assert_eq!(answer.sign_in_status(), "complete");
    let path = format!("/v1/client/sessions/{}", answer.session_id());
    let session = lenient
        .plain(Method::GET, &path)
        .header("authorization", answer.token());
    assert_eq!(read(session).await.status, 200);

    let strict = Clerk::start(EmulatorOptions {
        lenient_headerless: false,
        strict_headers: true,
        ..EmulatorOptions::default()
    })
    .await;
    for path in [SIGN_INS, "/v1/client/sign_ins?_is_native=1"] {
        let answer = read(strict.plain(Method::POST, path)).await;
        assert_eq!(answer.refusal(), (400, "request_header_missing"));
    }
    assert_eq!(strict.post(SIGN_INS, "", &[]).await.status, 200);
}

#[tokio::test]
async fn an_instance_without_the_native_api_refuses_apps() {
    let clerk = Clerk::start(EmulatorOptions {
        native_api: false,
        ..EmulatorOptions::default()
    })
    .await;
    assert_eq!(
        clerk.sign_in("hello", "x").await.refusal(),
        (400, "native_api_disabled")
    );
}

#[tokio::test]
async fn a_development_instance_may_ask_apps_for_a_development_browser() {
    let user = || EmulatorUser::with_username("hello", PASSWORD);
    let clerk = Clerk::start(EmulatorOptions {
        require_dev_browser: true,
        ..EmulatorOptions::with_users([user()])
    })
    .await;
    let refused = clerk.sign_in("hello", PASSWORD).await;
    assert_eq!(refused.refusal(), (401, "dev_browser_unauthenticated"));
    let created = read(clerk.plain(Method::POST, "/v1/dev_browser")).await;
    let id = created.body["id"].as_str().unwrap();
    assert_eq!(created.body["token"], id);
    let form = [("identifier", "hello"), ("password", PASSWORD)];
    for name in ["__clerk_db_jwt", "__dev_session"] {
        let path = format!("{SIGN_INS}?{name}={id}");
        assert_eq!(
            clerk.post(&path, "", &form).await.sign_in_status(),
            "complete"
        );
    }
    let unknown = clerk
        .post(&format!("{SIGN_INS}?__clerk_db_jwt=dvb_x"), "", &form)
        .await;
    assert_eq!(unknown.refusal(), (401, "dev_browser_unauthenticated"));
    assert_eq!(clerk.admin().calls().dev_browsers, 1);

    let production = Clerk::start(EmulatorOptions {
        require_dev_browser: true,
        instance_kind: InstanceKind::Production,
        ..EmulatorOptions::with_users([user()])
    })
    .await;
    assert_eq!(
        production.sign_in("hello", PASSWORD).await.sign_in_status(),
        "complete"
    );
}

#[tokio::test]
async fn one_known_version_may_be_pinned_in_one_place() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let get = |query: &str| clerk.plain(Method::GET, &format!("/v1/client?_is_native=1{query}"));
    let header = "clerk-api-version";
    let version = "&__clerk_api_version=2025-11-10";
    assert_eq!(read(get("")).await.status, 200);
    assert_eq!(read(get(version)).await.status, 200);
    assert_eq!(
        read(get(version).header(header, "2025-11-10"))
            .await
            .refusal(),
        (400, "bad_request")
    );
    assert_eq!(
        read(get("").header(header, "2025-11-11")).await.refusal(),
        (400, "bad_request")
    );
    let unknown = read(get("&__clerk_api_version=1999-01-01")).await;
    assert_eq!(unknown.refusal(), (400, "invalid_query_parameter_value"));
}

#[tokio::test]
async fn parameters_belong_to_the_version_that_brought_them() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let post = |version: &str| {
        clerk
            .plain(Method::POST, "/v1/client/sign_ins?_is_native=1")
            .header("clerk-api-version", version)
            .form(&[("proof_token", "x")])
    };
    assert_eq!(
        read(post("2025-11-10")).await.refusal(),
        (422, "form_param_unknown")
    );
    assert_eq!(
        read(post("2026-05-12")).await.sign_in_status(),
        "needs_identifier"
    );
}

#[tokio::test]
async fn only_forms_are_read() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let json = clerk
        .native(Method::POST, SIGN_INS, "")
        .json(&serde_json::json!({"identifier": "ops@acme.example", "password": PASSWORD}));
    assert_eq!(
        read(json).await.refusal(),
        (415, "unsupported_content_type")
    );
    let charset = clerk
        .native(Method::POST, SIGN_INS, "")
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=UTF-8",
        )
        .body("identifier=ops%40acme.example");
    assert_eq!(read(charset).await.sign_in_status(), "needs_first_factor");
    let huge = clerk
        .native(Method::POST, SIGN_INS, "")
        .body("x".repeat(70_000));
    assert_eq!(read(huge).await.refusal(), (400, "request_body_invalid"));
}

#[tokio::test]
async fn another_method_may_travel_in_the_query() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let answer = clerk.sign_in("ops@acme.example", PASSWORD).await;
    let path = "/v1/client/sessions?_method=DELETE";
    assert_eq!(clerk.post(path, answer.token(), &[]).await.status, 200);
    assert_eq!(clerk.admin().sessions_active(), 0);
    assert_eq!(
        clerk.post("/v1/client/sessions", "", &[]).await.refusal(),
        (405, "method_not_allowed")
    );
    assert_eq!(
        clerk.post("/v1/nowhere", "", &[]).await.refusal(),
        (404, "resource_not_found")
    );
}

#[tokio::test]
async fn the_request_log_shows_what_a_client_sent_without_its_secrets() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    clerk
        .sign_in_as("a.client.token", "ops@acme.example", PASSWORD)
        .await;
    clerk.get("/v1/client?__clerk_db_jwt=dvb_secret", "").await;
    let log = clerk.admin().request_log();
    assert_eq!(log[0].path_and_query, "/v1/client/sign_ins?_is_native=1");
    assert_eq!(log[0].header("clerk-api-version"), Some("2025-11-10"));
    assert_eq!(log[0].header("authorization"), Some("[redacted]"));
    assert_eq!(log[0].header("origin"), None);
    assert_eq!(log[0].form_keys, ["strategy", "identifier", "password"]);
    assert_eq!(log[1].header("authorization"), Some(""));
    let printed = format!("{log:?}");
    for secret in [PASSWORD, "correct+horse", "a.client.token", "dvb_secret"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn every_answer_can_be_traced_and_is_kept_by_nobody() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    for answer in [
        clerk.sign_in("ops@acme.example", PASSWORD).await,
        clerk.sign_in("ops@acme.example", "wrong").await,
    ] {
        assert_eq!(answer.header("x-clerk-trace-id").unwrap().len(), 32);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn of_several_faults_the_first_in_clerks_order_is_named() {
    let clerk = Clerk::start(EmulatorOptions {
        require_dev_browser: true,
        limits: false,
        ..EmulatorOptions::with_users([
            EmulatorUser::with_username("banned", PASSWORD).in_scenario(Scenario::Banned)
        ])
    })
    .await;
    let created = read(clerk.plain(Method::POST, "/v1/dev_browser")).await;
    let dev_browser = created.body["id"].as_str().unwrap();
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    let wrong = ("evil.example", "", "1999-01-01", json, "x=1");
    let host = clerk.emulator.frontend_api_url().replace("http://", "");
    let version = "2025-11-10";
    for ((host, dev_browser, version, content_type, body), code) in [
        (wrong, "host_invalid"),
        (
            (&host, wrong.1, wrong.2, json, wrong.4),
            "dev_browser_unauthenticated",
        ),
        ((&host, dev_browser, wrong.2, json, wrong.4), "bad_request"),
        (
            (&host, dev_browser, version, json, wrong.4),
            "unsupported_content_type",
        ),
        (
            (&host, dev_browser, version, form, wrong.4),
            "form_param_unknown",
        ),
        (
            (
                &host,
                dev_browser,
                version,
                form,
                "identifier=%21&password=x",
            ),
            "form_param_format_invalid",
        ),
        (
            (
                &host,
                dev_browser,
                version,
                form,
                "identifier=nobody&password=x",
            ),
            "form_identifier_not_found",
        ),
        (
            (
                &host,
                dev_browser,
                version,
                form,
                "identifier=banned&strategy=x",
            ),
            "user_banned",
        ),
    ] {
        let path = format!("{SIGN_INS}?_is_native=1&__clerk_db_jwt={dev_browser}");
        let request = clerk
            .plain(Method::POST, &path)
            .header("host", host)
            .header("clerk-api-version", version)
            .header("content-type", content_type)
            .body(body);
        assert_eq!(read(request).await.code(), code);
    }
}
