//! Decimal numbers, which iLEAP and PACT send as JSON strings.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest decimal text that is read; far beyond every physical quantity.
pub const MAX_DECIMAL_CHARS: usize = 64;

/// A decimal number that keeps its text as sent and compares as a number.
///
/// The text follows `^-?\d+(\.\d+)?$` (iLEAP 1.0.0 "Decimal", PACT v2.3 "Decimal"): no exponent, no
/// leading `+`, no comma.
#[derive(Clone)]
pub struct Decimal {
    text: String,
    value: BigDecimal,
}

impl Decimal {
    /// The text as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number, for arithmetic.
    pub fn value(&self) -> BigDecimal {
        self.value.clone()
    }

    /// The one text of this number: no leading or trailing zeros, no negative zero.
    ///
    /// Two decimals are equal exactly when their canonical texts are.
    pub fn canonical(&self) -> String {
        let (sign, digits) = match self.text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", self.text.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        match (whole, fraction) {
            ("", "") => "0".to_owned(),
            ("", fraction) => format!("{sign}0.{fraction}"),
            (whole, "") => format!("{sign}{whole}"),
            (whole, fraction) => format!("{sign}{whole}.{fraction}"),
        }
    }
}

/// Why a text is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text does not follow the pattern.
    #[error(
        "not a decimal: write digits with an optional leading minus and an optional fraction after a point, such as \"-12.5\""
    )]
    Pattern,
    /// The text has more than [`MAX_DECIMAL_CHARS`] characters.
    #[error("decimal longer than {MAX_DECIMAL_CHARS} characters")]
    TooLong,
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        if text.len() > MAX_DECIMAL_CHARS {
            return Err(DecimalError::TooLong);
        }
        if !follows_pattern(text) {
            return Err(DecimalError::Pattern);
        }
        let value = BigDecimal::from_str(text).map_err(|_| DecimalError::Pattern)?;
        Ok(Self {
            text: text.to_owned(),
            value,
        })
    }
}

impl From<u32> for Decimal {
    fn from(number: u32) -> Self {
        Self {
            text: number.to_string(),
            value: BigDecimal::from(number),
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({})", self.text)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

fn follows_pattern(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match digits.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(digits),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_text_is_kept_as_sent() {
        let json = r#""-007.50""#;
        let parsed: Decimal = serde_json::from_str(json).unwrap();
        assert_eq!(parsed.as_str(), "-007.50");
        assert_eq!(serde_json::to_string(&parsed).unwrap(), json);
    }

    #[test]
    fn equality_and_order_are_numeric() {
        assert_eq!(decimal("1.50"), decimal("1.5"));
        assert_eq!(decimal("-0"), decimal("0.000"));
        assert!(decimal("9") < decimal("10"));
        assert!(decimal("-2") < decimal("-1.99"));
    }

    #[test]
    fn canonical_text_has_no_idle_zeros() {
        for (text, canonical) in [
            ("1.50", "1.5"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("000", "0"),
            ("007", "7"),
            ("100", "100"),
            ("00.25", "0.25"),
            ("-01.10", "-1.1"),
        ] {
            assert_eq!(decimal(text).canonical(), canonical, "{text}");
        }
    }

    #[test]
    fn other_spellings_of_numbers_are_refused() {
        for text in [
            "", "-", "+1", "1e3", "1.", ".5", "1,5", " 1", "1 ", "--1", "1.2.3", "0x1", "NaN", "١",
        ] {
            assert_eq!(
                text.parse::<Decimal>(),
                Err(DecimalError::Pattern),
                "{text:?}"
            );
        }
        assert_eq!(
            "1".repeat(65).parse::<Decimal>(),
            Err(DecimalError::TooLong)
        );
        assert!("1".repeat(64).parse::<Decimal>().is_ok());
    }

    #[test]
    fn json_numbers_are_refused() {
        assert!(serde_json::from_str::<Decimal>("1.5").is_err());
    }

    proptest! {
        #[test]
        fn equal_numbers_have_equal_canonical_text(a in "-?[0-9]{1,4}(\\.[0-9]{1,3})?", b in "-?[0-9]{1,4}(\\.[0-9]{1,3})?") {
            let (a, b) = (decimal(&a), decimal(&b));
            prop_assert_eq!(a == b, a.canonical() == b.canonical());
        }

        #[test]
        fn canonical_text_is_the_same_number(text in "-?[0-9]{1,20}(\\.[0-9]{1,20})?") {
            let parsed = decimal(&text);
            prop_assert_eq!(decimal(&parsed.canonical()), parsed);
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,80}") {
            let _ = text.parse::<Decimal>();
        }
    }
}
