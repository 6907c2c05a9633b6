//! The program's output: text or JSON. Results go to standard output, errors to standard
//! error, and the exit code tells which.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;

/// How to print.
pub(crate) struct Output {
    pub(crate) json: bool,
}

/// Why a command did not do all it was asked.
pub(crate) enum Failed {
    /// Something went wrong.
    Error(anyhow::Error),
    /// The directory refused; what it said is printed already.
    Refused,
    /// Migrations are due; which ones is printed already.
    Due,
    /// It ended before the end, and can be gone on with; why is printed already.
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
            // The reader has read as much as it wanted, as `head` does.
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
        let mut table = Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(80);
        table.set_header(columns.iter().map(|column| column.replace('_', " ")));
        table.add_rows(rows);
        self.say(objects, table)
    }

    /// Prints why the command failed, and gives the exit code.
    pub(crate) fn failed(&self, failed: &Failed) -> ExitCode {
        match failed {
            Failed::Refused => ExitCode::from(3),
            Failed::Due => ExitCode::from(4),
            Failed::Stopped => ExitCode::from(5),
            Failed::Error(error) => {
                let text = told(error);
                let text =
                    if self.json { json!({ "error": text }).to_string() } else { format!("error: {text}") };
                // Where standard error is closed there is nobody to tell.
                let _ = writeln!(std::io::stderr(), "{text}");
                ExitCode::FAILURE
            }
        }
    }
}

/// An error and its causes. A cause that the error above it already tells is told once.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.ends_with(&cause) {
            told.push_str(": ");
            told.push_str(&cause);
        }
    }
    told
}

/// Writes a file that only its owner can read, in place of one that may be there.
pub(crate) fn replace_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    server::config::write_private(&draft, text)
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| path.display().to_string())
}
