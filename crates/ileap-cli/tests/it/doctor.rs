//! `ileap doctor` against emulated Clerk instances in good and bad health.

mod certificate;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    thread,
};

use clerk_emulator::{
    ClerkEmulator, EmulatorOptions, EmulatorUser, Endpoint, Fault, InstanceKind, Scenario,
};
use ileap_server::{
    clock::{Clock as _, SystemClock},
    store::{
        logins::{LoginRecords as _, RefusedLogin},
        sql::SqlStore,
    },
    verify::AccountKey,
};
use serde_json::Value;

use crate::{
    commands::{ileap, run},
    upstream_tls::{Shown, authority},
};

const PASSWORD: &str = "canary-Lantern-4711";
const SECRET_KEY: &str = "sk_test_canary0000000000000000000000000000";
const OPS: &str = "ops@acme.example";

/// An instance, and a directory for everything that a server keeps.
struct Deployment {
    clerk: ClerkEmulator,
    directory: tempfile::TempDir,
}

/// Which keys the configuration has.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Keys {
    Frontend,
    Secret,
}

fn user(email: &str) -> EmulatorUser {
    EmulatorUser::with_email(email, PASSWORD).member_of("acme", "user")
}

fn users() -> Vec<EmulatorUser> {
    let mut claimed = user("unproved@acme.example");
    claimed.scenario = Scenario::UnverifiedEmail;
    vec![
        user(OPS),
        user("locked@acme.example").in_scenario(Scenario::Locked),
        user("banned@acme.example").in_scenario(Scenario::Banned),
        user("mfa@acme.example").in_scenario(Scenario::Mfa),
        user("bare@acme.example").in_scenario(Scenario::Passwordless),
        EmulatorUser::with_email("alone@acme.example", PASSWORD),
        claimed,
        user("one@acme.example").claiming("shared@acme.example"),
        user("two@acme.example").claiming("shared@acme.example"),
    ]
}

impl Deployment {
    async fn new() -> Self {
        Self::with(EmulatorOptions::default()).await
    }

