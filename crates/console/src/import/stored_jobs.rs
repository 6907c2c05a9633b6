//! The import jobs of this node. They are only in memory, because they hold passwords.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directory::AccountId;
use jiff::{SignedDuration, Timestamp};

use super::job::Job;

/// Maximum number of jobs, per account and in all.
const MAX_PER_ACCOUNT: usize = 20;
const MAX_JOBS: usize = 100;

/// Maximum number of rows in all jobs.
const MAX_ROWS: usize = 1_000_000;

/// How long an idle job is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The import jobs of this node, the oldest first.
#[derive(Default)]
pub(crate) struct Imports(Mutex<Vec<Arc<Job>>>);

impl Imports {
    /// Stores a job. The oldest idle jobs are removed to make room; `false` if there is no room.
    pub(super) fn keep(&self, job: &Arc<Job>, now: Timestamp) -> bool {
        self.forget(now);
        let mut jobs = self.jobs();
        loop {
            let in_account = jobs.iter().filter(|other| other.account == job.account).count();
            let rows: usize = jobs.iter().map(|other| other.progress().rows).sum();
            let account_full = in_account >= MAX_PER_ACCOUNT;
            if !account_full && jobs.len() < MAX_JOBS && rows + job.progress().rows <= MAX_ROWS {
                break;
            }
            let gives_way = |other: &Arc<Job>| {
                !other.progress().running && (!account_full || other.account == job.account)
            };
            match jobs.iter().position(gives_way) {
                Some(oldest) => drop(jobs.remove(oldest)),
                None => return false,
            }
        }
        jobs.push(Arc::clone(job));
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
