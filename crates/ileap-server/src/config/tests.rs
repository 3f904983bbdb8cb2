use std::{fs, os::unix::fs::PermissionsExt as _};

use proptest::prelude::*;

use super::*;
use crate::identity::Role;

mod clerk;
mod data;
mod static_users;
mod violations;

const CLERK: (&str, &str) = (
    "CLERK_PUBLISHABLE_KEY",
    "pk_test_aGFwcHktZm94LTEyLmNsZXJrLmFjY291bnRzLmRldiQ",
);

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    load_by(Config::load, file, environment)
}

fn load_by(
    load: fn(Sources) -> Result<Loaded, ConfigError>,
    file: &str,
    environment: &[(&str, &str)],
) -> Result<Loaded, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ileap.toml");
    fs::write(&path, file).unwrap();
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect();
    load(Sources {
        file: Some(path),
        environment,
    })
}

/// The problems, without the file's changing path.
fn problems(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let error = load(file, environment).expect_err("violations");
    error
        .violations
        .into_iter()
        .map(|violation| {
            format!(
                "{}: {}",
                violation.place.split(" (").next().unwrap(),
                violation.problem
            )
        })
        .collect()
}

#[test]
fn a_publishable_key_is_configuration_enough_on_loopback() {
    let config = load("", &[CLERK]).unwrap().config;
    assert_eq!(
        config.verifier.clerk.frontend_api_url.unwrap().as_str(),
        "https://happy-fox-12.clerk.accounts.dev/"
    );
    assert_eq!(config.listener.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.token.lifetime.as_secs(), 3600);
    assert_eq!(
        config.access.role_keys.get("org:ileap_organizer"),
        Some(&Role::Organizer)
    );
    assert!(config.public_base_url.is_none());
}

