//! How long a test goes on: seconds, or for as long as `scripts/soak` says.

use std::{
    env,
    fs::File,
    io::Write as _,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long a test shall go on, where it is part of a soak.
pub(crate) fn soak() -> Option<Duration> {
    let seconds = setting("ILEAP_SOAK_SECONDS")?;
    Some(Duration::from_secs(seconds.parse().expect("whole seconds")))
}

/// `few` rounds; in a soak as many as there is time for, and no fewer.
pub(crate) fn rounds(few: usize) -> impl Iterator<Item = usize> {
    let until = soak().map(|lasting| Instant::now() + lasting);
    (0..)
        .take_while(move |round| *round < few || until.is_some_and(|until| Instant::now() < until))
        .inspect(|round| report("rounds", round + 1))
}

/// Another moment in each round, spread evenly over the time in which a fault may come.
pub(crate) fn moment(round: usize, within: Duration) -> Duration {
    let thousandths = round.wrapping_mul(618) % 1000;
    within * u32::try_from(thousandths).expect("at most a thousand") / 1000
}

/// Tells whoever runs the soak how far the test is.
pub(crate) fn report(figure: &str, value: impl Into<Value>) {
    let Some(path) = setting("ILEAP_SOAK_REPORT") else {
        return;
    };
    let test = thread::current().name().map(str::to_owned);
    let line = json!({ "test": test, "figure": figure, "value": value.into() });
    let file = File::options().create(true).append(true).open(path);
    let mut file = file.expect("the report can be written to");
    // In one piece: somebody may be reading.
    let written = file.write_all(format!("{line}\n").as_bytes());
    written.expect("there is room for the report");
}

#[expect(
    clippy::disallowed_methods,
    reason = "how the test is run, not how the product is configured"
)]
fn setting(name: &str) -> Option<String> {
    env::var(name).ok()
}
