//! The figures of `docs/PERFORMANCE.md`: the server compared with the limits of the machine, in one run.

mod ab;
mod answer;
mod ceiling;
mod driver;
mod figure;
mod ldap;
mod machine;
mod output;
mod plot;
mod process;
mod request;
mod row;
mod scenario;
mod serve;
mod site;
mod slapd;
mod written;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::figure::Row;
use crate::output::{Output, Report};

// The allocator of the `matricula` binary, for both servers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the server and the limits of the machine it runs on.
///
/// The ratios count: limit and server are measured in turns, in one run. The table reports missed targets; the exit
/// code is 1 only when a measurement is invalid.
#[derive(Parser)]
#[command(name = "matricula-bench", version, max_term_width = 80)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// Options of all measurements.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    /// Rounds; the table shows the median over them, with the least and the most
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Seconds of one measurement
    #[arg(long, global = true, default_value_t = 3.0, value_parser = parse_seconds)]
    pub(crate) seconds: f64,
    /// Connections of the row `create` and of `growth`
    #[arg(long, global = true, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// Folder for the databases, which decides which disk is measured; default: the folder of this program
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// Also write all results to this file, as JSON
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl Settings {
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.1..=600.0).contains(&seconds) { Ok(seconds) } else { Err("0.1 to 600 seconds".to_owned()) }
}

#[derive(Subcommand)]
enum Command {
    /// All rows
    All,
    /// create-user without a password on many connections, compared with a bare axum POST
    Create,
    /// create-user on one connection, compared with forced writes
    Single,
    /// 100 items per request, compared with a plain loop of rusqlite
    Bulk,
    /// `matricula import` of a CSV file, compared with the same users in prepared requests
    Import,
    /// create-user on PostgreSQL, compared with single-row inserts by pgbench
    Postgres,
    /// create-user on PostgreSQL through pgbouncer, compared with direct connections
    Pooler,
    /// create-user with passwords, compared with the time of one hash
    Passwords,
    /// Time from spawn to ready, and memory at rest
    Start,
    /// The console's list of a million users
    Console,
    /// LDAP with a million users: searches and walks compared with slapd, if it
    /// is installed, and binds compared with the time of one hash
    Ldap,
    /// Rate, pages, logins, start and memory as the directory grows
    Growth(row::growth::Arguments),
    /// create-user compared with OpenLDAP, if slapd is installed
    PeerOpenldap,
    /// Two builds of this program, row by row, in turns
    Ab(ab::Arguments),
    /// Another HTTP server, described by a file; uses the same driver, so that figures can be compared
    Scenario {
        /// The scenario file, see docs/PERFORMANCE.md
        file: PathBuf,
    },
    /// The server under test, on a seeded directory
    #[command(hide = true)]
    ServeMatricula { folder: PathBuf },
    /// A POST with a constant response
    #[command(hide = true)]
    ServeBare { answer: PathBuf },
}

fn main() -> ExitCode {
    let Arguments { settings, command } = Arguments::parse();
    let output = Output::new();
    let rows: &[row::Measure] = match command {
        Command::ServeMatricula { folder } => return exit_code(&output, serve::matricula(&folder)),
        Command::ServeBare { answer } => return exit_code(&output, serve::serve_bare(&answer)),
        Command::Growth(arguments) => {
            return exit_code(&output, row::growth::run(&settings, &arguments, &output));
        }
        Command::Ab(arguments) => return exit_code(&output, ab::run(&settings, &arguments, &output)),
        Command::Scenario { file } => {
            return exit_code(&output, scenario::run(&file, settings.json.as_deref(), &output));
        }
        Command::All => &[
            row::create::measure,
            row::single::measure,
            row::bulk::measure,
            row::import::measure,
            row::postgres::measure,
            row::pooler::measure,
            row::passwords::measure,
            row::start::measure,
            row::console::measure,
            row::ldap::measure,
            row::openldap::measure,
        ],
        Command::Create => &[row::create::measure],
        Command::Single => &[row::single::measure],
        Command::Bulk => &[row::bulk::measure],
        Command::Import => &[row::import::measure],
        Command::Postgres => &[row::postgres::measure],
        Command::Pooler => &[row::pooler::measure],
        Command::Passwords => &[row::passwords::measure],
        Command::Start => &[row::start::measure],
        Command::Ldap => &[row::ldap::measure],
        Command::Console => &[row::console::measure],
        Command::PeerOpenldap => &[row::openldap::measure],
    };
    exit_code(&output, run(&settings, &output, rows))
}

fn run(settings: &Settings, output: &Output, measures: &[row::Measure]) -> anyhow::Result<()> {
    let before = machine::load();
    let mut rows: Vec<Row> = Vec::new();
    for measure in measures {
        let watch = machine::Watch::start()?;
        let mut measured = measure(settings, output)?;
        let others = watch.share_of_others()?;
        measured.iter_mut().for_each(|row| row.others = others);
        rows.append(&mut measured);
    }
    let report = Report {
        machine: machine::describe(before),
        rounds: settings.rounds,
        seconds: settings.seconds,
        rows,
    };
    output.table(&report)?;
    if let Some(path) = &settings.json {
        output.json(&report, path)?;
    }
    Ok(())
}

fn exit_code(output: &Output, outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.print_error(&error);
            ExitCode::FAILURE
        }
    }
}
