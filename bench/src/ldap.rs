//! A client of LDAP (RFC 4511): bind, add and search, each request as soon as the previous one is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::machine;
use crate::request::{People, Person};

pub(crate) const SUFFIX: &str = "dc=example,dc=com";
pub(crate) const ADMINISTRATOR: &str = "cn=admin,dc=example,dc=com";
/// The password of a directory that lives for a minute, on this machine only.
pub(crate) const PASSWORD: &str = "bench";

/// Adds per second to render for. A faster server ends the measurement early.
const AT_MOST: f64 = 10_000.0;

/// The attributes that a search asks for.
const ATTRIBUTES: [&str; 3] = ["uid", "cn", "mail"];

/// The control of a page (RFC 2696), and the entries of one.
const PAGED: &str = "1.2.840.113556.1.4.319";
const PAGE: u16 = 500;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;
const ENTRY: u8 = 0x64;
const ADD: u8 = 0x68;
const SIMPLE: u8 = 0x80;
const PRESENT: u8 = 0x87;
const CONTROLS: u8 = 0xa0;
const EQUAL: u8 = 0xa3;

/// A server, and who binds to it.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) name: String,
    pub(crate) password: String,
}

/// Adds people on several connections. Returns adds per second.
pub(crate) fn add(
    peer: &Peer,
    people: &mut People,
    connections: usize,
    length: Duration,
) -> anyhow::Result<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few million at most")]
    let count = (AT_MOST * length.as_secs_f64()) as usize;
    let requests = (0..count).map(|_| entry(&people.next_person())).collect();
    drive(peer, Load { requests, again: false, entries: 0 }, connections, length)
}

/// Searches below the suffix for users by `uid`, of which each is one entry. Returns searches per second.
pub(crate) fn search(
    peer: &Peer,
    names: impl Iterator<Item = String>,
    connections: usize,
    length: Duration,
) -> anyhow::Result<f64> {
    let filter = |name: &str| element(EQUAL, &[octets("uid"), octets(name)].concat());
    let requests = names.map(|name| request(SEARCH, &search_request(&filter(&name)), &[])).collect();
    drive(peer, Load { requests, again: true, entries: 1 }, connections, length)
}

/// Binds users by name and password, in turns. Returns binds per second.
pub(crate) fn bind(
    peer: &Peer,
    users: impl Iterator<Item = (String, String)>,
    connections: usize,
    length: Duration,
) -> anyhow::Result<f64> {
    let requests = users.map(|(name, password)| bind_request(&name, &password)).collect();
    drive(peer, Load { requests, again: true, entries: 0 }, connections, length)
}

/// Reads all users in pages, on one connection. Returns their number and the seconds.
pub(crate) fn walk(peer: &Peer) -> anyhow::Result<(usize, f64)> {
    runtime()?.block_on(async {
        let mut connection = Connection::open(peer).await?;
        let (mut entries, mut cookie, started) = (0, Vec::new(), machine::now());
        loop {
            let page = element(SEQUENCE, &[integer(PAGE), element(OCTETS, &cookie)].concat());
            let control = element(SEQUENCE, &[octets(PAGED), element(OCTETS, &page)].concat());
            let filter = element(PRESENT, b"uid");
            let page = request(SEARCH, &search_request(&filter), &element(CONTROLS, &control));
            let answer = connection.exchange(&page).await?;
            entries += answer.entries;
            cookie = answer.cookie.context("a page without a cookie")?;
            if cookie.is_empty() {
                return Ok((entries, started.elapsed().as_secs_f64()));
            }
        }
    })
}

/// Adds the parent entry of all others.
pub(crate) fn add_suffix(peer: &Peer) -> anyhow::Result<()> {
    let attributes = [("objectClass", "dcObject"), ("objectClass", "organization"), ("o", "Bench")];
    let suffix = add_request(SUFFIX, &[&attributes[..], &[("dc", "example")]].concat());
    runtime()?.block_on(async {
        Connection::open(peer).await?.exchange(&request(ADD, &suffix, &[])).await.map(drop)
    })
}

