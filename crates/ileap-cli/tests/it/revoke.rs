//! Tokens revoked by command beside a running server, and by a server that is killed after its answer.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use clerk_emulator::{ClerkEmulator, EmulatorOptions, EmulatorUser};
use ileap_server::{
    clock::{Clock as _, SystemClock},
    invalidation::leave_revocation,
    store::sql::SqlStore,
    token::RevokedToken,
};
use serde_json::{Value, json};

use crate::{
    commands::{Running, configuration, ileap, run},
    static_users::{eventually, free_address, hash, token, write_users},
};

const SECRET: &str = "quartz+Lantern 4711 and more";

/// A server over static users, and the commands beside it.
struct Deployment {
    address: String,
    directory: tempfile::TempDir,
}

impl Deployment {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let hash = hash(SECRET);
        let users = [("acme", hash.as_str()), ("other", &hash)];
        write_users(&directory.path().join("users.toml"), &users);
        Self {
            address: free_address(),
            directory,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ileap(arguments);
        let url = format!("http://{}", self.address);
        command
            .env("ILEAP_VERIFIER__KIND", "static_users")
            .env("ILEAP_VERIFIER__STATIC_USERS__FILE", "users.toml")
            .env("ILEAP_LISTENER__BIND", &self.address)
            .env("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0")
            .env("ILEAP_PUBLIC_BASE_URL", url)
            .env("ILEAP_TOKEN__ALGORITHM", "ES256")
            .current_dir(self.directory.path());
        command
    }

    fn serve(&self) -> Running {
        let mut command = self.command(&["serve"]);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = Running(command.spawn().unwrap());
        eventually(|| token(&self.address, "acme", SECRET).0 == 200);
        server
    }

