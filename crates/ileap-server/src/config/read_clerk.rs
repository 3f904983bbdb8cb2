//! `[verifier.clerk]`: keys, secrets and addresses.
//!
//! What cannot be read is `None` here and a violation in the reader; no configuration comes of it then.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{
    base_url, keys,
    publishable_key::{Environment, PublishableKey},
    reader::Reader,
    secret_file,
    sections::{Clerk, VerifierKind},
    values::{ClerkSecretKey, WebhookSigningSecret},
};

const PUBLISHABLE_KEY: &str = "verifier.clerk.publishable_key";
const SECRET_KEY: &str = "verifier.clerk.secret_key_file";
const WEBHOOK_SECRET: &str = "verifier.clerk.webhook_signing_secret_file";
const FRONTEND: &str = "verifier.clerk.frontend_api_url";
const BACKEND: &str = "verifier.clerk.backend_api_url";

/// Reads the section, and demands of it what this kind of verifier needs.
pub(super) fn clerk(reader: &mut Reader, kind: Option<VerifierKind>) -> Option<Clerk> {
    let secret_key = secret_key(reader);
    let webhook_signing_secret = webhook_secret(reader);
    let publishable_key = publishable_key(reader);
    if let (Some(key), Some(secret)) = (&publishable_key, &secret_key) {
        judge_pair(reader, key, secret.expose_secret());
    }
    match kind.filter(|_| reader.needs_verifier()) {
        Some(VerifierKind::ClerkBackend) => need_secret_key(reader),
        Some(VerifierKind::ClerkFrontend) => need_frontend_api(reader),
        Some(VerifierKind::StaticUsers) | None => {}
    }
    let frontend_api_url = frontend_api_url(reader, publishable_key);
    let backend_api_url = api_url(reader, BACKEND);
    let allow_mfa_users = reader.boolean("verifier.clerk.allow_mfa_users");
    let timeout = reader.duration("verifier.clerk.timeout");
    Some(Clerk {
        allow_mfa_users: allow_mfa_users?,
        backend_api_url: backend_api_url?,
        frontend_api_url,
        organization: reader.text("verifier.clerk.organization"),
        secret_key: secret_key.map(ClerkSecretKey::new),
        timeout: timeout?,
        webhook_signing_secret: webhook_signing_secret.map(WebhookSigningSecret::new),
    })
}

fn publishable_key(reader: &mut Reader) -> Option<PublishableKey> {
    let text = reader.text(PUBLISHABLE_KEY)?;
    let key = PublishableKey::parse(&text);
    if key.is_none() {
        let problem = if text.starts_with("sk_") {
            "it is a secret key: it belongs in CLERK_SECRET_KEY, and if others may have seen it, replace it"
        } else {
            "it is not a publishable key: pk_live_ or pk_test_ and base64 of the host"
        };
        reader.violate_key(
            PUBLISHABLE_KEY,
            problem,
            "copy the publishable key from the Clerk dashboard, API keys",
        );
    }
    key
}

fn need_frontend_api(reader: &mut Reader) {
    if !reader.is_set(FRONTEND) && !reader.is_set(PUBLISHABLE_KEY) {
        let remedy = if reader.has_file() {
            "set CLERK_SECRET_KEY, CLERK_PUBLISHABLE_KEY, or verifier.clerk.frontend_api_url"
        } else {
            "name the configuration file (--config FILE or ILEAP_CONFIG; `ileap config print` writes one to begin with), or \
             set CLERK_SECRET_KEY or CLERK_PUBLISHABLE_KEY"
        };
        reader.violate("`verifier.clerk`", "nothing says where Clerk is", remedy);
    }
}

fn need_secret_key(reader: &mut Reader) {
    if !reader.is_set(SECRET_KEY) {
        reader.violate_key(
            "verifier.kind",
            "it is \"clerk_backend\", and there is no secret key",
            "set CLERK_SECRET_KEY, or verifier.clerk.secret_key_file",
        );
    }
}

fn frontend_api_url(reader: &mut Reader, key: Option<PublishableKey>) -> Option<Url> {
    if reader.is_set(FRONTEND) {
        return api_url(reader, FRONTEND);
    }
    key.map(|key| key.frontend_api_url)
}

fn api_url(reader: &mut Reader, path: &'static str) -> Option<Url> {
    let text = reader.text(path)?;
    let text = text.trim_end_matches('/');
    if text.ends_with("/v1") {
        reader.violate_key(
            path,
            "it ends in /v1",
            "write the origin or proxy prefix without /v1",
        );
        return None;
    }
    let url = base_url::plain(text);
    url.map_err(|problem| {
        reader.violate_key(
            path,
            problem,
            format!("write an origin such as {}", example(path)),
        );
    })
    .ok()
}

fn example(path: &str) -> &'static str {
    keys::find(path).map_or("", |key| key.example)
}

/// A live publishable key with a test secret key means two different instances.
fn judge_pair(reader: &mut Reader, key: &PublishableKey, secret: &str) {
    let agrees = match key.environment {
        Environment::Live => !secret.starts_with("sk_test_"),
        Environment::Test => !secret.starts_with("sk_live_"),
    };
    if !agrees {
        reader.violate(
            "Clerk's keys",
            "one is of a production instance, the other of a development instance",
            "copy both from the same instance in the Clerk dashboard",
        );
    }
}

fn secret_key(reader: &mut Reader) -> Option<SecretString> {
    let secret = secret(reader, SECRET_KEY)?;
    let text = secret.expose_secret();
    let key = text
        .strip_prefix("sk_live_")
        .or_else(|| text.strip_prefix("sk_test_"));
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_some_and(|key| !key.is_empty() && key.bytes().all(is_word)) {
        reader.violate_key(
            SECRET_KEY,
            "it is not a secret key: sk_live_ or sk_test_ and letters and digits",
            "copy the secret key from the Clerk dashboard, API keys",
        );
    }
    Some(secret)
}

fn webhook_secret(reader: &mut Reader) -> Option<SecretString> {
    let secret = secret(reader, WEBHOOK_SECRET)?;
    let key = secret.expose_secret().strip_prefix("whsec_");
    let is_key = |key: &str| STANDARD.decode(key).is_ok_and(|key| !key.is_empty());
    if !key.is_some_and(is_key) {
        reader.violate_key(
            WEBHOOK_SECRET,
            "it is not a signing secret: whsec_ and base64",
            "copy the signing secret from the Clerk dashboard, Webhooks",
        );
    }
    Some(secret)
}

/// A secret from Clerk's variable, or from the file a key names.
fn secret(reader: &mut Reader, path: &'static str) -> Option<SecretString> {
    match reader.secret(path) {
        Some(secret) => Some(secret.into()),
        None => secret_file::read(reader, path),
    }
}
