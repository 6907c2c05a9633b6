//! A stream that checks the head of every HTTP/1.1 request before hyper sees it. A refused head is replaced by a
//! request that is answered with the error; nothing after it is read.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::head::{self, Framing, Malformed};

/// The heads of a connection: written by the stream, read by the service.
#[derive(Default)]
pub(super) struct Heads {
    /// The refused head: its number, counted from 0, and the cause.
    refused: OnceLock<(u64, Malformed)>,
    served: AtomicU64,
}

impl Heads {
    /// Counts a request, and returns the error if its head was refused.
    pub(super) fn next(&self) -> Option<Malformed> {
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        self.refused.get().filter(|(refused, _)| *refused == number).map(|(_, why)| *why)
    }
}

pub(super) struct Strict<S> {
    stream: S,
    heads: Arc<Heads>,
    number: u64,
    expected: Expected,
    /// An incomplete head that was searched for its end.
    held: Vec<u8>,
    searched: usize,
    /// Checked bytes, and how many of them were read.
    ready: Vec<u8>,
    handed: usize,
}

/// The expected next part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Head,
    /// This many bytes of a body.
    Body(u64),
    /// The size of a chunk, from the digits so far.
    Size(u64),
    /// The rest of the line with the size of a chunk.
    Extension(u64),
    /// This many bytes of a chunk and its line end.
    Chunk(u64),
    /// A line of trailers; its length so far.
    Trailer(u64),
    /// Invalid chunks. Hyper rejects them as well and reads no further head.
    Anything,
    /// Nothing is read after a refused head.
    Nothing,
}

impl<S> Strict<S> {
    pub(super) fn new(stream: S, heads: Arc<Heads>) -> Self {
        let (held, ready) = (Vec::new(), Vec::new());
        Self { stream, heads, number: 0, expected: Expected::Head, held, searched: 0, ready, handed: 0 }
    }

    /// Checks received bytes. Returns how many may be passed on, and the error if the head after them is refused. The
    /// rest is an incomplete head.
    fn scan(&mut self, bytes: &[u8]) -> (usize, Option<Malformed>) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            self.expected = match self.expected {
                // An empty line before a request is skipped, as RFC 9112 allows.
                Expected::Head if rest.starts_with(b"\r\n") => {
                    at += 2;
                    self.searched = 0;
                    continue;
                }
                Expected::Head => match head::end(rest, self.searched) {
                    Ok(None) => {
                        self.searched = rest.len();
                        return (at, None);
                    }
                    Ok(Some(end)) => match head::judge(&rest[..end]) {
                        Ok(framing) => {
                            self.number += 1;
                            self.searched = 0;
                            at += end;
                            Expected::after_head(&framing)
                        }
                        Err(why) => return (at, Some(why)),
                    },
                    Err(why) => return (at, Some(why)),
                },
                Expected::Body(left) => {
                    let read = left.min(rest.len() as u64);
                    at += read as usize;
                    if read == left { Expected::Head } else { Expected::Body(left - read) }
                }
                Expected::Chunk(left) if left > 2 => {
                    let read = (left - 2).min(rest.len() as u64);
                    at += read as usize;
                    Expected::Chunk(left - read)
                }
                Expected::Anything | Expected::Nothing => return (bytes.len(), None),
                line => {
                    at += 1;
                    line.after_byte(rest[0])
                }
            };
        }
        (at, None)
    }

    /// The held-back bytes are replaced by a request that is answered with the reason.
    fn refuse(&mut self, head: &[u8], why: Malformed) {
        // Only the first: nothing is read after it.
        let _ = self.heads.refused.set((self.number, why));
        self.ready.extend_from_slice(&head::stand_in(head));
        self.expected = Expected::Nothing;
    }
}

impl Expected {
    fn after_head(framing: &Framing) -> Self {
        match framing {
            Framing::Length(0) => Expected::Head,
            Framing::Length(length) => Expected::Body(*length),
            Framing::Chunked => Expected::Size(0),
        }
    }

