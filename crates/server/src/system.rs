//! The real clock and randomness. No other code of the server uses them directly.

use std::sync::Arc;

use directory::port::{Clock, Entropy};
use jiff::Timestamp;

/// Clock and randomness of a server. Tests replace them.
#[derive(Clone)]
pub struct System {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl System {
    /// Those of the machine.
    pub fn real() -> Self {
        Self { clock: Arc::new(MachineClock), entropy: Arc::new(MachineEntropy) }
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
