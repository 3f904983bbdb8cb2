//! What is refused, where the refusal points, and what it must not say.

use super::*;

#[test]
fn rules_between_keys_are_judged_whatever_else_is_wrong() {
    let file = "[listener]\nbind = \"0.0.0.0:8080\"\nadmin_bind = \"nowhere\"\n\
                [token]\nlifetime = \"25h\"\nalgorithm = \"HS256\"\n\
                [data]\nkind = \"upstream\"\ndefault_page = 2000\n\
                [store]\nurl = \"postgres://ileap:can/ary@db\"\n\
                [keys]\npublish_before = \"30d\"\nrotate_every = \"24h\"\n";
    let found = problems(file, &[]);
    for expected in [
        "`listener.admin_bind`",
        "public_base_url is not set",
        "plain HTTP",
        "`token.lifetime`",
        "`token.algorithm`",
        "above data.max_page",
        "not shorter than keys.rotate_every",
        "`data.upstream.url`: data.kind is \"upstream\", and nothing says where",
        "`store.url`: it names no database",
        "nothing says where Clerk is",
    ] {
        assert!(
            found.iter().any(|found| found.contains(expected)),
            "{expected}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 10, "{found:#?}");
    assert!(!format!("{found:?}").contains("ary@"), "{found:#?}");
}

#[test]
fn a_broken_value_is_one_violation_and_no_rule_is_applied_to_its_default() {
    let file = "[keys]\npublish_before = \"60d\"\nrotate_every = 30\n[data]\nmax_page = \"many\"\ndefault_page = 5000\n";
    assert_eq!(
        problems(file, &[CLERK]),
        [
            "`keys.rotate_every`: the value has the wrong type",
            "`data.max_page`: the value has the wrong type",
        ]
    );
}

#[test]
fn durations_have_bounds() {
    for (name, bad, good) in [
        ("ILEAP_TOKEN__LIFETIME", "59s", "1m"),
        ("ILEAP_TOKEN__LIFETIME", "25h", "24h"),
        ("ILEAP_VERIFIER__CLERK__TIMEOUT", "0", "100ms"),
        ("ILEAP_VERIFIER__CLERK__TIMEOUT", "11s", "10s"),
        ("ILEAP_VERIFIER__KNOWN_GOOD__FRESH_FOR", "61m", "0"),
        ("ILEAP_VERIFIER__KNOWN_GOOD__STALE_FOR", "25h", "0"),
        ("ILEAP_LISTENER__DRAIN_TIMEOUT", "11m", "0"),
        ("ILEAP_KEYS__ROTATE_EVERY", "213503982334d", "1825d"),
        ("ILEAP_KEYS__PUBLISH_BEFORE", "9s", "10s"),
    ] {
        let error = load("", &[CLERK, (name, bad)]).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(" to "), "{error}");
        assert!(load("", &[CLERK, (name, good)]).is_ok(), "{name}={good}");
    }
}

#[test]
fn whole_numbers_are_read_in_every_base_toml_has() {
    let config = load("[data]\nmax_page = 0x1f4\ndefault_page = 1_00\n", &[CLERK])
        .unwrap()
        .config;
    assert_eq!((config.data.max_page, config.data.default_page), (500, 100));
}

#[test]
fn empty_text_is_no_value() {
    for key in [
        "[token]\naudience",
        "[token]\ntyp",
        "[keys]\ndirectory",
        "[verifier.clerk]\norganization",
        "[verifier.clerk]\nsecret_key_file",
        "[log]\nlevel",
        "[store]\nurl",
    ] {
        let found = problems(&format!("{key} = \"\"\n"), &[CLERK]);
        assert_eq!(found.len(), 1, "{key}: {found:?}");
    }
}

#[test]
fn a_log_filter_that_cannot_be_read_is_refused() {
    for bad in ["loud", "ileap_server=loud", "a=b=c", "["] {
        assert!(
            load("", &[CLERK, ("ILEAP_LOG__LEVEL", bad)]).is_err(),
            "{bad}"
        );
    }
    for good in ["info", "ileap_server=debug,warn"] {
        assert!(
            load("", &[CLERK, ("ILEAP_LOG__LEVEL", good)]).is_ok(),
            "{good}"
        );
    }
}

#[test]
fn a_section_that_is_given_a_value_is_called_a_section() {
    for file in [
        "token = \"1h\"\n",
        "[[token]]\nlifetime = \"1h\"\n",
        "verifier.clerk = 1\n",
    ] {
        let found = problems(file, &[CLERK]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("a section"), "{found:?}");
    }
}

#[test]
fn a_quoted_path_is_not_a_path() {
    assert_eq!(
        problems("\"token.lifetime\" = \"2h\"\n", &[CLERK]),
        ["`\"token.lifetime\"`: there is no such key"]
    );
}

#[test]
fn a_key_file_of_the_listener_must_be_there_and_its_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| {
        let path = directory.path().join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path.display().to_string()
    });
    let tls = |cert: &str, key: &str| {
        load(
            "",
            &[
                CLERK,
                ("ILEAP_LISTENER__TLS_CERT_FILE", cert),
                ("ILEAP_LISTENER__TLS_KEY_FILE", key),
            ],
        )
    };
    let error = tls(&cert, &key).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(tls(&cert, &key).is_ok());
    let error = tls("/nowhere/cert.pem", "/nowhere/key.pem").unwrap_err();
    assert_eq!(error.violations.len(), 2, "{error}");
}

