//! Stands between a client and the server for one connection and writes down what the client sends, so that a test can
//! show that its client does what makes it worth running.

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
    /// A relay to a server. A client that connects twice is refused the second time.
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

    /// What was sent, once the client has ended; nothing if it never sent a request.
    pub(crate) fn sent(self) -> Option<Sent> {
        // If the client never connected, this does; it is refused if the client did.
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

/// Copies until one side has had enough, and passes the end on.
fn copy_until_end(mut from: &TcpStream, mut to: &TcpStream) -> Vec<u8> {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    // An error is an end like any other: clients leave as they please.
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _: io::Result<()> = to.shutdown(Shutdown::Write);
    seen
}

/// One request as it crossed the network.
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

    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let mut same = self.headers.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(name));
        same.next().map(|(_, value)| value.as_slice())
    }

    /// The value of `x-mc-date`, which has to be UTF-8.
    pub(crate) fn date(&self) -> &str {
        str::from_utf8(self.header("x-mc-date").unwrap()).unwrap()
    }

    /// Which of these headers were sent, as they were spelt and in the order of the wire.
    pub(crate) fn names_among(&self, names: &[&str]) -> Vec<&str> {
        let sent = self.headers.iter().map(|(name, _)| name.as_str());
        sent.filter(|sent| names.iter().any(|name| name.eq_ignore_ascii_case(sent))).collect()
    }

    /// The body, which has to be UTF-8.
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
