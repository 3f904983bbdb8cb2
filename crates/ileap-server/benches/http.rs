//! Requests per second of the endpoints, beside an empty handler and the raw signature rate, in one run.
//!
//! `cargo bench -p ileap-server` prints a table of medians over interleaved rounds. Each server runs in a
//! process of its own on core 0 (where `taskset` exists and there are two cores), the load on core 1, so
//! that a figure is per core. `ROUNDS`, `SECONDS` and `ONLY` (part of a name) change the effort. Figures are to
//! be compared within one run only.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, measures time, and stops at the first surprise"
)]

#[path = "http/load.rs"]
mod load;
#[expect(dead_code, reason = "other benchmarks ask for more of a server")]
#[path = "http/process.rs"]
mod process;
#[path = "http/servers.rs"]
mod servers;

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use load::{Target, get, token_request};
use process::{Server, pin_self};

/// Connections of the load, each with one request under way.
const CONNECTIONS: usize = 16;

/// What is measured: name, server, budget as a fraction of a reference in the same run.
const CASES: [Case; 22] = [
    Case {
        name: "empty axum handler",
        server: "empty",
        request: Request::Get("/"),
        budget: None,
    },
    Case {
        name: "bare hyper + RSA-2048 signature",
        server: "rsa",
        request: Request::Get("/"),
        budget: None,
    },
    Case {
        name: "token, fresh RS256",
        server: "token-rs256",
        request: Request::Tokens(1),
        budget: Some((1, 0.95)),
    },
    Case {
        name: "token, fresh ES256",
        server: "token-es256",
        request: Request::Tokens(1),
        budget: None,
    },
    Case {
        name: "token, fresh EdDSA",
        server: "token-eddsa",
        request: Request::Tokens(1),
        budget: None,
    },
    Case {
        name: "token, reused RS256",
        server: "token-reuse",
        request: Request::Tokens(1),
        budget: Some((0, 0.40)),
    },
    Case {
        name: "token, reused, 100 partners",
        server: "token-reuse",
        request: Request::Tokens(100),
        budget: Some((0, 0.40)),
    },
    Case {
        name: "token, reused, 10 000 partners",
        server: "token-reuse",
        request: Request::Tokens(10_000),
        budget: Some((0, 0.40)),
    },
    Case {
        name: "token, fresh RS256, 100 partners",
        server: "token-rs256",
        request: Request::Tokens(100),
        budget: Some((1, 0.95)),
    },
    Case {
        name: "token, fresh RS256, 10 000 partners",
        server: "token-rs256",
        request: Request::Tokens(10_000),
        budget: Some((1, 0.95)),
    },
    Case {
        name: "discovery",
        server: "data",
        request: Request::Get("/.well-known/openid-configuration"),
        budget: None,
    },
    Case {
        name: "bearer, cached (404 path)",
        server: "data",
        request: Request::Get("/2/footprints?limit=0"),
        budget: None,
    },
    Case {
        name: "bare /auth/verify: hash, 9 headers",
        server: "floor",
        request: Request::Get("/auth/verify"),
        budget: None,
    },
    Case {
        name: "GET /auth/verify, cached RS256",
        server: "data",
        request: Request::Get("/auth/verify"),
        budget: Some((0, 0.85)),
    },
    Case {
        name: "bare /auth/verify: RSA check as well",
        server: "floor-rsa",
        request: Request::Get("/auth/verify"),
        budget: None,
    },
    Case {
        name: "GET /auth/verify, uncached RS256",
        server: "verify",
        request: Request::Unseen("/auth/verify"),
        budget: Some((0, 0.28)),
    },
    Case {
        name: "bare read of a footprint",
        server: "floor-read",
        request: Request::One,
        budget: None,
    },
    Case {
        name: "GET /2/footprints/{id}",
        server: "data",
        request: Request::One,
        budget: Some((0, 0.25)),
    },
    Case {
        name: "GET /2/footprints?limit=10",
        server: "data",
        request: Request::Get("/2/footprints?limit=10"),
        budget: Some((0, 0.12)),
    },
    Case {
        name: "GET /2/ileap/tad?limit=10",
        server: "data",
        request: Request::Get("/2/ileap/tad?limit=10"),
        budget: None,
    },
    Case {
        name: "GET /2/ileap/tad?mode=Road",
        server: "data",
        request: Request::Get("/2/ileap/tad?mode=Road"),
        budget: None,
    },
    Case {
        name: "GET /2/footprints?$filter",
        server: "data",
        request: Request::Get("/2/footprints?limit=10&$filter=productCategoryCpc+eq+'83117'"),
        budget: None,
    },
];