#[test]
fn a_key_signs_for_longer_than_its_tokens_live() {
    let load = |lifetime, rotate_every| {
        let environment = [
            CLERK,
            ("ILEAP_TOKEN__LIFETIME", lifetime),
            ("ILEAP_KEYS__ROTATE_EVERY", rotate_every),
            ("ILEAP_KEYS__PUBLISH_BEFORE", "1h"),
        ];
        problems("", &environment)
    };
    assert_eq!(
        load("2h", "2h"),
        ["environment variable ILEAP_KEYS__ROTATE_EVERY: it is not longer than token.lifetime"]
    );
    assert!(
        self::load(
            "",
            &[
                CLERK,
                ("ILEAP_KEYS__ROTATE_EVERY", "25h"),
                ("ILEAP_TOKEN__LIFETIME", "24h")
            ]
        )
        .is_ok()
    );
}

#[test]
fn keys_in_the_store_want_a_file_that_encrypts_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.secret");
    let name = path.display().to_string();
    let load = || {
        let file = ("ILEAP_KEYS__ENCRYPTION_KEY_FILE", name.as_str());
        load("", &[CLERK, ("ILEAP_KEYS__LOCATION", "store"), file])
    };
    assert!(load().unwrap_err().to_string().contains("keys.secret"));
    // Said of the key alone, keys would silently move out of the database.
    let file = ("ILEAP_KEYS__ENCRYPTION_KEY_FILE", name.as_str());
    let error = super::load("", &[CLERK, file]).unwrap_err().to_string();
    assert!(error.contains("`keys.location`: it is not said"), "{error}");
    for (text, mode, problem) in [
        ("too short\n", 0o600, Some("openssl rand -base64 32")),
        (
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n",
            0o640,
            Some("chmod 600"),
        ),
        (
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n",
            0o600,
            None,
        ),
    ] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        match (load(), problem) {
            (Ok(loaded), None) => assert!(loaded.config.keys.cipher.is_some()),
            (Err(error), Some(problem)) => {
                let error = error.to_string();
                assert!(
                    error.contains(problem) && !error.contains("too short"),
                    "{error}"
                );
            }
            (_, problem) => panic!("{problem:?}"),
        }
    }
}

#[test]
fn no_message_shows_a_secret_wherever_it_was_pasted() {
    let secrets = [
        "sk_live_canary",
        "whsec_canary",
        "https://me:canary@x.example",
        "postgres://me:canary@db/x",
    ];
    let files = keys::KEYS.iter().map(|key| key.path);
    for path in files.chain(["token.secret", "secret", "verifier.clerk.secret_key"]) {
        for secret in secrets {
            let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
            let header = if section.is_empty() {
                String::new()
            } else {
                format!("[{section}]\n")
            };
            let variable = format!("ILEAP_{}", path.to_ascii_uppercase().replace('.', "__"));
            for result in [
                load(&format!("{header}{name} = \"{secret}\"\n"), &[CLERK]),
                load(&format!("{header}{name} = [\"{secret}\"]\n"), &[CLERK]),
                load(&format!("{header}{name} = \"{secret}\n"), &[CLERK]),
                load(&format!("{header}{name} = {secret}\n"), &[CLERK]),
                load("", &[CLERK, (&variable, secret)]),
            ] {
                let said = match result {
                    Err(error) => format!("{error} {error:?}"),
                    Ok(loaded) => loaded.warnings.join(" "),
                };
                assert!(!said.contains("canary"), "{path}: {said}");
            }
        }
    }
}

#[test]
fn sources_do_not_print_the_environment() {
    let sources = Sources {
        file: None,
        environment: vec![("CLERK_SECRET_KEY".into(), "sk_live_canary".into())],
    };
    let printed = format!("{sources:?}");
    assert!(
        printed.contains("CLERK_SECRET_KEY") && !printed.contains("canary"),
        "{printed}"
    );
}

