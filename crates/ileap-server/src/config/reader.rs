//! From the sources to one value per key, with every problem noted on the way.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Config, Loaded, Values, environment, file,
    keys::{self, Key, Kind},
    sources::Sources,
    values,
    violation::{ConfigError, Violation, shown},
};

/// Values by key, and what is wrong with them.
#[derive(Default)]
pub(super) struct Reader {
    found: BTreeMap<&'static str, Found>,
    violations: Vec<Violation>,
    warnings: Vec<String>,
    passed_over: Vec<String>,
    file: Option<PathBuf>,
    is_for_store: bool,
}

/// A value and where it stands.
struct Found {
    place: String,
    value: Value,
}

/// The shapes of values, before they are read as what the key says.
pub(super) enum Value {
    One(String),
    Many(Vec<String>),
    /// The content of the file that the key would name.
    Secret(SecretString),
    /// There is one, and a violation about it has been noted.
    Unreadable,
}

impl Reader {
    /// Reads the sources, the one that goes before the others last. A file that cannot be read, or is no TOML,
    /// is the only violation then: without it, the others would be guesses.
    pub(super) fn open(sources: Sources) -> Result<Self, ConfigError> {
        let mut reader = Self::default();
        if let Some(path) = &sources.file {
            file::read(path, &mut reader)?;
        }
        reader.file = sources.file;
        environment::read(sources.environment, &mut reader);
        Ok(reader)
    }

    /// From here on a verifier need not be there.
    pub(super) fn for_store(self) -> Self {
        Self {
            is_for_store: true,
            ..self
        }
    }

    /// Whether there is a file.
    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Whether something must say how credentials are checked.
    pub(super) fn needs_verifier(&self) -> bool {
        !self.is_for_store
    }

    /// Takes a value for a key, in place of what an earlier source said.
    pub(super) fn take(&mut self, key: &Key, place: String, value: Value) {
        self.found.insert(key.path, Found { place, value });
    }

    /// Notes that a key's value cannot be used, and that there is one.
    pub(super) fn take_unreadable(&mut self, key: &Key, place: String, problem: &str) {
        self.violate(place.clone(), problem, form(key));
        self.take(key, place, Value::Unreadable);
    }

    /// Notes a violation about something that is no key; the remedy is the nearest key there is.
    pub(super) fn unknown(&mut self, place: String, path: &str, name: fn(&Key) -> String) {
        let remedy = keys::nearest(path).map_or_else(
            || "`ileap config print` lists every key".to_owned(),
            |key| format!("did you mean {}?", name(key)),
        );
        self.violate(place, "there is no such key", remedy);
    }

    /// Notes a violation at a place of the caller's naming.
    pub(super) fn violate(
        &mut self,
        place: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.violations.push(Violation {
            place: place.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    /// Notes a violation about a key, wherever its value came from.
    pub(super) fn violate_key(
        &mut self,
        path: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let place = self
            .found
            .get(path)
            .map_or_else(|| format!("`{path}`"), |found| found.place.clone());
        self.violate(place, problem, remedy);
    }

    /// Notes that something was said that has no effect.
    pub(super) fn pass_over(&mut self, text: String) {
        self.passed_over.push(text.clone());
        self.warnings.push(text);
    }

    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    /// Whether file or environment set the key, well or badly.
    pub(super) fn is_set(&self, path: &str) -> bool {
        self.found.contains_key(path)
    }

    /// The value set, or the default; `None` when there is neither, or the value is unreadable.
    pub(super) fn text(&self, path: &'static str) -> Option<String> {
        match self.found.get(path).map(|found| &found.value) {
            Some(Value::One(text)) => Some(text.clone()),
            Some(Value::Many(_) | Value::Secret(_) | Value::Unreadable) => None,
            None => {
                let default = keys::find(path).and_then(|key| key.default)?;
                Some(default.trim_matches('"').to_owned())
            }
        }
    }

    /// The secret itself, where a variable holds it.
    pub(super) fn secret(&self, path: &str) -> Option<&str> {
        match self.found.get(path).map(|found| &found.value) {
            Some(Value::Secret(secret)) => Some(secret.expose_secret()),
            _ => None,
        }
    }

    /// The list set, or the default; `None` when it is unreadable.
    pub(super) fn list(&self, path: &'static str) -> Option<Vec<String>> {
        match self.found.get(path).map(|found| &found.value) {
            Some(Value::Many(items)) => Some(items.clone()),
            Some(Value::One(_) | Value::Secret(_) | Value::Unreadable) => None,
            None => {
                let default = keys::find(path).and_then(|key| key.default)?;
                let items = default.trim_matches(['[', ']']).replace('"', "");
                Some(values::list(&items))
            }
        }
    }

    /// A value that `read` understands; what it does not is a violation that names the key's form.
    pub(super) fn parsed<T>(
        &mut self,
        path: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(path)?;
        let value = read(&text);
        if value.is_none() {
            let remedy = keys::find(path).map_or(String::new(), form);
            self.violate_key(path, format!("`{}` is not valid", shown(&text)), remedy);
        }
        value
    }

    /// A value without judging it: what cannot be read has its violation already.
    pub(super) fn peek<T: FromStr>(&self, path: &'static str) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    pub(super) fn boolean(&mut self, path: &'static str) -> Option<bool> {
        self.parsed(path, |text| text.parse().ok())
    }

    pub(super) fn duration(&mut self, path: &'static str) -> Option<Duration> {
        let bounds = match keys::find(path).map(|key| key.kind) {
            Some(Kind::Duration(low, high)) => values::duration(low)..=values::duration(high),
            _ => None..=None,
        };
        self.parsed(path, |text| {
            values::duration(text).filter(|duration| bounds.contains(&Some(*duration)))
        })
    }

    pub(super) fn integer(&mut self, path: &'static str) -> Option<u32> {
        let range = match keys::find(path).map(|key| key.kind) {
            Some(Kind::Integer(low, high)) => low..=high,
            _ => 0..=u32::MAX,
        };
        self.parsed(path, |text| {
            text.parse().ok().filter(|number| range.contains(number))
        })
    }

    /// What the key stands at, as one text.
    fn effective(&self, key: &Key) -> String {
        match self.found.get(key.path).map(|found| &found.value) {
            Some(Value::One(text)) => text.clone(),
            Some(Value::Many(items)) => items.join(","),
            Some(Value::Secret(secret)) => secret.expose_secret().to_owned(),
            Some(Value::Unreadable) | None => key.default.unwrap_or_default().to_owned(),
        }
    }

    /// The configuration, unless anything is wrong with it.
    pub(super) fn finish(self, config: Option<Config>) -> Result<Loaded, ConfigError> {
        match config {
            Some(config) if self.violations.is_empty() => Ok(Loaded {
                config,
                values: Values::of(|key| self.effective(key)),
                warnings: self.warnings,
                passed_over: self.passed_over,
            }),
            _ => Err(ConfigError {
                violations: self.violations,
                warnings: self.warnings,
            }),
        }
    }
}

/// What a value of this key must look like.
fn form(key: &Key) -> String {
    match key.kind {
        Kind::Text if key.default.is_none() => {
            format!("write {}, or leave it out", key.kind.form(key.example))
        }
        kind => format!("write {}", kind.form(key.example)),
    }
}
