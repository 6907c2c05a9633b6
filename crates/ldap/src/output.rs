//! What is sent: encoded into one buffer, and written when it is full or the operation ends. A client that does not read
//! loses its connection.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Bytes after which the buffer is written.
const FULL: usize = 64 << 10;

/// The writing half of a connection.
pub(crate) struct Output<W> {
    pub(crate) writer: W,
    pub(crate) buffer: Vec<u8>,
    /// Bytes of the buffer that were written. A flush that is given up goes on there.
    written: usize,
    patience: Duration,
}

impl<W> Output<W> {
    pub(crate) fn new(writer: W, patience: Duration) -> Self {
        Self { writer, buffer: Vec::new(), written: 0, patience }
    }
}

impl<W: AsyncWrite + Unpin> Output<W> {
    pub(crate) async fn flush_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() >= FULL { self.flush().await } else { Ok(()) }
    }

    /// Writes what is in the buffer. An idle connection keeps none.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let writing = async {
            while self.written < self.buffer.len() {
                match self.writer.write(&self.buffer[self.written..]).await? {
                    0 => return Err(io::Error::from(io::ErrorKind::WriteZero)),
                    some => self.written += some,
                }
            }
            self.writer.flush().await
        };
        match tokio::time::timeout(self.patience, writing).await {
            Ok(written) => written?,
            Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")),
        }
        self.buffer.clear();
        self.written = 0;
        if self.buffer.capacity() > FULL {
            self.buffer = Vec::new();
        }
        Ok(())
    }
}
