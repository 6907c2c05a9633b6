//! The encodings of password hashes. Decoding is lenient: directories differ in padding and in unused bits.

use base64::alphabet::{self, Alphabet};
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine as _};

/// Base64, also with a dot for the plus, as Passlib and OpenLDAP write it.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    lenient(&alphabet::STANDARD).decode(text.replace('.', "+")).ok()
}

/// Base64 in the alphabet of bcrypt.
pub(super) fn bcrypt_base64(text: &str) -> Option<Vec<u8>> {
    lenient(&alphabet::BCRYPT).decode(text).ok()
}

/// Hexadecimal digits, in either case.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A decimal number without a sign.
pub(super) fn decimal(text: &str) -> Option<u32> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
}

fn lenient(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}
