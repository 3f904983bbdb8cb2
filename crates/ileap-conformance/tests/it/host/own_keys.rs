//! A host that believes what a token says of its key.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde_json::Value;

use super::Host;

/// Whether the token is signed with the key that it tells of, in the way that this host believes.
pub(super) async fn is_fooled(host: &Host, token: &str) -> bool {
    let told = told(host, token).await;
    told.is_some_and(|key| is_signed_with(&key, token).is_some()) && host.fault != "fetches-jku"
}

async fn told(host: &Host, token: &str) -> Option<Vec<u8>> {
    let (header, _) = token.split_once('.')?;
    let header: Value = serde_json::from_slice(&BASE64URL.decode(header).ok()?).ok()?;
    match host.fault {
        "believes-jwk" => of_jwk(&header["jwk"]),
        "believes-jku" | "fetches-jku" => {
            let set = fetched(host, &header["jku"]).await?;
            let set: Value = serde_json::from_str(&set).ok()?;
            of_jwk(&set["keys"][0])
        }
        "believes-x5c" => of_certificate(header["x5c"][0].as_str()?),
        "believes-x5u" => {
            let pem = fetched(host, &header["x5u"]).await?;
            let lines = pem.lines().filter(|line| !line.starts_with('-'));
            of_certificate(&lines.collect::<String>())
        }
        _ => None,
    }
}

async fn fetched(host: &Host, url: &Value) -> Option<String> {
    let answer = host.http.get(url.as_str()?).send().await.ok()?;
    let mut answer = answer.error_for_status().ok()?;
    // It comes in one piece.
    String::from_utf8(answer.chunk().await.ok()??.to_vec()).ok()
}

fn of_jwk(jwk: &Value) -> Option<Vec<u8>> {
    let number = |name: &str| BASE64URL.decode(jwk[name].as_str()?).ok();
    Some([vec![4], number("x")?, number("y")?].concat())
}

/// The point behind the head of its bit string.
fn of_certificate(text: &str) -> Option<Vec<u8>> {
    let der = BASE64_STANDARD.decode(text).ok()?;
    let head = b"\x03\x42\x00\x04";
    let place = der.windows(head.len()).position(|bytes| bytes == head)?;
    der.get(place + 3..place + 3 + 65).map(<[u8]>::to_vec)
}

fn is_signed_with(key: &[u8], token: &str) -> Option<()> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = BASE64URL.decode(signature).ok()?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
    key.verify(signed.as_bytes(), &signature).ok()
}
