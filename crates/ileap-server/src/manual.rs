//! The generated parts of `docs/operations.md`: held against the code, and written anew with `UPDATE=1`.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Mutex, PoisonError},
};

/// One test at a time: each rewrites the same file.
static PEN: Mutex<()> = Mutex::new(());

const MANUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");

/// Holds the part between the marks named `name` against what it should be.
pub(crate) fn hold(name: &str, wanted: &str) {
    let _pen = PEN.lock().unwrap_or_else(PoisonError::into_inner);
    let manual = fs::read_to_string(MANUAL).unwrap();
    let (begin, end) = (
        format!("<!-- begin: {name} (generated) -->\n"),
        format!("<!-- end: {name} -->"),
    );
    let (before, rest) = manual.split_once(&begin).unwrap();
    let (found, after) = rest.split_once(&end).unwrap();
    let wanted = format!("\n{wanted}\n");
    #[expect(
        clippy::disallowed_methods,
        reason = "asks whether to rewrite the manual, as CONTRIBUTING says"
    )]
    if std::env::var("UPDATE").is_ok() {
        fs::write(MANUAL, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        found, wanted,
        "run `UPDATE=1 cargo test -p ileap-server --lib` to write the {name} anew"
    );
}

/// The stable names of an enum's variants, from the arms of its `as_str`.
pub(crate) fn names(source: &str) -> BTreeMap<String, String> {
    let arm = |line: &str| {
        let (pattern, name) = line.trim().strip_prefix("Self::")?.split_once(" => \"")?;
        let variant: String = pattern
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        Some((variant, name.strip_suffix("\",")?.to_owned()))
    };
    source.lines().filter_map(arm).collect()
}

/// The names of an enum's variants, and what their doc comments say.
pub(crate) fn meanings(source: &str, declaration: &str) -> BTreeMap<String, String> {
    let names = names(source);
    let (_, body) = source.split_once(declaration).unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let mut meanings = BTreeMap::new();
    let mut doc = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push(text.trim());
            continue;
        }
        let variant: String = line
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if let Some(name) = names.get(&variant) {
            meanings.insert(name.clone(), doc.join(" "));
        }
        doc.clear();
    }
    meanings
}
