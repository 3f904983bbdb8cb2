#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ileap_server::fuzz::partner_event(data));
