use std::os::unix::fs::PermissionsExt as _;

use super::*;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn user(client_id: &str, more: &str) -> String {
    format!(
        "[[user]]\nclient_id = \"{client_id}\"\nsecret_hash = \"{HASH}\"\nrole = \"user\"\n{more}\n"
    )
}

fn read_with(content: impl AsRef<[u8]>, mode: u32) -> Result<Users, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.toml");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let place = format!("{}/", directory.path().display());
    let text = |violation: &Violation| violation.to_string().replace(&place, "");
    read(&path).map_err(|violations| violations.iter().map(text).collect())
}

fn problems(content: &str) -> Vec<String> {
    read_with(content, 0o600).unwrap_err()
}

fn id(text: &str) -> ClientId {
    ClientId::new(text).unwrap()
}

#[test]
fn users_have_a_role_and_perhaps_an_organization() {
    let content = user("acme", "organization = \"org_acme\"") + &user("Acme", "");
    let users = read_with(content, 0o400).unwrap();
    assert_eq!(users.len(), 2);
    let acme = users.get(&id("acme")).unwrap();
    assert_eq!(acme.organization.as_deref(), Some("org_acme"));
    assert_eq!(acme.role, Role::User);
    assert_eq!(users.get(&id("Acme")).unwrap().organization, None);
    assert!(users.get(&id("ACME")).is_none());
}

#[test]
fn every_problem_is_named_at_once_with_its_line_and_what_to_do() {
    let content = format!(
        "# users\nowner = \"me\"\n\n{}\n[[user]]\nclient_id = \"\"\nsecret_hsah = \"{HASH}\"\nrole = \"admin\"\n\
         \n[[user]]\nclient_id = \"acme\"\nsecret_hash = \"canary-secret\"\nrole = 4\norganization = \"static|x\"\n\
         colour = \"red\"\n[[user]]\nclient_id = \"weak\"\nrole = \"all\"\nsecret_hash = \"{}\"\n",
        user("acme", ""),
        HASH.replace("m=19456,t=2", "m=64,t=99")
    );
    let problems = problems(&content);
    assert_eq!(
        problems,
        [
            "users.toml:2: it is no [[user]] table; keep nothing but those, each with its keys below",
            "users.toml:10: the user has no secret_hash; write secret_hash = \"...\"",
            "users.toml:11: client_id is empty, over 256 bytes long, or has control characters; give the partner another one",
            "users.toml:12: there is no such key; did you mean secret_hash?",
            "users.toml:13: there is no such role; write user, organizer, operator or all",
            "users.toml:15: its client_id is that of the user in line 4; keep one of them",
            "users.toml:17: secret_hash cannot be used: it is not a PHC string; make it anew with `ileap hash-secret`",
            "users.toml:18: role is no text; write role = \"...\"",
            "users.toml:19: organization is empty, over 256 bytes long, or has control characters or a |; write an id such as \"org_acme\"",
            "users.toml:20: there is no such key; a user has client_id, secret_hash, role, organization",
            "users.toml:24: secret_hash cannot be used: its m=64 is too weak: 19456 to 262144 KiB of memory; make it anew with `ileap hash-secret`",
            "users.toml:24: secret_hash cannot be used: its t=99 is too costly: 2 to 10 passes; make it anew with `ileap hash-secret`",
        ]
    );
    let all = problems.concat();
    assert!(!all.contains("canary") && !all.contains("AAAA"));
}

#[test]
fn what_is_no_toml_is_named_by_its_line_and_not_quoted() {
    let problems = problems(&format!("{}secret_hash = \"{HASH}\nrole", user("a", "")));
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("users.toml:"), "{problems:?}");
    assert!(!problems[0].contains("AAAA"), "{problems:?}");
}

#[test]
fn a_file_without_users_is_refused() {
    for content in ["", "# none yet\n", "user = []\n"] {
        let problems = problems(content);
        assert!(
            problems.len() == 1 && problems[0].contains("there is no user in it"),
            "{problems:?}"
        );
    }
}

