//! Messages by hand: what no client library sends, and what some of them do.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{BASE, Door, group_dn, user_dn};

/// An element.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => out.push(length),
        _ => {
            out.push(0x83);
            out.extend_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes()[1..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A message with an operation and controls.
pub(crate) fn message(id: u8, operation: &[u8], controls: &[Vec<u8>]) -> Vec<u8> {
    let mut content = [&[2, 1, id][..], operation].concat();
    if !controls.is_empty() {
        content.extend(element(0xa0, &controls.concat()));
    }
    element(0x30, &content)
}

pub(crate) fn control(name: &str, is_critical: bool, value: Option<&[u8]>) -> Vec<u8> {
    let mut content = element(4, name.as_bytes());
    if is_critical {
        content.extend([1, 1, 0xff]);
    }
    content.extend(value.map(|value| element(4, value)).unwrap_or_default());
    element(0x30, &content)
}

pub(crate) fn bind(id: u8, name: &str, password: &[u8]) -> Vec<u8> {
    let content = [&[2, 1, 3][..], &element(4, name.as_bytes()), &element(0x80, password)].concat();
    message(id, &element(0x60, &content), &[])
}

pub(crate) fn equal(name: &str, value: &[u8]) -> Vec<u8> {
    element(0xa3, &[element(4, name.as_bytes()), element(4, value)].concat())
}

/// A search below the base for one attribute.
pub(crate) fn search(id: u8, filter: &[u8], attribute: &str, controls: &[Vec<u8>]) -> Vec<u8> {
    let head = [&element(4, BASE.as_bytes())[..], &[10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0]].concat();
    let attributes = element(0x30, &element(4, attribute.as_bytes()));
    message(id, &element(0x63, &[&head[..], filter, &attributes].concat()), controls)
}

/// A connection, and what was read of it and not used yet.
pub(crate) struct Raw<S> {
    pub(crate) stream: S,
    rest: Vec<u8>,
}

/// A response: id, tag of the operation, its content, and the controls.
pub(crate) struct Response {
    pub(crate) id: u8,
    pub(crate) tag: u8,
    pub(crate) content: Vec<u8>,
    pub(crate) controls: Vec<u8>,
}

impl Response {
    /// The result code.
    pub(crate) fn code(&self) -> u8 {
        assert_eq!(&self.content[..2], &[10, 1], "a result");
        self.content[2]
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.content.windows(text.len()).any(|part| part == text.as_bytes())
    }
}

/// Tag, content, and what comes after an element.
pub(crate) fn split(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, head) = match bytes[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let count = usize::from(long & 0x7f);
            let digits = &bytes[2..2 + count];
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), 2 + count)
        }
    };
    (bytes[0], &bytes[head..head + length], &bytes[head + length..])
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub(crate) fn on(stream: S) -> Self {
        Self { stream, rest: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next response; `None`: the connection was closed.
    pub(crate) async fn response(&mut self) -> Option<Response> {
        loop {
            if self.rest.len() >= 6 {
                let length = u32::from_be_bytes(self.rest[2..6].try_into().unwrap());
                let whole = 6 + usize::try_from(length).unwrap();
                if self.rest.len() >= whole {
                    let message: Vec<u8> = self.rest.drain(..whole).collect();
                    let (_, content, _) = split(&message);
                    let (_, id, operation) = split(content);
                    let (tag, content, controls) = split(operation);
                    let (content, controls) = (content.to_vec(), controls.to_vec());
                    return Some(Response { id: *id.last().unwrap(), tag, content, controls });
                }
            }
            // A reset is an end too.
            if self.stream.read_buf(&mut self.rest).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Sends a request, and gives its entries and its result.
    pub(crate) async fn ask(&mut self, bytes: &[u8]) -> (Vec<Response>, Response) {
        self.send(bytes).await;
        let mut entries = Vec::new();
        loop {
            let response = self.response().await.unwrap();
            match response.tag {
                0x64 => entries.push(response),
                _ => return (entries, response),
            }
        }
    }
}

impl Door {
    pub(crate) async fn raw(&self) -> Raw<TcpStream> {
        let address = self.server.server().ldap_addresses()[0].unwrap();
        Raw::on(TcpStream::connect(address).await.unwrap())
    }

    /// A connection by hand that the application has bound.
    pub(crate) async fn raw_service(&self) -> Raw<TcpStream> {
        let mut raw = self.raw().await;
        let (_, bound) = raw.ask(&bind(1, &self.bind_dn(), self.secret.as_bytes())).await;
        assert_eq!((bound.tag, bound.code()), (0x61, 0));
        raw
    }
}

/// What ten client libraries send (docs/LDAP.md has the table).
#[tokio::test]
async fn values_are_octets() {
    let door = Door::seeded().await;
    let mut raw = door.raw_service().await;
    let found = async |raw: &mut Raw<TcpStream>, filter: &[u8]| {
        let (entries, result) = raw.ask(&search(2, filter, "1.1", &[])).await;
        assert_eq!(result.code(), 0);
        entries.len()
    };
    // UTF-8 is found; Latin-1, doubly encoded text and an escape that was not undone are not, and are no error.
    assert_eq!(found(&mut raw, &equal("cn", "Bob Öl".as_bytes())).await, 1);
    assert_eq!(found(&mut raw, &equal("cn", b"Bob \xd6l")).await, 0);
    assert_eq!(found(&mut raw, &equal("cn", "Bob Ã\u{96}l".as_bytes())).await, 0);
    assert_eq!(found(&mut raw, &equal("cn", b"Bob \\c3\\96l")).await, 0);
    assert_eq!(found(&mut raw, &equal("entryUUID", &[0xff; 16])).await, 0);
    // Filters that are always true, and always false.
    assert_eq!(found(&mut raw, &[0xa0, 0]).await, 17);
    assert_eq!(found(&mut raw, &[0xa1, 0]).await, 0);
    // A group by its name with escapes in any form.
    let sales = format!("cn=Sales\\2C EMEA,ou=groups,{BASE}");
    for group in [group_dn("Sales, EMEA"), sales] {
        assert_eq!(found(&mut raw, &equal("memberOf", group.as_bytes())).await, 2);
    }
}

/// In Latin-1 a name of an entry is none, and the connection stays.
#[tokio::test]
async fn a_name_in_octets_that_are_no_text_names_nothing() {
    let door = Door::seeded().await;
    let mut raw = door.raw_service().await;
    let name = element(4, b"uid=caf\xe9,ou=people,dc=example,dc=com");
    let rest =
        [&[10, 1, 0, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0][..], &[0xa0, 0], &element(0x30, b"")].concat();
    let search = element(0x63, &[&name[..], &rest].concat());
    assert_eq!(raw.ask(&message(2, &search, &[])).await.1.code(), 34);
    let assertion = element(0x30, &[element(4, b"cn"), element(4, b"x")].concat());
    let compare = element(0x6e, &[&name[..], &assertion].concat());
    assert_eq!(raw.ask(&message(3, &compare, &[])).await.1.code(), 34);
    let bind = element(0x60, &[&[2, 1, 3][..], &name, &element(0x80, b"a password")].concat());
    assert_eq!(raw.ask(&message(4, &bind, &[])).await.1.code(), 49);
    assert_eq!(raw.ask(&self::bind(5, "", b"")).await.1.code(), 0);
}

#[tokio::test]
async fn attributes_have_the_names_of_the_server() {
    let door = Door::seeded().await;
    let mut raw = door.raw_service().await;
    let (entries, _) = raw.ask(&search(2, &equal("uid", b"carl"), "MAIL", &[])).await;
    assert!(entries[0].has("mail") && entries[0].has("carl@second.example"));
    // Only the names of attributes: those that have a value.
    let head =
        [&element(4, BASE.as_bytes())[..], &[10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0xff]].concat();
    let attributes = element(0x30, &[element(4, b"mail"), element(4, b"title")].concat());
    let types = [&head[..], &equal("uid", b"carl"), &attributes].concat();
    let (entries, _) = raw.ask(&message(3, &element(0x63, &types), &[])).await;
    let (_, _, types) = split(&entries[0].content);
    let has = |text: &[u8]| types.windows(text.len()).any(|part| part == text);
    assert!(has(b"mail") && !has(b"carl") && !has(b"title"));
    let (_, after_name, _) = split(&entries[0].content);
    assert_eq!(after_name, user_dn("carl@second.example").as_bytes());
}

#[tokio::test]
async fn critical_controls_must_be_known() {
    let door = Door::seeded().await;
    let mut raw = door.raw_service().await;
    let sort = "1.2.840.113556.1.4.473";
    for (name, is_critical, code) in [
        (sort, true, 12),
        (sort, false, 0),
        ("1.2.3", true, 12),
        ("1.2.3", false, 0),
        ("2.16.840.1.113730.3.4.2", true, 0),
    ] {
        let controls = [control(name, is_critical, Some(&[0x30, 0]))];
        let (_, result) = raw.ask(&search(2, &equal("uid", b"carl"), "1.1", &controls)).await;
        assert_eq!(result.code(), code, "{name} {is_critical}");
    }
    // Pages of a compare make no sense.
    let compare =
        [element(4, BASE.as_bytes()), element(0x30, &[element(4, b"dc"), element(4, b"example")].concat())];
    let paged = [control("1.2.840.113556.1.4.319", true, Some(&[0x30, 0]))];
    let (_, result) = raw.ask(&message(2, &element(0x6e, &compare.concat()), &paged)).await;
    assert_eq!((result.tag, result.code()), (0x6f, 12));
}

#[tokio::test]
async fn what_is_no_message_ends_the_connection_with_a_reason() {
    let door = Door::start().await;
    let deep = (0..200).fold(vec![0xa0, 0], |inner, _| element(0xa2, &inner));
    for (bytes, code, says) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), 2, "does the client speak LDAP"),
        (vec![0x16, 3, 1, 0, 5], 2, "does the client speak LDAP"),
        (element(0x30, &[2, 1, 1]), 2, "missing"),
        (vec![0x30, 0x80, 2, 1], 2, "indefinite"),
        (message(1, &element(0x61, &[10, 1, 0]), &[]), 2, "no request"),
        (vec![0x30, 0x84, 0x7f, 0, 0, 0], 2, "longer than allowed"),
        // Before a bind messages are short.
        (element(0x30, &[0; 20_000]), 2, "longer than allowed"),
    ] {
        let mut raw = door.raw().await;
        raw.send(&bytes).await;
        let told = raw.response().await.unwrap();
        assert_eq!((told.id, told.tag, told.code()), (0, 0x78, code), "{says}");
        assert!(told.has(says) && told.has("1.3.6.1.4.1.1466.20036"), "{says}");
        assert!(raw.response().await.is_none());
    }
    // A filter that is too deep is an error of the search.
    let mut raw = door.raw_service().await;
    assert_eq!(raw.ask(&search(2, &deep, "1.1", &[])).await.1.code(), 11);
    assert_eq!(raw.ask(&search(3, &[0xaf, 0], "1.1", &[])).await.1.code(), 2);
    assert_eq!(raw.ask(&search(4, &equal("uid", b"nobody"), "1.1", &[])).await.1.code(), 0);
}