    fn token(&self, client: &str) -> String {
        let (status, body) = token(&self.address, client, SECRET);
        assert_eq!(status, 200);
        let body: Value = serde_json::from_str(&body).unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    fn opens(&self, token: &str) -> bool {
        let bearer = format!("authorization: Bearer {token}");
        let status = self.curl("/2/footprints", &["-H", &bearer]);
        assert!(["200", "401"].contains(&status.as_str()), "{status}");
        status == "200"
    }

    fn curl(&self, path: &str, arguments: &[&str]) -> String {
        let output = Command::new("curl")
            .args(["-sS", "-o", "/dev/null", "-w", "%{http_code}"])
            .args(arguments)
            .arg(format!("http://{}{path}", self.address))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `ileap token inspect` says of a token beside the running server.
    fn inspect(&self, token: &str) -> Value {
        let mut command = self.command(&["token", "inspect", "--json"]);
        let (code, stdout, stderr) = with_stdin(&mut command, token);
        assert_eq!((code, stderr.as_str()), (0, ""));
        json_of(&stdout)
    }

    fn revoke(&self, arguments: &[&str], stdin: &str) -> (i32, String, String) {
        let mut command = self.command(&["token", "revoke"]);
        with_stdin(command.args(arguments), stdin)
    }
}

fn with_stdin(command: &mut Command, stdin: &str) -> (i32, String, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read it may be gone.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn json_of(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap()
}

#[test]
fn a_running_server_follows_what_is_revoked_beside_it() {
    let deployment = Deployment::new();
    let _server = deployment.serve();
    let (first, other) = (deployment.token("acme"), deployment.token("other"));
    assert!(deployment.opens(&first));
    let (code, stdout, stderr) = deployment.revoke(&["--json"], &format!("{first}\n"));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let told = json_of(&stdout);
    assert_eq!(told["revoked"], "token");
    assert_eq!(told["subject"], "static|acme");
    assert!(!(stdout + &stderr).contains(&first));
    eventually(|| !deployment.opens(&first));
    let second = deployment.token("acme");
    assert_ne!(second, first);
    assert!(deployment.opens(&second));

    for named in [["--client", "acme"], ["--subject", "static|acme"]] {
        let before = deployment.token("acme");
        let (code, stdout, _) = deployment.revoke(&[named[0], named[1], "--json"], "");
        assert_eq!(code, 0);
        let expected = json!({"revoked": "subject", "subject": "static|acme"});
        assert_eq!(json_of(&stdout), expected);
        eventually(|| !deployment.opens(&before));
    }
    assert!(deployment.opens(&other));
    assert!(deployment.opens(&deployment.token("acme")));
}

#[test]
fn who_is_in_no_token_is_not_said_to_be_cut_off() {
    let deployment = Deployment::new();
    for nobody in ["user_abc", "acme", "clerk|", "|user_abc", "Clerk|x", ""] {
        let (code, stdout, stderr) = deployment.revoke(&["--subject", nobody], "");
        assert_eq!((code, stdout.as_str()), (2, ""), "{nobody}");
        assert!(stderr.contains("clerk|user_..."), "{stderr}");
    }
}

#[test]
fn whoever_inspects_a_token_is_told_that_it_was_revoked_or_cut_off() {
    let deployment = Deployment::new();
    let _server = deployment.serve();
    let judged = |token: &str| {
        let inspection = deployment.inspect(token);
        assert_eq!(inspection["revocations_looked_up"], true);
        let word = |name: &str| inspection[name].as_str().unwrap_or("-").to_owned();
        (word("judgement"), word("reason"))
    };
    let valid = ("valid".to_owned(), "-".to_owned());
    let revoked = ("invalid".to_owned(), "revoked".to_owned());
    let (first, other) = (deployment.token("acme"), deployment.token("other"));
    assert_eq!(judged(&first), valid);
    assert_eq!(deployment.revoke(&[], &first).0, 0);
    assert_eq!(judged(&first), revoked);
    eventually(|| !deployment.opens(&first));
    let second = deployment.token("acme");
    assert_eq!(judged(&second), valid);
    assert_eq!(deployment.revoke(&["--client", "acme"], "").0, 0);
    assert_eq!(judged(&second), revoked);
    assert_eq!(judged(&other), valid);
}

#[test]
fn whoever_inspects_a_token_where_no_database_is_hears_that_nothing_was_looked_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let minted = run(&mut ileap(&["token", "mint", "--config", &path])).1;
    let inspect = |arguments: &[&str]| {
        let inspect = ["token", "inspect", "--config", &path];
        let (code, stdout, stderr) = with_stdin(ileap(&inspect).args(arguments), &minted);
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.contains("revoked was not looked up"), "{stderr}");
        stdout
    };
    let inspection = json_of(&inspect(&["--json"]));
    assert_eq!(inspection["judgement"], "valid");
    assert_eq!(inspection["revocations_looked_up"], false);
    assert!(inspect(&[]).ends_with("valid, unless it was revoked\n"));
    assert!(!directory.path().join("ileap.db").exists());
}

#[test]
fn what_a_killed_server_called_revoked_stays_so() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let revoked = deployment.token("acme");
    let credentials = format!("acme:{SECRET}");
    let form = format!("token={revoked}");
    let status = deployment.curl("/auth/revoke", &["-u", &credentials, "-d", &form]);
    assert_eq!(status, "200");
    // With SIGKILL.
    drop(server);
    let _server = deployment.serve();
    assert!(!deployment.opens(&revoked));
    assert!(deployment.opens(&deployment.token("acme")));
}

#[test]
fn what_cannot_be_revoked_is_said_and_nothing_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let mint = |more: &[&str]| {
        let minted = ["token", "mint", "--config", &path];
        run(ileap(&minted).args(more)).1.trim().to_owned()
    };
    let revoke = |arguments: &[&str], token: &str| {
        let revoke = ["token", "revoke", "--config", &path];
        with_stdin(ileap(&revoke).args(arguments), token)
    };
    let (code, stdout, _) = revoke(&["--json"], &mint(&["--expired"]));
    assert_eq!((code, stdout.as_str()), (0, "{\"revoked\":\"nothing\"}\n"));
    let good = mint(&[]);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for token in [&forged, "abc", ""] {
        let (code, stdout, stderr) = revoke(&[], token);
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains("it does not count anyway"), "{stderr}");
    }
    let file = directory.path().join("token");
    std::fs::write(&file, &good).unwrap();
    let file = file.display().to_string();
    let (code, _, _) = revoke(&[&file, "--subject", "clerk|user_1"], "");
    assert_eq!(code, 2);
    let (code, _, stderr) = revoke(&[&file], "");
    assert!(code == 64 && stderr.contains("is not there"), "{stderr}");
    assert_eq!(run(&mut ileap(&["access", "list", "--config", &path])).0, 0);
    let (code, stdout, _) = revoke(&[&file], "");
    assert_eq!(code, 0);
    assert!(stdout.contains("of minted|tester;"), "{stdout}");
}

