//! `[verifier.static_users]`: the file of users, judged with everything else.

use super::*;

const KIND: (&str, &str) = ("ILEAP_VERIFIER__KIND", "static_users");
const FILE: &str = "ILEAP_VERIFIER__STATIC_USERS__FILE";
const GOOD: &str = "[[user]]\nclient_id = \"acme\"\nrole = \"user\"\nsecret_hash = \"$argon2id$v=19$m=19456,t=2,p=1\
                    $AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";

fn users(content: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.toml");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let path = path.display().to_string();
    (directory, path)
}

#[test]
fn with_a_file_of_users_no_clerk_key_is_needed() {
    let (_directory, path) = users(GOOD);
    let loaded = load("", &[KIND, (FILE, &path)]).unwrap();
    let verifier = loaded.config.verifier;
    assert_eq!(verifier.kind, VerifierKind::StaticUsers);
    assert_eq!(verifier.static_users_file, Some(path.into()));
    assert_eq!(verifier.clerk.frontend_api_url, None);
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn static_users_need_a_file() {
    assert_eq!(
        problems("", &[KIND]),
        ["`verifier.static_users.file`: verifier.kind is \"static_users\", and no file is named"]
    );
}

#[test]
fn everything_wrong_with_the_users_is_said_with_everything_else() {
    let (_directory, path) = users("[[user]]\nclient_id = \"acme\"\nrole = \"none\"\n");
    let problems = problems("", &[KIND, (FILE, &path), ("ILEAP_TOKEN__LIFETIME", "x")]);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].ends_with("users.toml:1: the user has no secret_hash"));
    assert!(problems[1].ends_with("users.toml:3: there is no such role"));
}

#[test]
fn a_file_of_users_that_nobody_asks_is_warned_about_and_not_read() {
    let loaded = load("", &[CLERK, (FILE, "/nowhere/users.toml")]).unwrap();
    assert_eq!(loaded.config.verifier.static_users_file, None);
    assert!(
        loaded.warnings[0].contains("has no effect"),
        "{:?}",
        loaded.warnings
    );
}
