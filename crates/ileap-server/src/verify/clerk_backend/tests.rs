mod calls;
mod emulated;
mod failures;
mod flags;

use std::sync::Mutex;

use jiff::Timestamp;

use super::*;
use crate::{
    clerk::gate::Gate,
    clock::ManualClock,
    identity::{ClientCredentials, ClientId, Role},
    outbound::{
        self, OutboundOptions,
        raw_upstream::{RawUpstream, Reply},
    },
    verify::{ProbeSeverity, contract::attempt},
};

const CLIENT_ID: &str = "ops+1@acme.example";
const SECRET: &str = "canary-secret\"+%41\\ \u{e4}";
const SECRET_KEY: &str = "sk_test_canary-key";
const BODY_TEXT: &str = "canary-body-text";

/// What a scripted Clerk answers, by route; the nth call gets the nth reply, all later ones the last.
#[derive(Clone)]
struct Script {
    lookups: Vec<Reply>,
    memberships: Vec<Reply>,
    organizations: Vec<Reply>,
    passwords: Vec<Reply>,
    users: Vec<Reply>,
}

impl Script {
    /// One verified user without flags who is an operator of one organization, and the right password.
    fn good() -> Self {
        Self {
            lookups: vec![found(&user(""))],
            memberships: vec![memberships(&[("org_1", "acme", "org:ileap_operator")])],
            organizations: vec![Reply::json(200, r#"{"data":[],"total_count":0}"#)],
            passwords: vec![verified("true")],
            users: vec![Reply::json(200, &user(""))],
        }
    }

    fn reply(&self, request: &str, seen: &mut Seen) -> Reply {
        let line = request.lines().next().unwrap();
        let (replies, count) = if line.starts_with("GET /v1/users?") {
            (&self.lookups, &mut seen.lookups)
        } else if line.contains("/organization_memberships?") {
            (&self.memberships, &mut seen.memberships)
        } else if line.starts_with("GET /v1/organizations?") {
            (&self.organizations, &mut seen.organizations)
        } else if line.contains("/verify_password ") {
            (&self.passwords, &mut seen.passwords)
        } else {
            (&self.users, &mut seen.users)
        };
        let reply = replies[(*count).min(replies.len() - 1)].clone();
        *count += 1;
        reply
    }
}

#[derive(Default)]
struct Seen {
    lookups: usize,
    memberships: usize,
    organizations: usize,
    passwords: usize,
    users: usize,
}

fn user(more: &str) -> String {
    user_named("user_1", CLIENT_ID, more)
}

fn user_named(id: &str, email: &str, more: &str) -> String {
    format!(
        r#"{{"id":"{id}","first_name":"{BODY_TEXT}","email_addresses":[{{"email_address":"{email}",
        "verification":{{"status":"verified"}}}}],"unsafe_metadata":{{"roles":["all"]}}{more}}}"#
    )
}

fn found(users: &str) -> Reply {
    Reply::json(200, &format!("[{users}]"))
}

