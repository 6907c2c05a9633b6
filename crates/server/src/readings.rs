//! What is read when the metrics are collected: the process, the store, the hashing threads, backups, replication.

mod process;

use std::sync::{Arc, Weak};

use directory::port::{COMMIT_BOUNDS, Figures};
use observe::log::Log;
use observe::telemetry::Reading;

use crate::app::App;
use crate::metrics::Read;

/// The source of metrics; does not keep the server alive.
#[derive(Clone)]
pub(crate) struct Readings(Weak<App>);

impl Readings {
    pub(crate) fn of(app: &Arc<App>) -> Self {
        Self(Arc::downgrade(app))
    }
}

impl Read for Readings {
    async fn read(&self) -> Option<String> {
        let app = self.0.upgrade()?;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let mut readings = vec![
            Reading::gauge("matricula_build_info", "The version of the program; always 1.")
                .labelled(version, 1),
        ];
        readings.extend(process::readings());
        readings.extend(requests(&app));
        readings.extend(store(&app.core.store.figures()));
        // A sum of counts per domain. If the store fails, all other metrics are still reported.
        if let Ok(users) = app.core.store.count_users().await {
            let help = "Users and aliases in the directory, on all nodes.";
            readings.push(Reading::gauge("matricula_users", help).value(users));
        }
        readings.extend(replication(&app));
        readings.extend(backups(&app));
        readings.extend(ldap(&app));
        if let Some(tls) = &app.tls {
            let help = "When the certificate in use ends, since 1970.";
            let end = Reading::gauge("matricula_certificate_end_seconds", help);
            readings.push(end.value(tls.expires_at().as_second()));
        }
        Some(app.core.telemetry.text(&readings))
    }
}

fn requests(app: &App) -> Vec<Reading> {
    let (room, hasher) = (&app.room, &app.core.hasher);
    let mut readings = vec![
        Reading::gauge("matricula_requests_in_flight", "Requests under way.").value(room.in_flight()),
        Reading::gauge("matricula_passwords_waiting", "Passwords that wait or are being hashed.")
            .value(hasher.waiting()),
        Reading::gauge(
            "matricula_passwords_waiting_limit",
            "Passwords that may wait; more are refused with 503.",
        )
        .value(hasher.limit()),
    ];
    if let Some(dropped) = app.log.get().map(Log::dropped) {
        let help = "Log lines that could not be written.";
        readings.push(Reading::counter("matricula_log_lines_dropped_total", help).value(dropped));
    }
    readings
}

fn store(Figures { writers, bytes, readers }: &Figures) -> Vec<Reading> {
    let mut durations = Reading::histogram(
        "matricula_store_commit_duration_seconds",
        "How long transactions took that write, with the wait for the disk, by writer.",
    );
    let mut writes = Reading::counter("matricula_store_writes_total", "Writes committed, by writer.");
    let mut failed =
        Reading::counter("matricula_store_failed_commits_total", "Transactions that failed, by writer.");
    let mut waiting = Reading::gauge("matricula_store_waiting", "Writes that wait, by writer.");
    for writer in writers {
        let label = ("writer", writer.name);
        durations = durations.buckets(label, &COMMIT_BOUNDS, &writer.durations, writer.micros);
        writes = writes.labelled([label], writer.writes);
        failed = failed.labelled([label], writer.failed);
        waiting = waiting.labelled([label], writer.waiting);
    }
    let mut readings = vec![durations, writes, failed, waiting];
    if let Some((database, log)) = bytes {
        readings.extend([
            Reading::gauge("matricula_store_bytes", "Size of the database file.").value(database),
            Reading::gauge("matricula_store_log_bytes", "Size of the log next to the database file.")
                .value(log),
        ]);
    }
    if let Some((reading, limit)) = readers {
        let help = "Connections to the database that read.";
        readings.push(Reading::gauge("matricula_store_readers", help).value(reading));
        let help = "Connections that may read; more reads wait.";
        readings.push(Reading::gauge("matricula_store_readers_limit", help).value(limit));
    }
    readings
}

fn ldap(app: &App) -> Vec<Reading> {
    let Some(ldap) = &app.ldap else { return Vec::new() };
    let figures = ldap.door.figures();
    let help = "LDAP operations, by operation and result.";
    let mut operations = Reading::counter("matricula_ldap_operations_total", help);
    for ((operation, result), count) in figures.operations {
        operations = operations.labelled([("operation", operation), ("result", result)], count);
    }
    vec![
        Reading::gauge("matricula_ldap_connections", "Open LDAP connections.").value(figures.connections),
        Reading::counter(
            "matricula_ldap_connections_refused_total",
            "LDAP connections that were closed because there were too many.",
        )
        .value(figures.refused),
        operations,
    ]
}

fn replication(app: &App) -> Vec<Reading> {
    let Some(found) = app.replication() else { return Vec::new() };
    let help = "1: commits wait for a synchronous standby.";
    let is_synchronous = u8::from(!found.waits_for.is_empty());
    vec![
        Reading::gauge("matricula_store_standbys", "Standbys connected to the database.")
            .value(found.standbys),
        Reading::gauge("matricula_store_synchronous", help).value(is_synchronous),
    ]
}

fn backups(app: &App) -> Vec<Reading> {
    let Some(backups) = &app.backups else { return Vec::new() };
    let state = backups.state();
    let help = "Backups that could not be made.";
    let mut readings = vec![Reading::counter("matricula_backup_failures_total", help).value(state.failures)];
    let help = "Seconds from one backup to the next, by the schedule.";
    let every = Reading::gauge("matricula_backup_every_seconds", help);
    readings.push(every.value(backups.every().as_secs()));
    // Without a backup it is 0, so that an alert on the age fires.
    let made = state.newest.as_ref().map_or(0, |newest| newest.made.as_second());
    let help = "When the newest backup was begun, since 1970; 0: there is none.";
    readings.push(Reading::gauge("matricula_backup_time_seconds", help).value(made));
    if let Some(newest) = &state.newest {
        let help = "Size of the newest backup.";
        readings.push(Reading::gauge("matricula_backup_bytes", help).value(newest.bytes));
    }
    readings
}
