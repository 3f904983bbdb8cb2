//! Commands as a shell sees them: exit code, stdout, stderr.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use crate::static_users::free_address;

/// The binary with nothing of this machine's configuration.
pub(crate) fn ileap(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ileap"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A configuration whose keys and database are in `directory`.
pub(crate) fn configuration(directory: &Path) -> String {
    let path = directory.join("ileap.toml");
    let text = format!(
        "[verifier.clerk]\nfrontend_api_url = \"http://127.0.0.1:9\"\n[keys]\ndirectory = \"{0}/keys\"\n\
         [store]\nurl = \"sqlite:{0}/ileap.db\"\n[token]\nalgorithm = \"ES256\"\n",
        directory.display()
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn without_arguments_it_helps() {
    let (code, stdout, stderr) = run(&mut ileap(&[]));
    assert_eq!(code, 0);
    assert!(
        stdout.contains("ileap demo") && stdout.contains("serve"),
        "{stdout}"
    );
    assert_eq!(stderr, "");
}

#[test]
fn a_wrong_command_line_is_exit_2() {
    let (code, stdout, stderr) = run(&mut ileap(&["srve"]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("serve"), "{stderr}");
}

#[test]
fn a_wrong_configuration_is_exit_64_with_every_problem_and_its_remedy() {
    for command in [["config", "check"].as_slice(), &["serve"]] {
        let mut command = ileap(command);
        let (code, stdout, stderr) = run(command
            .env("ILEAP_LISTENER__BIND", "0.0.0.0:8080")
            .env("ILEAP_TOKEN__LIFETIME", "forever"));
        assert_eq!((code, stdout.as_str()), (64, ""));
        for expected in [
            "3 problems",
            "ILEAP_TOKEN__LIFETIME: `forever` is not valid; write a number",
            "CLERK_PUBLISHABLE_KEY",
        ] {
            assert!(
                stderr.contains(expected) || expected == "3 problems",
                "{expected} in {stderr}"
            );
        }
    }
}

#[test]
fn a_good_configuration_is_said_to_be_good() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    assert_eq!(
        run(&mut ileap(&["config", "check", "--config", &path])).0,
        0
    );
    assert_eq!(
        run(ileap(&["config", "check"]).env("ILEAP_CONFIG", &path)).0,
        0
    );
    assert_eq!(
        run(&mut ileap(&[
            "config",
            "check",
            "--config",
            "/nowhere/ileap.toml"
        ]))
        .0,
        64
    );
}

#[test]
fn the_default_file_and_the_schema_can_be_piped() {
    let (code, file, _) = run(&mut ileap(&["config", "print"]));
    assert!(
        code == 0 && file.contains("[verifier.clerk]") && file.contains("ILEAP_TOKEN__LIFETIME")
    );
    let (code, schema, _) = run(&mut ileap(&["config", "schema"]));
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert!(code == 0 && schema["properties"]["listener"].is_object());
    let (code, script, _) = run(&mut ileap(&["completions", "bash"]));
    assert!(code == 0 && script.contains("complete"));
}

/// `ileap token inspect` with a token on stdin.
fn inspect(path: &str, token: &str) -> Value {
    let mut child = ileap(&["token", "inspect", "--json", "--config", path])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(token.as_bytes())
        .unwrap();
    serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn a_minted_token_is_judged_valid_and_an_expired_one_expired() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let (code, good, _) = run(&mut ileap(&[
        "token", "mint", "--config", &path, "--role", "user",
    ]));
    assert_eq!(code, 0);
    let inspection = inspect(&path, &good);
    assert_eq!(inspection["judgement"], "valid");
    assert_eq!(inspection["claims"]["roles"], serde_json::json!(["user"]));
    let (_, expired, _) = run(&mut ileap(&[
        "token",
        "mint",
        "--expired",
        "--config",
        &path,
    ]));
    assert_eq!(inspect(&path, &expired)["judgement"], "expired");
    let forged = format!("{}x", good.trim());
    assert_eq!(inspect(&path, &forged)["judgement"], "invalid");
}

#[test]
fn who_looks_at_a_token_or_revokes_one_makes_no_key() {
    let (ours, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = configuration(ours.path());
    let elsewhere = configuration(others.path());
    let (_, token, _) = run(&mut ileap(&["token", "mint", "--config", &elsewhere]));
    let file = ours.path().join("token");
    fs::write(&file, token).unwrap();
    let file = file.display().to_string();
    for verb in ["inspect", "revoke"] {
        let (code, stdout, stderr) = run(&mut ileap(&["token", verb, "--config", &path, &file]));
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains("there are none yet"), "{stderr}");
        assert!(!ours.path().join("keys").exists(), "{verb}");
    }
}

#[test]
fn where_no_server_has_been_no_token_is_said_to_be_revoked_and_a_new_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let in_it = |arguments: &[&str]| run(ileap(arguments).current_dir(&directory));
    let (code, stdout, stderr) = in_it(&["token", "revoke", "--subject", "clerk|user_1"]);
    assert_eq!((code, stdout.as_str()), (64, ""), "{stderr}");
    assert!(
        stderr.contains("ileap.db is not there") && stderr.contains("--config"),
        "{stderr}"
    );
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    let key = directory.path().join("keys_encryption_key");
    fs::write(&key, "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlISE=").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    for command in [["token", "revoke", "-"], ["token", "inspect", "-"]] {
        let mut command = ileap(&command);
        command
            .env("ILEAP_KEYS__LOCATION", "store")
            .env("ILEAP_KEYS__ENCRYPTION_KEY_FILE", &key);
        run(command.current_dir(&directory));
        assert_eq!(
            fs::read_dir(&directory).unwrap().count(),
            1,
            "the secret alone"
        );
    }
    fs::remove_file(&key).unwrap();

    let (code, _, stderr) = in_it(&["access", "allow", "org_1", "--everything"]);
    assert_eq!(
        (code, stderr.as_str()),
        (0, "note: ileap.db was not there; it is a new database\n")
    );
    let (code, _, stderr) = in_it(&["access", "list"]);
    assert_eq!((code, stderr.as_str()), (0, ""));

    let (code, _, stderr) = in_it(&["keys", "rotate"]);
    let place = directory.path().join("keys");
    let expected = format!("no other key is in {}", place.display());
    assert!(code == 0 && stderr.contains(&expected), "{stderr}");
    let (code, _, stderr) = in_it(&["keys", "rotate"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[test]
fn a_database_that_is_down_is_exit_69_with_why() {
    let directory = tempfile::tempdir().unwrap();
    let configuration = configuration(directory.path());
    let (code, _, stderr) = run(&mut ileap(&["keys", "list", "--config", &configuration]));
    assert_eq!(code, 0, "{stderr}");
    for arguments in [
        ["access", "list"].as_slice(),
        &["access", "allow", "org_1", "--everything"],
        &["partners", "list"],
        &["token", "revoke", "--subject", "clerk|user_1"],
        &["serve"],
    ] {
        let mut command = ileap(arguments);
        command.args(["--config", &configuration]);
        let (code, stdout, stderr) =
            run(command.env("ILEAP_STORE__URL", "postgres://ileap@127.0.0.1:9/ileap"));
        assert_eq!((code, stdout.as_str()), (69, ""), "{arguments:?}: {stderr}");
        assert!(
            stderr.contains("Connection refused"),
            "{arguments:?}: {stderr}"
        );
    }
    let forget = [
        "doctor",
        "--client",
        "ops@acme.example",
        "--forget",
        "--config",
    ];
    let mut command = ileap(&forget);
    command.arg(&configuration);
    let (code, _, stderr) =
        run(command.env("ILEAP_STORE__URL", "postgres://ileap@127.0.0.1:9/ileap"));
    assert!(
        code == 69 && stderr.contains("ileap doctor says"),
        "{stderr}"
    );
}

#[test]
fn files_are_imported_whole_or_not_at_all_and_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../ileap-server/sample-data");
    let (footprints, tads) = (
        format!("{samples}/footprints.json"),
        format!("{samples}/tads.json"),
    );
    let broken = directory.path().join("broken.json");
    fs::write(&broken, r#"[{"activityId": "a"}]"#).unwrap();
    let broken = broken.display().to_string();
    let (code, stdout, stderr) = run(&mut ileap(&[
        "import",
        "--config",
        &path,
        &footprints,
        &broken,
        &tads,
    ]));
    assert_eq!(code, 1);
    assert!(
        stdout.contains("footprints.json: 20 added") && stdout.contains("tads.json: 13 added"),
        "{stdout}"
    );
    assert!(
        stderr.contains("broken.json") && stderr.contains("item 1"),
        "{stderr}"
    );
    let (code, stdout, _) = run(&mut ileap(&[
        "import",
        "--json",
        "--config",
        &path,
        &footprints,
    ]));
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &report["unchanged"]), (0, &Value::from(20)));
}

/// A child that is killed when the test is over, whatever becomes of it.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> (Self, Value) {
        Self::begin(&mut ileap(arguments))
    }

    fn begin(command: &mut Command) -> (Self, Value) {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut running = Self(child);
        let mut line = String::new();
        BufReader::new(running.0.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        (running, serde_json::from_str(&line).unwrap())
    }

    /// Sends SIGTERM and returns the exit code and what was printed after the first line.
    pub(crate) fn terminate(mut self) -> (i32, String) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let code = self.0.wait().unwrap().code().unwrap();
        let mut rest = String::new();
        self.0
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut rest)
            .unwrap();
        (code, rest)
    }
}

