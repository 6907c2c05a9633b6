//! Watches how the database is replicated, and warns once when a failover could lose acknowledged writes.

use std::sync::Arc;
use std::time::Duration;

use directory::port::Replication;

use crate::app::App;

/// How often the database is asked.
const WATCH_EVERY: Duration = Duration::from_secs(60);

/// Asks at the start and then every minute. The state is kept for the metrics.
pub(super) async fn watch(app: Arc<App>) {
    let mut ticks = super::ticks(WATCH_EVERY);
    let mut last = None;
    loop {
        ticks.tick().await;
        // An unreachable database has a warning already.
        if let Ok(Some(found)) = app.core.store.replication().await {
            if let Some(change) = change(last.as_ref(), &found, app.requires_standby) {
                change.log(&found);
            }
            app.set_replication(found.clone());
            last = Some(found);
        }
    }
}

/// A change that an operator should know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// Commits wait for no standby, although there is one.
    Asynchronous,
    /// Commits wait for no standby, and the configuration requires one.
    Unprotected,
    /// Commits wait for a standby again.
    Synchronous,
    /// A setting of the database loses commits.
    Unsafe,
}

/// What changed since the last look. `requires_standby`: writes are refused without one.
fn change(last: Option<&Replication>, found: &Replication, requires_standby: bool) -> Option<Change> {
    let is_new = |holds: fn(&Replication) -> bool| holds(found) && !last.is_some_and(holds);
    if is_new(|it| !it.unsafe_settings.is_empty()) {
        return Some(Change::Unsafe);
    }
    if requires_standby && is_new(|it| it.waits_for.is_empty()) {
        return Some(Change::Unprotected);
    }
    if !requires_standby && is_new(Replication::is_asynchronous) {
        return Some(Change::Asynchronous);
    }
    let waited_for_none = last.is_some_and(|it| it.waits_for.is_empty());
    (waited_for_none && !found.waits_for.is_empty()).then_some(Change::Synchronous)
}

impl Change {
    fn log(self, found: &Replication) {
        let standbys = found.standbys;
        match self {
            Self::Asynchronous => tracing::warn!(
                standbys,
                "replication is asynchronous: a failover can lose users that were acknowledged. Set synchronous_standby_names, see docs/HIGH-AVAILABILITY.md"
            ),
            Self::Unprotected => tracing::warn!(
                standbys,
                "the database waits for no standby: writes are refused with 503, because require_synchronous_replication is set"
            ),
            Self::Synchronous => {
                tracing::warn!(standbys, waits_for = %found.waits_for, "commits wait for a standby again");
            }
            Self::Unsafe => tracing::warn!(
                settings = found.unsafe_settings.join(", "),
                "settings of the database are off: a crash can lose users that were acknowledged. Turn them on"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(standbys: u64, waits_for: &str) -> Replication {
        let waits_for = waits_for.to_owned();
        Replication { waits_for, standbys, unsafe_settings: Vec::new(), now: jiff::Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn each_change_is_told_once() {
        let (alone, asynchronous, synchronous) = (state(0, ""), state(1, ""), state(1, "s1"));
        assert_eq!(change(None, &alone, false), None, "a single database promises no failover");
        assert_eq!(change(Some(&alone), &asynchronous, false), Some(Change::Asynchronous));
        assert_eq!(change(Some(&asynchronous), &asynchronous, false), None);
        assert_eq!(change(Some(&asynchronous), &synchronous, false), Some(Change::Synchronous));
        assert_eq!(change(None, &synchronous, false), None);
        assert_eq!(change(None, &alone, true), Some(Change::Unprotected));
        assert_eq!(change(Some(&alone), &alone, true), None);
        assert_eq!(change(Some(&synchronous), &asynchronous, true), Some(Change::Unprotected));
        let off = Replication { unsafe_settings: vec!["fsync".to_owned()], ..state(1, "s1") };
        assert_eq!(change(None, &off, false), Some(Change::Unsafe));
        assert_eq!(change(Some(&off), &off, false), None);
    }
}
