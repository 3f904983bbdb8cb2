//! The identity of a footprint.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The identity of a footprint: a UUID, read in any case and written in lower case (PACT v2.3 `PfId`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PfId(Uuid);

impl PfId {
    /// The UUID.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

/// The text is no UUID in the hyphenated form of RFC 9562 §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a footprint id: a UUID with hyphens is expected")]
pub struct PfIdError;

impl FromStr for PfId {
    type Err = PfIdError;

    fn from_str(text: &str) -> Result<Self, PfIdError> {
        // The parser of the crate reads braces, URNs and bare digits as well; only one form is this long.
        if text.len() != uuid::fmt::Hyphenated::LENGTH {
            return Err(PfIdError);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| PfIdError)
    }
}

impl From<Uuid> for PfId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for PfId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl Serialize for PfId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PfId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_lower_case_is_written() {
        let upper: PfId = "D9BE4477-E351-45B3-ACD9-E1DA05E6F633".parse().unwrap();
        let lower: PfId = "d9be4477-e351-45b3-acd9-e1da05e6f633".parse().unwrap();
        assert_eq!(upper, lower);
        assert_eq!(upper.to_string(), "d9be4477-e351-45b3-acd9-e1da05e6f633");
        assert_eq!(
            serde_json::to_string(&upper).unwrap(),
            "\"d9be4477-e351-45b3-acd9-e1da05e6f633\""
        );
    }

    #[test]
    fn the_nil_uuid_is_an_id() {
        assert!(
            "00000000-0000-0000-0000-000000000000"
                .parse::<PfId>()
                .is_ok()
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "non-existent-id",
            "d9be4477e35145b3acd9e1da05e6f633",
            "{d9be4477-e351-45b3-acd9-e1da05e6f633}",
            "urn:uuid:d9be4477-e351-45b3-acd9-e1da05e6f633",
            "d9be4477-e351-45b3-acd9-e1da05e6f63g",
            "d9be4477-e351-45b3-acd9e1da-05e6f6333",
        ] {
            assert_eq!(text.parse::<PfId>(), Err(PfIdError), "{text}");
        }
    }
}
