//! Who we are at a host.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

/// A client id and secret (RFC 6749 §2.3.1). The secret cannot be printed.
#[derive(Clone)]
pub struct Credentials {
    client_id: String,
    client_secret: SecretString,
}

/// How id and secret are put into the Basic header. Hosts differ.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BasicEncoding {
    /// As they are: what most PACT software sends and takes.
    #[default]
    Raw,
    /// Form-encoded first, as RFC 6749 §2.3.1 has it.
    Rfc6749,
}

impl Credentials {
    /// Takes both texts as they are.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
        }
    }

    /// The id.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret, for whoever keeps it.
    pub fn client_secret(&self) -> &SecretString {
        &self.client_secret
    }

    /// The value of the `Authorization` header; `None` where the id has a colon, which would end it too early.
    pub(crate) fn basic(&self, encoding: BasicEncoding) -> Option<HeaderValue> {
        let secret = self.client_secret.expose_secret();
        let pair = match encoding {
            BasicEncoding::Raw if self.client_id.contains(':') => return None,
            BasicEncoding::Raw => SecretString::from(format!("{}:{secret}", self.client_id)),
            BasicEncoding::Rfc6749 => {
                SecretString::from(format!("{}:{}", form(&self.client_id), form(secret)))
            }
        };
        let value = SecretString::from(format!("Basic {}", STANDARD.encode(pair.expose_secret())));
        let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn form(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .field("client_secret", &"redacted")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(id: &str, secret: &str, encoding: BasicEncoding) -> Option<String> {
        let value = Credentials::new(id, secret).basic(encoding)?;
        assert!(value.is_sensitive());
        let encoded = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        Some(String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap())
    }

    #[test]
    fn both_encodings_put_id_and_secret_where_hosts_look_for_them() {
        let raw = header("ops@acme.example", "a:b+c%41", BasicEncoding::Raw);
        assert_eq!(raw.as_deref(), Some("ops@acme.example:a:b+c%41"));
        let encoded = header("ops@acme.example", "a:b+c%41", BasicEncoding::Rfc6749);
        assert_eq!(
            encoded.as_deref(),
            Some("ops%40acme.example:a%3Ab%2Bc%2541")
        );
    }

    #[test]
    fn an_id_with_a_colon_needs_the_encoding() {
        assert_eq!(header("a:b", "c", BasicEncoding::Raw), None);
        let encoded = header("a:b", "c", BasicEncoding::Rfc6749);
        assert_eq!(encoded.as_deref(), Some("a%3Ab:c"));
    }

    #[test]
    fn credentials_do_not_print_the_secret() {
        let text = format!("{:?}", Credentials::new("hello", "pathfinder"));
        assert!(
            text.contains("hello") && !text.contains("pathfinder"),
            "{text}"
        );
    }
}
