//! A server over an emulated Clerk with many users, and its callers.

use std::{
    collections::HashMap,
    fs,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clerk_emulator::{ClerkEmulator, EmulatorOptions, EmulatorUser};
use ileap_server::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::{
    commands::{Running, ileap, run},
    static_users::{eventually, free_address},
    wire::{body, exchange, status},
};

const SAMPLES: &str = include_str!("../../../../ileap-server/sample-data/footprints.json");
const UNIT: &str = include_str!("../../../../../deploy/ileap.service");
const SECRET: &str = "quartz+Lantern 4711 and more";
const WEBHOOK_KEY: &[u8] = b"a signing key of twenty-four";
/// Who comes at once, while memories are filled: refusals take their time.
const CROWD: usize = 128;
/// Of a hundred kilobytes each: more than SQLite holds in memory.
const LARGE_EVENTS: usize = 60;
/// Of two kilobytes each, and a page has a thousand of them: more than each connection holds in memory that reads.
const FOOTPRINTS: usize = 5000;
/// More at a time than there are connections that read.
const READERS: usize = 16;
/// When the server has long noticed that another key signs.
const NOTICED: Duration = Duration::from_secs(20);
/// The shortest there is.
const TOKEN_LIFETIME: Duration = Duration::from_mins(1);
/// How often a caller comes back.
const COME_BACK: usize = 20;
/// Where failures are no news any more.
const MOST_FAILURES: usize = 20;

pub(super) struct Scene {
    address: String,
    admin: String,
    users: usize,
    requests: AtomicU32,
    failures: Mutex<Vec<String>>,
    /// Since when keys are known not to sign any more.
    retiring: Mutex<HashMap<String, Instant>>,
    settings: Vec<(&'static str, String)>,
    server: Running,
    clerk: ClerkEmulator,
    _runtime: Runtime,
    directory: TempDir,
}

fn name(number: usize) -> String {
    format!("partner-{number}@acme.example")
}

impl Scene {
    pub(super) fn start(users: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let user =
            |number| EmulatorUser::with_email(&name(number), SECRET).member_of("acme", "all");
        let options = EmulatorOptions::with_users((0..users).map(user)).without_limits();
        let clerk = runtime.block_on(ClerkEmulator::start(options)).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (address, admin) = (free_address(), free_address());
        let settings = settings(&directory, &clerk, &address, &admin);
        let server = ileap(&["serve"])
            .envs(settings.clone())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let scene = Self {
            address,
            admin,
            users,
            requests: AtomicU32::new(0),
            failures: Mutex::default(),
            retiring: Mutex::default(),
            settings,
            server: Running(server.unwrap()),
            clerk,
            _runtime: runtime,
            directory,
        };
        eventually(|| status(&scene.ask_admin("/readyz")) == 200);
        let organization = scene.clerk.organization_id("acme").unwrap();
        let allow = ["access", "allow", &organization, "--everything"];
        let (code, _, stderr) = run(ileap(&allow).envs(scene.settings.clone()));
        assert_eq!(code, 0, "{stderr}");
        scene
    }

    /// Every user logs in once, and twice as many strangers try, from more addresses than are remembered: whatever
    /// remembers has something to remember.
    pub(super) fn fill(&self) {
        self.crowd(|number| {
            self.visit(number);
            self.stranger("early", number);
            self.stranger("second", number);
        });
        // What each connection to the database keeps of its file, too.
        self.import();
        if let Some(token) = self.visit(0) {
            for number in 0..LARGE_EVENTS {
                self.send_event(&token, &format!("large-{number}"), &"x".repeat(100_000));
            }
            thread::scope(|scope| {
                for _ in 0..READERS {
                    scope.spawn(|| self.expect(200, &self.read(&token, 1000)));
                }
            });
        }
    }

    fn import(&self) {
        let samples: Value = serde_json::from_str(SAMPLES).unwrap();
        let footprints = (0..FOOTPRINTS).map(|_| {
            let mut footprint = samples[0].clone();
            footprint["id"] = json!(Uuid::new_v4().to_string());
            footprint
        });
        let path = self.directory.path().join("footprints.json");
        fs::write(&path, json!(footprints.collect::<Vec<_>>()).to_string()).unwrap();
        let (code, _, stderr) =
            run(ileap(&["import", path.to_str().unwrap()]).envs(self.settings.clone()));
        assert_eq!(code, 0, "{stderr}");
    }

    /// Every user logs in again, when its token is long over, and once more: what is remembered in place of something
    /// else takes other room at first, and the allocator some time to settle.
    pub(super) fn fill_again(&self) {
        for _ in 0..3 {
            thread::sleep(TOKEN_LIFETIME);
            self.crowd(|number| {
                self.visit(number);
            });
        }
    }

    fn crowd(&self, act: impl Fn(usize) + Sync) {
        thread::scope(|scope| {
            for first in 0..CROWD {
                let act = &act;
                scope.spawn(move || {
                    for number in (first..self.users).step_by(CROWD) {
                        act(number);
                    }
                });
            }
        });
    }

    /// A partner that was not here for long logs in, reads, sends an event and may end its token; a stranger fails.
    pub(super) fn turn(&self, turn: usize) {
        let Some(token) = self.visit(turn % self.users) else {
            return;
        };
        self.send_event(&token, &format!("event-{turn}"), "");
        if turn.is_multiple_of(10) {
            self.stranger("late", turn);
        }
        if turn % 10 == 5 {
            let head = basic(&name(turn % self.users), SECRET);
            self.expect(
                200,
                &self.request("POST /auth/revoke", &head, &format!("token={token}")),
            );
            self.expect(401, &self.read(&token, 1));
        }
        if turn.is_multiple_of(25) {
            self.webhook(turn);
        }
    }

    fn send_event(&self, token: &str, id: &str, comment: &str) {
        let event = json!({
            "specversion": "1.0", "id": id, "source": "https://partner.example",
            "type": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
            "data": { "pf": { "productIds": ["urn:pact:null"] }, "comment": comment },
        });
        let head = format!(
            "authorization: Bearer {token}\r\ncontent-type: application/cloudevents+json\r\n"
        );
        let answer = self.request("POST /2/events", &head, &event.to_string());
        self.expect(200, &answer);
    }

    /// Clerk tells that somebody who comes much later has changed.
    fn webhook(&self, turn: usize) {
        let user = self
            .clerk
            .user_id(&name((turn + self.users / 2) % self.users));
        let event = json!({ "type": "user.updated", "object": "event", "data": { "id": user, "object": "user" } });
        let (event, id, sent_at) = (
            event.to_string(),
            format!("msg_{turn}"),
            SystemClock.now().as_second(),
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_KEY);
        let tag = hmac::sign(&key, format!("{id}.{sent_at}.{event}").as_bytes());
        let head = format!(
            "content-type: application/json\r\nsvix-id: {id}\r\nsvix-timestamp: {sent_at}\r\nsvix-signature: v1,{}\r\n",
            STANDARD.encode(tag)
        );
        self.expect(204, &self.request("POST /webhooks/clerk", &head, &event));
    }

    /// The next key is published, and one that has not signed for a while is gone for good.
    pub(super) fn rotate(&self) {
        self.keys(&["rotate"]);
        let listed = self.keys(&["list"]);
        let keys = listed["keys"].as_array().unwrap().iter();
        let mut retiring = self.retiring.lock().unwrap();
        for key in keys.filter(|key| key["state"] == "retiring") {
            let kid = key["kid"].as_str().unwrap().to_owned();
            let since = retiring.entry(kid).or_insert_with(Instant::now);
            if since.elapsed() >= NOTICED {
                self.keys(&["revoke", key["kid"].as_str().unwrap()]);
            }
        }
    }

    pub(super) fn reload(&self) {
        let pid = self.server.0.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &pid]).status();
        assert!(sent.unwrap().success());
    }

    pub(super) fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap().clone()
    }

    pub(super) fn open_files(&self) -> f64 {
        self.metric("process_open_fds")
    }

    /// What it has in memory of its own: pages of the program itself come and go as the machine has room.
    pub(super) fn memory_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.0.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<f64>().unwrap() / 1024.0
    }

    /// Logs in and reads; the token, where there is one.
    fn visit(&self, number: usize) -> Option<String> {
        let answer = self.log_in(&name(number), SECRET);
        self.expect(200, &answer).then_some(())?;
        let granted: Value = serde_json::from_str(body(&answer)).unwrap();
        let token = granted["access_token"].as_str().unwrap().to_owned();
        self.expect(200, &self.read(&token, 1));
        Some(token)
    }

    fn stranger(&self, kind: &str, number: usize) {
        let name = format!("stranger-{kind}-{number}@nowhere.example");
        self.expect(400, &self.log_in(&name, "sesame, open up"));
    }

    /// Comes back when it is told to: an emulated Clerk on a busy machine may be late.
    fn log_in(&self, client_id: &str, secret: &str) -> String {
        let head = basic(client_id, secret);
        let ask = || self.request("POST /auth/token", &head, "grant_type=client_credentials");
        let mut answer = ask();
        for _ in 0..COME_BACK {
            if status(&answer) != 503 {
                break;
            }
            thread::sleep(Duration::from_secs(1));
            answer = ask();
        }
        answer
    }

    fn read(&self, token: &str, limit: usize) -> String {
        let head = format!("authorization: Bearer {token}\r\n");
        self.request(&format!("GET /2/footprints?limit={limit}"), &head, "")
    }

    /// On a connection of its own, through the proxy, from an address that was not there before.
    fn request(&self, line: &str, head: &str, body: &str) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let [_, a, b, c] = number.to_be_bytes();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-forwarded-for: 10.{a}.{b}.{c}\r\n{head}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        exchange(&self.address, &request)
    }

    fn expect(&self, wanted: u16, answer: &str) -> bool {
        let is_so = status(answer) == wanted;
        if !is_so {
            let mut failures = self.failures.lock().unwrap();
            failures.push(format!("not {wanted}: {answer}"));
            assert!(failures.len() < MOST_FAILURES, "{failures:?}");
        }
        is_so
    }

    fn keys(&self, arguments: &[&str]) -> Value {
        let arguments = [&["keys"], arguments, &["--json"]].concat();
        let (code, stdout, stderr) = run(ileap(&arguments).envs(self.settings.clone()));
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    fn metric(&self, name: &str) -> f64 {
        let metrics = self.ask_admin("/metrics");
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.expect(name).parse().unwrap()
    }

    fn ask_admin(&self, path: &str) -> String {
        exchange(
            &self.admin,
            &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        )
    }
}

