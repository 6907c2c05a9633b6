//! `matricula import`: creates users from a file, on this server or another with the same protocol.
//!
//! The file is split into batches, always the same ones, and several are sent concurrently; results are written row by
//! row in the order of the file. So the result file of an interrupted import shows where to resume, and unfinished
//! batches are sent again with the same request ids: the server answers them as it did the first time.

mod bar;
mod batches;
mod report;
mod results;
mod send;
mod source;
mod state;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use client::wire::import::{Format, Inactive, Options, TEMPLATE};
use client::{Client, Keys, Login, Retries};
use futures_util::StreamExt as _;
use serde::Serialize;

use self::bar::Bar;
use self::batches::Batch;
use self::report::Report;
use self::results::Results;
use self::send::{Outcome, Sender};
use self::source::{Source, Survey};
use self::state::State;
use super::serve::stop_signal;
use crate::output::{Failed, Output};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The file of users: CSV with a column `email`, JSON lines, LDIF or SCIM; - for standard input
    #[arg(required_unless_present = "template")]
    file: Option<PathBuf>,
    /// File of keys, as `matricula sandbox` writes it
    #[arg(long, value_name = "FILE", required_unless_present = "template")]
    keys: Option<PathBuf>,
    /// Print a CSV file to fill in
    #[arg(long)]
    template: bool,
    /// Check everything, show what would happen, create nothing
    #[arg(long)]
    dry_run: bool,
    /// Format of the file, if it cannot be recognised by name or content
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatName>,
    /// Read the column or attribute NAME as FIELD: email, name, firstName, lastName, password, passwordHash, accountCode,
    /// forcePasswordChange, active, disabled, locked, status or aliasOf; may be repeated
    #[arg(long, value_name = "FIELD=NAME")]
    column: Vec<String>,
    /// Ignore the column or attribute NAME; may be repeated
    #[arg(long, value_name = "NAME")]
    ignore: Vec<String>,
    /// What to do with an account that is disabled or locked in the file
    #[arg(long, value_name = "WHAT", default_value = "create")]
    inactive: InactiveRows,
    /// Create users whose password hash the server cannot use without a password, and name them
    #[arg(long)]
    without_unusable_hashes: bool,
    /// Write the result of each row to this CSV file [default: FILE.result.csv]
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Continue an interrupted import
    #[arg(long, conflicts_with = "dry_run")]
    resume: bool,
    /// What to do with a user that already exists
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    on_existing: OnExisting,
    /// Users per request
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: u16,
    /// Concurrent requests
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Seconds to keep retrying while the server is unreachable
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
    /// Never retry a request that got no response (for servers that do not deduplicate by request id)
    #[arg(long)]
    never_repeat: bool,
    /// Log in as this user when the keys expire, and continue
    #[arg(long, value_name = "ADDRESS", requires = "password_file")]
    login: Option<String>,
    /// File whose first line is that user's password
    #[arg(long, value_name = "FILE", requires = "login")]
    password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum InactiveRows {
    /// Create it, disabled or locked
    Create,
    /// Refuse the row
    Refuse,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    /// Columns email, name, password, accountCode, forcePasswordChange, passwordHash
    Csv,
    /// Items of create-user or users of SCIM: lines, a list, or a list response
    Json,
    /// Entries of LDAP: mail, displayName or cn, userPassword
    Ldif,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Csv => Format::Csv,
            FormatName::Json => Format::Json,
            FormatName::Ldif => Format::Ldif,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnExisting {
    /// Leave it unchanged; not an error
    Skip,
    /// Set name, password, its hash and forced change if the row has them; disable or lock it if the row says so
    Update,
    /// Count the row as refused
    Fail,
}

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failed> {
    let (Some(file), Some(keys)) = (&arguments.file, &arguments.keys) else {
        let template = TEMPLATE.trim_end();
        return Ok(output.say(template, template)?);
    };
    let client = client(&arguments, keys)?;
    let source = Source::open(file, options(&arguments)?)?;
    let result = arguments.result.clone().unwrap_or_else(|| source.default_result());
    let mut bar = Bar::new(output);
    // Errors of the file as a whole are reported before anything is sent.
    let survey = source.survey(&mut bar)?;
    // Later on, an unreachable server is waited for; one that was never reached is an error at once.
    client.post("/api/account/get-account", &client::random_request_id(), b"{}".to_vec()).await?;
    let sender =
        Sender::new(client, arguments.on_existing, arguments.dry_run, arguments.without_unusable_hashes);
    let mut report = Report::new(arguments.dry_run);
    let (mut results, state) = open_results(&arguments, &source, &survey, &result)?;
    let done = results.as_ref().map_or(0, |results| results.rows());
    if let Some(results) = &results {
        report.resumed(results.counted());
    }
    bar.begin(survey.rows, done);
    let batches = source.batches(state.batch, usize::from(arguments.concurrency))?;
    let stop = tokio::spawn(stop_signal()?);
    let outcomes = batches.map(|batch| sender.send(batch, done, &state, stop.is_finished()));
    let mut outcomes = std::pin::pin!(outcomes.buffered(usize::from(arguments.concurrency)));
    while let Some((batch, outcome)) = outcomes.next().await {
        let outcome = match outcome {
            // No row after an undecided one is recorded: a resumed import begins there.
            Outcome::Done(_) if report.stopped() => Outcome::Unknown,
            outcome => outcome,
        };
        if let Outcome::Failed(error) = &outcome {
            sender.stop();
            report.stop(error);
        }
        if matches!(outcome, Outcome::NotTried) {
            report.interrupted();
        }
        write(&batch, &outcome, done, results.as_mut(), &mut report)?;
        bar.show(&report);
    }
    drop(bar);
    source::check_complete(&source)?;
    if let Some(results) = results {
        results.finish()?;
    }
    if !report.stopped() && !arguments.dry_run {
        State::remove(&result)?;
    }
    let result = (!arguments.dry_run || arguments.result.is_some()).then_some(&*result);
    report.say(output, result, &source.summary())
}

/// The result file and the state of the import: new ones, or those of an interrupted import.
fn open_results(
    arguments: &Arguments,
    source: &Source,
    survey: &Survey,
    result: &Path,
) -> anyhow::Result<(Option<Results>, State)> {
    Ok(if arguments.dry_run {
        let results = arguments.result.as_deref().map(Results::create).transpose()?;
        (results, State::of_dry_run(usize::from(arguments.batch)))
    } else if arguments.resume {
        let state = State::read(result)?;
        state.check_unchanged(survey, source.options())?;
        (Some(Results::resume(result)?), state)
    } else {
        let state = State::new(survey, source.options(), usize::from(arguments.batch));
        state.write(result)?;
        (Some(Results::create(result)?), state)
    })
}

/// How the file is to be read.
fn options(arguments: &Arguments) -> anyhow::Result<Options> {
    let inactive = match arguments.inactive {
        InactiveRows::Create => Inactive::Create,
        InactiveRows::Refuse => Inactive::Refuse,
    };
    let mut options = Options::default();
    options.format = arguments.format.map(Format::from);
    options.inactive = inactive;
    for column in &arguments.column {
        let (field, name) =
            column.split_once('=').with_context(|| format!("--column {column}: expected FIELD=NAME"))?;
        options.map(field, name)?;
    }
    arguments.ignore.iter().for_each(|name| options.ignore(name));
    Ok(options)
}

/// Records the results of a batch's rows that are not recorded yet.
fn write(
    batch: &Batch,
    outcome: &Outcome,
    done: u64,
    mut results: Option<&mut Results>,
    report: &mut Report,
) -> anyhow::Result<()> {
    for (row, fate) in send::row_outcomes(batch, outcome) {
        if row.number <= done {
            continue;
        }
        report.count(row, &fate);
        if let Some(results) = results.as_deref_mut() {
            results.write(row, &fate)?;
        }
    }
    results.map_or(Ok(()), Results::flush)
}

fn client(arguments: &Arguments, keys: &Path) -> anyhow::Result<Client> {
    let keys = Keys::from_file(keys)?;
    let defaults = Retries::default();
    let pauses = arguments.patience / defaults.longest_pause.as_secs().max(1);
    let retries = Retries {
        attempts: defaults.attempts.saturating_add(u32::try_from(pauses).unwrap_or(u32::MAX)),
        pause: Duration::from_millis(100),
        once_only: !arguments.never_repeat,
        ..defaults
    };
    let builder = Client::with_keys(&keys).retries(retries);
    let builder = match (&arguments.login, &arguments.password_file) {
        (Some(address), Some(file)) => {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            let password = text.lines().next().unwrap_or_default();
            anyhow::ensure!(
                !password.is_empty(),
                "{}: the first line is empty, expected a password",
                file.display()
            );
            builder.login(Login { address: address.clone(), password: password.to_owned().into() })
        }
        _ => builder,
    };
    Ok(builder.build()?)
}
