//! An object as it was sent, and what is understood of it.

use std::marker::PhantomData;

use ileap_types::{
    pact::v2::ProductFootprint,
    revision::{modernize_footprint, modernize_tad},
    tad::Tad,
};
use serde::de::DeserializeOwned;
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
        serde_json::from_value(self.value()?).map_err(|_| unreadable::<T>())
    }

    /// Why it cannot be read, in the parser's words, for people; `None` if it can.
    pub fn problem(&self) -> Option<String> {
        let value = self.value().ok()?;
        if !value.is_object() {
            return Some("it is no JSON object".to_owned());
        }
        serde_json::from_value::<T>(value)
            .err()
            .map(|error| error.to_string())
    }
}

fn unreadable<T: Readable>() -> Error {
    Error::new(
        format!("reading {}", T::NAME),
        ErrorKind::Unreadable("a mandatory member is missing or has the wrong type"),
    )
}
