//! Variations of the correct signature: another key, another date, another order of the parts.

mod date;
mod key;
mod parts;
mod text;

use std::borrow::Cow;
use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::hash::Hash;
use super::spelling::{base64_text, hex_text, percent_encoded};
use super::{Mistake, Subject};

pub(super) use date::{moment, wide as wide_dates};
pub(super) use key::{KeyVariation, variations as keys};

/// A part of the signed text, or a value that clients add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Date,
    RequestId,
    Path,
    AppKey,
    Method,
    MethodInLowerCase,
    Body,
    /// One of [`body_hashes`].
    BodyHash(usize),
    Host,
    AccessKey,
    AppId,
    SecretKey,
}

/// The correct text: `date:request id:path:application key`.
pub(super) const SLOTS: &[Slot] = &[Slot::Date, Slot::RequestId, Slot::Path, Slot::AppKey];

/// A transformation of the whole text before signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    None,
    LowerCase,
    UpperCase,
    Utf16LittleEndian,
    Utf16BigEndian,
    Utf16WithMark,
    ByteOrderMark,
    PercentEncoded,
    Base64,
    Hashed { hash: Hash, hex: bool },
}

/// A single difference.
#[derive(Clone)]
pub(super) enum Change {
    Date(Vec<u8>),
    RequestId(Vec<u8>),
    Path(Vec<u8>),
    AppKey(Zeroizing<Vec<u8>>),
    Slots(Vec<Slot>),
    Separator(&'static str),
    Frame(&'static str, &'static str),
    Transform(Transform),
}

/// The position of a change: two changes in one position cannot be told apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Date,
    RequestId,
    Path,
    AppKey,
    Slots,
    Separator,
    Frame,
    Transform,
}

/// A change of the text with its mistakes.
#[derive(Clone)]
pub(super) struct Variation {
    pub(super) change: Change,
    /// Several if one change combines them: a date without weekday *and* in another zone.
    pub(super) mistakes: Vec<Mistake>,
    pub(super) note: Option<String>,
}

impl Variation {
    fn new(mistake: Mistake, change: Change) -> Self {
        Self { change, mistakes: vec![mistake], note: None }
    }

    fn noted(mistake: Mistake, change: Change, note: impl Into<String>) -> Self {
        Self { change, mistakes: vec![mistake], note: Some(note.into()) }
    }

    /// Whether both can be combined: not in one position, and not if one is so rare that it is only combined with keys.
    pub(super) fn goes_with(&self, other: &Variation) -> bool {
        let is_key = |variation: &Variation| variation.place() == Place::AppKey;
        let one_is_key = is_key(self) || is_key(other);
        self.place() != other.place() && (one_is_key || !self.is_rare() && !other.is_rare())
    }

    fn is_rare(&self) -> bool {
        let mistake = self.mistakes.first();
        matches!(mistake, Some(Mistake::PathOther | Mistake::Order | Mistake::KeyInText))
            || matches!(&self.change, Change::Slots(slots) if slots.iter().any(|slot| matches!(slot, Slot::BodyHash(_))))
    }

    pub(super) fn place(&self) -> Place {
        match self.change {
            Change::Date(_) => Place::Date,
            Change::RequestId(_) => Place::RequestId,
            Change::Path(_) => Place::Path,
            Change::AppKey(_) => Place::AppKey,
            Change::Slots(_) => Place::Slots,
            Change::Separator(_) => Place::Separator,
            Change::Frame(..) => Place::Frame,
            Change::Transform(_) => Place::Transform,
        }
    }
}

/// All variations of the text, the likely ones first. None leaves the text unchanged.
pub(super) fn texts(subject: &Subject<'_>, path: &[u8]) -> Vec<Variation> {
    let mut all = Vec::with_capacity(400);
    parts::app_key(subject, &mut all);
    parts::path(subject, path, &mut all);
    parts::request_id(subject, &mut all);
    text::variations(subject, &mut all);
    date::forms(subject, &mut all);
    let mut seen = BTreeSet::new();
    all.retain(|variation| {
        let (base, value): (&[u8], &[u8]) = match &variation.change {
            Change::Date(value) => (subject.date, value),
            Change::RequestId(value) => (subject.request_id, value),
            Change::Path(value) => (path, value),
            Change::AppKey(value) => (subject.app_key, value),
            _ => return true,
        };
        // No second copy of application keys is kept.
        value != base
            && (variation.place() == Place::AppKey || seen.insert((variation.place(), value.to_vec())))
    });
    all
}

/// Hashes of a body, in hexadecimal digits and in base64.
pub(super) fn body_hashes(body: &[u8]) -> Vec<String> {
    let digests = [Hash::Sha1, Hash::Sha256, Hash::Md5].map(|hash| hash.digest(&[body]));
    digests.iter().flat_map(|digest| [hex_text(digest), base64_text(digest)]).collect()
}

