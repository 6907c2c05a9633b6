//! E-mail addresses and domain names: stored as given, compared without case after IDNA. `[ours]`

use std::fmt;

use thiserror::Error;

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

/// An address: as given, and its comparison key.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    given: String,
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
        if text.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(AddressError::At)?;
        if domain.contains('@') {
            return Err(AddressError::At);
        }
        check_local(local)?;
        let domain = DomainName::parse(domain).map_err(AddressError::Domain)?;
        let local = if local.is_ascii() { local.to_ascii_lowercase() } else { fold(local) };
        let mut key = String::with_capacity(text.len() + 8);
        key.push_str(domain.as_str());
        key.push('@');
        key.push_str(&local);
        Ok(Self { given: text.to_owned(), key, domain: domain.as_str().len() })
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        &self.given
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
    let forbidden =
        |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[]\\".contains(c) || is_invisible(c);
    if local.contains(forbidden) {
        return Err(AddressError::Local(
            "the part before the `@` contains a space or another invalid character",
        ));
    }
    Ok(())
}

/// Invisible characters make different addresses look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Case-folded and composed, so that a letter typed in two ways compares equal.
pub(crate) fn fold(text: &str) -> String {
    let composed = icu_normalizer::ComposingNormalizerBorrowed::new_nfc();
    let lower = composed.normalize(text).to_lowercase();
    composed.normalize(&lower).into_owned()
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
        f.write_str(&self.given)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.given, f)
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
    #[case("Ann.Lee@Example.COM", "example.com@ann.lee")]
    #[case("ann+tag@example.com", "example.com@ann+tag")]
    #[case("o'brien@example.com", "example.com@o'brien")]
    #[case("Åsa@bücher.example", "xn--bcher-kva.example@åsa")]
    #[case("A\u{30a}sa@BÜCHER.example", "xn--bcher-kva.example@åsa")]
    #[case("a@XN--BCHER-KVA.example", "xn--bcher-kva.example@a")]
    #[case("a@intranet", "intranet@a")]
    fn addresses_are_kept_as_given_and_compared_by_key(#[case] given: &str, #[case] key: &str) {
        let address = EmailAddress::parse(given).unwrap();
        assert_eq!((address.as_str(), address.key()), (given, key));
        assert_eq!(address.domain(), key.split_once('@').unwrap().0);
    }

    #[rstest]
    #[case("", "is blank")]
    #[case(" \t", "is blank")]
    #[case("ann", "needs exactly one `@`")]
    #[case("a@b@c", "needs exactly one `@`")]
    #[case("@example.com", "the part before the `@` is empty")]
    #[case(".a@example.com", "the part before the `@` starts or ends with a dot, or has two in a row")]
    #[case("a..b@example.com", "the part before the `@` starts or ends with a dot, or has two in a row")]
    #[case("a b@example.com", "the part before the `@` contains a space or another invalid character")]
    #[case("a\u{200b}@example.com", "the part before the `@` contains a space or another invalid character")]
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
        fn the_key_of_a_key_is_itself(local in "[a-zA-Z0-9åÅßéİ]{1,10}", domain in "[a-zA-ZüÜ]{1,10}\\.[a-zA-Z]{2,4}") {
            if let Ok(address) = EmailAddress::parse(&format!("{local}@{domain}")) {
                let (domain, local) = address.key().split_once('@').unwrap();
                let again = EmailAddress::parse(&format!("{local}@{domain}")).unwrap();
                prop_assert_eq!(again.key(), address.key());
            }
        }
    }
}
