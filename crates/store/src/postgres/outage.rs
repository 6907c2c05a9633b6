//! How long the database has been unreachable: one warning at the beginning and one at the end, and when to try again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use directory::port::Entropy;

use crate::session::{Error, Kind};

/// Seconds after which callers try again: the longer the outage, the later. [ours]
const WAITS: [u64; 5] = [1, 2, 4, 8, 15];

/// What a connection does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Reads,
    Writes,
}

#[derive(Default)]
pub(super) struct Outage {
    /// Read by every transaction, so that none waits for the others.
    lasts: AtomicBool,
    state: Mutex<Option<State>>,
}

struct State {
    began: Instant,
    /// Whether writes failed: then a read that works is not the end. A standby that stalls only stops commits.
    stops_writes: bool,
}

impl Outage {
    /// Notes the outcome of a transaction, and when the caller may try again.
    pub(super) fn note<T>(
        &self,
        outcome: Result<T, Error>,
        by: Use,
        entropy: &dyn Entropy,
    ) -> Result<T, Error> {
        #[expect(clippy::disallowed_methods, reason = "elapsed time; the clock of the system may be set")]
        let now = Instant::now;
        match outcome {
            Err(error) if error.kind == Kind::Lost => {
                let lasts = self.lasts_since(now(), by, &error);
                let mut random = [0];
                entropy.fill(&mut random);
                Err(Error { retry_after_seconds: wait(lasts, random[0]), ..error })
            }
            // Any other response shows that the database is there.
            outcome => {
                if self.lasts.load(Ordering::Relaxed) {
                    self.end(now(), by);
                }
                outcome
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lasts_since(&self, now: Instant, by: Use, error: &Error) -> Duration {
        let mut state = self.state();
        let outage = state.get_or_insert_with(|| {
            tracing::warn!(%error, "the database is unreachable: calls are answered with 503 until it is back");
            State { began: now, stops_writes: false }
        });
        outage.stops_writes |= by == Use::Writes;
        self.lasts.store(true, Ordering::Relaxed);
        now.saturating_duration_since(outage.began)
    }

    fn end(&self, now: Instant, by: Use) {
        let mut state = self.state();
        if let Some(outage) = state.take_if(|outage| by == Use::Writes || !outage.stops_writes) {
            self.lasts.store(false, Ordering::Relaxed);
            let seconds = now.saturating_duration_since(outage.began).as_secs_f64();
            tracing::warn!(seconds, "the database is back");
        }
    }
}

/// When to try again: about as late as the outage is long, up to a quarter earlier or later, so that callers don't come
/// back together.
fn wait(lasts: Duration, random: u8) -> u64 {
    let lasts = lasts.as_secs();
    let seconds = WAITS.into_iter().find(|wait| *wait > lasts).unwrap_or(WAITS[WAITS.len() - 1]);
    let quarter = seconds / 4;
    seconds - quarter + u64::from(random) % (2 * quarter + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_it_lasts_the_later_callers_come_back() {
        let waits = |seconds| {
            let mut waits: Vec<_> =
                (0..=u8::MAX).map(|random| wait(Duration::from_secs(seconds), random)).collect();
            waits.sort_unstable();
            waits.dedup();
            waits
        };
        assert_eq!(waits(0), [1]);
        assert_eq!(waits(1), [2]);
        assert_eq!(waits(3), [3, 4, 5]);
        assert_eq!(waits(7), [6, 7, 8, 9, 10]);
        assert_eq!(waits(8), (12..=18).collect::<Vec<_>>());
        assert_eq!(waits(86_400), (12..=18).collect::<Vec<_>>());
    }

    #[test]
    fn an_outage_of_writes_ends_with_a_write() {
        let (outage, now) = (Outage::default(), tokio::time::Instant::now().into_std());
        let lost = || Error::new(Kind::Lost, "gone");
        let later = now + Duration::from_secs(5);
        assert_eq!(outage.lasts_since(now, Use::Reads, &lost()), Duration::ZERO);
        outage.end(later, Use::Reads);
        assert!(outage.state().is_none());

        assert_eq!(outage.lasts_since(now, Use::Writes, &lost()), Duration::ZERO);
        assert_eq!(outage.lasts_since(later, Use::Reads, &lost()), Duration::from_secs(5));
        outage.end(later, Use::Reads);
        assert!(outage.state().is_some() && outage.lasts.load(Ordering::Relaxed));
        outage.end(later, Use::Writes);
        assert!(outage.state().is_none() && !outage.lasts.load(Ordering::Relaxed));
    }
}
