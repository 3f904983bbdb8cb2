//! What stands in the file of a key, and in that of a revocation.
//!
//! What is recorded of a key stands above the PEM, where RFC 7468 §2 lets explanatory text be: a key and its record
//! come and go together, by one rename.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use zeroize::{Zeroize, Zeroizing};

use super::{KeyRecord, RevokedKey};

const PUBLISHED: &str = "Published: ";
const SIGNS_FROM: &str = "Signs-From: ";
const REVOKED: &str = "Revoked: ";

/// A key with what is recorded of it.
pub(super) fn of_key(record: &KeyRecord, pkcs8: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(format!(
        "{PUBLISHED}{}\n{SIGNS_FROM}{}\n",
        record.published_at, record.signs_from
    ));
    text.push_str(&to_pem(pkcs8));
    text
}

/// A revocation.
pub(super) fn of_revocation(revoked: &RevokedKey) -> String {
    format!("{REVOKED}{}\n", revoked.at)
}

/// Since when a key is revoked, where it says so.
pub(super) fn revoked_at(text: &str) -> Option<Timestamp> {
    labelled(text, REVOKED)?.parse().ok()
}

/// The times that stand above a key: both or none.
pub(super) fn times(text: &str) -> Result<Option<(Timestamp, Timestamp)>, &'static str> {
    let parsed = |label| labelled(text, label).map(str::parse::<Timestamp>);
    match (parsed(PUBLISHED), parsed(SIGNS_FROM)) {
        (None, None) => Ok(None),
        (Some(Ok(published_at)), Some(Ok(signs_from))) => Ok(Some((published_at, signs_from))),
        _ => {
            Err("its lines `Published` and `Signs-From` are not both there with a time of RFC 3339")
        }
    }
}

fn labelled<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let above = text.split("-----BEGIN").next().unwrap_or_default();
    let mut lines = above.lines();
    lines
        .find_map(|line| line.strip_prefix(label))
        .map(str::trim)
}

/// The private key, or why there is none.
pub(super) fn pkcs8(text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| "it is not a whole PKCS#8 key in PEM (`BEGIN PRIVATE KEY`)".to_owned())?;
    let bytes = Zeroizing::new(der.secret_pkcs8_der().to_vec());
    der.zeroize();
    Ok(bytes)
}

fn to_pem(pkcs8: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    let mut pem = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}
