//! `[data]`: the operator's own service.

use std::time::Duration;

use super::*;

const KIND: (&str, &str) = ("ILEAP_DATA__KIND", "upstream");
const URL: &str = "ILEAP_DATA__UPSTREAM__URL";
const TOKEN: &str = "ILEAP_DATA__UPSTREAM__TOKEN_FILE";

#[test]
fn a_service_is_named_with_its_token() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "service-token\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let token = (TOKEN, path.to_str().unwrap());
    let url = (URL, "https://emissions.example.com/api/");
    let loaded = load("", &[CLERK, KIND, url, token]).unwrap();
    assert!(!format!("{:?}", loaded.config).contains("service-token"));
    let upstream = loaded.config.data.upstream.unwrap();
    assert_eq!(upstream.url.as_str(), "https://emissions.example.com/api");
    assert_eq!(upstream.token.unwrap().expose(), "service-token");
    assert_eq!(upstream.timeout, Duration::from_secs(5));
    assert_eq!(loaded.warnings, Vec::<String>::new());

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let found = problems("", &[CLERK, KIND, url, token]);
    assert!(
        found[0].contains("others than its owner may use"),
        "{found:?}"
    );
}

#[test]
fn plain_http_is_for_a_service_on_this_machine() {
    for (url, is_good) in [
        ("http://127.0.0.1:9000", true),
        ("http://[::1]:9000/base", true),
        ("http://emissions.internal", false),
        ("https://user:secret@emissions.example.com", false),
        ("https://emissions.example.com?x=1", false),
        ("emissions.example.com", false),
    ] {
        let loaded = load("", &[CLERK, KIND, (URL, url)]);
        assert_eq!(loaded.is_ok(), is_good, "{url}: {loaded:?}");
    }
}

#[test]
fn a_url_that_leaves_its_scheme_open_is_refused() {
    // An event's source may; there it is HTTPS.
    for url in ["//emissions.example.com/path", "//127.0.0.1:9000/path"] {
        let found = problems("", &[CLERK, KIND, (URL, url)]);
        assert!(
            found[0].contains("it is not an absolute URL"),
            "{url}: {found:?}"
        );
    }
}

#[test]
fn a_service_that_nobody_asks_is_warned_about() {
    let loaded = load("", &[CLERK, (URL, "https://emissions.example.com")]).unwrap();
    assert!(loaded.config.data.upstream.is_none());
    assert!(
        loaded.warnings[0].contains("data.upstream.url has no effect"),
        "{:?}",
        loaded.warnings
    );
}
