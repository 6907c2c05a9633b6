//! Disconnects clients that stop reading: otherwise they would hold a connection and its response for ever. Also closes
//! a connection gracefully, so that a client that is still sending can read its response.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a client may keep sending after its response before the connection is closed.
const LINGERS: Duration = Duration::from_secs(5);

/// How many bytes it may send in that time.
const LINGERS_FOR: usize = 4 << 20;

/// A stream whose writes fail after no progress for some time.
pub(super) struct Patient<S> {
    stream: S,
    limit: Duration,
    /// Runs since a write began to wait.
    waiting: Option<Pin<Box<Sleep>>>,
    /// The client may still be sending when the connection ends.
    lingers: Arc<AtomicBool>,
    /// Set when the server's side was closed: the timeout and the discarded bytes.
    ended: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, waiting: None, lingers: Arc::default(), ended: None }
    }

    /// Set this when a response was sent while the client may still be sending: its data is then discarded for a while.
    /// Closing a connection with unread data would reset it, and the client would lose the response.
    pub(super) fn lingers(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lingers)
    }

    /// The outcome of a write; an error after no progress for too long.
    fn check_progress(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        #[expect(clippy::disallowed_methods, reason = "that nobody reads is told by no event")]
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read the response")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.check_progress(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.check_progress(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.ended.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        if !this.lingers.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        #[expect(clippy::disallowed_methods, reason = "that nobody stops sending is told by no event")]
        let (until, thrown) = this.ended.get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGERS)), 0));
        let mut room = [MaybeUninit::uninit(); 8 << 10];
        while *thrown < LINGERS_FOR {
            let mut buffer = ReadBuf::uninit(&mut room);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => *thrown += buffer.filled().len(),
                // The client has closed as well.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(until.as_mut().poll(cx));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
