//! What a deployment needs: how many cores, connections and rows, and how much memory.
//!
//! `cargo bench -p ileap-server --bench sizing` needs Linux and PostgreSQL's programs. It starts a database, fills it
//! with `ROWS` (default 50 000) footprints and as many activities, and measures processor time for each request, of the
//! server and of PostgreSQL, with one instance and with two; memory; rows; connections; and calls to Clerk.
//! `SECONDS` (default 3) is how long each kind of request is sent. Servers run on core 0, everything else on core 1.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, measures time, and stops at the first surprise"
)]

#[expect(dead_code, reason = "other benchmarks use the rest of it")]
#[path = "store/fill.rs"]
mod fill;
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
#[path = "http/load.rs"]
mod load;
#[expect(dead_code, reason = "the store's own tests use the rest of it")]
#[path = "../src/store/sql/tests/postgres/server.rs"]
mod postgres;
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
#[path = "http/process.rs"]
mod process;
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
#[path = "broker/scene.rs"]
mod scene;
#[path = "http/servers.rs"]
mod servers;

use std::{env, fs, io::Write as _, net::TcpStream, path::Path, sync::Arc, thread, time::Duration};

use ileap_server::{clock::ManualClock, store::sql::SqlStore};
use load::{Target, get, token_request};
use process::{Server, cpu_of, pin_self};
use scene::{SECRET, Scene, log_in};
use sqlx::{Connection as _, PgConnection, Row as _};

const CONNECTIONS: usize = 16;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let Some(name) = arguments.iter().position(|argument| argument == "--serve") {
        return servers::serve(arguments.get(name + 1).expect("a server's name"));
    }
    pin_self();
    let rows = setting("ROWS", 50_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(calls_to_clerk());
    memory();
    let database = Database::start();
    runtime.block_on(database.fill(rows));
    for instances in [1, 2] {
        requests(&database, instances);
    }
    runtime.block_on(database.connections());
}

fn setting(name: &str, default: u64) -> u64 {
    let text = env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What partners who log in every minute cost of Clerk's limits, within an hour of a clock that is moved on.
async fn calls_to_clerk() {
    const PARTNERS: usize = 10;
    println!("calls to Clerk in an hour of an instance for a partner that logs in every minute\n");
    for (what, organizations, verifier) in [
        ("Backend API, organizations", true, "clerk_backend"),
        ("Backend API, no organizations", false, "clerk_backend"),
        ("Frontend API", false, "clerk_frontend"),
    ] {
        let start = jiff::Timestamp::from_second(1_790_000_000).expect("a moment");
        let clock = Arc::new(ManualClock::starting_at(start));
        let settings = [
            ("ILEAP_VERIFIER__KIND", verifier),
            ("ILEAP_VERIFIER__BUDGET__ENABLED", "false"),
        ];
        let scene = Scene::set_at(clock.clone(), (PARTNERS, organizations), &settings).await;
        let calls = || {
            scene
                .clerk
                .admin()
                .calls()
                .by_endpoint
                .values()
                .sum::<u64>()
        };
        let before = calls();
        for _ in 0..60 {
            for partner in 0..PARTNERS {
                let id = format!("partner-{partner}");
                let (http, base) = (scene.http.clone(), scene.base.clone());
                let (status, _) = log_in(http, base, id, SECRET.to_owned()).await;
                assert_eq!(status, 200, "{what}");
            }
            clock.advance(Duration::from_mins(1));
        }
        let of_each = (calls() - before) as f64 / PARTNERS as f64;
        println!("{what:<32} {of_each:>8.1}");
    }
}

/// Memory of an instance: with nothing to do, for a connection, and for a partner that is remembered.
fn memory() {
    const PARTNERS: usize = 30_000;
    const OPEN: usize = 800;
    let server = Server::start("token-reuse@sqlite::memory:");
    println!("\nmemory of an instance\n");
    println!("{:<32} {:>8} KiB", "idle", server.resident_kib());
    let ask = |requests: Vec<String>| {
        let requests: Arc<[String]> = requests.into();
        let target = Target {
            address: &server.address,
            requests: &requests,
            connections: 1,
        };
        target.warm_up();
    };
    ask(vec![token_request(0); 1000]);
    let before = server.resident_kib();
    let request = get("/jwks", &server.token);
    let open: Vec<_> = (0..OPEN)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.address).expect("a connection");
            stream
                .write_all(request.as_bytes())
                .expect("the server reads");
            stream
        })
        .collect();
    // Each has been answered once the last one has.
    let mut byte = [0];
    for mut stream in &open {
        std::io::Read::read_exact(&mut stream, &mut byte).expect("an answer");
    }
    let of_each = (server.resident_kib() - before) as f64 / OPEN as f64;
    println!("{:<32} {of_each:>8.1} KiB", "a connection");
    drop(open);
    let before = server.resident_kib();
    ask((0..PARTNERS).map(token_request).collect());
    let of_each = (server.resident_kib() - before) as f64 / PARTNERS as f64;
    println!("{:<32} {of_each:>8.1} KiB", "a partner that is remembered");
    println!("{:<32} {:>8} KiB", "all of that", server.resident_kib());
}

/// PostgreSQL, on the core that the servers are not on.
struct Database {
    server: postgres::Server,
    url: String,
}

impl Database {
    fn start() -> Self {
        let server = postgres::Server::start();
        Self {
            url: server.url("postgres"),
            server,
        }
    }

