//! The base URLs of partners' hosts.

use url::{Host, Url};

use super::Reach;

/// The host behind an event's `source`, as a base URL without a slash at the end: `//host/path` is HTTPS, and
/// the path of the event endpoint itself is left off (PACT v2.3 "Action Events"). `None` where that is no URL
/// which can be called back.
pub fn callback_base(source: &str) -> Option<String> {
    let url = match source.strip_prefix("//") {
        Some(rest) => Url::parse(&format!("https://{rest}")),
        None => Url::parse(source),
    };
    let url = url.ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_plain {
        return None;
    }
    let mut base = url.as_str().trim_end_matches('/');
    // Until there is none: what is a base once is its own base.
    while let Some(rest) = without_event_endpoint(base) {
        base = rest.trim_end_matches('/');
    }
    Some(base.to_owned())
}

fn without_event_endpoint(url: &str) -> Option<&str> {
    let mut paths = ["/2/events", "/3/events"].iter();
    paths.find_map(|path| url.strip_suffix(path))
}

/// A base URL as it is kept, if hosts there may be called; otherwise what to change.
pub fn registered_base(text: &str, reach: Reach) -> Result<String, &'static str> {
    let base = callback_base(text)
        .ok_or("write a URL such as https://partner.example, without query and user")?;
    let is_allowed = Url::parse(&base).is_ok_and(|url| reach.allows_url(&url));
    if !is_allowed {
        return Err(
            "only HTTPS and public addresses are called; events.private_networks = true allows private networks, and \
             plain HTTP on this machine",
        );
    }
    Ok(base)
}

/// Whether one base URL is another or lies below it, path segment by path segment.
pub fn is_within(url: &str, base: &str) -> bool {
    url.strip_prefix(base)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The base behind an event's `source` on this machine, where nobody needs a certificate: without a scheme it is
/// plain HTTP.
pub(crate) fn loopback_base(source: &str) -> Option<String> {
    let base = match source.strip_prefix("//") {
        Some(rest) => callback_base(&format!("http://{rest}")),
        None => callback_base(source),
    }?;
    let url = Url::parse(&base).ok()?;
    let is_here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    is_here.then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_leads_to_the_base_of_its_host() {
        for (source, base) in [
            ("//partner.example/", Some("https://partner.example")),
            (
                "//partner.example/ileap",
                Some("https://partner.example/ileap"),
            ),
            (
                "https://Partner.example:443",
                Some("https://partner.example"),
            ),
            (
                "https://partner.example/2/events",
                Some("https://partner.example"),
            ),
            (
                "https://partner.example/ileap/2/events/",
                Some("https://partner.example/ileap"),
            ),
            (
                "https://partner.example/ileap/3/events//2/events",
                Some("https://partner.example/ileap"),
            ),
            (
                "https://partner.example/a/../b",
                Some("https://partner.example/b"),
            ),
            ("http://127.0.0.1:9000/", Some("http://127.0.0.1:9000")),
            ("https://user@partner.example", None),
            ("https://partner.example/?x", None),
            ("https://partner.example/#x", None),
            ("urn:partner", None),
            ("file:///etc/passwd", None),
            ("partner.example", None),
        ] {
            assert_eq!(callback_base(source).as_deref(), base, "{source}");
        }
    }

    #[test]
    fn a_base_holds_what_lies_below_it_and_no_other_host() {
        let base = "https://partner.example/ileap";
        for (url, is_in) in [
            ("https://partner.example/ileap", true),
            ("https://partner.example/ileap/eu", true),
            ("https://partner.example/ileapx", false),
            ("https://partner.example", false),
            ("https://partner.example.evil.example/ileap", false),
            ("http://partner.example/ileap", false),
            ("https://partner.example:8443/ileap", false),
        ] {
            assert_eq!(is_within(url, base), is_in, "{url}");
        }
        assert!(!is_within(
            "https://partner.example.evil.example",
            "https://partner.example"
        ));
        assert!(!is_within(
            "https://partner.example@evil.example",
            "https://partner.example"
        ));
    }

    #[test]
    fn only_this_machine_has_a_loopback_base() {
        for (source, base) in [
            ("http://127.0.0.1:9/x", Some("http://127.0.0.1:9/x")),
            (
                "http://127.0.0.1:9/x/2/events",
                Some("http://127.0.0.1:9/x"),
            ),
            ("//127.0.0.1:9/x/", Some("http://127.0.0.1:9/x")),
            ("//[::1]:9", Some("http://[::1]:9")),
            ("http://localhost:9", Some("http://localhost:9")),
            ("https://localhost:9", Some("https://localhost:9")),
            ("http://localhost.evil.example:9", None),
            ("//127.0.0.1@evil.example", None),
            ("https://10.0.0.1", None),
        ] {
            assert_eq!(loopback_base(source).as_deref(), base, "{source}");
        }
    }
}
