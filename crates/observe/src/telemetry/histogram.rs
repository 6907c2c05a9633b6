//! Durations in buckets, four for each power of two: a quantile is off by at most an eighth, from microseconds to
//! minutes.

use std::time::Duration;

/// The first bucket ends at 2^6 = 64 microseconds.
const FIRST: u32 = 6;
/// The second-last bucket ends at 2^26 microseconds, a little more than a minute.
const OCTAVES: usize = 20;
const BUCKETS: usize = OCTAVES * 4 + 2;

#[derive(Clone)]
pub(super) struct Histogram([u32; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

/// Quantiles of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// 50 %.
    pub p50: Duration,
    /// 95 %.
    pub p95: Duration,
    /// 99 %.
    pub p99: Duration,
}

impl Histogram {
    pub(super) fn count(&mut self, took: Duration) {
        let bucket = &mut self.0[bucket(took)];
        *bucket = bucket.saturating_add(1);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(more);
        }
    }

    /// `None` without requests.
    pub(super) fn quantiles(&self) -> Option<Quantiles> {
        let total: u64 = self.0.iter().copied().map(u64::from).sum();
        let quantile = |per_cent: u64| self.nth((total * per_cent).div_ceil(100));
        (total > 0).then(|| Quantiles { p50: quantile(50), p95: quantile(95), p99: quantile(99) })
    }

    /// The n-th shortest duration, assuming an even distribution within a bucket.
    fn nth(&self, nth: u64) -> Duration {
        let mut before = 0;
        for (number, count) in self.0.iter().copied().map(u64::from).enumerate() {
            if before + count >= nth {
                let (from, to) = (number.checked_sub(1).map_or(0, end), end(number));
                let part = (to - from) * (nth - before) / count.max(1);
                return Duration::from_micros(from + part);
            }
            before += count;
        }
        Duration::ZERO
    }
}

fn bucket(took: Duration) -> usize {
    // Bucket bounds are inclusive.
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).saturating_sub(1);
    let Some(octave) = micros.checked_ilog2().filter(|octave| *octave >= FIRST) else { return 0 };
    let quarter = (micros >> (octave - 2)) & 3;
    ((octave - FIRST) as usize * 4 + quarter as usize + 1).min(BUCKETS - 1)
}

/// The upper bound of a bucket, in microseconds. The last one is unbounded and is shown without a bound.
fn end(bucket: usize) -> u64 {
    let bucket = bucket.min(BUCKETS - 2);
    let Some(number) = bucket.checked_sub(1) else { return 1 << FIRST };
    let (octave, quarter) = (FIRST as usize + number / 4, number as u64 % 4);
    (1 << octave) + ((quarter + 1) << (octave - 2))
}

/// Bounds of the exported buckets, in microseconds: each four times the previous one.
pub(super) const BOUNDS: [u64; 9] =
    [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/// Durations since the start in few, coarse buckets, for aggregation by Prometheus.
#[derive(Default)]
pub(super) struct Coarse {
    pub(super) counts: [u64; BOUNDS.len() + 1],
    pub(super) micros: u64,
}

impl Coarse {
    pub(super) fn count(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[BOUNDS.partition_point(|bound| *bound < micros)] += 1;
        self.micros = self.micros.saturating_add(micros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bucket() {
        for micros in (0..70_000).chain((17..70).map(|power| (1_u64 << power.min(63)) + power)) {
            let number = bucket(Duration::from_micros(micros));
            let from = number.checked_sub(1).map_or(0, end);
            let inside = number == BUCKETS - 1 || micros <= end(number);
            assert!(inside && (micros > from || micros == 0), "{micros} is in {number}");
        }
        assert_eq!((end(0), end(1), end(4), end(BUCKETS - 2)), (64, 80, 128, 1 << 26));
    }

    #[test]
    fn quantiles_are_close() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantiles(), None);
        for millis in 1..=1_000 {
            histogram.count(Duration::from_millis(millis));
        }
        let Quantiles { p50, p95, p99 } = histogram.quantiles().unwrap();
        for (found, expected) in [(p50, 500), (p95, 950), (p99, 990)] {
            let off = found.as_millis().abs_diff(expected);
            assert!(off * 8 <= expected, "{found:?} is not about {expected} ms");
        }
        let mut one = Histogram::default();
        one.count(Duration::MAX);
        one.add(&histogram);
        assert_eq!(one.0.iter().sum::<u32>(), 1_001);
    }

    #[test]
    fn coarse_buckets_hold_their_bounds() {
        let mut coarse = Coarse::default();
        for micros in [0, 256, 257, u64::MAX] {
            coarse.count(Duration::from_micros(micros));
        }
        assert_eq!((coarse.counts[0], coarse.counts[1], coarse.counts[9]), (2, 1, 1));
        assert_eq!(coarse.micros, u64::MAX);
    }
}