/// The first cases are what the others are held against; they always run.
const REFERENCES: usize = 2;

struct Case {
    name: &'static str,
    server: &'static str,
    request: Request,
    /// Index of the reference and the fraction of it to reach.
    budget: Option<(usize, f64)>,
}

enum Request {
    /// A GET with the server's access token.
    Get(&'static str),
    /// A GET of the first footprint.
    One,
    /// A GET with each of the server's access tokens, once.
    Unseen(&'static str),
    /// Token requests of so many partners in turn.
    Tokens(usize),
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let Some(name) = arguments.iter().position(|argument| argument == "--serve") {
        return servers::serve(arguments.get(name + 1).expect("a server's name"));
    }
    let setting = |name: &str, default: u32| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (rounds, seconds) = (setting("ROUNDS", 5), setting("SECONDS", 2));
    pin_self();
    let raw = raw_signatures();
    let mut figures: Vec<Vec<f64>> = CASES.iter().map(|_| Vec::new()).collect();
    let only = env::var("ONLY").unwrap_or_default();
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        for (index, (case, figures)) in CASES.iter().zip(&mut figures).enumerate() {
            if index >= REFERENCES && !case.name.contains(&only) {
                continue;
            }
            let server = Server::start(case.server);
            let requests: Arc<[String]> = requests(&server, &case.request).into();
            let target = Target {
                address: &server.address,
                requests: &requests,
                connections: CONNECTIONS,
            };
            figures.push(if matches!(case.request, Request::Unseen(_)) {
                target.run_once()
            } else {
                target.warm_up();
                target.run(Duration::from_millis(300));
                target.run(Duration::from_secs(seconds.into()))
            });
        }
    }
    println!(
        "\n{:<34} {:>10} {:>10} {:>9}  budget",
        "raw RSA-2048 signatures, one core",
        format!("{raw:.0}/s"),
        "",
        ""
    );
    report(figures);
}

fn report(mut figures: Vec<Vec<f64>>) {
    for figures in &mut figures {
        figures.sort_by(f64::total_cmp);
    }
    let median = |index: usize| {
        let figures = figures.get(index).map_or(&[][..], Vec::as_slice);
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    for (index, case) in CASES.iter().enumerate() {
        let (low, high) = figures.get(index).map_or((0.0, 0.0), |figures| {
            (
                figures.first().copied().unwrap_or_default(),
                figures.last().copied().unwrap_or_default(),
            )
        });
        let share = median(index) / median(0);
        let budget = case.budget.map_or(String::new(), |(reference, wanted)| {
            let reached = median(index) / median(reference);
            let verdict = if reached >= wanted { "met" } else { "MISSED" };
            format!(
                "{:.0} % of {}: {:.1} % {verdict}",
                wanted * 100.0,
                CASES.get(reference).map_or("", |case| case.name),
                reached * 100.0
            )
        });
        println!(
            "{:<34} {:>8.0}/s {:>9} {:>8.1}%  {budget}  [{low:.0}..{high:.0}]",
            case.name,
            median(index),
            "",
            share * 100.0
        );
    }
}

fn requests(server: &Server, request: &Request) -> Vec<String> {
    let get = |path: &str| get(path, &server.token);
    match request {
        Request::Get(path) => vec![get(path)],
        Request::One => vec![get(&format!("/2/footprints/{}", server.footprint))],
        Request::Unseen(path) => unseen_tokens(&server.token)
            .iter()
            .map(|token| self::get(path, token))
            .collect(),
        Request::Tokens(partners) => (0..*partners).map(token_request).collect(),
    }
}

/// Signatures per second in one thread, nothing else.
fn raw_signatures() -> f64 {
    let sign = servers::rsa_signer();
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < Duration::from_secs(2) {
        sign();
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// The tokens in the file that a server announced.
fn unseen_tokens(file: &str) -> Vec<String> {
    let tokens = std::fs::read_to_string(file).expect("the server's tokens");
    std::fs::remove_file(file).expect("our file");
    tokens.lines().map(str::to_owned).collect()
}
