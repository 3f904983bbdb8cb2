//! The OpenAPI document, and what it says of an answer.

use std::collections::BTreeSet;

use jsonschema::Validator;
use reqwest::Response;
use serde_json::Value;

use crate::harness::{TestServer, header, json, text};

/// The document a server serves.
pub(super) struct Document(Value);

impl Document {
    /// The document that `server` serves.
    pub(super) async fn of(server: &TestServer) -> Self {
        Self(json(server.get("/openapi.json").send().await.unwrap()).await)
    }

    /// Every path described.
    pub(super) fn paths(&self) -> Vec<String> {
        self.0["paths"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    }

    /// The methods described at a path, in capitals.
    pub(super) fn methods(&self, path: &str) -> BTreeSet<String> {
        let operations = self.0["paths"][path].as_object().unwrap();
        operations
            .keys()
            .map(|method| method.to_uppercase())
            .collect()
    }

    /// Every operation with each status it answers.
    pub(super) fn answers(&self) -> BTreeSet<(String, u16)> {
        let mut answers = BTreeSet::new();
        for path in self.paths() {
            for method in self.methods(&path) {
                let operation = format!("{method} {path}");
                let responses = self.at(&pointer_to(&operation))["responses"]
                    .as_object()
                    .unwrap();
                answers.extend(
                    responses
                        .keys()
                        .map(|status| (operation.clone(), status.parse().unwrap())),
                );
            }
        }
        answers
    }

    /// Fails unless status, content type, headers and body of an answer are as described.
    pub(super) async fn assert_describes(&self, operation: &str, answer: Response) {
        let status = answer.status().as_u16();
        let of = format!("{operation} {status}");
        let place = self.resolved(&format!("{}/responses/{status}", pointer_to(operation)));
        self.assert_describes_headers(&of, &place, &answer);
        let content_type = header(&answer, "content-type");
        let body = text(answer).await;
        match self.at(&place).get("content") {
            None => assert_eq!((content_type.as_str(), body.as_str()), ("", ""), "{of}"),
            Some(content) => {
                assert!(content.get(&content_type).is_some(), "{of} {content_type}");
                let content_type = escaped(&content_type);
                let body = serde_json::from_str(&body).unwrap();
                self.assert_valid(&format!("{place}/content/{content_type}/schema"), &body);
            }
        }
    }

    /// Fails unless a request body is as described.
    pub(super) fn assert_takes(&self, operation: &str, content_type: &str, body: &Value) {
        let operation = pointer_to(operation);
        let content_type = escaped(content_type);
        self.assert_valid(
            &format!("{operation}/requestBody/content/{content_type}/schema"),
            body,
        );
    }

    fn assert_describes_headers(&self, of: &str, place: &str, answer: &Response) {
        let Some(headers) = self.at(place).get("headers") else {
            return;
        };
        for name in headers.as_object().unwrap().keys() {
            let described = self.resolved(&format!("{place}/headers/{name}"));
            let Some(value) = answer.headers().get(name) else {
                let is_required = self.at(&described)["required"] == true;
                assert!(!is_required, "{of} has no {name}");
                continue;
            };
            let value = value.to_str().unwrap();
            let value = value.parse::<u64>().map_or(value.into(), Value::from);
            self.assert_valid(&format!("{described}/schema"), &value);
        }
    }

    fn assert_valid(&self, schema: &str, value: &Value) {
        let validity = self
            .validator(schema)
            .validate(value)
            .map_err(|error| format!("{error} at {} by {schema}", error.instance_path()));
        assert_eq!(validity, Ok(()), "{value}");
    }

    /// A validator of the schema at a pointer.
    pub(super) fn validator(&self, schema: &str) -> Validator {
        let mut root = self.0.clone();
        // A fragment has no braces (RFC 3986 §3.5).
        let fragment = schema.replace('{', "%7B").replace('}', "%7D");
        root["$ref"] = format!("#{fragment}").into();
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
        options.should_validate_formats(true).build(&root).unwrap()
    }

    /// What is at a pointer.
    pub(super) fn at(&self, pointer: &str) -> &Value {
        self.0
            .pointer(pointer)
            .unwrap_or_else(|| panic!("the document has no {pointer}"))
    }

    /// A pointer, or the one that it refers to.
    pub(super) fn resolved(&self, pointer: &str) -> String {
        match self.at(pointer).get("$ref").and_then(Value::as_str) {
            Some(target) => target.strip_prefix('#').unwrap().to_owned(),
            None => pointer.to_owned(),
        }
    }
}

/// The pointer to an operation such as `GET /jwks`.
fn pointer_to(operation: &str) -> String {
    let (method, path) = operation.split_once(' ').unwrap();
    format!("/paths/{}/{}", escaped(path), method.to_lowercase())
}

/// A member's name in a pointer (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
