//! Every input that the fuzzer has found worth keeping, once more, and what is near it, on any toolchain.

#[path = "replay/corpus.rs"]
mod corpus;

use std::path::Path;

use corpus::{edit, edited, inputs};
use ileap_fuzz::TARGETS;
use proptest::{collection::vec, prelude::*, sample::Index};

fn corpus(name: &str) -> Vec<Vec<u8>> {
    inputs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"), name)
}

#[test]
fn every_parser_keeps_its_promises_on_the_corpus() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(!inputs.is_empty(), "{name} has a corpus");
        for input in inputs {
            println!("{name}: {:?}", String::from_utf8_lossy(&input));
            target(&input);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the fuzzer does for longer and with more guile.
    #[test]
    fn every_parser_keeps_its_promises_near_the_corpus(
        target in 0..TARGETS.len(),
        input in any::<Index>(),
        edits in vec(edit(), 1..6),
    ) {
        let (name, parse) = TARGETS[target];
        parse(&edited(input.get(&corpus(name)).clone(), &edits));
    }
}
