//! Progress of the import: a bar on a terminal, otherwise a line from time to time.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::report::Report;
use crate::output::Output;
use crate::progress::{Progress, percent};

/// Interval of updates on a terminal.
const TERMINAL: Duration = Duration::from_millis(100);
/// Interval of lines elsewhere.
const PLAIN: Duration = Duration::from_secs(10);
/// Width of the bar, in characters.
const WIDTH: u64 = 20;

pub(super) struct Bar {
    line: Progress,
    json: bool,
    total: Option<u64>,
    shown: Instant,
}

impl Bar {
    pub(super) fn new(output: &Output) -> Self {
        Self { line: Progress::new(output), json: output.json, total: None, shown: now() }
    }

    /// The file is being read for the first time.
    pub(super) fn survey(&mut self, rows: u64) {
        if rows.is_multiple_of(4_096) && self.due(TERMINAL) {
            self.line.show(format!("reading: {rows} rows"));
        }
    }

    pub(super) fn begin(&mut self, total: Option<u64>, done: u64) {
        self.total = total;
        if done > 0 {
            self.say(&format!("continuing after row {done}"));
        }
    }

    pub(super) fn show(&mut self, report: &Report) {
        let terminal = self.line.is_terminal();
        if self.due(if terminal { TERMINAL } else { PLAIN }) {
            let text = text(self.total, report.counts().rows(), report.counts().refused(), report.pace());
            if terminal { self.line.show(text) } else { self.say(&text) }
        }
    }

    fn due(&mut self, every: Duration) -> bool {
        let due = self.shown.elapsed() >= every;
        if due {
            self.shown = now();
        }
        due
    }

    fn say(&self, text: &str) {
        if !self.json {
            // A failure to show progress is ignored.
            let _ = writeln!(std::io::stderr(), "import: {text}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "says how far it is from time to time")]
fn now() -> Instant {
    Instant::now()
}

fn text(total: Option<u64>, rows: u64, refused: u64, (ours, seconds): (u64, f64)) -> String {
    let rate = if seconds > 0.0 { ours as f64 / seconds } else { 0.0 };
    let refused = if refused > 0 { format!(", {refused} refused") } else { String::new() };
    let Some(total) = total else { return format!("{rows} rows, {rate:.0}/s{refused}") };
    let filled = (rows * WIDTH).checked_div(total).unwrap_or(WIDTH).min(WIDTH) as usize;
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(WIDTH as usize - filled));
    let left = match total.saturating_sub(rows) {
        left if rate > 0.0 => duration(left as f64 / rate),
        _ => "?".to_owned(),
    };
    format!("[{bar}] {} {rows}/{total} {rate:.0}/s, {left} left{refused}", percent(rows, total))
}

fn duration(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_bar_fits_into_eighty_columns() {
        let line = text(Some(1_000_000), 250_000, 12, (50_000, 2.0));
        assert_eq!(line, "[#####...............] 25 % 250000/1000000 25000/s, 0:30 left, 12 refused");
        assert!(line.len() < 80);
        assert_eq!(text(None, 7, 0, (7, 0.0)), "7 rows, 0/s");
        assert_eq!((duration(59.2), duration(3_725.0)), ("1:00".into(), "1:02:05".into()));
    }
}