fn basic(client_id: &str, secret: &str) -> String {
    let credentials = STANDARD.encode(format!("{client_id}:{secret}"));
    format!(
        "authorization: Basic {credentials}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
    )
}

/// Everything that keeps something is on, and no limit is in the way of callers that all come from here.
fn settings(
    directory: &TempDir,
    clerk: &ClerkEmulator,
    address: &str,
    admin: &str,
) -> Vec<(&'static str, String)> {
    let within = |name: &str| directory.path().join(name).display().to_string();
    let store = format!("sqlite:{}", within("ileap.db"));
    let lifetime = format!("{}s", TOKEN_LIFETIME.as_secs());
    let webhook_secret = format!("whsec_{}", STANDARD.encode(WEBHOOK_KEY));
    [
        ("ILEAP_VERIFIER__KIND", "clerk_backend"),
        (
            "ILEAP_VERIFIER__CLERK__BACKEND_API_URL",
            clerk.backend_api_url(),
        ),
        (
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            clerk.frontend_api_url(),
        ),
        ("CLERK_SECRET_KEY", clerk.secret_key()),
        ("CLERK_WEBHOOK_SIGNING_SECRET", &webhook_secret),
        ("ILEAP_VERIFIER__CLERK__TIMEOUT", "10s"),
        ("ILEAP_VERIFIER__BUDGET__FAILURES_PER_ADDRESS", "100000"),
        ("ILEAP_VERIFIER__BUDGET__FAILURES_IN_ALL", "1000000"),
        ("ILEAP_VERIFIER__BUDGET__CALLS_PER_10S", "100000"),
        ("ILEAP_LISTENER__BIND", address),
        ("ILEAP_LISTENER__ADMIN_BIND", admin),
        ("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.1/32"),
        ("ILEAP_KEYS__DIRECTORY", &within("keys")),
        ("ILEAP_KEYS__PUBLISH_BEFORE", "10s"),
        ("ILEAP_STORE__URL", &store),
        ("ILEAP_TOKEN__ALGORITHM", "ES256"),
        ("ILEAP_TOKEN__LIFETIME", &lifetime),
        ("ILEAP_AUDIT__TARGET", "file"),
        ("ILEAP_AUDIT__FILE", &within("audit.jsonl")),
        ("ILEAP_AUDIT__DATA_ACCESS", "all"),
        ("ILEAP_LOG__LEVEL", "warn"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into_iter()
    .chain(shipped_environment())
    .collect()
}

/// What the shipped unit sets for every server.
fn shipped_environment() -> impl Iterator<Item = (&'static str, String)> {
    let set = UNIT
        .lines()
        .filter_map(|line| line.strip_prefix("Environment="));
    let set = set.map(|set| set.split_once('=').unwrap());
    set.map(|(name, value)| (name, value.to_owned()))
}
