//! Properties of every text that may be an e-mail address. A separate file, because the tests of another crate,
//! `crates/directory/tests/corpus.rs`, include it.

use matricula_directory::EmailAddress;

/// An address is refused without quoting it, or its key is the key of the key and its domain fits DNS.
pub fn address(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match EmailAddress::parse(&text) {
        Ok(address) => {
            assert!(!text.is_ascii() || address.as_str() == text);
            // What is stored is read again as the same address.
            assert!(EmailAddress::parse(address.as_str()).is_ok_and(|again| again == address));
            assert!(EmailAddress::stored(address.as_str()).is_ok_and(|again| again == address));
            let (domain, local) = address.key().split_once('@').unwrap_or_default();
            let again = EmailAddress::parse(&format!("{local}@{domain}"));
            // Folding can make a text too long, but never another address.
            assert!(again.map_or(true, |again| again.key() == address.key()));
            let domain = address.domain();
            assert!(
                domain
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
            );
            assert!((1..=253).contains(&domain.len()));
            assert_eq!(address.key().matches('@').count(), 1);
            assert!(!address.key().contains(|c: char| c.is_whitespace() || c.is_control()));
            if text.is_ascii() {
                let shouted = EmailAddress::parse(&text.to_ascii_uppercase());
                assert!(shouted.is_ok_and(|shouted| shouted.key() == address.key()));
            }
        }
        Err(error) => assert!(error.to_string().is_ascii()),
    }
}
