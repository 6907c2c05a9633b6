//! A relay between a client and the server that records one connection, so that a test can check what the client sends.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// A relay that waits for its connection or serves it.
pub(crate) struct Relay {
    address: SocketAddr,
    recording: JoinHandle<Vec<u8>>,
}

impl Relay {
    /// Relays one connection to a server. A second connection is refused.
    pub(crate) fn to_server(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let recording = thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            drop(listener);
            copy_both_ways(&client, &TcpStream::connect(server).unwrap())
        });
        Self { address, recording }
    }

    /// The base URL for the client.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The request, once the client has ended; `None` if it sent none.
    pub(crate) fn sent(self) -> Option<Sent> {
        // Ends the wait for a client that never connected. After a connection of a client, it is refused.
        drop(TcpStream::connect(self.address));
        Sent::parse(&self.recording.join().unwrap())
    }
}

fn copy_both_ways(client: &TcpStream, server: &TcpStream) -> Vec<u8> {
    thread::scope(|scope| {
        scope.spawn(|| copy_until_end(server, client));
        copy_until_end(client, server)
    })
}

/// Copies until one side closes, and closes the other.
fn copy_until_end(mut from: &TcpStream, mut to: &TcpStream) -> Vec<u8> {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    // An error ends the connection like a close.
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _: io::Result<()> = to.shutdown(Shutdown::Write);
    seen
}

/// One request as it was sent.
pub(crate) struct Sent {
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Sent {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let headers = bytes[..end].split(|&byte| byte == b'\n').skip(1).map(|line| {
            let colon = line.iter().position(|&byte| byte == b':').unwrap();
            let name = String::from_utf8(line[..colon].to_vec()).unwrap();
            (name, line[colon + 1..].trim_ascii().to_vec())
        });
        Some(Self { headers: headers.collect(), body: bytes[end + 4..].to_vec() })
    }

    /// The value of a header; case does not matter.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let mut same = self.headers.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(name));
        same.next().map(|(_, value)| value.as_slice())
    }

    /// The value of `x-mc-date`, which must be UTF-8.
    pub(crate) fn date(&self) -> &str {
        str::from_utf8(self.header("x-mc-date").unwrap()).unwrap()
    }

    /// The names of these headers, spelt and ordered as they were sent.
    pub(crate) fn names_among(&self, names: &[&str]) -> Vec<&str> {
        let sent = self.headers.iter().map(|(name, _)| name.as_str());
        sent.filter(|sent| names.iter().any(|name| name.eq_ignore_ascii_case(sent))).collect()
    }

    /// The body, which must be UTF-8.
    pub(crate) fn body(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value))?;
        }
        write!(f, "\n{}", String::from_utf8_lossy(&self.body))
    }
}
