//! Refused logins take equally long for every address.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest delay, so that one blocked store does not slow all logins.
const MOST: Duration = Duration::from_secs(2);

/// Slow times are forgotten after one to two of these periods.
const OF_LATE: Duration = Duration::from_secs(3_600);

/// Durations of refusals.
#[derive(Default)]
pub(super) struct Even(Mutex<Slowest>);

#[derive(Default)]
struct Slowest {
    /// Start of the current period.
    since: Option<Instant>,
    now: Duration,
    before: Duration,
}

impl Even {
    fn lock(&self) -> MutexGuard<'_, Slowest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The remaining delay of a refusal that took this long. Every refusal sets the target: if only those for existing users
    /// did, many of them at once would raise it, and so tell that the user exists.
    pub(super) fn hold(&self, took: Duration, now: Instant) -> Duration {
        let mut slowest = self.lock();
        let passed = slowest.since.map(|since| now.duration_since(since));
        if passed.is_none_or(|passed| passed >= OF_LATE) {
            let lately = passed.is_some_and(|passed| passed < OF_LATE * 2);
            let before = if lately { slowest.now } else { Duration::ZERO };
            *slowest = Slowest { since: Some(now), now: Duration::ZERO, before };
        }
        slowest.now = slowest.now.max(took.min(MOST));
        slowest.now.max(slowest.before).saturating_sub(took)
    }

    pub(super) fn slowest(&self) -> Duration {
        let slowest = self.lock();
        slowest.now.max(slowest.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a time to count from; none passes")]
    fn a_refusal_is_held_back_as_long_as_the_slowest_of_late_took() {
        let (even, start) = (Even::default(), Instant::now());
        assert_eq!(even.hold(100 * MS, start), Duration::ZERO);
        assert_eq!(even.hold(10 * MS, start), 90 * MS);
        assert_eq!(even.hold(200 * MS, start), Duration::ZERO);
        assert_eq!(even.hold(10 * MS, start), 190 * MS);
        assert_eq!(even.hold(10 * MS, start + OF_LATE), 190 * MS);
        assert_eq!(even.hold(5 * MS, start + OF_LATE * 2), 5 * MS, "the span before is still of late");
        assert_eq!(even.hold(MS, start + OF_LATE * 4), Duration::ZERO, "what was long ago is forgotten");
        assert_eq!(even.hold(60_000 * MS, start + OF_LATE * 4), Duration::ZERO);
        assert_eq!(even.hold(Duration::ZERO, start + OF_LATE * 4), MOST);
    }
}
