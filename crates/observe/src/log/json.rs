//! Log lines as JSON, rendered in one pass: the same bytes as the JSON format of `tracing-subscriber` with its fields
//! flattened, for a fraction of the time. What is rare is left to that format.

use std::fmt::{self, Debug, Write as _};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Space for a line; longer lines make it grow.
const USUAL: usize = 512;

/// The format of JSON lines, for `map_event_format`.
pub struct JsonLines {
    usual: Format<Json>,
    now: fn() -> Timestamp,
}

impl JsonLines {
    /// Renders as `usual` does, which must be flattened and otherwise have its default options.
    pub fn new(usual: Format<Json>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "log lines have the time of the machine")]
        Self { usual, now: Timestamp::now }
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = (self.now)();
        let has_span = event.parent().is_some() || context.lookup_current().is_some();
        if has_span || now < Timestamp::UNIX_EPOCH {
            return self.usual.format_event(context, writer, event);
        }
        writer.write_str(&line(event, now))
    }
}

/// The line of an event without a span, with its line end.
fn line(event: &Event<'_>, now: Timestamp) -> String {
    let mut line = String::with_capacity(USUAL);
    line.push_str("{\"timestamp\":\"");
    push_time(&mut line, Offset::UTC.to_datetime(now));
    line.push_str("\",\"level\":\"");
    line.push_str(event.metadata().level().as_str());
    line.push('"');
    let mut fields = Fields(line);
    event.record(&mut fields);
    let Fields(mut line) = fields;
    line.push_str(",\"target\":\"");
    push_escaped(&mut line, event.metadata().target());
    line.push_str("\"}\n");
    line
}

/// A time in UTC, with microseconds.
fn push_time(line: &mut String, time: DateTime) {
    let year = time.year().unsigned_abs();
    push_digits(line, [(year / 100) as u8, (year % 100) as u8]);
    for (separator, part) in [
        ('-', time.month()),
        ('-', time.day()),
        ('T', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ] {
        line.push(separator);
        push_digits(line, [part.unsigned_abs()]);
    }
    line.push('.');
    let micros = time.subsec_nanosecond().unsigned_abs() / 1_000;
    push_digits(line, [micros / 10_000, micros / 100 % 100, micros % 100].map(|pair| pair as u8));
    line.push('Z');
}

/// Numbers below 100, as two digits each.
fn push_digits<const N: usize>(line: &mut String, pairs: [u8; N]) {
    for pair in pairs {
        line.push((b'0' + pair / 10) as char);
        line.push((b'0' + pair % 10) as char);
    }
}

/// A text within a JSON string.
fn push_escaped(line: &mut String, text: &str) {
    let mut rest = text;
    let must_be_escaped = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\');
    while let Some(at) = rest.bytes().position(must_be_escaped) {
        line.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            byte @ (b'"' | b'\\') => line.extend(['\\', byte as char]),
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            0x08 => line.push_str("\\b"),
            0x0c => line.push_str("\\f"),
            byte => {
                let digit = |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or_default();
                line.push_str("\\u00");
                line.extend([digit(byte >> 4), digit(byte & 15)]);
            }
        }
        rest = &rest[at + 1..];
    }
    line.push_str(rest);
}

/// The fields of an event, appended to its line.
struct Fields(String);

impl Fields {
    fn name(&mut self, field: &Field) {
        self.0.push_str(",\"");
        push_escaped(&mut self.0, field.name());
        self.0.push_str("\":");
    }

    fn number(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field);
        // A string takes everything.
        let _ = write!(self.0, "{value}");
    }
}

