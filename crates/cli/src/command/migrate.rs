//! `matricula migrate`

use clap::Args;
use serde_json::json;
use server::admin::{Schema, migrate, schema};

use crate::output::{Failed, Output};
use crate::place::Place;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Only show pending migrations; the exit code is 4 if there are any
    #[arg(long)]
    plan: bool,
}

pub(crate) fn run(Arguments { place, plan }: &Arguments, output: &Output) -> Result<(), Failed> {
    let config = place.config()?;
    let Schema { found, known, due } = if *plan { schema(&config) } else { migrate(&config) }?;
    let migrations: Vec<_> =
        due.iter().map(|(number, name)| json!({ "number": number, "name": name })).collect();
    let names: String = due.iter().map(|(_, name)| format!("\n  {name}")).collect();
    let text = match (plan, due.len()) {
        (_, 0) => format!("schema {found} is up to date; nothing to do"),
        (true, _) => format!(
            "schema {found}, this program needs {known}; these migrations would run:{names}\nnothing was changed"
        ),
        (false, _) => format!("schema {found} is now {known}; these migrations ran:{names}"),
    };
    output.say(
        json!({ "found": found, "known": known, "changed": !plan && !due.is_empty(), "migrations": migrations }),
        text,
    )?;
    if *plan && !due.is_empty() { Err(Failed::Due) } else { Ok(()) }
}
