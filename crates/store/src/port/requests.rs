//! Writes.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use directory::audit::Actor;
use directory::change::{Change, Changed};
use directory::port::{Pending, Recalled, RequestIds, RequestKey, RequestStore, Write, Written};
use jiff::{SignedDuration, Timestamp};

use super::{BARREN_SLICES, Engine, Passed, TableStore};
use crate::tables::change::Apply;
use crate::tables::forget::Forget;
use crate::tables::memory::fingerprint;
use crate::tables::work::Ping;
use crate::tables::{forget, request};

impl<E: Engine> RequestStore for TableStore<E> {
    fn recall<'a>(&'a self, request: &'a RequestKey, request_ids: RequestIds) -> Pending<'a, Recalled> {
        let (request, memory) = (*request, self.engine.memory());
        Box::pin(async move {
            if memory.as_ref().is_some_and(|memory| memory.lacks(fingerprint(&request))) {
                return Ok(Recalled::Unknown);
            }
            let found =
                self.engine.read(move |s| request::recall(s, memory.as_deref(), &request, request_ids));
            let recalled = found.await?;
            if E::SHARED && matches!(recalled, Recalled::Ran(_)) {
                // After a restart of the database a read may find a commit that no standby has confirmed. Another commit
                // waits for all earlier ones.
                self.engine.run(Ping).await?;
            }
            Ok(recalled)
        })
    }

    fn write(&self, requests: Vec<Write>) -> Pending<'_, Vec<Written>> {
        Box::pin(async move {
            let outdates =
                requests.iter().flat_map(|request| &request.changes).any(Change::outdates_snapshot);
            let written = self.engine.write(requests).await;
            if outdates {
                self.snapshot.clear();
            }
            let written = written?;
            if written.contains(&Written::Stale) {
                self.snapshot.clear();
            }
            Ok(written)
        })
    }

    fn apply(&self, changes: Vec<Change>, actor: Actor, now: Timestamp) -> Pending<'_, Changed> {
        Box::pin(async move {
            let changed = self.engine.run(Apply { changes, actor, now }).await;
            self.snapshot.clear();
            changed
        })
    }

    fn forget_requests(&self, now: Timestamp, window: SignedDuration) -> Pending<'_, usize> {
        Box::pin(async move {
            // Where the last time ended: rows that ran while the clock was ahead are passed over once, until their time
            // comes.
            let mut passed = *self.passed.lock().unwrap_or_else(PoisonError::into_inner);
            if passed.until <= now.as_millisecond() {
                passed = Passed::default();
            }
            let (mut forgotten, mut barren) = (0, 0);
            while barren < BARREN_SLICES {
                // Each slice is a separate job, so that other writers wait for one slice at most.
                let slice = self.engine.run(Forget { now, window, after: passed.seq }).await?;
                forgotten += slice.rows;
                barren = if slice.rows == 0 { barren + 1 } else { 0 };
                let Some(last) = slice.goes_on else { break };
                passed = Passed { seq: last, until: passed.until.min(slice.ahead.unwrap_or(i64::MAX)) };
            }
            *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = passed;
            self.hear_of_forgotten(self.engine.read(forget::up_to).await?);
            Ok(forgotten)
        })
    }

    fn forgotten_up_to(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.snapshot.forgotten.load(Ordering::Relaxed)).ok()
    }
}