fn verified(value: &str) -> Reply {
    Reply::json(200, &format!(r#"{{"verified":{value}}}"#))
}

fn memberships(organizations: &[(&str, &str, &str)]) -> Reply {
    let membership = |(id, slug, role): &(&str, &str, &str)| {
        format!(r#"{{"role":"{role}","organization":{{"id":"{id}","slug":"{slug}"}}}}"#)
    };
    let all: Vec<_> = organizations.iter().map(membership).collect();
    Reply::json(200, &format!(r#"{{"data":[{}]}}"#, all.join(",")))
}

/// The end of the connection in place of an answer.
fn cut() -> Reply {
    Reply::bytes("")
}

fn refusal_reply(status: u16, code: &str) -> Reply {
    refusal_with(status, "", code)
}

fn refusal_with(status: u16, headers: &str, code: &str) -> Reply {
    let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{BODY_TEXT}"}}]}}"#);
    Reply::json_with(status, headers, &body)
}

/// A verifier over a scripted Clerk.
struct Scene {
    clock: Arc<ManualClock>,
    upstream: RawUpstream,
    verifier: Arc<ClerkBackendVerifier>,
}

impl Scene {
    async fn new(script: Script) -> Self {
        Self::with(script, ClerkBackendOptions::default()).await
    }

    async fn with(script: Script, options: ClerkBackendOptions) -> Self {
        let seen = Mutex::new(Seen::default());
        let answer = move |request: &str| {
            // What is slow here must not hold up other routes.
            let reply = script.reply(request, &mut seen.lock().unwrap());
            match reply {
                Reply::Answer(answer) => answer(request),
                other => other,
            }
        };
        let upstream = RawUpstream::scripted(vec![Reply::Answer(Arc::new(answer))]).await;
        let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        let http = outbound::client(&OutboundOptions::default()).unwrap();
        let gate = Arc::new(Gate::new(None, None, clock.clone()));
        let api = BackendApi::new(upstream.url(), SECRET_KEY, http, gate);
        let options = ClerkBackendOptions {
            timeout: Duration::from_secs(1),
            ..options
        };
        let verifier = ClerkBackendVerifier::new(api, options, clock.clone()).unwrap();
        Self {
            clock,
            upstream,
            verifier: Arc::new(verifier),
        }
    }

    async fn log_in(&self) -> Result<Verdict, VerifyError> {
        self.log_in_as(CLIENT_ID).await
    }

    async fn log_in_as(&self, client_id: &str) -> Result<Verdict, VerifyError> {
        let credentials = credentials(client_id);
        let answer = self.verifier.verify(&attempt(&credentials)).await;
        let text = format!("{answer:?}");
        assert!(!text.contains("canary"), "{text}");
        answer
    }

    /// As the server does it: whose account is it, then is it right.
    async fn log_in_counted(&self) -> Result<Verdict, VerifyError> {
        self.account(CLIENT_ID).await?;
        self.log_in().await
    }

    async fn account(&self, client_id: &str) -> Result<Account, VerifyError> {
        let credentials = credentials(client_id);
        self.verifier.account(&attempt(&credentials)).await
    }

    /// The calls since the last look, without what is drawn at random.
    fn calls(&self, already: usize) -> Vec<String> {
        let decoy = &self.verifier.decoy;
        let call = |request: &String| {
            let line = request.lines().next().unwrap();
            let line = line.trim_end_matches(" HTTP/1.1").replace(decoy, "DECOY");
            line.split("&limit=")
                .next()
                .unwrap()
                .replace("?limit=100&offset=0", "")
        };
        self.upstream
            .requests()
            .iter()
            .skip(already)
            .map(call)
            .collect()
    }
}

fn credentials(client_id: &str) -> ClientCredentials {
    ClientCredentials {
        client_id: ClientId::new(client_id).unwrap(),
        client_secret: crate::identity::ClientSecret::new(SECRET).unwrap(),
    }
}

const LOOKUP: &str = "GET /v1/users?email_address=ops%2B1%40acme.example";
const PASSWORD: &str = "POST /v1/users/user_1/verify_password";
const DECOY: &str = "POST /v1/users/DECOY/verify_password";
const MEMBERSHIPS: &str = "GET /v1/users/user_1/organization_memberships";
const USER: &str = "GET /v1/users/user_1";

fn is_accepted(answer: &Result<Verdict, VerifyError>) -> bool {
    matches!(answer, Ok(Verdict::Accept(_)))
}

fn reason(answer: Result<Verdict, VerifyError>) -> RejectReason {
    match answer {
        Ok(Verdict::Reject(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_right_password_gives_subject_organization_and_role() {
    let scene = Scene::new(Script::good()).await;
    let Ok(Verdict::Accept(client)) = scene.log_in().await else {
        panic!("refused");
    };
    assert_eq!(client.subject, "clerk|user_1");
    assert_eq!(client.client_id.as_str(), CLIENT_ID);
    assert_eq!(client.organization.unwrap().id, "org_1");
    assert!(client.roles.into_iter().eq([Role::Operator]));
}

#[tokio::test]
async fn the_organization_in_the_client_id_is_chosen_and_not_part_of_the_name() {
    let both = [
        ("org_1", "acme", "org:ileap_operator"),
        ("org_2", "other", "org:ileap_user"),
    ];
    let script = Script {
        memberships: vec![memberships(&both)],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    assert_eq!(reason(scene.log_in().await), RejectReason::NoOrganization);
    let answer = scene.log_in_as(&format!("{CLIENT_ID}@other")).await;
    let Ok(Verdict::Accept(client)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(client.organization.unwrap().id, "org_2");
    assert!(client.roles.into_iter().eq([Role::User]));
    assert_eq!(scene.calls(0)[0], LOOKUP);
}

#[tokio::test]
async fn a_membership_in_the_required_organization_is_needed() {
    let options = |organization: &str| ClerkBackendOptions {
        organization: Some(organization.to_owned()),
        ..ClerkBackendOptions::default()
    };
    let scene = Scene::with(Script::good(), options("org_1")).await;
    assert!(is_accepted(&scene.log_in().await));
    let scene = Scene::with(Script::good(), options("org_2")).await;
    assert_eq!(reason(scene.log_in().await), RejectReason::NoOrganization);
}

#[tokio::test]
async fn a_failure_counts_against_the_user_or_against_an_identifier_that_nobody_has() {
    let scene = Scene::new(Script::good()).await;
    let account = scene.account(CLIENT_ID).await.unwrap();
    assert_eq!(account.key.as_str(), "clerk|user_1");
    let script = Script {
        lookups: vec![found("")],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    let account = scene.account("Ops+1@acme.example").await.unwrap();
    assert_eq!(account.key.as_str(), "identifier|ops+1@acme.example");
}

#[tokio::test]
async fn half_of_the_highest_counter_seen_may_fail_for_known_and_unknown_alike() {
    let counter = |remaining: &str| {
        let more = format!(r#","verification_attempts_remaining":{remaining}"#);
        found(&user(&more))
    };
    for (replies, allowed) in [
        (vec![counter("null"), found("")], [5, 5]),
        (vec![counter("20"), found("")], [10, 10]),
        (vec![counter("1000"), found("")], [50, 50]),
        (vec![counter("3"), found("")], [2, 5]),
        (vec![counter("1"), found("")], [0, 5]),
        (vec![counter("0"), counter("100")], [0, 50]),
        (vec![counter("-1"), counter("\"many\"")], [5, 5]),
    ] {
        let script = Script {
            lookups: replies,
            ..Script::good()
        };
        let scene = Scene::new(script).await;
        for (client_id, allowed) in [CLIENT_ID, "other@acme.example"].into_iter().zip(allowed) {
            let account = scene.account(client_id).await.unwrap();
            assert_eq!(account.allowed_failures, Some(allowed), "{client_id}");
        }
    }
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let scene = Scene::new(Script::good()).await;
    let text = format!("{:?}", scene.verifier.api);
    assert!(
        text.contains("BackendApi") && !text.contains("canary"),
        "{text}"
    );
}

#[tokio::test]
async fn a_probe_says_what_stands_in_the_way() {
    let probe = async |reply: Reply| {
        let script = Script {
            organizations: vec![reply],
            ..Script::good()
        };
        let findings = Scene::new(script).await.verifier.probe().await;
        let findings = findings
            .into_iter()
            .map(|found| (found.severity, found.finding + &found.remedy));
        findings.collect::<Vec<_>>()
    };
    let fine = Reply::json(200, r#"{"data":[],"total_count":0}"#);
    assert_eq!(probe(fine).await, []);
    for (reply, severity, text) in [
        (
            refusal_reply(401, "clerk_key_invalid"),
            ProbeSeverity::Error,
            "CLERK_SECRET_KEY",
        ),
        (
            refusal_reply(500, "internal_clerk_error"),
            ProbeSeverity::Error,
            "no answer",
        ),
        (
            refusal_with(429, "retry-after: 30\r\n", "too_many_requests"),
            ProbeSeverity::Warning,
            "30 seconds",
        ),
        (
            refusal_reply(403, "organization_not_enabled_in_instance"),
            ProbeSeverity::Info,
            "access.default_role",
        ),
        (
            cut(),
            ProbeSeverity::Error,
            "verifier.clerk.backend_api_url",
        ),
    ] {
        let findings = probe(reply).await;
        assert!(
            matches!(&findings[..], [(found, said)] if *found == severity && said.contains(text)),
            "{findings:?}"
        );
    }
}

#[tokio::test]
async fn the_key_of_a_development_instance_is_remarked_on_where_partners_come_from_elsewhere() {
    let options = ClerkBackendOptions {
        is_public: true,
        ..ClerkBackendOptions::default()
    };
    let findings = Scene::with(Script::good(), options)
        .await
        .verifier
        .probe()
        .await;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, ProbeSeverity::Info);
    assert!(findings[0].finding.contains("development instance"));
}

#[tokio::test]
async fn the_last_attempt_that_clerk_leaves_is_never_used_up() {
    let script = Script {
        lookups: vec![found(&user(r#","verification_attempts_remaining":3"#))],
        passwords: vec![refusal_reply(422, "incorrect_password")],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    for allowed in [2, 1, 0] {
        let account = scene.account(CLIENT_ID).await.unwrap();
        assert_eq!(account.allowed_failures, Some(allowed));
        scene.log_in().await.unwrap();
    }
}

#[tokio::test]
async fn a_probe_learns_from_others_when_accounts_are_locked() {
    let with = |id: &str, remaining: u32| {
        let more = format!(r#","verification_attempts_remaining":{remaining}"#);
        user_named(id, CLIENT_ID, &more)
    };
    let others = [with("user_2", 30), with("user_3", 4)].join(",");
    let script = Script {
        lookups: vec![found(&others), found(&with("user_1", 20))],
        ..Script::good()
    };
    let scene = Scene::new(script).await;
    scene.verifier.probe().await;
    let account = scene.account(CLIENT_ID).await.unwrap();
    assert_eq!(account.allowed_failures, Some(15));
}
