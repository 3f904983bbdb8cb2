//! Who may call the Backend API, how, and how often.

use std::time::Duration;

use clerk_emulator::{EmulatorClock, EmulatorOptions, EmulatorUser, Endpoint, Fault, InstanceKind};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Clerk, PASSWORD, read};

async fn clerk(options: EmulatorOptions) -> Clerk {
    Clerk::start(EmulatorOptions {
        users: vec![EmulatorUser::with_email("ops@acme.example", PASSWORD)],
        clock: EmulatorClock::manual(1_790_000_004_000),
        ..options
    })
    .await
}

#[tokio::test]
async fn every_route_wants_the_secret_key() {
    let clerk = clerk(EmulatorOptions::default()).await;
    for endpoint in Endpoint::ALL {
        if !endpoint.is_backend() {
            continue;
        }
        for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE] {
            let answer = read(
                clerk
                    .plain(method, endpoint.path())
                    .bearer_auth("sk_test_x"),
            )
            .await;
            let refusal = answer.refusal();
            assert!(
                refusal == (401, "clerk_key_invalid") || refusal == (405, "method_not_allowed"),
                "{endpoint:?}: {refusal:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_version_that_does_not_exist_is_refused() {
    let clerk = clerk(EmulatorOptions::default()).await;
    let get = || {
        clerk
            .plain(Method::GET, "/v1/users")
            .bearer_auth(clerk.emulator.secret_key())
    };
    let unknown = get().header("clerk-api-version", "1999-12-31");
    assert_eq!(read(unknown).await.refusal(), (400, "bad_request"));
    assert_eq!(read(get()).await.status, 200);
}

#[tokio::test]
async fn bodies_are_json_objects_of_known_members() {
    let clerk = clerk(EmulatorOptions::default()).await;
    let path = format!("{}/verify_password", clerk.user_path("ops@acme.example"));
    let post = || clerk.backend(Method::POST, &path);
    let json = |text: &'static str| post().header("content-type", "application/json").body(text);
    for (request, refusal) in [
        (
            post().form(&[("password", PASSWORD)]),
            (415, "unsupported_content_type"),
        ),
        (json("{"), (400, "request_body_invalid")),
        (json("[]"), (400, "request_body_invalid")),
        (json("{}"), (422, "form_param_missing")),
        (post(), (422, "form_param_missing")),
        (json(r#"{"password":null}"#), (422, "form_param_missing")),
        (json(r#"{"password":""}"#), (422, "form_param_nil")),
        (json(r#"{"password":5}"#), (422, "form_param_type_invalid")),
        (json(r#"{"passwort":"x"}"#), (422, "form_param_unknown")),
    ] {
        assert_eq!(read(request).await.refusal(), refusal);
    }
}

#[tokio::test]
async fn a_key_has_a_hundred_calls_in_ten_seconds_in_development_and_a_thousand_in_production() {
    for (kind, most) in [
        (InstanceKind::Development, 100),
        (InstanceKind::Production, 1_000),
    ] {
        let clerk = clerk(EmulatorOptions {
            instance_kind: kind,
            ..EmulatorOptions::default()
        })
        .await;
        for call in 0..most {
            // All routes share one allowance.
            let path = if call % 2 == 0 {
                "/v1/users"
            } else {
                "/v1/users/user_none"
            };
            assert_ne!(clerk.backend_get(path).await.status, 429, "call {call}");
        }
        let throttled = clerk.backend_get("/v1/users").await;
        assert_eq!(throttled.refusal(), (429, "too_many_requests"));
        assert_eq!(throttled.header("retry-after"), Some("6"));
        assert_eq!(clerk.backend_get("/v1/jwks").await.status, 200);
        clerk.admin().advance_clock(Duration::from_secs(6)).unwrap();
        assert_eq!(clerk.backend_get("/v1/users").await.status, 200);
    }
}

#[tokio::test]
async fn a_wrong_key_uses_up_nobodys_allowance() {
    let clerk = clerk(EmulatorOptions::default()).await;
    for _ in 0..101 {
        let request = clerk
            .plain(Method::GET, "/v1/users")
            .bearer_auth("sk_test_x");
        assert_eq!(read(request).await.status, 401);
    }
    assert_eq!(clerk.backend_get("/v1/users").await.status, 200);
}

#[tokio::test]
async fn maintenance_stops_what_writes_and_a_development_instance_altogether() {
    for (kind, reads) in [
        (InstanceKind::Production, 200),
        (InstanceKind::Development, 503),
    ] {
        let clerk = clerk(EmulatorOptions {
            instance_kind: kind,
            maintenance: true,
            ..EmulatorOptions::default()
        })
        .await;
        let refused = clerk.verify_password("ops@acme.example", PASSWORD).await;
        assert_eq!(refused.refusal(), (503, "maintenance_mode"));
        assert_eq!(refused.header("retry-after"), Some("60"));
        assert_eq!(
            clerk.backend_get("/v1/users").await.status,
            reads,
            "{kind:?}"
        );
        assert_eq!(clerk.backend_get("/v1/jwks").await.status, 200);
    }
}

#[tokio::test]
async fn its_routes_fail_and_are_counted_by_name() {
    let clerk = clerk(EmulatorOptions::default()).await;
    clerk
        .admin()
        .fail_next(Endpoint::BackendVerifyPassword, Fault::BadGateway);
    let fault = json!({"endpoint": "backend_list_users", "fault": {"kind": "error", "code": "internal_clerk_error"}});
    clerk.control(Method::POST, "faults", &fault).await;
    assert_eq!(
        clerk
            .verify_password("ops@acme.example", PASSWORD)
            .await
            .status,
        502
    );
    assert_eq!(
        clerk.backend_get("/v1/users").await.refusal(),
        (500, "internal_clerk_error")
    );
    assert_eq!(clerk.backend_get("/v1/users").await.status, 200);
    let calls = clerk.admin().calls();
    assert_eq!(calls.of(Endpoint::BackendVerifyPassword), 1);
    assert_eq!(calls.of(Endpoint::BackendListUsers), 2);
}

#[tokio::test]
async fn the_log_names_what_a_body_holds_and_none_of_its_values() {
    let clerk = clerk(EmulatorOptions::default()).await;
    let path = format!("{}/verify_password", clerk.user_path("ops@acme.example"));
    let spaced = format!(" {{\"password\": \"{PASSWORD}\"}}");
    let request = clerk
        .backend(Method::POST, &path)
        .header("content-type", "application/json")
        .body(spaced);
    assert_eq!(read(request).await.status, 200);
    let log = clerk.admin().request_log();
    assert_eq!(log[0].form_keys, ["password"]);
    assert!(!format!("{log:?}").contains(PASSWORD));
    assert!(!format!("{log:?}").contains(clerk.emulator.secret_key()));
}
