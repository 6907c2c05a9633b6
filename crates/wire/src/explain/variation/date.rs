//! The date in other formats and at other times.

use std::ops::RangeInclusive;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::super::{Mistake, Subject};
use super::parts::blank_or_unset;
use super::{Change, Variation};

/// A date like RFC 1123: clients differ in exactly these fields.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    weekday: bool,
    /// `%d`, `%-d` or `%e`.
    day: &'static str,
    zone: &'static str,
}

const ZONES: [&str; 9] = [" UTC", " GMT", " +0000", " -0000", " +00:00", " Z", " UT", " GMT+00:00", ""];

/// Other formats of the same time.
const ISO_8601: [&str; 12] = [
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.000Z",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y-%m-%dT%H:%M:%S+0000",
    "%Y-%m-%dT%H:%M:%S.000+00:00",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S+00:00",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y-%m-%d %H:%M:%S +0000 UTC",
    "%Y%m%dT%H%M%SZ",
];
const OTHER: [&str; 16] = [
    "%a %b %d %H:%M:%S UTC %Y",
    "%a %b %d %H:%M:%S GMT %Y",
    "%a %b %e %H:%M:%S %Y",
    "%a %b %e %H:%M:%S UTC %Y",
    "%a %b %e %H:%M:%S GMT %Y",
    "%a %b %e %I:%M:%S %p UTC %Y",
    "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)",
    "%a %b %d %Y %H:%M:%S GMT+0000 (UTC)",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S UTC",
    "%A, %d %B %Y %H:%M:%S UTC",
    "%A, %d %B %Y %H:%M:%S GMT",
    "%a, %d %b %y %H:%M:%S UTC",
    "%m/%d/%Y %H:%M:%S",
    "%-m/%-d/%Y %-I:%M:%S %p",
    "%d/%m/%Y %H:%M:%S",
];

