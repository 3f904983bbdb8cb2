//! Who may depend on whom, kept by a test and not by good will.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// A crate of the workspace, the siblings it may use, and those its tests may use besides.
struct CrateRule {
    name: &'static str,
    may_use: &'static [&'static str],
    tests_may_use: &'static [&'static str],
}

const CRATE_RULES: &[CrateRule] = &[
    CrateRule {
        name: "clerk-emulator",
        may_use: &[],
        tests_may_use: &[],
    },
    CrateRule {
        name: "ileap-cli",
        may_use: &[
            "clerk-emulator",
            "ileap-client",
            "ileap-conformance",
            "ileap-server",
            "ileap-types",
        ],
        tests_may_use: &[],
    },
    CrateRule {
        name: "ileap-client",
        may_use: &["ileap-types"],
        tests_may_use: &["clerk-emulator", "ileap-server"],
    },
    // A judge that shares code with the judged would pass its mistakes.
    CrateRule {
        name: "ileap-conformance",
        may_use: &[],
        tests_may_use: &[],
    },
    CrateRule {
        name: "ileap-server",
        may_use: &["ileap-types"],
        tests_may_use: &["clerk-emulator", "ileap-conformance"],
    },
    CrateRule {
        name: "ileap-types",
        may_use: &[],
        tests_may_use: &[],
    },
];

/// What makes a crate do I/O; the vocabulary stays free of it.
const IO_CRATES: [&str; 8] = [
    "axum",
    "hyper",
    "hyper-util",
    "mio",
    "reqwest",
    "rustls",
    "sqlx",
    "tokio",
];

/// A word of the server's sources, and the only places (files, or directories ending in `/`) where it may stand.
struct WordRule {
    word: &'static str,
    only_in: &'static [&'static str],
    instead: &'static str,
}

const WORD_RULES: &[WordRule] = &[
    WordRule {
        word: "axum",
        only_in: &[
            "http/",
            "http.rs",
            "serve.rs",
            "serve/",
            "server.rs",
            "server/",
        ],
        instead: "let the route hand over plain values",
    },
    WordRule {
        // In `clerk/`, `data/upstream`, `outbound` and `partner` it is the status of someone else's answer.
        word: "StatusCode",
        only_in: &[
            "http/",
            "http.rs",
            "clerk/",
            "data/upstream/",
            "partner.rs",
            "partner/",
            "outbound.rs",
            "outbound/",
        ],
        instead: "return an error whose variants http/profile.rs can turn into a status",
    },
    WordRule {
        word: "sqlx",
        only_in: &["store/"],
        instead: "add what you need to the Store trait",
    },
    WordRule {
        word: "clerk::wire",
        only_in: &["clerk/", "clerk.rs"],
        instead: "let clerk/ translate Clerk's fields into types of ours",
    },
];

/// Of code; tests at the end of a file do not count.
const MOST_LINES: usize = 500;