    /// The state after a byte of a line between chunks.
    fn after_byte(self, byte: u8) -> Self {
        match (self, byte) {
            (Expected::Size(size), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                let size = size.checked_mul(16).and_then(|size| size.checked_add(digit));
                // An impossible size, which would overflow with the line end added.
                size.filter(|size| *size < u64::MAX - 2).map_or(Expected::Anything, Expected::Size)
            }
            (Expected::Size(size), b';' | b' ' | b'\t' | b'\r') => Expected::Extension(size),
            (Expected::Extension(0), b'\n') => Expected::Trailer(0),
            (Expected::Extension(size), b'\n') => Expected::Chunk(size + 2),
            (Expected::Extension(size), _) => Expected::Extension(size),
            (Expected::Chunk(2), b'\r') => Expected::Chunk(1),
            (Expected::Chunk(1), b'\n') => Expected::Size(0),
            // A line with only a CR is the last one.
            (Expected::Trailer(0), b'\r') => Expected::Trailer(u64::MAX),
            (Expected::Trailer(u64::MAX), b'\n') => Expected::Head,
            (Expected::Trailer(_), b'\n') => Expected::Trailer(0),
            (Expected::Trailer(u64::MAX), _) => Expected::Anything,
            (Expected::Trailer(_), _) => Expected::Trailer(1),
            (Expected::Size(_) | Expected::Chunk(_), _)
            | (Expected::Head | Expected::Body(_) | Expected::Anything | Expected::Nothing, _) => {
                Expected::Anything
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.handed < this.ready.len() {
                let ready = &this.ready[this.handed..];
                let read = ready.len().min(buf.remaining());
                buf.put_slice(&ready[..read]);
                this.handed += read;
                return Poll::Ready(Ok(()));
            }
            if this.expected == Expected::Nothing {
                return Poll::Pending;
            }
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            let came = &buf.filled()[before..];
            (this.ready, this.handed) = (Vec::new(), 0);
            if came.is_empty() {
                // The stream ends within a head.
                this.ready = std::mem::take(&mut this.held);
                if this.ready.is_empty() || buf.remaining() == 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            if this.held.is_empty() {
                // The common case: a complete head with its body.
                let (passed, refused) = this.scan(came);
                match refused {
                    Some(why) => {
                        let head = came[passed..].to_vec();
                        this.refuse(&head, why);
                    }
                    None => this.held.extend_from_slice(&came[passed..]),
                }
                buf.set_filled(before + passed);
                if passed > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                let mut held = std::mem::take(&mut this.held);
                held.extend_from_slice(came);
                buf.set_filled(before);
                let (passed, refused) = this.scan(&held);
                this.held = held.split_off(passed);
                this.ready = held;
                if let Some(why) = refused {
                    let head = std::mem::take(&mut this.held);
                    this.refuse(&head, why);
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// The bytes that are passed on for these pieces, and the refused head.
    async fn read(pieces: &[&[u8]]) -> (Vec<u8>, Option<(u64, Malformed)>) {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let heads = Arc::new(Heads::default());
        let mut strict = Strict::new(server, Arc::clone(&heads));
        let (mut read, mut buffer) = (Vec::new(), [0; 4_096]);
        let expected = |strict: &Strict<_>| strict.expected;
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            client.write_all(piece).await.unwrap();
            // As many bytes as are available.
            while let Some(length) = begin(strict.read(&mut buffer)) {
                read.extend_from_slice(&buffer[..length.unwrap()]);
            }
        }
        drop(client);
        if expected(&strict) != Expected::Nothing {
            strict.read_to_end(&mut read).await.unwrap();
        }
        (read, heads.refused.get().copied())
    }

    fn begin<T>(future: impl Future<Output = T>) -> Option<T> {
        match std::pin::pin!(future).poll(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    const GOOD: &str = "\r\nPOST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n\n\n\n\n\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n\
                        POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\n\n\r\n\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n\
                        \r\nGET /d HTTP/1.1\r\n\r\n";

    #[tokio::test]
    async fn what_is_well_formed_is_passed_on_as_it_is_however_it_is_cut() {
        assert_eq!(read(&[GOOD.as_bytes()]).await, (GOOD.as_bytes().to_vec(), None));
        for cut in 1..GOOD.len() {
            let (one, two) = GOOD.as_bytes().split_at(cut);
            assert_eq!(read(&[one, two]).await, (GOOD.as_bytes().to_vec(), None), "cut at {cut}");
        }
        let bytes: Vec<_> = GOOD.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes).await, (GOOD.as_bytes().to_vec(), None));
        // Hyper reports an incomplete head.
        assert_eq!(read(&[b"GET / HT"]).await, (b"GET / HT".to_vec(), None));
    }

    #[tokio::test]
    async fn a_head_that_is_refused_is_replaced_however_it_is_cut_and_nothing_behind_it_is_read() {
        let bad = "POST /e HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /f HTTP/1.1\r\n\r\n";
        let all = format!("{GOOD}{bad}");
        let expected = format!("{GOOD}POST /e HTTP/1.1\r\nconnection: close\r\n\r\n").into_bytes();
        for cut in 0..all.len() {
            let (one, two) = all.as_bytes().split_at(cut);
            let (passed, refused) = read(&[one, two]).await;
            assert_eq!(String::from_utf8_lossy(&passed), String::from_utf8_lossy(&expected), "cut at {cut}");
            assert!(matches!(refused, Some((4, Malformed::Request(_)))), "cut at {cut}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn chunks_that_are_none_are_for_their_reader_to_refuse() {
        for body in ["g\r\n", "1\r\nab\r\n", "ffffffffffffffff1\r\n", "\r\n", "0\r\n\ra"] {
            let request = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
            assert_eq!(read(&[request.as_bytes()]).await, (request.clone().into_bytes(), None), "{body:?}");
        }
    }
}
