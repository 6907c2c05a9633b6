//! Distinguished names (RFC 4514), read leniently and written strictly.

use std::fmt::{self, Write as _};

use thiserror::Error;

use crate::schema::{Attribute, Key, Rule, prepared};

/// Longest name, in bytes. `[ours]`
pub const MAX_DN: usize = 8 * 1_024;

/// A text that is no distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DnError(&'static str);

/// One attribute and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name of the attribute, as it was given.
    pub attribute: String,
    /// Its value, without escapes.
    pub value: String,
}

/// A distinguished name: its parts, the most specific first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dn {
    parts: Vec<Vec<Pair>>,
}

impl Dn {
    /// Reads a name. Blanks around separators are ignored, as older programs send them.
    ///
    /// # Errors
    /// When it is too long or malformed, or a value is not UTF-8.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        if text.len() > MAX_DN {
            return Err(DnError("a distinguished name has at most 8,192 bytes"));
        }
        let mut parts = Vec::new();
        let mut rest = text.trim_start_matches(' ');
        while !rest.is_empty() {
            let mut part = Vec::new();
            loop {
                let (pair, after) = pair(rest)?;
                part.push(pair);
                rest = after;
                match rest.strip_prefix('+') {
                    Some(after) => rest = after,
                    None => break,
                }
            }
            parts.push(part);
            rest = match rest.strip_prefix([',', ';']) {
                Some(after) if after.trim_matches(' ').is_empty() => {
                    return Err(DnError("a distinguished name does not end with a comma"));
                }
                Some(after) => after,
                None => "",
            };
        }
        Ok(Self { parts })
    }

    /// The name of an entry below this one.
    #[must_use]
    pub fn child(&self, attribute: &str, value: &str) -> Self {
        let pair = Pair { attribute: attribute.to_owned(), value: value.to_owned() };
        let parts = std::iter::once(vec![pair]).chain(self.parts.iter().cloned()).collect();
        Self { parts }
    }

    /// The number of its parts.
    pub fn depth(&self) -> usize {
        self.parts.len()
    }

    /// The attribute and value of a part that has one, counted from the most specific.
    pub fn part(&self, at: usize) -> Option<&Pair> {
        match &**self.parts.get(at)? {
            [pair] => Some(pair),
            _ => None,
        }
    }

    /// Whether each value is a text for people: visible, and at most 256 characters.
    pub fn has_visible_values(&self) -> bool {
        let is_visible = |value: &str| !value.trim().is_empty() && directory::check::name(value).is_ok();
        self.parts.iter().flatten().all(|pair| is_visible(&pair.value))
    }

    /// The name without its first parts.
    #[must_use]
    pub fn above(&self, parts: usize) -> Self {
        Self { parts: self.parts.get(parts..).unwrap_or_default().to_vec() }
    }

    /// The form in which names compare.
    pub fn key(&self) -> String {
        let mut key = String::new();
        for part in &self.parts {
            if !key.is_empty() {
                key.push(',');
            }
            let mut pairs: Vec<String> = part.iter().map(pair_key).collect();
            pairs.sort_unstable();
            key.push_str(&pairs.join("+"));
        }
        key
    }

    /// The domain that it is, if it consists of `dc` only: `dc=example,dc=com` is `example.com`.
    pub fn domain(&self) -> Option<String> {
        let label = |part: &Vec<Pair>| match &**part {
            [pair] if Attribute::named(&pair.attribute) == Some(Attribute::Dc) => Some(pair.value.clone()),
            _ => None,
        };
        let labels: Vec<String> = self.parts.iter().map(label).collect::<Option<_>>()?;
        (!labels.is_empty()).then(|| labels.join("."))
    }

    /// The name of a domain: `dc=example,dc=com` of `example.com`.
    pub fn of_domain(domain: &str) -> Self {
        let pair = |label: &str| vec![Pair { attribute: "dc".to_owned(), value: label.to_owned() }];
        Self { parts: domain.split('.').map(pair).collect() }
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                f.write_char(',')?;
            }
            for (at, pair) in part.iter().enumerate() {
                let plus = if at > 0 { "+" } else { "" };
                write!(f, "{plus}{}={}", pair.attribute, escaped(&pair.value))?;
            }
        }
        Ok(())
    }
}