#[test]
fn what_takes_all_tokens_of_an_account_is_on_record_as_that() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let mint = ["token", "mint", "--client-id", "tester", "--config", &path];
    let (_, token, _) = run(&mut ileap(&mint));
    leave_no_room(directory.path(), "minted|tester");
    let trail = directory.path().join("audit.jsonl");
    let mut command = ileap(&["token", "revoke", "--json", "--config", &path]);
    command
        .env("ILEAP_AUDIT__TARGET", "file")
        .env("ILEAP_AUDIT__FILE", &trail);
    let (code, stdout, _) = with_stdin(&mut command, &token);
    let expected = json!({"revoked": "subject", "subject": "minted|tester"});
    assert_eq!((code, json_of(&stdout)), (0, expected));
    let line = json_of(&std::fs::read_to_string(trail).unwrap());
    assert_eq!(line["change"], "every token up to now revoked");
}

/// Revokes as many tokens of an account as are kept one by one.
fn leave_no_room(directory: &Path, subject: &str) {
    let url = format!("sqlite:{}", directory.join("ileap.db").display());
    let now = SystemClock.now();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqlStore::open(&url).await.unwrap();
        for number in 0..100 {
            let token = RevokedToken {
                id: format!("token {number}"),
                subject: subject.to_owned(),
                not_before: now,
                expires_at: now + Duration::from_hours(1),
            };
            leave_revocation(&store, &token, now).await.unwrap();
        }
    });
}

fn over_clerk(directory: &Path, clerk: &str, secret_key: Option<&str>) -> Command {
    let mut command = ileap(&["token", "revoke", "--json", "--client"]);
    command
        .env("ILEAP_VERIFIER__CLERK__FRONTEND_API_URL", clerk)
        .current_dir(directory);
    if let Some(secret_key) = secret_key {
        command
            .env("ILEAP_VERIFIER__CLERK__BACKEND_API_URL", clerk)
            .env("CLERK_SECRET_KEY", secret_key);
    }
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn clerk_is_asked_which_account_a_client_has() {
    let options = EmulatorOptions {
        users: vec![EmulatorUser::with_email("ops@acme.example", SECRET)],
        ..EmulatorOptions::default()
    };
    let clerk = ClerkEmulator::start(options).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    // It makes the database.
    run(ileap(&["access", "list"]).current_dir(&directory));
    let ask = |url: &str, secret_key, client: &str| {
        run(over_clerk(directory.path(), url, secret_key).arg(client))
    };
    let url = clerk.frontend_api_url();
    let key = Some(clerk.secret_key());
    let subject = format!("clerk|{}", clerk.user_id("ops@acme.example").unwrap());
    for client in [
        "ops@acme.example",
        "OPS@acme.example",
        "ops@acme.example@acme",
    ] {
        let (code, stdout, stderr) = ask(url, key, client);
        assert_eq!(code, 0, "{stderr}");
        let expected = json!({"revoked": "subject", "subject": subject});
        assert_eq!(json_of(&stdout), expected, "{client}");
    }
    for (url, key, client, expected) in [
        (url, key, "nobody@acme.example", 1),
        (url, None, "ops@acme.example", 64),
        ("http://127.0.0.1:9", key, "ops@acme.example", 69),
    ] {
        let (code, stdout, stderr) = ask(url, key, client);
        assert_eq!((code, stdout.as_str()), (expected, ""), "{stderr}");
        assert!(stderr.contains("--subject"), "{stderr}");
    }
}
