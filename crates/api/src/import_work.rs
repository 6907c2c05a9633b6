//! The workers of an import job. They send slices of rows to the endpoints, with the permissions of the caller
//! who started the job, until all are sent or the job is stopped. They need no open page.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use directory::Caller;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use observe::Line;
use tokio::task::JoinHandle;
use wire::Error;

use crate::core::Core;
use crate::driver;
use crate::endpoints::user::{check_user, create_user, update_alias};
use crate::error::CallError;
use crate::import::job::Slice;
use crate::import::{Job, Stage};

/// Slices in progress. Checks use the password threads, and logins need some of them.
const CHECKING: usize = 2;
const CREATING: usize = 4;

/// Total wait of a slice for a busy server, and one delay, in seconds. Retry-After of the API is longer,
/// because it is meant for many programs.
const MAX_WAIT: u64 = 300;
const MAX_DELAY: u64 = 5;

/// How the workers learn the present permissions of the one who started a job.
pub trait Authority: Send + Sync + 'static {
    /// Reads the caller again; `None`: it may not call any more.
    fn read<'a>(&'a self, core: &'a Core) -> Reading<'a>;

    /// Why the job stops if it may not.
    fn ended(&self) -> &'static str;
}

/// The caller, read again.
pub type Reading<'a> = Pin<Box<dyn Future<Output = Result<Option<Caller>, CallError>> + Send + 'a>>;

/// A caller of import-users: a key pair or an application.
pub struct ByCall(pub Caller);

impl Authority for ByCall {
    fn read<'a>(&'a self, core: &'a Core) -> Reading<'a> {
        Box::pin(async move { Ok(core.authenticator.renewed(&self.0).await?) })
    }

    fn ended(&self) -> &'static str {
        "The key pair or application with which it was started no longer works"
    }
}

/// The caller in whose name the workers call.
struct Starter {
    authority: Box<dyn Authority>,
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

impl Starter {
    fn caller(&self) -> Caller {
        self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the caller's current permissions; `false` if it may not call any more.
    async fn refresh(&self, core: &Core) -> Result<bool, CallError> {
        let Some(caller) = self.authority.read(core).await? else { return Ok(false) };
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = caller;
        Ok(true)
    }
}

/// Starts the workers of a job. They go on if the handle is dropped.
pub fn spawn(
    core: &Arc<Core>,
    job: &Arc<Job>,
    caller: Caller,
    authority: Box<dyn Authority>,
) -> JoinHandle<()> {
    let (core, job) = (Arc::clone(core), Arc::clone(job));
    let starter = Starter { authority, caller: Mutex::new(caller), turn: tokio::sync::Mutex::default() };
    tokio::spawn(async move {
        let at_once = if job.progress().stage == Stage::Checking { CHECKING } else { CREATING };
        let workers = join_all((0..at_once).map(|_| work(&core, &job, &starter)));
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
            refused = now.refused + now.unreadable, "an import ended"
        );
    })
}

/// Sends slices until none is left. Returns the reason if it ends early.
async fn work(core: &Core, job: &Job, starter: &Starter) -> Option<String> {
    while !core.imports.is_stopping()
        && let Some(slice) = job.next_slice()
    {
        let settled = match send(core, job, starter, &slice).await {
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
async fn send(core: &Core, job: &Job, starter: &Starter, slice: &Slice) -> Result<Vec<u8>, SliceError> {
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
        let caller = starter.caller();
        let mut line = Line::default();
        let refusal = match driver::within(core, endpoint, caller, request_id, &slice.body, &mut line).await {
            Ok(reply) => return Ok(reply),
            Err(CallError::Stale) => match starter.refresh(core).await {
                Ok(true) => CallError::Stale,
                Ok(false) => return Err(SliceError::Failed(starter.authority.ended().to_owned())),
                Err(refusal) => refusal,
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
                turn = Some(starter.turn.lock().await);
            }
            job.wait(Duration::from_secs(seconds)).await;
            if job.is_stopping() {
                return Err(SliceError::Stopped);
            }
        }
    }
}
