use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Longest shown part of a key, in characters.
const SHOWN_KEY: usize = 64;

/// Position and cause of a parse error.
///
/// Quotes nothing of the body except punctuation and the keys on the path: a value may be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    offset: usize,
    line: usize,
    column: usize,
    path: String,
    message: Cow<'static, str>,
}

impl ReadError {
    /// An error in `text`, which is valid UTF-8 up to the error and starts `skipped` bytes into the body.
    pub(super) fn in_utf8(fault: Fault, text: &[u8], skipped: usize) -> Self {
        let offset = skipped + fault.at;
        Self::new(fault, text, offset)
    }

    /// An error in `text`, each of whose characters is one byte of the body.
    pub(super) fn in_latin1(fault: Fault, text: &str, skipped: usize) -> Self {
        let offset = skipped + text[..fault.at].chars().count();
        Self::new(fault, text.as_bytes(), offset)
    }

    fn new(fault: Fault, text: &[u8], offset: usize) -> Self {
        let before = &text[..fault.at];
        let lines = before.iter().filter(|&&byte| byte == b'\n').count();
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let is_first_of_char = |byte: &&u8| **byte & 0xc0 != 0x80;
        let columns = before[line_start..].iter().filter(is_first_of_char).count();
        Self {
            offset,
            line: lines + 1,
            column: columns + 1,
            path: path(&fault.steps),
            message: fault.message,
        }
    }

    /// Byte offset in the received body.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// The path of the value, such as `data[3].name`; empty at the root. Keys are truncated after 64 characters.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Expected and found syntax with advice, without the position.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, line, column, path, message } = self;
        if path.is_empty() {
            write!(f, "at line {line}, column {column} (byte {offset}): {message}")
        } else {
            write!(f, "at line {line}, column {column} (byte {offset}), in `{path}`: {message}")
        }
    }
}

impl std::error::Error for ReadError {}

/// A [`ReadError`] under construction: each enclosing list or object adds a step to its path.
pub(super) struct Fault {
    at: usize,
    message: Cow<'static, str>,
    /// Innermost first.
    steps: Vec<Step>,
}

/// One level of a path.
pub(super) enum Step {
    Item(usize),
    Field(String),
}

impl Fault {
    /// An error at byte `at` of the text.
    pub(super) fn new(at: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self { at, message: message.into(), steps: Vec::new() }
    }

    pub(super) fn inside(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps.iter().rev() {
        // Writing to a string cannot fail.
        let _ = match step {
            Step::Item(index) => write!(path, "[{index}]"),
            Step::Field(key) if is_plain(key) && path.is_empty() => write!(path, "{key}"),
            Step::Field(key) if is_plain(key) => write!(path, ".{key}"),
            Step::Field(key) => write!(path, "[\"{}\"]", shown(key)),
        };
    }
    path
}

fn is_plain(key: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=SHOWN_KEY).contains(&key.len()) && key.bytes().all(is_plain)
}

fn shown(key: &str) -> String {
    let cut = key.char_indices().nth(SHOWN_KEY).map(|(end, _)| end);
    let start = &key[..cut.unwrap_or(key.len())];
    format!("{}{}", start.escape_debug(), if cut.is_some() { "…" } else { "" })
}
