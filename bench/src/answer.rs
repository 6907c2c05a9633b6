//! The part of an HTTP response that the driver needs.

use std::ops::Range;

use anyhow::{Context as _, ensure};

/// A complete response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The range of the body; for a chunked body it includes the sizes of the chunks.
    pub(crate) body: Range<usize>,
    /// Whether the server closes the connection after it.
    pub(crate) closes: bool,
}

/// Parses a response; `None` while it is incomplete.
pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).context("the head of an answer")?;
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).context("no HTTP/1.1")?;
    let status: u16 = status.parse().context("a status")?;
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next_back()
    };
    let says = |name: &str, what: &str| header(name).is_some_and(|value| value.eq_ignore_ascii_case(what));
    let start = end + 4;
    let body = if status == 204 || status == 304 {
        start
    } else if says("transfer-encoding", "chunked") {
        match chunked_end(&bytes[start..])? {
            Some(length) => start + length,
            None => return Ok(None),
        }
    } else {
        let length = header("content-length").context("an answer without a content-length")?;
        start + length.parse::<usize>().context("a content-length")?
    };
    let whole = body <= bytes.len();
    Ok(whole.then(|| Answer { status, body: start..body, closes: says("connection", "close") }))
}

/// Length of a chunked body, or `None` while it is incomplete. Trailers are not read.
fn chunked_end(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let mut at = 0;
    loop {
        let Some(line) = bytes[at..].windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&bytes[at..at + line])?.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).context("the size of a chunk")?;
        at += line + 2 + size + 2;
        if at > bytes.len() {
            return Ok(None);
        }
        ensure!(bytes[at - 2..at] == *b"\r\n", "a chunk that does not end");
        if size == 0 {
            return Ok(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_far_as_needed() {
        let bytes = b"HTTP/1.1 200 OK\r\ndate: now\r\nContent-Length: 5\r\n\r\nhello";
        let whole = Answer { status: 200, body: bytes.len() - 5..bytes.len(), closes: false };
        assert_eq!(read(bytes).unwrap(), Some(whole));
        for cut in [30, bytes.len() - 1] {
            assert_eq!(read(&bytes[..cut]).unwrap(), None);
        }
        let refused =
            read(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        assert!(matches!(refused.unwrap(), Some(Answer { status: 503, closes: true, .. })));
        assert!(read(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().body.is_empty());
        read(b"SSH-2.0-OpenSSH\r\n\r\n").unwrap_err();
        read(b"HTTP/1.1 200 OK\r\n\r\n").unwrap_err();
    }

    #[test]
    fn chunks_end_with_one_of_nothing() {
        let bytes =
            b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1;x\r\n!\r\n0\r\n\r\n";
        assert_eq!(read(bytes).unwrap().unwrap().body.end, bytes.len());
        for cut in 55..bytes.len() {
            assert_eq!(read(&bytes[..cut]).unwrap(), None, "{cut}");
        }
    }
}
