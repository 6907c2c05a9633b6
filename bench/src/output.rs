//! Progress lines on standard error, the table on standard output, everything as JSON in a file.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::figure::{Row, Series, Target, Unit, Verdict};
use crate::machine::Machine;

/// All results.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) rounds: u32,
    pub(crate) seconds: f64,
    pub(crate) rows: Vec<Row>,
}

/// The output for people.
pub(crate) struct Output {
    terminal: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal() }
    }

    /// Shows progress. On a terminal, each line replaces the last.
    pub(crate) fn progress(&self, text: &str) {
        let end = if self.terminal { "" } else { "\n" };
        let start = if self.terminal { "\r\x1b[K" } else { "" };
        let mut stderr = io::stderr().lock();
        // An error on standard error cannot be reported anywhere.
        let _ = write!(stderr, "{start}{text}{end}");
        let _ = stderr.flush();
    }

    pub(crate) fn print_error(&self, error: &anyhow::Error) {
        self.progress("");
        let _ = writeln!(io::stderr(), "matricula-bench: {error:#}");
    }

    pub(crate) fn json(&self, report: &impl Serialize, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(report)?;
        std::fs::write(path, text + "\n").with_context(|| path.display().to_string())
    }

    pub(crate) fn table(&self, report: &Report) -> anyhow::Result<()> {
        self.print(&table(report))
    }

    /// Prints the result to standard output.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        if self.terminal {
            self.progress("");
        }
        io::stdout().write_all(text.as_bytes())?;
        Ok(())
    }
}

fn table(report: &Report) -> String {
    let Report { machine, rounds, seconds, rows } = report;
    let mut text = format!(
        "{} cores, Linux {}, load {:.2} before and {:.2} after\n\
         median (least to most) of {rounds} rounds of {seconds} s\n",
        machine.cores, machine.kernel, machine.load_before, machine.load_after,
    );
    for Row { title, series, verdicts, others } in rows {
        text += &format!("\n{title} (others took {:.0} % of the machine)\n", others * 100.0);
        for series in series {
            text += &line(&series.name, series);
        }
        for Verdict { figure, target, reached } in verdicts {
            text += &line(&figure.name, figure);
            let (of, bound) = match target {
                Target::AtLeast(bound) => ("of", bound),
                Target::Below(bound) => ("must be below", bound),
            };
            let outcome = if *reached { "reached" } else { "not reached" };
            text += &format!(
                "  → {} {of} {} — {outcome}\n",
                value(figure.median, figure.unit),
                value(*bound, figure.unit)
            );
        }
    }
    text
}

/// The unit as it follows a value.
pub(crate) fn symbol(unit: Unit) -> &'static str {
    match unit {
        Unit::PerSecond => "/s",
        Unit::Milliseconds => "ms",
        Unit::Microseconds => "µs",
        Unit::Mebibytes => "MiB",
        Unit::Kibibytes => "KiB",
        Unit::Bytes => "B",
        Unit::Count => "",
        Unit::Ratio => "×",
    }
}

fn line(name: &str, series: &Series) -> String {
    let unit = symbol(series.unit);
    let Series { median, least, most, .. } = *series;
    let spread = if series.values.len() > 1 {
        format!("({} to {})", value(least, series.unit), value(most, series.unit))
    } else {
        String::new()
    };
    format!("  {name:<42}{:>9} {unit:<4}{spread}", value(median, series.unit)).trim_end().to_owned() + "\n"
}

/// A value, as exact as its unit deserves.
pub(crate) fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => grouped(value),
        Unit::Count if value < 10.0 => format!("{value:.2}"),
        Unit::PerSecond if value >= 100.0 => grouped(value),
        Unit::Milliseconds if value < 10.0 => format!("{value:.2}"),
        Unit::Ratio => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    }
}

/// A whole number with separated thousands.
pub(crate) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_eighty_columns_and_names_what_was_missed() {
        let machine = Machine { cores: 2, kernel: "6.1".to_owned(), load_before: 0.1, load_after: 2.0 };
        let rate = Series::new("x".repeat(42), Unit::PerSecond, vec![123_456.0, 999_999.0, 100_000.0]);
        let ratio = Series::new("ratio", Unit::Ratio, vec![0.41]).compared_with(Target::AtLeast(0.5));
        let row = Row { title: "row".to_owned(), series: vec![rate], verdicts: vec![ratio], others: 0.0 };
        let text = table(&Report { machine, rounds: 3, seconds: 3.0, rows: vec![row] });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("123 456 /s"), "{text}");
        assert!(text.contains("→ 0.41 of 0.50 — not reached"), "{text}");
    }
}
