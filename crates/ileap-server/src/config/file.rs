//! The TOML file.

use std::{fs, io, path::Path};

use toml::de::{DeTable, DeValue};

use super::{
    keys::{self, Key, Kind},
    reader::{Reader, Value},
    store_url::has_password,
    violation::{ConfigError, Violation, shown},
};
use crate::private_file::is_exposed;

/// Reads every key in the file.
pub(super) fn read(path: &Path, reader: &mut Reader) -> Result<(), ConfigError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| alone(&name, error.to_string(), &way_to_read(&name, &error)))?;
    let is_exposed = fs::metadata(path).is_ok_and(|metadata| is_exposed(&metadata));
    // The parser's own message would quote the line, and secrets with it.
    let table = DeTable::parse(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        let place = format!("{name}:{line}");
        alone(&place, error.message().to_owned(), "correct the TOML there")
    })?;
    let mut entries: Vec<_> = flattened(table.into_inner());
    entries.sort_by_key(|entry| entry.offset);
    for Entry {
        path,
        offset,
        value,
    } in entries
    {
        let place = format!("`{}` ({name}:{})", shown(&path), line_of(&text, offset));
        match keys::find(&path) {
            Some(key) => {
                let has_password =
                    key.path == "store.url" && value.as_str().is_some_and(has_password);
                if is_exposed && has_password {
                    reader.warn(format!(
                        "{place} has a password in it, and others may read the file: let it belong to the server's user \
                         (chown) and to nobody else (chmod 600 {name}), or set ILEAP_STORE__URL instead"
                    ));
                }
                take(key, place, value, reader);
            }
            None if keys::is_section(&path) => reader.violate(
                place,
                "it is a section, not a value",
                format!("write [{path}] and its keys below, once"),
            ),
            None => reader.unknown(place, &path, |key| format!("`{}`", key.path)),
        }
    }
    Ok(())
}

/// What to do about a file that cannot be read.
fn way_to_read(name: &str, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return "name a file that can be read".to_owned();
    }
    let user = rustix::process::geteuid().as_raw();
    format!(
        "run this as the file's owner or as root, or let this user read it: chmod a+r {name} where no secret is in it, \
         else chown {user} {name}"
    )
}

struct Entry<'i> {
    path: String,
    offset: usize,
    value: DeValue<'i>,
}

/// Everything that is no known section, with its path.
fn flattened(table: DeTable<'_>) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut pending = vec![(String::new(), table)];
    while let Some((prefix, table)) = pending.pop() {
        for (name, value) in table {
            let offset = name.span().start;
            let name = name.get_ref();
            // A name with a dot in it was quoted: it is one name, and no path.
            let name = if name.contains('.') {
                format!("\"{name}\"")
            } else {
                name.to_string()
            };
            let path = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            match value.into_inner() {
                DeValue::Table(inner) if keys::is_section(&path) => pending.push((path, inner)),
                value => entries.push(Entry {
                    path,
                    offset,
                    value,
                }),
            }
        }
    }
    entries
}

fn take(key: &'static Key, place: String, value: DeValue<'_>, reader: &mut Reader) {
    let value = match (value, key.kind) {
        (DeValue::String(text), Kind::Text | Kind::Choice(_) | Kind::Duration(..)) => {
            if text.trim().is_empty() {
                return reader.take_unreadable(key, place, "the value is empty");
            }
            Some(Value::One(text.into()))
        }
        (DeValue::Array(items), Kind::List) => {
            let strings = items
                .into_iter()
                .map(|item| item.into_inner().as_str().map(str::to_owned));
            strings.collect::<Option<_>>().map(Value::Many)
        }
        (DeValue::Boolean(value), Kind::Boolean) => Some(Value::One(value.to_string())),
        (DeValue::Integer(value), Kind::Integer(..)) => {
            let number = i64::from_str_radix(value.as_str(), value.radix());
            number.ok().map(|number| Value::One(number.to_string()))
        }
        _ => None,
    };
    match value {
        Some(value) => reader.take(key, place, value),
        None => reader.take_unreadable(key, place, "the value has the wrong type"),
    }
}

/// A violation that stands alone.
fn alone(place: &str, problem: String, remedy: &str) -> ConfigError {
    let violation = Violation {
        place: place.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    ConfigError {
        violations: vec![violation],
        warnings: Vec::new(),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    before.filter(|byte| *byte == b'\n').count() + 1
}
