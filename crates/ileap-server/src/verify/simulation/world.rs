//! What everyone in a simulation shares: the time, the dice, and who has done what wrong.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;

use super::{clerk::Clerk, network::Link, records::Shelf};
use crate::{clock::Clock, store::contract::dice::Dice};

/// How many instances of the server there are.
pub(super) const INSTANCES: usize = 2;

/// One run.
pub(super) struct World {
    pub(super) clerk: Clerk,
    pub(super) links: [Link; INSTANCES],
    pub(super) shelf: Shelf,
    began: tokio::time::Instant,
    dice: Mutex<Dice>,
    is_told: bool,
    is_well: AtomicBool,
    /// When a server was killed that the store had let down: what it let through without the store is forgotten.
    losses: Mutex<Vec<Duration>>,
    /// Everything happens so many times as slowly as in the liveliest run.
    pace: u32,
    story: Mutex<Vec<String>>,
    wrongs: Mutex<Vec<String>>,
}

impl World {
    pub(super) fn new(seed: u64, is_told: bool) -> Self {
        let mut dice = Dice::new(seed + 1);
        // The first numbers of neighbouring seeds are alike.
        for _ in 0..8 {
            dice.below(2);
        }
        let pace = *dice.one_of(&[1, 1, 1, 30]);
        Self {
            clerk: Clerk::new(&mut dice),
            links: [Link::default(), Link::default()],
            shelf: Shelf::default(),
            began: tokio::time::Instant::now(),
            dice: Mutex::new(dice),
            is_told,
            is_well: AtomicBool::new(false),
            losses: Mutex::default(),
            pace,
            story: Mutex::default(),
            wrongs: Mutex::default(),
        }
    }

    /// How long the run has lasted.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn below(&self, bound: u64) -> u64 {
        lock(&self.dice).below(bound)
    }

    /// True so many times in a hundred.
    pub(super) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn one_of<'a, T>(&self, all: &'a [T]) -> &'a T {
        lock(&self.dice).one_of(all)
    }

    /// A time of up to so many milliseconds.
    pub(super) fn up_to(&self, milliseconds: u64) -> Duration {
        Duration::from_millis(self.below(milliseconds + 1))
    }

    /// This long, at the pace of this run.
    pub(super) fn paced(&self, time: Duration) -> Duration {
        time * self.pace
    }

    /// Notes what happens, for whoever looks at this run.
    pub(super) fn tell(&self, what: fmt::Arguments<'_>) {
        if self.is_told {
            let line = format!("{:>9.3} {what}", self.now().as_secs_f64());
            lock(&self.story).push(line);
        }
    }

    /// Nothing breaks any more.
    pub(super) fn be_well(&self) {
        self.is_well.store(true, Ordering::Relaxed);
    }

    /// How many times as slowly what is done all the time is done now: less happens when all is well, for hours.
    pub(super) fn lull(&self) -> u32 {
        if self.is_well.load(Ordering::Relaxed) {
            10
        } else {
            1
        }
    }

    /// A server is killed that the store had let down.
    pub(super) fn lose(&self) {
        lock(&self.losses).push(self.now());
    }

    /// How many servers have taken along what they let through since then.
    pub(super) fn losses_since(&self, since: Duration) -> usize {
        let losses = lock(&self.losses);
        losses.iter().filter(|at| **at >= since).count()
    }

    /// Something has happened that may not.
    pub(super) fn accuse(&self, what: fmt::Arguments<'_>) {
        self.tell(format_args!("WRONG: {what}"));
        let wrong = format!("after {:.3} s: {what}", self.now().as_secs_f64());
        lock(&self.wrongs).push(wrong);
    }

    pub(super) fn wrongs(&self) -> Vec<String> {
        lock(&self.wrongs).clone()
    }

    pub(super) fn story(&self) -> Vec<String> {
        lock(&self.story).clone()
    }
}

/// The simulated time, as one instance's clock shows it.
#[derive(Debug)]
pub(super) struct SimulatedClock {
    began: tokio::time::Instant,
    /// What its wall clock says at the beginning.
    wall: Timestamp,
}

impl SimulatedClock {
    pub(super) fn new(world: &World, ahead: Duration) -> Self {
        Self {
            began: world.began,
            wall: Timestamp::from_second(1_790_000_000).unwrap() + ahead,
        }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.wall + self.began.elapsed()
    }

    fn monotonic(&self) -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
