//! Decimals for people.

use bigdecimal::{BigDecimal, RoundingMode};

/// Digits after the point that are shown.
const DIGITS: i64 = 2;

/// A sum, and whether anything was added.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum(Option<BigDecimal>);

impl Sum {
    pub(super) fn add(&mut self, value: &BigDecimal) {
        let sum = self.0.take().unwrap_or_default();
        self.0 = Some(sum + value);
    }

    pub(super) fn value(&self) -> Option<&BigDecimal> {
        self.0.as_ref()
    }

    pub(super) fn shown(&self) -> Option<String> {
        self.0.as_ref().map(grouped)
    }
}

/// Rounded to two digits, thousands apart: `12 345.67`.
pub(super) fn grouped(value: &BigDecimal) -> String {
    let text = value
        .with_scale_round(DIGITS, RoundingMode::HalfEven)
        .to_plain_string();
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => ("-", text),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let mut grouped = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

/// `1 shipment`, `2 shipments`.
pub(super) fn counted(count: u64, name: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_grouped() {
        for (number, shown) in [
            ("0", "0"),
            ("1.50", "1.5"),
            ("999.999", "1 000"),
            ("-1234567.891", "-1 234 567.89"),
            ("0.004", "0"),
        ] {
            assert_eq!(grouped(&number.parse().unwrap()), shown, "{number}");
        }
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, "shipment"), "1 shipment");
        assert_eq!(counted(0, "shipment"), "0 shipments");
    }
}
