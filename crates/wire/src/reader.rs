//! The body of a request: strict JSON first, and what the documented samples really send after that.
//!
//! Five of the six samples of the create-user page send a bare `False`, the Python one sends `str(payload)`
//! (`spec/clients.md` 7). So a body that is not JSON is read once more, as what Python's `repr` and hand-made templates
//! write (`spec/clients.md` 3.4):
//!
//! * strings in single or double quotes, with the escapes of both JSON and Python;
//! * `True`, `False`, `None`, `true`, `false`, `null` in any case; `None` is null, never a text;
//! * commas before a closing bracket; line breaks and other control characters inside strings;
//! * Latin-1, if the body is not UTF-8.
//!
//! What is a fault to both readers is told with its place. Comments, keys and texts without quotes, `u'…'`, `b'…'` and
//! tuples are faults: no client needs them, and guessing at them could turn a slip into a wrong user.

mod error;
mod lenient;
mod string;

#[cfg(test)]
mod tests;

use serde_json::Value;

use error::Fault;
pub use error::ReadError;

/// Deepest nesting that can be asked for: what `serde_json` reads without recursing further.
const MAX_DEPTH: usize = 127;

/// Marks a text as UTF-8; some editors and Windows tools put it in front.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How much of a body is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole body.
    pub bytes: usize,
    /// Lists and objects around a value, itself included if it is one. More than 127 means 127.
    pub depth: usize,
}

/// 1 MiB and 64 levels `[ours]`. The deepest request of the protocol has four.
impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 64 }
    }
}

/// Whether there is nothing in `body` but blanks. Endpoints without required input take such a body
/// (`spec/clients.md` 3.3); [`read`] does not.
#[must_use]
pub fn is_blank(body: &[u8]) -> bool {
    without_mark(body).trim_ascii().is_empty()
}

/// Reads a body, whatever its content type says (`spec/clients.md` 3.1).
///
/// Takes time linear in the length of `body` and never recurses deeper than `limits` allow. Of two equal keys in an
/// object the last one counts. An integer beyond 64 bits becomes the nearest double.
pub fn read(body: &[u8], limits: &Limits) -> Result<Value, ReadError> {
    if body.len() > limits.bytes {
        let fault = Fault::new(limits.bytes, format!("the body is longer than {} bytes", limits.bytes));
        return Err(ReadError::in_utf8(fault, body, 0));
    }
    if is_blank(body) {
        return Err(ReadError::in_utf8(Fault::new(0, "the body is empty"), body, 0));
    }
    let bytes = without_mark(body);
    let skipped = body.len() - bytes.len();
    let depth = limits.depth.min(MAX_DEPTH);
    if let Some(value) = strict(bytes, depth) {
        return Ok(value);
    }
    match str::from_utf8(bytes) {
        Ok(text) => lenient::read(text, depth).map_err(|fault| ReadError::in_utf8(fault, bytes, skipped)),
        Err(_) => {
            let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
            match strict(text.as_bytes(), depth) {
                Some(value) => Ok(value),
                None => {
                    lenient::read(&text, depth).map_err(|fault| ReadError::in_latin1(fault, &text, skipped))
                }
            }
        }
    }
}

/// What the strict reader makes of `bytes`. It does not say why it made nothing of them: the lenient reader takes all
/// that this one takes, so it will come upon the fault itself.
fn strict(bytes: &[u8], depth: usize) -> Option<Value> {
    serde_json::from_slice(bytes).ok().filter(|value| is_within(depth, value))
}

/// Recurses no deeper than `depth`.
fn is_within(depth: usize, value: &Value) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_within(depth - 1, item)),
        Value::Object(fields) => depth > 0 && fields.values().all(|field| is_within(depth - 1, field)),
        _ => true,
    }
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}
