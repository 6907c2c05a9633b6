//! A connection: messages are read under limits and carried out one after the other. While one runs the next are read, so
//! that it can be abandoned.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadHalf};
use tokio::sync::watch;

use crate::ber::frame;
use crate::code::Code;
use crate::door::{Door, Place};
use crate::message::{self, Request};
use crate::output::Output;
use crate::session::{Flow, Session};

/// Longest message before a bind, in bytes. `[ours]`
const BEFORE_BIND: usize = 16 << 10;

/// Messages that wait while one is carried out; a client that sends more is not read. `[ours]`
const WAITING: usize = 16;

/// Bytes that wait while one is carried out; a client that sends more is not read. `[ours]`
const WAITING_BYTES: usize = 64 << 10;

/// Longest time for a message before a bind: a client that has proved nothing keeps no place. `[ours]`
const IDLE_BEFORE_BIND: Duration = Duration::from_secs(60);

/// How long a client that gets no place may take to read why.
const REFUSAL: Duration = Duration::from_secs(1);

/// Serves a connection on which passwords may be sent, until it ends, or until `stop` is true: then a running operation is
/// finished, and the client is told. It is within TLS, or on an address that only this machine reaches.
pub async fn serve<S>(place: Place, stream: S, peer: SocketAddr, stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    Connection::new(&place.door, stream, Session::new(peer, true, false), stop).run().await;
}

/// The same for a connection in plaintext, on which no password is accepted until StartTLS. `upgrade` is the handshake.
pub async fn serve_until_secure<S, T, U, F>(
    place: Place,
    stream: S,
    peer: SocketAddr,
    upgrade: U,
    stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    T: AsyncRead + AsyncWrite + Unpin + Send,
    U: FnOnce(S) -> F + Send,
    F: Future<Output = io::Result<T>> + Send,
{
    let connection = Connection::new(&place.door, stream, Session::new(peer, false, true), stop.clone());
    let Some((stream, session)) = connection.run().await else { return };
    match upgrade(stream).await {
        Ok(stream) => {
            Connection::new(&place.door, stream, session.secured(), stop).run().await;
        }
        Err(error) => tracing::debug!(%error, %peer, "a TLS handshake failed after StartTLS"),
    }
}

/// Tells a client that there is no place for it.
pub async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    let mut out = Output::new(stream, REFUSAL);
    message::disconnection(&mut out.buffer, Code::Busy, "too many connections: try again later");
    // The client may be gone.
    let _ = out.flush().await;
}

struct Connection<'d, S> {
    door: &'d Door,
    input: Input<S>,
    out: Output<tokio::io::WriteHalf<S>>,
    session: Session,
    stop: watch::Receiver<bool>,
}

/// The reading half, and what was read of it.
struct Input<S> {
    reader: ReadHalf<S>,
    buffer: Vec<u8>,
    waiting: VecDeque<Vec<u8>>,
}

/// Why a connection ends.
enum End {
    /// The client closed it, or is gone.
    Left,
    /// It is closed here, and the client is told why.
    Told(Code, String),
}

/// What was read while an operation ran.
enum Read {
    /// The operation with this id is not wanted any more.
    Abandoned,
    Ended(End),
}

impl<'d, S: AsyncRead + AsyncWrite + Unpin + Send> Connection<'d, S> {
    fn new(door: &'d Door, stream: S, session: Session, stop: watch::Receiver<bool>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let input = Input { reader, buffer: Vec::new(), waiting: VecDeque::new() };
        Self { door, input, out: Output::new(writer, door.limits.answer), session, stop }
    }

    /// Runs until the connection ends, or is to continue over TLS.
    async fn run(mut self) -> Option<(S, Session)> {
        loop {
            let bytes = match self.next().await {
                Ok(bytes) => bytes,
                Err(end) => break self.end(end).await,
            };
            match self.carry_out(&bytes).await {
                Ok(Flow::On) => {}
                // Plaintext that was sent after StartTLS must not be taken as sent within TLS.
                Ok(Flow::Upgrade) if self.input.buffer.is_empty() && self.input.waiting.is_empty() => {
                    let stream = self.input.reader.unsplit(self.out.writer);
                    return Some((stream, self.session));
                }
                Ok(Flow::Upgrade) => {
                    let text = "nothing is sent between StartTLS and the handshake".to_owned();
                    break self.end(End::Told(Code::ProtocolError, text)).await;
                }
                Ok(Flow::Close) => break,
                Err(end) => break self.end(end).await,
            }
        }
        None
    }

    /// The longest message now.
    fn limit(&self) -> usize {
        let most = self.door.limits.message_bytes;
        if self.session.is_bound() { most } else { most.min(BEFORE_BIND) }
    }

