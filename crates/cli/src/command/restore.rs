//! `matricula restore`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use server::admin::{Restored, Timestamp, restore};
use server::backups::newest;
use server::{Config, System};

use super::backup::line;
use crate::output::{Failed, Output};
use crate::place::Place;
use crate::progress::{Progress, size};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    choice: Choice,
    /// Keep the existing database under a dated name and restore the backup
    #[arg(long)]
    replace: bool,
}

/// Which backup.
#[derive(Args)]
pub(super) struct Choice {
    /// The backup, default: the newest in the configured folder of backups
    #[arg(value_name = "FROM_FILE")]
    from: Option<PathBuf>,
    /// The newest backup made at or before this time, such as 2026-11-30T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "from")]
    at: Option<Timestamp>,
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "expected a date, a time and a zone, such as 2026-11-30T12:00:00Z")
}

impl Choice {
    /// The named file, or the newest in the folder.
    pub(super) fn file(self, config: &Config) -> anyhow::Result<PathBuf> {
        match self.from {
            Some(from) => Ok(from),
            None => Ok(newest(config, self.at.unwrap_or_else(client::machine_clock))?.path),
        }
    }
}

pub(crate) fn run(Arguments { place, choice, replace }: Arguments, output: &Output) -> Result<(), Failed> {
    let config = place.config()?;
    let from = &choice.file(&config)?;
    let mut progress = Progress::new(output);
    let made = restore(&config, from, replace, &System::real(), &mut |step| progress.show(line(step)));
    drop(progress);
    let Restored { bytes, schema, events, kept } = made?;
    let database = &config.store;
    let kept = kept.map(|kept| kept.display().to_string());
    let mut text = format!(
        "restored {database}, {}, {events} audit events verified\nFrom {}",
        size(bytes),
        from.display()
    );
    if let Some(kept) = &kept {
        text += &format!("\nThe previous database is now\n{kept}");
    }
    Ok(output.say(
        json!({
            "database": database.to_string(), "bytes": bytes, "schema": schema, "audit_events": events, "kept": kept, "from": from.display().to_string()
        }),
        text,
    )?)
}
