//! The import jobs of this node. They and their files are only in memory, because they hold passwords.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directory::{AccountId, Caller};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::job::Job;
use super::read::MAX_FILE;

/// Maximum number of jobs, per account and in all.
const MAX_PER_ACCOUNT: usize = 20;
const MAX_JOBS: usize = 100;

/// Maximum number of rows in all jobs.
const MAX_ROWS: usize = 1_000_000;

/// Maximum bytes of kept files, per account and in all.
const MAX_ACCOUNT_BYTES: usize = 2 * MAX_FILE;
const MAX_BYTES: usize = 8 * MAX_FILE;

/// Files of import-users that are read at once.
const READ_AT_ONCE: usize = 2;

/// How long an idle job is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The import jobs of this node.
pub struct Imports {
    /// The oldest first.
    jobs: Mutex<Vec<Arc<Job>>>,
    /// Jobs of import-users, each with its caller, that wait for a worker.
    waiting: Mutex<VecDeque<(Arc<Job>, Caller)>>,
    added: Notify,
    /// The number of these that are not finished.
    unfinished: watch::Sender<usize>,
    stopping: AtomicBool,
    reading: Arc<Semaphore>,
}

impl Default for Imports {
    fn default() -> Self {
        Self {
            jobs: Mutex::default(),
            waiting: Mutex::default(),
            added: Notify::default(),
            unfinished: watch::Sender::default(),
            stopping: AtomicBool::default(),
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
        }
    }
}

impl Imports {
    /// Stores a job that has, or will have, this many rows. The oldest idle jobs are removed to make room, and the
    /// oldest files; `false` if there is no room.
    pub fn keep(&self, job: &Arc<Job>, rows: usize, now: Timestamp) -> bool {
        self.forget(now);
        let mut jobs = self.jobs();
        loop {
            let others = || jobs.iter().filter(|other| !Arc::ptr_eq(other, job));
            let in_account = others().filter(|other| other.origin.account == job.origin.account).count();
            let other_rows: usize = others().map(|other| other.held_rows()).sum();
            let account_full = in_account >= MAX_PER_ACCOUNT;
            if !account_full && others().count() < MAX_JOBS && other_rows + rows <= MAX_ROWS {
                break;
            }
            let is_own = |other: &Arc<Job>| other.origin.account == job.origin.account;
            let is_idle = |other: &Arc<Job>| !Arc::ptr_eq(other, job) && !other.progress().running;
            let own = jobs.iter().position(|other| is_own(other) && is_idle(other));
            // Jobs of other accounts give way only if the whole node is full.
            match own.or_else(|| jobs.iter().position(is_idle).filter(|_| !account_full)) {
                Some(oldest) => drop(jobs.remove(oldest)),
                None => return false,
            }
        }
        limit_sources(&jobs, job, MAX_ACCOUNT_BYTES, |other| other.origin.account == job.origin.account);
        limit_sources(&jobs, job, MAX_BYTES, |_| true);
        jobs.retain(|other| !other.is_lost());
        if !jobs.iter().any(|other| Arc::ptr_eq(other, job)) {
            jobs.push(Arc::clone(job));
        }
        true
    }

    /// The jobs of an account, the newest first.
    pub fn of_account(&self, account: AccountId) -> Vec<Arc<Job>> {
        self.jobs().iter().rev().filter(|job| job.origin.account == account).cloned().collect()
    }

    /// The job of an account with this id.
    pub fn find_job(&self, account: AccountId, id: &str) -> Option<Arc<Job>> {
        self.jobs().iter().find(|job| job.origin.account == account && job.id.to_string() == id).cloned()
    }

    /// Removes idle jobs after a day, and with them their passwords.
    pub fn forget(&self, now: Timestamp) {
        self.jobs().retain(|job| job.progress().running || now.duration_since(job.origin.at) < KEPT_FOR);
    }

    /// Waits until another file of import-users may be read. `None`, which never happens: it is closed.
    pub async fn reading_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.reading).acquire_owned().await.ok()
    }

    /// Removes a job that was kept and will not be started.
    pub fn drop_job(&self, job: &Arc<Job>) {
        self.jobs().retain(|other| !Arc::ptr_eq(other, job));
    }

    /// Lets the workers of this node begin with a job, in the name of its caller.
    pub fn start(&self, job: Arc<Job>, caller: Caller) {
        self.unfinished.send_modify(|number| *number += 1);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back((job, caller));
        self.added.notify_one();
    }

    /// The next job to begin with.
    pub async fn next(&self) -> (Arc<Job>, Caller) {
        loop {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match next {
                Some(next) => return next,
                None => self.added.notified().await,
            }
        }
    }

    /// The workers of a job of import-users have ended.
    pub fn finish(&self) {
        self.unfinished.send_modify(|number| *number = number.saturating_sub(1));
    }

    /// Waits until no job of import-users is unfinished.
    pub async fn all_finished(&self) {
        // It fails only if the sender is gone, which is here.
        let _ = self.unfinished.subscribe().wait_for(|number| *number == 0).await;
    }

    /// The node stops: no further slice is sent.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the node stops.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the oldest files until those of these jobs and of a new one fit. The jobs continue without them, except
/// those whose columns are not chosen yet.
fn limit_sources(jobs: &[Arc<Job>], job: &Arc<Job>, most: usize, is_counted: impl Fn(&Job) -> bool) {
    let others = || jobs.iter().filter(|other| !Arc::ptr_eq(other, job) && is_counted(other));
    let mut bytes = job.source_bytes() + others().map(|other| other.source_bytes()).sum::<usize>();
    for other in others() {
        if bytes <= most {
            return;
        }
        bytes -= other.source_bytes();
        other.drop_source();
    }
}
