//! The load driver: one thread for all connections, so that as little as possible of the machine goes to it and not to
//! the server. It sends rendered bytes and looks at an answer only as far as is needed to know that all went well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::figure::quantile;
use crate::machine;
use crate::request::Requests;

/// How long to wait for the last answers. The server's own limit is 60 seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// How many requests to send, and when.
pub(crate) struct Load {
    pub(crate) requests: Requests,
    pub(crate) connections: usize,
    /// From one request of a connection to its next; `None`: as soon as the answer is there.
    pub(crate) every: Option<Duration>,
}

/// What came of it.
pub(crate) struct Sent {
    /// Answered with success, each a creation of every item.
    pub(crate) answered: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Processor time of the driver itself, in microseconds per request.
    pub(crate) own_micros: f64,
    /// Of each request, in microseconds.
    micros: Vec<u32>,
    /// For another measurement with the same bytes.
    pub(crate) requests: Requests,
}

impl Sent {
    pub(crate) fn per_second(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64()
    }

    /// In milliseconds.
    pub(crate) fn latency(&mut self, share: f64) -> f64 {
        quantile(&mut self.micros, share) / 1_000.0
    }
}

/// Sends for some time. An answer that is not a success ends the measurement: what it would say is not valid.
pub(crate) fn send(address: SocketAddr, load: Load, length: Duration) -> anyhow::Result<Sent> {
    let mut sent = send_together(address, vec![load], length)?;
    sent.pop().context("one load")
}

/// Sends several loads at the same time.
pub(crate) fn send_together(
    address: SocketAddr,
    loads: Vec<Load>,
    length: Duration,
) -> anyhow::Result<Vec<Sent>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let before = machine::processor_time(std::process::id())?;
    let sent = async { tokio::time::timeout(length + PATIENCE, drive(address, loads, length)).await };
    let mut sent = runtime.block_on(sent).context("the last answers did not come")??;
    let used = machine::processor_time(std::process::id())? - before;
    let all = sent.iter().map(|sent| sent.answered).sum::<u64>();
    sent.iter_mut().for_each(|sent| sent.own_micros = used * 1e6 / all as f64);
    Ok(sent)
}

async fn drive(address: SocketAddr, loads: Vec<Load>, length: Duration) -> anyhow::Result<Vec<Sent>> {
    let mut open = Vec::new();
    for Load { requests, connections, every } in loads {
        let mut streams = Vec::with_capacity(connections);
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        open.push((Arc::new(requests), streams, every));
    }
    let started = machine::now();
    let deadline = started + length;
    let running = open.into_iter().map(|(requests, streams, every)| {
        let mut connections = JoinSet::new();
        let count = streams.len() as u32;
        for (number, stream) in streams.into_iter().enumerate() {
            // Paced connections take turns: they do not all send at the same moment.
            let first = every.map(|every| started + every * number as u32 / count);
            let connection = Connection { stream, buffer: vec![0; 64 * 1_024] };
            connections.spawn(connection.run(Arc::clone(&requests), first.zip(every), deadline));
        }
        (requests, connections)
    });
    let mut sent = Vec::new();
    for (requests, mut connections) in running.collect::<Vec<_>>() {
        let (mut micros, mut last) = (Vec::new(), started);
        while let Some(connection) = connections.join_next().await {
            let (latencies, ended) = connection??;
            micros.extend(latencies);
            last = last.max(ended);
        }
        let requests = Arc::into_inner(requests).context("the requests are still in use")?;
        sent.push(Sent {
            answered: micros.len() as u64,
            elapsed: last - started,
            own_micros: 0.0,
            micros,
            requests,
        });
    }
    Ok(sent)
}

/// Sends one request and gives back the body of its answer.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream = TcpStream::connect(address).await?;
        let mut connection = Connection { stream, buffer: vec![0; 64 * 1_024] };
        let body = connection.exchange(request).await?;
        Ok(connection.buffer[body].to_vec())
    })
}

/// One connection, one request after the other.
pub(crate) struct Dialogue {
    runtime: tokio::runtime::Runtime,
    connection: Connection,
}

impl Dialogue {
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stream = runtime.block_on(TcpStream::connect(address))?;
        stream.set_nodelay(true)?;
        Ok(Self { runtime, connection: Connection { stream, buffer: vec![0; 256 * 1_024] } })
    }

    /// The body of the answer, and the milliseconds it took to come.
    pub(crate) fn ask(&mut self, request: &[u8]) -> anyhow::Result<(&[u8], f64)> {
        let began = machine::now();
        let body = self.runtime.block_on(self.connection.exchange(request))?;
        let milliseconds = began.elapsed().as_secs_f64() * 1_000.0;
        Ok((&self.connection.buffer[body], milliseconds))
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Sends until the deadline or until there is nothing left; gives back latencies and when the last answer came.
    async fn run(
        mut self,
        requests: Arc<Requests>,
        pace: Option<(Instant, Duration)>,
        deadline: Instant,
    ) -> anyhow::Result<(Vec<u32>, Instant)> {
        let mut micros = Vec::with_capacity(1 << 16);
        let (mut now, mut due) = (machine::now(), pace);
        loop {
            // A request that had to wait for the answer before it has waited for the server: that time counts.
            let mut began = now;
            if let Some((next, every)) = &mut due {
                if now < *next {
                    tokio::time::sleep_until((*next).into()).await;
                    began = machine::now();
                } else {
                    began = *next;
                }
                *next += *every;
            }
            if began >= deadline {
                break;
            }
            let Some(request) = requests.take() else { break };
            self.exchange(request).await?;
            now = machine::now();
            micros.push(u32::try_from((now - began).as_micros()).unwrap_or(u32::MAX));
        }
        Ok((micros, now))
    }

    /// Where the body of the answer stands in the buffer.
    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<std::ops::Range<usize>> {
        self.stream.write_all(request).await?;
        let (mut filled, mut body) = (0, None);
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the server closed a connection");
            filled += read;
            if body.is_none() {
                body = head(&self.buffer[..filled])?;
            }
            if let Some(range) = &body
                && filled >= range.end
            {
                break;
            }
        }
        let body = body.context("an answer")?;
        ensure!(filled == body.end, "the server sent more than it was asked for");
        // Of three parts the last: `fail` is empty.
        if !self.buffer[body.clone()].ends_with(b"\"fail\":[]}") {
            bail!("a creation failed: {}", String::from_utf8_lossy(&self.buffer[..filled.min(2_000)]));
        }
        Ok(body)
    }
}

/// Where the body stands, once all headers are there.
fn head(answer: &[u8]) -> anyhow::Result<Option<std::ops::Range<usize>>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "a request was refused: {}", String::from_utf8_lossy(answer));
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.context("an answer without a content-length")?.parse()?;
    Ok(Some(end + 4..end + 4 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_far_as_needed() {
        let answer = b"HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(head(answer).unwrap(), Some(answer.len() - 5..answer.len()));
        assert_eq!(head(&answer[..30]).unwrap(), None);
        head(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").unwrap_err();
    }
}
