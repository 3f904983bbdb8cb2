//! A server that goes on while everything about its callers changes: what it takes does not grow.

mod figures;
mod scene;

use std::{
    thread,
    time::{Duration, Instant},
};

use self::{figures::Samples, scene::Scene};
use crate::{
    effort::{report, soak},
    static_users::eventually,
};

/// Below this, a long time's growth is what the allocator does. In MiB an hour.
const STEEPEST: f64 = 1.0;
/// Before this, the slope says more about the moment than about the server.
const LONG_ENOUGH: Duration = Duration::from_hours(1);
/// What a short run may take, caches and all, in MiB.
const SHORT_RUN_MIB: f64 = 24.0;
/// So that a soak leaves the machine to others.
const PAUSE: Duration = Duration::from_millis(50);
const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// Longer than a connection to Clerk that nobody uses is kept.
const SETTLING: Duration = Duration::from_secs(100);
const ROTATE_EVERY: Duration = Duration::from_secs(30);

#[test]
fn callers_that_come_and_go_leave_nothing_behind() {
    let lasting = soak();
    // In a soak everything that remembers is full before anything is measured.
    let scene = Scene::start(if lasting.is_some() { 40_000 } else { 200 });
    scene.fill();
    scene.rotate();
    if lasting.is_some() {
        scene.fill_again();
        thread::sleep(SETTLING);
    }
    let files = scene.open_files();
    let mut samples = Samples::default();
    let first = samples.take(&scene);
    let (began, mut rotated) = (Instant::now(), Instant::now());
    for turn in 0.. {
        if began.elapsed() >= lasting.unwrap_or_default() && turn >= 60 {
            break;
        }
        scene.turn(turn);
        if rotated.elapsed() >= ROTATE_EVERY || (lasting.is_none() && turn == 30) {
            rotated = Instant::now();
            scene.rotate();
            scene.reload();
        }
        if lasting.is_some() {
            thread::sleep(PAUSE);
        }
        if samples.are_older_than(SAMPLE_EVERY) || (lasting.is_none() && turn % 20 == 0) {
            samples.take(&scene);
            report("turns", turn);
            report("MiB/h", samples.slope());
        }
    }
    let last = samples.take(&scene);
    assert_eq!(scene.failures(), Vec::<String>::new());
    report("open files at first", files);
    report("open files at last", scene.open_files());
    eventually(|| scene.open_files() <= files);
    report("MiB at first", first);
    report("MiB at last", last);
    if began.elapsed() >= LONG_ENOUGH {
        let slope = samples.slope();
        assert!(slope < STEEPEST, "{slope} MiB an hour");
    } else {
        assert!(last < first + SHORT_RUN_MIB, "{first} MiB, then {last}");
    }
}
