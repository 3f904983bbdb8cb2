//! The text forms of values.

use std::{fmt, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            pub(super) fn new(secret: SecretString) -> Self {
                Self(secret)
            }

            /// The secret itself; for the call that has to send it.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    };
}

secret! {
    /// A secret key of Clerk's Backend API (`sk_...`): full power over the instance.
    ClerkSecretKey
}

secret! {
    /// The bearer token that the operator's data service gets.
    UpstreamToken
}

secret! {
    /// The secret that signs Clerk's webhooks (`whsec_...`).
    WebhookSigningSecret
}

#[cfg(any(test, feature = "fuzzing"))]
impl WebhookSigningSecret {
    pub(crate) fn for_test(text: &str) -> Self {
        Self::new(text.to_owned().into())
    }
}

/// Units a duration may have, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// `500ms`, `30s`, `5m`, `1h`, `90d`, or `0`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let unit_at = text.find(|char: char| !char.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let (_, milliseconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
}

/// The items of a comma-separated list.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether `text` is a level, or a filter of levels by target. A bare target is not: `EnvFilter` would log
/// all of a target of that name, and a mistyped level would silence everything else.
pub(super) fn is_log_filter(text: &str) -> bool {
    let names_a_level = |part: &str| {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        level.trim().parse::<LevelFilter>().is_ok()
    };
    text.split(',').all(names_a_level) && EnvFilter::try_new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!(duration("90d"), Some(Duration::from_secs(90 * 86_400)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("0"), Some(Duration::ZERO));
        for text in [
            "",
            "5",
            "m",
            "5 m",
            "-5m",
            "5w",
            "1.5h",
            "99999999999999999999d",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let key = ClerkSecretKey::new("sk_test_canary".into());
        assert!(!format!("{key:?}").contains("canary"));
    }
}
