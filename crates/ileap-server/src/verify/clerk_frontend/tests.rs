mod emulated;

use std::sync::Mutex;

use super::*;
use crate::{
    clerk::gate::Gate,
    clock::SystemClock,
    identity::ClientSecret,
    outbound::{
        self, OutboundOptions,
        raw_upstream::{RawUpstream, Reply},
    },
    telemetry::Metrics,
    verify::{ProbeSeverity, RejectReason, contract::attempt},
};

const SECRET: &str = "canary-secret+%41 \u{e4}";
const CLIENT_TOKEN: &str = "canary-client-token";
const BODY_TEXT: &str = "canary-body-text";

const COMPLETE: &str = r#"{"response":{"status":"complete","created_session_id":"sess_1"},
    "client":{"sessions":[{"id":"sess_1","status":"active","user":{"id":"user_1",
    "first_name":"canary-body-text","organization_memberships":[{"role":"org:ileap_operator",
    "organization":{"id":"org_1","slug":"acme"}}]},"last_active_token":{"jwt":"canary-body-text"}}]}}"#;

fn credentials() -> ClientCredentials {
    ClientCredentials {
        client_id: ClientId::new("ops+1@acme.example").unwrap(),
        client_secret: ClientSecret::new(SECRET).unwrap(),
    }
}

/// Without Clerk's limits.
fn gate() -> Arc<Gate> {
    Arc::new(Gate::new(None, None, Arc::new(SystemClock)))
}

fn verifier(upstream: &RawUpstream) -> ClerkFrontendVerifier {
    let http = outbound::client(&OutboundOptions::default()).unwrap();
    let options = ClerkFrontendOptions {
        timeout: Duration::from_millis(500),
        ..ClerkFrontendOptions::default()
    };
    ClerkFrontendVerifier::new(FrontendApi::new(upstream.url(), http, gate()), options)
}

async fn verify(replies: Vec<Reply>) -> (Result<Verdict, VerifyError>, Vec<String>) {
    let upstream = RawUpstream::scripted(replies).await;
    let verifier = verifier(&upstream);
    let credentials = credentials();
    let attempt = attempt(&credentials);
    let answer = verifier.verify(&attempt);
    let answer = tokio::time::timeout(Duration::from_secs(30), answer).await;
    assert!(verifier.drain(Duration::from_secs(30)).await);
    (answer.expect("no answer at all"), upstream.requests())
}

fn complete() -> Reply {
    let token = format!("authorization: {CLIENT_TOKEN}\r\n");
    Reply::json_with(200, &token, COMPLETE)
}