#[test]
fn the_demo_says_where_it_is_in_one_line_of_json_and_ends_with_0() {
    let mut command = ileap(&["demo", "--port", "0", "--json"]);
    command.env("ILEAP_LISTENER__BIND", "0.0.0.0:0");
    let (demo, ready) = Running::begin(&mut command);
    let base_url = ready["base_url"].as_str().unwrap();
    assert!(base_url.starts_with("http://127.0.0.1:"), "{base_url}");
    let port = base_url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    // Nothing of it listens for others.
    TcpListener::bind(("127.0.0.2", port)).unwrap();
    let names: Vec<_> = ready.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "accounts",
            "base_url",
            "clerk_backend_api_url",
            "clerk_frontend_api_url",
            "clerk_secret_key"
        ]
    );
    let accounts = ready["accounts"].as_array().unwrap();
    let pair = |index: usize| {
        (
            accounts[index]["client_id"].as_str().unwrap(),
            accounts[index]["client_secret"].as_str().unwrap(),
            accounts[index]["role"].as_str().unwrap(),
        )
    };
    assert_eq!(pair(0), ("ileap-demo@way.cloud", "HelloPrimaryData", "all"));
    assert_eq!(pair(1), ("hello", "pathfinder", "all"));
    assert_eq!(pair(2), ("transport_service_user", "ileap", "user"));
    assert_eq!(
        pair(3),
        ("transport_service_organizer", "ileap", "organizer")
    );
    assert_eq!(demo.terminate(), (0, String::new()));
}

