#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ileap_client::fuzz::client_answer(data));
