use jiff::tz::Offset;

use super::number;

/// Unambiguous zone names in use, with their minutes east of UTC (`spec/clients.md` 2). The choice is `[ours]`: `IST`
/// is missing on purpose, because it is used for India, Ireland and Israel. `BST` is British, `CST` and `MST` are
/// American, as in RFC 822 and for the known clients.
const NAMES: [(&str, i32); 34] = [
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MEZ", 60),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("SAST", 120),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
    ("HKT", 480),
    ("SGT", 480),
    ("JST", 540),
    ("KST", 540),
    ("AEST", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
];

/// The offset of a zone: a name, `+hhmm`, `+hh:mm`, or a name for UTC followed by an offset, as Java formats unnamed
/// zones (`GMT+01:00`).
pub(super) fn offset(zone: &str) -> Option<Offset> {
    let sign = zone.find(['+', '-']).unwrap_or(zone.len());
    let (name, digits) = zone.split_at(sign);
    let named = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, minutes)| minutes);
    let minutes = match (name, digits) {
        (_, "") => named?,
        ("", _) => numeric(digits)?,
        // An offset may follow only a name for UTC: `EST+0100` is invalid.
        _ if named == Some(0) => numeric(digits)?,
        _ => return None,
    };
    Offset::from_seconds(minutes * 60).ok()
}

/// `+1`, `+01`, `+0100`, `+01:00` in minutes.
fn numeric(text: &str) -> Option<i32> {
    let (sign, digits) = text.split_at_checked(1)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let hours: i32 = number(hours, 1..=2).filter(|hours| *hours < 24)?;
    let minutes: i32 = number(minutes, 2..=2).filter(|minutes| *minutes < 60)?;
    let east = hours * 60 + minutes;
    Some(if sign == "-" { -east } else { east })
}