    /// The next message.
    async fn next(&mut self) -> Result<Vec<u8>, End> {
        let limit = self.limit();
        let idle = self.door.limits.idle;
        let idle = if self.session.is_bound() { idle } else { idle.min(IDLE_BEFORE_BIND) };
        let reading = async {
            loop {
                self.input.split(limit)?;
                if let Some(bytes) = self.input.waiting.pop_front() {
                    return Ok(bytes);
                }
                self.input.read().await?;
            }
        };
        tokio::select! {
            biased;
            _ = self.stop.wait_for(|stop| *stop) => {
                Err(End::Told(Code::Unavailable, "the server is stopping: connect again".to_owned()))
            }
            read = tokio::time::timeout(idle, reading) => match read {
                Ok(read) => read,
                Err(_) => Err(End::Told(Code::Unavailable, "the connection was idle for too long".to_owned())),
            },
        }
    }

    /// Carries a message out, unless it is abandoned meanwhile.
    async fn carry_out(&mut self, bytes: &[u8]) -> Result<Flow, End> {
        let malformed = |why: crate::ber::Malformed| End::Told(Code::ProtocolError, why.to_string());
        let message = message::decode(bytes).map_err(malformed)?;
        let (limit, id) = (self.limit(), message.id);
        // On the heap only while it runs: a connection would have room for its largest operation, also when it is idle.
        let mut running = Box::pin(self.session.serve(self.door, &message, &mut self.out));
        let ended = loop {
            tokio::select! {
                biased;
                flow = &mut running => return Ok(flow),
                read = self.input.read_on(limit, id) => match read {
                    // A bind cannot be abandoned, and StartTLS neither (RFC 4511, 4.11).
                    Read::Abandoned if matches!(message.request, Request::Search(_) | Request::Compare { .. }) => break None,
                    Read::Abandoned => {}
                    Read::Ended(end) => break Some(end),
                },
            }
        };
        // What was encoded and not sent yet ends with a whole message; it is sent with the next one.
        ended.map_or(Ok(Flow::On), Err)
    }

    /// Tells the client why the connection ends.
    async fn end(&mut self, end: End) {
        if let End::Told(code, text) = end {
            message::disconnection(&mut self.out.buffer, code, &text);
            // The client may be gone.
            let _ = self.out.flush().await;
        }
    }
}

impl<S: AsyncRead> Input<S> {
    /// Reads some bytes. Nothing is lost if it is dropped.
    async fn read(&mut self) -> Result<(), End>
    where
        S: Unpin,
    {
        if self.buffer.is_empty() {
            // An idle connection keeps no memory.
            self.buffer = Vec::new();
        }
        match self.reader.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(End::Left),
            Ok(_) => Ok(()),
        }
    }

    /// Whether nothing more is read until an operation has ended.
    fn is_full(&self) -> bool {
        let bytes: usize = self.waiting.iter().map(Vec::len).sum();
        self.waiting.len() >= WAITING || bytes >= WAITING_BYTES
    }

    /// Moves whole messages from the buffer to those that wait.
    fn split(&mut self, limit: usize) -> Result<(), End> {
        let malformed = |why: crate::ber::Malformed| End::Told(Code::ProtocolError, why.to_string());
        while !self.is_full()
            && let Some(length) = frame(&self.buffer, limit).map_err(malformed)?
            && length <= self.buffer.len()
        {
            let rest = self.buffer.split_off(length);
            self.waiting.push_back(std::mem::replace(&mut self.buffer, rest));
        }
        Ok(())
    }

    /// Reads on while an operation runs, until it is abandoned or the connection ends.
    async fn read_on(&mut self, limit: usize, running: i32) -> Read
    where
        S: Unpin,
    {
        loop {
            if let Err(end) = self.split(limit) {
                return Read::Ended(end);
            }
            if self.takes_abandons(running) {
                return Read::Abandoned;
            }
            if self.is_full() {
                // The client waits until the operation has ended.
                std::future::pending::<()>().await;
            }
            if let Err(end) = self.read().await {
                return Read::Ended(end);
            }
        }
    }

    /// Takes abandons out of the messages that wait, with what they name. True: the running operation is one of them.
    fn takes_abandons(&mut self, running: i32) -> bool {
        let mut is_running = false;
        let mut at = 0;
        while at < self.waiting.len() {
            let named = match message::decode(&self.waiting[at]) {
                Ok(message::Message { request: Request::Abandon(named), .. }) => named,
                _ => {
                    at += 1;
                    continue;
                }
            };
            self.waiting.remove(at);
            is_running |= named == running;
            let names = |bytes: &Vec<u8>| {
                message::decode(bytes).is_ok_and(|message| {
                    message.id == named
                        && matches!(message.request, Request::Search(_) | Request::Compare { .. })
                })
            };
            if let Some(other) = self.waiting.iter().position(names) {
                self.waiting.remove(other);
                at = at.min(other);
            }
        }
        is_running
    }
}
