//! Moments in time, as RFC 3339 texts with an offset.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment that keeps its text as sent and compares as an instant.
///
/// The text is an RFC 3339 §5.6 `date-time`; the offset is required. Fractions finer than a
/// nanosecond stay in the text and are cut off in the instant.
#[derive(Clone)]
pub struct DateTime {
    text: String,
    timestamp: Timestamp,
}

impl DateTime {
    /// The text as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The instant.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Whether the offset is zero, as PACT v2 and iLEAP 1.0.0 demand.
    pub fn is_utc(&self) -> bool {
        ["Z", "z", "+00:00", "-00:00"]
            .iter()
            .any(|offset| self.text.ends_with(offset))
    }
}

/// The text is no RFC 3339 date-time with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date-time with an offset, such as \"2025-05-27T09:00:00Z\"")]
pub struct DateTimeError;

impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        let timestamp = parse_rfc3339(text).ok_or(DateTimeError)?;
        Ok(Self {
            text: text.to_owned(),
            timestamp,
        })
    }
}

impl From<Timestamp> for DateTime {
    /// Prints the instant in UTC, ending in `Z`.
    fn from(timestamp: Timestamp) -> Self {
        Self {
            text: timestamp.to_string(),
            timestamp,
        }
    }
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.timestamp == other.timestamp
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
        self.timestamp.cmp(&other.timestamp)
    }
}

impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.timestamp.hash(state);
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

const NANOSECOND_DIGITS: usize = 9;

/// 0000-01-01T00:00:00Z in Unix seconds. Earlier moments have no RFC 3339 text in UTC.
const EARLIEST_SECOND: i64 = -62_167_219_200;

/// jiff reads all of ISO 8601 and more, so the stricter shape is checked first.
fn parse_rfc3339(text: &str) -> Option<Timestamp> {
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
        Some(digits) if is_digits(digits) => digits.get(..NANOSECOND_DIGITS).unwrap_or(digits),
        None if fraction.is_empty() => "0",
        _ => return None,
    };
    let timestamp: Timestamp = format!("{seconds}.{fraction}{offset}").parse().ok()?;
    (timestamp.as_second() >= EARLIEST_SECOND).then_some(timestamp)
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
    fn rfc_3339_texts_are_read() {
        for text in [
            "2025-06-24T15:06:29.687748692Z",
            "2025-06-24t15:06:29z",
            "2025-06-24T15:06:29-00:00",
            "2025-06-24T15:06:29.12345678901234Z",
            "2024-02-29T23:59:60Z",
            "2025-06-24T15:06:29+05:45",
            "0000-01-01T00:00:00Z",
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
        ] {
            assert_eq!(text.parse::<DateTime>(), Err(DateTimeError), "{text}");
        }
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
        fn every_instant_is_read_back(seconds in EARLIEST_SECOND..250_000_000_000, nanos in 0..1_000_000_000_i32) {
            let instant = Timestamp::new(seconds, nanos).unwrap();
            prop_assert_eq!(moment(DateTime::from(instant).as_str()).timestamp(), instant);
        }
    }
}
