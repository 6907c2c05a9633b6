//! `matricula doctor`, and `serve --check`.

use std::path::PathBuf;

use clap::Args;
use comfy_table::Cell;
use serde_json::json;
use server::Config;
use server::doctor::{Depth, Finding, Progress as Step, State, examine};

use crate::output::{Failed, Output};
use crate::place::Place;
use crate::progress::Progress;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Only what takes no longer than a start: not every page, event and backup
    #[arg(long)]
    quick: bool,
    /// Exit with 3 for warnings too
    #[arg(long)]
    strict: bool,
}

pub(crate) async fn run(
    Arguments { place, quick, strict }: Arguments,
    output: &Output,
) -> Result<(), Failed> {
    let depth = if quick { Depth::Quick } else { Depth::Whole };
    let findings = match place.config() {
        Ok(config) => findings(&config, depth, output).await,
        Err(error) => vec![unreadable(&error)],
    };
    report(&findings, strict, output)
}

/// Checks what a start of the server needs.
pub(crate) async fn before_a_start(file: PathBuf, output: &Output) -> Result<(), Failed> {
    let findings = match crate::place::read(&file) {
        Ok(config) => findings(&config, Depth::Quick, output).await,
        Err(error) => vec![unreadable(&error)],
    };
    report(&findings, false, output)
}

async fn findings(config: &Config, depth: Depth, output: &Output) -> Vec<Finding> {
    let file =
        config.file.as_ref().map_or_else(|| "of a sandbox".to_owned(), |file| file.display().to_string());
    let mut findings = vec![Finding { check: "configuration", state: State::Ok, found: file, advice: None }];
    let mut progress = Progress::new(output);
    examine(config, depth, &mut |step| match step {
        Step::Begun(check) => progress.show(format!("checking: {check}")),
        Step::Done(finding) => findings.push(finding),
    })
    .await;
    findings
}

fn unreadable(error: &anyhow::Error) -> Finding {
    Finding {
        check: "configuration",
        state: State::Failure,
        found: crate::output::error_text(error),
        advice: Some("docs/CONFIGURATION.md lists every setting".to_owned()),
    }
}

fn report(findings: &[Finding], strict: bool, output: &Output) -> Result<(), Failed> {
    let worst = findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok);
    let checks = findings.iter().map(|Finding { check, state, found, advice }| {
        json!({ "check": check, "state": state.as_str(), "found": found, "advice": advice })
    });
    let value = json!({ "state": worst.as_str(), "checks": checks.collect::<Vec<_>>() });
    let mut table = Output::table(&[], Vec::new());
    for Finding { check, state, found, advice } in findings {
        let advice = advice.as_ref().map(|advice| format!("\n-> {advice}")).unwrap_or_default();
        table.add_row([Cell::new(state.as_str()), Cell::new(check), Cell::new(format!("{found}{advice}"))]);
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (failures, warnings) = (count(State::Failure), count(State::Warning));
    let counted = |count, one| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let (failed, warned) = (counted(failures, "failure"), counted(warnings, "warning"));
    output.say(value, format_args!("{table}\n\n{failed}, {warned}"))?;
    if failures > 0 || strict && warnings > 0 { Err(Failed::Refused) } else { Ok(()) }
}
