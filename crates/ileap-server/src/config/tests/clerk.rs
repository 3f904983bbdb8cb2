//! `[verifier.clerk]`: keys, secrets and where they come from.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::*;

const SECRET_VARIABLE: &str = "CLERK_SECRET_KEY";
const SECRET_FILE_VARIABLE: &str = "ILEAP_VERIFIER__CLERK__SECRET_KEY_FILE";

/// A secret file as it should be, in a directory that lives as long as it.
fn secret_file(content: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let path = path.display().to_string();
    (directory, path)
}

fn secret_key(file: &str, environment: &[(&str, &str)]) -> String {
    let config = load(file, environment).unwrap().config;
    config
        .verifier
        .clerk
        .secret_key
        .unwrap()
        .expose()
        .to_owned()
}

#[test]
fn a_secret_comes_from_our_variable_before_clerks_and_from_clerks_before_the_file() {
    let (_ours, ours) = secret_file("sk_test_ours\n");
    let (_files, files) = secret_file("sk_test_files\n");
    let file = format!("[verifier.clerk]\nsecret_key_file = \"{files}\"\n");
    let clerks = (SECRET_VARIABLE, "sk_test_clerks");
    assert_eq!(secret_key(&file, &[CLERK]), "sk_test_files");
    assert_eq!(secret_key(&file, &[CLERK, clerks]), "sk_test_clerks");
    assert_eq!(
        secret_key(&file, &[CLERK, clerks, (SECRET_FILE_VARIABLE, &ours)]),
        "sk_test_ours"
    );
}

#[test]
fn a_secret_loses_the_line_end_after_it_whatever_wrote_it() {
    for content in ["sk_test_x", "sk_test_x\n", "sk_test_x\r\n"] {
        let (_directory, path) = secret_file(content);
        assert_eq!(
            secret_key("", &[CLERK, (SECRET_FILE_VARIABLE, &path)]),
            "sk_test_x"
        );
    }
    assert_eq!(
        secret_key("", &[CLERK, (SECRET_VARIABLE, " sk_test_x\n")]),
        "sk_test_x"
    );
}

