//! The load driver: one thread for all connections, so that as little as possible of the machine goes to it and not to
//! the server. It sends rendered bytes and looks at an answer only as far as is needed to know that all went well.

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

/// How long to wait for the last answers. The server's own limit is 60 seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// How many requests to send, and when.
pub(crate) struct Load {
    pub(crate) requests: Requests,
    pub(crate) connections: usize,
    /// From one request of a connection to its next; `None`: as soon as the answer is there.
    pub(crate) every: Option<Duration>,
}

/// The result.
pub(crate) struct Sent {
    /// Answered with success, each a creation of every item.
    pub(crate) answered: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Processor time of the driver itself, in microseconds per request.
    pub(crate) own_micros: f64,
    /// Answered otherwise than expected, and the first of those answers. Only where that is allowed to happen.
    pub(crate) others: Others,
    /// Of each request, in microseconds.
    micros: Vec<u32>,
    /// For another measurement with the same bytes.
    pub(crate) requests: Requests,
}

/// Answers that were not as expected.
#[derive(Debug, Default)]
pub(crate) struct Others {
    pub(crate) count: u64,
    pub(crate) first: Option<String>,
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

/// Sends one request and gives back the body of its answer.
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
        let mut connection = Connection::new(stream, Expected::Creation);
        connection.buffer.resize(256 * 1_024, 0);
        Ok(Self { runtime, connection })
    }

    /// The body of the answer, and the milliseconds it took to come.
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

    /// Sends until the deadline or until there is nothing left; gives back latencies, when the last answer came, and what
    /// was not as expected.
    async fn run(
        mut self,
        requests: Arc<Requests>,
        pace: Option<(Instant, Duration)>,
        deadline: Instant,
    ) -> anyhow::Result<(Vec<u32>, Instant, Others)> {
        let mut micros = Vec::with_capacity(1 << 16);
        let (mut now, mut due, mut others) = (machine::now(), pace, Others::default());
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

    /// Sends a request and reads the answer to its end.
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

    /// Holds an answer to what it must be, or says how it begins.
    fn check_answer(&self, answer: &Answer) -> Result<(), String> {
        let body = &self.buffer[answer.body.clone()];
        let good = match &self.expected {
            // Of three parts the last: `fail` is empty.
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
