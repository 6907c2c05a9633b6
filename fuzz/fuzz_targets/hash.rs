#![no_main]

#[path = "../src/hash.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::hash(input));
