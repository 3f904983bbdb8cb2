//! What is left of a server that is asked for ten times what it can do.
//!
//! `cargo bench -p ileap-server --bench overload` measures how many tokens with a fresh RSA signature a server on one
//! core issues when clients wait for their answers, and then sends ten times as many requests, one at each moment
//! of a fixed plan whether or not earlier ones were answered. Times count from the plan, so that waiting for a
//! connection is part of them; a caller that finds none for half a second gives up. `SECONDS`, `TIMES` and `CONNECTIONS` change the effort: with more connections than
//! `listener.max_requests`, requests are shed. Ends with 1 when the server did not hold out.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, measures time, and stops at the first surprise"
)]

#[path = "../../ileap-cli/tests/it/effort.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod effort;
#[path = "overload/plan.rs"]
mod plan;
#[expect(dead_code, reason = "other benchmarks ask for more of a server")]
#[path = "http/process.rs"]
mod process;
#[path = "http/servers.rs"]
mod servers;

use std::{env, process::ExitCode, time::Duration};

use plan::{Answers, Plan};
use process::Server;

/// Clients that wait for their answers while the peak is measured.
const CLIENTS: usize = 32;
/// Connections of the overload: that many requests can be under way.
const CONNECTIONS: u32 = 2000;
/// Of the peak, what must be left.
const LEAST_GOODPUT: f64 = 0.9;
/// What one in a hundred of those who get a token may wait, in seconds, and what the server may take, in MiB.
const LONGEST_P99: f64 = 2.0;
const MOST_MEMORY: f64 = 128.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    if let Some(name) = arguments.iter().position(|argument| argument == "--serve") {
        servers::serve(arguments.get(name + 1).expect("a server's name"));
        return ExitCode::SUCCESS;
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
    let connections = setting("CONNECTIONS", CONNECTIONS);
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
    let connections = usize::try_from(connections).expect("a count");
    let overload = run(connections, Some(peak.goodput() * f64::from(times)));
    report(&peak, &overload);
    let after = server.resident_kib();
    println!("memory: {idle} KiB before, {after} KiB after");
    judge(&peak, &overload, after)
}

/// Whether the server has held out.
fn judge(peak: &Answers, overload: &Answers, resident_kib: u64) -> ExitCode {
    let goodput = overload.goodput() / peak.goodput();
    let p99 = overload.p99().as_secs_f64();
    let mib = f64::from(u32::try_from(resident_kib).unwrap_or(u32::MAX)) / 1024.0;
    effort::report("goodput of the peak", goodput);
    effort::report("p99 in seconds", p99);
    effort::report("MiB", mib);
    let rules = [
        ("goodput holds", goodput >= LEAST_GOODPUT),
        ("who is admitted does not wait for long", p99 <= LONGEST_P99),
        ("whoever is not is told so", overload.other == 0),
        ("/healthz answers", !overload.health.is_empty()),
        ("memory is bounded", mib <= MOST_MEMORY),
    ];
    let broken = rules.iter().filter(|(_, holds)| !holds);
    for (rule, _) in broken.clone() {
        println!("not true: {rule}");
    }
    ExitCode::from(u8::from(broken.count() > 0))
}

fn report(peak: &Answers, overload: &Answers) {
    println!(
        "overload: {:.0} requests/s sent, {:.0} tokens/s ({:.0} % of the peak), {} shed with 503, {} otherwise, \
         {} not sent for want of a connection",
        overload.sent_rate(),
        overload.goodput(),
        100.0 * overload.goodput() / peak.goodput(),
        overload.shed,
        overload.other,
        overload.given_up,
    );
    println!(
        "admitted: p50 {:?}, p99 {:?}; from asking on, p99 {:?}",
        overload.p50(),
        overload.p99(),
        overload.p99_from_asking()
    );
    println!(
        "/healthz: {} answers, the slowest after {:?}",
        overload.health.len(),
        overload.health.iter().max().copied().unwrap_or_default()
    );
}
