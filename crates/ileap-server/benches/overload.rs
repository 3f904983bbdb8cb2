//! What is left of a server that is asked for ten times what it can do.
//!
//! `cargo bench -p ileap-server --bench overload` measures how many tokens with a fresh RSA signature a server on one
//! core issues when clients wait for their answers, and then sends ten times as many requests, one at each moment
//! of a fixed plan whether or not earlier ones were answered. Times count from the plan, so that waiting for a
//! connection is part of them. `SECONDS` and `TIMES` change the effort.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, measures time, and stops at the first surprise"
)]

#[path = "overload/plan.rs"]
mod plan;
#[expect(dead_code, reason = "other benchmarks ask for more of a server")]
#[path = "http/process.rs"]
mod process;
#[path = "http/servers.rs"]
mod servers;

use std::{env, time::Duration};

use plan::{Answers, Plan};
use process::Server;

/// Clients that wait for their answers while the peak is measured.
const CLIENTS: usize = 32;
/// Connections of the overload: that many requests can be under way.
const CONNECTIONS: usize = 2000;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let Some(name) = arguments.iter().position(|argument| argument == "--serve") {
        return servers::serve(arguments.get(name + 1).expect("a server's name"));
    }
    let setting = |name: &str, default: u32| {
        let text = env::var(name).ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (seconds, times) = (setting("SECONDS", 5), setting("TIMES", 10));
    let lasting = Duration::from_secs(seconds.into());
    let server = Server::start("token-rs256");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let run = |connections, rate| {
        let plan = Plan {
            address: &server.address,
            admin: &server.admin,
            connections,
            lasting,
            rate,
        };
        runtime.block_on(plan.run())
    };
    run(CLIENTS, None);
    let peak = run(CLIENTS, None);
    let idle = server.resident_kib();
    println!("peak: {:.0} tokens/s, p99 {:?}", peak.goodput(), peak.p99());
    let overload = run(CONNECTIONS, Some(peak.goodput() * f64::from(times)));
    report(&peak, &overload);
    println!(
        "memory: {idle} KiB before, {} KiB after",
        server.resident_kib()
    );
}

fn report(peak: &Answers, overload: &Answers) {
    println!(
        "overload: {:.0} requests/s sent, {:.0} tokens/s ({:.0} % of the peak), {} shed with 503, {} otherwise",
        overload.sent_rate(),
        overload.goodput(),
        100.0 * overload.goodput() / peak.goodput(),
        overload.shed,
        overload.other,
    );
    println!(
        "admitted: p50 {:?}, p99 {:?}",
        overload.p50(),
        overload.p99()
    );
    println!(
        "/healthz: {} answers, the slowest after {:?}",
        overload.health.len(),
        overload.health.iter().max().copied().unwrap_or_default()
    );
}
