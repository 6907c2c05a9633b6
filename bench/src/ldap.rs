//! The part of LDAP that adds entries: bind, add, and their results (RFC 4511).

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

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const BIND: u8 = 0x60;
const ADD: u8 = 0x68;
const SIMPLE: u8 = 0x80;

/// Adds people on several connections, each as soon as the previous one is acknowledged. Returns adds per second.
pub(crate) fn add(
    address: SocketAddr,
    people: &mut People,
    connections: usize,
    length: Duration,
) -> anyhow::Result<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few million at most")]
    let count = (AT_MOST * length.as_secs_f64()) as usize;
    // Rendered before the clock starts, like the requests of the other driver.
    let entries: Arc<Vec<_>> = Arc::new((0..count).map(|_| entry(&people.next_person())).collect());
    runtime()?.block_on(async {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(address).await?);
        }
        let taken = Arc::new(AtomicUsize::new(0));
        let started = machine::now();
        let mut running = JoinSet::new();
        for connection in open {
            running.spawn(connection.run(Arc::clone(&entries), Arc::clone(&taken), started + length));
        }
        let (mut added, mut last) = (0, started);
        while let Some(connection) = running.join_next().await {
            let (more, ended) = connection??;
            added += more;
            last = last.max(ended);
        }
        Ok(f64::from(added) / (last - started).as_secs_f64())
    })
}

/// Adds the parent entry of all others.
pub(crate) fn add_suffix(address: SocketAddr) -> anyhow::Result<()> {
    let attributes = [("objectClass", "dcObject"), ("objectClass", "organization"), ("o", "Bench")];
    runtime()?.block_on(async {
        let mut connection = Connection::open(address).await?;
        connection
            .exchange(&request(ADD, &add_request(SUFFIX, &[&attributes[..], &[("dc", "example")]].concat())))
            .await
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
    request(ADD, &add_request(&format!("uid={address},{SUFFIX}"), &attributes))
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

/// An LDAP message. Only one is in flight, so all have the same id.
fn request(operation: u8, content: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[element(INTEGER, &[1]), element(operation, content)].concat())
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

/// The result code, 0 on success; `None` while the message is incomplete.
fn result(bytes: &[u8]) -> Option<anyhow::Result<u8>> {
    let (_, message, _) = first_element(bytes)?;
    let code = || {
        let (_, _, operation) = first_element(message)?;
        let (_, content, _) = first_element(operation)?;
        let (tag, code, _) = first_element(content)?;
        (tag == ENUMERATED).then(|| code.first().copied())?
    };
    Some(code().context("no result of LDAP"))
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects and binds.
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream, buffer: Vec::with_capacity(4_096) };
        let parts = [
            element(INTEGER, &[3]),
            element(OCTETS, ADMINISTRATOR.as_bytes()),
            element(SIMPLE, PASSWORD.as_bytes()),
        ];
        connection.exchange(&request(BIND, &parts.concat())).await?;
        Ok(connection)
    }

    /// Adds until the deadline or until no request is left. Returns the count and the time of the last acknowledgement.
    async fn run(
        mut self,
        entries: Arc<Vec<Vec<u8>>>,
        taken: Arc<AtomicUsize>,
        deadline: Instant,
    ) -> anyhow::Result<(u32, Instant)> {
        let (mut added, mut now) = (0, machine::now());
        while now < deadline
            && let Some(entry) = entries.get(taken.fetch_add(1, Ordering::Relaxed))
        {
            self.exchange(entry).await?;
            now = machine::now();
            added += 1;
        }
        Ok((added, now))
    }

    /// Sends a request that must succeed.
    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the directory closed a connection");
            if let Some(code) = result(&self.buffer) {
                let code = code?;
                ensure!(code == 0, "the directory refused with code {code}");
                return Ok(());
            }
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
        for code in [0, 68] {
            let bytes = [0x30, 12, 2, 1, 1, 0x69, 7, 10, 1, code, 4, 0, 4, 0];
            assert_eq!(result(&bytes).unwrap().unwrap(), code);
            assert!(result(&bytes[..bytes.len() - 1]).is_none());
        }
        result(&[0x30, 3, 2, 1, 1]).unwrap().unwrap_err();
    }
}
