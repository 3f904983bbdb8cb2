//! JSON documents, read element by element.

use std::{fmt, io::Read, ops::ControlFlow};

use serde::de::{DeserializeSeed, Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, value::RawValue};

use super::{
    Place, Problem, Visit,
    capped::{Allowance, Capped},
    item,
};

/// Members that may wrap a list.
const WRAPPERS: [&str; 3] = ["data", "footprints", "tads"];

/// One object, a list of them, or lists in an object as `{"data": [...]}`.
pub(super) fn each(reader: impl Read, visit: &mut Visit<'_>) {
    let (reader, allowance) = Capped::new(reader);
    let mut elements = Elements {
        visit,
        allowance,
        number: 0,
        has_enough: false,
    };
    let mut deserializer = Deserializer::from_reader(reader);
    let read = deserializer
        .deserialize_any(Document(&mut elements))
        .and_then(|()| deserializer.end());
    if let Err(error) = read
        && !elements.has_enough
    {
        let place = Place::Item(elements.number + 1);
        let _ = (elements.visit)(place, Err(unreadable(&error)));
    }
}

fn unreadable(error: &serde_json::Error) -> Problem {
    if error.is_io() {
        return Problem::new(error);
    }
    let hint = if error.to_string().starts_with("trailing characters") {
        "; a file with an object per line is named .ndjson"
    } else {
        ""
    };
    Problem::new(format_args!("it is no JSON from here: {error}{hint}"))
}

/// The objects on their way.
struct Elements<'a, 'v> {
    visit: &'a mut Visit<'v>,
    allowance: Allowance,
    /// Of the last object.
    number: u64,
    has_enough: bool,
}

impl Elements<'_, '_> {
    /// Fails when the visitor has enough.
    fn add<E: serde::de::Error>(&mut self, json: &[u8]) -> Result<(), E> {
        self.allowance.renew();
        self.number += 1;
        match (self.visit)(Place::Item(self.number), item(json)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                self.has_enough = true;
                Err(E::custom("enough"))
            }
        }
    }

    fn add_all<'de, A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<Box<RawValue>>()? {
            self.add(element.get().as_bytes())?;
        }
        Ok(())
    }
}

struct Document<'e, 'a, 'v>(&'e mut Elements<'a, 'v>);

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.add_all(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut is_wrapper, mut object) = (false, String::new());
        while let Some(name) = members.next_key::<String>()? {
            if WRAPPERS.contains(&name.as_str()) {
                is_wrapper = true;
                members.next_value_seed(List(self.0))?;
                continue;
            }
            let value: Box<RawValue> = members.next_value()?;
            let name = serde_json::to_string(&name).map_err(A::Error::custom)?;
            let separator = if object.is_empty() { '{' } else { ',' };
            object.extend([separator]);
            object.extend([name.as_str(), ":", value.get()]);
        }
        if is_wrapper {
            return Ok(());
        }
        if object.is_empty() {
            object.push('{');
        }
        object.push('}');
        self.0.add(object.as_bytes())
    }
}

/// A list in an object.
struct List<'e, 'a, 'v>(&'e mut Elements<'a, 'v>);

impl<'de> DeserializeSeed<'de> for List<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.add_all(list)
    }
}
