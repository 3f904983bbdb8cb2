//! Judges, from time to time, whether a client uses its connection or only holds it.

use std::time::{Duration, Instant};

use super::{Deadlines, pace::Counts};

/// What a client must take of its answers, in bytes a second, once it has fallen behind.
const SLOWEST: u64 = 16 * 1024;

/// What to do about a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Judgement {
    /// It may go on.
    Fine,
    /// Nobody waits for anything: say goodbye.
    Idle,
    /// The client has been at a request's head for too long.
    HeadTooSlow,
    /// The client does not take its answer.
    AnswerNotTaken,
}

/// One connection's history, as far as it has been looked at.
#[derive(Debug)]
pub(super) struct Watch {
    deadlines: Deadlines,
    /// When something was last asked or taken.
    used_at: Instant,
    /// When a head was first seen to have begun.
    head_since: Option<Instant>,
    looked_at: Instant,
    /// How much longer an answer may wait to be taken.
    patience: Duration,
    before: Counts,
}

impl Watch {
    pub(super) fn new(deadlines: Deadlines, counts: Counts, now: Instant) -> Self {
        Self {
            before: counts,
            deadlines,
            head_since: None,
            looked_at: now,
            patience: deadlines.patience,
            used_at: now,
        }
    }

    /// Looks again. In a hurry, connections that nobody uses are not kept for long.
    pub(super) fn look(&mut self, counts: Counts, now: Instant, is_hurried: bool) -> Judgement {
        let since = now.saturating_duration_since(self.looked_at);
        let before = std::mem::replace(&mut self.before, counts);
        self.looked_at = now;
        if counts.promised > counts.sent {
            self.used_at = now;
            let taken = counts.sent.saturating_sub(before.sent);
            let earned = Duration::from_millis(taken.saturating_mul(1000) / SLOWEST);
            let left = (self.patience + earned).min(self.deadlines.patience + since);
            self.patience = left.saturating_sub(since);
            if self.patience.is_zero() {
                return Judgement::AnswerNotTaken;
            }
            return Judgement::Fine;
        }
        self.patience = self.deadlines.patience;
        if counts.under_way > 0 || counts.requests > before.requests {
            self.used_at = now;
            self.head_since = None;
            return Judgement::Fine;
        }
        // HTTP/2 has frames besides requests: there, only the time without a request counts.
        let is_head = counts.requests > 0 && counts.received > counts.received_before;
        if is_head && !counts.is_http2 {
            let since = *self.head_since.get_or_insert(now);
            let took = now.saturating_duration_since(since);
            return if took >= self.deadlines.head {
                Judgement::HeadTooSlow
            } else {
                Judgement::Fine
            };
        }
        self.head_since = None;
        self.unused(counts, now, is_hurried)
    }

    fn unused(&self, counts: Counts, now: Instant, is_hurried: bool) -> Judgement {
        let unused = now.saturating_duration_since(self.used_at);
        if counts.requests == 0 {
            let head = if is_hurried {
                self.deadlines.head / 4
            } else {
                self.deadlines.head
            };
            return if unused >= head {
                Judgement::HeadTooSlow
            } else {
                Judgement::Fine
            };
        }
        let idle = if is_hurried {
            self.deadlines.hurried_idle
        } else {
            self.deadlines.idle
        };
        if unused >= idle {
            Judgement::Idle
        } else {
            Judgement::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINES: Deadlines = Deadlines {
        handshake: Duration::from_secs(10),
        head: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        hurried_idle: Duration::from_secs(1),
        patience: Duration::from_secs(20),
    };

    /// A connection after one request of 100 bytes with an answer of 1000.
    fn answered() -> Counts {
        Counts {
            received: 100,
            received_before: 100,
            sent: 1000,
            promised: 1000,
            requests: 1,
            ..Counts::default()
        }
    }

    /// Looks once a second for as long as it is fine; the second and the judgement that ended it.
    fn ends(counts: impl Fn(u64) -> Counts, is_hurried: bool) -> (u64, Judgement) {
        let began = Instant::now();
        let mut watch = Watch::new(DEADLINES, counts(0), began);
        let looks = (1..=1000).map(|second| {
            let now = began + Duration::from_secs(second);
            (second, watch.look(counts(second), now, is_hurried))
        });
        let mut ends = looks.filter(|(_, judgement)| *judgement != Judgement::Fine);
        ends.next().unwrap_or((1001, Judgement::Fine))
    }

    #[test]
    fn a_connection_without_a_request_is_kept_for_a_minute() {
        assert_eq!(ends(|_| answered(), false), (60, Judgement::Idle));
        assert_eq!(ends(|_| answered(), true), (1, Judgement::Idle));
    }

    #[test]
    fn the_first_head_and_one_that_has_begun_get_ten_seconds() {
        let silent = |_| Counts::default();
        assert_eq!(ends(silent, false), (10, Judgement::HeadTooSlow));
        assert_eq!(ends(silent, true), (3, Judgement::HeadTooSlow));
        let trickle = |second| Counts {
            received: 100 + second,
            ..answered()
        };
        // The first look that finds it begun is at one second.
        assert_eq!(ends(trickle, false), (11, Judgement::HeadTooSlow));
        assert_eq!(ends(trickle, true), (11, Judgement::HeadTooSlow));
    }

    #[test]
    fn frames_that_are_no_request_keep_no_http2_connection() {
        let pings = |second| Counts {
            received: 100 + 17 * second,
            sent: 1000 + 17 * second,
            is_http2: true,
            ..answered()
        };
        assert_eq!(ends(pings, false), (60, Judgement::Idle));
    }

    #[test]
    fn a_request_under_way_has_the_time_of_its_handler() {
        let waiting = |_| Counts {
            under_way: 1,
            ..answered()
        };
        assert_eq!(ends(waiting, true).1, Judgement::Fine);
    }

    #[test]
    fn an_answer_is_taken_steadily_or_not_at_all() {
        let owed = |sent| Counts {
            sent,
            promised: 100_000_000,
            ..answered()
        };
        assert_eq!(ends(|_| owed(1000), false), (20, Judgement::AnswerNotTaken));
        let a_byte_at_a_time = ends(|second| owed(1000 + second), false);
        assert_eq!(a_byte_at_a_time, (20, Judgement::AnswerNotTaken));
        let half = ends(|second| owed(8 * 1024 * second), false);
        assert_eq!(half, (40, Judgement::AnswerNotTaken));
        let slow_but_steady = ends(|second| owed(17 * 1024 * second), false);
        assert_eq!(slow_but_steady.1, Judgement::Fine);
    }
}