#[test]
fn crates_use_only_the_siblings_they_may() {
    let packages = packages();
    let siblings: BTreeSet<_> = packages.iter().map(name).collect();
    let mut broken = Vec::new();
    for package in &packages {
        let name = name(package);
        let Some(rule) = CRATE_RULES.iter().find(|rule| rule.name == name) else {
            broken.push(format!(
                "{name} has no rule: add one to CRATE_RULES in {}",
                file!()
            ));
            continue;
        };
        for (dependency, kind) in dependencies(package) {
            let allowed = rule.may_use.contains(&dependency)
                || (kind == "dev" && rule.tests_may_use.contains(&dependency));
            if siblings.contains(dependency) && !allowed {
                broken.push(format!(
                    "{name} must not use {dependency} ({kind}): take it out of its Cargo.toml and move what \
                     both need into a crate that both may use"
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_vocabulary_does_no_io() {
    let packages = packages();
    let types = packages
        .iter()
        .find(|package| name(package) == "ileap-types");
    let used: Vec<_> = dependencies(types.unwrap())
        .filter(|(dependency, kind)| *kind != "dev" && IO_CRATES.contains(dependency))
        .collect();
    assert!(
        used.is_empty(),
        "ileap-types must not use {used:?}: put the code that needs it into the crate that does the I/O"
    );
}

#[test]
fn the_servers_layers_keep_their_words_to_themselves() {
    let root = workspace().join("crates/ileap-server/src");
    let mut broken = Vec::new();
    for path in sources(&root) {
        let place = path.strip_prefix(&root).unwrap().to_str().unwrap();
        for (number, line) in code(&path).iter().enumerate() {
            for rule in WORD_RULES.iter().filter(|rule| !rule.allows(place)) {
                if has_word(line, rule.word) {
                    let WordRule { word, instead, .. } = rule;
                    broken.push(format!(
                        "{place}:{}: `{word}` may not stand here: {instead}",
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn files_are_short() {
    let long: Vec<_> = sources(&workspace().join("crates"))
        .into_iter()
        .map(|path| (code(&path).len(), path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .collect();
    assert!(
        long.is_empty(),
        "split these by concept, {MOST_LINES} lines of code is the limit: {long:#?}"
    );
}

#[test]
fn modules_are_named_after_their_files() {
    let nameless: Vec<_> = rust_files(&workspace().join("crates"))
        .into_iter()
        .filter(|path| path.ends_with("mod.rs"))
        .collect();
    assert!(
        nameless.is_empty(),
        "write foo.rs beside foo/, not foo/mod.rs: {nameless:#?}"
    );
}

#[test]
fn every_crate_forbids_unsafe_code_and_takes_the_workspaces_lints() {
    let manifest = |path: PathBuf| fs::read_to_string(path).unwrap();
    let root = manifest(workspace().join("Cargo.toml"));
    for lint in [
        "unsafe_code = \"forbid\"",
        "await_holding_lock = \"deny\"",
        "expect_used = \"warn\"",
        "indexing_slicing = \"warn\"",
        "panic = \"warn\"",
        "unwrap_used = \"warn\"",
    ] {
        assert!(root.contains(lint), "{lint}");
    }
    assert!(
        !root.contains("panic = \"abort\""),
        "one panic would end every request"
    );
    for package in packages() {
        let path = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let manifest = manifest(path);
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{}",
            name(&package)
        );
    }
}

/// The fuzz targets of each crate that has some, with the functions behind them.
fn fuzz_targets() -> BTreeMap<String, String> {
    let mut sources = vec![("ileap_fuzz".to_owned(), workspace().join("fuzz/src/lib.rs"))];
    for package in packages() {
        let source = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let source = source.with_file_name("src/fuzz.rs");
        if source.exists() {
            let path = format!("{}::fuzz", name(&package).replace('-', "_"));
            sources.push((path, source));
        }
    }
    let mut targets = BTreeMap::new();
    for (path, source) in sources {
        let source = fs::read_to_string(source).unwrap();
        let (_, list) = source.split_once("pub const TARGETS").unwrap();
        let (list, _) = list.split_once("];").unwrap();
        for entry in list.split("(\"").skip(1) {
            let (name, function) = entry.split_once("\", ").unwrap();
            let (function, _) = function.split_once(')').unwrap();
            let before = targets.insert(name.to_owned(), format!("{path}::{function}"));
            assert_eq!(before, None, "{name}");
        }
    }
    targets
}

fn names_in(directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(workspace().join(directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn every_fuzz_target_is_listed_can_be_run_and_has_a_corpus() {
    let targets = fuzz_targets();
    assert!(targets.len() > 20, "the lists have been read");
    let names: BTreeSet<_> = targets.keys().cloned().collect();
    assert_eq!(names_in("fuzz/corpus"), names);
    let files = names.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names_in("fuzz/fuzz_targets"), files);
    let manifest = fs::read_to_string(workspace().join("fuzz/Cargo.toml")).unwrap();
    assert_eq!(manifest.matches("[[bin]]").count(), names.len());
    for (name, function) in targets {
        let bin = format!(
            "[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\nrequired-features = [\"libfuzzer\"]\n"
        );
        assert!(manifest.contains(&bin), "{name}");
        let file = workspace().join(format!("fuzz/fuzz_targets/{name}.rs"));
        let file = fs::read_to_string(file).unwrap();
        assert!(file.contains(&format!("| {function}(data)")), "{name}");
        let corpus = names_in(&format!("fuzz/corpus/{name}"));
        assert!((1..=64).contains(&corpus.len()), "{name}");
    }
}

#[test]
fn the_toolchain_and_every_part_are_pinned() {
    let read = |path: &str| fs::read_to_string(workspace().join(path)).unwrap();
    let toolchain = read("rust-toolchain.toml");
    let (_, channel) = toolchain.split_once("channel = \"").unwrap();
    let (version, _) = channel.split_once('"').unwrap();
    let numbers: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
    assert!(
        numbers.len() == 3 && numbers.iter().all(Result::is_ok),
        "{version}"
    );

    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let lock = read(lock);
        let parts: Vec<_> = lock.split("[[package]]").skip(1).collect();
        assert!(parts.len() > 100, "the file has been read");
        for part in parts.iter().filter(|part| part.contains("\nsource = ")) {
            assert!(part.contains("\nchecksum = \""), "{part}");
        }
    }

    let node: Value = serde_json::from_str(&read("tests/interop/node/package-lock.json")).unwrap();
    let parts = node["packages"].as_object().unwrap().iter();
    for (name, part) in parts.filter(|(name, _)| !name.is_empty()) {
        assert!(part["integrity"].is_string(), "{name}");
    }
    let python = read("tests/interop/python/requirements.txt");
    let lines = python.lines().filter(|line| !line.starts_with('#'));
    let parts: Vec<_> = lines.filter(|line| !line.trim().is_empty()).collect();
    let unpinned = parts.iter().find(|part| !part.contains("=="));
    assert!(!parts.is_empty() && unpinned.is_none(), "{unpinned:?}");
}

/// A table that names a test which is gone proves nothing.
#[test]
fn every_proof_in_the_security_document_is_a_test_that_there_is() {
    let document = fs::read_to_string(workspace().join("docs/security.md")).unwrap();
    let proofs = document.split('`').filter(|text| text.contains(".rs::"));
    let count = proofs.clone().count();
    assert!(count > 100, "the document has been read");
    all_are_there("docs/security.md", proofs);
}

#[test]
fn every_test_of_a_soak_is_one_that_there_is() {
    let script = fs::read_to_string(workspace().join("scripts/soak")).unwrap();
    let tests: Vec<_> = script
        .split('"')
        .filter(|text| text.contains("::") && !text.contains(' '))
        .map(|test| {
            let (module, test) = test.rsplit_once("::").unwrap();
            format!("{}.rs::{test}", module.replace("::", "/"))
        })
        .collect();
    assert!(tests.len() > 10, "the script has been read");
    all_are_there("scripts/soak", tests.iter().map(String::as_str));
}

/// Each names the end of a file's path, and a test in it.
fn all_are_there<'a>(document: &str, tests: impl Iterator<Item = &'a str>) {
    let files: Vec<_> = rust_files(&workspace().join("crates"))
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.display().to_string(), text)
        })
        .collect();
    for proof in tests {
        let (place, test) = proof.split_once("::").unwrap();
        let is_there = files.iter().any(|(path, text)| {
            path.ends_with(&format!("/{place}")) && text.contains(&format!("fn {test}("))
        });
        assert!(
            is_there,
            "{document} names {proof}, and there is no such test"
        );
    }
}

impl WordRule {
    fn allows(&self, place: &str) -> bool {
        self.only_in.iter().any(|only| {
            if only.ends_with('/') {
                place.starts_with(only)
            } else {
                place == *only
            }
        })
    }
}

fn workspace() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    path.canonicalize().unwrap()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
            "--locked",
        ])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

/// Names with their kind: `normal`, `build` or `dev`.
fn dependencies(package: &Value) -> impl Iterator<Item = (&str, &str)> {
    let list = package["dependencies"].as_array().unwrap();
    list.iter().map(|dependency| {
        let kind = dependency["kind"].as_str().unwrap_or("normal");
        (name(dependency), kind)
    })
}

/// Everything that is shipped: tests are left out.
fn sources(root: &Path) -> Vec<PathBuf> {
    let is_test = |path: &PathBuf| {
        let inner = path.strip_prefix(root).unwrap();
        inner
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    };
    let mut files = rust_files(root);
    files.retain(|path| !is_test(path));
    files
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The lines before the tests, with comments emptied.
fn code(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let uncommented = |line: &str| {
        if line.trim_start().starts_with("//") {
            String::new()
        } else {
            line.to_owned()
        }
    };
    shipped.lines().map(uncommented).collect()
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        !line[..start].ends_with(part_of_word)
            && !line[start + word.len()..].starts_with(part_of_word)
    })
}
