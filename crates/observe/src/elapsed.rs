//! Elapsed time.

use std::time::Instant;

/// Starts a measurement of elapsed time.
#[expect(clippy::disallowed_methods, reason = "measures how long something takes")]
pub fn stopwatch() -> Instant {
    Instant::now()
}