/// Requests, rendered before the clock starts, like those of the other driver.
struct Load {
    requests: Vec<Vec<u8>>,
    /// Whether they are repeated until the end.
    again: bool,
    /// The entries of each answer.
    entries: usize,
}

/// Sends requests on several connections. Returns answers per second.
fn drive(peer: &Peer, load: Load, connections: usize, length: Duration) -> anyhow::Result<f64> {
    let load = Arc::new(load);
    runtime()?.block_on(async {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(peer).await?);
        }
        let taken = Arc::new(AtomicUsize::new(0));
        let started = machine::now();
        let mut running = JoinSet::new();
        for connection in open {
            running.spawn(connection.run(Arc::clone(&load), Arc::clone(&taken), started + length));
        }
        let (mut answered, mut last) = (0, started);
        while let Some(connection) = running.join_next().await {
            let (more, ended) = connection??;
            answered += more;
            last = last.max(ended);
        }
        Ok(f64::from(answered) / (last - started).as_secs_f64())
    })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// A person as an LDAP entry.
fn entry(person: &Person) -> Vec<u8> {
    let Person { address, name } = person;
    let surname = name.split(' ').next_back().unwrap_or_default();
    let attributes = [
        ("objectClass", "inetOrgPerson"),
        ("uid", &**address),
        ("mail", address),
        ("cn", name),
        ("sn", surname),
    ];
    request(ADD, &add_request(&format!("uid={address},{SUFFIX}"), &attributes), &[])
}

/// The content of an add request. Values of one attribute must be consecutive.
fn add_request(name: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    let groups = attributes.chunk_by(|one, other| one.0 == other.0).flat_map(|group| {
        let values: Vec<u8> = group.iter().flat_map(|(_, value)| element(OCTETS, value.as_bytes())).collect();
        let name = element(OCTETS, group.first().map_or("", |(name, _)| name).as_bytes());
        element(SEQUENCE, &[name, element(SET, &values)].concat())
    });
    let groups: Vec<u8> = groups.collect();
    [element(OCTETS, name.as_bytes()), element(SEQUENCE, &groups)].concat()
}

fn bind_request(name: &str, password: &str) -> Vec<u8> {
    let parts = [integer(3), octets(name), element(SIMPLE, password.as_bytes())];
    request(BIND, &parts.concat(), &[])
}

/// The content of a search of all that is below the suffix, without limits.
fn search_request(filter: &[u8]) -> Vec<u8> {
    let attributes: Vec<u8> = ATTRIBUTES.into_iter().flat_map(octets).collect();
    let (subtree, never) = (element(ENUMERATED, &[2]), element(ENUMERATED, &[0]));
    let (limit, types_only) = (integer(0), element(BOOLEAN, &[0]));
    let parts = [octets(SUFFIX), subtree, never, limit.clone(), limit, types_only, filter.to_vec()];
    [parts.concat(), element(SEQUENCE, &attributes)].concat()
}

/// An LDAP message. Only one is in flight, so all have the same id.
fn request(operation: u8, content: &[u8], controls: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&integer(1), &element(operation, content), controls].concat())
}

fn octets(text: &str) -> Vec<u8> {
    element(OCTETS, text.as_bytes())
}

