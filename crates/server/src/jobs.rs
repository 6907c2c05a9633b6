//! What a node does besides serving requests: it forgets what is past its time, follows the index of users, records the
//! use of credentials, and shares quotas.

mod indexing;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::app::App;

/// How often there is a look at what is past its time.
const TIDY_UP_EVERY: Duration = Duration::from_secs(60);

/// How often nodes tell each other what was drawn from quotas.
const SHARE_QUOTA_EVERY: Duration = Duration::from_millis(500);

/// How often the use of credentials is noted in the store, and how long a stop waits for it.
const NOTE_USAGE_EVERY: Duration = Duration::from_secs(5);

/// The jobs of a server that serves.
pub(crate) struct Jobs {
    ends_first: Vec<JoinHandle<()>>,
    noting: JoinHandle<()>,
}

impl Jobs {
    /// Starts them.
    pub(crate) fn start(app: &Arc<App>) -> Self {
        let ends_first = [
            Some(tokio::spawn(tidy_up(Arc::clone(app)))),
            Some(tokio::spawn(indexing::follow_audit(Arc::clone(app)))),
            app.core.store.is_shared().then(|| tokio::spawn(share_quota(Arc::clone(app)))),
            app.tls.clone().map(|tls| tokio::spawn(tls.watch())),
        ];
        let noting = tokio::spawn(note_usage(Arc::clone(app)));
        Self { ends_first: ends_first.into_iter().flatten().collect(), noting }
    }

    /// Stops all but the one that records the use of credentials: requests are still under way.
    pub(crate) fn stop(&self) {
        self.ends_first.iter().for_each(JoinHandle::abort);
    }

    /// Records the use of credentials a last time, when no request is under way any more.
    pub(crate) async fn finish(self, app: &App) {
        // What is being recorded just now is waited for.
        if tokio::time::timeout(NOTE_USAGE_EVERY, app.core.note_usage()).await.is_err() {
            tracing::warn!("could not record key usage in time");
        }
        self.noting.abort();
    }
}

/// Forgets requests that are past twice the freshness window, because their signature would be refused by now; imports
/// that nobody came back for; and removes users whose time on the purge list is over.
async fn tidy_up(app: Arc<App>) {
    let admin = app.admin();
    let mut ticks = tokio::time::interval(TIDY_UP_EVERY);
    loop {
        ticks.tick().await;
        if let Some(console) = &app.console {
            console.forget_imports();
        }
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

/// Tells the other nodes what was drawn from quotas, and hears what they say.
async fn share_quota(app: Arc<App>) {
    let mut ticks = tokio::time::interval(SHARE_QUOTA_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.core.authenticator.share_quota(app.node).await {
            tracing::debug!(%error, "could not read the quotas of other nodes");
        }
    }
}

/// Notes the use of credentials.
async fn note_usage(app: Arc<App>) {
    let mut ticks = tokio::time::interval(NOTE_USAGE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        app.core.note_usage().await;
    }
}
