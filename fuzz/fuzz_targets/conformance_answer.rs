#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ileap_conformance::fuzz::conformance_answer(data));