/// A candidate text.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) date: &'a [u8],
    pub(super) request_id: &'a [u8],
    pub(super) path: &'a [u8],
    pub(super) app_key: &'a [u8],
    pub(super) slots: &'a [Slot],
    pub(super) separator: &'a str,
    pub(super) frame: (&'a str, &'a str),
    pub(super) transform: Transform,
}

impl<'a> Attempt<'a> {
    /// The correct text.
    pub(super) fn right(subject: &'a Subject<'a>, path: &'a [u8]) -> Self {
        Self {
            subject,
            date: subject.date,
            request_id: subject.request_id,
            path,
            app_key: subject.app_key,
            slots: SLOTS,
            separator: ":",
            frame: ("", ""),
            transform: Transform::None,
        }
    }

    /// This text with a change.
    pub(super) fn with(mut self, variation: &'a Variation) -> Self {
        match &variation.change {
            Change::Date(date) => self.date = date,
            Change::RequestId(request_id) => self.request_id = request_id,
            Change::Path(path) => self.path = path,
            Change::AppKey(app_key) => self.app_key = app_key,
            Change::Slots(slots) => self.slots = slots,
            Change::Separator(separator) => self.separator = separator,
            Change::Frame(before, after) => self.frame = (before, after),
            Change::Transform(transform) => self.transform = *transform,
        }
        self
    }

    /// Replaces the content of `out` by the text.
    pub(super) fn write(&self, out: &mut Zeroizing<Vec<u8>>) {
        self.write_with(out, |slot| self.value(slot));
        self.transformed(out);
    }

    /// The text before it is transformed, with placeholders for secrets.
    pub(super) fn masked(&self, masked: impl Fn(Slot) -> Option<&'static str>) -> Vec<u8> {
        let mut out = Zeroizing::new(Vec::new());
        self.write_with(&mut out, |slot| match masked(slot) {
            Some(mask) => Cow::Borrowed(mask.as_bytes()),
            None => self.value(slot),
        });
        out.to_vec()
    }

    fn write_with<'b>(&self, out: &mut Zeroizing<Vec<u8>>, value: impl Fn(Slot) -> Cow<'b, [u8]>) {
        out.clear();
        out.extend_from_slice(self.frame.0.as_bytes());
        for (place, &slot) in self.slots.iter().enumerate() {
            if place > 0 {
                out.extend_from_slice(self.separator.as_bytes());
            }
            out.extend_from_slice(&value(slot));
        }
        out.extend_from_slice(self.frame.1.as_bytes());
    }

    fn value(&self, slot: Slot) -> Cow<'a, [u8]> {
        let body = self.subject.body.unwrap_or_default();
        Cow::Borrowed(match slot {
            Slot::Date => self.date,
            Slot::RequestId => self.request_id,
            Slot::Path => self.path,
            Slot::AppKey => self.app_key,
            Slot::Method => self.subject.method.as_bytes(),
            Slot::MethodInLowerCase => return self.subject.method.to_ascii_lowercase().into_bytes().into(),
            Slot::Body => body,
            Slot::BodyHash(place) => self.subject.body_hashes.get(place).map_or(&[][..], String::as_bytes),
            Slot::Host => self.subject.host.unwrap_or_default(),
            Slot::AccessKey => self.subject.access_key.as_bytes(),
            Slot::AppId => self.subject.app_id.as_bytes(),
            Slot::SecretKey => self.subject.secret_text.as_bytes(),
        })
    }

    fn transformed(&self, out: &mut Zeroizing<Vec<u8>>) {
        let replaced = match self.transform {
            Transform::None => return,
            Transform::LowerCase => return out.make_ascii_lowercase(),
            Transform::UpperCase => return out.make_ascii_uppercase(),
            Transform::Utf16LittleEndian => utf_16(out, u16::to_le_bytes),
            Transform::Utf16BigEndian => utf_16(out, u16::to_be_bytes),
            Transform::Utf16WithMark => [&b"\xff\xfe"[..], &utf_16(out, u16::to_le_bytes)].concat(),
            Transform::ByteOrderMark => [&b"\xef\xbb\xbf"[..], out].concat(),
            Transform::PercentEncoded => percent_encoded(out, b""),
            Transform::Base64 => base64_text(out).into_bytes(),
            Transform::Hashed { hash, hex: false } => hash.digest(&[out]),
            Transform::Hashed { hash, hex: true } => hex_text(&hash.digest(&[out])).into_bytes(),
        };
        *out = Zeroizing::new(replaced);
    }
}

/// Text in UTF-16, two bytes per unit.
pub(super) fn utf_16(text: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    String::from_utf8_lossy(text).encode_utf16().flat_map(bytes).collect()
}