    async fn with(options: EmulatorOptions) -> Self {
        let options = EmulatorOptions {
            secret_key: Some(SECRET_KEY.to_owned()),
            users: users(),
            ..options
        };
        Self {
            clerk: ClerkEmulator::start(options).await.unwrap(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn store_url(&self) -> String {
        format!("sqlite:{}/ileap.db", self.directory.path().display())
    }

    async fn store(&self) -> SqlStore {
        SqlStore::open(&self.store_url()).await.unwrap()
    }

    fn account(&self, identifier: &str) -> AccountKey {
        let id = self.clerk.user_id(identifier).unwrap();
        AccountKey::of_subject(&format!("clerk|{id}"))
    }

    fn command(&self, keys: Keys, arguments: &[&str]) -> Command {
        let mut command = ileap(&["doctor"]);
        command
            .args(arguments)
            .env("ILEAP_STORE__URL", self.store_url())
            .env("ILEAP_KEYS__DIRECTORY", self.directory.path().join("keys"));
        let url = self.clerk.frontend_api_url();
        if keys == Keys::Secret {
            command
                .env("ILEAP_VERIFIER__CLERK__BACKEND_API_URL", url)
                .env("CLERK_SECRET_KEY", SECRET_KEY);
        }
        command.env("ILEAP_VERIFIER__CLERK__FRONTEND_API_URL", url);
        command
    }

    fn doctor(&self, keys: Keys, arguments: &[&str]) -> Answer {
        let answer = Answer::of(self.command(keys, &["--json"]).args(arguments));
        let calls = self.clerk.admin().calls();
        assert_eq!((calls.sign_in_creates, calls.sign_in_attempts), (0, 0));
        assert_eq!(calls.of(Endpoint::BackendVerifyPassword), 0);
        answer
    }

    /// The exit code and the client's part for one client.
    fn client(&self, client_id: &str) -> (i32, Value) {
        let answer = self.doctor(Keys::Secret, &["--client", client_id]);
        (answer.code, answer.json["client"].clone())
    }
}

/// What `--json` printed, and the exit code.
struct Answer {
    code: i32,
    json: Value,
}

impl Answer {
    fn of(command: &mut Command) -> Self {
        let (code, stdout, stderr) = run(command);
        for text in [&stdout, &stderr] {
            assert!(!text.contains("canary"), "{text}");
        }
        assert_eq!(stdout.lines().count(), 1, "{stdout}{stderr}");
        Self {
            code,
            json: serde_json::from_str(&stdout).unwrap(),
        }
    }

    /// The verdicts and findings of one check.
    fn of_check(&self, name: &str) -> Vec<(String, String)> {
        let checks = self.json["checks"].as_array().unwrap().iter();
        checks
            .filter(|check| check["name"] == name)
            .map(|check| {
                let text = |key: &str| check[key].as_str().unwrap().to_owned();
                (text("verdict"), text("finding"))
            })
            .collect()
    }

    fn finds(&self, name: &str, verdict: &str, finding: &str) {
        let found = self.of_check(name);
        let is_it = |(one, text): &(String, String)| one == verdict && text.contains(finding);
        assert!(
            found.iter().any(is_it),
            "{name} {verdict} {finding}: {:#}",
            self.json
        );
    }
}

fn verdict_of(client: &Value, name: &str) -> String {
    let checks = client["checks"].as_array().unwrap().iter();
    let mut found = checks.filter(|check| check["name"] == name);
    found.next().unwrap()["verdict"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn unused_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_deployment_is_exit_0_and_nothing_is_made_by_looking() {
    let deployment = Deployment::new().await;
    for (keys, verdict) in [(Keys::Frontend, "warning"), (Keys::Secret, "note")] {
        let answer = deployment.doctor(keys, &[]);
        assert_eq!(answer.code, 0, "{:#}", answer.json);
        assert_eq!(answer.json["verdict"], verdict);
        assert_eq!(answer.json["client"], Value::Null);
        answer.finds("configuration", "ok", "loads");
        answer.finds("store", "note", "the first start makes it");
        answer.finds("signing_keys", "note", "the next start makes one");
        answer.finds("clerk.frontend_api", "ok", "answers");
        answer.finds("clock", "ok", "agrees");
        answer.finds("webhooks", "note", "a ban");
        answer.finds("issuer", "note", "no public_base_url");
    }
    let answer = deployment.doctor(Keys::Frontend, &[]);
    answer.finds("clerk.instance", "warning", "a development instance");
    let answer = deployment.doctor(Keys::Secret, &[]);
    answer.finds("clerk.backend_api", "ok", "accepts the secret key");
    let left: Vec<_> = fs::read_dir(deployment.directory.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    deployment.store().await;
    deployment
        .doctor(Keys::Secret, &[])
        .finds("store", "ok", "up to date");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_says_finding_evidence_and_remedy_without_escapes_or_secrets() {
    let deployment = Deployment::new().await;
    let arguments = ["--client", "locked@acme.example"];
    let (code, stdout, stderr) = run(&mut deployment.command(Keys::Secret, &arguments));
    assert_eq!((code, stderr.as_str()), (1, ""));
    for expected in [
        "\u{2713} ok      configuration: the configuration loads",
        "\u{2717} problem client.account: the user is locked until ",
        "    seen: user_",
        "    do:   wait until the lock ends",
        "This partner cannot log in",
    ] {
        assert!(stdout.contains(expected), "{expected} in {stdout}");
    }
    assert!(!stdout.contains("canary") && !stdout.contains('\u{1b}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_instance_that_stop_every_login_are_exit_64_where_logins_meet_them() {
    let options = EmulatorOptions {
        native_api: false,
        ..EmulatorOptions::default()
    };
    let deployment = Deployment::with(options).await;
    let answer = deployment.doctor(Keys::Frontend, &[]);
    assert_eq!(answer.code, 64, "{:#}", answer.json);
    assert_eq!(answer.json["verdict"], "problem");
    assert!(answer.json.to_string().contains("Native applications"));
    assert_eq!(deployment.doctor(Keys::Secret, &[]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_clerk_does_not_accept_is_exit_64() {
    let deployment = Deployment::new().await;
    let mut command = deployment.command(Keys::Secret, &["--json"]);
    let answer = Answer::of(command.env("CLERK_SECRET_KEY", "sk_test_canary_other"));
    assert_eq!(answer.code, 64);
    answer.finds("clerk.backend_api", "problem", "refuses our calls");
    assert!(answer.json.to_string().contains("CLERK_SECRET_KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_two_instances_are_worth_a_warning() {
    let options = EmulatorOptions {
        instance_kind: InstanceKind::Production,
        ..EmulatorOptions::default()
    };
    let deployment = Deployment::with(options).await;
    let answer = deployment.doctor(Keys::Secret, &[]);
    assert_eq!(answer.code, 0);
    answer.finds("clerk.instance", "warning", "different Clerk instances");
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_throttling_and_faults_are_exit_69() {
    let options = EmulatorOptions {
        maintenance: true,
        ..EmulatorOptions::default()
    };
    let deployment = Deployment::with(options).await;
    let answer = deployment.doctor(Keys::Frontend, &[]);
    assert_eq!(answer.code, 69, "{:#}", answer.json);
    assert!(answer.json.to_string().contains("maintenance"));

    let deployment = Deployment::new().await;
    let admin = deployment.clerk.admin();
    for (fault, finding) in [
        (
            Fault::error(429, "too_many_requests").retry_after(30),
            "throttles",
        ),
        (Fault::error(503, "maintenance_mode"), "in maintenance"),
        (Fault::BadGateway, "no usable answer"),
        (Fault::HtmlPage, "no usable answer (malformed)"),
    ] {
        admin.fail_always(Endpoint::BackendListOrganizations, fault.clone());
        let answer = deployment.doctor(Keys::Secret, &[]);
        assert_eq!(answer.code, 69, "{:#}", answer.json);
        answer.finds("clerk.backend_api", "problem", finding);
        admin.clear_faults();
        admin.fail_always(Endpoint::GetEnvironment, fault);
        let answer = deployment.doctor(Keys::Frontend, &[]);
        assert_eq!(answer.code, 69, "{:#}", answer.json);
        answer.finds("clerk.frontend_api", "problem", finding);
        assert_eq!(deployment.doctor(Keys::Secret, &[]).code, 0);
        admin.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_be_reached_is_exit_69_and_says_at_which_step() {
    let deployment = Deployment::new().await;
    let refused = unused_url();
    for (url, step) in [
        (refused.as_str(), "port takes no connection"),
        ("https://clerk.invalid", "name has no address"),
    ] {
        let mut command = deployment.command(Keys::Frontend, &["--json"]);
        let answer = Answer::of(command.env("ILEAP_VERIFIER__CLERK__FRONTEND_API_URL", url));
        assert_eq!(answer.code, 69, "{:#}", answer.json);
        answer.finds("clerk.frontend_api", "problem", step);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_exit_1_and_one_in_no_directory_64() {
    let deployment = Deployment::new().await;
    fs::write(deployment.directory.path().join("ileap.db"), [7; 5000]).unwrap();
    let answer = deployment.doctor(Keys::Secret, &[]);
    assert_eq!(answer.code, 1);
    answer.finds("store", "problem", "cannot be used");
    let mut command = deployment.command(Keys::Secret, &["--json"]);
    let answer = Answer::of(command.env("ILEAP_STORE__URL", "sqlite:/nowhere/ileap.db"));
    assert_eq!(answer.code, 64);
    answer.finds("store", "problem", "directory does not exist");
    assert!(!Path::new("/nowhere").exists());
}

#[test]
fn a_configuration_that_does_not_load_is_exit_64_with_every_violation() {
    let mut command = ileap(&["doctor", "--json"]);
    let answer = Answer::of(
        command
            .env("ILEAP_LISTENER__BIND", "0.0.0.0:8080")
            .env("ILEAP_TOKEN__LIFETIME", "forever"),
    );
    assert_eq!(
        (answer.code, &answer.json["verdict"]),
        (64, &"problem".into())
    );
    assert!(answer.of_check("configuration").len() >= 3);
}

/// Answers every request with this JSON, by a clock that stopped in 2020.
fn answering(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ndate: Wed, 01 Jan 2020 00:00:00 GMT\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_differs_from_clerks_is_a_problem() {
    let deployment = Deployment::new().await;
    let mut command = deployment.command(Keys::Frontend, &["--json"]);
    let answer =
        Answer::of(command.env("ILEAP_VERIFIER__CLERK__FRONTEND_API_URL", answering("{}")));
    assert_eq!(answer.code, 1, "{:#}", answer.json);
    answer.finds("clock", "problem", "ahead of Clerk's");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_issuer_is_a_warning_and_another_one_a_problem() {
    let deployment = Deployment::new().await;
    let with_issuer = |url: &str| {
        let mut command = deployment.command(Keys::Secret, &["--json"]);
        Answer::of(command.env("ILEAP_PUBLIC_BASE_URL", url))
    };
    let answer = with_issuer(&unused_url());
    assert_eq!(answer.code, 0, "{:#}", answer.json);
    answer.finds("issuer", "warning", "cannot reach public_base_url");
    let answer = with_issuer(&answering("{}"));
    assert_eq!(answer.code, 64);
    answer.finds("issuer", "problem", "another issuer");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_nobody_has_or_everybody_gets_are_worth_a_warning() {
    let options = EmulatorOptions {
        organizations: false,
        ..EmulatorOptions::default()
    };
    let deployment = Deployment::with(options).await;
    let answer = deployment.doctor(Keys::Secret, &[]);
    assert_eq!(answer.code, 0);
    answer.finds("clerk.instance", "warning", "no default role");
    let mut command = deployment.command(Keys::Secret, &["--json"]);
    let answer = Answer::of(command.env("ILEAP_ACCESS__DEFAULT_ROLE", "user"));
    answer.finds("clerk.instance", "note", "access.default_role");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_role_where_anybody_may_sign_up_is_worth_a_warning_unless_it_is_narrowed() {
    let deployment = Deployment::new().await;
    let open = answering(r#"{"user_settings": {"sign_up": {"mode": "public"}}}"#);
    let looked = |allowed: &str| {
        let mut command = deployment.command(Keys::Frontend, &["--json"]);
        Answer::of(
            command
                .env("ILEAP_VERIFIER__CLERK__FRONTEND_API_URL", &open)
                .env("ILEAP_ACCESS__DEFAULT_ROLE", "user")
                .env("ILEAP_ACCESS__ALLOWED_CLIENTS", allowed),
        )
    };
    looked("").finds("clerk.instance", "warning", "anybody may sign up");
    let narrowed = looked(OPS).of_check("clerk.instance");
    assert!(narrowed.is_empty(), "{narrowed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn static_users_are_looked_up_in_their_file_and_clerk_is_not_asked() {
    let deployment = Deployment::new().await;
    let users = deployment.directory.path().join("users.toml");
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObGRdescudvJCs";
    let text =
        format!("[[user]]\nclient_id = \"acme\"\nsecret_hash = \"{hash}\"\nrole = \"all\"\n");
    fs::write(&users, text).unwrap();
    let looked = |client_id: &str| {
        let mut command = deployment.command(Keys::Secret, &["--json", "--client", client_id]);
        Answer::of(
            command
                .env("ILEAP_VERIFIER__KIND", "static_users")
                .env("ILEAP_VERIFIER__STATIC_USERS__FILE", &users),
        )
    };
    fs::set_permissions(&users, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(looked("acme").code, 64);
    fs::set_permissions(&users, fs::Permissions::from_mode(0o600)).unwrap();
    let known = looked("acme");
    assert_eq!(known.code, 0, "{:#}", known.json);
    known.finds("static_users", "ok", "loads");
    assert_eq!(known.json["client"]["account"], "static|acme");
    assert_eq!(known.json["client"]["can_log_in"], true);
    let unknown = looked("other");
    assert_eq!(
        (unknown.code, &unknown.json["client"]["can_log_in"]),
        (1, &false.into())
    );
    assert!(deployment.clerk.admin().request_log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_one_client_out_is_named_and_exit_1() {
    let deployment = Deployment::new().await;
    for (client_id, check, finding) in [
        ("locked@acme.example", "client.account", "is locked until"),
        ("banned@acme.example", "client.account", "is banned"),
        ("mfa@acme.example", "client.account", "second factor"),
        ("bare@acme.example", "client.account", "no password"),
        ("unproved@acme.example", "client.account", "not verified"),
        ("nobody@acme.example", "client.account", "no user in Clerk"),
        ("shared@acme.example", "client.account", "several users"),
        ("alone@acme.example", "client.access", "no role here"),
        ("ops@acme.example@other", "client.access", "no organization"),
    ] {
        let (code, client) = deployment.client(client_id);
        assert_eq!(code, 1, "{client_id}: {client:#}");
        assert_eq!(client["can_log_in"], false, "{client:#}");
        let checks = client["checks"].as_array().unwrap();
        let found = checks.iter().find(|found| {
            found["name"] == check && found["finding"].as_str().unwrap().contains(finding)
        });
        let found = found.unwrap_or_else(|| panic!("{finding} in {client:#}"));
        assert_eq!(found["verdict"], "problem");
        assert!(found["remedy"].is_string(), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_can_log_in_is_exit_0_with_its_organization_and_role() {
    let deployment = Deployment::new().await;
    for client_id in [OPS, "OPS@acme.example", "ops@acme.example@acme"] {
        let (code, client) = deployment.client(client_id);
        assert_eq!(
            (code, &client["can_log_in"]),
            (0, &true.into()),
            "{client:#}"
        );
        assert_eq!(client["user"]["memberships"][0]["role"], "org:ileap_user");
        assert_eq!(client["user"]["memberships"][0]["organization"], "acme");
        assert_eq!(client["account"], deployment.account(OPS).as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_key_only_our_own_records_are_known() {
    let deployment = Deployment::new().await;
    let answer = deployment.doctor(Keys::Frontend, &["--client", OPS]);
    assert_eq!(answer.code, 0);
    let client = &answer.json["client"];
    assert_eq!(
        (&client["can_log_in"], &client["user"]),
        (&Value::Null, &Value::Null)
    );
    assert!(client.to_string().contains("CLERK_SECRET_KEY"));
    assert_eq!(client["account"], "identifier|ops@acme.example");
}

/// As many failures as are allowed, each recorded as a wrong secret.
async fn spend(store: &SqlStore, account: &AccountKey) {
    for _ in 0..5 {
        let now = SystemClock.now();
        store.reserve_failure(account, 5, now).await.unwrap();
        let refusal = RefusedLogin {
            account: account.clone(),
            origin: "203.0.113.9".to_owned(),
            reason: "wrong_secret".to_owned(),
            at: now,
        };
        store.record_refusal(&refusal).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spent_failures_and_the_last_refusals_are_told_and_forgotten_on_request() {
    let deployment = Deployment::new().await;
    let store = deployment.store().await;
    let account = deployment.account(OPS);
    let login_at = SystemClock.now();
    store
        .record_success(&account, None, "198.51.100.1", login_at)
        .await
        .unwrap();
    let (code, client) = deployment.client(OPS);
    assert_eq!(code, 0, "{client:#}");
    assert_eq!(client["last_login"]["origin"], "198.51.100.1");
    assert!(client["last_login"]["remembered_until"].is_string());

    let by_identifier = AccountKey::of_identifier(OPS);
    spend(&store, &account).await;
    spend(&store, &by_identifier).await;
    let (code, client) = deployment.client(OPS);
    assert_eq!(code, 1, "{client:#}");
    assert_eq!(
        client["failures"],
        serde_json::json!({"counted": 5, "allowed": 5})
    );
    assert_eq!(verdict_of(&client, "client.failures"), "problem");
    assert_eq!(verdict_of(&client, "client.refusals"), "warning");
    let refusals = client["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 10);
    assert_eq!(refusals[0]["reason"], "wrong_secret");
    assert_eq!(refusals[0]["origin"], "203.0.113.9");
    assert!(
        refusals[0]["remedy"]
            .as_str()
            .unwrap()
            .contains("another secret")
    );

    let (_, mark) = store.invalidations(None).await.unwrap();
    let answer = deployment.doctor(Keys::Secret, &["--client", OPS, "--forget"]);
    assert_eq!(answer.code, 0);
    assert_eq!(answer.json["forgotten"]["failures"], 10);
    let told = store.invalidations(Some(mark)).await.unwrap().0;
    assert_eq!(told.len(), 2, "{told:?}");
    for key in [&account, &by_identifier] {
        assert_eq!(store.login_record(key).await.unwrap().failures, 0);
    }
    assert_eq!(deployment.client(OPS).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_makes_no_database_and_needs_a_client() {
    let deployment = Deployment::new().await;
    let forget = ["--client", OPS, "--forget"];
    let (code, stdout, _) = run(&mut deployment.command(Keys::Secret, &forget));
    assert!(
        code == 0 && stdout.starts_with("nothing to forget"),
        "{stdout}"
    );
    assert!(!deployment.directory.path().join("ileap.db").exists());
    assert_eq!(
        run(&mut deployment.command(Keys::Secret, &["--forget"])).0,
        2
    );
    let odd = ["--client", "a\u{7}b"];
    assert_eq!(run(&mut deployment.command(Keys::Secret, &odd)).0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_fails_where_the_database_cannot_be_asked() {
    let deployment = Deployment::new().await;
    let forget = ["--client", OPS, "--forget"];
    let mut in_memory = deployment.command(Keys::Secret, &forget);
    let (code, _, stderr) = run(in_memory.env("ILEAP_STORE__URL", "sqlite::memory:"));
    assert!(
        code == 69 && stderr.contains("it is in the server's memory"),
        "{stderr}"
    );
    fs::write(
        deployment.directory.path().join("ileap.db"),
        "x".repeat(5000),
    )
    .unwrap();
    let (code, _, stderr) = run(&mut deployment.command(Keys::Secret, &forget));
    assert!(
        code == 69 && stderr.contains("it cannot be opened"),
        "{stderr}"
    );
}

/// The commands of the manual, in one shell and in their order.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_in_the_manual_work_as_pasted() {
    let deployment = Deployment::new().await;
    deployment.store().await;
    let manual = include_str!("../../../../docs/operations.md");
    let section = manual
        .split("## When a partner cannot log in")
        .nth(1)
        .unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let script: String = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert!(script.contains("ileap doctor --client ops@acme.example --forget"));
    let doctor = deployment.command(Keys::Secret, &[]);
    let binary = Path::new(env!("CARGO_BIN_EXE_ileap")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-ec", &script]).env_clear();
    for (name, value) in doctor.get_envs() {
        shell.env(name, value.unwrap());
    }
    let paths = std::env::split_paths(&path);
    let paths = std::iter::once(binary.to_owned()).chain(paths);
    shell.env("PATH", std::env::join_paths(paths).unwrap());
    let (code, stdout, stderr) = run(&mut shell);
    assert_eq!(code, 0, "{stdout}\n{stderr}");
    assert!(stdout.contains("Partners can log in.") && stdout.contains("cleared 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_at_the_public_name_that_nobody_trusts_is_told_apart() {
    let deployment = Deployment::new().await;
    let (ours, theirs) = (authority(), authority());
    let roots = deployment.directory.path().join("roots.pem");
    fs::write(&roots, ours.pem()).unwrap();
    let good = Shown {
        name: "localhost",
        until: 2036,
    };
    let (expired, other) = (
        Shown {
            until: 2021,
            ..good
        },
        Shown {
            name: "elsewhere.example",
            ..good
        },
    );
    for (shown, issuer, finding) in [
        (expired, &ours, "its certificate has expired"),
        (other, &ours, "its certificate is not for this name"),
        (good, &theirs, "no authority that is trusted here"),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = tokio_rustls::TlsAcceptor::from(shown.config(issuer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move { acceptor.accept(stream).await.map(drop) });
            }
        });
        let url = format!("https://localhost:{port}");
        let mut command = deployment.command(Keys::Frontend, &["--json"]);
        command
            .env("SSL_CERT_FILE", &roots)
            .env("ILEAP_PUBLIC_BASE_URL", &url)
            .env("ILEAP_VERIFIER__CLERK__FRONTEND_API_URL", &url);
        let answer = Answer::of(&mut command);
        answer.finds("issuer", "warning", finding);
        answer.finds("clerk.frontend_api", "problem", finding);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_do_not_open_ask_for_the_file_of_the_other_instances_not_for_their_end() {
    let deployment = Deployment::new().await;
    let secret = deployment.directory.path().join("secret");
    let write = |text: &str| {
        fs::write(&secret, text).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let in_the_store = |mut command: Command| {
        command
            .env("ILEAP_STORE__URL", deployment.store_url())
            .env("ILEAP_KEYS__LOCATION", "store")
            .env("ILEAP_KEYS__ENCRYPTION_KEY_FILE", &secret);
        command
    };
    write("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let (code, _, stderr) = run(&mut in_the_store(ileap(&["keys", "rotate"])));
    assert_eq!(code, 0, "{stderr}");
    write("ODEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let (code, text, _) = run(&mut in_the_store(deployment.command(Keys::Secret, &[])));
    assert_eq!(code, 64, "{text}");
    for expected in [
        "do:   let keys.encryption_key_file hold",
        "other instances",
        "Another secret",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let (_, _, stderr) = run(&mut in_the_store(ileap(&["keys", "list"])));
    assert!(
        stderr.contains("copy the file that the other instances use"),
        "{stderr}"
    );
    assert!(
        !text.contains("revoke") && !stderr.contains("revoke"),
        "{text}{stderr}"
    );
}

#[test]
fn without_any_configuration_it_says_where_to_begin() {
    let (code, text, _) = run(&mut ileap(&["doctor"]));
    assert_eq!(code, 64);
    assert!(
        text.contains("ILEAP_CONFIG") && text.contains("`ileap config print`"),
        "{text}"
    );
}
