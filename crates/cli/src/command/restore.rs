//! `matricula restore`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use server::System;
use server::admin::{Restored, restore};

use super::backup::line;
use crate::output::{Failed, Output};
use crate::place::Place;
use crate::progress::{Progress, size};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The backup
    #[arg(value_name = "FROM_FILE")]
    from: PathBuf,
    /// Keep the existing database under a dated name and restore the backup
    #[arg(long)]
    replace: bool,
}

pub(crate) fn run(Arguments { place, from, replace }: &Arguments, output: &Output) -> Result<(), Failed> {
    let config = place.config()?;
    let mut progress = Progress::new(output);
    let made = restore(&config, from, *replace, &System::real(), &mut |step| progress.show(line(step)));
    drop(progress);
    let Restored { bytes, schema, events, kept } = made?;
    let database = &config.store;
    let kept = kept.map(|kept| kept.display().to_string());
    let mut text = format!("restored {database}, {}, {events} audit events verified", size(bytes));
    if let Some(kept) = &kept {
        text += &format!("\nThe previous database is now\n{kept}");
    }
    Ok(output.say(
        json!({
            "database": database.to_string(), "bytes": bytes, "schema": schema, "audit_events": events, "kept": kept
        }),
        text,
    )?)
}
