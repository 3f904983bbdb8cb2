//! `ileap hash-secret`, and a server over a file of what it prints.

use std::{
    collections::HashSet,
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::commands::{Running, ileap, run};

const SECRET: &str = "canary:quartz+Lantern%41 4711";

/// Exit code, stdout and stderr of `ileap hash-secret` with this on stdin.
fn hash_secret(arguments: &[&str], stdin: &[u8]) -> (i32, String, String) {
    let mut child = ileap(&["hash-secret"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The one line that hashing a good secret prints.
pub(crate) fn hash(secret: &str) -> String {
    let (code, stdout, stderr) = hash_secret(&[], secret.as_bytes());
    assert_eq!((code, stderr.as_str()), (0, ""));
    let line = stdout.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n') && line.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    line.to_owned()
}

pub(crate) fn write_users(path: &Path, users: &[(&str, &str)]) {
    let text: String = users
        .iter()
        .map(|(client_id, hash)| {
            format!(
                "[[user]]\nclient_id = \"{client_id}\"\nsecret_hash = \"{hash}\"\nrole = \"all\"\n"
            )
        })
        .collect();
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&new, path).unwrap();
}

/// An address nobody listens on; no other call is given the same, and no system gives its port away by itself, as
/// it does with those from 32768 on, for connections too.
pub(crate) fn free_address() -> String {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        // Other processes begin elsewhere.
        let port = 10_000 + (std::process::id().wrapping_mul(997).wrapping_add(given)) % 20_000;
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// Status and body of a token request; status 0 where nobody answers.
pub(crate) fn token(address: &str, client_id: &str, secret: &str) -> (u32, String) {
    let output = Command::new("curl")
        .args([
            "-sS",
            "-w",
            "\n%{http_code}",
            "-d",
            "grant_type=client_credentials",
        ])
        .args(["-u", &format!("{client_id}:{secret}")])
        .arg(format!("http://{address}/auth/token"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn no_two_servers_of_these_tests_are_given_the_same_address() {
    let addresses: Vec<_> = (0..1000).map(|_| free_address()).collect();
    assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), 1000);
}

#[test]
fn a_hash_is_one_line_and_another_one_every_time() {
    assert_ne!(hash(SECRET), hash(SECRET));
    let (code, stdout, _) = hash_secret(&["--json"], SECRET.as_bytes());
    let json: Value = serde_json::from_str(&stdout).unwrap();
    assert!(
        code == 0
            && json["secret_hash"]
                .as_str()
                .unwrap()
                .starts_with("$argon2id$")
    );
}

#[test]
fn a_weak_secret_is_hashed_with_a_warning() {
    let (code, stdout, stderr) = hash_secret(&[], b"pathfinder\n");
    assert_eq!((code, stdout.lines().count()), (0, 1));
    assert!(
        stderr.starts_with("warning: the secret is weak"),
        "{stderr}"
    );
    assert!(!stderr.contains("pathfinder"));
}

#[test]
fn what_no_client_can_present_is_refused_with_what_to_do() {
    let long = [b'x'; 1025];
    for (stdin, problem) in [
        (b"".as_slice(), "it is empty; pipe it in"),
        (b"\n", "it is empty"),
        (b"two\nlines", "more than one line"),
        (b"canary\x1b[31m-and-more-text", "control characters"),
        (b"canary-and-more-text\n\n", "more than one line"),
        (b"\xff\xfe", "not UTF-8"),
        (&long, "more than 1024 bytes"),
        (&[0xe4; 5000], "more than 1024 bytes"),
    ] {
        let (code, stdout, stderr) = hash_secret(&[], stdin);
        assert_eq!((code, stdout.as_str()), (1, ""), "{problem}");
        assert!(stderr.contains(problem), "{problem} in {stderr}");
        assert!(!stderr.contains("canary"), "{stderr}");
    }
    assert_eq!(hash_secret(&[], &long[..1024]).0, 0);
}

#[test]
fn a_secret_on_the_command_line_is_no_way_to_give_it() {
    assert_eq!(hash_secret(&[SECRET], b"").0, 2);
}

#[test]
fn a_server_lets_in_whom_the_file_names_and_follows_it() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.toml");
    write_users(&users, &[("acme", &hash(&format!("{SECRET}\n")))]);
    let address = free_address();
    let child = ileap(&["serve"])
        .env("ILEAP_VERIFIER__KIND", "static_users")
        .env("ILEAP_VERIFIER__STATIC_USERS__FILE", &users)
        .env("ILEAP_LISTENER__BIND", &address)
        .env("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0")
        .env("ILEAP_STORE__URL", "sqlite::memory:")
        .env("ILEAP_TOKEN__ALGORITHM", "ES256")
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running(child);
    eventually(|| token(&address, "acme", SECRET).0 == 200);
    let (_, body) = token(&address, "acme", SECRET);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
    let wrong = token(&address, "acme", "canary-Beacon-0815");
    assert_eq!(wrong.0, 400);
    assert_eq!(token(&address, "nobody", SECRET), wrong);

    write_users(&users, &[("second", &hash(SECRET))]);
    eventually(|| token(&address, "second", SECRET).0 == 200);
    assert_eq!(token(&address, "acme", SECRET), wrong);
    assert_eq!(server.terminate(), (0, String::new()));
}

#[test]
fn a_server_over_a_bad_file_does_not_start_and_says_everything_that_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.toml");
    write_users(&users, &[("acme", SECRET), ("acme", "$argon2id$x")]);
    for arguments in [["config", "check"].as_slice(), &["serve"]] {
        let (code, stdout, stderr) = run(ileap(arguments)
            .env("ILEAP_VERIFIER__KIND", "static_users")
            .env("ILEAP_VERIFIER__STATIC_USERS__FILE", &users));
        assert_eq!((code, stdout.as_str()), (64, ""));
        assert!(stderr.contains("3 problems"), "{stderr}");
        assert!(
            stderr.contains("users.toml:3: secret_hash cannot be used"),
            "{stderr}"
        );
        assert!(
            stderr.contains("make it anew with `ileap hash-secret`"),
            "{stderr}"
        );
        assert!(!stderr.contains("canary"), "{stderr}");
    }
}

#[test]
fn the_organization_of_a_static_user_can_be_allowed_whatever_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.toml");
    write_users(&users, &[("acme", &hash(SECRET))]);
    let (code, stdout, stderr) = run(
        ileap(&["access", "allow", "acme", "--everything", "--json"])
            .env("ILEAP_VERIFIER__KIND", "static_users")
            .env("ILEAP_VERIFIER__STATIC_USERS__FILE", &users)
            .current_dir(directory.path()),
    );
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("\"everything\":true"), "{stdout}");
    assert!(
        stderr.contains("note: acme is neither") && stderr.contains("static users"),
        "{stderr}"
    );
}

/// The commands of the manual, in one shell and in their order, on another port.
#[test]
fn the_commands_in_the_manual_work_as_pasted() {
    let manual = include_str!("../../../../docs/static-users.md");
    let commands: String = manual
        .split("```sh\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert!(commands.contains("ileap serve &"));
    let address = free_address();
    let script = format!(
        "trap 'kill %1; wait' EXIT\n{}\necho\nileap config check\n",
        commands.replace("127.0.0.1:8080", &address)
    );
    let directory = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_ileap")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let mut paths = vec![binary.to_owned()];
    paths.extend(std::env::split_paths(&path));
    let (code, stdout, stderr) = run(Command::new("bash")
        .args(["-ec", &script])
        .env_clear()
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("ILEAP_LISTENER__BIND", &address)
        .env("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0")
        .env("ILEAP_TOKEN__ALGORITHM", "ES256")
        .current_dir(directory.path()));
    assert_eq!(code, 0, "{stdout}\n{stderr}");
    assert!(stdout.contains("\"access_token\""), "{stdout}\n{stderr}");
    assert!(!stderr.contains("warning"), "{stderr}");
}

/// As the kernel sees it.
#[cfg(target_os = "linux")]
#[test]
fn a_server_leaves_no_core_dump() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.toml");
    write_users(&users, &[("acme", &hash(SECRET))]);
    let address = free_address();
    let child = ileap(&["serve"])
        .env("ILEAP_VERIFIER__KIND", "static_users")
        .env("ILEAP_VERIFIER__STATIC_USERS__FILE", &users)
        .env("ILEAP_LISTENER__BIND", &address)
        .env("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0")
        .env("ILEAP_STORE__URL", "sqlite::memory:")
        .env("ILEAP_TOKEN__ALGORITHM", "ES256")
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running(child);
    eventually(|| token(&address, "acme", SECRET).0 == 200);
    let proc = Path::new("/proc").join(server.0.id().to_string());
    let limits = fs::read_to_string(proc.join("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let core: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(
        core,
        ["0", "0"],
        "no core dump, and none to be turned on again"
    );
    assert_eq!(server.terminate(), (0, String::new()));
}
