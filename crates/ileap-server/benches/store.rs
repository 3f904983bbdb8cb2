//! What the store's answers cost at a thousand, a hundred thousand and a million rows.
//!
//! `cargo bench -p ileap-server --bench store` fills SQLite files in `target/bench-store`, once, and times each query
//! on each of them: medians, and the growth from the smallest to the largest. `ROWS=1000,100000` chooses the sizes;
//! `ILEAP_BENCH_POSTGRES=postgres://...` names a server, by a role that may make databases, where the same is done;
//! with `ONLY=PostgreSQL` nothing else is.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and prints what it found"
)]

#[path = "store/fill.rs"]
mod fill;
#[path = "store/queries.rs"]
mod queries;

use std::{path::Path, time::Instant};

use ileap_server::store::sql::SqlStore;

/// A part of the databases' names: data made otherwise are made anew.
const GENERATION: u32 = 2;

fn main() {
    let sizes = variable("ROWS").unwrap_or_else(|| "1000,100000,1000000".to_owned());
    let sizes: Vec<u64> = sizes
        .split(',')
        .map(|size| size.parse().expect("a number"))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        if variable("ONLY").is_none_or(|only| only != "PostgreSQL") {
            report("SQLite", &sizes, sqlite_url).await;
        }
        if let Some(server) = variable("ILEAP_BENCH_POSTGRES") {
            for size in &sizes {
                fill::make_database(&server, &postgres_name(*size)).await;
            }
            report("PostgreSQL", &sizes, |size| {
                fill::database_url(&server, &postgres_name(size))
            })
            .await;
        }
    });
    println!("largest memory of this process: {}", largest_memory());
}

#[expect(
    clippy::disallowed_methods,
    reason = "the variable is the benchmark's, not the configuration's"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn sqlite_url(rows: u64) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench-store");
    std::fs::create_dir_all(&directory).expect("a directory");
    format!("sqlite:{}/{rows}-{GENERATION}.db", directory.display())
}

fn postgres_name(rows: u64) -> String {
    format!("ileap_bench_{rows}_{GENERATION}")
}

async fn report(name: &str, sizes: &[u64], url: impl Fn(u64) -> String) {
    let mut columns: Vec<Vec<(&'static str, f64)>> = Vec::new();
    for rows in sizes {
        let store = SqlStore::open(&url(*rows)).await.expect("a store");
        let begin = Instant::now();
        if fill::is_empty(&store).await {
            let objects = fill::fill(&store, *rows).await;
            let seconds = begin.elapsed().as_secs_f64();
            println!(
                "{name}: {objects} objects imported in {seconds:.1} s, {:.0} a second",
                objects as f64 / seconds
            );
        }
        fill::allow(&store, *rows).await;
        columns.push(queries::measure(&store, *rows).await);
    }
    println!("\n{name}: median milliseconds by rows of each kind");
    let header: String = sizes.iter().map(|size| format!("{size:>12}")).collect();
    println!("{:<52}{header}{:>9}", "", "growth");
    for (place, (query, first)) in columns[0].iter().enumerate() {
        let all: Vec<f64> = columns.iter().map(|column| column[place].1).collect();
        let cells: String = all.iter().map(|ms| format!("{ms:>12.3}")).collect();
        let growth = all.last().expect("a size") / first;
        let mark = if growth > 1.5 { " !" } else { "" };
        println!("{query:<52}{cells}{growth:>9.2}{mark}");
    }
}

fn largest_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}
