//! Keys of the HMAC that people take instead of the decoded secret key.

use zeroize::Zeroizing;

use super::super::encoding::hex;
use super::super::spelling::hex_text;
use super::super::{KeySet, Mistake, Subject};
use super::utf_16;
use crate::signature::secret_key_bytes;

/// A key, and what taking it means.
pub(in super::super) struct KeyVariation {
    pub(in super::super) key: Zeroizing<Vec<u8>>,
    pub(in super::super) mistakes: Vec<Mistake>,
    pub(in super::super) note: Option<String>,
}

/// Every key but the right one, the likely ones first; those of other sets last.
pub(in super::super) fn variations(subject: &Subject<'_>, others: &[&KeySet]) -> Vec<KeyVariation> {
    let text = subject.secret_text.as_bytes();
    let decoded = subject.secret;
    let mut all: Vec<KeyVariation> = Vec::with_capacity(48 + others.len());
    let mut add = |mistakes: &[Mistake], key: Vec<u8>, note: Option<&str>| {
        all.push(KeyVariation {
            key: Zeroizing::new(key),
            mistakes: mistakes.to_vec(),
            note: note.map(str::to_owned),
        });
    };
    use Mistake as M;
    add(&[M::SecretNotDecoded], text.to_vec(), None);
    for (end, note) in [("\n", "a line feed"), ("\r\n", "carriage return and line feed"), (" ", "a blank")] {
        let note = Some(note);
        add(&[M::SecretLineBreak], [decoded, end.as_bytes()].concat(), note);
        add(&[M::SecretNotDecoded, M::SecretLineBreak], [text, end.as_bytes()].concat(), note);
    }
    add(&[M::SecretIsAppKey], subject.app_key.to_vec(), None);
    add(&[M::SecretIsAccessKey], subject.access_key.as_bytes().to_vec(), None);
    for (note, key) in [("decoded from base64", subject.access_key.replace('-', "+").replace('_', "/"))] {
        if let Ok(bytes) = secret_key_bytes(&key) {
            add(&[M::SecretIsAccessKey], bytes.to_vec(), Some(note));
        }
    }
    let note = Some("as UTF-8, with a mark for every byte that is none");
    add(&[M::SecretThroughText], String::from_utf8_lossy(decoded).into_owned().into_bytes(), note);
    let latin_1: String = decoded.iter().map(|&byte| char::from(byte)).collect();
    add(&[M::SecretThroughText], latin_1.into_bytes(), Some("byte by byte, as Latin-1"));
    let ascii = decoded.iter().map(|&byte| if byte.is_ascii() { byte } else { b'?' }).collect();
    add(&[M::SecretThroughText], ascii, Some("as ASCII, with a question mark for every byte that is none"));
    let utf_8 = decoded.iter().copied().filter(u8::is_ascii).collect();
    add(&[M::SecretThroughText], utf_8, Some("as text, without what is no character"));
    for lost in [&['+', '/'][..], &['+'], &['/']] {
        if let Ok(bytes) = secret_key_bytes(whole_groups(&subject.secret_text.replace(lost, ""))) {
            add(&[M::SecretUrlSafe], bytes.to_vec(), None);
        }
    }
    add(&[M::SecretHex], hex_text(decoded).into_bytes(), Some("its bytes, written in digits"));
    add(
        &[M::SecretHex],
        hex_text(decoded).to_uppercase().into_bytes(),
        Some("its bytes, written in capital digits"),
    );
    add(&[M::SecretHex], hex_text(text).into_bytes(), Some("its text, written in digits"));
    if let Some(bytes) = hex(subject.secret_text) {
        add(&[M::SecretHex], bytes, Some("read as digits"));
    }
    let (little, big) = (utf_16(text, u16::to_le_bytes), utf_16(text, u16::to_be_bytes));
    add(&[M::SecretUtf16], little, None);
    add(&[M::SecretUtf16], big, Some("big-endian"));
    for unset in ["", "undefined", "None", "null"] {
        add(&[M::SecretUnset], unset.into(), (!unset.is_empty()).then_some(unset));
        if let Ok(bytes) = secret_key_bytes(unset) {
            add(&[M::SecretUnset], bytes.to_vec(), Some(unset));
        }
    }
    for (note, quote) in [("in quotes", '"'), ("in quotes", '\'')] {
        let quoted = format!("{quote}{}{quote}", subject.secret_text);
        add(&[M::SecretNotDecoded, M::Quotes], quoted.into_bytes(), Some(note));
    }
    for set in others {
        let note = format!("the one of {}", set.name);
        if let Some(secret) = set.secret_key() {
            if let Ok(bytes) = secret_key_bytes(secret) {
                add(&[M::SecretOther], bytes.to_vec(), Some(&note));
            }
            add(&[M::SecretOther, M::SecretNotDecoded], secret.as_bytes().to_vec(), Some(&note));
        }
    }
    let mut kept = 0;
    while kept < all.len() {
        let known = all[..kept].iter().any(|other| other.key == all[kept].key);
        if known || all[kept].key.as_slice() == decoded {
            all.remove(kept);
        } else {
            kept += 1;
        }
    }
    all
}

/// Base64 without an incomplete group at its end, as decoders leave it that don't complain.
fn whole_groups(text: &str) -> &str {
    let text = text.trim_end_matches('=');
    if text.len() % 4 == 1 { &text[..text.len() - 1] } else { text }
}
