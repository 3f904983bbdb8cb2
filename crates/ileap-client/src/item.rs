//! An object as it was sent, and what is understood of it.

use std::marker::PhantomData;

use ileap_types::{
    pact::v2::ProductFootprint,
    revision::{modernize_footprint, modernize_tad},
    tad::Tad,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::error::{Error, ErrorKind};

/// An object of a list. Whatever the host sent is there; reading it is a second step that may fail for one object
/// without spoiling the others.
#[derive(Clone, Debug)]
pub struct Item<T> {
    raw: Box<RawValue>,
    kind: PhantomData<fn() -> T>,
}

/// What can be read from an [`Item`], also as earlier revisions of its specification wrote it.
pub trait Readable: DeserializeOwned {
    /// What one is called.
    const NAME: &'static str;

    /// Turns the names of earlier revisions into today's.
    fn modernize(value: &mut Value);
}

impl Readable for ProductFootprint {
    const NAME: &'static str = "a footprint";

    fn modernize(value: &mut Value) {
        modernize_footprint(value);
    }
}

impl Readable for Tad {
    const NAME: &'static str = "transport activity data";

    fn modernize(value: &mut Value) {
        modernize_tad(value);
    }
}

impl<T> Item<T> {
    pub(crate) fn new(raw: Box<RawValue>) -> Self {
        Self {
            raw,
            kind: PhantomData,
        }
    }

    /// The object of `{"data": {...}}`.
    pub(crate) fn wrapped(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wrapped {
            data: Box<RawValue>,
        }
        let wrapped: Wrapped = serde_json::from_slice(body).ok()?;
        Some(Self::new(wrapped.data))
    }

    /// The JSON as it was sent, byte for byte.
    pub fn json(&self) -> &str {
        self.raw.get()
    }

    /// The JSON as a tree, with today's names.
    pub fn value(&self) -> Result<Value, Error>
    where
        T: Readable,
    {
        let mut value: Value = serde_json::from_str(self.json()).map_err(|_| unreadable::<T>())?;
        T::modernize(&mut value);
        Ok(value)
    }
}

impl<T: Readable> Item<T> {
    /// What is understood of it: nulls are absent, unknown members are passed over, names that a list of the
    /// specification does not know are kept.
    pub fn read(&self) -> Result<T, Error> {
        self.understood().map_err(|_| unreadable::<T>())
    }

    /// Why it cannot be read, in the parser's words, for people; `None` if it can.
    pub fn problem(&self) -> Option<String> {
        self.understood().err()
    }

    fn understood(&self) -> Result<T, String> {
        let words = |error: serde_json::Error| error.to_string();
        let mut value: Value = serde_json::from_str(self.json()).map_err(words)?;
        if !value.is_object() {
            return Err("it is no JSON object".to_owned());
        }
        T::modernize(&mut value);
        serde_json::from_value(value).map_err(words)
    }
}

fn unreadable<T: Readable>() -> Error {
    Error::new(
        format!("reading {}", T::NAME),
        ErrorKind::Unreadable("a mandatory member is missing or has the wrong type"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_has_a_problem() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for json in [
            &deep,
            "1e999",
            r#"{"pcf": 1e999}"#,
            "[]",
            "{}",
            r#"["\ud800"]"#,
        ] {
            let item = Item::<Tad>::new(serde_json::from_str(json).unwrap());
            assert!(item.read().is_err(), "{json}");
            assert!(item.problem().is_some(), "{json}");
        }
    }
}
