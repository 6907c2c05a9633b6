//! Application key, path and request id as clients sign them.

use zeroize::Zeroizing;

use super::super::spelling::{percent_decoded, percent_encoded};
use super::super::{Mistake, Subject};
use super::{Change, Variation};

/// Values of unset variables.
const UNSET: [&str; 4] = ["", "undefined", "None", "null"];

const ENDS: [(&str, &str); 3] =
    [("\n", "a line feed"), ("\r\n", "carriage return and line feed"), (" ", "a blank")];

pub(super) fn app_key(subject: &Subject<'_>, all: &mut Vec<Variation>) {
    use Mistake as M;
    let change = |value: &[u8]| Change::AppKey(Zeroizing::new(value.to_vec()));
    let key = subject.app_key;
    for (mistake, value) in [
        (M::AppKeyIsAppId, subject.app_id),
        (M::AppKeyIsAccessKey, subject.access_key),
        (M::AppKeyIsSecret, subject.secret_text),
    ] {
        all.push(Variation::new(mistake, change(value.as_bytes())));
    }
    for value in [key.to_ascii_uppercase(), key.to_ascii_lowercase()] {
        all.push(Variation::new(M::AppKeyCase, change(&value)));
    }
    let braced = [b"{", key, b"}"].concat();
    let bare: Vec<u8> = key.iter().copied().filter(|&byte| byte != b'-').collect();
    for value in [braced, bare] {
        all.push(Variation::new(M::AppKeyForm, change(&value)));
    }
    for quote in [&b"\""[..], b"'"] {
        all.push(Variation::new(M::AppKeyForm, change(&[quote, key, quote].concat())));
    }
    for unset in UNSET {
        let note = (!unset.is_empty()).then(|| format!("signed: `{unset}`"));
        all.push(Variation { note, ..Variation::new(M::AppKeyUnset, change(unset.as_bytes())) });
    }
    // A suffix of the last part is a suffix of the text, which the frames cover.
    for (name, other) in subject.other_app_keys {
        let note = format!("the one of {name}");
        all.push(Variation::noted(M::AppKeyOther, change(other.as_bytes()), note));
    }
}

pub(super) fn request_id(subject: &Subject<'_>, all: &mut Vec<Variation>) {
    use Mistake as M;
    let id = subject.request_id;
    let mut add = |mistake, value: Vec<u8>| all.push(Variation::new(mistake, Change::RequestId(value)));
    add(M::RequestIdCase, id.to_ascii_lowercase());
    add(M::RequestIdCase, id.to_ascii_uppercase());
    let bare = id.strip_prefix(b"urn:uuid:").unwrap_or(id).trim_ascii();
    let bare = bare.strip_prefix(b"{").and_then(|id| id.strip_suffix(b"}")).unwrap_or(bare);
    let digits: Vec<u8> = bare.iter().copied().filter(|&byte| byte != b'-').collect();
    for id in [bare.to_vec(), bare.to_ascii_lowercase(), bare.to_ascii_uppercase()] {
        add(M::RequestIdForm, [b"{", &id[..], b"}"].concat());
        add(M::RequestIdForm, [b"urn:uuid:", &id[..]].concat());
        add(M::RequestIdForm, id);
    }
    for digits in [digits.to_ascii_lowercase(), digits.to_ascii_uppercase(), digits] {
        if digits.len() == 32 {
            let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            add(M::RequestIdForm, groups.join(&b"-"[..]));
        }
        add(M::RequestIdForm, digits);
    }
    add(M::RequestIdIsOther, subject.app_id.as_bytes().to_vec());
    blank_or_unset(all, id, "the request id", Change::RequestId);
}

pub(super) fn path(subject: &Subject<'_>, path: &[u8], all: &mut Vec<Variation>) {
    use Mistake as M;
    let mut add = |mistake, value: Vec<u8>| all.push(Variation::new(mistake, Change::Path(value)));
    let host = subject.host.unwrap_or_default();
    let name = host.iter().rposition(|&byte| byte == b':').map_or(host, |colon| &host[..colon]);
    if !host.is_empty() {
        for host in [host, name] {
            for (mistake, scheme) in [
                (M::PathUrl, &b"https://"[..]),
                (M::PathUrl, b"http://"),
                (M::PathUrl, b"//"),
                (M::PathHost, b""),
            ] {
                add(mistake, [scheme, host, path].concat());
                add(mistake, [scheme, host, subject.target].concat());
            }
        }
    }
    add(M::PathTrailingSlash, [path, b"/"].concat());
    if let Some(bare) = path.strip_prefix(b"/") {
        add(M::PathLeadingSlash, bare.to_vec());
    }
    add(M::PathCase, path.to_ascii_lowercase());
    add(M::PathCase, path.to_ascii_uppercase());
    add(M::PathEncoded, percent_encoded(path, b""));
    add(M::PathEncoded, percent_encoded(path, b"").to_ascii_lowercase());
    add(M::PathEncoded, percent_encoded(path, b"/"));
    add(M::PathEncoded, percent_decoded(path));
    let slashes: Vec<usize> = (1..path.len()).filter(|&place| path[place] == b'/').collect();
    for slash in slashes {
        add(M::PathPrefix, path[slash..].to_vec());
        add(M::PathPrefix, path[slash + 1..].to_vec());
    }
    add(M::PathPrefix, [b"/api", path].concat());
    add(M::PathQuery, [path, b"?"].concat());
    if let Some(mark) = subject.target.iter().position(|&byte| byte == b'?') {
        let query = &subject.target[mark + 1..];
        let mut pairs: Vec<&[u8]> = query.split(|&byte| byte == b'&').collect();
        pairs.sort_unstable();
        add(M::PathQuery, [path, b"?", &percent_decoded(query)].concat());
        add(M::PathQuery, [path, b"?", &pairs.join(&b"&"[..])].concat());
        add(M::PathQuery, [path, b"/?", query].concat());
        add(M::PathQuery, [path, query].concat());
    }
    for other in subject.paths {
        add(M::PathOther, other.as_bytes().to_vec());
    }
    blank_or_unset(all, path, "the path", Change::Path);
}

/// Mistakes that can affect each part: something is appended, it is quoted, or it was never set.
pub(super) fn blank_or_unset(
    all: &mut Vec<Variation>,
    value: &[u8],
    what: &str,
    change: impl Fn(Vec<u8>) -> Change,
) {
    for (end, note) in ENDS {
        let value = [value, end.as_bytes()].concat();
        all.push(Variation::noted(Mistake::PartBlank, change(value), format!("{what}, with {note}")));
    }
    for quote in [&b"\""[..], b"'"] {
        let value = [quote, value, quote].concat();
        all.push(Variation::noted(Mistake::Quotes, change(value), format!("around {what}")));
    }
    for unset in UNSET {
        let note = match unset {
            "" => format!("{what} was empty"),
            _ => format!("{what} was `{unset}`"),
        };
        all.push(Variation::noted(Mistake::PartUnset, change(unset.into()), note));
    }
}
