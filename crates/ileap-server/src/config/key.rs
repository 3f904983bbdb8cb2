//! What is known of one key.

/// What a value looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A number with a unit, such as `5m`, between these two.
    Duration(&'static str, &'static str),
    /// A whole number in this range.
    Integer(u32, u32),
    /// Strings; comma-separated in a variable.
    List,
    /// A string.
    Text,
}

impl Kind {
    /// What to write, for a message.
    pub(super) fn form(self, example: &str) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::Choice(words) => format!("one of: {}", words.join(", ")),
            Self::Duration(low, high) => {
                format!("a number with a unit, such as \"{high}\", from {low} to {high}")
            }
            Self::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Self::List => format!("a list of strings, such as {example}"),
            Self::Text => format!("a string such as {example}"),
        }
    }

    /// What the example alone does not tell, for the documents.
    pub(super) fn limits(self) -> Option<String> {
        match self {
            Self::Choice(words) => Some(format!("One of: {}.", words.join(", "))),
            Self::Duration(low, high) => Some(format!("From {low} to {high}.")),
            Self::Integer(low, high) => Some(format!("From {low} to {high}.")),
            Self::Boolean | Self::List | Self::Text => None,
        }
    }
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Dotted path in the file.
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// The default, as TOML; `None` when the key is unset by default.
    pub(super) default: Option<&'static str>,
    /// An example for keys without a default, as TOML.
    pub(super) example: &'static str,
    /// Its meaning, in sentences.
    doc: &'static str,
    /// Whether a reload of the configuration takes it on.
    pub(super) is_reloaded: bool,
}

impl Key {
    /// A key with a default, as TOML.
    pub(super) const fn set(
        path: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            path,
            kind,
            default: Some(default),
            example: default,
            doc,
            is_reloaded: false,
        }
    }

    /// A key that is unset by default, with an example as TOML.
    pub(super) const fn unset(
        path: &'static str,
        kind: Kind,
        example: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            path,
            kind,
            default: None,
            example,
            doc,
            is_reloaded: false,
        }
    }

    /// The same key, which a reload takes on.
    pub(super) const fn reloaded(mut self) -> Self {
        self.is_reloaded = true;
        self
    }

    /// The environment variable of this key.
    pub(super) fn variable(&self) -> String {
        let name = self.path.to_ascii_uppercase().replace('.', "__");
        format!("ILEAP_{name}")
    }

    /// Its meaning and what it takes.
    pub(super) fn description(&self) -> String {
        let mut text = self.doc.to_owned();
        if let Some(limits) = self.kind.limits() {
            text = format!("{text} {limits}");
        }
        if self.is_reloaded {
            text.push_str(" Reloaded by SIGHUP.");
        }
        text
    }
}
