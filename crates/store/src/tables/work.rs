//! The kinds of work that a writer does in its transactions.

use std::time::Instant;

use super::batch::Batch;
use crate::session::Result;

/// What a task of a writer carries.
pub(crate) trait Payload: Send + 'static {
    /// The result, which is sent once it is durable.
    type Output: Send + 'static;

    /// The rows it may write.
    fn size(&self) -> usize;

    /// Notes when its transaction began and ended, if somebody asked.
    fn note_times(&self, _began: Instant, _ended: Instant) {}

    /// Whether it does no harm when it runs twice.
    fn is_repeatable(&self) -> bool {
        true
    }
}

/// Work that runs in a batch with other work.
pub(crate) trait Work: Payload {
    /// Whether it may remove the hash of a password.
    fn may_remove(&self) -> bool {
        false
    }

    /// Does it in a transaction, which may be rolled back and run again.
    fn run(&self, batch: &mut Batch<'_>) -> Result<Self::Output>;
}

/// Shows that the writer works.
pub(crate) struct Ping;

impl Payload for Ping {
    type Output = ();

    fn size(&self) -> usize {
        0
    }
}

impl Work for Ping {
    fn run(&self, _: &mut Batch<'_>) -> Result<()> {
        Ok(())
    }
}