fn pair_key(pair: &Pair) -> String {
    let (name, value) = match Attribute::named(&pair.attribute) {
        Some(attribute) => {
            let value = match attribute.of().rule {
                // A name inside a name compares as text: what is none may become one by it.
                Rule::Dn => prepared(&pair.value),
                rule => match rule.key(&pair.value) {
                    Some(Key::Text(value)) => value,
                    _ => prepared(&pair.value),
                },
            };
            (attribute.of().name.to_ascii_lowercase(), value)
        }
        None => (pair.attribute.to_ascii_lowercase(), prepared(&pair.value)),
    };
    format!("{name}={}", escaped(&value))
}

/// A value as it is written in a name.
pub fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            '#' if at == 0 => out.push_str("\\#"),
            // RFC 4514 needs no escape, but clients made with bonsai 1.5.0 refuse a whole answer without it.
            '=' => out.push_str("\\3D"),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            // What cannot be seen is written in hexadecimal.
            c if c.is_control() => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    // Writing to a text cannot fail.
                    let _ = write!(out, "\\{byte:02x}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// The attribute and value at the start of a text, and what comes after them.
fn pair(text: &str) -> Result<(Pair, &str), DnError> {
    let (name, rest) = text.split_once('=').ok_or(DnError("each part is ATTRIBUTE=VALUE"))?;
    let name = name.trim_matches(' ');
    // Older programs write the prefix.
    let name = name.strip_prefix("OID.").or_else(|| name.strip_prefix("oid.")).unwrap_or(name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(DnError("the name of an attribute has letters, digits, hyphens and dots only"));
    }
    let rest = rest.trim_start_matches(' ');
    let (value, rest) = match rest.as_bytes().first() {
        Some(b'#') => encoded(&rest[1..])?,
        Some(b'"') => quoted(&rest[1..])?,
        _ => plain(rest)?,
    };
    Ok((Pair { attribute: name.to_owned(), value }, rest))
}

/// Whether a byte ends a value.
fn ends(byte: u8) -> bool {
    matches!(byte, b',' | b'+' | b';')
}

/// A value in text with escapes.
fn plain(text: &str) -> Result<(String, &str), DnError> {
    let bytes = text.as_bytes();
    let (mut value, mut at) = (Vec::new(), 0);
    // Blanks at the end do not belong to the value unless they are escaped.
    let mut kept = 0;
    while let Some(&byte) = bytes.get(at).filter(|byte| !ends(**byte)) {
        at += 1;
        match byte {
            b'\\' => {
                let (byte, length) = escape(&bytes[at..])?;
                value.push(byte);
                at += length;
                kept = value.len();
            }
            b'"' | b'<' | b'>' | 0 => {
                return Err(DnError("the characters \" < > are written with a backslash before them"));
            }
            b' ' => value.push(b' '),
            byte => {
                value.push(byte);
                kept = value.len();
            }
        }
    }
    value.truncate(kept);
    let value = String::from_utf8(value).map_err(|_| DnError("a value is UTF-8"))?;
    Ok((value, &text[at..]))
}

/// A value in quotation marks, as in RFC 1779, which some libraries write around blanks.
fn quoted(text: &str) -> Result<(String, &str), DnError> {
    let bytes = text.as_bytes();
    let (mut value, mut at) = (Vec::new(), 0);
    loop {
        let byte = *bytes.get(at).ok_or(DnError("a quotation mark before a value has one after it"))?;
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => {
                let (byte, length) = escape(&bytes[at..])?;
                value.push(byte);
                at += length;
            }
            byte => value.push(byte),
        }
    }
    let value = String::from_utf8(value).map_err(|_| DnError("a value is UTF-8"))?;
    let rest = text[at..].trim_start_matches(' ');
    if rest.bytes().next().is_some_and(|byte| !ends(byte)) {
        return Err(DnError("after a value in quotation marks there is a comma or a plus"));
    }
    Ok((value, rest))
}

/// The byte after a backslash, and the number of bytes that it takes.
fn escape(bytes: &[u8]) -> Result<(u8, usize), DnError> {
    let error = DnError("after a backslash there is a special character or two hexadecimal digits");
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match bytes {
        [first @ (b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' | b' ' | b'#' | b'='), ..] => {
            Ok((*first, 1))
        }
        [high, low, ..] => match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => Ok((high << 4 | low, 2)),
            _ => Err(error),
        },
        _ => Err(error),
    }
}