#[test]
fn what_is_odd_is_warned_about() {
    for (environment, expected) in [
        (
            vec![("ILEAP_LISTENER__ADMIN_BIND", "0.0.0.0:9464")],
            "listener.admin_bind",
        ),
        (
            vec![("ILEAP_LISTENER__TRUSTED_PROXIES", "0.0.0.0/0")],
            "listener.trusted_proxies",
        ),
        (
            vec![("ILEAP_LISTENER__BEHIND_PROXY", "true")],
            "listener.trusted_proxies",
        ),
        (
            vec![("ILEAP_KEYS__PUBLISH_BEFORE", "59m")],
            "keys.publish_before",
        ),
        (vec![("ILEAP_TOKEN__TYP", "")], "ILEAP_TOKEN__TYP"),
        (vec![("ILEAP_TOKEN__TYP", " ")], "ILEAP_TOKEN__TYP"),
    ] {
        let environment: Vec<_> = environment.into_iter().chain([CLERK]).collect();
        let warnings = load("", &environment).unwrap().warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(expected), "{warnings:?}");
    }
}

#[test]
fn a_failure_also_names_the_variables_that_were_passed_over() {
    let error = load("", &[("CLERK_PUBLISHABLE_KEY", "")]).unwrap_err();
    assert_eq!(error.violations.len(), 1);
    assert!(
        error
            .to_string()
            .contains("warning: environment variable CLERK_PUBLISHABLE_KEY is empty"),
        "{error}"
    );
}

#[test]
fn the_documents_name_the_words_and_bounds_a_key_takes() {
    for text in [default_file(), reference_markdown()] {
        for expected in [
            "clerk_backend, clerk_frontend, static_users",
            "RS256, ES256, EdDSA",
            "1m to 24h",
            "1 to 10000",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
    }
}

#[test]
fn a_command_on_the_store_needs_no_verifier_and_nothing_wrong() {
    const STORE: &str = "[store]\nurl = \"sqlite:/tmp/x.db\"\n";
    let for_store = |file: &str| load_by(Config::load_for_store, file, &[]);
    for verifier in ["", "[verifier]\nkind = \"clerk_backend\"\n"] {
        let file = format!("{STORE}{verifier}");
        assert!(load(&file, &[]).is_err(), "{verifier}");
        let loaded = for_store(&file).unwrap();
        assert_eq!(loaded.config.store.url.expose(), "sqlite:/tmp/x.db");
    }
    for wrong in [
        "[stor]\nurl = \"sqlite:/tmp/y.db\"\n",
        "[token]\nlifetime = \"soon\"\n",
    ] {
        let error = for_store(&format!("{STORE}{wrong}")).unwrap_err();
        assert_eq!(error.violations.len(), 1, "{error}");
    }
}

#[test]
fn an_address_with_the_length_of_its_network_is_asked_which_of_both_it_means() {
    let error = load(
        "",
        &[
            CLERK,
            ("ILEAP_LISTENER__TRUSTED_PROXIES", "10.0.0.10/8,10.1.0.0/16"),
        ],
    );
    let error = error.unwrap_err();
    assert_eq!(error.violations.len(), 1, "{error}");
    let error = error.to_string();
    for expected in ["10.0.0.10/8", "\"10.0.0.0/8\"", "\"10.0.0.10\""] {
        assert!(error.contains(expected), "{expected} in {error}");
    }
    let good = load(
        "",
        &[
            CLERK,
            ("ILEAP_LISTENER__TRUSTED_PROXIES", "10.0.0.10,fd00::/8"),
        ],
    );
    assert!(good.is_ok());
}

#[test]
fn without_a_file_it_is_said_how_to_name_and_how_to_write_one() {
    let nothing = Sources {
        file: None,
        environment: Vec::new(),
    };
    let error = Config::load(nothing).unwrap_err().to_string();
    for expected in [
        "--config FILE",
        "ILEAP_CONFIG",
        "`ileap config print`",
        "CLERK_SECRET_KEY",
    ] {
        assert!(error.contains(expected), "{expected} in {error}");
    }
    let with_a_file = load("", &[]).unwrap_err().to_string();
    assert!(!with_a_file.contains("--config"), "{with_a_file}");
}

#[test]
fn a_file_with_the_databases_password_is_for_nobody_elses_eyes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ileap.toml");
    let warnings = |url: &str, mode: u32| {
        fs::write(&path, format!("[store]\nurl = \"{url}\"\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let sources = Sources {
            file: Some(path.clone()),
            environment: vec![(CLERK.0.into(), CLERK.1.into())],
        };
        Config::load(sources).unwrap().warnings
    };
    for url in [
        "postgres://ileap:canary@db/ileap",
        "postgres://ileap@db/ileap?password=canary",
    ] {
        let found = warnings(url, 0o644).join("\n");
        assert!(
            found.contains("chmod 600") && found.contains("ILEAP_STORE__URL"),
            "{found}"
        );
        assert!(!found.contains("canary"), "{found}");
        assert!(warnings(url, 0o600).is_empty());
    }
    assert!(warnings("postgres://ileap@db/ileap", 0o644).is_empty());
}
