//! Updates the index of users while nobody else writes: it must not slow down an import. During an import, searches
//! index as much as a search may cost.

use std::sync::Arc;
use std::time::Duration;

use directory::port::StoreError;

use crate::app::App;
use api::search::SLICE;

/// How often the job checks whether the store is quiet.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Most new events between two checks of a quiet store: people at work rather than an import.
const QUIET: u64 = 100;

/// Indexes pending events in slices whenever the store is quiet.
pub(super) async fn follow_audit(app: Arc<App>) {
    let mut pace = Pace::default();
    let mut ticks = super::ticks(LOOK_EVERY);
    loop {
        ticks.tick().await;
        match read_on(&app, &mut pace).await {
            // The store itself logs the beginning and the end of an outage.
            Ok(()) | Err(StoreError::Unavailable { .. }) => {}
            Err(error) => {
                tracing::warn!(%error, "could not update the user index; a search may miss new users");
            }
        }
    }
}

async fn read_on(app: &App, pace: &mut Pace) -> Result<(), StoreError> {
    let mut go_on = pace.may_start(app.core.store.index_users(0).await?.left);
    while go_on {
        let indexed = app.core.store.index_users(SLICE).await?;
        go_on = pace.may_continue(indexed.read, indexed.left);
    }
    Ok(())
}

/// Estimates from the pending events whether others write.
#[derive(Default)]
struct Pace {
    /// Pending events at the last check; `None` before the first.
    left: Option<u64>,
    /// New events since the last check.
    came: u64,
}

impl Pace {
    /// Whether to start indexing, given the number of pending events.
    fn may_start(&mut self, left: u64) -> bool {
        self.came = 0;
        // A node that has just started does not know the rate yet.
        let known = self.left.is_some();
        self.count_arrivals(left, 0);
        known && left > 0 && self.came <= QUIET
    }

    /// Whether to continue after a slice.
    fn may_continue(&mut self, read: u64, left: u64) -> bool {
        self.count_arrivals(left, read);
        left > 0 && self.came <= QUIET
    }

    /// New events arrived while we read. Other nodes may have read some of them.
    fn count_arrivals(&mut self, left: u64, read: u64) {
        let before = self.left.replace(left).unwrap_or(left);
        self.came += (left + read).saturating_sub(before);
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn it_reads_while_nobody_else_writes() {
        let mut pace = Pace::default();
        assert!(!pace.may_start(5_000), "who has just started waits");
        assert!(pace.may_start(5_003), "a few are no import");
        assert!(pace.may_continue(1_000, 4_003));
        assert!(pace.may_continue(1_000, 3_050));
        assert!(!pace.may_continue(1_000, 2_150), "it stops when others write");
        assert!(!pace.may_start(9_000), "and as long as they do");
        assert!(!pace.may_start(9_500));
        assert!(pace.may_start(9_500), "and goes on when they are done");
        assert!(!pace.may_continue(9_500, 0), "until nothing is left");
        assert!(!pace.may_start(0));
        assert!(pace.may_start(20), "what comes one by one is read at once");
    }
}
