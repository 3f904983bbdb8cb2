use proptest::prelude::*;

use super::*;

const DAY: Duration = Duration::from_hours(24);
const POLICY: KeyPolicy = KeyPolicy {
    algorithm: Algorithm::Es256,
    publish_before: DAY,
    rotate_every: Duration::from_hours(90 * 24),
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

const fn days(days: i64) -> i64 {
    days * 86_400
}

fn record(kid: &str, published_at: i64, signs_from: i64) -> KeyRecord {
    KeyRecord {
        kid: kid.to_owned(),
        algorithm: Algorithm::Es256,
        published_at: at(published_at),
        signs_from: at(signs_from),
    }
}

fn states(records: &[KeyRecord], now: i64) -> Vec<&'static str> {
    let standings = View::fresh(at(now), |view| standings(records, &POLICY, view));
    standings
        .iter()
        .map(|standing| standing.state.as_str())
        .collect()
}

fn is_due(records: &[KeyRecord], now: i64) -> bool {
    let standings = View::fresh(at(now), |view| standings(records, &POLICY, view));
    is_rotation_due(records, &standings, &POLICY, at(now))
}

#[test]
fn a_key_is_published_signs_retires_and_goes() {
    let keys = [
        record("a", 0, 0),
        record("b", days(89), days(90)),
        record("c", days(179), days(180)),
    ];
    let until_gone = 25 * 3600;
    for (now, expected) in [
        (0, ["active", "published", "published"]),
        (days(90) - 1, ["active", "published", "published"]),
        (days(90), ["retiring", "active", "published"]),
        (
            days(90) + until_gone - 1,
            ["retiring", "active", "published"],
        ),
        (days(90) + until_gone, ["gone", "active", "published"]),
        (days(180), ["gone", "retiring", "active"]),
        (days(180) + until_gone, ["gone", "gone", "active"]),
        (days(10_000), ["gone", "gone", "active"]),
    ] {
        assert_eq!(states(&keys, now), expected, "{now}");
    }
}

#[test]
fn the_next_key_is_due_in_time_to_be_published_before_the_last_one_ends() {
    let first = record("a", 0, 0);
    assert!(!is_due(std::slice::from_ref(&first), days(89) - 1));
    assert!(is_due(std::slice::from_ref(&first), days(89)));
    let both = [first, record("b", days(89), days(90))];
    for now in [days(89), days(90), days(178)] {
        assert!(!is_due(&both, now), "{now}");
    }
    assert!(is_due(&both, days(179)));
}

#[test]
fn a_server_that_was_off_for_a_year_publishes_before_it_switches() {
    let first = record("a", 0, 0);
    let now = days(365);
    assert!(is_due(std::slice::from_ref(&first), now));
    let both = [first, record("b", now, now + days(1))];
    assert_eq!(states(&both, now), ["active", "published"]);
}

#[test]
fn another_algorithm_is_published_first_like_any_next_key() {
    let mut old = record("a", 0, 0);
    old.algorithm = Algorithm::Rs256;
    assert!(is_due(std::slice::from_ref(&old), 1));
    let both = [old, record("b", 1, 1 + days(1))];
    assert!(!is_due(&both, 2));
    assert_eq!(states(&both, 2), ["active", "published"]);
    assert_eq!(states(&both, 1 + days(1)), ["retiring", "active"]);
}

#[test]
fn there_is_always_one_who_signs() {
    // A clock that is behind everything that is recorded.
    assert_eq!(states(&[record("a", 100, 100)], 0), ["active"]);
    let both = [record("a", 100, 300), record("b", 101, 200)];
    assert_eq!(states(&both, 0), ["retiring", "active"]);
    assert!(states(&[], 0).is_empty());
    assert!(is_due(&[], 0));
}

#[test]
fn a_key_that_a_wrong_clock_has_dated_into_the_future_does_not_keep_others_from_being_made() {
    let far = days(89) + days(365);
    let mut keys = vec![record("a", 0, 0), record("b", far, far + days(1))];
    assert!(is_due(&keys, days(89)));
    keys.push(record("c", far + 1, days(90)));
    assert_eq!(
        states(&keys, days(89)),
        ["active", "published", "published"]
    );
    assert!(!is_due(&keys, days(89)));
    assert_eq!(states(&keys, days(90)), ["retiring", "retiring", "active"]);
    assert_eq!(states(&keys, far + days(2))[2], "active");
}

#[test]
fn verifiers_keep_the_set_for_less_than_a_key_waits() {
    let max_age = |publish_before| {
        KeyPolicy {
            publish_before,
            ..POLICY
        }
        .max_age()
    };
    assert_eq!(max_age(DAY), Duration::from_mins(5));
    assert_eq!(max_age(Duration::from_secs(10)), Duration::from_secs(5));
}

