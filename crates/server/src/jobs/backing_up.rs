//! Makes backups on the schedule of the configuration.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::app::App;
use crate::backups::Backups;

/// How often the schedule is read.
const LOOK_EVERY: Duration = Duration::from_secs(60);

pub(super) async fn follow_schedule(app: Arc<App>, backups: Arc<Backups>) {
    let mut ticks = super::ticks(LOOK_EVERY);
    loop {
        ticks.tick().await;
        let (backups, clock) = (Arc::clone(&backups), Arc::clone(&app.core.clock));
        let (end, ended) = oneshot::channel();
        // A separate thread: the process does not wait for it when it stops. The next backup removes the remains.
        let made = std::thread::Builder::new().name("backup".to_owned()).spawn(move || {
            backups.make_if_due(&*clock);
            drop(end);
        });
        if let Err(error) = made {
            tracing::error!(%error, "could not start the thread for a backup");
        }
        // It ends when the thread does, whether with a backup or by a panic.
        let _: Result<(), _> = ended.await;
    }
}
