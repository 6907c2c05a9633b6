//! Lines of a text, whatever ends them: LF, CR LF or CR.

use std::io::BufRead;

use super::{ImportError, MAX_ROW};

pub(super) struct Lines<R> {
    input: R,
    number: u64,
    /// The line before ended with CR: an LF that follows belongs to it.
    after_cr: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0, after_cr: false }
    }

    pub(super) fn input(&self) -> &R {
        &self.input
    }

    /// The next line with its number, without its end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, String)>, ImportError> {
        let mut line = Vec::new();
        loop {
            let mut bytes = self.input.fill_buf()?;
            if std::mem::take(&mut self.after_cr) && bytes.first() == Some(&b'\n') {
                self.input.consume(1);
                bytes = self.input.fill_buf()?;
            }
            if bytes.is_empty() {
                if line.is_empty() {
                    return Ok(None);
                }
                break;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            let (used, cr) = match end {
                Some(at) => (at + 1, bytes[at] == b'\r'),
                None => (bytes.len(), false),
            };
            self.input.consume(used);
            if line.len() > MAX_ROW {
                return Err(ImportError::RowTooLong { line: self.number + 1 });
            }
            if end.is_some() {
                self.after_cr = cr;
                break;
            }
        }
        self.number += 1;
        // The input is UTF-8 already.
        Ok(Some((self.number, String::from_utf8_lossy(&line).into_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_ends_a_line() {
        let mut lines = Lines::new(std::io::BufReader::with_capacity(3, &b"a\nb\r\n\rc\r\rd\n\ne"[..]));
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            all.push(format!("{number}{line}"));
        }
        assert_eq!(all, ["1a", "2b", "3", "4c", "5", "6d", "7", "8e"]);
    }
}
