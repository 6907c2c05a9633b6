//! `matricula backup`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use server::admin::{BackedUp, Step, backup};

use crate::output::{Failed, Output};
use crate::place::Place;
use crate::progress::{Progress, percent, size};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The file to write; must not exist
    #[arg(value_name = "TO_FILE")]
    to: PathBuf,
}

pub(crate) fn run(Arguments { place, to }: &Arguments, output: &Output) -> Result<(), Failed> {
    let mut progress = Progress::new(output);
    let made = backup(&place.config()?, to, &mut |step| progress.show(line(step)));
    drop(progress);
    let BackedUp { bytes, schema } = made?;
    let file = to.display();
    Ok(output.say(
        json!({ "file": file.to_string(), "bytes": bytes, "schema": schema, "master_key_included": false }),
        format_args!(
            "backed up to {file}, {}, checked\nIt does not contain the master key and cannot be opened without it:\nkeep a copy of the key in another place.",
            size(bytes)
        ),
    )?)
}

/// The progress of a copy.
pub(super) fn line(step: Step) -> String {
    match step {
        Step::Copied(bytes, of) => format!("copying {}: {}", size(of), percent(bytes, of)),
        Step::Checking => "checking".to_owned(),
    }
}
