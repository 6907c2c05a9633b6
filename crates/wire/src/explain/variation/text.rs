//! Variations of the whole text.

use super::super::hash::Hash;
use super::super::{Mistake, Subject};
use super::{Change, SLOTS, Slot, Transform, Variation};

pub(super) fn variations(subject: &Subject<'_>, all: &mut Vec<Variation>) {
    separators(all);
    frames(all);
    orders(all);
    left_out(all);
    put_in(subject, all);
    transforms(all);
}

fn separators(all: &mut Vec<Variation>) {
    use Mistake as M;
    for (mistake, separator) in [
        (M::NewlineJoined, "\n"),
        (M::NewlineJoined, "\r\n"),
        (M::NewlineJoined, "\\n"),
        (M::NoSeparator, ""),
        (M::CommaJoined, ","),
        (M::CommaJoined, ", "),
    ] {
        all.push(Variation::new(mistake, Change::Separator(separator)));
    }
    for separator in [" ", ": ", " : ", "::", "|", ";", "&", "/", "-", "_", ".", "+", "\t", "\0"] {
        let note = format!("`{}`", separator.escape_default());
        all.push(Variation::noted(M::OtherSeparator, Change::Separator(separator), note));
    }
}

fn frames(all: &mut Vec<Variation>) {
    use Mistake as M;
    for (mistake, before, after) in [
        (M::TrailingLineBreak, "", "\n"),
        (M::TrailingLineBreak, "", "\r\n"),
        (M::TrailingSeparator, "", ":"),
        (M::TrailingSeparator, ":", ""),
        (M::TrailingSeparator, ":", ":"),
        (M::TrailingSeparator, "", " "),
        (M::TrailingSeparator, " ", ""),
        (M::Quotes, "\"", "\""),
        (M::Quotes, "'", "'"),
        (M::TextPythonBytes, "b'", "'"),
        (M::TextPythonBytes, "b\"", "\""),
    ] {
        let mut variation = Variation::new(mistake, Change::Frame(before, after));
        if mistake == M::Quotes {
            variation.note = Some("around the whole text".to_owned());
        }
        all.push(variation);
    }
}

fn orders(all: &mut Vec<Variation>) {
    let mut orders = Vec::new();
    permute(&mut SLOTS.to_vec(), 0, &mut orders);
    orders.retain(|order| order != SLOTS);
    for order in orders {
        let names: Vec<_> = order.iter().map(|&slot| name(slot)).collect();
        let note = format!("signed: {}", names.join(", "));
        all.push(Variation::noted(Mistake::Order, Change::Slots(order), note));
    }
}

fn permute(slots: &mut Vec<Slot>, from: usize, out: &mut Vec<Vec<Slot>>) {
    if from == slots.len() {
        return out.push(slots.clone());
    }
    for place in from..slots.len() {
        slots.swap(from, place);
        permute(slots, from + 1, out);
        slots.swap(from, place);
    }
}

fn left_out(all: &mut Vec<Variation>) {
    let mut add = |missing: &[Slot]| {
        let slots: Vec<_> = SLOTS.iter().copied().filter(|slot| !missing.contains(slot)).collect();
        let names: Vec<_> = missing.iter().map(|&slot| name(slot)).collect();
        let note = format!("left out: {}", names.join(", "));
        all.push(Variation::noted(Mistake::PartLeftOut, Change::Slots(slots), note));
    };
    for &one in SLOTS {
        add(&[one]);
    }
    for (place, &one) in SLOTS.iter().enumerate() {
        for &other in &SLOTS[place + 1..] {
            add(&[one, other]);
        }
    }
}

fn put_in(subject: &Subject<'_>, all: &mut Vec<Variation>) {
    use Mistake as M;
    let mut add = |mistake, slot| {
        for place in 0..=SLOTS.len() {
            let mut slots = SLOTS.to_vec();
            slots.insert(place, slot);
            let place = match place {
                0 => "in front".to_owned(),
                _ => format!("after the {}", name(SLOTS[place - 1])),
            };
            let note = format!("{} is {place}", name(slot));
            all.push(Variation::noted(mistake, Change::Slots(slots), note));
        }
    };
    if !subject.method.is_empty() {
        add(M::MethodInText, Slot::Method);
        add(M::MethodInText, Slot::MethodInLowerCase);
    }
    if subject.body.is_some_and(|body| !body.is_empty()) {
        add(M::BodyInText, Slot::Body);
        for hash in 0..subject.body_hashes.len() {
            add(M::BodyInText, Slot::BodyHash(hash));
        }
    }
    if subject.host.is_some() {
        add(M::HostInText, Slot::Host);
    }
    add(M::KeyInText, Slot::AccessKey);
    add(M::KeyInText, Slot::AppId);
    add(M::KeyInText, Slot::SecretKey);
}

fn transforms(all: &mut Vec<Variation>) {
    use Mistake as M;
    use Transform as T;
    for (mistake, transform, note) in [
        (M::TextCase, T::LowerCase, Some("in lower case")),
        (M::TextCase, T::UpperCase, Some("in upper case")),
        (M::TextUtf16, T::Utf16LittleEndian, None),
        (M::TextUtf16, T::Utf16BigEndian, Some("big-endian")),
        (M::TextUtf16, T::Utf16WithMark, Some("with a byte order mark")),
        (M::TextByteOrderMark, T::ByteOrderMark, None),
        (M::TextEncoded, T::PercentEncoded, Some("percent-encoded")),
        (M::TextEncoded, T::Base64, Some("in base64")),
        (M::TextHashed, T::Hashed { hash: Hash::Sha1, hex: true }, Some("SHA-1, in hexadecimal digits")),
        (M::TextHashed, T::Hashed { hash: Hash::Sha1, hex: false }, Some("SHA-1, its bytes")),
        (M::TextHashed, T::Hashed { hash: Hash::Sha256, hex: true }, Some("SHA-256, in hexadecimal digits")),
        (M::TextHashed, T::Hashed { hash: Hash::Sha256, hex: false }, Some("SHA-256, its bytes")),
    ] {
        all.push(Variation {
            note: note.map(str::to_owned),
            ..Variation::new(mistake, Change::Transform(transform))
        });
    }
}

pub(super) fn name(slot: Slot) -> &'static str {
    match slot {
        Slot::Date => "date",
        Slot::RequestId => "request id",
        Slot::Path => "path",
        Slot::AppKey => "application key",
        Slot::Method | Slot::MethodInLowerCase => "the method",
        Slot::Body => "the body",
        Slot::BodyHash(_) => "a hash of the body",
        Slot::Host => "the host",
        Slot::AccessKey => "the access key",
        Slot::AppId => "the application id",
        Slot::SecretKey => "the secret key",
    }
}
