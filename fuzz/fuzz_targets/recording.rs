#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xenscope::fuzzing::recording(bytes));
