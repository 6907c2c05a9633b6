//! The encoding of the signature in `Authorization`: possible digests, and their mistakes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::Mistake;
use super::hash::Hash;
use super::spelling::percent_decoded;

const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Longest signature that is examined: SHA-512 in hexadecimal digits, in base64, percent-encoded.
const LONGEST: usize = 600;

/// The digest that a signature encodes.
pub(super) struct Reading {
    pub(super) digest: Vec<u8>,
    pub(super) hash: Hash,
    /// Mistakes in the encoding and the hash function.
    pub(super) mistakes: Vec<Mistake>,
}

/// The digest that a signature encodes; `None` for unknown hashes. A text has one meaning at most: base64 of a digest
/// and its hexadecimal digits differ in length.
pub(super) fn read(signature: &[u8]) -> Option<Reading> {
    let text = str::from_utf8(signature).ok().filter(|text| text.len() <= LONGEST)?;
    let mut mistakes = Vec::new();
    let mut text = text.trim().to_owned();
    if let Some(inner) = python(&text) {
        mistakes.push(Mistake::SignaturePythonBytes);
        text = inner.to_owned();
    } else if let Some(inner) = quoted(&text) {
        mistakes.push(Mistake::SignatureQuotes);
        text = inner.to_owned();
    }
    if text.contains('%') {
        mistakes.push(Mistake::SignaturePercentEncoded);
        text = String::from_utf8(percent_decoded(text.as_bytes())).ok()?;
    }
    let (digest, core) = core(&text).or_else(|| {
        let mended = text.split_whitespace().collect::<Vec<_>>();
        let found = [mended.join("+"), mended.concat()].iter().find_map(|text| core(text));
        found.filter(|_| mended.len() > 1).map(|(digest, _)| (digest, Some(Mistake::SignaturePlusLost)))
    })?;
    let hash = Hash::of_length(digest.len())?;
    mistakes.extend(core);
    mistakes.extend(hash.mistake());
    Some(Reading { digest, hash, mistakes })
}

fn python(text: &str) -> Option<&str> {
    quoted(text.strip_prefix('b')?)
}

fn quoted(text: &str) -> Option<&str> {
    ['"', '\''].iter().find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

/// The digest inside quotes or other wrapping.
fn core(text: &str) -> Option<(Vec<u8>, Option<Mistake>)> {
    let known = |bytes: &Vec<u8>| Hash::of_length(bytes.len()).is_some();
    if let Some(bytes) = hex(text).filter(known) {
        return Some((bytes, Some(Mistake::SignatureHex)));
    }
    if let Ok(bytes) = STANDARD.decode(text) {
        if known(&bytes) && bytes.iter().any(|byte| !byte.is_ascii_hexdigit()) {
            return Some((bytes, None));
        }
        let inner = str::from_utf8(&bytes).ok()?.trim_end();
        if let Some(digest) = hex(inner).filter(known) {
            return Some((digest, Some(Mistake::SignatureBase64OfHex)));
        }
        let twice = STANDARD.decode(inner).ok().filter(known);
        return twice.map(|digest| (digest, Some(Mistake::SignatureBase64Twice)));
    }
    let url_safe = text.contains(['-', '_']).then(|| text.replace('-', "+").replace('_', "/"))?;
    STANDARD.decode(url_safe).ok().filter(known).map(|digest| (digest, Some(Mistake::SignatureUrlSafe)))
}

/// Hexadecimal digits, also in pairs with hyphens, colons or spaces between them, as in .NET and OpenSSL.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let separated =
        text.len() % 3 == 2 && text.as_bytes().iter().skip(2).step_by(3).all(|b| b"-: ".contains(b));
    let digits: Vec<u8> = if separated && text.len() > 2 {
        text.bytes().enumerate().filter(|(place, _)| place % 3 != 2).map(|(_, byte)| byte).collect()
    } else {
        text.bytes().collect()
    };
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}