fn integer(number: u16) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    // A first byte of zero is needed where the next one would be a sign.
    let is_short = bytes[0] == 0 && bytes[1] < 0x80;
    element(INTEGER, if is_short { &bytes[1..] } else { &bytes })
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut bytes = vec![tag];
    match content.len() {
        0..=0x7f => bytes.push(content.len().to_le_bytes()[0]),
        _ => {
            bytes.push(0x80 | length.len().to_le_bytes()[0]);
            bytes.extend_from_slice(length);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// The first element: its tag, its content, and the remaining bytes; `None` while it is incomplete.
fn first_element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(short) {
        length @ 0..=0x7f => (length, rest),
        long => {
            let (length, rest) = rest.split_at_checked(long & 0x7f)?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The elements of a content, one after another. Ends where one is incomplete.
fn elements(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = first_element(bytes)?;
        bytes = rest;
        Some((tag, content))
    })
}

/// The answer to a request.
#[derive(Debug, PartialEq)]
struct Answer {
    entries: usize,
    /// Of a page: empty after the last one.
    cookie: Option<Vec<u8>>,
}

/// The last message of an answer, which must tell success: its cookie.
fn end(message: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut parts = elements(message).skip(1);
    let result = parts.next().and_then(|(_, result)| elements(result).next());
    let code = result.filter(|(tag, _)| *tag == ENUMERATED).and_then(|(_, code)| code.first());
    let code = code.context("no result of LDAP")?;
    ensure!(*code == 0, "the directory refused with code {code}");
    let mut cookie = || {
        let (_, controls) = parts.find(|(tag, _)| *tag == CONTROLS)?;
        let mut controls = elements(controls).map(|(_, control)| elements(control));
        let (_, value) =
            controls.find_map(|mut parts| (parts.next()?.1 == PAGED.as_bytes()).then(|| parts.last())?)?;
        let (_, page) = elements(value).next()?;
        elements(page).nth(1).map(|(_, cookie)| cookie.to_vec())
    };
    Ok(cookie())
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects and binds.
    async fn open(peer: &Peer) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(peer.address).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream, buffer: Vec::with_capacity(4_096) };
        connection.exchange(&bind_request(&peer.name, &peer.password)).await?;
        Ok(connection)
    }

    /// Sends until the deadline or until no request is left. Returns the count and the time of the last answer.
    async fn run(
        mut self,
        load: Arc<Load>,
        taken: Arc<AtomicUsize>,
        deadline: Instant,
    ) -> anyhow::Result<(u32, Instant)> {
        let (mut answered, mut now) = (0, machine::now());
        while now < deadline {
            let taken = taken.fetch_add(1, Ordering::Relaxed);
            let index = if load.again { taken % load.requests.len() } else { taken };
            let Some(request) = load.requests.get(index) else { break };
            let answer = self.exchange(request).await?;
            ensure!(answer.entries == load.entries, "{} entries, not {}", answer.entries, load.entries);
            now = machine::now();
            answered += 1;
        }
        Ok((answered, now))
    }

    /// Sends a request that must succeed.
    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (mut read, mut entries) = (0, 0);
        loop {
            while let Some((_, message, rest)) = first_element(&self.buffer[read..]) {
                let (operation, _) = elements(message).nth(1).context("no message of LDAP")?;
                if operation != ENTRY {
                    return Ok(Answer { entries, cookie: end(message)? });
                }
                entries += 1;
                read = self.buffer.len() - rest.len();
            }
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the directory closed a connection");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_or_long() {
        assert_eq!(element(OCTETS, b"abc"), [4, 3, b'a', b'b', b'c']);
        for length in [0, 127, 128, 255, 256, 70_000] {
            let bytes = element(OCTETS, &vec![7; length]);
            let (tag, content, rest) = first_element(&bytes).unwrap();
            assert_eq!((tag, content.len(), rest.len()), (OCTETS, length, 0));
            assert!(first_element(&bytes[..bytes.len() - 1]).is_none());
        }
    }

    /// Result codes of RFC 4511: success and entryAlreadyExists.
    #[test]
    fn a_result_is_read() {
        let message = |code| [2, 1, 1, 0x69, 7, 10, 1, code, 4, 0, 4, 0];
        assert_eq!(end(&message(0)).unwrap(), None);
        assert!(end(&message(68)).unwrap_err().to_string().contains("code 68"));
        end(&[2, 1, 1]).unwrap_err();
    }

    #[test]
    fn a_page_has_a_cookie() {
        let page = element(SEQUENCE, &[integer(0), octets("next")].concat());
        let control = element(SEQUENCE, &[octets(PAGED), element(OCTETS, &page)].concat());
        let done = element(0x65, &[element(ENUMERATED, &[0]), octets(""), octets("")].concat());
        let message = [integer(1), done, element(CONTROLS, &control)].concat();
        assert_eq!(end(&message).unwrap(), Some(b"next".to_vec()));
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let encoded =
            [(1, &[2, 1, 1][..]), (127, &[2, 1, 127]), (128, &[2, 2, 0, 128]), (500, &[2, 2, 1, 0xf4])];
        for (number, bytes) in encoded {
            assert_eq!(integer(number), bytes);
        }
    }
}
