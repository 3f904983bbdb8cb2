//! The corpus, small changes of an input from it, and what becomes of both.

use std::{fs, path::Path};

use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    prop_oneof,
    sample::Index,
    test_runner::{Config, TestRunner},
};

/// A reader, by the name of its corpus.
type Target = (&'static str, fn(&[u8]));

/// Gives every target each input of its corpus.
pub(crate) fn replay(corpus: &Path, targets: &[Target]) {
    for (name, target) in targets {
        let inputs = inputs(corpus, name);
        assert!(!inputs.is_empty(), "{name} has a corpus");
        for input in inputs {
            println!("{name}: {:?}", String::from_utf8_lossy(&input));
            target(&input);
        }
    }
}

/// Gives the targets what is near their corpus: what the fuzzer does for longer and with more guile, on any toolchain.
pub(crate) fn search_near(corpus: &Path, targets: &[Target], cases: u32) {
    let corpora: Vec<_> = targets
        .iter()
        .map(|(name, target)| (inputs(corpus, name), target))
        .collect();
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let near = (any::<Index>(), any::<Index>(), vec(edit(), 1..6));
    let outcome = TestRunner::new(config).run(&near, |(target, input, edits)| {
        let (inputs, target) = target.get(&corpora);
        target(&edited(input.get(inputs).clone(), &edits));
        Ok(())
    });
    outcome.unwrap();
}

/// The inputs of a target.
fn inputs(corpus: &Path, name: &str) -> Vec<Vec<u8>> {
    let inputs = fs::read_dir(corpus.join(name));
    let inputs = inputs.unwrap_or_else(|error| panic!("{name}: {error}"));
    let inputs = inputs.map(|input| fs::read(input.unwrap().path()).unwrap());
    inputs.collect()
}

/// One change, at a place of the input.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Cut(Index),
    Flip(Index, u8),
    Insert(Index, u8),
    Repeat(Index, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let byte = || any::<(Index, u8)>();
    prop_oneof![
        any::<Index>().prop_map(Edit::Cut),
        byte().prop_map(|(place, bit)| Edit::Flip(place, bit % 8)),
        byte().prop_map(|(place, byte)| Edit::Insert(place, byte)),
        byte().prop_map(|(place, count)| Edit::Repeat(place, count)),
    ]
}

fn edited(mut input: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        let length = input.len() + 1;
        match *edit {
            Edit::Cut(place) => input.truncate(place.index(length)),
            Edit::Insert(place, byte) => input.insert(place.index(length), byte),
            Edit::Flip(place, bit) => {
                if let Some(byte) = input.get_mut(place.index(length)) {
                    *byte ^= 1 << bit;
                }
            }
            Edit::Repeat(place, count) => {
                if let Some(byte) = input.get(place.index(length)).copied() {
                    input.extend(std::iter::repeat_n(byte, count.into()));
                }
            }
        }
    }
    input
}
