//! Group commit: requests that arrive while a commit is being forced to disk share the next one: one forced write for
//! all who wait.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use directory::SessionId;
use directory::audit::Actor;
use directory::change::{Change, Changed};
use directory::port::{Indexed, StoreError, Usage, Write, Written};
use directory::session::SessionLimits;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use crate::session::Error;

/// Writes that may wait. More than this is a store that can't keep up: refuse, so that the caller learns of it.
const QUEUE: usize = 16_384;

/// Users in one transaction: bounds how long a single write waits for others.
const GROUP: usize = 2_048;

/// Requests looked at and forgotten in one go.
pub(crate) const FORGET_SLICE: i64 = 500;

/// What a writer is asked to do.
pub(crate) enum Work {
    Write(Vec<Write>),
    Apply { changes: Vec<Change>, actor: Actor, now: Timestamp },
    Forget { now: Timestamp, window: SignedDuration, after: i64 },
    Touch { session: SessionId, now: Timestamp, limits: SessionLimits },
    Index { limit: usize },
    NoteUsage(Vec<Usage>),
    Ping,
}

/// The result.
pub(crate) enum Outcome {
    Written(Vec<Written>),
    Changed(Changed),
    Forgotten(Slice),
    Indexed(Indexed),
    Noted,
    Ready,
}

/// What one slice came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// Rows that were forgotten.
    pub(crate) rows: usize,
    /// The last row that was looked at, when there may be more to forget behind it.
    pub(crate) goes_on: Option<i64>,
    /// When the earliest of them ran whose time has not come by this clock: they ran while it was ahead.
    pub(crate) ahead: Option<i64>,
}

/// What a thread of an engine does with a group of work: all of it in one transaction, or nothing.
pub(crate) trait Commit: Send + 'static {
    fn commit(&mut self, group: &[Work]) -> Result<Vec<Outcome>, Error>;

    /// What is to be done before the first group.
    fn prepare(&mut self) {}

    /// What can wait until everybody has an answer.
    fn tidy_up(&mut self) {}
}

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// Threads that write, and the queue they share. Dropping it lets them finish what waits, and waits for that.
pub(crate) struct Writer {
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start<C: Commit>(name: &str, lanes: impl IntoIterator<Item = C>) -> std::io::Result<Self> {
        let (queue, jobs) = crossbeam_channel::bounded(QUEUE);
        let mut writer = Self { queue: Some(queue), threads: Vec::new() };
        for lane in lanes {
            let (name, jobs) = (name.to_owned(), jobs.clone());
            writer.threads.push(std::thread::Builder::new().name(name).spawn(move || serve(lane, &jobs))?);
        }
        Ok(writer)
    }

    /// Queues the work; the outcome comes when it is durable.
    pub(crate) async fn run(&self, work: Work) -> Result<Outcome, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.try_send(Job { work, reply }).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        outcome.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A writer that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::failed("the writer has stopped")
}

fn serve<C: Commit>(mut lane: C, jobs: &Receiver<Job>) {
    lane.prepare();
    while let Ok(first) = jobs.recv() {
        let mut size = first.work.size();
        let mut group = vec![first.work];
        let mut replies = vec![first.reply];
        while size < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            size += job.work.size();
            group.push(job.work);
            replies.push(job.reply);
        }
        match lane.commit(&group) {
            // The receiver may be gone; the write is committed anyway.
            Ok(outcomes) => {
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    let _ = reply.send(Ok(outcome));
                }
                lane.tidy_up();
            }
            Err(error) => {
                tracing::error!(%error, writes = replies.len(), "a transaction failed");
                let cause = error.to_string();
                for reply in replies {
                    let _ = reply.send(Err(Error::new(error.kind, cause.clone()).into()));
                }
            }
        }
    }
}

impl Work {
    /// The requests in it.
    pub(crate) fn requests(&self) -> &[Write] {
        match self {
            Work::Write(requests) => requests,
            _ => &[],
        }
    }

    /// Whether it does no harm when it runs twice: each request in it is carried out only once. Uses that are counted
    /// twice are less harm than to leave those in the dark who share their transaction.
    pub(crate) fn is_repeatable(&self) -> bool {
        match self {
            Work::Write(requests) => requests.iter().all(|request| request.once.is_some()),
            Work::Apply { .. } => false,
            Work::Forget { .. }
            | Work::Index { .. }
            | Work::Touch { .. }
            | Work::NoteUsage(_)
            | Work::Ping => true,
        }
    }

    fn size(&self) -> usize {
        match self {
            Work::Write(requests) => requests.iter().map(|request| request.changes.len().max(1)).sum(),
            Work::Apply { changes, .. } => changes.len(),
            Work::Forget { .. } => usize::try_from(FORGET_SLICE).unwrap_or(1),
            Work::Touch { .. } => 1,
            Work::Index { limit } => *limit,
            Work::NoteUsage(usage) => usage.len(),
            Work::Ping => 0,
        }
    }
}
