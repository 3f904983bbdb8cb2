use super::*;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

const PAUSES: Pauses = Pauses {
    first: Duration::from_secs(2),
    after_refusal: [
        Duration::from_secs(MINUTE),
        Duration::from_secs(10 * MINUTE),
        Duration::from_secs(HOUR),
        Duration::from_secs(6 * HOUR),
    ],
    chance: 255,
};

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
}

fn history(attempts: u32, refusals: u32) -> History {
    History {
        created_at: at(0),
        attempts,
        refusals,
        host_failures: 0,
    }
}

fn timeout() -> Failure {
    Failure::new(About::Host, "timeout")
}

fn pause(failure: Failure, history: History, pauses: &Pauses) -> Option<i64> {
    match after_failure(failure, history, at(1), pauses) {
        Settlement::Retry { due_at, .. } => Some(due_at.duration_since(at(1)).as_secs()),
        _ => None,
    }
}

#[test]
fn pauses_double_up_to_an_hour_and_are_spread_over_their_second_half() {
    let latest: Vec<_> = (0..=12)
        .map(|attempt| pause(timeout(), history(attempt, 0), &PAUSES).unwrap())
        .collect();
    assert_eq!(
        latest,
        [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
    );
    let earliest = Pauses {
        chance: 0,
        ..PAUSES
    };
    assert_eq!(pause(timeout(), history(2, 0), &earliest), Some(4));
    assert_eq!(pause(timeout(), history(u32::MAX, 0), &PAUSES), Some(3600));
}

#[test]
fn a_partner_may_ask_for_a_longer_pause_of_up_to_a_day() {
    let asked = |seconds| Failure {
        retry_after: Some(Duration::from_secs(seconds)),
        ..timeout()
    };
    assert_eq!(pause(asked(600), history(0, 0), &PAUSES), Some(600));
    assert_eq!(pause(asked(1), history(4, 0), &PAUSES), Some(32));
    assert_eq!(
        pause(asked(u64::MAX), history(1, 0), &PAUSES),
        Some(24 * 3600)
    );
}

#[test]
fn a_task_is_tried_a_last_time_after_three_days() {
    let tried = |now| after_failure(timeout(), history(100, 0), now, &PAUSES);
    let last = |now| match tried(now) {
        Settlement::Retry { due_at, .. } => due_at,
        _ => panic!("it is tried again"),
    };
    assert_eq!(last(at(70)), at(71));
    assert_eq!(last(at(72) - SignedDuration::from_secs(1)), at(72));
    assert_eq!(tried(at(72)), Settlement::Dead { why: "timeout" });
}

#[test]
fn refusals_in_a_row_are_given_seven_hours_to_be_mended() {
    let refusal = Failure::new(About::Event, "rejected");
    let pauses: Vec<_> = (0..4)
        .map(|before| pause(refusal, history(30, before), &PAUSES).unwrap())
        .collect();
    assert_eq!(pauses, [60, 600, 3600, 6 * 3600]);
    let fifth = after_failure(refusal, history(30, 4), at(1), &PAUSES);
    assert_eq!(fifth, Settlement::Dead { why: "rejected" });
    // Another failure in between begins the count anew.
    let other = after_failure(timeout(), history(30, 4), at(1), &PAUSES);
    assert!(matches!(other, Settlement::Retry { refusals: 0, .. }));
}

#[test]
fn what_no_attempt_can_help_is_given_up_at_once() {
    let over = Failure {
        is_final: true,
        ..Failure::new(About::Task, "access_withdrawn")
    };
    let ended = after_failure(over, history(0, 0), at(0), &PAUSES);
    assert_eq!(
        ended,
        Settlement::Dead {
            why: "access_withdrawn"
        }
    );
}

#[test]
fn a_host_that_fails_again_and_again_is_left_alone_for_longer_and_longer() {
    let rests = |about, host_failures, retry_after| {
        let failure = Failure {
            retry_after,
            ..Failure::new(about, "why")
        };
        let history = History {
            host_failures,
            ..history(0, 0)
        };
        match host_after_failure(failure, history, at(100), &PAUSES) {
            HostState::Rests {
                failures,
                until,
                given_up_before,
            } => {
                assert_eq!((failures, given_up_before), (host_failures + 1, at(28)));
                until.duration_since(at(100)).as_secs()
            }
            other => panic!("{other:?}"),
        }
    };
    let of_host: Vec<_> = [0, 1, 2, 40]
        .map(|times| rests(About::Host, times, None))
        .into();
    assert_eq!(of_host, [2, 4, 8, 3600]);
    let asked = Some(Duration::from_secs(77));
    assert_eq!(rests(About::Host, 0, asked), 77);
    let of_login: Vec<_> = [0, 1, 2, 3, 4]
        .map(|times| rests(About::Login, times, None))
        .into();
    assert_eq!(of_login, [60, 600, 3600, 6 * 3600, 6 * 3600]);
    for (about, state) in [
        (About::Event, HostState::Answers),
        (About::Task, HostState::Unknown),
        (About::Us, HostState::Unknown),
    ] {
        let failure = Failure::new(about, "why");
        assert_eq!(
            host_after_failure(failure, history(0, 0), at(1), &PAUSES),
            state
        );
    }
}
