//! Whether the time a refusal takes tells an unknown client from a wrong secret.
//!
//! `cargo bench -p ileap-server --bench refusals` draws `SAMPLES` (default 2000) refusals of each kind, mixed, for
//! several latencies of Clerk's, and compares them by the two-sample Kolmogorov-Smirnov test: p below 0.01 fails.
#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, measures time, and stops at the first surprise"
)]

#[path = "broker/scene.rs"]
mod scene;

use std::{env, time::Duration};

use scene::{Scene, delay, log_in};
use tokio::task::JoinSet;

/// Failures of one account that are let through; more would be told apart by their status.
const GUESSES_PER_ACCOUNT: usize = 2;
/// Requests at once.
const AT_ONCE: usize = 100;

fn main() {
    let samples = env::var("SAMPLES").ok().and_then(|text| text.parse().ok());
    let samples: usize = samples.unwrap_or(2000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!(
        "{:<16} {:>8} {:>9} {:>9} {:>7} {:>7}",
        "verifier", "Clerk", "unknown", "wrong", "D", "p"
    );
    let mut is_told_apart = false;
    for verifier in ["clerk_backend", "clerk_frontend"] {
        for latency in [0, 50, 500] {
            let latency = Duration::from_millis(latency);
            is_told_apart |= runtime.block_on(compare(verifier, latency, samples)) < 0.01;
        }
    }
    if is_told_apart {
        println!("told apart");
        std::process::exit(1);
    }
}

/// The probability that both kinds of refusal take times of one distribution.
async fn compare(verifier: &str, latency: Duration, samples: usize) -> f64 {
    let accounts = samples.div_ceil(GUESSES_PER_ACCOUNT);
    let environment = [
        ("ILEAP_VERIFIER__KIND", verifier),
        ("ILEAP_VERIFIER__BUDGET__CALLS_PER_10S", "100000"),
        ("ILEAP_VERIFIER__BUDGET__FAILURES_PER_ADDRESS", "100000"),
        ("ILEAP_VERIFIER__BUDGET__FAILURES_IN_ALL", "1000000"),
    ];
    let scene = Scene::set(accounts, false, &environment).await;
    delay(&scene.clerk, latency);
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    let mut refusals = JoinSet::new();
    for guess in 0..2 * samples {
        if refusals.len() >= AT_ONCE {
            let ended = refusals.join_next().await.expect("one");
            sort_in(ended.expect("no panic"), &mut unknown, &mut wrong);
        }
        let (kind, number) = (guess % 2, guess / 2 % accounts);
        let id = match kind {
            0 => format!("strange-{number}"),
            _ => format!("partner-{number}"),
        };
        let (http, base) = (scene.http.clone(), scene.base.clone());
        let secret = format!("guess-{guess}");
        refusals.spawn(async move { (kind, log_in(http, base, id, secret).await) });
    }
    while let Some(ended) = refusals.join_next().await {
        sort_in(ended.expect("no panic"), &mut unknown, &mut wrong);
    }
    let (distance, p) = kolmogorov_smirnov(&mut unknown, &mut wrong);
    println!(
        "{verifier:<16} {:>5} ms {:>6} ms {:>6} ms {distance:>7.4} {p:>7.3}",
        latency.as_millis(),
        median(&unknown).as_millis(),
        median(&wrong).as_millis()
    );
    p
}

fn sort_in(
    (kind, (status, time)): (usize, (u16, Duration)),
    unknown: &mut Vec<Duration>,
    wrong: &mut Vec<Duration>,
) {
    assert_eq!(status, 400, "a refusal");
    match kind {
        0 => unknown.push(time),
        _ => wrong.push(time),
    }
}

fn median(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The largest distance between the two empirical distributions, and how probable one as large is when they
/// are samples of the same (the asymptotic distribution, with Stephens' correction).
fn kolmogorov_smirnov(left: &mut [Duration], right: &mut [Duration]) -> (f64, f64) {
    left.sort();
    right.sort();
    let share = |sorted: &[Duration], time: Duration| {
        sorted.partition_point(|other| *other <= time) as f64 / sorted.len() as f64
    };
    let distance = left
        .iter()
        .chain(right.iter())
        .map(|time| (share(left, *time) - share(right, *time)).abs())
        .fold(0.0, f64::max);
    let (left, right) = (left.len() as f64, right.len() as f64);
    let size = (left * right / (left + right)).sqrt();
    let lambda = (size + 0.12 + 0.11 / size) * distance;
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        let k = f64::from(k);
        sign * (-2.0 * k * k * lambda * lambda).exp()
    };
    let p = 2.0 * (1..=100).map(term).sum::<f64>();
    (distance, if lambda < 0.2 { 1.0 } else { p.clamp(0.0, 1.0) })
}
