//! Messages (RFC 4511, 4): requests are read, responses written straight into a buffer.
//!
//! Values are octets, names are UTF-8. A value that is not UTF-8 is no error: it matches nothing. Such a name of an entry names
//! nothing.

use crate::ber::{self, BOOLEAN, ENUMERATED, INTEGER, Malformed, OCTETS, Reader, SEQUENCE, Writer};
use crate::code::{Code, Outcome};

/// Simple paged results (RFC 2696).
pub const PAGED: &str = "1.2.840.113556.1.4.319";
/// Password policy (draft-behera-ldap-password-policy).
pub const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
/// ManageDsaIT (RFC 3296): there are no referrals, so it changes nothing.
pub const MANAGE_DSA_IT: &str = "2.16.840.1.113730.3.4.2";
/// StartTLS.
pub const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// Who am I (RFC 4532).
pub const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";
/// Password modify (RFC 3062).
pub const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
/// Notice of disconnection.
const DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// A request.
pub struct Message<'m> {
    /// Its id.
    pub id: i32,
    /// What is asked.
    pub request: Request<'m>,
    /// Its controls.
    pub controls: Vec<Control<'m>>,
}

/// What is asked.
pub enum Request<'m> {
    /// Proves who the client is.
    Bind {
        /// Version of the protocol.
        version: i64,
        /// A distinguished name, or an address.
        name: &'m str,
        /// The password; `None`: another method than a password.
        password: Option<&'m [u8]>,
    },
    /// Ends the connection.
    Unbind,
    /// Finds entries.
    Search(Search<'m>),
    /// Compares one value.
    Compare {
        /// The entry.
        dn: &'m str,
        /// The attribute.
        attribute: &'m str,
        /// The value.
        value: &'m [u8],
    },
    /// Gives up an earlier request.
    Abandon(i32),
    /// Another operation, by its number.
    Extended {
        /// Its number.
        name: &'m str,
        /// What it takes.
        value: Option<&'m [u8]>,
    },
    /// A change of an entry, which is refused: the tag of its response.
    Write(u8),
}

/// A search.
#[derive(Clone, Copy)]
pub struct Search<'m> {
    /// Where it begins.
    pub base: &'m str,
    /// How far it reaches.
    pub scope: Scope,
    /// Most entries, by the client; 0: no limit.
    pub size_limit: i64,
    /// Seconds, by the client; 0: no limit.
    pub time_limit: i64,
    /// Only names of attributes.
    pub types_only: bool,
    /// The encoded filter.
    pub filter: &'m [u8],
    attributes: &'m [u8],
}

/// How far a search reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The entry itself.
    Base,
    /// The entries below it, without itself.
    One,
    /// The entry and all below it.
    Whole,
}

impl<'m> Search<'m> {
    /// The names of the attributes that are asked for.
    pub fn attributes(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        let mut reader = Reader::new(self.attributes);
        // They were read once before.
        std::iter::from_fn(move || reader.text(OCTETS).ok())
    }

    /// The encoded names of the attributes.
    pub fn encoded_attributes(&self) -> &'m [u8] {
        self.attributes
    }
}

/// A control.
pub struct Control<'m> {
    /// Its number.
    pub name: &'m str,
    /// Whether the request must be refused where it is not known.
    pub is_critical: bool,
    /// Its value.
    pub value: Option<&'m [u8]>,
}

/// Reads a message.
///
/// # Errors
/// When it is malformed, or no request.
pub fn decode(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut message = reader.sequence(SEQUENCE)?;
    reader.end()?;
    let id = i32::try_from(message.integer(INTEGER)?).ok().filter(|id| *id >= 0);
    let id = id.ok_or(Malformed("the id of a message is a number from 0 to 2,147,483,647"))?;
    let (tag, content) = message.element()?;
    let request = request(tag, content)?;
    let mut controls = Vec::new();
    if let Some(list) = message.optional(0xa0)? {
        let mut list = Reader::new(list);
        while !list.is_empty() {
            controls.push(control(list.sequence(SEQUENCE)?)?);
        }
    }
    // What a later version of the protocol may add is ignored (RFC 4511, 4).
    Ok(Message { id, request, controls })
}

fn control(mut reader: Reader<'_>) -> Result<Control<'_>, Malformed> {
    Ok(Control {
        name: reader.text(OCTETS)?,
        is_critical: reader.optional(BOOLEAN)?.map(ber::boolean).transpose()?.unwrap_or(false),
        value: reader.optional(OCTETS)?,
    })
}

fn request(tag: u8, content: &[u8]) -> Result<Request<'_>, Malformed> {
    let mut reader = Reader::new(content);
    Ok(match tag {
        0x60 => {
            let (version, name) = (reader.integer(INTEGER)?, entry_name(&mut reader)?);
            let (method, password) = reader.element()?;
            Request::Bind { version, name, password: (method == 0x80).then_some(password) }
        }
        0x42 => Request::Unbind,
        0x63 => Request::Search(search(reader)?),
        0x6e => {
            let dn = entry_name(&mut reader)?;
            let mut assertion = reader.sequence(SEQUENCE)?;
            Request::Compare { dn, attribute: assertion.text(OCTETS)?, value: assertion.expect(OCTETS)? }
        }
        0x50 => Request::Abandon(
            i32::try_from(ber::integer(content)?)
                .map_err(|_| Malformed("the id of a message is too large"))?,
        ),
        0x77 => Request::Extended { name: reader.text(0x80)?, value: reader.optional(0x81)? },
        0x66 | 0x68 | 0x6c => Request::Write(tag + 1),
        0x4a => Request::Write(0x6b),
        _ => return Err(Malformed("the message is no request of LDAP")),
    })
}