    async fn fill(&self, rows: u64) {
        let size = "SELECT pg_database_size(current_database())";
        let store = SqlStore::open(&self.url).await.expect("a store");
        let before = self.number(size).await;
        fill::fill(&store, rows).await;
        fill::allow(&store, rows).await;
        let bytes = self.number(size).await - before;
        let of_a_million = bytes as f64 / rows as f64 * 1e6 / f64::from(1 << 30);
        println!("\nPostgreSQL with {rows} footprints and as many activities\n");
        println!("{:<32} {of_a_million:>8.2} GiB", "a million of both");
    }

    async fn number(&self, query: &'static str) -> i64 {
        let mut connection = PgConnection::connect(&self.url).await.expect("PostgreSQL");
        let row = sqlx::query(query).fetch_one(&mut connection).await;
        row.expect("a row").get(0)
    }

    /// Processor time of all of PostgreSQL's processes.
    fn cpu(&self) -> Duration {
        let socket = self.server.socket();
        let directory = Path::new(&socket).parent().expect("a directory");
        let file = fs::read_to_string(directory.join("data/postmaster.pid"));
        let file = file.expect("PostgreSQL runs");
        let postmaster: u32 = file
            .lines()
            .next()
            .and_then(|pid| pid.parse().ok())
            .expect("its pid");
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"));
        let children = children.unwrap_or_default();
        let children = children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok());
        cpu_of(postmaster) + children.map(cpu_of).sum::<Duration>()
    }

    /// How many connections two instances have while they are asked by many.
    async fn connections(&self) {
        const HELD: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ileap'";
        let name = format!("data@{}", self.url);
        let servers = [Server::start(&name), Server::start(&name)];
        println!("\nconnections to PostgreSQL, of two instances\n");
        println!("{:<32} {:>8}", "idle", self.number(HELD).await);
        thread::scope(|scope| {
            for server in &servers {
                let requests: Arc<[String]> =
                    vec![get("/2/footprints?limit=1000", &server.token)].into();
                scope.spawn(move || {
                    let target = Target {
                        address: &server.address,
                        requests: &requests,
                        connections: 64,
                    };
                    target.run(Duration::from_secs(2))
                });
            }
        });
        println!(
            "{:<32} {:>8}",
            "after 64 lists at once at each",
            self.number(HELD).await
        );
    }
}

/// What each kind of request costs, by so many instances at once.
fn requests(database: &Database, instances: usize) {
    let plural = if instances == 1 { "" } else { "s" };
    println!("\n{instances} instance{plural} on PostgreSQL\n");
    println!(
        "{:<32} {:>10} {:>14} {:>14} {:>12}",
        "", "a second", "us of ileap", "us of database", "a core"
    );
    let seconds = Duration::from_secs(setting("SECONDS", 3));
    for (what, server, path) in [
        ("token, fresh RS256", "token-rs256", None),
        ("token, fresh ES256", "token-es256", None),
        ("token, reused", "token-reuse", None),
        ("bearer check alone", "data", Some("/2/footprints?limit=0")),
        ("GET /auth/verify", "data", Some("/auth/verify")),
        ("GET /2/footprints/{id}", "data", Some("/2/footprints/")),
        (
            "GET /2/footprints?limit=10",
            "data",
            Some("/2/footprints?limit=10"),
        ),
        (
            "GET /2/footprints?limit=1000",
            "data",
            Some("/2/footprints?limit=1000"),
        ),
        (
            "GET /2/ileap/tad?limit=100",
            "data",
            Some("/2/ileap/tad?limit=100"),
        ),
    ] {
        let name = format!("{server}@{}", database.url);
        let servers: Vec<_> = (0..instances).map(|_| Server::start(&name)).collect();
        let requests = |server: &Server| -> Arc<[String]> {
            match path {
                None => (0..100).map(token_request).collect(),
                Some("/2/footprints/") => [get(
                    &format!("/2/footprints/{}", server.footprint),
                    &server.token,
                )]
                .into(),
                Some(path) => [get(path, &server.token)].into(),
            }
        };
        let all: Vec<_> = servers.iter().map(requests).collect();
        let targets = || {
            servers.iter().zip(&all).map(|(server, requests)| Target {
                address: &server.address,
                requests,
                connections: CONNECTIONS,
            })
        };
        let run = |duration| -> f64 {
            thread::scope(|scope| {
                let runs: Vec<_> = targets()
                    .map(|target| scope.spawn(move || target.run(duration)))
                    .collect();
                let rates = runs.into_iter().map(|run| run.join().expect("no panic"));
                rates.sum()
            })
        };
        targets().for_each(|target| target.warm_up());
        run(Duration::from_millis(300));
        let cpu = || servers.iter().map(Server::cpu).sum::<Duration>();
        let (ileap, postgres) = (cpu(), database.cpu());
        let rate = run(seconds);
        let answers = rate * seconds.as_secs_f64();
        let of_each = |time: Duration| time.as_secs_f64() * 1e6 / answers;
        let (ileap, postgres) = (
            of_each(cpu().saturating_sub(ileap)),
            of_each(database.cpu().saturating_sub(postgres)),
        );
        println!(
            "{what:<32} {rate:>10.0} {ileap:>14.1} {postgres:>14.1} {:>12.0}",
            1e6 / ileap
        );
    }
}
