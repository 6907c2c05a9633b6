//! HMAC keys that clients use instead of the decoded secret key.

use zeroize::Zeroizing;

use super::super::encoding::hex;
use super::super::spelling::hex_text;
use super::super::{KeySet, Mistake, Mistake as M, Subject};
use super::utf_16;
use crate::signature::secret_key_bytes;

/// A key with the mistakes of using it.
pub(in super::super) struct KeyVariation {
    pub(in super::super) key: Zeroizing<Vec<u8>>,
    pub(in super::super) mistakes: Vec<Mistake>,
    pub(in super::super) note: Option<String>,
}

/// Every wrong key, the likely ones first; those of other sets last.
pub(in super::super) fn variations(subject: &Subject<'_>, others: &[&KeySet]) -> Vec<KeyVariation> {
    let mut keys = Keys(Vec::with_capacity(48 + others.len()));
    keys.add_undecoded(subject);
    keys.add_other_credentials(subject);
    keys.add_text_conversions(subject.secret);
    keys.add_encodings(subject);
    keys.add_unset();
    keys.add_quoted(subject);
    keys.add_other_sets(others);
    keys.distinct(subject.secret)
}

/// The keys so far, the likely ones first.
struct Keys(Vec<KeyVariation>);

impl Keys {
    fn add(&mut self, mistakes: &[Mistake], key: impl Into<Vec<u8>>, note: Option<&str>) {
        self.0.push(KeyVariation {
            key: Zeroizing::new(key.into()),
            mistakes: mistakes.to_vec(),
            note: note.map(str::to_owned),
        });
    }

    /// Adds the bytes of a text in base64, if it is one.
    fn add_decoded(&mut self, mistake: Mistake, text: &str, note: Option<&str>) {
        if let Ok(bytes) = secret_key_bytes(text) {
            self.add(&[mistake], bytes.to_vec(), note);
        }
    }

    fn add_undecoded(&mut self, subject: &Subject<'_>) {
        let (text, decoded) = (subject.secret_text.as_bytes(), subject.secret);
        self.add(&[M::SecretNotDecoded], text, None);
        for (end, note) in
            [("\n", "a line feed"), ("\r\n", "carriage return and line feed"), (" ", "a blank")]
        {
            let note = Some(note);
            self.add(&[M::SecretLineBreak], [decoded, end.as_bytes()].concat(), note);
            self.add(&[M::SecretNotDecoded, M::SecretLineBreak], [text, end.as_bytes()].concat(), note);
        }
    }

    fn add_other_credentials(&mut self, subject: &Subject<'_>) {
        self.add(&[M::SecretIsAppKey], subject.app_key, None);
        self.add(&[M::SecretIsAccessKey], subject.access_key, None);
        let access_key = subject.access_key.replace('-', "+").replace('_', "/");
        self.add_decoded(M::SecretIsAccessKey, &access_key, Some("decoded from base64"));
    }

    /// Adds the decoded key after conversions to text, which lose bytes.
    fn add_text_conversions(&mut self, decoded: &[u8]) {
        let note = Some("as UTF-8, with a mark for every byte that is none");
        self.add(&[M::SecretThroughText], String::from_utf8_lossy(decoded).into_owned(), note);
        let latin_1: String = decoded.iter().map(|&byte| char::from(byte)).collect();
        self.add(&[M::SecretThroughText], latin_1, Some("byte by byte, as Latin-1"));
        let ascii: Vec<u8> = decoded.iter().map(|&byte| if byte.is_ascii() { byte } else { b'?' }).collect();
        let note = Some("as ASCII, with a question mark for every byte that is none");
        self.add(&[M::SecretThroughText], ascii, note);
        let utf_8: Vec<u8> = decoded.iter().copied().filter(u8::is_ascii).collect();
        self.add(&[M::SecretThroughText], utf_8, Some("as text, without what is no character"));
    }

    fn add_encodings(&mut self, subject: &Subject<'_>) {
        let (text, digits) = (subject.secret_text.as_bytes(), hex_text(subject.secret));
        for lost in [&['+', '/'][..], &['+'], &['/']] {
            self.add_decoded(M::SecretUrlSafe, whole_groups(&subject.secret_text.replace(lost, "")), None);
        }
        self.add(&[M::SecretHex], digits.as_str(), Some("its bytes, written in digits"));
        self.add(&[M::SecretHex], digits.to_uppercase(), Some("its bytes, written in capital digits"));
        self.add(&[M::SecretHex], hex_text(text), Some("its text, written in digits"));
        if let Some(bytes) = hex(subject.secret_text) {
            self.add(&[M::SecretHex], bytes, Some("read as digits"));
        }
        self.add(&[M::SecretUtf16], utf_16(text, u16::to_le_bytes), None);
        self.add(&[M::SecretUtf16], utf_16(text, u16::to_be_bytes), Some("big-endian"));
    }

    fn add_unset(&mut self) {
        for unset in ["", "undefined", "None", "null"] {
            self.add(&[M::SecretUnset], unset, (!unset.is_empty()).then_some(unset));
            self.add_decoded(M::SecretUnset, unset, Some(unset));
        }
    }

    fn add_quoted(&mut self, subject: &Subject<'_>) {
        for quote in ['"', '\''] {
            let quoted = format!("{quote}{}{quote}", subject.secret_text);
            self.add(&[M::SecretNotDecoded, M::Quotes], quoted, Some("in quotes"));
        }
    }

    fn add_other_sets(&mut self, others: &[&KeySet]) {
        for set in others {
            let note = format!("the one of {}", set.name);
            if let Some(secret) = set.secret_key() {
                self.add_decoded(M::SecretOther, secret, Some(&note));
                self.add(&[M::SecretOther, M::SecretNotDecoded], secret, Some(&note));
            }
        }
    }

    /// The wrong keys, each once with its likeliest mistake.
    fn distinct(self, right: &[u8]) -> Vec<KeyVariation> {
        let mut kept: Vec<KeyVariation> = Vec::with_capacity(self.0.len());
        for variation in self.0 {
            let known = kept.iter().any(|other| other.key == variation.key);
            if !known && variation.key.as_slice() != right {
                kept.push(variation);
            }
        }
        kept
    }
}

/// Base64 without an incomplete final group, like decoders that do not report it.
fn whole_groups(text: &str) -> &str {
    let text = text.trim_end_matches('=');
    if text.len() % 4 == 1 { &text[..text.len() - 1] } else { text }
}
