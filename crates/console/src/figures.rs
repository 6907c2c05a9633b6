//! Numbers, durations and error codes as text.

use std::time::Duration;

use wire::Code;

/// The meaning of a code; empty if the code is unknown.
pub(crate) fn meaning(code: &str) -> String {
    let found = Code::ALL.iter().find(|known| known.as_str() == code);
    found.map(|code| code.meaning()).unwrap_or_default()
}

/// A number with thousands separators.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A percentage; 0 % only if `part` is 0, and 100 % only if `part` is `whole`.
pub(crate) fn share(part: u64, whole: u64) -> String {
    let per_mille = u128::from(part) * 1_000 / u128::from(whole.max(1));
    match (part, per_mille) {
        (0, _) => "0 %".to_owned(),
        (_, 0) => "under 0.1 %".to_owned(),
        (_, low @ 1..100) => format!("{}.{} %", low / 10, low % 10),
        (_, high) => format!("{} %", high / 10),
    }
}

/// A duration with two or three digits.
pub(crate) fn duration(time: Duration) -> String {
    let micros = time.as_micros();
    let (number, unit) = match micros {
        0..1_000 => return format!("{micros} µs"),
        1_000..1_000_000 => (micros, "ms"),
        _ => (micros / 1_000, "s"),
    };
    match number / 1_000 {
        few @ 0..10 => format!("{few}.{} {unit}", number % 1_000 / 100),
        many => format!("{many} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_rounded_down() {
        let counts = [0, 999, 1_000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
        let shares = [(0, 0), (0, 9), (1, 10_000), (1, 40), (1, 3), (999, 1_000), (7, 7)];
        let shares = shares.map(|(part, whole)| share(part, whole));
        assert_eq!(shares, ["0 %", "0 %", "under 0.1 %", "2.5 %", "33 %", "99 %", "100 %"]);
        let times = [0, 999, 1_250, 99_900, 1_000_000, 61_000_000];
        let times = times.map(|micros| duration(Duration::from_micros(micros)));
        assert_eq!(times, ["0 µs", "999 µs", "1.2 ms", "99 ms", "1.0 s", "61 s"]);
    }
}
