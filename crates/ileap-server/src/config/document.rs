//! What the registry says, written out: the default file, the JSON Schema, the reference.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, Kind, section};

/// Width of comment lines in the default file.
const WIDTH: usize = 96;

/// The default configuration file: every key with its meaning, commented out where it has no default.
pub fn default_file() -> String {
    let mut file = String::from(
        "# Configuration of ileap. Every key can also be set by the variable named beside it.\n",
    );
    let mut current = "";
    for key in &KEYS {
        if section(key.path) == current {
            file.push('\n');
        } else {
            current = section(key.path);
            push(&mut file, &format!("\n[{current}]"));
        }
        for line in wrapped(&key.description()) {
            push(&mut file, &format!("# {line}"));
        }
        let name = key.path.rsplit('.').next().unwrap_or_default();
        let mark = if key.default.is_some() { "" } else { "# " };
        push(
            &mut file,
            &format!("{mark}{name} = {}    # {}", key.example, key.variable()),
        );
    }
    file
}

/// The JSON Schema (draft 2020-12) of the configuration file.
pub fn json_schema() -> Value {
    let mut schema = section_schema("");
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        schema.insert("title".to_owned(), json!("Configuration of ileap"));
    }
    schema
}

/// The schema of one section, with the sections in it.
fn section_schema(name: &str) -> Value {
    let mut properties = Map::new();
    for key in &KEYS {
        let inner = match name {
            "" => key.path,
            _ => match key
                .path
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'))
            {
                Some(inner) => inner,
                None => continue,
            },
        };
        match inner.split_once('.') {
            None => {
                properties.insert(inner.to_owned(), property(key));
            }
            Some((child, _)) if !properties.contains_key(child) => {
                let path = if name.is_empty() {
                    child.to_owned()
                } else {
                    format!("{name}.{child}")
                };
                properties.insert(child.to_owned(), section_schema(&path));
            }
            Some(_) => {}
        }
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// The table of every key, for `docs/operations.md`.
pub fn reference_markdown() -> String {
    let mut table = String::from("| key | variable | default | meaning |\n|---|---|---|---|\n");
    for key in &KEYS {
        let default = key
            .default
            .map_or("–".to_owned(), |default| format!("`{default}`"));
        push(
            &mut table,
            &format!(
                "| `{}` | `{}` | {default} | {} |",
                key.path,
                key.variable(),
                key.description()
            ),
        );
    }
    table
}

fn push(text: &mut String, line: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "{line}");
}

fn property(key: &Key) -> Value {
    let mut schema = match key.kind {
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Duration(..) => json!({ "type": "string", "pattern": "^(0|[0-9]+(ms|s|m|h|d))$" }),
        Kind::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Text => json!({ "type": "string" }),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(key.description()));
        let default = key
            .default
            .and_then(|default| serde_json::from_str::<Value>(default).ok());
        if let Some(default) = default {
            schema.insert("default".to_owned(), default);
        }
    }
    schema
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
