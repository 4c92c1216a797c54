#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| igloo_admin::fuzzing::machines(&String::from_utf8_lossy(bytes)));
