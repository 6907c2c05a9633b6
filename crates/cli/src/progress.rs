//! Progress: a line that changes on a terminal, and nothing elsewhere.

use std::io::{IsTerminal as _, Write as _};

use crate::output::Output;

/// The line. Dropping it clears the line.
pub(crate) struct Progress {
    terminal: bool,
    shown: String,
}

impl Progress {
    /// On standard error, so that results can be piped.
    pub(crate) fn new(output: &Output) -> Self {
        Self { terminal: !output.json && std::io::stderr().is_terminal(), shown: String::new() }
    }

    /// Whether it is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub(crate) fn show(&mut self, text: String) {
        if self.terminal && text != self.shown {
            write(&text);
            self.shown = text;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.shown.is_empty() {
            write("");
        }
    }
}

fn write(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // A failure to show progress is ignored.
    let _ = write!(stderr, "\r\x1b[K{text}");
    let _ = stderr.flush();
}

/// A part of a whole, as `42 %`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    format!("{} %", (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(100))
}

/// A size for people, as `3.4 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut size = bytes as f64 / 1_024.0;
    for unit in ["KiB", "MiB"] {
        if size < 1_024.0 {
            return format!("{size:.1} {unit}");
        }
        size /= 1_024.0;
    }
    format!("{size:.1} GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_shown_in_percent_and_readable_sizes() {
        assert_eq!(
            (percent(0, 3), percent(2, 3), percent(0, 0)),
            ("0 %".into(), "66 %".into(), "100 %".into())
        );
        assert_eq!(
            (size(512), size(3 << 20), size(5 << 30)),
            ("0.5 KiB".into(), "3.0 MiB".into(), "5.0 GiB".into())
        );
    }
}
