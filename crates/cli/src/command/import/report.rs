//! The result of a whole import.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use client::CallError;
use client::wire::import::{Encoding, Summary, printable};
use serde::Serialize;
use serde_json::json;

use super::batches::Line;
use super::send::{Answer, Fate};
use crate::output::{Failed, Output};

/// Number of refused rows that are shown; the result file has all.
const SHOWN: usize = 10;

/// The number of rows by result.
#[derive(Clone, Default, Serialize)]
pub(super) struct Counts {
    created: u64,
    exists: u64,
    updated: u64,
    refused: u64,
    would_be_created: u64,
    not_checked: u64,
    unknown: u64,
    not_tried: u64,
}

impl Counts {
    /// Counts a row by its result's name; false: the result is not final.
    pub(super) fn add_named(&mut self, name: &str) -> bool {
        let count = match name {
            "created" => &mut self.created,
            "exists" => &mut self.exists,
            "updated" => &mut self.updated,
            "refused" => &mut self.refused,
            _ => return false,
        };
        *count += 1;
        true
    }

    fn add(&mut self, name: &str) {
        if !self.add_named(name) {
            *match name {
                "would be created" => &mut self.would_be_created,
                "not checked" => &mut self.not_checked,
                "unknown" => &mut self.unknown,
                _ => &mut self.not_tried,
            } += 1;
        }
    }

