//! `matricula drill`: shows that a backup can be restored, without touching production.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use server::admin::{Admin, Restored, restore};
use server::{Config, Location, System};

use super::backup::line;
use super::restore::Choice;
use crate::output::{Failed, Output};
use crate::place::Place;
use crate::progress::{Progress, size};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    choice: Choice,
    /// The folder for the copy, which is deleted afterwards; default: that for temporary files
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// For backups of PostgreSQL: an empty database to restore into; it is left as it is then
    #[arg(long, value_name = "URL")]
    into: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failed> {
    let Arguments { place, choice, folder, into } = arguments;
    let config = place.config()?;
    let from = choice.file(&config)?;
    let began = client::machine_clock();
    let scratch = Scratch::new(&config, folder, into)?;
    let copy = Config { store: scratch.store.clone(), require_synchronous_replication: false, ..config };
    let mut progress = Progress::new(output);
    let restored = restore(&copy, &from, false, &System::real(), &mut |step| progress.show(line(step)));
    drop(progress);
    let Restored { bytes, events, .. } = restored?;
    // Opened as a server would, with its migrations.
    let admin = Admin::open(&copy, &copy.master_key()?, System::real())?;
    let (accounts, users) = (admin.accounts().await?.len(), admin.count_users().await?);
    drop(admin);
    let seconds = client::machine_clock().duration_since(began).as_secs_f64();
    let backup = from.display().to_string();
    Ok(output.say(
        json!({
            "backup": backup, "bytes": bytes, "accounts": accounts, "users": users, "audit_events": events,
            "seconds": seconds
        }),
        format_args!(
            "{backup}\ncan be restored: {}, {accounts} accounts, {users} users, {events} audit events verified, in {seconds:.1} s",
            size(bytes)
        ),
    )?)
}

/// Where the backup is restored to.
struct Scratch {
    store: Location,
    folder: Option<PathBuf>,
}

impl Scratch {
    fn new(config: &Config, folder: Option<PathBuf>, into: Option<String>) -> anyhow::Result<Self> {
        match (&config.store, into) {
            (Location::Postgres(_), Some(url)) => Ok(Self { store: url.into(), folder: None }),
            (Location::Postgres(_), None) => anyhow::bail!(
                "the store is PostgreSQL: name an empty database for the drill with --into postgres://…"
            ),
            (Location::Sqlite(_), Some(_)) => {
                anyhow::bail!("--into is for PostgreSQL, and `store` names a file")
            }
            (Location::Sqlite(_), None) => {
                let parent = folder.unwrap_or_else(std::env::temp_dir);
                let folder = parent.join(format!("matricula-drill-{}", std::process::id()));
                // Only the owner may read it, by the umask.
                std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
                Ok(Self { store: Location::Sqlite(folder.join("matricula.db")), folder: Some(folder) })
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
