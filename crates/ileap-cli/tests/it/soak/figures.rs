//! How much memory a server takes over time.

use std::time::{Duration, Instant};

use super::scene::Scene;

/// Memory in MiB, and when, in hours since the first look.
#[derive(Default)]
pub(super) struct Samples {
    began: Option<Instant>,
    latest: Option<Instant>,
    taken: Vec<(f64, f64)>,
}

impl Samples {
    /// Looks once more; what is found.
    pub(super) fn take(&mut self, scene: &Scene) -> f64 {
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        self.latest = Some(now);
        let mib = scene.memory_mib();
        let hours = now.duration_since(began).as_secs_f64() / 3600.0;
        self.taken.push((hours, mib));
        mib
    }

    pub(super) fn are_older_than(&self, age: Duration) -> bool {
        self.latest.is_none_or(|latest| latest.elapsed() >= age)
    }

    /// By how much it grows in an hour, by least squares, in the second half: before, allocator and database settle.
    pub(super) fn slope(&self) -> f64 {
        slope(&self.taken[self.taken.len() / 2..])
    }
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.iter().map(|_| 1.0).sum::<f64>();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread = points
        .iter()
        .map(|point| (point.0 - x).powi(2))
        .sum::<f64>();
    let together = points.iter().map(|point| (point.0 - x) * (point.1 - y));
    if spread > 0.0 {
        together.sum::<f64>() / spread
    } else {
        0.0
    }
}

#[test]
fn a_line_has_the_slope_that_was_drawn() {
    let line: Vec<_> = [0.0, 0.5, 1.0, 3.0].map(|x| (x, 7.0 + 2.5 * x)).into();
    assert!((slope(&line) - 2.5).abs() < 1e-9);
    assert!(slope(&line[..1]).abs() < 1e-9);
}