    /// All rows.
    pub(super) fn rows(&self) -> u64 {
        let Self { created, exists, updated, refused, would_be_created, not_checked, unknown, not_tried } =
            self;
        created + exists + updated + refused + would_be_created + not_checked + unknown + not_tried
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    fn named_counts(&self) -> [(&'static str, u64); 8] {
        [
            ("created", self.created),
            ("would be created", self.would_be_created),
            ("already exist", self.exists),
            ("updated", self.updated),
            ("refused", self.refused),
            ("checked in the file only", self.not_checked),
            ("with unknown result", self.unknown),
            ("not tried", self.not_tried),
        ]
    }
}

/// The peak memory of this process, from Linux.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// The result.
pub(super) struct Report {
    counts: Counts,
    earlier: u64,
    codes: BTreeMap<String, u64>,
    shown: Vec<String>,
    stopped: Option<String>,
    /// It stopped because the server did not accept the keys.
    keys_refused: bool,
    /// Users that were created without their password hash.
    without_hash: u64,
    dry_run: bool,
    started: Instant,
}

impl Report {
    pub(super) fn new(dry_run: bool) -> Self {
        #[expect(clippy::disallowed_methods, reason = "measures how long an import takes")]
        let started = Instant::now();
        Self {
            counts: Counts::default(),
            earlier: 0,
            codes: BTreeMap::new(),
            shown: Vec::new(),
            stopped: None,
            keys_refused: false,
            without_hash: 0,
            dry_run,
            started,
        }
    }

    /// The results of earlier runs.
    pub(super) fn resumed(&mut self, counts: &Counts) {
        self.counts = counts.clone();
        self.earlier = counts.rows();
    }

    pub(super) fn count(&mut self, row: &Line, fate: &Fate<'_>) {
        self.counts.add(fate.name());
        if matches!(fate, Fate::Answered(Answer::CreatedWithoutHash(..))) {
            self.without_hash += 1;
            if self.shown.len() < SHOWN {
                let address = printable(&row.address);
                self.shown.push(format!("line {} {address}: {}", row.line, fate.detail()));
            }
        }
        if let Some(fault) = fate.faults().first() {
            *self.codes.entry(fault.code.clone()).or_default() += 1;
            if self.shown.len() < SHOWN {
                let field = fault.field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
                let (address, message) = (printable(&row.address), printable(&fault.message));
                self.shown.push(format!("line {} {address}{field}: {message}", row.line));
            }
        }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Rows and seconds of this run.
    pub(super) fn pace(&self) -> (u64, f64) {
        (self.counts.rows() - self.earlier, self.started.elapsed().as_secs_f64())
    }

    /// The call was refused or got no response: nothing more is sent.
    pub(super) fn stop(&mut self, error: &CallError) {
        self.keys_refused |= matches!(error, CallError::Refused { status: 401 | 403 | 418, .. });
        self.stopped.get_or_insert_with(|| error.to_string());
    }

    /// It was interrupted.
    pub(super) fn interrupted(&mut self) {
        self.stopped.get_or_insert_with(|| "asked to stop".to_owned());
    }

    /// Whether it stopped before the end of the file.
    pub(super) fn stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Prints it; the exit code distinguishes success, refused rows, and a stop.
    pub(super) fn say(
        &self,
        output: &Output,
        result: Option<&Path>,
        summary: &Summary,
    ) -> Result<(), Failed> {
        let (rows, seconds) = self.pace();
        let per_second = if seconds > 0.0 { rows as f64 / seconds } else { 0.0 };
        let counts = serde_json::to_value(&self.counts)?;
        let value = json!({
            "rows": self.counts.rows(),
            "counts": counts,
            "codes": self.codes,
            "unknown_columns": summary.ignored,
            "chosen_columns": summary.chosen.iter().cloned().collect::<BTreeMap<_, _>>(),
            "encoding": summary.encoding.map(Encoding::name),
            "notes": summary.notes(),
            "without_hash": self.without_hash,
            "dry_run": self.dry_run,
            "stopped": self.stopped,
            "result": result,
            "peak_memory_kib": peak_memory_kib(),
            "seconds": (seconds * 1_000.0).round() / 1_000.0,
            "per_second": per_second.round(),
        });
        output.say(value, self.text(rows, seconds, per_second, result, summary))?;
        match &self.stopped {
            Some(_) => Err(Failed::Stopped),
            None if self.counts.refused > 0 || self.counts.rows() == 0 => Err(Failed::Refused),
            None => Ok(()),
        }
    }

    fn text(
        &self,
        rows: u64,
        seconds: f64,
        per_second: f64,
        result: Option<&Path>,
        summary: &Summary,
    ) -> String {
        let mut lines = Vec::new();
        let counted: Vec<_> = self
            .counts
            .named_counts()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        let counted =
            if counted.is_empty() { "the file contains no user".to_owned() } else { counted.join(", ") };
        lines.push(format!("{}{counted}", if self.dry_run { "dry run, nothing was changed: " } else { "" }));
        if !self.dry_run {
            lines.push(format!("   {rows} rows in {seconds:.1} s, {per_second:.0} per second"));
        }
        for (code, count) in &self.codes {
            lines.push(format!("   {count} × {code}"));
        }
        lines.extend(self.shown.iter().map(|shown| format!("   {shown}")));
        let more =
            (self.codes.values().sum::<u64>() + self.without_hash).saturating_sub(self.shown.len() as u64);
        if more > 0 {
            lines.push(format!("   … and {more} more"));
        }
        if !summary.chosen.is_empty() {
            let chosen = summary.chosen.iter().map(|(name, field)| format!("{} as {field}", printable(name)));
            lines.push(format!("   chosen columns: {}", chosen.collect::<Vec<_>>().join(", ")));
        }
        if !summary.ignored.is_empty() {
            let ignored: Vec<&str> = summary.ignored.iter().map(String::as_str).collect();
            lines.push(format!("   ignored columns: {}", ignored.join(", ")));
        }
        lines.extend(summary.notes().iter().map(|note| format!("   {note}")));
        if self.counts.not_checked > 0 {
            lines.push("   the server does not support check-user: only the file was checked".to_owned());
        }
        if let Some(why) = &self.stopped {
            lines.push(format!("stopped: {why}"));
            if !self.dry_run {
                let first = if self.keys_refused { "correct the keys, then " } else { "" };
                lines.push(format!("   {first}continue with the same command and --resume"));
            }
        }
        if let Some(result) = result {
            lines.push(format!("   row by row: {}", result.display()));
        }
        lines.join("\n")
    }
}
