//! Every input that the fuzzer has found worth keeping, once more, on any toolchain.

use std::{fs, path::Path};

#[test]
fn every_parser_keeps_its_promises_on_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in ileap_fuzz::TARGETS {
        let inputs = fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut count = 0;
        for input in inputs {
            let input = input.unwrap().path();
            println!("{}", input.display());
            target(&fs::read(&input).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has a corpus");
    }
}