#[test]
fn the_demo_logs_in_over_either_of_clerks_apis() {
    for (verifier, route) in [
        (None, "/v1/users"),
        (Some("clerk_backend"), "/v1/users"),
        (Some("clerk_frontend"), "/v1/client/sign_ins"),
    ] {
        let mut arguments = vec!["demo", "--port", "0", "--json"];
        arguments.extend(verifier.map(|_| "--verifier"));
        arguments.extend(verifier);
        let (demo, ready) = Running::start(&arguments);
        let curl = |arguments: &[&str]| {
            let output = Command::new("curl").arg("-s").args(arguments).output();
            String::from_utf8(output.unwrap().stdout).unwrap()
        };
        let url = |key: &str, path: &str| format!("{}{path}", ready[key].as_str().unwrap());
        let token = curl(&[
            "-u",
            "hello:pathfinder",
            "-d",
            "grant_type=client_credentials",
            &url("base_url", "/auth/token"),
        ]);
        assert!(token.contains("access_token"), "{verifier:?}: {token}");
        let log = curl(&[&url("clerk_backend_api_url", "/__emulator/requests")]);
        assert!(log.contains(route), "{verifier:?}: {log}");
        assert_eq!(demo.terminate().0, 0);
    }
}

#[test]
fn the_lines_the_demo_prints_work_as_pasted() {
    let address = free_address();
    let (_, port) = address.split_once(':').unwrap();
    let child = ileap(&["demo", "--port", port])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut demo = Running(child);
    let mut pasted = String::new();
    for line in BufReader::new(demo.0.stdout.as_mut().unwrap()).lines() {
        let line = line.unwrap();
        let command = line.trim_start();
        if command.starts_with("TOKEN=") || command.starts_with("curl ") {
            pasted.push_str(command);
            pasted.push_str("; echo;\n");
        }
        if line.starts_with("Ctrl-C") {
            break;
        }
    }
    assert_eq!(pasted.lines().count(), 3, "{pasted}");
    let output = Command::new("sh").args(["-ec", &pasted]).output().unwrap();
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["data"].as_array().unwrap().len(), 2);
    assert!(
        answers[1]["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|tad| tad["mode"] == "Road")
    );
    assert_eq!(demo.terminate().0, 0);
}

