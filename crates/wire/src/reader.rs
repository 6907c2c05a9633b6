//! Parses the body of a request: as strict JSON, else in the variants that the documented samples send.
//!
//! Five of the six samples of the create-user page send a bare `False`, the Python one sends `str(payload)`
//! (`spec/clients.md` 7). So a body that is not JSON is parsed again in the syntax of Python's `repr` and hand-made
//! templates (`spec/clients.md` 3.4):
//!
//! * strings in single or double quotes, with the escapes of both JSON and Python;
//! * `True`, `False`, `None`, `true`, `false`, `null` in any case; `None` is null, never a text;
//! * commas before a closing bracket; line breaks and other control characters inside strings;
//! * Latin-1, if the body is not UTF-8.
//!
//! An error in both syntaxes is reported with its position. Comments, unquoted keys and texts, `u'…'`, `b'…'` and tuples
//! are errors: no client needs them, and guessing could create a wrong user.

mod error;
mod lenient;
mod string;

#[cfg(test)]
mod tests;

use serde_json::Value;

use error::Fault;
pub use error::ReadError;

/// Largest allowed limit of the nesting: that of `serde_json`.
const MAX_DEPTH: usize = 127;

/// The byte order mark that some editors and Windows tools put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The limits of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole body.
    pub bytes: usize,
    /// Nested lists and objects. At most 127.
    pub depth: usize,
}

/// 1 MiB and 64 levels `[ours]`. The deepest request of the protocol has four.
impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 64 }
    }
}

/// Whether `body` is blank. Endpoints without mandatory input accept such a body (`spec/clients.md` 3.3); [`read`] does
/// not.
#[must_use]
pub fn is_blank(body: &[u8]) -> bool {
    without_mark(body).trim_ascii().is_empty()
}

/// Parses a body regardless of its content type (`spec/clients.md` 3.1).
///
/// Linear in the length of `body`; never recurses deeper than `limits` allow. Of two equal keys in an object the last
/// one counts. An integer beyond 64 bits becomes the nearest double.
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

/// The result of strict parsing. No error is needed: the lenient parser accepts a superset and finds the error itself.
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
