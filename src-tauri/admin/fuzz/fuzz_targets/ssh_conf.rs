#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| igloo_admin::fuzzing::ssh_conf(&String::from_utf8_lossy(bytes)));
