//! The work: slices of rows go through the endpoints that programs call, on behalf of the user who started it, until they
//! are through or somebody stops it. No page needs to be open for it.

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
use api::endpoints::user::{check_user, create_user};
use api::error::CallError;
use observe::Line;

/// Slices under way at once. Weak passwords are looked for on the threads on which others log in: those are left some.
const CHECKING: usize = 2;
const CREATING: usize = 4;

/// How long a slice waits for a server that is busy, in all and at a time: in seconds. Programs are told to stay away for
/// longer, because there may be many of them.
const MAX_WAIT: u64 = 300;
const MAX_DELAY: u64 = 5;

/// In whose name the work is done.
pub(super) struct Session {
    token: SessionToken,
    caller: Mutex<Caller>,
    /// Of slices that a busy server has sent away, one at a time tries again: several would be in each other's way.
    turn: tokio::sync::Mutex<()>,
}

/// Why a slice was left.
enum SliceError {
    /// Somebody stopped it.
    Stopped,
    Failed(String),
}

impl Session {
    pub(super) fn new(token: SessionToken, caller: Caller) -> Self {
        Self { token, caller: Mutex::new(caller), turn: tokio::sync::Mutex::default() }
    }

    fn caller(&self) -> Caller {
        self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the user again, because permissions may have been removed; `false`: the session has ended.
    async fn refresh_caller(&self, console: &Console) -> Result<bool, PageError> {
        let Some(session) = read_session(console, Some(&self.token)).await? else { return Ok(false) };
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = session.caller;
        Ok(true)
    }
}

/// Works on an import that has begun.
pub(super) fn spawn(console: &Arc<Console>, job: &Arc<Job>, session: Session) {
    let (console, job) = (Arc::clone(console), Arc::clone(job));
    tokio::spawn(async move {
        let at_once = if job.progress().stage == Stage::Checking { CHECKING } else { CREATING };
        let workers = join_all((0..at_once).map(|_| work(&console, &job, &session)));
        // Whatever happens, the import does not look as if somebody were still at it.
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

/// Sends slice after slice. Gives why it was left, if it was.
async fn work(console: &Console, job: &Job, session: &Session) -> Option<String> {
    while !console.host.is_stopping()
        && let Some(slice) = job.next_slice()
    {
        let settled = match send(console, job, session, &slice).await {
            Ok(reply) => job.record_results(&slice, &reply).map_err(|error| {
                SliceError::Failed(format!("The result of some rows could not be read: {error}"))
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = settled {
            job.stop();
            return match error {
                SliceError::Stopped => None,
                SliceError::Failed(why) => Some(why),
            };
        }
    }
    None
}

/// Sends a slice, again and again while the server is busy.
async fn send(console: &Console, job: &Job, session: &Session, slice: &Slice) -> Result<Vec<u8>, SliceError> {
    let (endpoint, request_id) = match slice.stage {
        Stage::Checking => (&check_user::ENDPOINT, None),
        _ => (&create_user::ENDPOINT, Some(slice.request_id)),
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
        let Some(seconds) = refusal.retry_after() else {
            return Err(SliceError::Failed(refusal.to_string()));
        };
        let seconds = seconds.min(MAX_DELAY);
        waited += seconds;
        if waited > MAX_WAIT {
            return Err(SliceError::Failed(refusal.to_string()));
        }
        // What was read again is judged again at once.
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
