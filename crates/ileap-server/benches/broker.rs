//! What stands between partners and Clerk: cold logins, calls to Clerk, and memory under guesses.
//!
//! `cargo bench -p ileap-server --bench broker` prints three tables. Figures are to be compared within one run
//! only. `GUESSES` (default 1 000 000) changes the effort, `ONLY` (part of cold logins, calls, memory) chooses.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, measures time, and stops at the first surprise"
)]

#[path = "broker/scene.rs"]
mod scene;

use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use ileap_server::{
    clock::ManualClock,
    identity::{ClientCredentials, ClientId, ClientSecret},
    store::sql::SqlStore,
    telemetry::Metrics,
    verify::{
        Account, AccountKey, Attempt, CredentialVerifier, ProbeFinding, RejectReason, Standing,
        Verdict, VerifyError,
        budget::{BudgetOptions, Budgeted, Rate},
        known_good::{KnownGood, KnownGoodOptions},
    },
};
use scene::{SECRET, Scene, delay, log_in};
use tokio::task::JoinSet;

/// How long Clerk takes for each call.
const LATENCY: Duration = Duration::from_millis(50);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let only = env::var("ONLY").unwrap_or_default();
        if "cold logins".contains(&only) {
            cold_logins().await;
        }
        if "calls".contains(&only) {
            calls_to_clerk().await;
        }
        if "memory".contains(&only) {
            memory_under_guesses().await;
        }
    });
}

/// Partners that log in for the first time, Clerk taking 50 ms for each call.
async fn cold_logins() {
    println!("cold logins over the Backend API, 50 ms a call (a login makes three)\n");
    println!(
        "{:>9} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "partners", "at once", "200", "503", "p50", "p99"
    );
    for (partners, at_once) in [(1, 1), (100, 16), (1000, 64)] {
        // Clerk's own limit is not what is measured.
        let free = [("ILEAP_VERIFIER__BUDGET__CALLS_PER_10S", "100000")];
        let scene = Scene::set(partners, true, &free).await;
        delay(&scene.clerk, LATENCY);
        let mut logins = JoinSet::new();
        let mut times = Vec::new();
        let (mut granted, mut held) = (0, 0);
        let mut count = |(status, time): (u16, Duration), times: &mut Vec<Duration>| match status {
            200 => {
                granted += 1;
                times.push(time);
            }
            _ => held += 1,
        };
        for partner in 0..partners {
            if logins.len() >= at_once {
                let ended = logins.join_next().await.expect("one").expect("no panic");
                count(ended, &mut times);
            }
            let id = format!("partner-{partner}");
            logins.spawn(log_in(
                scene.http.clone(),
                scene.base.clone(),
                id,
                SECRET.to_owned(),
            ));
        }
        while let Some(ended) = logins.join_next().await {
            count(ended.expect("no panic"), &mut times);
        }
        times.sort();
        let at = |share: usize| {
            times
                .get(times.len() * share / 100)
                .copied()
                .unwrap_or_default()
        };
        println!(
            "{partners:>9} {at_once:>10} {granted:>9} {held:>9} {:>6} ms {:>6} ms",
            at(50).as_millis(),
            at(99).as_millis()
        );
    }
}

/// Calls for a thousand valid token requests of a hundred partners.
async fn calls_to_clerk() {
    println!("\ncalls to Clerk for 1000 token requests of 100 partners\n");
    for (what, organizations, budget) in [
        ("with organizations", true, 300),
        ("without organizations", false, 200),
    ] {
        let scene = Scene::set(100, organizations, &[]).await;
        let before = scene.clerk.admin().request_log().len();
        for request in 0..1000 {
            // Strangers come at the pace that Clerk's limits allow.
            let id = format!("partner-{}", request % 100);
            let ask = || {
                let (http, base) = (scene.http.clone(), scene.base.clone());
                log_in(http, base, id.clone(), SECRET.to_owned())
            };
            while ask().await.0 != 200 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let calls = scene.clerk.admin().request_log().len() - before;
        let verdict = if calls <= budget { "met" } else { "MISSED" };
        println!("{what:<24} {calls:>5}   budget {budget}: {verdict}");
    }
}

/// Resident memory after so many distinct wrong credentials, from as many addresses as come.
async fn memory_under_guesses() {
    let guesses: u32 = env::var("GUESSES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    // In memory where that is: how fast a disk is makes no difference to what is measured.
    let directory = match fs::exists("/dev/shm") {
        Ok(true) => tempfile::tempdir_in("/dev/shm"),
        _ => tempfile::tempdir(),
    };
    let directory = directory.expect("a directory");
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let store = Arc::new(SqlStore::open(&url).await.expect("a store"));
    let clock = Arc::new(ManualClock::starting_at(
        jiff::Timestamp::from_second(1_790_000_000).expect("a moment"),
    ));
    let any = Rate {
        burst: 1_000_000,
        period: Duration::from_secs(1),
    };
    let options = BudgetOptions {
        failures_per_address: any,
        failures_in_all: any,
        ..BudgetOptions::default()
    };
    let budgeted = Budgeted::new(Arc::new(RefusesAll), options, store, clock.clone());
    let remembering = KnownGoodOptions {
        fresh_for: Duration::from_mins(5),
        stale_for: Duration::from_hours(1),
    };
    let metrics = Arc::new(Metrics::new());
    let verifier = KnownGood::new(Arc::new(budgeted), remembering, clock.clone(), metrics);
    let verifier = verifier.expect("randomness");
    println!(
        "\nmemory while wrong credentials come, each with a client id, secret and address of its own\n"
    );
    println!("{:>10} {:>10}", "guesses", "resident");
    println!("{:>10} {:>6} MiB", 0, resident_mib());
    for guess in 1..=guesses {
        let credentials = ClientCredentials {
            client_id: ClientId::new(format!("stranger-{guess}@acme.example")).expect("an id"),
            client_secret: ClientSecret::new(format!("guess-{guess}")).expect("a secret"),
        };
        let attempt = Attempt {
            credentials: &credentials,
            source: IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + guess)),
            standing: Standing::Unknown,
        };
        let refused = verifier.verify(&attempt).await;
        assert!(!matches!(refused, Ok(Verdict::Accept(_))));
        clock.advance(Duration::from_millis(1));
        if guess.is_multiple_of(guesses / 5) {
            println!("{guess:>10} {:>6} MiB", resident_mib());
        }
    }
}

struct RefusesAll;

#[async_trait::async_trait]
impl CredentialVerifier for RefusesAll {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        Ok(Account {
            key: AccountKey::of_identifier(attempt.credentials.client_id.as_str()),
            allowed_failures: Some(5),
            failures_left: None,
        })
    }

    async fn verify(&self, _: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        Ok(Verdict::Reject(RejectReason::WrongSecret))
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        Vec::new()
    }

    fn kind(&self) -> &'static str {
        "refuses_all"
    }
}

fn resident_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches(" kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    kib.unwrap_or_default() / 1024
}
