//! Moments in time, as RFC 3339 texts with an offset.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment that keeps its text as sent and compares as an instant.
///
/// The text is an RFC 3339 §5.6 `date-time`; the offset is required. Fractions finer than
/// [`NANOSECONDS_PER_TICK`] stay in the text and are cut off in the instant: so a 64-bit number of
/// ticks holds every moment of the years 0000 to 9999, wherever it is kept.
#[derive(Clone)]
pub struct DateTime {
    text: String,
    /// The instant, on a clock in UTC: a [`Timestamp`] ends a day before the last year does.
    utc: civil::DateTime,
}

impl DateTime {
    /// The text as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The instant; on the last day of the year 9999 the latest that there is.
    pub fn timestamp(&self) -> Timestamp {
        let zoned = self.utc.to_zoned(jiff::tz::TimeZone::UTC);
        zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// The instant as a number: ticks of [`NANOSECONDS_PER_TICK`] since 1970.
    pub fn ticks(&self) -> i64 {
        let since = self.utc.duration_since(EPOCH).as_nanos();
        let ticks = since.div_euclid(NANOSECONDS_PER_TICK.into());
        // Ten thousand years of ticks are a thirtieth of what fits.
        ticks.try_into().unwrap_or(i64::MAX)
    }

    /// The instant as a text, the same for all that are equal.
    pub fn in_utc(&self) -> String {
        format!("{}Z", self.utc)
    }

    /// Whether the offset is zero, as PACT v2 and iLEAP 1.0.0 demand.
    pub fn is_utc(&self) -> bool {
        ["Z", "z", "+00:00", "-00:00"]
            .iter()
            .any(|offset| self.text.ends_with(offset))
    }
}

/// The finest difference between two instants: a hundred nanoseconds.
pub const NANOSECONDS_PER_TICK: i32 = 100;

const EPOCH: civil::DateTime = civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// The text is no RFC 3339 date-time with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date-time with an offset, such as \"2025-05-27T09:00:00Z\"")]
pub struct DateTimeError;

impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        let utc = parse_rfc3339(text).ok_or(DateTimeError)?;
        Ok(Self {
            text: text.to_owned(),
            utc,
        })
    }
}

impl From<Timestamp> for DateTime {
    /// Prints the instant in UTC, ending in `Z`.
    fn from(timestamp: Timestamp) -> Self {
        Self {
            text: timestamp.to_string(),
            utc: whole_ticks(timestamp.to_zoned(jiff::tz::TimeZone::UTC).datetime()),
        }
    }
}

/// The moment without what is finer than a tick.
fn whole_ticks(moment: civil::DateTime) -> civil::DateTime {
    let finer = moment.subsec_nanosecond().rem_euclid(NANOSECONDS_PER_TICK);
    let finer = SignedDuration::from_nanos(finer.into());
    // There is a moment before each that has something finer.
    moment.checked_sub(finer).unwrap_or(moment)
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.utc == other.utc
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.utc.cmp(&other.utc)
    }
}

impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.utc.hash(state);
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DateTime({})", self.text)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The digits of a fraction that are whole ticks.
const TICK_DIGITS: usize = 7;

/// jiff reads all of ISO 8601 and more, so the stricter shape is checked first.
fn parse_rfc3339(text: &str) -> Option<civil::DateTime> {
    let (seconds, rest) = text.split_at_checked("YYYY-MM-DDTHH:MM:SS".len())?;
    if !has_shape(seconds, "0000-00-00T00:00:00") {
        return None;
    }
    let offset_start = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, offset) = rest.split_at(offset_start);
    if !matches!(offset, "Z" | "z") && !has_shape(offset, "+00:00") {
        return None;
    }
    let fraction = match fraction.strip_prefix('.') {
        Some(digits) if is_digits(digits) => digits.get(..TICK_DIGITS).unwrap_or(digits),
        None if fraction.is_empty() => "0",
        _ => return None,
    };
    let local: civil::DateTime = format!("{seconds}.{fraction}").parse().ok()?;
    let utc = local.checked_sub(parse_offset(offset)?).ok()?;
    // Earlier moments have no RFC 3339 text in UTC.
    (utc.year() >= 0).then_some(utc)
}

