//! The real clock and the real randomness: the one place where the server touches either. Beside them, those of sandboxes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directory::port::{Clock, Entropy};
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a server takes from the machine. Tests put a clock of their own in its place.
#[derive(Clone)]
pub struct System {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl System {
    /// The machine's own.
    pub fn real() -> Self {
        Self { clock: Arc::new(MachineClock), entropy: Arc::new(MachineEntropy) }
    }
}

/// The machine's time, moved by as much as somebody says: for sandboxes.
#[derive(Default)]
pub struct MovableClock(Mutex<SignedDuration>);

impl MovableClock {
    /// Moves it on, or back.
    pub fn advance(&self, by: SignedDuration) {
        let mut moved = self.moved();
        *moved = moved.saturating_add(by);
    }

    /// Shows the machine's time again.
    pub fn set_back(&self) {
        *self.moved() = SignedDuration::ZERO;
    }

    fn moved(&self) -> MutexGuard<'_, SignedDuration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        let now = MachineClock.now();
        now.checked_add(*self.moved()).unwrap_or(now)
    }
}

/// Randomness from a seed: the same every time.
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

struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        Timestamp::now()
    }
}

struct MachineEntropy;

impl Entropy for MachineEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the randomness")]
        #[expect(
            clippy::expect_used,
            reason = "without randomness there are no keys: going on would be worse"
        )]
        getrandom::fill(buffer).expect("the operating system gives randomness");
    }
}
