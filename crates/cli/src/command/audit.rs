//! `matricula audit`: verifies and exports the audit log.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use server::admin::{Admin, ChainReport, hex};

use crate::output::{Failed, Output};
use crate::place::Place;

/// Events per read.
const SLICE: usize = 1_000;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Verify that no event was changed, removed or inserted
    Verify {
        /// Also compare with ends that were kept elsewhere: the output of `matricula --json audit head`, or the `audit
        /// head` lines of a log in JSON
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
    },
    /// Print the end of every chain, to be kept elsewhere: it shows later whether events were lost
    Head,
    /// Write all events to standard output as JSON lines, chain by chain
    Export,
}

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failed> {
    let admin = arguments.place.open()?;
    match arguments.command {
        Command::Verify { heads } => {
            // A file that cannot be read is an error before minutes of verification.
            let kept = heads.map(|file| read_heads(&file)).transpose()?.unwrap_or_default();
            verify(&admin, &kept, output).await
        }
        Command::Head => head(&admin, output).await,
        Command::Export => export(&admin).await,
    }
}

/// The end of a chain, as it was printed or logged.
struct Kept {
    chain: i64,
    events: i64,
    head: String,
}

impl Kept {
    /// The command prints numbers as texts, the log as numbers.
    fn read(value: &Value) -> Option<Self> {
        let number = |name| value[name].as_i64().or_else(|| value[name].as_str()?.parse().ok());
        let head = value["head"].as_str().filter(|head| head.len() == 64)?.to_ascii_lowercase();
        Some(Self { chain: number("chain")?, events: number("events").filter(|events| *events >= 0)?, head })
    }
}

fn read_heads(file: &Path) -> anyhow::Result<Vec<Kept>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let kept = match serde_json::from_str(&text) {
        Ok(Value::Array(rows)) => rows.iter().map(Kept::read).collect::<Option<Vec<_>>>(),
        _ => {
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            Some(lines.filter_map(|line| Kept::read(&line)).collect())
        }
    };
    kept.filter(|kept| !kept.is_empty()).with_context(|| {
        format!(
            "{}: expected the output of `matricula --json audit head`, or a log with lines `audit head`",
            file.display()
        )
    })
}

async fn head(admin: &Admin, output: &Output) -> Result<(), Failed> {
    let rows = admin.audit_heads().await?.into_iter();
    let rows = rows.map(|head| vec![head.chain.to_string(), head.events.to_string(), hex(&head.head)]);
    Ok(output.rows(&["chain", "events", "head"], rows.collect())?)
}

/// What is wrong with the chain by an end that was kept; `None`: nothing.
async fn compare(admin: &Admin, reports: &[ChainReport], kept: &Kept) -> anyhow::Result<Option<String>> {
    let &Kept { chain, events, .. } = kept;
    let now = reports.iter().find(|report| report.chain == chain).map_or(0, |report| report.events);
    if i64::try_from(now).unwrap_or(i64::MAX) < events {
        return Ok(Some(format!("{now} of {events} events that were noted: the rest is lost")));
    }
    if events == 0 {
        return Ok(None);
    }
    let found = admin.events(chain, events - 1, 1).await?;
    let same = found.first().is_some_and(|event| hex(&event.hash) == kept.head);
    Ok((!same).then(|| format!("event {events} is not the one that was noted: the chain was rewritten")))
}

async fn verify(admin: &Admin, kept: &[Kept], output: &Output) -> Result<(), Failed> {
    let mut reports = admin.verify_audit().await?;
    for kept in kept {
        let Some(wrong) = compare(admin, &reports, kept).await? else { continue };
        match reports.iter_mut().find(|report| report.chain == kept.chain) {
            Some(report) => drop(report.broken.get_or_insert(wrong)),
            None => {
                reports.push(ChainReport {
                    chain: kept.chain,
                    events: 0,
                    head: [0; 32],
                    broken: Some(wrong),
                });
            }
        }
    }
    let whole = reports.iter().all(|report| report.broken.is_none());
    let rows = reports.into_iter().map(|report| {
        vec![
            report.chain.to_string(),
            report.events.to_string(),
            report.broken.unwrap_or_else(|| "whole".to_owned()),
            hex(&report.head),
        ]
    });
    output.rows(&["chain", "events", "state", "head"], rows.collect())?;
    if whole { Ok(()) } else { Err(Failed::Refused) }
}

/// The state of the chains goes to standard error, so that the export can be piped.
async fn export(admin: &Admin) -> Result<(), Failed> {
    let accounts = admin.accounts().await?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut whole = true;
    for report in admin.verify_audit().await? {
        let mut after = 0;
        loop {
            let events = admin.events(report.chain, after, SLICE).await?;
            let Some(last) = events.last() else { break };
            after = last.seq;
            for event in &events {
                let account = accounts.iter().find(|account| Some(account.id) == event.account);
                let line = json!({
                    "chain": event.chain,
                    "seq": event.seq,
                    "at": event.at.to_string(),
                    "account": account.map(|account| account.code.as_str()),
                    "actor": event.actor,
                    "action": event.action,
                    "target": event.target,
                    "detail": event.detail,
                    "hash": hex(&event.hash),
                });
                writeln!(out, "{line}").context("standard output")?;
            }
        }
        let state = report.broken.as_deref().unwrap_or("whole");
        whole &= report.broken.is_none();
        let _ = writeln!(std::io::stderr(), "chain {}: {} events, {state}", report.chain, report.events);
    }
    out.flush().context("standard output")?;
    if whole { Ok(()) } else { Err(Failed::Refused) }
}