#[tokio::test]
async fn requests_that_arrive_together_are_answered_in_their_order() {
    let door = Door::seeded().await;
    let mut raw = door.raw_service().await;
    let many: Vec<u8> = (2..40).flat_map(|id| search(id, &equal("uid", b"carl"), "1.1", &[])).collect();
    // In pieces of any size.
    for piece in many.chunks(7) {
        raw.send(piece).await;
    }
    for id in 2..40 {
        for tag in [0x64, 0x65] {
            let response = raw.response().await.unwrap();
            assert_eq!((response.id, response.tag), (id, tag));
        }
    }
    // An abandon has no response, and what it names that has ended stays answered.
    raw.send(&message(41, &element(0x50, &[39]), &[])).await;
    assert_eq!(raw.ask(&search(42, &equal("uid", b"carl"), "1.1", &[])).await.1.id, 42);
    raw.send(&message(43, &[0x42, 0], &[])).await;
    assert!(raw.response().await.is_none());
}

#[tokio::test]
async fn a_waiting_search_can_be_abandoned() {
    let door = Door::seeded().await;
    let mut raw = door.raw_service().await;
    // One message after the other is carried out, so the second and the third wait.
    let all = [
        search(2, &[0xa0, 0], "*", &[]),
        search(3, &[0xa0, 0], "*", &[]),
        message(4, &element(0x50, &[3]), &[]),
        search(5, &equal("uid", b"carl"), "1.1", &[]),
    ];
    raw.send(&all.concat()).await;
    let mut done = Vec::new();
    while done.last() != Some(&5) {
        let response = raw.response().await.unwrap();
        if response.tag == 0x65 {
            done.push(response.id);
        }
    }
    assert_eq!(done, [2, 5]);
}
