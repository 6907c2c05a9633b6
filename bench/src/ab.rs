//! Two builds of this program in turns: what did a change gain? Each build holds the server it was built with, and each
//! round is a separate process. The order alternates, so that a machine that becomes faster or slower meanwhile favours
//! neither.

mod comparison;
mod report;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Serialize;

use crate::Settings;
use crate::machine::{self, Machine};
use crate::output::Output;
use crate::site;
use comparison::{Compared, Round, text};
use report::Report;

/// The rows that can be compared.
const ROWS: [&str; 10] = [
    "create",
    "single",
    "bulk",
    "import",
    "postgres",
    "passwords",
    "start",
    "console",
    "ldap",
    "peer-openldap",
];

#[derive(Args)]
pub(crate) struct Arguments {
    /// The bench of the older revision
    old: PathBuf,
    /// The bench of the newer revision
    new: PathBuf,
    /// Rows to measure
    #[arg(value_name = "ROW", default_value = "create", value_parser = ROWS)]
    rows: Vec<String>,
}

/// All results.
#[derive(Serialize)]
struct Comparison<'a> {
    machine: Machine,
    rounds: u32,
    seconds: f64,
    old: &'a Path,
    new: &'a Path,
    rows: Vec<Compared>,
    /// Measurements that were not valid. Their rounds are in none of the figures.
    invalid: Vec<String>,
}

/// Compares two builds. An error if a round was invalid.
pub(crate) fn run(settings: &Settings, arguments: &Arguments, output: &Output) -> anyhow::Result<()> {
    let Arguments { old, new, rows } = arguments;
    let before = machine::load();
    let folder = tempfile::tempdir()?;
    let mut invalid = Vec::new();
    let mut compared = Vec::new();
    for row in rows {
        let mut rounds = Vec::new();
        for round in 1..=settings.rounds {
            let mut measure = |program: &Path, name: &str| {
                output.progress(&format!("ab: {row}, round {round} of {}, {name}", settings.rounds));
                measure(program, row, settings, folder.path())
                    .map_err(|error| invalid.push(format!("{row}, round {round}, {name}: {error:#}")))
                    .ok()
            };
            let (old, new) = if round % 2 == 1 {
                let old = measure(old, "OLD");
                (old, measure(new, "NEW"))
            } else {
                let new = measure(new, "NEW");
                (measure(old, "OLD"), new)
            };
            if let (Some(old), Some(new)) = (old, new) {
                rounds.push(Round { old, new });
            }
        }
        compared.extend(comparison::compare(row, &rounds));
    }
    let machine = machine::describe(before);
    let (rounds, seconds) = (settings.rounds, settings.seconds);
    let comparison = Comparison { machine, rounds, seconds, old, new, rows: compared, invalid };
    if let Some(path) = &settings.json {
        output.json(&comparison, path)?;
    }
    output.print(&heading(&comparison))?;
    output.print(&text(&comparison.rows))?;
    ensure!(comparison.invalid.is_empty(), "not valid: {}", comparison.invalid.join("\n"));
    Ok(())
}

fn heading(comparison: &Comparison<'_>) -> String {
    let Comparison { machine, rounds, seconds, old, new, .. } = comparison;
    format!(
        "OLD {}\nNEW {}\n{} cores, Linux {}, load {:.2} before and {:.2} after\n\
         medians of {rounds} rounds of {seconds} s in turns; NEW ÷ OLD of each round:\n\
         median (least to most)\n",
        old.display(),
        new.display(),
        machine.cores,
        machine.kernel,
        machine.load_before,
        machine.load_after,
    )
}

/// One round of one build. The last line of its errors says why it failed.
fn measure(program: &Path, row: &str, settings: &Settings, folder: &Path) -> anyhow::Result<Report> {
    let json = folder.join("report.json");
    // A report of the round before must not be read as that of this one.
    let _ = std::fs::remove_file(&json);
    let mut command = Command::new(program);
    command
        .args([row, "--rounds", "1", "--seconds", &settings.seconds.to_string()])
        .args(["--connections", &settings.connections.to_string(), "--json"])
        .arg(&json)
        .stdin(Stdio::null());
    // One folder for both builds: they may lie on different disks.
    command.arg("--folder").arg(site::beside(settings)?);
    let output = command.output().with_context(|| program.display().to_string())?;
    let told = String::from_utf8_lossy(&output.stderr);
    let last = told.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    ensure!(output.status.success(), "{}: {last}", output.status);
    let text = std::fs::read_to_string(&json).context("no report was written")?;
    Report::read(&text)
}
