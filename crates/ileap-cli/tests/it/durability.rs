//! Servers that are killed, and disks that fill up: what was acknowledged stays, and goes out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    commands::{Running, ileap, run},
    effort::rounds,
    postgres::Postgres,
    static_users::{eventually, free_address, hash, token, write_users},
    wire::{exchange, status},
};

const SECRET: &str = "quartz+Lantern 4711 and more";
const KILLS: usize = 4;

/// The settings of a server over a database, and a file of users and keys in `directory`.
fn settings(directory: &Path, address: &str, database: String) -> Vec<(&'static str, String)> {
    let within = |name: &str| directory.join(name).display().to_string();
    vec![
        ("ILEAP_VERIFIER__KIND", "static_users".to_owned()),
        ("ILEAP_VERIFIER__STATIC_USERS__FILE", within("users.toml")),
        ("ILEAP_LISTENER__BIND", address.to_owned()),
        ("ILEAP_LISTENER__ADMIN_BIND", "127.0.0.1:0".to_owned()),
        ("ILEAP_KEYS__DIRECTORY", within("keys")),
        ("ILEAP_STORE__URL", database),
        ("ILEAP_TOKEN__ALGORITHM", "ES256".to_owned()),
        ("ILEAP_EVENTS__PRIVATE_NETWORKS", "true".to_owned()),
        ("ILEAP_LOG__FORMAT", "json".to_owned()),
    ]
}

fn access_token(address: &str) -> String {
    eventually(|| token(address, "acme", SECRET).0 == 200);
    let (_, body) = token(address, "acme", SECRET);
    let body: Value = serde_json::from_str(&body).unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

/// The status of an event; 0 where nobody answers any more.
fn send(address: &str, token: &str, id: &str, source: &str, comment: &str) -> u16 {
    let event = json!({
        "specversion": "1.0", "id": id, "source": source,
        "type": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
        "data": { "pf": { "productIds": ["urn:pact:null"] }, "comment": comment },
    })
    .to_string();
    let answer = exchange(
        address,
        &format!(
            "POST /2/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/cloudevents+json\r\ncontent-length: {}\r\n\r\n{event}",
            event.len()
        ),
    );
    status(&answer)
}

/// A partner's host that acknowledges everything; which events have answered which request.
struct Partner {
    base: String,
    answers: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl Partner {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(BTreeMap::new()));
        let kept = answers.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                thread::spawn(move || answer(stream, &kept));
            }
        });
        Self { base, answers }
    }

    fn answered(&self) -> BTreeSet<String> {
        self.answers.lock().unwrap().keys().cloned().collect()
    }
}

fn answer(stream: TcpStream, kept: &Mutex<BTreeMap<String, Vec<String>>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (status, answer) = match first.split(' ').nth(1)? {
        "/auth/token" => ("200 OK", r#"{"access_token":"t"}"#),
        "/2/events" => {
            let event: Value = serde_json::from_slice(&body).ok()?;
            let request = event["data"]["requestEventId"].as_str()?.to_owned();
            let id = event["id"].as_str()?.to_owned();
            kept.lock().ok()?.entry(request).or_default().push(id);
            ("200 OK", "")
        }
        _ => ("404 Not Found", ""),
    };
    let length = answer.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
    )
    .ok()
}

#[test]
fn a_server_that_is_killed_again_and_again_answers_every_request_it_acknowledged_with_one_event() {
    let directory = tempfile::tempdir().unwrap();
    for round in rounds(1) {
        let database = directory.path().join(format!("{round}.db"));
        answers_every_request_it_acknowledged_with_one_event(format!(
            "sqlite:{}",
            database.display()
        ));
    }
}

#[test]
fn a_server_on_postgresql_that_is_killed_again_and_again_does_the_same() {
    let postgres = Postgres::start();
    answers_every_request_it_acknowledged_with_one_event(postgres.url());
}

fn answers_every_request_it_acknowledged_with_one_event(database: String) {
    let directory = tempfile::tempdir().unwrap();
    let address = free_address();
    let settings = settings(directory.path(), &address, database);
    write_users(
        &directory.path().join("users.toml"),
        &[("acme", &hash(SECRET))],
    );
    let partner = Partner::start();
    let (code, _, stderr) = run(ileap(&[
        "partners",
        "add",
        "static|acme",
        &partner.base,
        "--client-id",
        "us",
    ])
    .envs(settings.clone())
    .env("ILEAP_PARTNER_SECRET", "sesame"));
    assert_eq!(code, 0, "{stderr}");
    let mut acknowledged = BTreeSet::new();
    for round in 0..=KILLS {
        let server = ileap(&["serve"])
            .envs(settings.clone())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Running(server);
        let token = access_token(&address);
        if round == KILLS {
            eventually(|| partner.answered().is_superset(&acknowledged));
            assert_eq!(server.terminate().0, 0);
            break;
        }
        // Killed at another moment each time, with requests and answers under way.
        let killer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(60 + 90 * round as u64));
            server.0.kill().unwrap();
            server.0.wait().unwrap();
        });
        for number in 0.. {
            let id = format!("{round}/{number}");
            match send(&address, &token, &id, &partner.base, "") {
                200 => acknowledged.insert(id),
                _ => break,
            };
        }
        killer.join().unwrap();
    }
    assert!(acknowledged.len() > KILLS, "{acknowledged:?}");
    let answers = partner.answers.lock().unwrap();
    let mut repeated = 0;
    for (request, ids) in &*answers {
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), 1, "request {request} got different events");
        repeated += ids.len() - 1;
    }
    // Only what was just being acknowledged in the moment of a kill can have been sent again.
    assert!(repeated <= KILLS, "{repeated} events came twice");
}