fn refusal(status: u16, code: &str) -> Reply {
    refusal_with(status, "", &format!(r#"{{"code":"{code}"}}"#))
}

fn refusal_with(status: u16, headers: &str, error: &str) -> Reply {
    let body = format!(r#"{{"errors":[{error}],"meta":{{"client":"{BODY_TEXT}"}}}}"#);
    Reply::json_with(status, headers, &body)
}

fn status(status: &str) -> Reply {
    let first_factors = r#"[{"strategy":"password"}]"#;
    let body = format!(
        r#"{{"response":{{"id":"sia_1","status":"{status}","supported_first_factors":{first_factors}}}}}"#
    );
    Reply::json_with(200, "authorization: step-token\r\n", &body)
}

fn cause(answer: Result<Verdict, VerifyError>) -> String {
    match answer {
        Err(VerifyError::Unavailable { cause, .. }) => cause,
        other => panic!("not unavailable: {other:?}"),
    }
}

fn config_code(answer: Result<Verdict, VerifyError>) -> String {
    match answer {
        Err(VerifyError::Misconfigured { code, .. }) => code,
        other => panic!("not misconfigured: {other:?}"),
    }
}

fn is_accepted(answer: &Result<Verdict, VerifyError>) -> bool {
    matches!(answer, Ok(Verdict::Accept(_)))
}

fn paths(requests: &[String]) -> Vec<&str> {
    let path = |request: &'_ String| -> usize { request.find(" HTTP/1.1").unwrap() };
    requests
        .iter()
        .map(|request| &request[..path(request)])
        .collect()
}

#[tokio::test]
async fn a_right_secret_gives_subject_organization_and_roles() {
    let (answer, _) = verify(vec![complete()]).await;
    let Ok(Verdict::Accept(client)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(client.subject, "clerk|user_1");
    assert_eq!(client.client_id.as_str(), "ops+1@acme.example");
    assert_eq!(client.organization.unwrap().id, "org_1");
    assert!(client.roles.into_iter().eq([Role::Operator]));
}

#[tokio::test]
async fn the_sign_in_is_a_native_form_request() {
    let (_, requests) = verify(vec![complete()]).await;
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(
        lines.next(),
        Some("POST /v1/client/sign_ins?_is_native=1 HTTP/1.1")
    );
    let headers: Vec<_> = lines.collect();
    for header in [
        "accept: application/json",
        "authorization: ",
        "clerk-api-version: 2025-11-10",
        "content-type: application/x-www-form-urlencoded",
        concat!("user-agent: ileap/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(headers.contains(&header), "{header} is not in {headers:?}");
    }
    assert!(!head.contains("origin:") && !head.contains("cookie:"));
    assert_eq!(
        body,
        "strategy=password&identifier=ops%2B1%40acme.example&password=canary-secret%2B%2541+%C3%A4"
    );
}

#[tokio::test]
async fn the_session_of_a_login_is_removed_with_its_client_token() {
    let (_, requests) = verify(vec![complete(), Reply::json(200, "{}")]).await;
    assert_eq!(
        paths(&requests)[1..],
        ["POST /v1/client/sessions/sess_1/remove?_is_native=1"]
    );
    assert!(requests[1].contains(&format!("authorization: {CLIENT_TOKEN}\r\n")));
}

#[tokio::test]
async fn the_session_of_a_refused_account_is_removed_too() {
    let banned = COMPLETE.replace(r#""id":"user_1""#, r#""id":"user_1","banned":true"#);
    let token = format!("authorization: {CLIENT_TOKEN}\r\n");
    let (answer, requests) = verify(vec![Reply::json_with(200, &token, &banned)]).await;
    assert_eq!(answer, Ok(Verdict::Reject(RejectReason::Banned)));
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn a_failed_removal_changes_nothing_and_is_not_repeated() {
    let (answer, requests) = verify(vec![complete(), Reply::json(500, "{}")]).await;
    assert!(is_accepted(&answer));
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn removals_are_few_at_a_time_and_dropped_when_too_many_wait() {
    let upstream = RawUpstream::scripted(vec![complete(), Reply::Hang]).await;
    let verifier = verifier(&upstream);
    assert!(is_accepted(
        &verifier.verify(&attempt(&credentials())).await
    ));
    let removals = &verifier.removals;
    for _ in 0..1000 {
        let answer = crate::clerk::call::ClientToken::for_test(CLIENT_TOKEN);
        removals.enqueue("sess_2".to_owned(), answer);
    }
    assert_eq!(removals.dropped(), 1000 - 255);
    assert!(!verifier.drain(Duration::from_millis(50)).await);
    assert!(upstream.requests().len() <= 1 + 4);
}

#[tokio::test]
async fn a_refused_secret_is_an_answer_and_not_tried_again() {
    let (answer, requests) = verify(vec![refusal(422, "form_password_incorrect")]).await;
    assert_eq!(answer, Ok(Verdict::Reject(RejectReason::WrongSecret)));
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn unknown_statuses_are_refused_without_blaming_the_secret() {
    for name in ["needs_something_new", "needs_first_factor"] {
        let (answer, requests) = verify(vec![status(name)]).await;
        assert_eq!(answer, Ok(Verdict::Reject(RejectReason::UnknownStatus)));
        assert_eq!(requests.len(), 1);
    }
}

#[tokio::test]
async fn an_identifier_that_clerk_did_not_see_is_our_mistake() {
    let (answer, _) = verify(vec![status("needs_identifier")]).await;
    assert_eq!(config_code(answer), "needs_identifier");
}

fn framed(headers: &str, body: &str) -> Reply {
    Reply::bytes(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n{body}"))
}

/// Answers that are none, each with the word that logs show.
fn garbage() -> Vec<(&'static str, Reply, &'static str)> {
    let length = COMPLETE.len();
    let truncated = &COMPLETE[..length / 2];
    let long = format!("content-length: {}\r\n", length + 1);
    let mut invalid_utf8 = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"response\":\"".to_vec();
    invalid_utf8.extend_from_slice(b"\xff\xfe\"}");
    vec![
        ("hang", Reply::Hang, "timeout"),
        (
            "headers, then hang",
            framed("content-length: 9\r\n", ""),
            "body",
        ),
        ("truncated JSON", Reply::json(200, truncated), "malformed"),
        ("too long a content-length", framed(&long, COMPLETE), "body"),
        (
            "too short a content-length",
            framed("content-length: 40\r\n", COMPLETE),
            "malformed",
        ),
        (
            "chunks broken off",
            framed("transfer-encoding: chunked\r\n", "20\r\n{\"response\":"),
            "body",
        ),
        (
            "an HTML page",
            framed(
                "content-type: text/html\r\nconnection: close\r\n",
                "<html>Log in to WiFi</html>",
            ),
            "malformed",
        ),
        (
            "a content coding",
            framed("content-encoding: gzip\r\nconnection: close\r\n", COMPLETE),
            "malformed",
        ),
        ("invalid UTF-8", Reply::Bytes(invalid_utf8), "malformed"),
        ("an empty body", Reply::json(200, ""), "malformed"),
        ("a JSON array", Reply::json(200, "[]"), "malformed"),
        (
            "JSON of another kind",
            Reply::json(200, r#"{"response":{"status":1}}"#),
            "malformed",
        ),
        (
            "no status",
            Reply::json(200, r#"{"response":{}}"#),
            "malformed",
        ),
        (
            "204",
            Reply::bytes("HTTP/1.1 204 X\r\nconnection: close\r\n\r\n"),
            "malformed",
        ),
        (
            "a body without end",
            Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec()),
            "too_large",
        ),
        ("a reset", Reply::Reset, "reset"),
        ("nothing", Reply::bytes(""), "reset"),
        (
            "no HTTP",
            Reply::bytes("SSH-2.0-OpenSSH_9.9\r\n\r\n"),
            "reset",
        ),
        (
            "a refusal that is not Clerk's",
            Reply::json(422, "{}"),
            "malformed",
        ),
    ]
}

#[tokio::test]
async fn garbage_is_never_a_refusal_and_never_tried_again() {
    for (name, reply, word) in garbage() {
        let (answer, requests) = verify(vec![reply]).await;
        assert_eq!(cause(answer), word, "{name}");
        assert!(requests.len() <= 1, "{name}");
    }
}

#[tokio::test]
async fn a_redirect_is_a_wrong_setting_and_not_followed() {
    let redirect = "HTTP/1.1 307 X\r\nlocation: /v1/elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (answer, requests) = verify(vec![Reply::bytes(redirect)]).await;
    assert_eq!(config_code(answer), "http_307");
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn a_sign_in_is_not_tried_again_after_a_gateway_failed_for_clerk_may_have_judged_it() {
    for status in [502, 503, 504] {
        let (answer, requests) = verify(vec![Reply::json(status, "<html>"), complete()]).await;
        assert!(answer.as_ref().unwrap_err().may_have_counted());
        assert_eq!(cause(answer), format!("http_{status}"));
        assert_eq!(requests.len(), 1);
    }
}

#[tokio::test]
async fn maintenance_and_faults_of_clerks_own_are_not_tried_again() {
    for (status, code) in [(503, "maintenance_mode"), (500, "internal_clerk_error")] {
        let (answer, requests) = verify(vec![refusal(status, code)]).await;
        assert_eq!(cause(answer), code);
        assert_eq!(requests.len(), 1);
    }
}

#[tokio::test]
async fn a_throttle_without_wait_is_tried_once_more_a_longer_one_is_passed_on() {
    let throttle = |seconds: u64| {
        let header = format!("retry-after: {seconds}\r\n");
        refusal_with(429, &header, r#"{"code":"too_many_requests"}"#)
    };
    let (answer, _) = verify(vec![throttle(0), complete()]).await;
    assert!(is_accepted(&answer));
    // Two seconds would be bearable, but outlast this verifier's deadline.
    for (seconds, calls) in [(0, 2), (2, 1), (7, 1)] {
        let (answer, requests) = verify(vec![throttle(seconds)]).await;
        let retry_after = Duration::from_secs(seconds);
        assert_eq!(answer, Err(VerifyError::Throttled { retry_after }));
        assert_eq!(requests.len(), calls);
    }
}

#[tokio::test]
async fn a_stale_client_is_replaced_once() {
    for (status, code) in [
        (400, "session_exists"),
        (400, "identifier_already_signed_in"),
    ] {
        let (answer, _) = verify(vec![refusal(status, code), complete()]).await;
        assert!(is_accepted(&answer));
        let (answer, requests) = verify(vec![refusal(status, code)]).await;
        assert_eq!(cause(answer), code);
        assert_eq!(requests.len(), 2);
    }
}

#[tokio::test]
async fn an_abandoned_attempt_is_replaced_once() {
    let (answer, _) = verify(vec![status("abandoned"), complete()]).await;
    assert!(is_accepted(&answer));
    let (answer, requests) = verify(vec![status("abandoned")]).await;
    assert_eq!(cause(answer), "abandoned");
    assert_eq!(requests.len(), 2);
}

/// An address that is taken, by one who does not listen.
fn nobody() -> (tokio::net::TcpSocket, url::Url) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    (socket, url.parse().unwrap())
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let (_held, url) = nobody();
    let http = outbound::client(&OutboundOptions::default()).unwrap();
    let api = FrontendApi::new(&url, http, gate());
    let verifier = ClerkFrontendVerifier::new(api, ClerkFrontendOptions::default());
    assert_eq!(
        cause(verifier.verify(&attempt(&credentials())).await),
        "connect"
    );
}

#[tokio::test]
async fn a_sign_in_that_never_left_is_tried_once_more() {
    let (_held, url) = nobody();
    let http = outbound::client(&OutboundOptions::default()).unwrap();
    let metrics = Arc::new(Metrics::new());
    let gate = Gate::new(None, None, Arc::new(SystemClock)).counted("frontend", metrics.clone());
    let api = FrontendApi::new(&url, http, Arc::new(gate));
    let verifier = ClerkFrontendVerifier::new(api, ClerkFrontendOptions::default());
    cause(verifier.verify(&attempt(&credentials())).await);
    let calls = r#"ileap_clerk_calls_total{api="frontend",outcome="unanswered"} 2"#;
    let rendered = metrics.render();
    assert!(rendered.lines().any(|line| line == calls), "{rendered}");
}

#[tokio::test]
async fn after_calls_without_an_answer_one_without_a_secret_goes_first() {
    let upstream = RawUpstream::scripted(vec![
        refusal(500, "internal_clerk_error"),
        refusal(500, "internal_clerk_error"),
        Reply::json(200, "{}"),
    ])
    .await;
    let verifier = verifier(&upstream);
    let credentials = credentials();
    let attempt = attempt(&credentials);
    verifier.account(&attempt).await.unwrap();
    assert_eq!(upstream.requests().len(), 0);
    cause(verifier.verify(&attempt).await);
    // No password is shown to a Clerk that does not answer this either.
    assert!(verifier.account(&attempt).await.is_err());
    verifier.account(&attempt).await.unwrap();
    verifier.account(&attempt).await.unwrap();
    let environment = "GET /v1/environment?_is_native=1";
    assert_eq!(paths(&upstream.requests())[1..], [environment; 2]);
}

#[tokio::test]
async fn a_development_browser_is_made_when_clerk_asks_for_one_and_kept() {
    let upstream = RawUpstream::scripted(vec![
        refusal(401, "dev_browser_unauthenticated"),
        Reply::json(200, r#"{"id":"dvb_1"}"#),
        complete(),
        Reply::json(200, "{}"),
    ])
    .await;
    let verifier = verifier(&upstream);
    assert!(is_accepted(
        &verifier.verify(&attempt(&credentials())).await
    ));
    assert!(verifier.drain(Duration::from_secs(30)).await);
    let _ = verifier.verify(&attempt(&credentials())).await;
    let sign_in = "POST /v1/client/sign_ins?_is_native=1";
    assert_eq!(
        paths(&upstream.requests()),
        [
            sign_in,
            "POST /v1/dev_browser",
            &format!("{sign_in}&__clerk_db_jwt=dvb_1"),
            "POST /v1/client/sessions/sess_1/remove?_is_native=1&__clerk_db_jwt=dvb_1",
            &format!("{sign_in}&__clerk_db_jwt=dvb_1"),
        ]
    );
}

#[tokio::test]
async fn one_development_browser_serves_all_logins_that_wait_for_it() {
    let instance = |request: &str| {
        if request.starts_with("POST /v1/dev_browser") {
            Reply::json(200, r#"{"id":"dvb_1"}"#)
        } else if request.contains("__clerk_db_jwt=dvb_1") {
            refusal(422, "form_password_incorrect")
        } else {
            refusal(401, "dev_browser_unauthenticated")
        }
    };
    let upstream = RawUpstream::scripted(vec![Reply::Answer(Arc::new(instance))]).await;
    let verifier = verifier(&upstream);
    let credentials = credentials();
    let attempt = attempt(&credentials);
    let logins = (0..8).map(|_| verifier.verify(&attempt));
    for answer in futures_util::future::join_all(logins).await {
        assert_eq!(answer, Ok(Verdict::Reject(RejectReason::WrongSecret)));
    }
    let requests = upstream.requests();
    let is_creation = |path: &&&str| **path == "POST /v1/dev_browser";
    assert_eq!(paths(&requests).iter().filter(is_creation).count(), 1);
}

#[tokio::test]
async fn a_development_browser_that_expired_is_replaced() {
    let upstream = RawUpstream::scripted(vec![
        refusal(401, "dev_browser_unauthenticated"),
        Reply::json(200, r#"{"id":"dvb_1"}"#),
        status("needs_new_password"),
        refusal(401, "dev_browser_unauthenticated"),
        Reply::json(200, r#"{"id":"dvb_2"}"#),
        status("needs_new_password"),
    ])
    .await;
    let verifier = verifier(&upstream);
    for _ in 0..2 {
        let answer = verifier.verify(&attempt(&credentials())).await;
        assert_eq!(
            answer,
            Ok(Verdict::Reject(RejectReason::NewPasswordRequired))
        );
    }
    assert!(upstream.requests()[5].contains("__clerk_db_jwt=dvb_2"));
}

#[tokio::test]
async fn a_development_browser_that_does_not_help_is_a_wrong_setting() {
    let refused = refusal(401, "dev_browser_unauthenticated");
    let browser = Reply::json(200, r#"{"id":"dvb_1"}"#);
    let (answer, requests) = verify(vec![refused.clone(), browser, refused]).await;
    assert_eq!(config_code(answer), "dev_browser_unauthenticated");
    assert_eq!(requests.len(), 3);
}

const ONE_SHOT_REFUSED: &str = r#"{"code":"form_param_unknown","meta":{"param_name":"password"}}"#;

#[tokio::test]
async fn an_instance_that_takes_no_password_at_once_gets_it_in_a_second_step_from_then_on() {
    let upstream = RawUpstream::scripted(vec![
        refusal_with(422, "", ONE_SHOT_REFUSED),
        status("needs_first_factor"),
        refusal(422, "form_password_incorrect"),
        status("needs_first_factor"),
        refusal(422, "form_password_incorrect"),
    ])
    .await;
    let verifier = verifier(&upstream);
    for _ in 0..2 {
        let answer = verifier.verify(&attempt(&credentials())).await;
        assert_eq!(answer, Ok(Verdict::Reject(RejectReason::WrongSecret)));
    }
    let requests = upstream.requests();
    let create = "POST /v1/client/sign_ins?_is_native=1";
    let attempt = "POST /v1/client/sign_ins/sia_1/attempt_first_factor?_is_native=1";
    assert_eq!(paths(&requests), [create, create, attempt, create, attempt]);
    assert!(requests[2].contains("authorization: step-token\r\n"));
    assert!(!requests[1].contains("password"));
}

#[tokio::test]
async fn an_instance_that_takes_no_password_in_two_steps_either_is_a_wrong_setting() {
    let (answer, requests) = verify(vec![refusal_with(422, "", ONE_SHOT_REFUSED)]).await;
    assert_eq!(config_code(answer), "form_param_unknown");
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn a_session_before_the_password_was_shown_is_no_proof() {
    let (answer, _) = verify(vec![refusal_with(422, "", ONE_SHOT_REFUSED), complete()]).await;
    assert_eq!(answer, Ok(Verdict::Reject(RejectReason::UnknownStatus)));
}

#[tokio::test]
async fn an_attempt_that_vanished_between_the_steps_is_started_over_once() {
    let (answer, requests) = verify(vec![
        refusal_with(422, "", ONE_SHOT_REFUSED),
        status("needs_first_factor"),
        refusal(404, "resource_not_found"),
        status("needs_first_factor"),
        complete(),
    ])
    .await;
    assert!(is_accepted(&answer));
    assert_eq!(requests.len(), 6);
}

#[tokio::test]
async fn a_probe_tells_settings_and_failures() {
    let environment = r#"{"maintenance_mode":true}"#;
    for (reply, severity, text) in [
        (
            Reply::json(200, environment),
            ProbeSeverity::Error,
            "maintenance",
        ),
        (
            refusal(400, "native_api_disabled"),
            ProbeSeverity::Error,
            "native_api_disabled",
        ),
        (
            refusal(429, "too_many_requests"),
            ProbeSeverity::Warning,
            "throttles",
        ),
        (Reply::Hang, ProbeSeverity::Error, "timeout"),
        (
            Reply::json(200, "<html>"),
            ProbeSeverity::Error,
            "malformed",
        ),
    ] {
        let upstream = RawUpstream::scripted(vec![reply]).await;
        let findings = verifier(&upstream).probe().await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].severity, severity);
        assert!(findings[0].finding.contains(text), "{findings:?}");
    }
}

#[tokio::test]
async fn a_probe_makes_a_development_browser_when_clerk_asks_for_one_and_only_then() {
    let environment = "GET /v1/environment?_is_native=1";
    let asked = async |replies: Vec<Reply>| {
        let upstream = RawUpstream::scripted(replies).await;
        let findings = verifier(&upstream).probe().await;
        let finding = findings.into_iter().next().unwrap().finding;
        (finding, upstream.requests())
    };
    let (finding, requests) = asked(vec![
        refusal(401, "dev_browser_unauthenticated"),
        Reply::json(200, r#"{"id":"dvb_1"}"#),
        Reply::json(200, r#"{"maintenance_mode":true}"#),
    ])
    .await;
    assert!(finding.contains("maintenance"), "{finding}");
    let again = format!("{environment}&__clerk_db_jwt=dvb_1");
    assert_eq!(
        paths(&requests),
        [environment, "POST /v1/dev_browser", &again]
    );
    let (_, requests) = asked(vec![refusal(400, "native_api_disabled")]).await;
    assert_eq!(paths(&requests), [environment]);
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_token_or_body_text_is_ever_shown_or_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let canary_error =
        format!(r#"{{"code":"user_locked","message":"{BODY_TEXT}","long_message":"{BODY_TEXT}"}}"#);
    let mut scripts = vec![
        vec![complete(), Reply::json(200, "{}")],
        vec![complete(), refusal(404, "resource_not_found")],
        vec![refusal_with(403, "", &canary_error)],
        vec![refusal_with(
            400,
            "",
            &canary_error.replace("user_locked", "native_api_disabled"),
        )],
        vec![Reply::json(200, BODY_TEXT)],
        vec![
            refusal(401, "dev_browser_unauthenticated"),
            Reply::json(200, &format!(r#"{{"id":"{CLIENT_TOKEN}"}}"#)),
            Reply::Reset,
        ],
    ];
    scripts.extend(garbage().into_iter().map(|(_, reply, _)| vec![reply]));
    let mut shown = Vec::new();
    for replies in scripts {
        // Other tests' subscribers come and go at the same time.
        tracing::callsite::rebuild_interest_cache();
        let upstream = RawUpstream::scripted(replies).await;
        let verifier = verifier(&upstream);
        let answer = verifier.verify(&attempt(&credentials())).await;
        verifier.drain(Duration::from_secs(30)).await;
        let display = answer.as_ref().err().map(ToString::to_string);
        let findings = verifier.probe().await;
        let credentials = credentials();
        shown.push(format!(
            "{answer:?} {display:?} {findings:?} {verifier:?} {credentials:?}"
        ));
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("Clerk refused a call"),
        "nothing was captured"
    );
    for text in [&shown.concat(), &logged] {
        for canary in ["canary-secret", CLIENT_TOKEN, BODY_TEXT] {
            assert!(!text.contains(canary), "{canary}");
        }
    }
}
