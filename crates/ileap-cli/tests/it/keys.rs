//! `ileap keys`, beside a running server, and whoever is killed in the middle of it.

mod kept;

use std::{
    fs, net::TcpStream, os::unix::fs::PermissionsExt as _, process::Stdio, thread, time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    commands::{Running, ileap, run},
    effort::{moment, rounds},
    static_users::{eventually, free_address, hash, token, write_users},
    wire::{exchange, get},
};

const SECRET: &str = "quartz+Lantern 4711 and more";
const ROUNDS: usize = 4;
const KILLS: usize = 8;

/// A deployment: where its files are, and what it is told.
struct Deployment {
    directory: TempDir,
    address: String,
    location: &'static str,
}

impl Deployment {
    fn new(location: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let users = directory.path().join("users.toml");
        write_users(&users, &[("acme", &hash(SECRET))]);
        let secret = directory.path().join("keys.secret");
        fs::write(&secret, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            directory,
            address: free_address(),
            location,
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let within = |name: &str| self.directory.path().join(name).display().to_string();
        vec![
            ("ILEAP_VERIFIER__KIND", "static_users".to_owned()),
            ("ILEAP_VERIFIER__STATIC_USERS__FILE", within("users.toml")),
            ("ILEAP_LISTENER__BIND", self.address.clone()),
            ("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0".to_owned()),
            ("ILEAP_LISTENER__REQUESTS_PER_ADDRESS", "0".to_owned()),
            ("ILEAP_KEYS__LOCATION", self.location.to_owned()),
            ("ILEAP_KEYS__DIRECTORY", within("keys")),
            ("ILEAP_KEYS__ENCRYPTION_KEY_FILE", within("keys.secret")),
            ("ILEAP_KEYS__PUBLISH_BEFORE", "10s".to_owned()),
            ("ILEAP_STORE__URL", format!("sqlite:{}", within("ileap.db"))),
            ("ILEAP_TOKEN__ALGORITHM", "ES256".to_owned()),
            ("ILEAP_TOKEN__REUSE", "false".to_owned()),
        ]
    }

    fn serve(&self) -> Running {
        let server = ileap(&["serve"])
            .envs(self.settings())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Running(server.unwrap())
    }

    fn keys(&self, arguments: &[&str]) -> (i32, String, String) {
        let arguments = [&["keys"], arguments].concat();
        run(ileap(&arguments).envs(self.settings()))
    }

    fn keys_json(&self, arguments: &[&str]) -> Value {
        let (code, stdout, stderr) = self.keys(&[arguments, &["--json"]].concat());
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    /// Every key with its state.
    fn states(&self) -> Vec<(String, String)> {
        let listed = self.keys_json(&["list"]);
        let keys = listed["keys"].as_array().unwrap().iter();
        let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
        keys.map(|key| (text(key, "kid"), text(key, "state")))
            .collect()
    }

    fn access_token(&self) -> String {
        eventually(|| token(&self.address, "acme", SECRET).0 == 200);
        let (_, body) = token(&self.address, "acme", SECRET);
        let body: Value = serde_json::from_str(&body).unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    fn get(&self, path: &str, token: &str) -> String {
        exchange(&self.address, &get(path, token))
    }

    fn accepts(&self, token: &str) -> bool {
        let answer = self.get("/2/footprints", token);
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        answer.starts_with("HTTP/1.1 200")
    }

    /// Another secret in the place of the one that opens the keys in the store.
    fn change_secret(&self) {
        let secret = self.directory.path().join("keys.secret");
        fs::write(&secret, "ODEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    }
}

#[test]
fn a_running_server_follows_a_rotation_and_a_revocation() {
    for location in ["directory", "store"] {
        let deployment = Deployment::new(location);
        let server = deployment.serve();
        let token = deployment.access_token();
        let states = deployment.states();
        assert_eq!((states.len(), states[0].1.as_str()), (1, "active"));
        let first = &states[0].0;
        let (code, line, _) = deployment.keys(&["rotate"]);
        assert!(
            code == 0 && line.contains("is published; it signs from"),
            "{line}"
        );
        let (code, line, _) = deployment.keys(&["rotate"]);
        assert!(
            code == 0 && line.contains("has been published before"),
            "{line}"
        );
        let states = deployment.states();
        assert_eq!((states.len(), states[1].1.as_str()), (2, "published"));
        let next = &states[1].0;
        eventually(|| deployment.get("/jwks", "").contains(next));
        assert!(deployment.accepts(&token));
        let revoked = deployment.keys_json(&["revoke", first]);
        assert_eq!(revoked["signs_now"], next.as_str());
        eventually(|| !deployment.accepts(&token));
        let set = deployment.get("/jwks", "");
        assert!(set.contains(next) && !set.contains(first.as_str()), "{set}");
        let token = deployment.access_token();
        assert!(deployment.accepts(&token));
        let again = deployment.keys_json(&["revoke", first]);
        assert_eq!(again["was_revoked_before"], true);
        let states = deployment.states().into_iter().map(|(_, state)| state);
        assert_eq!(states.collect::<Vec<_>>(), ["active", "revoked"]);
        let (code, stdout, _) = deployment.keys(&["list"]);
        assert!(code == 0 && stdout.lines().count() == 2, "{stdout}");
        let (code, _, stderr) = deployment.keys(&["revoke", "-nobody"]);
        assert!(code == 1 && stderr.contains("ileap keys list"), "{stderr}");
        assert_eq!(server.terminate().0, 0);
    }
}

#[test]
fn whoever_is_killed_in_the_middle_of_a_rotation_leaves_keys_that_verify_everything() {
    for turn in rounds(2) {
        let deployment = Deployment::new(["directory", "store"][turn % 2]);
        let mut tokens = Vec::new();
        for round in 0..ROUNDS {
            let mut server = deployment.serve();
            tokens.push(deployment.access_token());
            for token in &tokens {
                assert!(deployment.accepts(token), "round {round}");
            }
            assert!(deployment.get("/jwks", "").contains("\"kid\""));
            for kill in 0..KILLS {
                let mut command = ileap(&["keys", "rotate"])
                    .envs(deployment.settings())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                // At another moment each time.
                let number = turn + round * KILLS + kill;
                thread::sleep(moment(number, Duration::from_millis(100)));
                let _ = command.kill();
                command.wait().unwrap();
                let set = deployment.get("/jwks", "");
                assert!(set.is_empty() || set.contains("\"kid\""), "{set}");
                if kill == KILLS / 2 {
                    server.0.kill().unwrap();
                    server.0.wait().unwrap();
                }
            }
            let states = deployment.states();
            let active = states.iter().filter(|(_, state)| state == "active");
            assert_eq!(active.count(), 1, "{states:?}");
        }
        // Nothing that was left is in anybody's way.
        let server = deployment.serve();
        tokens.push(deployment.access_token());
        let next = deployment.keys_json(&["rotate"])["kid"]
            .as_str()
            .unwrap()
            .to_owned();
        eventually(|| deployment.get("/jwks", "").contains(&next));
        for token in &tokens {
            assert!(deployment.accepts(token));
        }
        assert_eq!(server.terminate().0, 0);
    }
}

#[test]
fn whoever_is_killed_while_it_rotates_by_itself_leaves_keys_that_verify_everything() {
    for round in rounds(2) {
        let deployment = Deployment::new(["directory", "store"][round % 2]);
        let mut server = deployment.serve();
        let token = deployment.access_token();
        server.0.kill().unwrap();
        server.0.wait().unwrap();
        // A key of another kind is due at once.
        let due = || {
            let server = ileap(&["serve"])
                .envs(deployment.settings())
                .env("ILEAP_TOKEN__ALGORITHM", "EdDSA")
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            Running(server.unwrap())
        };
        let mut server = due();
        thread::sleep(moment(round, Duration::from_millis(300)));
        server.0.kill().unwrap();
        server.0.wait().unwrap();
        let server = due();
        let other = deployment.access_token();
        eventually(|| {
            deployment
                .states()
                .iter()
                .any(|(_, state)| state == "published")
        });
        for token in [&token, &other] {
            assert!(deployment.accepts(token), "round {round}");
        }
        let states = deployment.states();
        let active = states.iter().filter(|(_, state)| state == "active");
        assert_eq!(active.count(), 1, "round {round}: {states:?}");
        assert_eq!(server.terminate().0, 0);
    }
}

#[test]
fn whoever_is_killed_in_its_first_start_does_not_keep_the_next_one_from_starting() {
    for round in rounds(8) {
        let deployment = Deployment::new(["directory", "store"][round % 2]);
        let mut server = deployment.serve();
        thread::sleep(moment(round, Duration::from_millis(200)));
        server.0.kill().unwrap();
        server.0.wait().unwrap();
        let server = deployment.serve();
        let token = deployment.access_token();
        assert!(deployment.accepts(&token), "round {round}");
        assert_eq!(deployment.states().len(), 1, "round {round}");
        assert_eq!(server.terminate().0, 0);
    }
}

#[test]
fn keys_move_to_the_store_and_tokens_from_before_still_count() {
    let mut deployment = Deployment::new("directory");
    let server = deployment.serve();
    let token = deployment.access_token();
    assert_eq!(server.terminate().0, 0);
    let before = deployment.states();
    deployment.location = "store";
    let server = deployment.serve();
    eventually(|| TcpStream::connect(&deployment.address).is_ok());
    assert!(deployment.accepts(&token));
    assert_eq!(deployment.states(), before);
    assert_eq!(server.terminate().0, 0);
    fs::remove_dir_all(deployment.directory.path().join("keys")).unwrap();
    let server = deployment.serve();
    eventually(|| TcpStream::connect(&deployment.address).is_ok());
    assert!(deployment.accepts(&token));
    assert_eq!(server.terminate().0, 0);
}

#[test]
fn a_store_whose_keys_do_not_open_is_the_configurations_fault() {
    let deployment = Deployment::new("store");
    deployment.keys_json(&["rotate"]);
    deployment.change_secret();
    for arguments in [&["keys", "list"] as &[&str], &["serve"]] {
        let (code, _, stderr) = run(ileap(arguments).envs(deployment.settings()));
        assert_eq!(code, 64, "{stderr}");
        assert!(stderr.contains("keys.encryption_key_file"), "{stderr}");
    }
}

#[test]
fn with_a_new_secret_the_old_keys_are_ended_and_the_server_starts_again() {
    let deployment = Deployment::new("store");
    let admin = free_address();
    let server = ileap(&["serve"])
        .envs(deployment.settings())
        .env("ILEAP_LISTENER__ADMIN_BIND", &admin)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let server = Running(server.unwrap());
    let token = deployment.access_token();
    deployment.keys_json(&["rotate"]);
    deployment.change_secret();
    let (code, stdout, _) = deployment.keys(&["list", "--json"]);
    let listed: Value = serde_json::from_str(&stdout).unwrap();
    let listed = listed["keys"].as_array().unwrap();
    assert_eq!((code, listed.len()), (64, 2));
    assert!(
        deployment.accepts(&token) && exchange(&admin, &get("/readyz", "")).contains("ready\n")
    );
    for key in listed {
        assert_eq!(key["state"], "unusable");
        deployment.keys_json(&["revoke", key["kid"].as_str().unwrap()]);
    }
    let states = deployment.states();
    let active = states.iter().filter(|(_, state)| state == "active");
    assert_eq!((active.count(), states.len()), (1, 3));
    // The server that runs has the old secret: no key of its own is left, and it cannot open the new one.
    eventually(|| exchange(&admin, &get("/readyz", "")).starts_with("HTTP/1.1 503"));
    assert!(!deployment.accepts(&token));
    assert_eq!(self::token(&deployment.address, "acme", SECRET).0, 503);
    assert_eq!(server.terminate().0, 0);
    let server = deployment.serve();
    assert!(deployment.accepts(&deployment.access_token()));
    assert_eq!(server.terminate().0, 0);
}

/// Root is who runs commands beside a service that has a user of its own.
#[test]
fn what_a_command_makes_beside_a_service_belongs_to_the_service() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let deployment = Deployment::new("directory");
    let path = deployment.directory.path();
    let mut service = fs::metadata(path).unwrap().uid();
    if service == 0 {
        service = 54_321;
        chown(path, Some(service), Some(service)).unwrap();
    }
    let trail = path.join("audit.jsonl");
    let command = |arguments: &[&str]| {
        let (code, stdout, stderr) = run(ileap(arguments)
            .envs(deployment.settings())
            .env("ILEAP_AUDIT__TARGET", "file")
            .env("ILEAP_AUDIT__FILE", &trail));
        assert_eq!(code, 0, "{stderr}");
        stdout
    };
    let rotated: Value = serde_json::from_str(&command(&["keys", "rotate", "--json"])).unwrap();
    command(&["keys", "revoke", rotated["kid"].as_str().unwrap()]);
    command(&["access", "allow", "org_acme", "--everything"]);
    let keys = path.join("keys");
    let mut made = vec![keys.clone(), trail, path.join("ileap.db")];
    made.extend(
        fs::read_dir(keys)
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    assert_eq!(made.len(), 5, "{made:?}");
    for path in made {
        assert_eq!(
            fs::metadata(&path).unwrap().uid(),
            service,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_server_that_takes_over_a_database_under_another_name_says_that_the_tokens_of_the_first_end() {
    let deployment = Deployment::new("store");
    let log = deployment.directory.path().join("log");
    let serve = |name: &str| {
        let server = ileap(&["serve"])
            .envs(deployment.settings())
            .env("ILEAP_PUBLIC_BASE_URL", format!("https://{name}.example"))
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .spawn();
        Running(server.unwrap())
    };
    let mut token = String::new();
    for (name, is_warned) in [
        ("one", false),
        ("one", false),
        ("other", true),
        ("other", false),
    ] {
        let server = serve(name);
        let fresh = deployment.access_token();
        assert!(deployment.accepts(&fresh));
        assert_eq!(!token.is_empty() && !deployment.accepts(&token), is_warned);
        token = fresh;
        assert_eq!(server.terminate().0, 0);
        let log = fs::read_to_string(&log).unwrap();
        let says = log.contains("another public_base_url") && log.contains("https://one.example");
        assert_eq!(says, is_warned, "{log}");
    }
    for (name, is_other) in [("one", true), ("other", false)] {
        let mut doctor = ileap(&["doctor"]);
        doctor
            .envs(deployment.settings())
            .env("ILEAP_PUBLIC_BASE_URL", format!("https://{name}.example"));
        let (_, stdout, _) = run(&mut doctor);
        let finds = stdout.contains("that one: https://other.example");
        assert_eq!(finds, is_other, "{stdout}");
    }
}
