//! BER as LDAP uses it (RFC 4511, 5.1): tags of one byte, definite lengths.

use thiserror::Error;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Bytes that are no LDAP message. The text says what was expected, and never repeats the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) &'static str);

/// Reads elements one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element: its tag and its content.
    pub(crate) fn element(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (&tag, rest) = self.rest.split_first().ok_or(Malformed("an element is missing"))?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed("a tag of more than one byte is not known in LDAP"));
        }
        let (length, head) = length(rest)?.ok_or(Malformed("a length is cut off"))?;
        let content = rest.get(head..).and_then(|rest| rest.get(..length));
        let content = content.ok_or(Malformed("an element is longer than what contains it"))?;
        self.rest = &rest[head + length..];
        Ok((tag, content))
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        let (found, content) = self.element()?;
        if found == tag { Ok(content) } else { Err(Malformed("an element has another type than expected")) }
    }

    /// The next element, if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.rest.first() == Some(&tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// The next element with its tag and length.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], Malformed> {
        let before = self.rest;
        self.element()?;
        Ok(&before[..before.len() - self.rest.len()])
    }

    pub(crate) fn sequence(&mut self, tag: u8) -> Result<Reader<'a>, Malformed> {
        self.expect(tag).map(Reader::new)
    }

    pub(crate) fn integer(&mut self, tag: u8) -> Result<i64, Malformed> {
        integer(self.expect(tag)?)
    }

    pub(crate) fn boolean(&mut self, tag: u8) -> Result<bool, Malformed> {
        boolean(self.expect(tag)?)
    }

    pub(crate) fn text(&mut self, tag: u8) -> Result<&'a str, Malformed> {
        text(self.expect(tag)?)
    }

    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed("an element follows after the last one")) }
    }
}

pub(crate) fn integer(content: &[u8]) -> Result<i64, Malformed> {
    let (&first, _) = content.split_first().ok_or(Malformed("an integer has no bytes"))?;
    if content.len() > 8 {
        return Err(Malformed("an integer has more than 64 bits"));
    }
    let start = if first & 0x80 == 0 { 0 } else { -1 };
    Ok(content.iter().fold(start, |number: i64, byte| number << 8 | i64::from(*byte)))
}

pub(crate) fn boolean(content: &[u8]) -> Result<bool, Malformed> {
    match content {
        [byte] => Ok(*byte != 0),
        _ => Err(Malformed("a boolean has one byte")),
    }
}

pub(crate) fn text(content: &[u8]) -> Result<&str, Malformed> {
    str::from_utf8(content).map_err(|_| Malformed("a name is not UTF-8"))
}

/// A length, and the number of its bytes; `None`: it is cut off.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    if first < 0x80 {
        return Ok(Some((usize::from(first), 1)));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 {
        return Err(Malformed("an indefinite length is not allowed in LDAP"));
    }
    if count > 4 {
        return Err(Malformed("a length has more than four bytes"));
    }
    let Some(digits) = rest.get(..count) else { return Ok(None) };
    let length = digits.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    Ok(Some((length, 1 + count)))
}

/// The bytes of the first message; `None`: more bytes are needed to know.
///
/// # Errors
/// When it is no sequence, or longer than the limit.
pub(crate) fn frame(bytes: &[u8], limit: usize) -> Result<Option<usize>, Malformed> {
    let Some((&tag, rest)) = bytes.split_first() else { return Ok(None) };
    if tag != SEQUENCE {
        return Err(Malformed(
            "a message is a sequence; does the client speak LDAP, and TLS only where it is expected?",
        ));
    }
    let Some((length, head)) = length(rest)? else { return Ok(None) };
    let whole = length.saturating_add(1 + head);
    if whole > limit { Err(Malformed("the message is longer than allowed here")) } else { Ok(Some(whole)) }
}

/// Appends elements to a buffer. Lengths of constructed elements have four bytes, which are filled in at their end, so that
/// nothing is moved.
pub(crate) struct Writer<'b>(pub(crate) &'b mut Vec<u8>);

/// A constructed element that was begun.
#[must_use]
pub(crate) struct Open(usize);

impl Writer<'_> {
    pub(crate) fn begin(&mut self, tag: u8) -> Open {
        self.0.extend_from_slice(&[tag, 0x84, 0, 0, 0, 0]);
        Open(self.0.len())
    }

    pub(crate) fn end(&mut self, open: Open) {
        let length = u32::try_from(self.0.len() - open.0).unwrap_or(u32::MAX);
        self.0[open.0 - 4..open.0].copy_from_slice(&length.to_be_bytes());
    }

    pub(crate) fn octets(&mut self, tag: u8, content: &[u8]) {
        self.0.push(tag);
        match u8::try_from(content.len()) {
            Ok(length) if length < 0x80 => self.0.push(length),
            _ => {
                let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
                self.0.push(0x84);
                self.0.extend_from_slice(&length.to_be_bytes());
            }
        }
        self.0.extend_from_slice(content);
    }

    pub(crate) fn integer(&mut self, tag: u8, number: i64) {
        let bytes = number.to_be_bytes();
        let is_spare = |at: &usize| {
            let sign = if bytes[*at + 1] & 0x80 == 0 { 0 } else { 0xff };
            bytes[*at] == sign
        };
        let skipped = (0..7).take_while(is_spare).count();
        self.octets(tag, &bytes[skipped..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_are_read_as_they_were_written(number: i64) {
            let mut out = Vec::new();
            Writer(&mut out).integer(INTEGER, number);
            prop_assert_eq!(Reader::new(&out).integer(INTEGER).unwrap(), number);
            // The shortest form.
            prop_assert!(out.len() < 4 || !(out[2] == 0 && out[3] < 0x80));
        }

        #[test]
        fn any_bytes_are_elements_or_an_error(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while reader.element().is_ok() {}
            let _ = frame(&bytes, 100);
        }
    }

    #[test]
    fn constructed_elements_contain_what_was_written_into_them() {
        let mut out = Vec::new();
        let mut writer = Writer(&mut out);
        let open = writer.begin(SEQUENCE);
        writer.octets(OCTETS, &[7; 300]);
        writer.octets(OCTETS, b"x");
        writer.end(open);
        assert_eq!(frame(&out, 400).unwrap(), Some(out.len()));
        assert!(frame(&out, 300).is_err());
        let mut inner = Reader::new(&out).sequence(SEQUENCE).unwrap();
        assert_eq!(inner.expect(OCTETS).unwrap(), [7; 300]);
        assert_eq!(inner.text(OCTETS).unwrap(), "x");
        inner.end().unwrap();
    }

    #[test]
    fn what_ldap_does_not_allow_is_refused() {
        for (bytes, says) in [
            (&[0x30, 0x80][..], "indefinite"),
            (&[0x30, 0x85, 0, 0, 0, 0, 0], "four bytes"),
            (&[0x30, 2, 0], "longer than what contains it"),
            (&[0x1f, 1, 0], "more than one byte"),
            (&[], "missing"),
        ] {
            assert!(Reader::new(bytes).element().unwrap_err().to_string().contains(says), "{bytes:?}");
        }
        assert!(frame(&[0x16, 3, 1], 100).is_err());
        assert_eq!(frame(&[0x30, 0x82, 1], 1_000).unwrap(), None);
    }
}
