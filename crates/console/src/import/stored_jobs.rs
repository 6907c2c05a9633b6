//! The import jobs of this node. They and their files are only in memory, because they hold passwords.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directory::AccountId;
use jiff::{SignedDuration, Timestamp};

use super::job::Job;
use crate::upload::MAX_BODY;

/// Maximum number of jobs, per account and in all.
const MAX_PER_ACCOUNT: usize = 20;
const MAX_JOBS: usize = 100;

/// Maximum number of rows in all jobs.
const MAX_ROWS: usize = 1_000_000;

/// Maximum bytes of kept files, per account and in all.
const MAX_ACCOUNT_BYTES: usize = 2 * MAX_BODY;
const MAX_BYTES: usize = 8 * MAX_BODY;

/// How long an idle job is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The import jobs of this node, the oldest first.
#[derive(Default)]
pub(crate) struct Imports(Mutex<Vec<Arc<Job>>>);

impl Imports {
    /// Stores a job that has, or will have, this many rows. The oldest idle jobs are removed to make room, and the
    /// oldest files; `false` if there is no room.
    pub(super) fn keep(&self, job: &Arc<Job>, rows: usize, now: Timestamp) -> bool {
        self.forget(now);
        let mut jobs = self.jobs();
        loop {
            let others = || jobs.iter().filter(|other| !Arc::ptr_eq(other, job));
            let in_account = others().filter(|other| other.account == job.account).count();
            let other_rows: usize = others().map(|other| other.progress().rows).sum();
            let account_full = in_account >= MAX_PER_ACCOUNT;
            if !account_full && others().count() < MAX_JOBS && other_rows + rows <= MAX_ROWS {
                break;
            }
            let gives_way = |other: &Arc<Job>| {
                !Arc::ptr_eq(other, job)
                    && !other.progress().running
                    && (!account_full || other.account == job.account)
            };
            match jobs.iter().position(gives_way) {
                Some(oldest) => drop(jobs.remove(oldest)),
                None => return false,
            }
        }
        limit_sources(&jobs, job, MAX_ACCOUNT_BYTES, |other| other.account == job.account);
        limit_sources(&jobs, job, MAX_BYTES, |_| true);
        jobs.retain(|other| !other.is_lost());
        if !jobs.iter().any(|other| Arc::ptr_eq(other, job)) {
            jobs.push(Arc::clone(job));
        }
        true
    }

    /// The jobs of an account, the newest first.
    pub(super) fn of_account(&self, account: AccountId) -> Vec<Arc<Job>> {
        self.jobs().iter().rev().filter(|job| job.account == account).cloned().collect()
    }

    pub(super) fn find_job(&self, account: AccountId, id: &str) -> Option<Arc<Job>> {
        self.jobs().iter().find(|job| job.account == account && job.id.to_string() == id).cloned()
    }

    /// Removes idle jobs after a day, and with them their passwords.
    pub(crate) fn forget(&self, now: Timestamp) {
        self.jobs().retain(|job| job.progress().running || now.duration_since(job.at) < KEPT_FOR);
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
