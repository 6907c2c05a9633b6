//! The program's output: text or JSON. Results go to standard output, errors to standard error; the exit code tells
//! them apart.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;

/// The format of the output.
pub(crate) struct Output {
    pub(crate) json: bool,
}

/// Why a command failed, in whole or in part.
pub(crate) enum Failed {
    /// An error.
    Error(anyhow::Error),
    /// The directory refused it; the reason is already printed.
    Refused,
    /// Migrations are due; their list is already printed.
    Due,
    /// It stopped early and can be resumed; the reason is already printed.
    Stopped,
}

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Failed::Error(error.into())
    }
}

impl Output {
    /// Prints a line for people, or the value for machines.
    pub(crate) fn say(&self, value: impl Serialize, text: impl std::fmt::Display) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        let text = if self.json { serde_json::to_string(&value)? } else { text.to_string() };
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            // The reader closed the pipe, as `head` does.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => written
                .context("the command was carried out, but its result can't be written to standard output"),
        }
    }

    /// Prints rows: a table for people, a JSON list for machines.
    pub(crate) fn rows(&self, columns: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
        let objects: Vec<serde_json::Map<_, _>> = rows
            .iter()
            .map(|row| {
                columns.iter().zip(row).map(|(column, cell)| ((*column).to_owned(), json!(cell))).collect()
            })
            .collect();
        self.say(objects, Self::table(columns, rows))
    }

    /// A table for people.
    pub(crate) fn table(columns: &[&str], rows: Vec<Vec<String>>) -> Table {
        let mut table = Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(80);
        if !columns.is_empty() {
            table.set_header(columns.iter().map(|column| column.replace('_', " ")));
        }
        table.add_rows(rows);
        table
    }

    /// Prints the error, and gives the exit code.
    pub(crate) fn failed(&self, failed: &Failed) -> ExitCode {
        match failed {
            Failed::Refused => ExitCode::from(3),
            Failed::Due => ExitCode::from(4),
            Failed::Stopped => ExitCode::from(5),
            Failed::Error(error) => {
                let text = error_text(error);
                let text =
                    if self.json { json!({ "error": text }).to_string() } else { format!("error: {text}") };
                // Standard error may be closed.
                let _ = writeln!(std::io::stderr(), "{text}");
                ExitCode::FAILURE
            }
        }
    }
}

/// An error and its causes. A cause that the error above it contains is printed once.
pub(crate) fn error_text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Writes or replaces a file that only its owner can read.
pub(crate) fn replace_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    server::config::write_private(&draft, text)
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| path.display().to_string())
}