#[test]
fn what_is_no_list_of_tables_is_refused() {
    for content in [
        "user = 1\n",
        "user = [1]\n",
        "[user]\nclient_id = \"a\"\n",
        "[[users]]\nclient_id = \"a\"\n",
    ] {
        assert!(problems(content)[0].contains("table"), "{content}");
    }
}

#[test]
fn an_organization_is_one_to_256_bytes_without_control_characters_or_a_bar() {
    for (organization, is_one) in [
        ("o".repeat(256), true),
        ("o".repeat(257), false),
        (String::new(), false),
        ("org_1\\n".to_owned(), false),
        ("org|1".to_owned(), false),
    ] {
        let content = user("a", &format!("organization = \"{organization}\""));
        assert_eq!(
            read_with(content, 0o600).is_ok(),
            is_one,
            "{organization:?}"
        );
    }
}

#[test]
fn a_file_that_others_may_use_is_refused() {
    for mode in [0o640, 0o604, 0o660, 0o601] {
        let problems = read_with(user("a", ""), mode).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("others than its owner may use it; run: chmod 600"));
    }
}

#[test]
fn a_file_that_is_none_or_no_text_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("none")] {
        let violations = read(&path).unwrap_err();
        assert!(violations[0].problem.contains("cannot be read"));
    }
    let problems = read_with(b"\xff", 0o600).unwrap_err();
    assert!(problems[0].contains("UTF-8"));
}

#[test]
fn a_file_that_is_too_large_or_has_too_many_users_is_refused() {
    let user = user("a", "");
    let largest = "#".repeat((32 << 20) - 1 - user.len()) + "\n" + &user;
    assert_eq!(read_with(&largest, 0o600).unwrap().len(), 1);
    let problems_of_large = problems(&(largest + "\n"));
    assert!(problems_of_large[0].contains("more than 33554432 bytes"));
    let most = problems(&"[[user]]\n".repeat(100_000));
    assert!(most[0].contains("has no client_id"), "{most:?}");
    let many = "[[user]]\n".repeat(100_001);
    let problems = problems(&many);
    assert!(
        problems[0].contains("more than 100000 users"),
        "{problems:?}"
    );
    assert_eq!(problems.len(), 1);
}

#[test]
fn a_hundred_problems_are_told_and_the_others_counted() {
    let problems = problems(&"[[user]]\n".repeat(1_000));
    assert_eq!(problems.len(), 101);
    assert_eq!(
        problems[100],
        "users.toml: 2900 more problems; correct those above first"
    );
}

#[test]
fn the_decoy_costs_what_most_users_cost() {
    let costly = |id| user(id, "").replace("t=2", "t=5");
    let users = read_with(user("a", "") + &costly("b") + &costly("c"), 0o600).unwrap();
    assert_eq!(users.decoy().costs().passes, 5);
    assert_eq!(users.unusual(), 1);
}

#[test]
fn whoever_was_removed_or_changed_in_any_way_is_outdated() {
    let old = ["same", "gone", "role", "hash", "organization"].map(|id| user(id, ""));
    let new = [
        user("same", ""),
        user("role", "").replace("\"user\"", "\"all\""),
        user("hash", "").replace("$AAAAAAAAAAAAAAAAAAAAAA$", "$BBBBBBBBBBBBBBBBBBBBBA$"),
        user("organization", "organization = \"org_1\""),
        user("new", ""),
    ];
    let old = read_with(old.concat(), 0o600).unwrap();
    let new = read_with(new.concat(), 0o600).unwrap();
    let mut outdated: Vec<_> = old.outdated_by(&new).map(ClientId::as_str).collect();
    outdated.sort_unstable();
    assert_eq!(outdated, ["gone", "hash", "organization", "role"]);
}

proptest::proptest! {
    #[test]
    fn no_file_makes_reading_it_panic(lines in proptest::collection::vec(
        "(\\[\\[?(user|x)\\]?\\]|(client_id|role|secret_hash|organization|user) ?= ?(\"[a-z$=|]{0,9}\"|1|\\[\\]|\\{\\}))?", 0..12
    )) {
        if let Ok(users) = read_with(lines.join("\n"), 0o600) {
            proptest::prop_assert!(users.len() > 0);
        }
    }
}
