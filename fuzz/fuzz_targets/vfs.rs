#![no_main]

#[path = "../src/vfs.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::vfs(input));
