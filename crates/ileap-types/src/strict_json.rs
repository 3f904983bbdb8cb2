//! JSON from strangers: no member twice, no bottomless nesting.
//!
//! RFC 8259 §4 leaves duplicate members to the reader, and two readers of one message may then see
//! different things; so they are refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 64;

/// Reads one JSON document.
///
/// Besides syntax errors, refuses duplicate members and nesting deeper than [`MAX_DEPTH`].
pub fn from_slice(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    from_slice_within(bytes, MAX_DEPTH)
}

/// Reads one JSON document, with arrays and objects nested at most `levels` deep, the outermost counted.
pub fn from_slice_within(bytes: &[u8], levels: usize) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = StrictValue { levels }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct StrictValue {
    levels: usize,
}

impl StrictValue {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        levels
            .map(|levels| Self { levels })
            .ok_or_else(|| E::custom("arrays and objects are nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(seed)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom("an object has the same member twice"));
            }
            let value = members.next_value_seed(seed)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_read_as_usual() {
        let text = br#" {"a": [1, -2, 3.5, true, null, "\u00fc"], "b": {"a": {}}} "#;
        assert_eq!(
            from_slice(text).unwrap(),
            json!({"a": [1, -2, 3.5, true, null, "ü"], "b": {"a": {}}})
        );
    }

    #[test]
    fn a_member_may_not_be_given_twice() {
        assert!(from_slice(br#"{"a": 1, "a": 1}"#).is_err());
        assert!(from_slice(br#"[{"b": {"a": 1, "\u0061": 2}}]"#).is_err());
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(from_slice(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(from_slice(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(from_slice("[".repeat(1_000_000).as_bytes()).is_err());
    }

    #[test]
    fn only_one_whole_document_is_read() {
        for text in ["", "{", "{} {}", "nul", "{\"a\": 1e999}", "\u{feff}{}"] {
            assert!(from_slice(text.as_bytes()).is_err(), "{text}");
        }
        assert!(from_slice(b"\"\xff\"").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = from_slice(&bytes);
        }
    }
}
