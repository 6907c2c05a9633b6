//! E-mail addresses and domain names: stored composed, compared without case after IDNA. `[ours]`

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::characters::has_hidden;

/// Longest address, in bytes (RFC 5321 allows 254 in practice).
pub const MAX_ADDRESS: usize = 254;
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 253;

/// Why a text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Nothing but blanks.
    #[error("is blank")]
    Blank,
    /// A control character, or another one that cannot be seen.
    #[error("contains an invisible character, such as a tab or a zero-width space")]
    Hidden,
    /// More than [`MAX_ADDRESS`] bytes.
    #[error("is longer than {MAX_ADDRESS} bytes")]
    TooLong,
    /// Not exactly one `@`.
    #[error("needs exactly one `@`")]
    At,
    /// The part before the `@`.
    #[error("{0}")]
    Local(&'static str),
    /// The part after the `@`.
    #[error("the part after the `@` {0}")]
    Domain(DomainError),
}

/// Why a text is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DomainError {
    /// Empty.
    #[error("is empty")]
    Empty,
    /// Not a domain name by the rules of IDNA and DNS.
    #[error("is not a domain name")]
    Invalid,
}

/// An address: as it is shown, and its comparison key.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    /// As given, with its case; what is not ASCII in the form that is compared: composed, the domain after IDNA.
    shown: String,
    /// Case folded, domain in ASCII.
    key: String,
    /// Where the domain starts in `key`.
    domain: usize,
}

impl EmailAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// Names the wrong part; never repeats the text.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.trim().is_empty() {
            return Err(AddressError::Blank);
        }
        if has_hidden(text) {
            return Err(AddressError::Hidden);
        }
        // Composition can make a text longer, and a Greek question mark a semicolon.
        let text = composed(text);
        if text.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(AddressError::At)?;
        if domain.contains('@') {
            return Err(AddressError::At);
        }
        check_local(local)?;
        let address = Self::of_parts(&text, local, domain)?;
        if address.shown.len() > MAX_ADDRESS { Err(AddressError::TooLong) } else { Ok(address) }
    }

    /// Reads an address of the database, where earlier versions stored some that [`EmailAddress::parse`] refuses.
    ///
    /// # Errors
    /// When it has no domain name.
    pub fn stored(text: &str) -> Result<Self, AddressError> {
        let text = composed(text);
        let (local, domain) = text.split_once('@').ok_or(AddressError::At)?;
        Self::of_parts(&text, local, domain)
    }

    /// Of a composed text and its parts.
    fn of_parts(text: &str, local: &str, given_domain: &str) -> Result<Self, AddressError> {
        let domain = DomainName::parse(given_domain).map_err(AddressError::Domain)?;
        let folded = if local.is_ascii() { local.to_ascii_lowercase() } else { fold(local) };
        let mut key = String::with_capacity(local.len() + given_domain.len() + 8);
        key.push_str(domain.as_str());
        key.push('@');
        key.push_str(&folded);
        let shown = match given_domain.is_ascii() {
            true => text.to_owned(),
            false => format!("{local}@{}", idna::domain_to_unicode(domain.as_str()).0),
        };
        Ok(Self { shown, key, domain: domain.as_str().len() })
    }

    /// As it is stored and shown: with the case that was given.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The key by which addresses are compared and sorted: `example.com@ann`. The domain comes first, so that the
    /// addresses of a domain are adjacent.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The domain's comparison key.
    pub fn domain(&self) -> &str {
        &self.key[..self.domain]
    }

    /// The domain as a name.
    pub fn domain_name(&self) -> DomainName {
        DomainName(self.domain().to_owned())
    }
}

fn check_local(local: &str) -> Result<(), AddressError> {
    if local.is_empty() {
        return Err(AddressError::Local("the part before the `@` is empty"));
    }
    if local.len() > MAX_LOCAL {
        return Err(AddressError::Local("the part before the `@` is longer than 64 bytes"));
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err(AddressError::Local(
            "the part before the `@` starts or ends with a dot, or has two in a row",
        ));
    }
    let forbidden = |c: char| c.is_whitespace() || "\"(),:;<>[]\\".contains(c);
    if local.contains(forbidden) {
        return Err(AddressError::Local(
            "the part before the `@` contains a space or another invalid character",
        ));
    }
    Ok(())
}

/// Case-folded and composed, so that a letter typed in two ways compares equal.
pub fn fold(text: &str) -> String {
    composed(&composed(text).to_lowercase()).into_owned()
}