/// Names of zones other than UTC, with their hours east of it. Unlike in the parser, ambiguous names are included.
const NAMED: [(&str, i32); 22] = [
    ("CET", 1),
    ("CEST", 2),
    ("BST", 1),
    ("IST", 1),
    ("WEST", 1),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("SAST", 2),
    ("SGT", 8),
    ("JST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("NZDT", 13),
];

/// Zones in use, in minutes east of UTC.
const OFFSETS: RangeInclusive<i32> = -12 * 60..=14 * 60;

/// Most seconds between two readings of the clock.
const SECONDS: i64 = 300;

/// Seconds that are combined with another mistake.
const FEW_SECONDS: i64 = 5;

impl Form {
    fn all() -> impl Iterator<Item = Self> {
        ["%d", "%-d", "%e"].into_iter().flat_map(|day| {
            [true, false]
                .into_iter()
                .flat_map(move |weekday| ZONES.map(move |zone| Form { weekday, day, zone }))
        })
    }

    fn pattern(self) -> String {
        let Form { weekday, day, zone } = self;
        format!("{}{day} %b %Y %H:%M:%S{zone}", if weekday { "%a, " } else { "" })
    }

    /// The mistakes that turn this form into another.
    fn differences(self, other: Self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.zone != other.zone {
            mistakes.push(Mistake::DateZone);
        }
        if self.day != other.day {
            mistakes.push(Mistake::DateDayDigits);
        }
        if self.weekday != other.weekday {
            mistakes.push(Mistake::DateWeekday);
        }
        mistakes
    }
}

fn written(moment: Timestamp, pattern: &str) -> Vec<u8> {
    moment.strftime(pattern).to_string().into_bytes()
}

/// The time that a date most likely means.
pub(in super::super) fn moment(date: &[u8], now: Timestamp) -> Option<Timestamp> {
    if let Ok(moment) = crate::date::parse(date, now) {
        return Some(moment);
    }
    let text = str::from_utf8(date).ok()?.trim();
    if let Ok(number) = text.parse::<i64>() {
        // Current times in milliseconds have three digits more than in seconds.
        let milliseconds = number.unsigned_abs() > 100_000_000_000;
        return if milliseconds {
            Timestamp::from_millisecond(number).ok()
        } else {
            Timestamp::from_second(number).ok()
        };
    }
    let civil = || Offset::UTC.to_timestamp(text.parse().ok()?).ok();
    text.parse().ok().or_else(civil)
}

/// The format in which the date was sent.
fn own_pattern(subject: &Subject<'_>, moment: Timestamp) -> Option<(String, Option<Form>)> {
    let forms = Form::all().map(|form| (form.pattern(), Some(form)));
    let others = ISO_8601.iter().chain(&OTHER).map(|&pattern| (pattern.to_owned(), None));
    forms.chain(others).find(|(pattern, _)| written(moment, pattern) == subject.date)
}

/// The formats of signed dates, each with its mistakes relative to the sent one.
pub(super) fn forms(subject: &Subject<'_>, all: &mut Vec<Variation>) {
    use Mistake as M;
    let date = subject.date;
    if let Some(moment) = subject.moment {
        let own = own_pattern(subject, moment);
        let form = own.as_ref().and_then(|(_, form)| *form);
        let mut forms: Vec<_> = Form::all()
            .map(|other| {
                (other.pattern(), form.map_or(vec![M::DateOtherForm], |form| form.differences(other)))
            })
            .collect();
        forms.extend(ISO_8601.iter().map(|&pattern| (pattern.to_owned(), vec![M::DateIso8601])));
        forms.extend(OTHER.iter().map(|&pattern| (pattern.to_owned(), vec![M::DateOtherForm])));
        forms.sort_by_key(|(_, mistakes)| mistakes.len());
        for (pattern, mistakes) in forms {
            let change = Change::Date(written(moment, &pattern));
            all.push(Variation { change, mistakes, note: None });
        }
        for number in [moment.as_second(), moment.as_millisecond()] {
            all.push(Variation::new(M::DateEpoch, Change::Date(number.to_string().into_bytes())));
        }
        if let Some((pattern, _)) = own {
            for seconds in (1..=FEW_SECONDS).flat_map(|seconds| [-seconds, seconds]) {
                all.extend(shifted(moment, &pattern, seconds));
            }
        }
    }
    for value in [date.to_ascii_lowercase(), date.to_ascii_uppercase()] {
        all.push(Variation::new(M::DateCase, Change::Date(value)));
    }
    if !date.is_ascii() {
        let utf_8: String = date.iter().map(|&byte| char::from(byte)).collect();
        all.push(Variation::new(M::DateEncoding, Change::Date(utf_8.into_bytes())));
        let text = String::from_utf8_lossy(date);
        let latin_1 = text.chars().map(|sign| u8::try_from(sign).unwrap_or(b'?')).collect();
        let ascii = text.chars().map(|sign| if sign.is_ascii() { sign } else { '?' }).collect::<String>();
        all.push(Variation::new(M::DateEncoding, Change::Date(latin_1)));
        all.push(Variation::new(M::DateEncoding, Change::Date(ascii.into_bytes())));
    }
    blank_or_unset(all, date, "the date", Change::Date);
}

/// Nearby times, and formats with unknown details such as fractions of a second or a zone. Numerous, so they are only
/// tried alone.
pub(in super::super) fn wide(subject: &Subject<'_>) -> Vec<Variation> {
    use Mistake as M;
    let Some(moment) = subject.moment else { return Vec::new() };
    let mut all = Vec::with_capacity(4_000);
    if let Some((pattern, _)) = own_pattern(subject, moment) {
        for seconds in (FEW_SECONDS + 1..=SECONDS).flat_map(|seconds| [-seconds, seconds]) {
            all.extend(shifted(moment, &pattern, seconds));
        }
        for minutes in OFFSETS.step_by(15).filter(|&minutes| minutes != 0) {
            let Ok(other) = moment.checked_add(SignedDuration::from_mins(minutes.into())) else { continue };
            let note = format!("as if the zone were {}", offset_text(minutes));
            all.push(Variation::noted(M::DateLocalTime, Change::Date(written(other, &pattern)), note));
        }
    }
    let second = written(moment, "%Y-%m-%dT%H:%M:%S");
    for fraction in 1..1_000 {
        for end in ["Z", "+00:00"] {
            let value = [&second[..], format!(".{fraction:03}{end}").as_bytes()].concat();
            all.push(Variation::new(M::DateIso8601, Change::Date(value)));
        }
        let value = (moment.as_second() * 1_000 + fraction).to_string().into_bytes();
        all.push(Variation::new(M::DateEpoch, Change::Date(value)));
    }
    let zones = OFFSETS.step_by(15).filter(|&minutes| minutes != 0).flat_map(|minutes| {
        let (colon, bare) = (offset_text(minutes), offset_text(minutes).replace(':', ""));
        [
            (minutes, format!("%a, %d %b %Y %H:%M:%S {bare}")),
            (minutes, format!("%a, %d %b %Y %H:%M:%S {colon}")),
            (minutes, format!("%a, %d %b %Y %H:%M:%S GMT{colon}")),
            (minutes, format!("%a, %-d %b %Y %H:%M:%S GMT{colon}")),
            (minutes, format!("%Y-%m-%dT%H:%M:%S{colon}")),
            (minutes, format!("%a %b %d %Y %H:%M:%S GMT{bare}")),
        ]
    });
    let named = NAMED.iter().flat_map(|&(name, hours)| {
        let minutes = hours * 60;
        [
            (minutes, format!("%a, %d %b %Y %H:%M:%S {name}")),
            (minutes, format!("%a, %-d %b %Y %H:%M:%S {name}")),
            (minutes, format!("%a %b %d %H:%M:%S {name} %Y")),
        ]
    });
    for (minutes, pattern) in named.chain(zones) {
        let Ok(other) = moment.checked_add(SignedDuration::from_mins(minutes.into())) else { continue };
        all.push(Variation::new(M::DateLocalTime, Change::Date(written(other, &pattern))));
    }
    all.retain(|variation| !matches!(&variation.change, Change::Date(value) if value == subject.date));
    all
}

fn shifted(moment: Timestamp, pattern: &str, seconds: i64) -> Option<Variation> {
    let other = moment.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    let way = if seconds < 0 { "earlier" } else { "later" };
    let unit = if seconds.abs() == 1 { "second" } else { "seconds" };
    let note = format!("{} {unit} {way} than it was sent", seconds.abs());
    Some(Variation::noted(Mistake::DateMoment, Change::Date(written(other, pattern)), note))
}

fn offset_text(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}
