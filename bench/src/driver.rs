//! The load driver: one thread for all connections, so that it takes as little of the machine as possible. It sends
//! rendered bytes and parses responses only as far as it needs to know whether they succeeded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::answer::{self, Answer};
use crate::figure::quantile;
use crate::machine;
use crate::request::{Expected, Requests};

/// The time to wait for the last responses. The server's limit is 60 seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// How many requests to send, and when.
pub(crate) struct Load {
    pub(crate) requests: Requests,
    pub(crate) connections: usize,
    /// Time between two requests of a connection; `None` sends the next one as soon as the response has arrived.
    pub(crate) every: Option<Duration>,
}

/// The result of a load.
pub(crate) struct Sent {
    /// Requests that succeeded. Each created all of its items.
    pub(crate) answered: u64,
    /// From the first request to the last response.
    pub(crate) elapsed: Duration,
    /// Processor time of the driver, in microseconds per request.
    pub(crate) own_micros: f64,
    /// Unexpected responses, where the scenario allows them.
    pub(crate) others: Others,
    /// Latency of each request, in microseconds.
    micros: Vec<u32>,
    /// The requests, to send the same bytes again.
    pub(crate) requests: Requests,
}

/// Unexpected responses.
#[derive(Debug, Default)]
pub(crate) struct Others {
    pub(crate) count: u64,
    pub(crate) first: Option<String>,
}

impl Sent {
    pub(crate) fn per_second(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency below which this share of the requests lies, in milliseconds.
    pub(crate) fn latency(&mut self, share: f64) -> f64 {
        quantile(&mut self.micros, share) / 1_000.0
    }
}

/// Sends one load. An unsuccessful response ends the measurement with an error, because its result would be invalid.
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
            // Paced connections take turns, so that they do not all send at the same moment.
            let first = every.map(|every| started + every * number as u32 / count);
            let connection = Connection::new(stream, requests.expected.clone());
            connections.spawn(connection.run(Arc::clone(&requests), first.zip(every), deadline));
        }
        (requests, connections)
    });
    let mut sent = Vec::new();
    for (requests, mut connections) in running.collect::<Vec<_>>() {
        let (mut micros, mut last, mut others) = (Vec::new(), started, Others::default());
        while let Some(connection) = connections.join_next().await {
            let (latencies, ended, more) = connection??;
            micros.extend(latencies);
            last = last.max(ended);
            others = Others { count: others.count + more.count, first: others.first.or(more.first) };
        }
        let requests = Arc::into_inner(requests).context("the requests are still in use")?;
        sent.push(Sent {
            answered: micros.len() as u64,
            elapsed: last - started,
            own_micros: 0.0,
            others,
            micros,
            requests,
        });
    }
    Ok(sent)
}

/// Sends one request and returns the body of its response.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream = TcpStream::connect(address).await?;
        let mut connection = Connection::new(stream, Expected::Creation);
        let answer = connection.exchange(request).await?;
        connection.check_answer(&answer).map_err(anyhow::Error::msg)?;
        Ok(connection.buffer[answer.body].to_vec())
    })
}

/// One connection that sends one request after the other.
pub(crate) struct Dialogue {
    runtime: tokio::runtime::Runtime,
    connection: Connection,
}

impl Dialogue {
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stream = runtime.block_on(TcpStream::connect(address))?;
        stream.set_nodelay(true)?;
        let mut connection = Connection::new(stream, Expected::Creation);
        connection.buffer.resize(256 * 1_024, 0);
        Ok(Self { runtime, connection })
    }

    /// The body of the response, and its latency in milliseconds.
    pub(crate) fn ask(&mut self, request: &[u8]) -> anyhow::Result<(&[u8], f64)> {
        let began = machine::now();
        let answer = self.runtime.block_on(self.connection.exchange(request))?;
        let milliseconds = began.elapsed().as_secs_f64() * 1_000.0;
        self.connection.check_answer(&answer).map_err(anyhow::Error::msg)?;
        Ok((&self.connection.buffer[answer.body], milliseconds))
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    expected: Expected,
}

impl Connection {
    fn new(stream: TcpStream, expected: Expected) -> Self {
        Self { stream, buffer: vec![0; 64 * 1_024], expected }
    }

    /// Sends until the deadline or until no request is left. Returns the latencies, the time of the last response, and
    /// the unexpected responses.
    async fn run(
        mut self,
        requests: Arc<Requests>,
        pace: Option<(Instant, Duration)>,
        deadline: Instant,
    ) -> anyhow::Result<(Vec<u32>, Instant, Others)> {
        let mut micros = Vec::with_capacity(1 << 16);
        let (mut now, mut due, mut others) = (machine::now(), pace, Others::default());
        loop {
            // A late response delays the next request. That delay counts, because the server caused it.
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
            let answer = self.exchange(request).await?;
            now = machine::now();
            match self.check_answer(&answer) {
                Ok(()) => micros.push(u32::try_from((now - began).as_micros()).unwrap_or(u32::MAX)),
                Err(why) if matches!(self.expected, Expected::Creation) => bail!(why),
                Err(why) => {
                    others.count += 1;
                    others.first.get_or_insert(why);
                }
            }
            if answer.closes {
                let address = self.stream.peer_addr()?;
                self.stream = TcpStream::connect(address).await?;
                self.stream.set_nodelay(true)?;
            }
        }
        Ok((micros, now, others))
    }

    /// Sends a request and reads the whole response.
    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the server closed a connection");
            filled += read;
            if let Some(answer) = answer::read(&self.buffer[..filled])? {
                ensure!(filled == answer.body.end, "the server sent more than it was asked for");
                return Ok(answer);
            }
        }
    }

    /// Checks a response. The error quotes its beginning.
    fn check_answer(&self, answer: &Answer) -> Result<(), String> {
        let body = &self.buffer[answer.body.clone()];
        let good = match &self.expected {
            // `fail` is the last of three parts, and empty.
            Expected::Creation => answer.status == 200 && body.ends_with(b"\"fail\":[]}"),
            Expected::Of { status, contains } => {
                answer.status == *status
                    && contains.as_ref().is_none_or(|text| {
                        text.is_empty() || body.windows(text.len()).any(|window| window == text.as_bytes())
                    })
            }
        };
        let shown = || String::from_utf8_lossy(&body[..body.len().min(2_000)]).into_owned();
        if good { Ok(()) } else { Err(format!("HTTP {}: {}", answer.status, shown())) }
    }
}