/// In NFC.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// A domain name by its comparison key: lower case, ASCII.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain name, in Unicode or in ASCII.
    ///
    /// # Errors
    /// When it is empty or not a domain name by the rules of IDNA and DNS.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        if text.is_empty() {
            return Err(DomainError::Empty);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        // Nearly every domain is plain ASCII, where IDNA only folds the case.
        let name = if text.bytes().all(plain)
            && !text.to_ascii_lowercase().split('.').any(|l| l.starts_with("xn--"))
        {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii_strict(text).map_err(|_| DomainError::Invalid)?
        };
        let label = |l: &str| !l.is_empty() && l.len() <= 63 && !l.starts_with('-') && !l.ends_with('-');
        let numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if name.len() > MAX_DOMAIN || numeric || !name.split('.').all(label) || !name.bytes().all(plain) {
            return Err(DomainError::Invalid);
        }
        Ok(Self(name))
    }

    /// The comparison key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parent domains, nearest first.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |name| name.split_once('.').map(|(_, parent)| parent))
            .skip(1)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, f)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("Ann.Lee@Example.COM", "Ann.Lee@Example.COM", "example.com@ann.lee")]
    #[case("ann+tag@example.com", "ann+tag@example.com", "example.com@ann+tag")]
    #[case("o'brien@example.com", "o'brien@example.com", "example.com@o'brien")]
    #[case("Åsa@bücher.example", "Åsa@bücher.example", "xn--bcher-kva.example@åsa")]
    #[case("A\u{30a}sa@Example.com", "Åsa@Example.com", "example.com@åsa")]
    #[case("A\u{30a}sa@BÜCHER.example", "Åsa@bücher.example", "xn--bcher-kva.example@åsa")]
    #[case("Ann@ｅxample.com", "Ann@example.com", "example.com@ann")]
    #[case("a@XN--BCHER-KVA.example", "a@XN--BCHER-KVA.example", "xn--bcher-kva.example@a")]
    #[case("a@intranet", "a@intranet", "intranet@a")]
    fn addresses_are_shown_composed_and_compared_by_key(
        #[case] given: &str,
        #[case] shown: &str,
        #[case] key: &str,
    ) {
        let address = EmailAddress::parse(given).unwrap();
        assert_eq!((address.as_str(), address.key()), (shown, key));
        assert!(EmailAddress::stored(shown).unwrap() == address);
        assert_eq!(address.domain(), key.split_once('@').unwrap().0);
    }

    #[rstest]
    #[case("", "is blank")]
    #[case("  ", "is blank")]
    #[case("a\tb@example.com", "contains an invisible character, such as a tab or a zero-width space")]
    #[case("a\u{37e}b@example.com", "the part before the `@` contains a space or another invalid character")]
    #[case("a\u{115f}@example.com", "contains an invisible character, such as a tab or a zero-width space")]
    #[case("a@exam\u{ad}ple.com", "contains an invisible character, such as a tab or a zero-width space")]
    #[case("a\u{3000}b@example.com", "the part before the `@` contains a space or another invalid character")]
    #[case("ann", "needs exactly one `@`")]
    #[case("a@b@c", "needs exactly one `@`")]
    #[case("@example.com", "the part before the `@` is empty")]
    #[case(".a@example.com", "the part before the `@` starts or ends with a dot, or has two in a row")]
    #[case("a..b@example.com", "the part before the `@` starts or ends with a dot, or has two in a row")]
    #[case("a b@example.com", "the part before the `@` contains a space or another invalid character")]
    #[case("a\u{200b}@example.com", "contains an invisible character, such as a tab or a zero-width space")]
    #[case("a@", "the part after the `@` is empty")]
    #[case("a@example..com", "the part after the `@` is not a domain name")]
    #[case("a@-example.com", "the part after the `@` is not a domain name")]
    #[case("a@exa_mple.com", "the part after the `@` is not a domain name")]
    #[case("a@[127.0.0.1]", "the part after the `@` is not a domain name")]
    #[case("a@127.0.0.1", "the part after the `@` is not a domain name")]
    #[case("a@example.com ", "the part after the `@` is not a domain name")]
    fn what_is_no_address_says_why(#[case] text: &str, #[case] why: &str) {
        assert_eq!(EmailAddress::parse(text).unwrap_err().to_string(), why);
    }

    #[test]
    fn length_is_bounded() {
        let long = |n: usize| format!("{}@{}.example", "a".repeat(64), vec!["b".repeat(20); n].join("."));
        assert!(EmailAddress::parse(&long(8)).is_ok());
        assert_eq!(EmailAddress::parse(&long(9)).unwrap_err(), AddressError::TooLong);
        assert!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_an_error(text in "\\PC{0,40}") {
            let _ = EmailAddress::parse(&text);
        }

        #[test]
        fn what_is_shown_is_read_from_the_database_as_the_same_address(local in "\\PC{1,20}", domain in "[a-zA-ZüÜｅß]{1,10}\\.[a-zA-Z]{2,4}") {
            if let Ok(address) = EmailAddress::parse(&format!("{local}@{domain}")) {
                prop_assert!(EmailAddress::parse(address.as_str()).unwrap() == address);
                prop_assert!(EmailAddress::stored(address.as_str()).unwrap() == address);
            }
        }

        #[test]
        fn the_key_of_a_key_is_itself(local in "[a-zA-Z0-9åÅßéİ]{1,10}", domain in "[a-zA-ZüÜ]{1,10}\\.[a-zA-Z]{2,4}") {
            if let Ok(address) = EmailAddress::parse(&format!("{local}@{domain}")) {
                let (domain, local) = address.key().split_once('@').unwrap();
                let again = EmailAddress::parse(&format!("{local}@{domain}")).unwrap();
                prop_assert_eq!(again.key(), address.key());
            }
        }
    }
}
