//! Conversions between bytes and text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::printable::is_unprintable;

/// Longest shown value, in characters.
const SHOWN: usize = 240;

/// Hexadecimal digits in lower case.
pub(super) fn hex_text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Standard base64 with padding.
pub(super) fn base64_text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Encodes everything except unreserved characters and `kept` as `%XX` (RFC 3986, 2.3).
pub(super) fn percent_encoded(bytes: &[u8], kept: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend_from_slice(hex_text(&[byte]).to_ascii_uppercase().as_bytes());
        }
    }
    out
}

/// Decodes `%XX`; an incomplete `%` remains.
pub(super) fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |place: usize| bytes.get(place).and_then(|&byte| char::from(byte).to_digit(16));
    let (mut out, mut place) = (Vec::with_capacity(bytes.len()), 0);
    while place < bytes.len() {
        match (bytes[place], digit(place + 1), digit(place + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                place += 3;
            }
            (byte, ..) => {
                out.push(byte);
                place += 1;
            }
        }
    }
    out
}

/// Makes a value safe to print: one line, control and invisible characters escaped.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for sign in chunk.valid().chars() {
            match is_unprintable(sign) {
                true => out.extend(sign.escape_default()),
                false => out.push(sign),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    match out.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &out[..end]),
        None => out,
    }
}

/// The first characters of a key, enough to recognise it.
pub(super) fn masked(key: &str) -> String {
    format!("{}…", shown(key.as_bytes()).chars().take(4).collect::<String>())
}
