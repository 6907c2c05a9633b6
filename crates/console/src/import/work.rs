//! The workers of an import job. They send slices of rows to the endpoints, with the permissions of the user
//! who started the job, until all are sent or the job is stopped. They need no open page.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth::SessionToken;
use directory::Caller;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::job::{Job, Slice, Stage};
use crate::Console;
use crate::PageError;
use crate::request::read_session;
use api::driver;
use api::endpoints::user::{check_user, create_user, update_alias};
use api::error::CallError;
use observe::Line;
use wire::Error;

/// Slices in progress. Checks use the password threads, and logins need some of them.
const CHECKING: usize = 2;
const CREATING: usize = 4;

/// Total wait of a slice for a busy server, and one delay, in seconds. Retry-After of the API is longer,
/// because it is meant for many programs.
const MAX_WAIT: u64 = 300;
const MAX_DELAY: u64 = 5;

/// The session in whose name the workers call.
pub(super) struct Session {
    token: SessionToken,
    caller: Mutex<Caller>,
    /// Only one slice at a time retries against a busy server.
    turn: tokio::sync::Mutex<()>,
}

/// Why a slice was not finished.
enum SliceError {
    /// A user stopped the job.
    Stopped,
    /// Its rows are refused; others are not affected.
    Refused(Error),
    Failed(String),
}

impl Session {
    pub(super) fn new(token: SessionToken, caller: Caller) -> Self {
        Self { token, caller: Mutex::new(caller), turn: tokio::sync::Mutex::default() }
    }

    fn caller(&self) -> Caller {
        self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the caller's current permissions; `false` if the session has ended.
    async fn refresh_caller(&self, console: &Console) -> Result<bool, PageError> {
        let Some(session) = read_session(console, Some(&self.token)).await? else { return Ok(false) };
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = session.caller;
        Ok(true)
    }
}

/// Starts the workers of a job.
pub(super) fn spawn(console: &Arc<Console>, job: &Arc<Job>, session: Session) {
    let (console, job) = (Arc::clone(console), Arc::clone(job));
    tokio::spawn(async move {
        let at_once = if job.progress().stage == Stage::Checking { CHECKING } else { CREATING };
        let workers = join_all((0..at_once).map(|_| work(&console, &job, &session)));
        // The job is marked as ended also if a worker panics.
        let reasons = AssertUnwindSafe(workers).catch_unwind().await;
        let why = match reasons {
            Ok(reasons) => reasons.into_iter().flatten().next(),
            Err(_) => Some(CallError::Panic.to_string()),
        };
        job.finish(why);
        let now = job.progress();
        tracing::info!(
            import = %job.id, rows = now.rows, ready = now.ready, created = now.created, exist = now.exist,
            refused = now.refused + now.unreadable, "an import stopped"
        );
    });
}

/// Sends slices until none is left. Returns the reason if it ends early.
async fn work(console: &Console, job: &Job, session: &Session) -> Option<String> {
    while !console.host.is_stopping()
        && let Some(slice) = job.next_slice()
    {
        let settled = match send(console, job, session, &slice).await {
            Ok(reply) => job.record_results(&slice, &reply).map_err(|error| {
                SliceError::Failed(format!("The result of some rows could not be read: {error}"))
            }),
            Err(SliceError::Refused(error)) => {
                job.refuse(&slice, &error);
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = settled {
            job.stop();
            return match error {
                SliceError::Stopped | SliceError::Refused(_) => None,
                SliceError::Failed(why) => Some(why),
            };
        }
    }
    None
}

/// Sends a slice, with retries while the server is busy.
async fn send(console: &Console, job: &Job, session: &Session, slice: &Slice) -> Result<Vec<u8>, SliceError> {
    let (endpoint, request_id) = match slice.stage {
        Stage::Checking => (&check_user::ENDPOINT, None),
        Stage::Columns | Stage::Creating | Stage::Checked | Stage::Done if slice.aliases => {
            (&update_alias::ENDPOINT, Some(slice.request_id))
        }
        Stage::Columns | Stage::Creating | Stage::Checked | Stage::Done => {
            (&create_user::ENDPOINT, Some(slice.request_id))
        }
    };
    let (mut waited, mut turn) = (0, None);
    loop {
        let caller = session.caller();
        let mut line = Line::default();
        let refusal =
            match driver::within(&console.core, endpoint, caller, request_id, &slice.body, &mut line).await {
                Ok(reply) => return Ok(reply),
                Err(CallError::Stale) => match session.refresh_caller(console).await {
                    Ok(true) => CallError::Stale,
                    Ok(false) => {
                        return Err(SliceError::Failed(
                            "The session in which it was started has ended".to_owned(),
                        ));
                    }
                    Err(PageError::Refused(refusal)) => refusal,
                    Err(error) => return Err(SliceError::Failed(error.to_string())),
                },
                Err(refusal) => refusal,
            };
        // A person may be allowed to create users, and not to add aliases.
        if slice.aliases && refusal.code().status() == 403 {
            return Err(SliceError::Refused(Error::in_field(refusal.code(), "aliasOf", refusal.to_string())));
        }
        let Some(seconds) = refusal.retry_after() else {
            return Err(SliceError::Failed(refusal.to_string()));
        };
        let seconds = seconds.min(MAX_DELAY);
        waited += seconds;
        if waited > MAX_WAIT {
            return Err(SliceError::Failed(refusal.to_string()));
        }
        // A stale judgement needs no delay: the data was read again.
        if !matches!(refusal, CallError::Stale) {
            if turn.is_none() {
                turn = Some(session.turn.lock().await);
            }
            job.wait(Duration::from_secs(seconds)).await;
            if job.is_stopping() {
                return Err(SliceError::Stopped);
            }
        }
    }
}