#[test]
fn what_is_no_secret_key_is_refused_and_not_shown() {
    for text in [
        "canary",
        "pk_test_canary",
        "sk_live_",
        "sk_test_can ary",
        "sk_test_canäry",
    ] {
        let error = load("", &[CLERK, (SECRET_VARIABLE, text)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("environment variable CLERK_SECRET_KEY: ")
                && error.contains("sk_live_ or sk_test_"),
            "{text}: {error}"
        );
        assert!(!error.contains("can"), "{text}: {error}");
    }
    let (_directory, path) = secret_file("\n");
    let error = load("", &[CLERK, (SECRET_FILE_VARIABLE, &path)])
        .unwrap_err()
        .to_string();
    assert!(error.contains(SECRET_FILE_VARIABLE), "{error}");
}

#[test]
fn what_is_no_webhook_secret_is_refused_and_not_shown() {
    for text in ["canary", "whsec_", "whsec_canary!", "sk_test_canary"] {
        let error = load("", &[CLERK, ("CLERK_WEBHOOK_SIGNING_SECRET", text)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("CLERK_WEBHOOK_SIGNING_SECRET: ") && error.contains("whsec_"),
            "{text}: {error}"
        );
        assert!(!error.contains("canary"), "{text}: {error}");
    }
    let good = (
        "CLERK_WEBHOOK_SIGNING_SECRET",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    );
    assert!(load("", &[CLERK, good]).is_ok());
}

#[test]
fn a_secret_file_that_is_no_file_is_refused_without_waiting_for_it() {
    let directory = tempfile::tempdir().unwrap();
    for path in [
        directory.path().to_str().unwrap(),
        "/dev/null",
        "/nowhere/secret",
    ] {
        let found = problems("", &[CLERK, (SECRET_FILE_VARIABLE, path)]);
        assert_eq!(found.len(), 1, "{path}: {found:?}");
        assert!(found[0].contains(path), "{found:?}");
    }
}

#[test]
fn a_publishable_key_is_refused_where_it_stands_and_a_secret_key_in_its_place_is_not_shown() {
    let file = "[verifier.clerk]\npublishable_key = \"sk_live_canary\"\n";
    let error = load(file, &[]).unwrap_err().to_string();
    assert!(
        error.contains(".toml:2)") && error.contains("secret key") && !error.contains("canary"),
        "{error}"
    );
    let error = load("", &[("CLERK_PUBLISHABLE_KEY", "nonsense")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("environment variable CLERK_PUBLISHABLE_KEY: "),
        "{error}"
    );
}

#[test]
fn a_publishable_key_with_an_impossible_host_is_a_violation() {
    for host in [
        "a.b:port",
        "a.b:99999",
        ".",
        "a..b",
        "a.b:",
        "-.a b",
        ":1.",
        "1.2.3.999",
    ] {
        let key = format!("pk_test_{}", STANDARD_NO_PAD.encode(format!("{host}$")));
        let error = load("", &[("CLERK_PUBLISHABLE_KEY", &key)]).unwrap_err();
        assert!(!error.violations.is_empty(), "{host}");
    }
}

#[test]
fn loopback_is_an_address_or_localhost_itself() {
    let url = "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL";
    for good in [
        "http://127.0.0.1:7000",
        "http://[::1]:7000",
        "http://localhost:7000/x",
    ] {
        assert!(load("", &[(url, good)]).is_ok(), "{good}");
    }
    // Passwords go there: a resolver may know nothing of RFC 6761 and ask the network.
    for bad in [
        "http://clerk.localhost",
        "http://localhost.example",
        "http://10.0.0.1",
    ] {
        assert!(load("", &[(url, bad)]).is_err(), "{bad}");
    }
}

fn kind(environment: &[(&str, &str)]) -> VerifierKind {
    load("", environment).unwrap().config.verifier.kind
}

#[test]
fn a_secret_key_means_the_backend_api_and_anything_less_the_frontend_api() {
    let secret = (SECRET_VARIABLE, "sk_test_x");
    let url = (
        "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
        "https://clerk.example.com",
    );
    assert_eq!(kind(&[secret]), VerifierKind::ClerkBackend);
    assert_eq!(kind(&[secret, CLERK, url]), VerifierKind::ClerkBackend);
    assert_eq!(kind(&[CLERK]), VerifierKind::ClerkFrontend);
    assert_eq!(kind(&[url]), VerifierKind::ClerkFrontend);
    let said = ("ILEAP_VERIFIER__KIND", "clerk_frontend");
    assert_eq!(kind(&[secret, CLERK, said]), VerifierKind::ClerkFrontend);
    let (_directory, path) = secret_file("sk_test_x\n");
    let file = (SECRET_FILE_VARIABLE, path.as_str());
    assert_eq!(kind(&[file]), VerifierKind::ClerkBackend);
}

#[test]
fn a_secret_key_is_configuration_enough() {
    let clerk = load("", &[(SECRET_VARIABLE, "sk_live_x")])
        .unwrap()
        .config
        .verifier
        .clerk;
    assert_eq!(clerk.frontend_api_url, None);
    assert_eq!(clerk.backend_api_url.as_str(), "https://api.clerk.com/");
    assert!(!clerk.allow_mfa_users);
}

#[test]
fn each_api_needs_what_leads_to_it() {
    let backend = ("ILEAP_VERIFIER__KIND", "clerk_backend");
    let frontend = ("ILEAP_VERIFIER__KIND", "clerk_frontend");
    assert_eq!(
        problems("", &[backend, CLERK]),
        [
            "environment variable ILEAP_VERIFIER__KIND: it is \"clerk_backend\", and there is no secret key"
        ]
    );
    for environment in [&[][..], &[frontend, (SECRET_VARIABLE, "sk_test_x")]] {
        assert_eq!(
            problems("", environment),
            ["`verifier.clerk`: nothing says where Clerk is"]
        );
    }
}

#[test]
fn a_secret_key_goes_to_https_or_loopback_only() {
    let load = |url| {
        let url = ("ILEAP_VERIFIER__CLERK__BACKEND_API_URL", url);
        load("", &[(SECRET_VARIABLE, "sk_test_x"), url])
    };
    for good in ["https://proxy.example/clerk", "http://127.0.0.1:7000/"] {
        assert!(load(good).is_ok(), "{good}");
    }
    for bad in [
        "http://api.clerk.com",
        "https://api.clerk.com/v1",
        "api.clerk.com",
    ] {
        let error = load(bad).unwrap_err().to_string();
        assert!(error.contains("BACKEND_API_URL"), "{bad}: {error}");
    }
}