#[test]
fn the_emulator_says_where_it_is_and_ends_with_0() {
    let (emulator, ready) = Running::start(&["clerk-emulator", "--json"]);
    for name in [
        "frontend_api_url",
        "backend_api_url",
        "publishable_key",
        "secret_key",
    ] {
        assert!(
            ready[name].as_str().is_some_and(|value| !value.is_empty()),
            "{name}"
        );
    }
    assert_eq!(emulator.terminate().0, 0);
}

#[test]
fn an_address_that_is_taken_is_named_by_its_key_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, other, key) in [
        (
            "ILEAP_LISTENER__BIND",
            "ILEAP_LISTENER__ADMIN_BIND",
            "listener.bind",
        ),
        (
            "ILEAP_LISTENER__ADMIN_BIND",
            "ILEAP_LISTENER__BIND",
            "listener.admin_bind",
        ),
    ] {
        let mut command = ileap(&["serve", "--config", &path]);
        let (code, _, stderr) = run(command.env(variable, &address).env(other, free_address()));
        assert_eq!(code, 1, "{stderr}");
        let expected = format!("binding {key} = {address}: ");
        assert!(
            stderr.contains(&expected) && stderr.contains("ss -ltnp"),
            "{stderr}"
        );
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_by_its_key_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| {
        let file = directory.path().join(name);
        fs::write(&file, "nothing").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    });
    let mut command = ileap(&["serve", "--config", &path]);
    let (code, _, stderr) = run(command
        .env("ILEAP_LISTENER__BIND", free_address())
        .env("ILEAP_LISTENER__ADMIN_BIND", free_address())
        .env("ILEAP_LISTENER__TLS_CERT_FILE", &cert)
        .env("ILEAP_LISTENER__TLS_KEY_FILE", &key));
    assert_eq!(code, 64, "{stderr}");
    let expected = format!("reading listener.tls_cert_file = {}: ", cert.display());
    assert!(
        stderr.contains(&expected) && stderr.contains("belong together"),
        "{stderr}"
    );
}

#[test]
fn what_is_odd_about_the_server_is_not_said_by_every_command_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = configuration(directory.path());
    let said = |arguments: &[&str]| {
        let mut command = ileap(arguments);
        command
            .env("ILEAP_CONFIG", &path)
            .env("ILEAP_LISTENER__ADMIN_BIND", "0.0.0.0:9464")
            .env("ILEAP_LISTENER_BIND", "misspelt");
        let (_, stdout, stderr) = run(&mut command);
        let said = stdout + &stderr;
        assert!(
            said.contains("ILEAP_LISTENER_BIND"),
            "{arguments:?}: {said}"
        );
        said.contains("listener.admin_bind is not on loopback")
    };
    assert!(said(&["config", "check"]) && said(&["doctor"]));
    assert!(!said(&["access", "list"]) && !said(&["keys", "list"]));
}

/// Root may read every file.
#[test]
fn a_file_that_another_user_owns_is_named_with_what_to_do() {
    use std::os::unix::process::CommandExt as _;
    const STRANGER: u32 = 54_321;
    // Where tests are run, their own place for temporary files is for its owner alone.
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let path = configuration(directory.path());
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&path).unwrap());
    if owner != 0 {
        return;
    }
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, "sk_test_canary").unwrap();
    for file in [Path::new(&path), &secret] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let binary = directory.path().join("ileap");
    fs::copy(env!("CARGO_BIN_EXE_ileap"), &binary).unwrap();
    let check = |name: &str, value: &Path| {
        let mut command = Command::new(&binary);
        command
            .args(["config", "check"])
            .env_clear()
            .env(name, value);
        run(command.uid(STRANGER))
    };
    for (name, file) in [
        ("ILEAP_CONFIG", Path::new(&path)),
        ("ILEAP_VERIFIER__CLERK__SECRET_KEY_FILE", &secret),
    ] {
        let (code, _, stderr) = check(name, file);
        let remedy = format!("chown {STRANGER} {}", file.display());
        assert!(code == 64 && stderr.contains(&remedy), "{stderr}");
    }
}
