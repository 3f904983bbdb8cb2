//! Files as objects, one at a time.

#[cfg(any(test, feature = "fuzzing"))]
mod anything;
mod capped;
mod json;
mod ndjson;
pub(super) mod table;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::anything::read_anything;

use std::{
    fmt,
    io::{self, BufRead as _},
    ops::ControlFlow,
};

use ileap_types::{revision, rules, strict_json};
use serde_json::Value;

use super::input::{Format, Input};
use crate::store::ImportKind;

/// In bytes. What is larger is a mistake, such as a quote that is never closed.
pub(super) const LARGEST_OBJECT: usize = 16 << 20;

/// Where in a file an object is, counted from 1.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Place {
    /// All of it.
    File,
    /// The object of this number.
    Item(u64),
    /// The object in this line.
    Line(u64),
    /// The table's row that begins in this line.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Item(number) => write!(f, "item {number}"),
            Self::Line(number) | Self::Row(number) => write!(f, "line {number}"),
        }
    }
}

/// One object of a file.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: ImportKind,
    /// Without nulls and empty lists that say nothing: they are read as absent and never served.
    pub(super) value: Value,
}

/// Why an object cannot be read, and what to change.
#[derive(Debug)]
pub(super) struct Problem {
    /// The member it is about; empty for the whole object.
    pub(super) pointer: String,
    pub(super) message: String,
}

impl Problem {
    fn new(message: impl fmt::Display) -> Self {
        Self {
            pointer: String::new(),
            message: message.to_string(),
        }
    }
}

/// What is called with every object, and with every place that holds none. It may have enough.
pub(super) type Visit<'a> = dyn FnMut(Place, Result<Item, Problem>) -> ControlFlow<()> + 'a;

/// Reads the input from its beginning. A file that cannot be read to its end has its last problem there.
pub(super) fn each(input: &Input, visit: &mut Visit<'_>) -> io::Result<()> {
    let mut reader = input.reader()?;
    if let Some(message) = foreign(reader.fill_buf()?) {
        let _ = visit(Place::File, Err(Problem::new(message)));
        return Ok(());
    }
    match input.format {
        Format::Csv => table::each(reader, visit),
        Format::Json => json::each(reader, visit),
        Format::Ndjson => ndjson::each(reader, visit),
    }
    Ok(())
}

/// What to do with a file that begins with these bytes, where that is no text.
fn foreign(beginning: &[u8]) -> Option<&'static str> {
    const COMPRESSED: &str = "it is compressed: unpack it first";
    const SPREADSHEET: &str =
        "it is a spreadsheet or an archive: save the table as \"CSV UTF-8\", or unpack the archive";
    const UTF_16: &str = "it is UTF-16: save it as UTF-8";
    let known: [(&[u8], _); 8] = [
        (b"\x1f\x8b", COMPRESSED),
        (b"BZh", COMPRESSED),
        (b"\xfd7zXZ\0", COMPRESSED),
        (b"\x28\xb5\x2f\xfd", COMPRESSED),
        (b"PK\x03\x04", SPREADSHEET),
        (b"\xd0\xcf\x11\xe0", SPREADSHEET),
        (b"\xff\xfe", UTF_16),
        (b"\xfe\xff", UTF_16),
    ];
    let found = known.iter().find(|(first, _)| beginning.starts_with(first));
    found.map(|(_, message)| *message)
}

/// The object in these bytes, in the words of iLEAP 1.0.0.
fn item(bytes: &[u8]) -> Result<Item, Problem> {
    let mut value = strict_json::from_slice(bytes)
        .map_err(|error| Problem::new(format_args!("it is no JSON: {error}")))?;
    let has_member = |name| value.get(name).is_some_and(|member| !member.is_null());
    let kind = if has_member("activityId") {
        rules::remove_absent_in_tad(&mut value);
        revision::modernize_tad(&mut value);
        ImportKind::Tad
    } else if has_member("pcf") {
        rules::remove_absent_in_footprint(&mut value);
        revision::modernize_footprint(&mut value);
        ImportKind::Footprint
    } else {
        return Err(Problem::new(
            "it is neither a footprint (it has no `pcf`) nor activity data (it has no `activityId`)",
        ));
    };
    Ok(Item { kind, value })
}
