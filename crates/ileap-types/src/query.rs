//! Query strings, decoded strictly and kept as sent for links to the next page.

use std::borrow::Cow;

use crate::page::length_in_links;

/// The longest query string that is read.
pub const MAX_QUERY_BYTES: usize = 8 * 1024;

/// How long a query string may be without [`PLACE`]: what a link to the next page repeats, so that
/// the whole of it stays under [`MAX_QUERY_BYTES`].
pub const MAX_KEPT_BYTES: usize = 5 * 1024;

/// The most parameters that are read, [`PLACE`] apart.
pub const MAX_QUERY_PAIRS: usize = 64;

/// The parameters that say where in a list a page begins.
pub const PLACE: [&str; 2] = ["cursor", "offset"];

/// The parameters of a query string, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryPairs {
    raw: Vec<String>,
    decoded: Vec<(String, String)>,
}

impl QueryPairs {
    /// Decodes a raw query string by the rules of HTML forms: `+` is a space, `%XX` a byte of UTF-8.
    ///
    /// No query string at all is an empty one; empty parts between `&` are skipped.
    pub fn parse(raw: Option<&str>) -> Result<Self, QueryError> {
        let raw = raw.unwrap_or_default();
        if raw.len() > MAX_QUERY_BYTES {
            return Err(QueryError::TooLong);
        }
        let mut pairs = Self::default();
        let (mut kept, mut kept_bytes) = (0, 0);
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !PLACE.contains(&name.as_str()) {
                kept += 1;
                kept_bytes += length_in_links(part) + "&".len();
            }
            if kept > MAX_QUERY_PAIRS {
                return Err(QueryError::TooManyPairs);
            }
            pairs.decoded.push((name, value));
            pairs.raw.push(part.to_owned());
        }
        if kept_bytes > MAX_KEPT_BYTES {
            return Err(QueryError::FiltersTooLong);
        }
        Ok(pairs)
    }

    /// The decoded names and values, in order.
    pub fn decoded(&self) -> &[(String, String)] {
        &self.decoded
    }

    /// The value of a parameter that may be given once.
    pub fn single(&self, name: &str) -> Result<Option<&str>, QueryError> {
        let mut values = self
            .decoded
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(QueryError::Repeated(name.to_owned())),
            (first, None) => Ok(first.map(String::as_str)),
        }
    }

    /// The query string without some parameters; all others byte for byte as sent, in order.
    pub fn without(&self, names: &[&str]) -> String {
        let kept: Vec<&str> = self
            .raw
            .iter()
            .zip(&self.decoded)
            .filter(|(_, (name, _))| !names.contains(&name.as_str()))
            .map(|(raw, _)| raw.as_str())
            .collect();
        kept.join("&")
    }
}

/// Why a query string cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// More than [`MAX_KEPT_BYTES`] without [`PLACE`].
    #[error(
        "the parameters beside cursor and offset are longer than {MAX_KEPT_BYTES} bytes; ask for less at a time"
    )]
    FiltersTooLong,
    /// A decoded name or value is not UTF-8.
    #[error("the query string is not UTF-8 after decoding")]
    NotUtf8,
    /// A `%` without two hexadecimal digits after it.
    #[error(
        "the query string has a % that is not followed by two hexadecimal digits; write a literal % as %25"
    )]
    PercentSequence,
    /// A parameter that may be given once was given again.
    #[error("the parameter {0} is given more than once")]
    Repeated(String),
    /// More than [`MAX_QUERY_BYTES`].
    #[error("the query string is longer than {MAX_QUERY_BYTES} bytes")]
    TooLong,
    /// More than [`MAX_QUERY_PAIRS`] without [`PLACE`].
    #[error("the query string has more than {MAX_QUERY_PAIRS} parameters")]
    TooManyPairs,
}

/// Puts back the `+` of a time offset that was sent unescaped and so was decoded as a space.
///
/// Testers put the timestamps of their data into URLs without escaping them. Only a text such as
/// `2023-06-27T13:00:00.000 00:00` is changed.
pub fn repair_plus(value: &str) -> Cow<'_, str> {
    match value.split_once(' ') {
        Some((moment, offset)) if is_date_time(moment) && is_clock_offset(offset) => {
            Cow::Owned(format!("{moment}+{offset}"))
        }
        _ => Cow::Borrowed(value),
    }
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_at_checked("YYYY-MM-DDT".len()) else {
        return false;
    };
    let is_date = date
        .bytes()
        .zip(*b"0000-00-00T")
        .all(|(byte, expected)| match expected {
            b'0' => byte.is_ascii_digit(),
            sign => byte == sign,
        });
    is_date
        && !time.is_empty()
        && time
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
}

pub(crate) fn is_clock_offset(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
}

