//! Logins over Clerk's Backend API, from the token request to the data.

use clerk_emulator::{Endpoint, Fault};

use crate::harness::{Options, TestServer, refusal, text};

const TURNED_AWAY: &str = r#"
[[user]]
username = "banned"
password = "right"
scenario = "banned"

[[user]]
username = "locked"
password = "right"
scenario = "locked"

[[user]]
username = "locked_forever"
password = "right"
scenario = "locked_forever"

[[user]]
username = "mfa"
password = "right"
scenario = "mfa"

[[user]]
username = "passwordless"
password = "right"
scenario = "passwordless"

[[user]]
email = "unverified@acme.example"
password = "right"
scenario = "unverified_email"
"#;

#[tokio::test]
async fn every_role_logs_in_and_no_session_is_left() {
    let server = TestServer::start_with(Options::default().over_backend()).await;
    for client in [
        "hello",
        "transport_service_user",
        "transport_service_organizer",
        "operator",
    ] {
        let caller = server.as_client(client).await;
        let footprints = caller.data("/2/footprints").await;
        assert!(!footprints.as_array().unwrap().is_empty(), "{client}");
    }
    assert_eq!(server.clerk.admin().sessions_active(), 0);
    assert_eq!(server.clerk.admin().calls().of(Endpoint::CreateSignIn), 0);
}

#[tokio::test]
async fn every_refusal_looks_the_same_from_outside() {
    let options = Options::default().over_backend().with_users(TURNED_AWAY);
    let server = TestServer::start_with(options).await;
    let names = TURNED_AWAY.lines().filter_map(|line| {
        let (name, text) = line.split_once(" = ")?;
        matches!(name, "username" | "email").then(|| text.trim_matches('"'))
    });
    let mut attempts: Vec<_> = names.map(|name| (name, "right")).collect();
    assert_eq!(attempts.len(), 6);
    attempts.extend([("hello", "wrong"), ("nobody", "right"), ("user_1", "right")]);
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
async fn device_trust_and_a_second_factor_that_is_waived_are_not_in_the_way() {
    let mut options = Options::default()
        .over_backend()
        .with_users(
            "[[user]]\nusername = \"mfa\"\npassword = \"right\"\norganization = \"way\"\nrole = \"all\"\n\
             scenario = \"mfa\"\n",
        )
        .set("ILEAP_VERIFIER__CLERK__ALLOW_MFA_USERS", "true");
    options.clerk.device_trust = true;
    let server = TestServer::start_with(options).await;
    for (id, secret) in [("hello", "pathfinder"), ("mfa", "right")] {
        let answer = server.token_request(id, secret).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{id}");
    }
}

#[tokio::test]
async fn an_instance_without_organizations_gives_the_default_role() {
    let mut options = Options::default()
        .over_backend()
        .set("ILEAP_ACCESS__DEFAULT_ROLE", "user");
    options.clerk.organizations = false;
    let server = TestServer::start_with(options).await;
    let request = server.token_request("hello", "pathfinder");
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn trouble_at_clerk_is_no_wrong_password() {
    for endpoint in [
        Endpoint::BackendListUsers,
        Endpoint::BackendVerifyPassword,
        Endpoint::BackendListUserMemberships,
    ] {
        for fault in [
            Fault::error(500, "internal_clerk_error"),
            Fault::error(429, "too_many_requests"),
            Fault::error(401, "clerk_key_invalid"),
            Fault::HtmlPage,
            Fault::Redirect,
        ] {
            let server = TestServer::start_with(Options::default().over_backend()).await;
            server.clerk.admin().fail_always(endpoint, fault.clone());
            let request = server.token_request("hello", "pathfinder");
            let answer = refusal(request.send().await.unwrap()).await;
            let expected = (503, "temporarily_unavailable".to_owned());
            assert_eq!(answer, expected, "{endpoint:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn whoever_guesses_reaches_clerk_three_times_whether_or_not_there_is_such_a_user() {
    let options = Options::default()
        .over_backend()
        .set("ILEAP_VERIFIER__BUDGET__ENABLED", "true");
    let server = TestServer::start_with(options).await;
    for id in ["operator", "nobody"] {
        let checks = || {
            server
                .clerk
                .admin()
                .calls()
                .of(Endpoint::BackendVerifyPassword)
        };
        let before = checks();
        for guess in 0..12 {
            let secret = format!("wrong-{guess}");
            server.token_request(id, &secret).send().await.unwrap();
        }
        assert_eq!(checks() - before, 3, "{id}");
    }
}
