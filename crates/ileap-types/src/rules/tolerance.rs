use bigdecimal::{BigDecimal, num_bigint::BigInt};

/// Whether two values agree within 0.5 % of the expected one, or within one millionth.
///
/// Published values are rounded, and sums of rounded values drift.
pub(super) fn is_close(actual: &BigDecimal, expected: &BigDecimal) -> bool {
    let absolute = BigDecimal::new(BigInt::from(1), 6);
    let relative = expected.abs() * BigDecimal::new(BigInt::from(5), 3);
    (actual - expected).abs() <= absolute.max(relative)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> BigDecimal {
        text.parse().unwrap()
    }

    #[test]
    fn rounding_is_forgiven_and_mistakes_are_not() {
        assert!(is_close(&number("99.5"), &number("100")));
        assert!(is_close(&number("100.5"), &number("100")));
        assert!(!is_close(&number("99.49"), &number("100")));
        assert!(is_close(&number("0.000001"), &number("0")));
        assert!(!is_close(&number("0.0000011"), &number("0")));
        assert!(is_close(&number("-100.5"), &number("-100")));
        assert!(!is_close(&number("100"), &number("-100")));
    }
}