/// The name of an entry. One that is not UTF-8 becomes a text that names nothing, so that one name does not end a connection.
fn entry_name<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    Ok(str::from_utf8(reader.expect(OCTETS)?).unwrap_or("\u{fffd}"))
}

fn search(mut reader: Reader<'_>) -> Result<Search<'_>, Malformed> {
    let base = entry_name(&mut reader)?;
    let scope = match reader.integer(ENUMERATED)? {
        0 => Scope::Base,
        1 => Scope::One,
        2 => Scope::Whole,
        _ => return Err(Malformed("the scope of a search is 0, 1 or 2")),
    };
    // There are no aliases of entries to follow.
    let _aliases = reader.integer(ENUMERATED)?;
    let (size_limit, time_limit) = (reader.integer(INTEGER)?, reader.integer(INTEGER)?);
    let types_only = reader.boolean(BOOLEAN)?;
    let filter = reader.raw()?;
    let attributes = reader.expect(SEQUENCE)?;
    let mut names = Reader::new(attributes);
    while !names.is_empty() {
        names.text(OCTETS)?;
    }
    Ok(Search { base, scope, size_limit, time_limit, types_only, filter, attributes })
}

/// The value of the control for pages: the most entries, and where the page begins.
pub(crate) fn paging(value: Option<&[u8]>) -> Result<(i64, &[u8]), Malformed> {
    let value = value.ok_or(Malformed("the control for pages has a value"))?;
    let mut reader = Reader::new(value).sequence(SEQUENCE)?;
    Ok((reader.integer(INTEGER)?, reader.expect(OCTETS)?))
}

/// What password modify takes: the user, the present and the new password.
pub(crate) struct PasswordModify<'m> {
    pub(crate) user: Option<&'m str>,
    pub(crate) present: Option<&'m [u8]>,
    pub(crate) new: Option<&'m [u8]>,
}

pub(crate) fn password_modify(value: Option<&[u8]>) -> Result<PasswordModify<'_>, Malformed> {
    let Some(value) = value else { return Ok(PasswordModify { user: None, present: None, new: None }) };
    let mut reader = Reader::new(value).sequence(SEQUENCE)?;
    Ok(PasswordModify {
        user: reader.optional(0x80)?.map(ber::text).transpose()?,
        present: reader.optional(0x81)?,
        new: reader.optional(0x82)?,
    })
}

/// Appends a response. `inner` writes the protocol operation.
pub(crate) fn respond(out: &mut Vec<u8>, id: i32, inner: impl FnOnce(&mut Writer<'_>)) {
    let mut writer = Writer(out);
    let message = writer.begin(SEQUENCE);
    writer.integer(INTEGER, i64::from(id));
    inner(&mut writer);
    writer.end(message);
}

/// Appends a response that has a result, with what comes after the result in the operation and after the operation.
pub(crate) fn result(
    out: &mut Vec<u8>,
    id: i32,
    tag: u8,
    outcome: &Outcome,
    more: impl FnOnce(&mut Writer<'_>),
    controls: impl FnOnce(&mut Writer<'_>),
) {
    respond(out, id, |writer| {
        let operation = writer.begin(tag);
        writer.integer(ENUMERATED, i64::from(outcome.code.number()));
        writer.octets(OCTETS, outcome.matched.as_bytes());
        writer.octets(OCTETS, outcome.text.as_bytes());
        more(writer);
        writer.end(operation);
        controls(writer);
    });
}

/// Writes a control of a response.
pub(crate) fn write_control(writer: &mut Writer<'_>, name: &str, value: &[u8]) {
    let list = writer.begin(0xa0);
    let one = writer.begin(SEQUENCE);
    writer.octets(OCTETS, name.as_bytes());
    writer.octets(OCTETS, value);
    writer.end(one);
    writer.end(list);
}

/// Appends the notice that the server closes the connection.
pub(crate) fn disconnection(out: &mut Vec<u8>, code: Code, text: &str) {
    let outcome = Outcome::new(code, text);
    result(out, 0, 0x78, &outcome, |writer| writer.octets(0x8a, DISCONNECTION.as_bytes()), |_| {});
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bind() -> Vec<u8> {
        let mut out = Vec::new();
        respond(&mut out, 7, |writer| {
            let bind = writer.begin(0x60);
            writer.integer(INTEGER, 3);
            writer.octets(OCTETS, b"cn=a");
            writer.octets(0x80, b"\xff");
            writer.end(bind);
            let list = writer.begin(0xa0);
            let one = writer.begin(SEQUENCE);
            writer.octets(OCTETS, PASSWORD_POLICY.as_bytes());
            writer.octets(BOOLEAN, &[0xff]);
            writer.end(one);
            writer.end(list);
        });
        out
    }

    #[test]
    fn a_message_has_an_id_a_request_and_controls() {
        let bytes = bind();
        let message = decode(&bytes).unwrap();
        assert_eq!(message.id, 7);
        assert!(matches!(
            message.request,
            Request::Bind { version: 3, name: "cn=a", password: Some(b"\xff") }
        ));
        let control = &message.controls[0];
        assert_eq!((control.name, control.is_critical, control.value), (PASSWORD_POLICY, true, None));
    }

    #[test]
    fn writes_are_known_by_the_tag_of_their_response() {
        for (tag, response) in [(0x66, 0x67), (0x68, 0x69), (0x4a, 0x6b), (0x6c, 0x6d)] {
            let mut out = Vec::new();
            respond(&mut out, 1, |writer| writer.octets(tag, b""));
            assert!(matches!(decode(&out).unwrap().request, Request::Write(tag) if tag == response));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(at in 0_usize..40, byte: u8, bytes: Vec<u8>) {
            let _ = decode(&bytes);
            let mut changed = bind();
            let at = at % changed.len();
            changed[at] = byte;
            let _ = decode(&changed);
        }
    }
}
