//! Background jobs of a node: deleting expired data, indexing users, starting imports, recording the use of credentials,
//! sharing quotas, examining refused signatures, watching replication, and making backups.

mod backing_up;
mod indexing;
mod replication;

use std::sync::Arc;
use std::time::Duration;

use api::import_work::{self, ByCall};
use directory::hex;
use directory::port::ChainHead;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior};

use crate::app::App;

/// How often expired data is deleted.
const TIDY_UP_EVERY: Duration = Duration::from_secs(60);

/// How often nodes exchange quota counts.
const SHARE_QUOTA_EVERY: Duration = Duration::from_millis(500);

/// How often the use of credentials is recorded, and how long a stop waits for it.
const NOTE_USAGE_EVERY: Duration = Duration::from_secs(5);

/// The jobs of a running server.
pub(crate) struct Jobs {
    ends_first: Vec<JoinHandle<()>>,
    noting: JoinHandle<()>,
}

impl Jobs {
    pub(crate) fn start(app: &Arc<App>) -> Self {
        let ends_first = [
            Some(tokio::spawn(tidy_up(Arc::clone(app)))),
            Some(tokio::spawn(indexing::follow_audit(Arc::clone(app)))),
            Some(tokio::spawn(start_imports(Arc::clone(app)))),
            Some(tokio::spawn(examine_refusals(Arc::clone(app)))),
            Some(tokio::spawn(log_audit_heads(Arc::clone(app)))),
            app.core.store.is_shared().then(|| tokio::spawn(share_quota(Arc::clone(app)))),
            app.backups
                .clone()
                .map(|backups| tokio::spawn(backing_up::follow_schedule(Arc::clone(app), backups))),
            app.core.store.is_shared().then(|| tokio::spawn(replication::watch(Arc::clone(app)))),
            app.tls.clone().map(|tls| tokio::spawn(tls.watch())),
        ];
        let noting = tokio::spawn(note_usage(Arc::clone(app)));
        Self { ends_first: ends_first.into_iter().flatten().collect(), noting }
    }

    /// Stops all jobs except the one that records the use of credentials: requests are still running.
    pub(crate) fn stop(&self) {
        self.ends_first.iter().for_each(JoinHandle::abort);
    }

    /// Records the use of credentials for the last time, after all requests.
    pub(crate) async fn finish(self, app: &App) {
        // Waits for a record in progress.
        if tokio::time::timeout(NOTE_USAGE_EVERY, app.core.note_usage()).await.is_err() {
            tracing::warn!("could not record key usage in time");
        }
        self.noting.abort();
    }
}

/// Ticks for a job, the first at once. A tick that is missed because the job took longer delays the next ones.
fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Deletes requests older than twice the freshness window, whose signature is no longer accepted, abandoned imports,
/// and users whose period on the purge list is over.
async fn tidy_up(app: Arc<App>) {
    let admin = app.admin();
    let mut ticks = tokio::time::interval(TIDY_UP_EVERY);
    loop {
        ticks.tick().await;
        app.core.imports.forget(app.core.clock.now());
        if let Err(error) = admin.purge_due().await {
            tracing::warn!(%error, "could not remove users due on the purge list");
        }
        match app.core.forget_requests().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "removed expired request records"),
            Err(error) => tracing::warn!(%error, "could not remove expired request records"),
        }
    }
}

/// How often the ends of the audit's chains are logged.
const LOG_HEADS_EVERY: Duration = Duration::from_secs(3_600);

/// Logs the ends of the audit's chains. Where the log is kept on another machine, a lost end shows.
async fn log_audit_heads(app: Arc<App>) {
    let mut ticks = ticks(LOG_HEADS_EVERY);
    loop {
        ticks.tick().await;
        for head in app.core.store.audit_heads().await.unwrap_or_default() {
            let ChainHead { chain, events, head } = head;
            tracing::info!(target: "audit", chain, events, head = hex(&head), "audit head");
        }
    }
}

/// How often a refused signature is examined, at most: a search takes some time of a processor.
const EXAMINE_EVERY: Duration = Duration::from_millis(100);

/// Looks for the cause of refused signatures, one at a time.
async fn examine_refusals(app: Arc<App>) {
    let Some(examiner) = &app.core.examiner else { return };
    let mut ticks = ticks(EXAMINE_EVERY);
    loop {
        ticks.tick().await;
        examiner.examine_next(&app.core.telemetry).await;
    }
}

/// Jobs of import-users that run at once. Their passwords share the hashing threads with logins.
const IMPORTS_AT_ONCE: usize = 2;

/// Gives the jobs of import-users to workers.
async fn start_imports(app: Arc<App>) {
    let turns = Arc::new(Semaphore::new(IMPORTS_AT_ONCE));
    // The semaphore is never closed.
    while let Ok(turn) = Arc::clone(&turns).acquire_owned().await {
        let (job, caller) = app.core.imports.next().await;
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let _turn = turn;
            if job.begin() {
                let work = import_work::spawn(&app.core, &job, caller.clone(), Box::new(ByCall(caller)));
                // A worker that panics is recorded in the job.
                let _ = work.await;
            }
            app.core.imports.finish();
        });
    }
}

/// Exchanges quota counts with the other nodes.
async fn share_quota(app: Arc<App>) {
    let mut ticks = ticks(SHARE_QUOTA_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = app.core.authenticator.share_quota(app.node).await {
            tracing::debug!(%error, "could not read the quotas of other nodes");
        }
    }
}

/// Records the use of credentials.
async fn note_usage(app: Arc<App>) {
    let mut ticks = ticks(NOTE_USAGE_EVERY);
    loop {
        ticks.tick().await;
        app.core.note_usage().await;
    }
}
