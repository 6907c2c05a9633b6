#![no_main]

#[path = "../src/ldap.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::ldap_message(input));
