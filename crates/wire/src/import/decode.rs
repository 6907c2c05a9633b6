//! Text encodings. Whatever a file is written in, its reader sees UTF-8.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes that are decoded at once.
const CHUNK: usize = 1 << 16;

/// Bytes at the start that are examined.
const EXAMINED: usize = 512;

/// The encoding of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, little-endian, with or without a byte order mark.
    Utf16Le,
    /// UTF-16, big-endian, with or without a byte order mark.
    Utf16Be,
    /// Windows-1252: at least one line is not UTF-8.
    Windows1252,
}

impl Encoding {
    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16 LE",
            Encoding::Utf16Be => "UTF-16 BE",
            Encoding::Windows1252 => "Windows-1252",
        }
    }

    /// The encoding by the first bytes of a file, and the length of its byte order mark.
    fn of_start(start: &[u8]) -> (Self, usize) {
        match start {
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
            _ => (Self::of_zeros(start), 0),
        }
    }

    /// UTF-16 without a mark: the text of users is mostly ASCII, so that every second byte is zero.
    fn of_zeros(start: &[u8]) -> Self {
        let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
        let (even, odd, half) = (zeros(0), zeros(1), start.len() / 2);
        match half {
            0 => Encoding::Utf8,
            _ if odd * 2 > half && even == 0 => Encoding::Utf16Le,
            _ if even * 2 > half && odd == 0 => Encoding::Utf16Be,
            _ => Encoding::Utf8,
        }
    }
}

/// A file as UTF-8.
pub(super) struct Decoded<R> {
    input: R,
    encoding: Encoding,
    utf16: Option<Decoder>,
    raw: Vec<u8>,
    text: Vec<u8>,
    read: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let mut raw = Vec::with_capacity(EXAMINED);
        input.by_ref().take(EXAMINED as u64).read_to_end(&mut raw)?;
        let (encoding, mark) = Encoding::of_start(&raw);
        raw.drain(..mark);
        let utf16 = match encoding {
            Encoding::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            Encoding::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
            Encoding::Utf8 | Encoding::Windows1252 => None,
        };
        Ok(Self { input, encoding, utf16, raw, text: Vec::new(), read: 0, ended: false })
    }

    /// The first bytes, before anything was decoded.
    pub(super) fn start(&self) -> &[u8] {
        &self.raw
    }

    /// The encoding, as far as the file was read.
    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn decode(&mut self) -> io::Result<()> {
        self.text.clear();
        self.read = 0;
        while self.text.is_empty() && !self.ended {
            let missing = CHUNK.saturating_sub(self.raw.len());
            let got = self.input.by_ref().take(missing as u64).read_to_end(&mut self.raw)?;
            self.ended = got < missing;
            match &mut self.utf16 {
                Some(decoder) => {
                    let mut text = String::with_capacity(self.raw.len() * 3 / 2 + 16);
                    let _ = decoder.decode_to_string(&self.raw, &mut text, self.ended);
                    self.raw.clear();
                    self.text = text.into_bytes();
                }
                None => self.decode_lines(),
            }
        }
        Ok(())
    }

    /// Decodes whole lines, each as UTF-8 or, if it is not, as Windows-1252. What is left is the start of a line.
    fn decode_lines(&mut self) {
        let end = match self.raw.iter().rposition(|byte| *byte == b'\n') {
            Some(last) if !self.ended => last + 1,
            // A line that is longer than a chunk, or the last one.
            _ => self.raw.len(),
        };
        let rest = self.raw.split_off(end);
        let mut whole = std::mem::replace(&mut self.raw, rest);
        if str::from_utf8(&whole).is_ok() {
            self.text = whole;
            return;
        }
        if !self.ended && !whole.ends_with(b"\n") {
            // A character may be cut at the end of the chunk.
            let cut = whole.len() - incomplete(&whole);
            let mut kept = whole.split_off(cut);
            kept.append(&mut self.raw);
            self.raw = kept;
        }
        for line in whole.split_inclusive(|byte| *byte == b'\n') {
            match str::from_utf8(line) {
                Ok(line) => self.text.extend_from_slice(line.as_bytes()),
                Err(_) => {
                    self.encoding = Encoding::Windows1252;
                    let (text, _) = WINDOWS_1252.decode_without_bom_handling(line);
                    self.text.extend_from_slice(text.as_bytes());
                }
            }
        }
    }
}

/// The bytes at the end that may begin a character of UTF-8.
fn incomplete(bytes: &[u8]) -> usize {
    let lead = |back: &usize| bytes.len().checked_sub(*back).is_some_and(|at| bytes[at] >= 0xc0);
    let continued =
        |back: usize| bytes[bytes.len() - back + 1..].iter().all(|byte| (0x80..0xc0).contains(byte));
    (1..=3).find(lead).filter(|back| continued(*back)).unwrap_or(0)
}

impl<R: Read> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.text.len() {
            self.decode()?;
        }
        Ok(&self.text[self.read..])
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount;
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let text = self.fill_buf()?;
        let length = text.len().min(buffer.len());
        buffer[..length].copy_from_slice(&text[..length]);
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> (String, Encoding) {
        let mut decoded = Decoded::new(bytes).unwrap();
        let mut text = String::new();
        decoded.read_to_string(&mut text).unwrap();
        (text, decoded.encoding())
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "email,name\nåsa@example.com,Åsa Øst\n";
        assert_eq!(decoded(text.as_bytes()), (text.to_owned(), Encoding::Utf8));
        assert_eq!(decoded(format!("\u{feff}{text}").as_bytes()), (text.to_owned(), Encoding::Utf8));
        for mark in ["", "\u{feff}"] {
            let marked = format!("{mark}{text}");
            assert_eq!(decoded(&utf16(&marked, u16::to_le_bytes)), (text.to_owned(), Encoding::Utf16Le));
            assert_eq!(decoded(&utf16(&marked, u16::to_be_bytes)), (text.to_owned(), Encoding::Utf16Be));
        }
        let (windows, _, _) = WINDOWS_1252.encode("email,name\na@example.com,Renée “R” €\n");
        let expected = "email,name\na@example.com,Renée “R” €\n".to_owned();
        assert_eq!(decoded(&windows), (expected, Encoding::Windows1252));
    }

    #[test]
    fn a_line_that_is_utf_8_stays_so_in_a_file_that_is_not() {
        let mut bytes = "Åsa\n".as_bytes().to_vec();
        bytes.extend_from_slice(b"Ren\xe9e\n");
        assert_eq!(decoded(&bytes), ("Åsa\nRenée\n".to_owned(), Encoding::Windows1252));
    }

    #[test]
    fn characters_at_the_edges_of_chunks_are_whole() {
        for shift in 0..4 {
            let text = format!("{}{}", "x".repeat(CHUNK - 2 + shift), "Ł€😀".repeat(50_000));
            assert_eq!(decoded(text.as_bytes()), (text.clone(), Encoding::Utf8));
            let lines = format!("{}\n{}", "x".repeat(CHUNK - 2 + shift), "Ł€😀\n".repeat(50_000));
            assert_eq!(decoded(lines.as_bytes()), (lines.clone(), Encoding::Utf8));
        }
    }
}
