//! JSON bodies.

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::{errors::Refusal, frontend::Call};

/// The members of the JSON object that was sent; none without a body.
#[derive(Default)]
pub(crate) struct Body(Map<String, Value>);

impl Body {
    /// Reads what was sent: its media type, its syntax, then its members are checked.
    pub(crate) fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        let incoming = call.incoming;
        if incoming.body.is_empty() {
            return Ok(Self::default());
        }
        if !is_json(&incoming.headers) {
            return Err(Refusal::new("unsupported_content_type"));
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(&incoming.body) else {
            return Err(Refusal::new("request_body_invalid"));
        };
        if let Some(unknown) = members.keys().find(|name| !call.knows_param(name)) {
            return Err(Refusal::new("form_param_unknown").param(unknown));
        }
        Ok(Self(members))
    }

    /// A string. Null is as good as left out.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        self.typed(name, Value::as_str)
    }

    /// A string that must be there and say something.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        match self.text(name)? {
            None => Err(Refusal::new("form_param_missing").param(name)),
            Some("") => Err(Refusal::new("form_param_nil").param(name)),
            Some(text) => Ok(text),
        }
    }

    /// A string that may be left out but not be empty.
    pub(crate) fn filled(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.text(name)? {
            Some("") => Err(Refusal::new("form_param_nil").param(name)),
            text => Ok(text),
        }
    }

    /// Whether it was sent, if only as null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// True or false.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.typed(name, Value::as_bool)
    }

    /// A whole number that is not negative.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.typed(name, Value::as_u64)
    }

    /// An object.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, Refusal> {
        self.typed(name, |value| value.as_object().cloned())
    }

    /// An array of strings.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        self.typed(name, |value| {
            let texts = value.as_array()?.iter();
            texts.map(|text| text.as_str().map(str::to_owned)).collect()
        })
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(Refusal::new("form_param_type_invalid").param(name)),
            },
        }
    }
}

/// The names of the members of a JSON object; none of anything else.
pub(crate) fn member_names(body: &[u8]) -> Vec<String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
