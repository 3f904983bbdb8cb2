//! JSON objects from strangers, read with nothing left to interpretation.

use ileap_types::strict_json;
use serde_json::{Map, Value};

/// How deep objects and arrays may be nested, the outermost counted.
const DEPTH_LIMIT: usize = 8;

/// Reads one object. `None` for anything else, for a member named twice anywhere in it (RFC 7519 §4
/// lets us refuse that), for deeper nesting than 8 and for anything after it.
pub(super) fn parse_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match strict_json::from_slice_within(bytes, DEPTH_LIMIT) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(levels: usize) -> String {
        let inner = levels - 1;
        format!(r#"{{"a":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
    }

    #[test]
    fn a_member_named_twice_is_refused_at_any_level_and_however_it_is_written() {
        for text in [
            r#"{"exp":1,"exp":2}"#,
            r#"{"exp":1,"exp":1}"#,
            r#"{"exp":1,"e\u0078p":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
        ] {
            assert_eq!(parse_object(text.as_bytes()), None, "{text}");
        }
        assert!(parse_object(br#"{"a":{"b":1},"c":{"b":1}}"#).is_some());
    }

    #[test]
    fn eight_levels_are_read_and_nine_are_not() {
        assert!(parse_object(nested(8).as_bytes()).is_some());
        assert_eq!(parse_object(nested(9).as_bytes()), None);
        assert_eq!(parse_object(nested(5_000).as_bytes()), None);
    }

    #[test]
    fn only_one_whole_object_counts() {
        for text in [
            "",
            "[]",
            "1",
            "null",
            "\"{}\"",
            "{}{}",
            "{} x",
            "{\"a\":1",
            "\u{feff}{}",
            "{\"a\":1e400}",
        ] {
            assert_eq!(parse_object(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(parse_object(b" { } "), Some(Map::new()));
    }

    proptest! {
        #[test]
        fn it_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = parse_object(&bytes);
        }

        #[test]
        fn what_it_accepts_is_what_serde_json_reads(members in proptest::collection::btree_map("[a-c\"\\\\é]{0,3}", any::<i64>(), 0..6)) {
            let text = serde_json::to_string(&members).unwrap();
            let plain: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(parse_object(text.as_bytes()).map(Value::Object), Some(plain));
        }
    }
}
