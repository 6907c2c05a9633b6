//! The imports of this node: in memory, because what they hold are passwords.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directory::AccountId;
use jiff::{SignedDuration, Timestamp};

use super::job::Job;

/// Imports that are kept of an account, and of all.
const MAX_PER_ACCOUNT: usize = 20;
const MAX_JOBS: usize = 100;

/// Rows that are kept of all imports.
const MAX_ROWS: usize = 1_000_000;

/// How long one is kept that nothing is done with.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The imports of this node, the oldest first.
#[derive(Default)]
pub(crate) struct Imports(Mutex<Vec<Arc<Job>>>);

impl Imports {
    /// Keeps one more. The oldest give way, but none that is under way; `false`: there is no room.
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

    /// Those of an account, the newest first.
    pub(super) fn of_account(&self, account: AccountId) -> Vec<Arc<Job>> {
        self.jobs().iter().rev().filter(|job| job.account == account).cloned().collect()
    }

    /// The one with this id.
    pub(super) fn find_job(&self, account: AccountId, id: &str) -> Option<Arc<Job>> {
        self.jobs().iter().find(|job| job.account == account && job.id.to_string() == id).cloned()
    }

    /// Forgets those that are a day old: their passwords are not kept for somebody who does not come back.
    pub(crate) fn forget(&self, now: Timestamp) {
        self.jobs().retain(|job| job.progress().running || now.duration_since(job.at) < KEPT_FOR);
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
