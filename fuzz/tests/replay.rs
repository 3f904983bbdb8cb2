//! Every input that the fuzzer has found worth keeping, once more, and what is near it, on any toolchain.

#[path = "replay/corpus.rs"]
mod corpus;

use std::path::Path;

use corpus::{replay, search_near};
use ileap_fuzz::TARGETS;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

#[test]
fn every_parser_keeps_its_promises_on_the_corpus() {
    replay(Path::new(CORPUS), TARGETS);
}

#[test]
fn every_parser_keeps_its_promises_near_the_corpus() {
    search_near(Path::new(CORPUS), TARGETS, 6000);
}
