#![no_main]

#[expect(dead_code, reason = "the checks of other targets")]
#[path = "../src/ldap.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::ldap_dn(input));
