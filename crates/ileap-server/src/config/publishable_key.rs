//! Clerk's publishable key: where the Frontend API of an instance is.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use url::Url;

/// Standard base64 whose padding may be missing, as Clerk writes it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The kind of a Clerk instance, as its keys say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Environment {
    /// `..._live_...`
    Live,
    /// `..._test_...`
    Test,
}

/// A publishable key, decoded. It is public: anyone may see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishableKey {
    /// Production or development.
    pub environment: Environment,
    /// Where the Frontend API is.
    pub frontend_api_url: Url,
}

impl PublishableKey {
    /// Reads `pk_(live|test)_` and base64 of `<host>$`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (environment, encoded) = match text.strip_prefix("pk_live_") {
            Some(encoded) => (Environment::Live, encoded),
            None => (Environment::Test, text.strip_prefix("pk_test_")?),
        };
        let standard: String = encoded
            .chars()
            .map(|char| match char {
                '-' => '+',
                '_' => '/',
                other => other,
            })
            .collect();
        let decoded = String::from_utf8(LENIENT.decode(standard).ok()?).ok()?;
        let host = decoded.strip_suffix('$')?;
        Some(Self {
            environment,
            frontend_api_url: origin(host)?,
        })
    }
}

/// The `https` origin of a host name or address with an optional port; `None` for what a URL parser would
/// read as something else.
fn origin(host: &str) -> Option<Url> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || ".-:".contains(char);
    let name = host.split(':').next().unwrap_or_default();
    let has_labels = name.contains('.') && name.split('.').all(|label| !label.is_empty());
    let text = format!("https://{host}");
    let url = Url::parse(&text)
        .ok()
        .filter(|_| has_labels && host.chars().all(is_plain))?;
    // Without a default port, and in lower case, what went in is what came out.
    let same = url.as_str().trim_end_matches('/') == text.to_ascii_lowercase();
    same.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_host_and_environment() {
        let key = PublishableKey::parse("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k").unwrap();
        assert_eq!(key.environment, Environment::Live);
        assert_eq!(key.frontend_api_url.as_str(), "https://clerk.example.com/");
        let key =
            PublishableKey::parse("pk_test_aGFwcHktZm94LTEyLmNsZXJrLmFjY291bnRzLmRldiQ").unwrap();
        assert_eq!(key.environment, Environment::Test);
        assert_eq!(
            key.frontend_api_url.as_str(),
            "https://happy-fox-12.clerk.accounts.dev/"
        );
        assert!(
            PublishableKey::parse("pk_test_aGFwcHktZm94LTEyLmNsZXJrLmFjY291bnRzLmRldiQ=").is_some()
        );
    }

    #[test]
    fn anything_else_is_no_key() {
        let encode = |host: &str| format!("pk_live_{}", LENIENT.encode(host));
        for text in [
            String::new(),
            "sk_test_Y2xlcmsuZXhhbXBsZS5jb20k".to_owned(),
            "pk_prod_Y2xlcmsuZXhhbXBsZS5jb20k".to_owned(),
            "pk_live_!!!".to_owned(),
            encode("clerk.example.com"),
            encode("clerk.exa$mple.com$"),
            encode("localhost$"),
            encode("evil.example/path$"),
            encode("a@b.example$"),
        ] {
            assert!(PublishableKey::parse(&text).is_none(), "{text}");
        }
    }
}
