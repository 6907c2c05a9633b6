#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| matricula_fuzz::ldap_dn(input));
