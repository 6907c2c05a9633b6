//! `x-mc-date`: the time of signing, in the formats of real clients (`spec/clients.md` 2).
//!
//! ```text
//! [weekday,] day month year hour:minute:second zone
//! Tue, 24 Nov 2015 12:50:11 UTC
//! ```
//!
//! The date decides only whether a request is fresh; the signature covers the bytes as received. So the parser accepts
//! variations by locale (weekday, month), and is strict where an error would hide a wrong clock.

mod month;
mod zone;

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use month::Month;

/// Longest accepted value, in bytes `[ours]`. The longest known one has 48.
const MAX_BYTES: usize = 128;

/// Years by which the Thai calendar is ahead: the Buddhist year of 2026 is 2569.
const BUDDHIST_YEARS: i16 = 543;

/// Why a date was refused, and what to send instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The header is blank.
    #[error("x-mc-date is empty: expected a date such as `Tue, 24 Nov 2015 12:50:11 UTC`")]
    Empty,
    /// More than 128 bytes.
    #[error("x-mc-date is too long: expected a date such as `Tue, 24 Nov 2015 12:50:11 UTC`")]
    TooLong,
    /// Parts are missing, or in another order.
    #[error(
        "x-mc-date has another form: expected day, month, year, time and zone as in `Tue, 24 Nov 2015 12:50:11 UTC`"
    )]
    Form,
    /// Digits of another script, as Java formats them in some Arabic, Persian and Indian locales.
    #[error("x-mc-date has digits that are not 0-9: format it with an English or the root locale")]
    Digits,
    /// The day of the month is not one or two digits.
    #[error(
        "x-mc-date has no day of the month where it is expected: write it in digits before the month, as in `24 Nov`"
    )]
    Day,
    /// A year of two digits, as in RFC 850, or of any number except four.
    #[error("x-mc-date has a year that is not of four digits: write it in full, as in `2015`")]
    Year,
    /// A year of the Buddhist calendar.
    #[error("x-mc-date has a year of the Buddhist calendar: format it with the Gregorian calendar")]
    BuddhistYear,
    /// An unknown month that is neither the current nor a neighbouring one.
    #[error("x-mc-date has a month that is not known: write it in English, as in `Nov`")]
    Month,
    /// Hour, minute or second is missing or out of range.
    #[error("x-mc-date has no time as expected: write hour, minute and second, as in `12:50:11`")]
    Time,
    /// The zone is missing.
    #[error("x-mc-date has no zone: write `UTC` or `GMT` after the time")]
    ZoneMissing,
    /// An unknown or ambiguous zone, such as `IST`.
    #[error(
        "x-mc-date has a zone that is not known or not unique: write `UTC`, `GMT` or an offset such as `+0000`"
    )]
    Zone,
    /// A date that does not exist, such as 30 February, or one after the year 9999.
    #[error("x-mc-date names a day that does not exist")]
    NoSuchDay,
}

/// Parses the value of an `x-mc-date` header that was received at `now` (`spec/clients.md` 2).
///
/// * The weekday is ignored: it may be in any language or missing.
/// * The month is a name in English or another common language, or a number with letters around it (`11月`). Any other
///   word means the current, previous or next month, whichever brings the date closest to `now`, because Java and
///   PowerShell use the language of the machine. The cost: a request signed with such a word is fresh again at the same
///   minute of the next month.
/// * The parts of the time are separated by colons, or by dots as .NET does for some languages `[ours]`. A leap second
///   is read as the second before it.
/// * The zone is an offset from UTC, or an unambiguous name.
pub fn parse(value: &[u8], now: Timestamp) -> Result<Timestamp, DateError> {
    if value.len() > MAX_BYTES {
        return Err(DateError::TooLong);
    }
    // Names in an encoding other than UTF-8 become unknown names.
    let text = String::from_utf8_lossy(value);
    let text = text.trim();
    if text.is_empty() {
        return Err(DateError::Empty);
    }
    if text.chars().any(|sign| sign.is_numeric() && !sign.is_ascii_digit()) {
        return Err(DateError::Digits);
    }

    let mut buffer = [""; 8];
    let (day, month, year, time, zone) = match split(without_weekday(text), &mut buffer) {
        [day, month @ .., year, time, zone] if !month.is_empty() && time.contains(is_between_digits) => {
            (*day, month, *year, time, zone)
        }
        [.., last] if last.contains(':') && clock(last).is_ok() => return Err(DateError::ZoneMissing),
        [first, ..] if ends_in_short_year(first) => return Err(DateError::Year),
        _ => return Err(DateError::Form),
    };
    let day = number(day, 1..=2).ok_or(DateError::Day)?;
    let year: i16 = number(year, 4..=4).ok_or(DateError::Year)?;
    let time = clock(time)?;
    let offset = zone::offset(zone).ok_or(DateError::Zone)?;

    let moment = |year, month| {
        let date = Date::new(year, month, day).ok()?;
        offset.to_timestamp(date.to_datetime(time)).ok()
    };
    let this_month = Offset::UTC.to_datetime(now).date().first_of_month();
    if (year - BUDDHIST_YEARS).abs_diff(this_month.year()) <= 1 {
        return Err(DateError::BuddhistYear);
    }
    match month::parse(month) {
        Some(Month(month)) => moment(year, month).ok_or(DateError::NoSuchDay),
        None => [this_month.yesterday(), Ok(this_month), this_month.last_of_month().tomorrow()]
            .into_iter()
            .flatten()
            .filter(|candidate| candidate.year() == year)
            .filter_map(|candidate| moment(year, candidate.month()))
            .min_by_key(|moment| moment.duration_since(now).unsigned_abs())
            .ok_or(DateError::Month),
    }
}

/// The text after the weekday: after the first comma or, without one, after all words without a digit.
fn without_weekday(text: &str) -> &str {
    match text.split_once(',') {
        Some((_, rest)) => rest,
        None => text.trim_start_matches(|sign: char| !sign.is_ascii_digit()),
    }
}

/// The words of `text`; empty if there are more than a date has.
fn split<'b, 'a>(text: &'a str, words: &'b mut [&'a str; 8]) -> &'b [&'a str] {
    let mut count = 0;
    for word in text.split_whitespace() {
        let Some(place) = words.get_mut(count) else { return &[] };
        *place = word;
        count += 1;
    }
    &words[..count]
}

fn is_between_digits(sign: char) -> bool {
    matches!(sign, ':' | '.')
}

/// `24-Nov-15`, as in RFC 850.
fn ends_in_short_year(word: &str) -> bool {
    word.rsplit_once('-').is_some_and(|(_, year)| number::<u8>(year, 2..=2).is_some())
}

fn clock(word: &str) -> Result<Time, DateError> {
    let mut parts = word.split(is_between_digits);
    let mut next = |digits| parts.next().and_then(|part| number::<i8>(part, digits)).ok_or(DateError::Time);
    let (hour, minute, second) = (next(1..=2)?, next(2..=2)?, next(2..=2)?);
    if parts.next().is_some() {
        return Err(DateError::Time);
    }
    let second = if second == 60 { 59 } else { second };
    Time::new(hour, minute, second, 0).map_err(|_| DateError::Time)
}

/// The number that `word` consists of, if it has an allowed number of digits.
fn number<N: FromStr>(word: &str, digits: RangeInclusive<usize>) -> Option<N> {
    let all_digits = word.bytes().all(|byte| byte.is_ascii_digit());
    (all_digits && digits.contains(&word.len())).then(|| word.parse().ok()).flatten()
}