/// A value in hexadecimal: an encoded string.
fn encoded(text: &str) -> Result<(String, &str), DnError> {
    let error = DnError("after # there is an encoded text in hexadecimal");
    let end = text.bytes().position(ends).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let digits = digits.trim_end_matches(' ').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks(2) {
        let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let (high, low) = (digit(0).ok_or(error)?, digit(1).ok_or(error)?);
        bytes.push(u8::try_from(high << 4 | low).map_err(|_| error)?);
    }
    let mut reader = crate::ber::Reader::new(&bytes);
    let (_, content) = reader.element().map_err(|_| error)?;
    reader.end().map_err(|_| error)?;
    let value = String::from_utf8(content.to_vec()).map_err(|_| error)?;
    Ok((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "uid=ann@example.com,ou=people,dc=example,dc=com",
        "uid=ann@example.com,ou=people,dc=example,dc=com"
    )]
    #[case(
        "UID = Ann@Example.com , OU=People ; DC=example,DC=com",
        "uid=ann@example.com,ou=people,dc=example,dc=com"
    )]
    #[case("cn=Sales\\, EMEA,ou=groups,dc=x", "cn=sales\\, emea,ou=groups,dc=x")]
    #[case("cn=Sales\\2c EMEA,ou=groups,dc=x", "cn=sales\\, emea,ou=groups,dc=x")]
    #[case("commonName=\\c3\\b6l,dc=x", "cn=öl,dc=x")]
    #[case("2.5.4.3=#0403414243,dc=x", "cn=abc,dc=x")]
    #[case("OID.2.5.4.3=a,dc=x", "cn=a,dc=x")]
    #[case("cn=a+uid=b,dc=x", "cn=a+uid=b,dc=x")]
    #[case("uid=b+cn=a,dc=x", "cn=a+uid=b,dc=x")]
    #[case("cn=\\ a\\ ,dc=x", "cn=a,dc=x")]
    #[case("cn=,dc=x", "cn=,dc=x")]
    #[case("entryDN=\\0bCN\\=A,dc=x", "entrydn=cn\\3Da,dc=x")]
    #[case("uid=a=b@x.example", "uid=a\\3Db@x.example")]
    #[case("mobile=a \u{307},dc=x", "mobile=ȧ,dc=x")]
    // As ldapts 8.2.0 writes blanks at the ends.
    #[case("cn=\" Sales, EMEA \" , dc=x", "cn=sales\\, emea,dc=x")]
    #[case("cn=\"a\\\"b\"+uid=\"\",dc=x", "cn=a\\\"b+uid=,dc=x")]
    #[case("", "")]
    fn names_compare_by_their_key(#[case] text: &str, #[case] key: &str) {
        let dn = Dn::parse(text).unwrap();
        assert_eq!(dn.key(), key);
        assert_eq!(Dn::parse(&dn.to_string()).unwrap().key(), key);
        // A key is a name with this key.
        assert_eq!(Dn::parse(key).unwrap().key(), key);
    }

    #[rstest]
    #[case("ann", "ATTRIBUTE=VALUE")]
    #[case("cn=a,", "end with a comma")]
    #[case("cn=a,b", "ATTRIBUTE=VALUE")]
    #[case("c n=a", "letters, digits")]
    #[case("cn=a\\", "backslash")]
    #[case("cn=a\\zz", "backslash")]
    #[case("cn=a\"b\"", "backslash")]
    #[case("cn=\"a", "one after it")]
    #[case("cn=\"a\\", "backslash")]
    #[case("cn=\"a\"b,dc=x", "comma or a plus")]
    #[case("cn=\\ff", "UTF-8")]
    #[case("cn=#04", "hexadecimal")]
    #[case("cn=#0g", "hexadecimal")]
    fn what_is_no_name_says_why(#[case] text: &str, #[case] says: &str) {
        let error = Dn::parse(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn domains_and_names_of_components_are_the_same() {
        assert_eq!(Dn::of_domain("example.com").to_string(), "dc=example,dc=com");
        assert_eq!(Dn::parse("DC=Example,domainComponent=com").unwrap().domain().unwrap(), "Example.com");
        assert_eq!(Dn::parse("o=x,dc=com").unwrap().domain(), None);
        assert_eq!(Dn::default().domain(), None);
    }

    proptest! {
        #[test]
        fn any_value_is_written_and_read_back(value in "\\PC{0,20}|[ #\"+,;<>\\\\=]{0,8}|[\\x00-\\x20]{0,4}") {
            let text = Dn::default().child("cn", &value).to_string();
            let read = Dn::parse(&text).unwrap();
            prop_assert_eq!(&read.part(0).unwrap().value, &value);
        }

        #[test]
        fn any_text_is_a_name_or_an_error(text in "\\PC{0,60}|[a-z=,+\\\\#\" ]{0,40}") {
            if let Ok(dn) = Dn::parse(&text) {
                prop_assert_eq!(Dn::parse(&dn.to_string()).unwrap().key(), dn.key());
            }
        }
    }
}
