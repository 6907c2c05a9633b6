//! What a writer counts. Its threads add to the same counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use directory::port::{COMMIT_BOUNDS, WriterFigures};

/// The counts of a writer.
#[derive(Default)]
pub(crate) struct Counts {
    writes: AtomicU64,
    durations: [AtomicU64; COMMIT_BOUNDS.len() + 1],
    micros: AtomicU64,
    failed: AtomicU64,
}

impl Counts {
    /// Counts a committed transaction with its writes.
    pub(crate) fn committed(&self, writes: usize, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = COMMIT_BOUNDS.partition_point(|bound| *bound < micros);
        self.durations[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        self.writes.fetch_add(writes as u64, Ordering::Relaxed);
    }

    /// Counts a transaction that failed.
    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far.
    pub(crate) fn figures(&self, name: &'static str, waiting: usize) -> WriterFigures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        WriterFigures {
            name,
            waiting,
            writes: read(&self.writes),
            durations: self.durations.each_ref().map(read),
            micros: read(&self.micros),
            failed: read(&self.failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_that_ends_at_it() {
        let counts = Counts::default();
        counts.committed(3, Duration::from_micros(250));
        counts.committed(1, Duration::from_micros(251));
        counts.committed(1, Duration::from_secs(2));
        counts.failed();
        let figures = counts.figures("w", 7);
        assert_eq!((figures.durations[0], figures.durations[1], figures.durations[11]), (1, 1, 1));
        assert_eq!((figures.writes, figures.failed, figures.micros, figures.waiting), (5, 1, 2_000_501, 7));
    }
}