/// Escapes what is written to it.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.0.push('"');
        push_escaped(&mut self.0, value);
        self.0.push('"');
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no number for these.
        if value.is_finite() {
            self.number(field, serde_json::Value::from(value));
        } else {
            self.number(field, "null");
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        self.0.push('"');
        // A value that fails to print costs its own rest, not the line.
        let _ = write!(Escaped(&mut self.0), "{value:?}");
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use tracing_subscriber::fmt::time::FormatTime;

    /// What a subscriber wrote.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    /// The lines of the same events in both formats, without the value of their timestamps.
    fn both(log: impl Fn()) -> [String; 2] {
        let written = Written::default();
        let writer = written.clone();
        let usual = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .log_internal_errors(false)
            .json()
            .flatten_event(true);
        tracing::subscriber::with_default(usual.finish(), &log);
        let expected = written.take();
        let writer = written.clone();
        let new = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .log_internal_errors(false)
            .json()
            .flatten_event(true)
            .map_event_format(JsonLines::new);
        tracing::subscriber::with_default(new.finish(), &log);
        [written.take(), expected].map(|lines| without_times(&lines))
    }

    fn without_times(lines: &str) -> String {
        let without_time = |line: &str| {
            let rest = line.strip_prefix("{\"timestamp\":\"").unwrap();
            let (time, rest) = rest.split_at("2026-11-30T02:08:05.123456Z".len());
            assert!(time.parse::<Timestamp>().is_ok(), "{line}");
            format!("{{{rest}\n")
        };
        lines.lines().map(without_time).collect()
    }

    #[track_caller]
    fn agree(log: impl Fn()) -> String {
        let [new, usual] = both(log);
        assert_eq!(new, usual);
        new
    }

    /// Its own output fails.
    struct Unprintable;

    impl Debug for Unprintable {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("partly")?;
            Err(fmt::Error)
        }
    }

    #[test]
    fn every_kind_of_field_is_written_as_before() {
        let error = io::Error::other("a \"disk\"\nfailed");
        let lines = agree(|| {
            tracing::info!("listening");
            tracing::warn!(target: "a::\"b", lines = 3, "log lines were {}", "dropped\t\u{7}\u{7f}\u{8}\u{c}\r");
            tracing::error!(%error, error2 = &error as &(dyn std::error::Error + 'static), "failed");
            tracing::debug!(a = u64::MAX, b = i64::MIN, c = u128::MAX, d = i128::MIN, e = true, f = false);
            tracing::trace!(a = 0.1, b = f64::NAN, c = f64::INFINITY, d = -0.0, e = 1e300, f = f64::MIN);
            tracing::info!(none = None::<&str>, some = Some("x"), bytes = &b"\x00a"[..], unit = ?());
            tracing::info!(r#type = "raw", "with.dots" = 1, "with \"quotes\"" = 2, a.b = 3);
        });
        assert_eq!(lines.lines().count(), 7);
    }

    #[test]
    fn a_value_that_can_t_be_printed_costs_only_its_rest() {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || writer.clone()).json().flatten_event(true);
        tracing::subscriber::with_default(lines.map_event_format(JsonLines::new).finish(), || {
            tracing::info!(fails = ?Unprintable, last = 1);
        });
        let line = without_times(&written.take());
        assert!(line.contains("\"fails\":\"partly\",\"last\":1,"), "{line}");
    }

    #[test]
    fn spans_are_written_as_before() {
        let lines = agree(|| {
            let span = tracing::info_span!("outer", number = 1);
            tracing::info!(parent: &span, "inside by name");
            span.in_scope(|| {
                tracing::info!("inside");
                tracing::info!(parent: None, "outside by name");
            });
            tracing::info!("outside");
        });
        assert_eq!(lines.lines().filter(|line| line.contains("\"outer\"")).count(), 3);
    }

    #[test]
    fn a_time_has_microseconds() {
        for (time, expected) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
            ("2026-11-30T02:08:05.1234567Z", "2026-11-30T02:08:05.123456Z"),
            ("2000-02-29T23:59:59.999999999Z", "2000-02-29T23:59:59.999999Z"),
            ("9999-12-30T22:00:00.000000999Z", "9999-12-30T22:00:00.000000Z"),
        ] {
            let mut line = String::new();
            push_time(&mut line, Offset::UTC.to_datetime(time.parse().unwrap()));
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn the_time_is_that_of_the_machine() {
        let mut before = String::new();
        tracing_subscriber::fmt::time::SystemTime.format_time(&mut Writer::new(&mut before)).unwrap();
        let mut now = String::new();
        let usual = tracing_subscriber::fmt::format().json().flatten_event(true);
        push_time(&mut now, Offset::UTC.to_datetime((JsonLines::new(usual).now)()));
        let mut after = String::new();
        tracing_subscriber::fmt::time::SystemTime.format_time(&mut Writer::new(&mut after)).unwrap();
        assert!(before <= now && now <= after, "{before} {now} {after}");
    }

    proptest! {
        #[test]
        fn any_text_and_number_is_written_as_before(
            text in any::<String>(),
            controls in "[\\x00-\\x7f]{0,40}",
            number in any::<u64>(),
            signed in any::<i64>(),
            float in any::<f64>(),
            wide in any::<u128>(),
            some in any::<Option<bool>>(),
        ) {
            let [new, usual] = both(|| {
                tracing::info!(text, number, signed, controls = %controls, debug = ?text, "{text}");
                tracing::warn!(float, wide, some, controls, list = ?[&controls, &text]);
            });
            prop_assert_eq!(new, usual);
        }
    }
}