/// A server whose database has room for a few MiB, until it is told that there is more.
struct FullDisk {
    server: Running,
    log: Arc<Mutex<Vec<String>>>,
}

impl FullDisk {
    /// In a file system of its own of 4 MiB, half of which something else takes.
    const SMALL_DISK: &str = r#"
        mount -t tmpfs -o size=4m none "$1" && head -c 2m /dev/zero >"$1/ballast" || exit 1
        "$2" serve &
        server=$!
        trap 'kill $server' TERM
        read -r _
        rm "$1/ballast"
        echo given back
        wait $server
    "#;

    /// With files that may not grow beyond 2 MiB. Needs no privileges.
    const SMALL_FILES: &str = r#"
        trap '' XFSZ
        sh -c 'ulimit -S -f 4096 && exec "$0" serve' "$2" &
        server=$!
        trap 'kill $server' TERM
        read -r _
        prlimit --pid "$server" --fsize=unlimited: || exit 1
        echo given back
        wait $server
    "#;

    /// On a device of its own that fails to write what it has promised room for: it is a file, and there is no room for
    /// that. Whoever writes finds out when it asks whether it has been written.
    const FAILING_DEVICE: &str = r#"
        PATH=$PATH:/usr/sbin
        mount -t tmpfs -o size=6m none "$1" && cd "$1" && truncate -s 64M device || exit 1
        mkfs.ext4 -q -O ^has_journal device && mount -o loop device "$1" || exit 1
        test "$2" = "" && exit
        head -c 2m /dev/zero >ballast
        "$2" serve &
        server=$!
        trap 'kill $server' TERM
        read -r _
        rm ballast
        echo given back
        wait $server
    "#;

    fn start(command: &[&str], disk: &Path, settings: Vec<(&'static str, String)>) -> Self {
        let (program, arguments) = command.split_first().unwrap();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg("sh")
            .arg(disk)
            .arg(env!("CARGO_BIN_EXE_ileap"))
            .envs(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut server = Running(command.spawn().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (kept, stderr) = (log.clone(), server.0.stderr.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Self { server, log }
    }

    fn give_back(&mut self) {
        writeln!(self.server.0.stdin.as_mut().unwrap()).unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(self.server.0.stdout.as_mut().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "given back\n");
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        let group = format!("-{}", self.server.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    }
}

#[test]
fn a_full_disk_refuses_events_and_nothing_else_and_heals_by_itself() {
    let can_mount = Command::new("unshare")
        .args(["--map-root-user", "--mount", "true"])
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "passed over: this machine makes no file systems for tests; small files are tested anyway"
        );
        return;
    }
    let script = FullDisk::SMALL_DISK;
    for _ in rounds(1) {
        refuses_events_and_nothing_else_and_heals_by_itself(&[
            "unshare",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
        ]);
    }
}

#[test]
fn a_device_that_fails_to_write_refuses_events_and_nothing_else_and_heals_by_itself() {
    let command = ["unshare", "--mount", "sh", "-c", FullDisk::FAILING_DEVICE];
    let directory = tempfile::tempdir().unwrap();
    let mut can_mount = Command::new(command[0]);
    can_mount
        .args(&command[1..])
        .arg("sh")
        .arg(directory.path())
        .arg("");
    if !can_mount
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("passed over: this machine makes no devices for tests; full disks are tested");
        return;
    }
    for _ in rounds(1) {
        refuses_events_and_nothing_else_and_heals_by_itself(&command);
    }
}

#[test]
fn a_database_that_cannot_grow_refuses_events_and_nothing_else_and_heals_by_itself() {
    for _ in rounds(1) {
        refuses_events_and_nothing_else_and_heals_by_itself(&["sh", "-c", FullDisk::SMALL_FILES]);
    }
}

fn refuses_events_and_nothing_else_and_heals_by_itself(command: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let disk = directory.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let address = free_address();
    let database = format!("sqlite:{}/ileap.db", disk.display());
    let settings = settings(directory.path(), &address, database);
    write_users(
        &directory.path().join("users.toml"),
        &[("acme", &hash(SECRET))],
    );
    let mut server = FullDisk::start(command, &disk, settings);
    let token = access_token(&address);
    let large = "x".repeat(100_000);
    let send = |id: &str| send(&address, &token, id, "https://partner.example", &large);
    let mut acknowledged = Vec::new();
    let refused = (0..200).map(|number| number.to_string()).find(|id| {
        let status = send(id);
        if status == 200 {
            acknowledged.push(id.clone());
        } else {
            assert_eq!(status, 503);
        }
        status != 200
    });
    let refused = refused.expect("4 MiB are full at last");
    assert!(!acknowledged.is_empty());
    // Reading and logging in go on.
    assert_eq!(self::token(&address, "acme", SECRET).0, 200);
    let get = |path: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        exchange(&address, &request)
    };
    assert!(get("/2/footprints").starts_with("HTTP/1.1 200"));
    assert!(send(&refused) == 503, "still full");
    server.give_back();
    eventually(|| send(&refused) == 200);
    // What was acknowledged is there: each is known when it comes again.
    for id in &acknowledged {
        assert_eq!(send(id), 200);
    }
    eventually(|| {
        let log = server.log.lock().unwrap();
        let duplicates = log
            .iter()
            .filter(|line| line.contains("\"event.is_duplicate\":true"));
        duplicates.count() == acknowledged.len()
    });
}