/// A clock on the wall that jumps, seen by a process that runs for `elapsed` since it was `first`.
fn state_after(key: usize, keys: &[KeyRecord], first: i64, elapsed: u64, now: i64) -> &'static str {
    let sight = |_: &KeyRecord| Sight {
        first: at(first),
        elapsed: Duration::from_secs(elapsed),
    };
    let view = View {
        now: at(now),
        signer: None,
        sight: &sight,
    };
    standings(keys, &POLICY, &view)[key].state.as_str()
}

#[test]
fn a_clock_that_jumps_ahead_neither_hurries_a_new_key_nor_ends_an_old_one() {
    let keys = [record("a", 0, 0), record("b", days(89), days(90))];
    let start = days(89);
    // A second after publication it is suddenly a year later.
    let then = days(400);
    assert_eq!(state_after(1, &keys, start, 1, then), "published");
    assert_eq!(state_after(0, &keys, start, 1, then), "active");
    // Every verifier has asked again by now.
    assert_eq!(state_after(1, &keys, start, 300, then), "active");
    // Tokens of the old key live on by everybody else's clock.
    assert_eq!(state_after(0, &keys, start, 300, then), "retiring");
    assert_eq!(state_after(0, &keys, start, 3600, then), "retiring");
    let life = 86_400 + 25 * 3600;
    assert_eq!(state_after(0, &keys, start, life, then), "gone");
    // Who starts later takes the clock as it is.
    assert_eq!(state_after(0, &keys, then, 0, then), "gone");
}

#[test]
fn a_clock_that_is_set_back_does_not_bring_an_older_key_back() {
    let keys = [record("a", 0, 0), record("b", days(89), days(90))];
    let sight = |_: &KeyRecord| Sight {
        first: at(days(90)),
        elapsed: Duration::ZERO,
    };
    let view = View {
        now: at(days(90) - 3600),
        signer: Some("b"),
        sight: &sight,
    };
    let states: Vec<_> = standings(&keys, &POLICY, &view)
        .iter()
        .map(|standing| standing.state)
        .collect();
    assert_eq!(states, [KeyState::Retiring, KeyState::Active]);
}

#[test]
fn a_key_is_kept_from_when_it_stopped_signing_whatever_one_that_still_waits_says() {
    let keys = [
        record("a", 0, 0),
        record("b", days(89), days(90)),
        record("c", days(179), days(180)),
        record("d", days(180), days(179)),
    ];
    let now = at(days(180) + 25 * 3600 - 1);
    // The newest has come to be known a moment ago, by a clock that was behind.
    let sight = |record: &KeyRecord| Sight {
        first: if record.kid == "d" { at(0) } else { now },
        elapsed: Duration::ZERO,
    };
    let view = View {
        now,
        signer: None,
        sight: &sight,
    };
    let states: Vec<_> = standings(&keys, &POLICY, &view)
        .iter()
        .map(|standing| standing.state)
        .collect();
    assert_eq!(
        states,
        [
            KeyState::Gone,
            KeyState::Retiring,
            KeyState::Active,
            KeyState::Published
        ]
    );
}

proptest! {
    /// Whatever is recorded and whenever: one key signs, none that is newer has retired, and as time goes on no key
    /// takes a step back.
    #[test]
    fn lives_go_one_way(
        times in proptest::collection::vec((0_i64..1_000_000, 0_i64..200_000), 1..6),
        mut moments in proptest::collection::vec(0_i64..2_000_000, 1..8),
    ) {
        let mut keys: Vec<_> = times
            .iter()
            .enumerate()
            .map(|(number, (published, wait))| record(&number.to_string(), *published, published + wait))
            .collect();
        sort_by(&mut keys, |key| key);
        moments.sort_unstable();
        let mut before = vec![KeyState::Published; keys.len()];
        // Before its time comes nobody's order is promised.
        let first = keys.iter().map(|key| key.signs_from.as_second()).min().unwrap();
        for now in moments.into_iter().map(|moment| moment.max(first)) {
            let standings = View::fresh(at(now), |view| standings(&keys, &POLICY, view));
            let states: Vec<_> = standings.iter().map(|standing| standing.state).collect();
            prop_assert_eq!(states.iter().filter(|state| **state == KeyState::Active).count(), 1);
            for (state, before) in states.iter().zip(&before) {
                prop_assert!(state >= before, "{:?} {:?}", states, before);
            }
            let signer = states.iter().position(|state| *state == KeyState::Active).unwrap();
            prop_assert!(keys[signer].signs_from.as_second() <= now);
            before = states;
        }
    }
}
