//! Clock and randomness of a sandbox.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directory::port::{Clock, Entropy};
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use server::System;

/// The machine's time plus an offset, for sandboxes.
pub struct MovableClock {
    real: Arc<dyn Clock>,
    moved: Mutex<SignedDuration>,
}

impl Default for MovableClock {
    fn default() -> Self {
        Self { real: System::real().clock, moved: Mutex::default() }
    }
}

impl MovableClock {
    /// Moves the clock forward or back. `false`: the time would leave the calendar, and the clock is unchanged.
    #[must_use]
    pub fn advance(&self, by: SignedDuration) -> bool {
        let mut moved = self.offset();
        let by = moved.checked_add(by).filter(|by| self.real.now().checked_add(*by).is_ok());
        by.is_some_and(|by| {
            *moved = by;
            true
        })
    }

    /// Removes the offset.
    pub fn set_back(&self) {
        *self.offset() = SignedDuration::ZERO;
    }

    fn offset(&self) -> MutexGuard<'_, SignedDuration> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        let now = self.real.now();
        now.checked_add(*self.offset()).unwrap_or(now)
    }
}

/// Reproducible randomness from a seed.
pub struct SeededEntropy(Mutex<ChaCha12Rng>);

impl SeededEntropy {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
    }
}
