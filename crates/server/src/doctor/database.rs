//! The database: key, schema, pages, audit, clock, replication.

use directory::DomainName;
use directory::port::{ChainReport, Replication};
use jiff::SignedDuration;
use store::Location;

use super::{Depth, Finding, Progress};
use crate::admin::{Admin, schema};
use crate::config::Config;
use crate::system::System;

/// A difference between two clocks that is reported. `[ours]`
const CLOCK: SignedDuration = SignedDuration::from_secs(5);

/// Checks the database, and returns one of its domains.
pub(super) async fn examine(
    config: &Config,
    depth: Depth,
    system: &System,
    report: &mut dyn FnMut(Progress),
) -> Option<DomainName> {
    let admin = open(config, system, report).map_err(|finding| report(Progress::Done(finding))).ok()?;
    report(Progress::Begun("pages"));
    report(Progress::Done(pages(config, depth)));
    report(Progress::Begun("audit"));
    for finding in audit(&admin, depth, system).await {
        report(Progress::Done(finding));
    }
    match admin.replication().await {
        Ok(Some(found)) => {
            report(Progress::Done(replication(config, &found)));
            report(Progress::Done(clock(&found, system)));
        }
        Ok(None) => {}
        Err(error) => report(Progress::Done(unreachable_database(&error))),
    }
    admin.domains().await.ok()?.into_iter().next().map(|domain| domain.name)
}

/// Opens the database. With pending migrations it is not opened, because opening would run them.
fn open(config: &Config, system: &System, report: &mut dyn FnMut(Progress)) -> Result<Admin, Finding> {
    let master_key = config.master_key().map_err(|error| {
        Finding::failure(
            "master key",
            error.to_string(),
            "without the right key nobody can open the database",
        )
    })?;
    let schema = schema(config).map_err(|error| {
        Finding::failure(
            "database",
            error.to_string(),
            "the message says what to do; docs/OPERATIONS.md#files explains the files",
        )
    })?;
    if !schema.due.is_empty() {
        let found = format!("pending migrations: {}", schema.due.len());
        let advice =
            "make a backup; the next start, or `matricula migrate`, runs them. Then run doctor again";
        report(Progress::Done(Finding::warning("schema", found, advice)));
        return Err(Finding::skipped("database", "not opened: that would migrate it"));
    }
    let admin = Admin::open(config, &master_key, system.clone()).map_err(|error| {
        Finding::failure("database", error.to_string(), "the server would not start either")
    })?;
    report(Progress::Done(Finding::ok("schema", format!("{}, of this version", schema.found))));
    report(Progress::Done(Finding::ok("database", format!("the master key opens {}", config.store))));
    Ok(admin)
}

fn pages(config: &Config, depth: Depth) -> Finding {
    if depth == Depth::Quick {
        return Finding::skipped("pages", "not with --quick");
    }
    match config.store.check_pages() {
        Ok(Some(bytes)) => Finding::ok("pages", format!("{} MiB, all readable", bytes >> 20)),
        Ok(None) => Finding::skipped("pages", "PostgreSQL checks its pages itself, with data checksums"),
        Err(error) => Finding::failure(
            "pages",
            error.to_string(),
            "stop the server, keep a copy of the file, and restore the newest backup",
        ),
    }
}

async fn audit(admin: &Admin, depth: Depth, system: &System) -> Vec<Finding> {
    let chains = match depth {
        Depth::Quick => Finding::skipped("audit", "not with --quick"),
        Depth::Whole => match admin.verify_audit().await {
            Ok(chains) => chains_are_whole(&chains),
            Err(error) => return vec![unreachable_database(&error)],
        },
    };
    [Some(chains), newest_event(admin, system).await].into_iter().flatten().collect()
}

fn chains_are_whole(chains: &[ChainReport]) -> Finding {
    let events: u64 = chains.iter().map(|chain| chain.events).sum();
    let broken = chains.iter().find_map(|chain| Some((chain.chain, chain.broken.as_ref()?)));
    match broken {
        None => Finding::ok("audit", format!("{events} events, whole")),
        Some((chain, why)) => Finding::failure(
            "audit",
            format!("chain {chain} is broken: {why}"),
            "stop the server, keep the files, and compare with the head that you recorded elsewhere",
        ),
    }
}

/// An event from the future means that the clock was ahead then, or is behind now.
async fn newest_event(admin: &Admin, system: &System) -> Option<Finding> {
    let mut newest = None;
    for chain in admin.audit_heads().await.ok()? {
        let before = i64::try_from(chain.events).ok()? - 1;
        let events = admin.events(chain.chain, before, 1).await.ok()?;
        newest = newest.max(events.last().map(|event| event.at));
    }
    let (newest, now) = (newest?, system.clock.now());
    Some(match newest.duration_since(now) > CLOCK {
        false => Finding::ok("clock", "not before the newest event"),
        true => Finding::failure(
            "clock",
            format!("the newest event of the audit is from {newest:.0}, and the clock says {now:.0}"),
            "set the clock, and let NTP keep it: signatures are accepted only near the right time",
        ),
    })
}

fn clock(found: &Replication, system: &System) -> Finding {
    let apart = found.now.duration_since(system.clock.now()).abs();
    match apart > CLOCK {
        false => Finding::ok("clock", "as on the database's machine"),
        true => Finding::warning(
            "clock",
            format!("{} s apart from the clock of the database's machine", apart.as_secs()),
            "let NTP keep the clocks of all machines: signatures are accepted only near the right time",
        ),
    }
}

fn replication(config: &Config, found: &Replication) -> Finding {
    let Replication { waits_for, standbys, unsafe_settings, .. } = found;
    if !unsafe_settings.is_empty() {
        let found = format!("off in PostgreSQL: {}", unsafe_settings.join(", "));
        return Finding::failure("durability", found, "turn them on: a crash can lose acknowledged users");
    }
    if config.require_synchronous_replication && waits_for.is_empty() {
        return Finding::failure(
            "durability",
            format!(
                "commits wait for no standby ({standbys} connected), and one is required: writes get 503"
            ),
            "connect a standby and set synchronous_standby_names",
        );
    }
    if found.is_asynchronous() {
        return Finding::warning(
            "durability",
            format!("{standbys} standbys, and commits wait for none"),
            "set synchronous_standby_names, see docs/HIGH-AVAILABILITY.md: a failover can lose acknowledged users",
        );
    }
    if !waits_for.is_empty() && *standbys == 0 {
        return Finding::failure(
            "durability",
            format!("commits wait for a standby ({waits_for}), and none is connected: writes get 503"),
            "connect the standby, or remove it from synchronous_standby_names",
        );
    }
    match &**waits_for {
        "" => Finding::ok("durability", "commits are forced to disk; no standby is connected"),
        names => Finding::ok("durability", format!("commits wait for a standby: {names}")),
    }
}

fn unreachable_database(error: &dyn std::error::Error) -> Finding {
    Finding::failure("database", error.to_string(), "the log of the server and of the database say why")
}

/// Where the files of the database are, if it has files here.
pub(super) fn folder(config: &Config) -> Option<std::path::PathBuf> {
    match &config.store {
        Location::Sqlite(path) => {
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            path.parent().map(std::path::Path::to_owned)
        }
        Location::Postgres(_) => None,
    }
}
