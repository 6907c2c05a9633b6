//! A clock that tests set.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use directory::port::Clock;
use jiff::{SignedDuration, Timestamp};

/// A clock that does not move by itself. It starts on 24 November 2026 at noon, UTC.
pub struct FakeClock {
    now: Mutex<Timestamp>,
    broken: AtomicBool,
}

impl Default for FakeClock {
    fn default() -> Self {
        Self { now: Mutex::new(Timestamp::constant(1_795_521_600, 0)), broken: AtomicBool::new(false) }
    }
}

impl FakeClock {
    /// A clock at this time.
    pub fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now), broken: AtomicBool::new(false) }
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the server's next read of it panic, to test internal errors.
    pub fn break_once(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Moves it, forwards or backwards.
    pub fn advance(&self, by: SignedDuration) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        assert!(!self.broken.swap(false, Ordering::Relaxed), "the clock was broken by a test");
        FakeClock::now(self)
    }
}
