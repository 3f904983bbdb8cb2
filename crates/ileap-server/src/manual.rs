//! The generated parts of `docs/operations.md`: held against the code, and written anew with `UPDATE=1`. The binary's
//! crate includes this file for its own part.

use std::{
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
        found,
        wanted,
        "run `UPDATE=1 cargo test -p {}` to write the {name} anew",
        env!("CARGO_PKG_NAME")
    );
}

/// A table with this head.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<_> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows = rows.into_iter().map(|row| line(&row));
    [line(&head), rule].into_iter().chain(rows).collect()
}

/// The lines of an enum's declaration that have doc comments, each with what its comment says.
pub(crate) fn documented(source: &str, declaration: &str) -> Vec<(String, String)> {
    let (_, body) = source.split_once(declaration).unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let (mut documented, mut doc) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push(text.trim());
        } else if !doc.is_empty() {
            documented.push((line.to_owned(), doc.join(" ")));
            doc.clear();
        }
    }
    documented
}
