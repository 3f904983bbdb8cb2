//! The page of all cases is true.

use std::{env, fs, path::Path};

use ileap_conformance::{all, report};

#[test]
fn the_documentation_lists_every_case() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("writes it -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let table = report::catalogue(&all());
    let fresh = format!("{before}writes it -->\n{table}<!-- end -->{after}");
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(
        page == fresh,
        "docs/conformance.md is stale: UPDATE=1 cargo test -p ileap-conformance"
    );
}
