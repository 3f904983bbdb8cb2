use url::Url;

/// The URL partners type: origin and path, without trailing slash, query or fragment (RFC 8414 §2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicBaseUrl {
    text: String,
    prefix_at: usize,
}

impl PublicBaseUrl {
    /// Takes `https` URLs, and `http` ones on loopback; says what is wrong with others.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = plain(text)?;
        let path = url.path().trim_end_matches('/').to_owned();
        if path.split('/').any(|segment| segment == ".well-known") {
            return Err("it is a metadata document's: leave out the path from /.well-known on");
        }
        if path
            .split('/')
            .skip(1)
            .any(|segment| !is_plain_segment(segment))
        {
            return Err("its path may have letters, digits, '.', '_', '~' and '-' only");
        }
        let origin = url.origin().ascii_serialization();
        Ok(Self {
            prefix_at: origin.len(),
            text: origin + &path,
        })
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names this machine only.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.text).is_ok_and(|url| is_loopback(&url))
    }

    /// The path in it: empty, or beginning with a slash.
    pub fn path_prefix(&self) -> &str {
        self.text.get(self.prefix_at..).unwrap_or_default()
    }
}

/// A URL without user information, query and fragment; plain http on loopback only.
pub(super) fn plain(text: &str) -> Result<Url, &'static str> {
    // A URL parser mends white space, backslashes and missing slashes; an issuer is compared as text.
    let is_plain = text.contains("://")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let url = Url::parse(text).ok().filter(|_| is_plain);
    let url = url.ok_or("it is not an absolute URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its scheme must be https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not carry user information");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must not have a query or a fragment");
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("plain http is for loopback only: write https");
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        // Not the names below it: a resolver that does not know RFC 6761 §6.3 asks the network for those.
        Some(url::Host::Domain(domain)) => domain == "localhost",
        None => false,
    }
}

/// Segments that routes, links and proxies all read alike.
fn is_plain_segment(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_goes_and_the_path_stays() {
        for (text, whole, prefix) in [
            ("https://ileap.example.com", "https://ileap.example.com", ""),
            (
                "https://ileap.example.com/",
                "https://ileap.example.com",
                "",
            ),
            (
                "https://Example.com:443/api/ileap/",
                "https://example.com/api/ileap",
                "/api/ileap",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", ""),
            ("http://[::1]:8080/x", "http://[::1]:8080/x", "/x"),
        ] {
            let url = PublicBaseUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.path_prefix()), (whole, prefix), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_an_issuer_is_refused() {
        for text in [
            "ileap.example.com",
            "https:ileap.example.com",
            "https:\\\\ileap.example.com",
            "https://ileap.example.com\n",
            "https://iléap.example.com",
            "ftp://x",
            "http://ileap.example.com",
            "https://a:b@x",
            "https://x?y",
            "https://x#y",
            "https://x/a b",
            "https://x/{id}",
            "https://x/a//b",
            "https://x/.well-known/openid-configuration",
            "https://x/api/.well-known",
        ] {
            assert!(PublicBaseUrl::parse(text).is_err(), "{text}");
        }
    }
}