#[test]
fn variables_go_before_clerks_own_and_those_before_the_file() {
    let file = "[verifier.clerk]\npublishable_key = \"pk_live_Y2xlcmsuZXhhbXBsZS5jb20k\"\n[data]\nmax_page = 500\n";
    let host = |environment: &[(&str, &str)]| {
        load(file, environment)
            .unwrap()
            .config
            .verifier
            .clerk
            .frontend_api_url
            .unwrap()
            .host_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(host(&[]), "clerk.example.com");
    assert_eq!(host(&[CLERK]), "happy-fox-12.clerk.accounts.dev");
    let own = (
        "ILEAP_VERIFIER__CLERK__PUBLISHABLE_KEY",
        "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
    );
    assert_eq!(host(&[CLERK, own]), "clerk.example.com");
    let config = load(file, &[("ILEAP_DATA__MAX_PAGE", "700")])
        .unwrap()
        .config;
    assert_eq!(config.data.max_page, 700);
}

#[test]
fn every_violation_is_reported_at_once_with_its_place() {
    let file = "public_base_ulr = \"x\"\n[listener]\nbind = \"0.0.0.0:8080\"\n[token]\nlifetime = \"1w\"\nreuse = \"yes\"\n\
                [verifier]\nkind = \"clerk_backend\"\n[data]\ndefault_page = 0\n";
    let environment = [
        ("ILEAP_TOKEN__ALGORITM", "ES256"),
        ("ILEAP_LOG__FORMAT", "xml"),
    ];
    let error = load(file, &environment).unwrap_err();
    let text = error.to_string();
    for expected in [
        "`public_base_ulr` (",
        "did you mean `public_base_url`?",
        ".toml:5): `1w` is not valid; write a number with a unit",
        "`token.reuse`",
        "environment variable ILEAP_TOKEN__ALGORITM: there is no such key; did you mean ILEAP_TOKEN__ALGORITHM?",
        "environment variable ILEAP_LOG__FORMAT: `xml` is not valid; write one of: text, json",
        "`data.default_page`",
        "it is \"clerk_backend\", and there is no secret key; set CLERK_SECRET_KEY",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    assert_eq!(error.violations.len(), 9, "{text}");
}

#[test]
fn rules_between_keys_are_judged_together() {
    let file = "[listener]\nbind = \"0.0.0.0:8080\"\n[token]\nlifetime = \"25h\"\n[data]\ndefault_page = 2000\n\
                [keys]\nlocation = \"store\"\npublish_before = \"91d\"\n\
                [access]\nallowed_clients = [\"a\"]\n";
    assert_eq!(
        problems(file, &[CLERK]),
        [
            "`token.lifetime`: `25h` is not valid",
            "`keys.encryption_key_file`: keys.location is \"store\", and no file with the key that encrypts them is named",
            "`listener.bind`: it is not on loopback, and public_base_url is not set",
            "`listener.bind`: it would serve secrets over plain HTTP",
            "`data.default_page`: it is above data.max_page",
            "`keys.publish_before`: it is not shorter than keys.rotate_every",
            "`access.allowed_clients`: it narrows access.default_role, which is not set",
        ]
    );
}

#[test]
fn clerk_addresses_and_keys_are_checked() {
    for (name, value, problem) in [
        (
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            "https://clerk.example.com/v1",
            "it ends in /v1",
        ),
        (
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            "http://clerk.example.com",
            "plain http is for loopback only: write https",
        ),
        (
            "ILEAP_VERIFIER__CLERK__BACKEND_API_URL",
            "https://a:b@api.clerk.com",
            "it must not carry user information",
        ),
        (
            "ILEAP_VERIFIER__CLERK__PUBLISHABLE_KEY",
            "pk_prod_x",
            "it is not a publishable key: pk_live_ or pk_test_ and base64 of the host",
        ),
        (
            "CLERK_SECRET_KEY",
            "sk_live_x",
            "one is of a production instance, the other of a development instance",
        ),
        (
            "ILEAP_LISTENER__TRUSTED_PROXIES",
            "10.0.0.0/8,nonsense",
            "an entry is no network",
        ),
        (
            "ILEAP_LISTENER__TLS_CERT_FILE",
            "cert.pem",
            "only one of certificate and key is named",
        ),
        (
            "ILEAP_PUBLIC_BASE_URL",
            "http://ileap.example.com",
            "plain http is for loopback only: write https",
        ),
    ] {
        let found = problems("", &[CLERK, (name, value)]);
        assert!(
            found.iter().any(|found| found.ends_with(problem)),
            "{name}={value}: {found:?}"
        );
    }
}

#[test]
fn a_secret_file_that_others_may_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    fs::write(&path, "sk_test_canary\n").unwrap();
    let file = format!(
        "[verifier.clerk]\nsecret_key_file = \"{}\"\n",
        path.display()
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = load(&file, &[CLERK]).unwrap_err().to_string();
    assert!(
        error.contains("chmod 600") && !error.contains("canary"),
        "{error}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let config = load(&file, &[CLERK]).unwrap().config;
    assert_eq!(
        config.verifier.clerk.secret_key.as_ref().unwrap().expose(),
        "sk_test_canary"
    );
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn strange_variables_are_named_and_ignored_and_empty_ones_are_unset() {
    let environment = [
        CLERK,
        ("ILEAP_SERVICE_HOST", "10.0.0.1"),
        ("ILEAP_PORT_8080_TCP", "x"),
        ("ILEAP_TOKEN__TYP", ""),
    ];
    let loaded = load("", &environment).unwrap();
    assert_eq!(loaded.warnings.len(), 3, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("ILEAP_SERVICE_HOST"));
    assert_eq!(loaded.config.token.typ, "at+jwt");
}

#[test]
fn broken_toml_is_named_with_its_line() {
    let error = load("[token]\nlifetime = \n", &[CLERK]).unwrap_err();
    assert_eq!(error.violations.len(), 1);
    assert!(
        error.violations[0].place.ends_with("ileap.toml:2"),
        "{error}"
    );
}

#[test]
fn the_default_file_is_the_defaults_and_fits_the_schema() {
    let file = default_file();
    let from_file = load(&file, &[CLERK]).unwrap().config;
    let from_nothing = load("", &[CLERK]).unwrap().config;
    assert_eq!(format!("{from_file:?}"), format!("{from_nothing:?}"));
    let schema = jsonschema::validator_for(&json_schema()).unwrap();
    let parsed: serde_json::Value =
        serde_json::to_value(file.parse::<toml::Table>().unwrap()).unwrap();
    assert!(schema.is_valid(&parsed));
    assert!(!schema.is_valid(&serde_json::json!({"token": {"lifetme": "1h"}})));
    for key in &keys::KEYS {
        assert!(
            file.contains(&key.variable()) && reference_markdown().contains(key.path),
            "{}",
            key.path
        );
    }
}

#[test]
fn every_example_is_toml_that_fits_the_schema() {
    let file: String = default_file()
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| rest.contains(" = ") && rest.contains("ILEAP_"))
                .unwrap_or(line)
                .to_owned()
                + "\n"
        })
        .collect();
    let parsed: serde_json::Value =
        serde_json::to_value(file.parse::<toml::Table>().unwrap()).unwrap();
    let schema = jsonschema::validator_for(&json_schema()).unwrap();
    let errors: Vec<_> = schema
        .iter_errors(&parsed)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

proptest! {
    #[test]
    fn no_file_and_no_variable_makes_it_panic_or_fail_without_saying_why(
        file in ".{0,200}",
        name in "ILEAP_[A-Z_]{0,30}",
        value in ".{0,40}",
    ) {
        let result = load(&file, &[(&name, &value)]);
        prop_assert!(result.err().is_none_or(|error| !error.violations.is_empty()));
    }

    #[test]
    fn no_value_of_a_key_makes_it_panic_or_fail_without_saying_why(
        key in proptest::sample::select(&keys::KEYS[..]),
        value in prop_oneof![".{0,40}", "[a-z0-9:/.@_-]{0,40}", "[0-9]{0,25}[a-z]{0,2}"],
        literal in prop_oneof!["-?[0-9_]{1,25}", "0x[0-9a-f]{1,20}", "\\[(\"a\",){0,3}\\]", "true", "1979-05-27", "nan"],
    ) {
        let (section, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let quoted = toml::Value::from(value.as_str());
        for result in [
            load("", &[CLERK, (&key.variable(), &value)]),
            load(&format!("{header}{name} = {quoted}\n"), &[CLERK]),
            load(&format!("{header}{name} = {literal}\n"), &[CLERK]),
        ] {
            prop_assert!(result.err().is_none_or(|error| !error.violations.is_empty()));
        }
    }
}

#[test]
fn the_reference_in_the_operations_manual_is_the_registry() {
    crate::manual::hold("configuration reference", &reference_markdown());
}
