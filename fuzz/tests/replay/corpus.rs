//! The corpus, and small changes of an input from it.

use std::{fs, path::Path};

use proptest::{
    prelude::{Strategy, any},
    prop_oneof,
    sample::Index,
};

/// The inputs of a target.
pub(crate) fn inputs(corpus: &Path, name: &str) -> Vec<Vec<u8>> {
    let inputs = fs::read_dir(corpus.join(name));
    let inputs = inputs.unwrap_or_else(|error| panic!("{name}: {error}"));
    let inputs = inputs.map(|input| fs::read(input.unwrap().path()).unwrap());
    inputs.collect()
}

/// One change, at a place of the input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edit {
    Cut(Index),
    Flip(Index, u8),
    Insert(Index, u8),
    Repeat(Index, u8),
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let byte = || any::<(Index, u8)>();
    prop_oneof![
        any::<Index>().prop_map(Edit::Cut),
        byte().prop_map(|(place, bit)| Edit::Flip(place, bit % 8)),
        byte().prop_map(|(place, byte)| Edit::Insert(place, byte)),
        byte().prop_map(|(place, count)| Edit::Repeat(place, count)),
    ]
}

pub(crate) fn edited(mut input: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
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
