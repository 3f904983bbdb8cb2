//! Two servers, a store that they share, Clerk, partners and attackers, while everything between them breaks and
//! heals: in simulated time, on one thread, so that whatever happens follows from a seed.
//!
//! `ILEAP_SOAK_SEEDS=10000` tries as many, `scripts/soak simulated` as many as there is time for; `ILEAP_SOAK_SEED=17`
//! tells the story of that one.

mod clerk;
mod crowd;
#[path = "../../../ileap-cli/tests/it/effort.rs"]
#[expect(dead_code, reason = "the other crate's tests use more of it")]
mod effort;
mod instance;
mod network;
mod records;
mod world;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use self::{records::Access, world::World};
use crate::{outbound::simulated, store::contract::logins};

/// How many seeds are tried at least, and in a soak, unless somebody asks for another number.
const SEEDS: u64 = 24;
const SEEDS_OF_A_SOAK: u64 = 10_000;

#[test]
fn whatever_breaks_nobody_gets_in_or_is_locked_out_who_should_not() {
    if let Some(seed) = number("ILEAP_SOAK_SEED") {
        let (story, wrongs) = run(seed, true);
        println!("{}", story.join("\n"));
        assert!(wrongs.is_empty(), "{wrongs:#?}");
        return;
    }
    let until = effort::soak().map(|lasting| Instant::now() + lasting);
    let fewest = until.map_or(SEEDS, |_| SEEDS_OF_A_SOAK);
    let seeds = number("ILEAP_SOAK_SEEDS").unwrap_or(fewest);
    let next = AtomicU64::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds && until.is_none_or(|until| Instant::now() >= until) {
                return found;
            }
            let (_, wrongs) = run(seed, false);
            found.extend(wrongs.first().map(|wrong| format!("seed {seed}: {wrong}")));
            if seed.is_multiple_of(100) {
                effort::report("seeds", seed);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    assert!(
        found.is_empty(),
        "{} seeds; `ILEAP_SOAK_SEED=... cargo test -p ileap-server --lib simulation -- --nocapture` tells the story of \
         one: {:#?}",
        found.len(),
        &found[..found.len().min(20)]
    );
}

#[test]
fn the_same_seed_tells_the_same_story() {
    // In one moment those who wait for one answer have it in any order.
    let sorted = |seed| {
        let (mut story, _) = run(seed, true);
        story.sort();
        story
    };
    for seed in 0..4 {
        let (one, other) = (sorted(seed), sorted(seed));
        assert!(one.len() > 100, "{one:#?}");
        let differing = one.iter().zip(&other).find(|(one, other)| one != other);
        assert!(
            differing.is_none() && one.len() == other.len(),
            "seed {seed}: {differing:#?}"
        );
    }
}

#[test]
fn the_simulated_store_counts_failures_as_the_real_ones_do() {
    in_simulated_time(async {
        let world = Arc::new(World::new(0, false));
        let (number, life) = (0, 0);
        logins::failures_are_counted(&Access {
            life,
            number,
            world,
        })
        .await;
    });
}

/// What happened, as far as it is to be told, and what of it should not have.
fn run(seed: u64, is_told: bool) -> (Vec<String>, Vec<String>) {
    in_simulated_time(async {
        let world = Arc::new(World::new(seed, is_told));
        let network = Arc::clone(&world);
        let _laid = simulated::lay(move |request| network::carry(&network, request));
        crowd::run(Arc::clone(&world)).await;
        (world.story(), world.wrongs())
    })
}

fn in_simulated_time<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(run)
}

#[expect(
    clippy::disallowed_methods,
    reason = "how thorough to be is for whoever runs the test to say"
)]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
