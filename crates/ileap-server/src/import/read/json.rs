//! JSON documents, read element by element.

use std::{fmt, io::Read, ops::ControlFlow};

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, value::RawValue};

use super::{
    Place, Problem, Visit,
    capped::{Allowance, Capped},
    item,
};

/// Members that may wrap a list.
const WRAPPERS: [&str; 3] = ["data", "footprints", "tads"];

/// One object, a list of them, or lists or objects in an object as `{"data": [...]}`.
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
        let answer = (self.visit)(Place::Item(self.number), item(json));
        self.visited(answer)
    }

    /// Says that the object around the lists has a member that nobody reads.
    fn complain<E: serde::de::Error>(&mut self, name: &str) -> Result<(), E> {
        let problem = Problem {
            pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            message: format!(
                "nobody reads this member: name it one of {}, or take it out",
                WRAPPERS.join(", ")
            ),
        };
        let answer = (self.visit)(Place::File, Err(problem));
        self.visited(answer)
    }

    fn visited<E: serde::de::Error>(&mut self, answer: ControlFlow<()>) -> Result<(), E> {
        match answer {
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
        let (mut is_wrapper, mut object) = (false, Object::default());
        while let Some(name) = members.next_key::<String>()? {
            if WRAPPERS.contains(&name.as_str()) {
                is_wrapper = true;
                members.next_value_seed(Wrapped(self.0))?;
                continue;
            }
            let value: Box<RawValue> = members.next_value()?;
            // Of a wrapper only what it would lose counts, and neither how much nor how often.
            if !is_wrapper {
                object.push(&name, &value)?;
            } else if object.lost.is_none() {
                object.note(&name, &value);
            }
        }
        match object.lost {
            _ if !is_wrapper => self.0.add(object.json().as_bytes()),
            Some(name) => self.0.complain(&name),
            None => Ok(()),
        }
    }
}

/// An object, put together again from its members.
#[derive(Default)]
struct Object {
    members: String,
    /// The first member with something in it.
    lost: Option<String>,
}

impl Object {
    fn push<E: serde::de::Error>(&mut self, name: &str, value: &RawValue) -> Result<(), E> {
        self.note(name, value);
        let name = serde_json::to_string(name).map_err(E::custom)?;
        let separator = if self.members.is_empty() { "" } else { "," };
        self.members
            .extend([separator, name.as_str(), ":", value.get()]);
        Ok(())
    }

    fn note(&mut self, name: &str, value: &RawValue) {
        if self.lost.is_none() && value.get().starts_with(['[', '{']) {
            self.lost = Some(name.to_owned());
        }
    }

    fn json(&self) -> String {
        format!("{{{}}}", self.members)
    }
}

/// A list in an object, or the one object that an answer about one has there.
struct Wrapped<'e, 'a, 'v>(&'e mut Elements<'a, 'v>);

impl<'de> DeserializeSeed<'de> for Wrapped<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Wrapped<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.add_all(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut object = Object::default();
        while let Some((name, value)) = members.next_entry::<String, Box<RawValue>>()? {
            object.push(&name, &value)?;
        }
        self.0.add(object.json().as_bytes())
    }
}
