//! The fields of log lines: the manual knows each, and no other.

use std::{collections::BTreeSet, fs, path::Path};

const MANUAL: &str = include_str!("../../../../../docs/operations.md");

#[test]
fn the_log_fields_in_the_operations_manual_are_those_of_the_code() {
    let mut used = BTreeSet::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut used,
    );
    let (_, section) = MANUAL
        .split_once("| field | meaning |\n|---|---|\n")
        .unwrap();
    let rows = section.lines().take_while(|line| line.starts_with('|'));
    let documented: BTreeSet<String> = rows
        .flat_map(|row| {
            row.split('|')
                .nth(1)
                .unwrap()
                .split(',')
                .map(|field| field.trim().trim_matches('`').to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<_> = used.difference(&documented).collect();
    let gone: Vec<_> = documented.difference(&used).collect();
    assert!(
        missing.is_empty(),
        "the table of log fields lacks {missing:?}"
    );
    assert!(
        gone.is_empty(),
        "the table of log fields has {gone:?}, which nothing writes"
    );
}

fn collect(directory: &Path, used: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, used);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for level in ["error", "warn", "info", "debug", "trace", "$level"] {
                for call in code.split(&format!("tracing::{level}!(")).skip(1) {
                    used.extend(fields(call));
                }
            }
        }
    }
}

/// The names in the arguments of a macro whose opening bracket has been passed.
fn fields(call: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let (mut depth, mut is_text, mut is_escaped) = (0, false, false);
    for character in call.chars() {
        if is_text {
            is_text = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
        } else {
            match character {
                '"' => is_text = true,
                '(' | '{' | '[' => depth += 1,
                ')' if depth == 0 => break,
                ')' | '}' | ']' => depth -= 1,
                ',' if depth == 0 => {
                    arguments.push(String::new());
                    continue;
                }
                _ => {}
            }
        }
        arguments.last_mut().unwrap().push(character);
    }
    let name = |argument: &String| {
        let argument = argument.trim().trim_start_matches(['%', '?']);
        let name = argument
            .split_once(" = ")
            .map_or(argument, |(name, _)| name);
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || "._#".contains(c));
        is_name.then(|| name.replace("r#", ""))
    };
    arguments.iter().filter_map(name).collect()
}

#[test]
fn no_line_shows_an_error_in_the_form_that_is_for_developers() {
    fn look(directory: &Path) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let is_test = path.to_string_lossy().contains("tests");
            for form in [concat!("?", "error"), concat!("{error", ":?}")] {
                assert!(
                    is_test || !code.contains(form),
                    "{form} in {}",
                    path.display()
                );
            }
        }
    }
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
}