/// RFC 3339 §5.6 `time-offset`, of the right shape.
fn parse_offset(offset: &str) -> Option<SignedDuration> {
    let Some((sign, rest)) = offset
        .split_at_checked(1)
        .filter(|(sign, _)| matches!(*sign, "+" | "-"))
    else {
        return Some(SignedDuration::ZERO);
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = SignedDuration::from_secs((hours * 60 + minutes) * 60);
    Some(if sign == "-" { -offset } else { offset })
}

/// Whether the text has digits where the shape has `0`, a sign where it has `+`, and else the same letters.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, expected)| match expected {
                b'0' => byte.is_ascii_digit(),
                b'+' => matches!(byte, b'+' | b'-'),
                letter => byte.eq_ignore_ascii_case(&letter),
            })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    #[test]
    fn moments_compare_as_instants_and_print_as_sent() {
        let (utc, berlin) = (
            moment("2025-01-01T00:00:00Z"),
            moment("2025-01-01T01:00:00.000+01:00"),
        );
        assert_eq!(utc, berlin);
        assert_eq!(berlin.to_string(), "2025-01-01T01:00:00.000+01:00");
        assert!(moment("2025-01-01T00:00:00+01:00") < utc);
    }

    #[test]
    fn what_is_finer_than_a_tick_is_kept_in_the_text_alone() {
        let fine = moment("2025-06-24T15:06:29.123456789Z");
        assert_eq!(fine, moment("2025-06-24T15:06:29.1234567Z"));
        assert!(fine > moment("2025-06-24T15:06:29.1234566Z"));
        assert_eq!(fine.to_string(), "2025-06-24T15:06:29.123456789Z");
        for seconds in [-1, 0, 1] {
            let instant =
                Timestamp::new(seconds, i32::try_from(seconds).unwrap() * 123_456_789).unwrap();
            let printed = DateTime::from(instant);
            assert_eq!(printed.timestamp(), moment(printed.as_str()).timestamp());
        }
    }

    #[test]
    fn rfc_3339_texts_are_read() {
        for text in [
            "2025-06-24T15:06:29.687748692Z",
            "2025-06-24t15:06:29z",
            "2025-06-24T15:06:29-00:00",
            "2025-06-24T15:06:29.12345678901234Z",
            "2024-02-29T23:59:60Z",
            "2025-06-24T15:06:29+05:45",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.9999999Z",
            "9999-12-31T23:59:60Z",
            "0000-01-01T05:00:00+05:00",
        ] {
            assert!(text.parse::<DateTime>().is_ok(), "{text}");
        }
    }

    #[test]
    fn looser_dates_are_refused() {
        for text in [
            "",
            "2025-06-24",
            "2025-06-24T15:06:29",
            "2025-06-24T15:06Z",
            "2025-06-24 15:06:29Z",
            "20250624T150629Z",
            "2025-06-24T15:06:29+0100",
            "2025-06-24T15:06:29.Z",
            "2025-06-24T15:06:29,5Z",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-06-24T25:06:29Z",
            "2025-06-24T15:06:29Z[Europe/Berlin]",
            "2025-06-24T15:06:29 00:00",
            "+002025-06-24T15:06:29Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-23:00",
            "2025-06-24T15:06:29+24:00",
            "2025-06-24T15:06:29+01:60",
        ] {
            assert_eq!(text.parse::<DateTime>(), Err(DateTimeError), "{text}");
        }
    }

    #[test]
    fn every_year_has_room_and_is_in_order() {
        let texts = [
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "1677-09-21T00:12:43Z",
            "1969-12-31T23:59:59.9999999Z",
            "1970-01-01T00:00:00Z",
            "2262-04-12T00:00:00Z",
            "9999-12-30T23:00:00Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.9999999Z",
        ];
        let moments = texts.map(moment);
        assert!(moments.is_sorted() && moments.iter().map(DateTime::ticks).is_sorted());
        assert!(
            moments
                .iter()
                .zip(&moments[1..])
                .all(|(one, next)| one != next)
        );
        for (text, moment) in texts.iter().zip(&moments) {
            assert_eq!(moment.in_utc(), *text);
        }
        assert_eq!(moments[3].ticks(), -1);
        assert_eq!(moments[4].ticks(), 0);
        assert_eq!(moments[4].timestamp(), Timestamp::UNIX_EPOCH);
        assert_eq!(moment("1970-01-01T01:00:01+01:00").ticks(), 10_000_000);
        assert_eq!(moments[8].timestamp(), Timestamp::MAX);
    }

    #[test]
    fn only_a_zero_offset_is_utc() {
        assert!(moment("2025-01-01T00:00:00Z").is_utc());
        assert!(moment("2025-01-01T00:00:00+00:00").is_utc());
        assert!(!moment("2025-01-01T00:00:00+01:00").is_utc());
    }

    #[test]
    fn an_instant_prints_in_utc() {
        let instant = moment("2025-01-01T01:00:00+01:00").timestamp();
        assert_eq!(DateTime::from(instant).as_str(), "2025-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,40}") {
            let _ = text.parse::<DateTime>();
        }

        #[test]
        fn every_instant_is_read_back(seconds in -62_167_219_200..250_000_000_000_i64, nanos in 0..1_000_000_000_i32) {
            let printed = DateTime::from(Timestamp::new(seconds, nanos).unwrap());
            prop_assert_eq!(moment(printed.as_str()), printed);
        }
    }
}
