//! Checks an installation: everything that this program can see and an operator can fix. No row is changed, and no
//! result contains a secret.

mod database;
mod machine;
mod outside;

use crate::config::Config;
use crate::system::System;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing to do.
    Ok,
    /// It could not be checked, because an earlier check failed or is not asked for.
    Skipped,
    /// The server works; something should be done.
    Warning,
    /// The server does not start, does not work, or may lose data.
    Failure,
}

impl State {
    /// Its word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// How it went.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do, if there is something.
    pub advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Ok, found: found.into(), advice: None }
    }

    fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, state: State::Skipped, found: why.into(), advice: None }
    }

    fn warning(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    fn failure(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Failure, found: found.into(), advice: Some(advice.into()) }
    }
}

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What takes no longer than a start of the server.
    Quick,
    /// Also every page of the database, every event of the audit, and the newest backup.
    Whole,
}

/// Checks the installation with this configuration. Each finding is reported as soon as it is known; before a long check
/// its name is.
pub async fn examine(config: &Config, depth: Depth, report: &mut dyn FnMut(Progress)) {
    let system = System::real();
    for finding in machine::settings(config) {
        report(Progress::Done(finding));
    }
    let domain = database::examine(config, depth, &system, report).await;
    for finding in machine::storage(config) {
        report(Progress::Done(finding));
    }
    report(Progress::Begun("backup"));
    report(Progress::Done(machine::backup(config, depth, system.clock.now())));
    for finding in outside::examine(config, domain.as_ref(), system.clock.now()).await {
        report(Progress::Done(finding));
    }
}

/// Progress of an examination.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A check that may take long has begun.
    Begun(&'static str),
    /// A check is done.
    Done(Finding),
}