fn decode(text: &str) -> Result<String, QueryError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = bytes
                    .next()
                    .and_then(hex_digit)
                    .ok_or(QueryError::PercentSequence)?;
                let low = bytes
                    .next()
                    .and_then(hex_digit)
                    .ok_or(QueryError::PercentSequence)?;
                high * 16 + low
            }
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| QueryError::NotUtf8)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(raw: &str) -> Vec<(String, String)> {
        QueryPairs::parse(Some(raw)).unwrap().decoded().to_vec()
    }

    #[test]
    fn pairs_are_decoded_in_order() {
        let expected = [
            ("$filter", "a b"),
            ("x", ""),
            ("x", "1=2"),
            ("feedstock", "Cooking oil"),
            ("ü", "ß"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            decoded("%24filter=a%20b&x&&x=1=2&feedstock=Cooking+oil&%C3%BC=%c3%9F"),
            expected
        );
    }

    #[test]
    fn no_query_string_has_no_pairs() {
        assert_eq!(
            QueryPairs::parse(None).unwrap(),
            QueryPairs::parse(Some("")).unwrap()
        );
        assert!(QueryPairs::parse(None).unwrap().decoded().is_empty());
    }

    #[test]
    fn broken_encoding_is_refused() {
        for raw in ["a=%", "a=%2", "a=%zz", "%=1", "a=%+1"] {
            assert_eq!(
                QueryPairs::parse(Some(raw)),
                Err(QueryError::PercentSequence),
                "{raw}"
            );
        }
        assert_eq!(QueryPairs::parse(Some("a=%ff")), Err(QueryError::NotUtf8));
    }

    #[test]
    fn size_is_limited() {
        let longest = "a".repeat(MAX_KEPT_BYTES - 1);
        assert!(QueryPairs::parse(Some(&longest)).is_ok());
        assert_eq!(
            QueryPairs::parse(Some(&format!("{longest}a"))),
            Err(QueryError::FiltersTooLong)
        );
        let raw = "é".repeat(MAX_KEPT_BYTES / 6 + 1);
        assert_eq!(
            QueryPairs::parse(Some(&raw)),
            Err(QueryError::FiltersTooLong),
            "it is longer in a link"
        );
        let cursor = "c".repeat(MAX_QUERY_BYTES - longest.len() - "&cursor=".len());
        let with_cursor = format!("{longest}&cursor={cursor}");
        assert!(QueryPairs::parse(Some(&with_cursor)).is_ok());
        assert_eq!(
            QueryPairs::parse(Some(&format!("{with_cursor}c"))),
            Err(QueryError::TooLong)
        );
        let most = vec!["a=1"; MAX_QUERY_PAIRS].join("&");
        assert!(QueryPairs::parse(Some(&most)).is_ok());
        let with_place = format!("{most}&c%75rsor=x&offset=1");
        assert!(QueryPairs::parse(Some(&with_place)).is_ok());
        assert_eq!(
            QueryPairs::parse(Some(&format!("{most}&a"))),
            Err(QueryError::TooManyPairs)
        );
    }

    #[test]
    fn other_parameters_survive_byte_for_byte() {
        let raw = "mode=Road&cursor=abc&%6Cimit=1&feedstock=Cooking+oil&c%75rsor=x&offset=3";
        let pairs = QueryPairs::parse(Some(raw)).unwrap();
        assert_eq!(
            pairs.without(&["cursor", "offset"]),
            "mode=Road&%6Cimit=1&feedstock=Cooking+oil"
        );
        assert_eq!(pairs.without(&[]), raw);
    }

    #[test]
    fn a_single_parameter_is_found_once() {
        let pairs = QueryPairs::parse(Some("limit=5&mode=Road&mode=Rail")).unwrap();
        assert_eq!(pairs.single("limit"), Ok(Some("5")));
        assert_eq!(pairs.single("offset"), Ok(None));
        assert_eq!(
            pairs.single("mode"),
            Err(QueryError::Repeated("mode".to_owned()))
        );
    }

    #[test]
    fn only_a_lost_plus_of_an_offset_is_put_back() {
        assert_eq!(
            repair_plus("2023-06-27T13:00:00.000 00:00"),
            "2023-06-27T13:00:00.000+00:00"
        );
        for text in [
            "2023-06-27 13:00",
            "Cooking oil",
            "2023-06-27T13:00:00 00:0",
            "2023-06-27T 00:00",
            "",
        ] {
            assert_eq!(repair_plus(text), text);
        }
    }

    proptest! {
        #[test]
        fn encoded_pairs_are_decoded_again(pairs in prop::collection::vec((".{1,8}", ".{0,8}"), 0..8)) {
            let raw = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            prop_assert_eq!(decoded(&raw), pairs);
        }

        #[test]
        fn any_text_is_parsed_or_refused(raw in ".{0,200}") {
            if let Ok(pairs) = QueryPairs::parse(Some(&raw)) {
                let again = pairs.without(&[]);
                prop_assert_eq!(QueryPairs::parse(Some(&again)), Ok(pairs));
            }
        }
    }
}
