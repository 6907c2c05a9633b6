//! `matricula audit`: verifies and exports the audit log.

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use server::admin::Admin;

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
    Verify,
    /// Write all events to standard output as JSON lines, chain by chain
    Export,
}

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failed> {
    let admin = arguments.place.open()?;
    match arguments.command {
        Command::Verify => verify(&admin, output).await,
        Command::Export => export(&admin).await,
    }
}

async fn verify(admin: &Admin, output: &Output) -> Result<(), Failed> {
    let reports = admin.verify_audit().await?;
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
