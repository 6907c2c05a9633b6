//! The last hour and the last day in reused buckets. Moving the clock either way loses counts but never needs more
//! memory.

use jiff::Timestamp;

/// `N` buckets of `SECONDS` each. An empty bucket takes no memory.
struct Ring<T, const N: usize, const SECONDS: i64>([Option<Box<(i64, T)>>; N]);

impl<T, const N: usize, const SECONDS: i64> Default for Ring<T, N, SECONDS> {
    fn default() -> Self {
        Self([const { None }; N])
    }
}

impl<T: Default, const N: usize, const SECONDS: i64> Ring<T, N, SECONDS> {
    fn at(&mut self, now: Timestamp) -> &mut T {
        let (number, place) = Self::number(now, 0);
        let kept = self.0[place].get_or_insert_with(|| Box::new((number, T::default())));
        if kept.0 != number {
            **kept = (number, T::default());
        }
        &mut kept.1
    }

    /// Oldest first, up to the current one.
    fn read(&self, now: Timestamp) -> impl Iterator<Item = Option<&T>> {
        (0..N).rev().map(move |back| {
            let (number, place) = Self::number(now, back);
            self.0[place].as_deref().filter(|kept| kept.0 == number).map(|kept| &kept.1)
        })
    }

    /// Number and index of the bucket that is `back` buckets before a time.
    fn number(time: Timestamp, back: usize) -> (i64, usize) {
        let number = time.as_second().div_euclid(SECONDS) - back as i64;
        (number, number.rem_euclid(N as i64) as usize)
    }
}

/// Length and resolution of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// 60 buckets of a minute.
    Hour,
    /// 96 buckets of a quarter of an hour.
    Day,
}

impl Span {
    /// The number of buckets.
    pub const fn buckets(self) -> usize {
        match self {
            Span::Hour => 60,
            Span::Day => 96,
        }
    }

    /// Seconds in a bucket.
    pub const fn seconds(self) -> i64 {
        match self {
            Span::Hour => 60,
            Span::Day => 15 * 60,
        }
    }

    /// The starts of the buckets, oldest first.
    pub(super) fn starts(self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        let newest = now.as_second().div_euclid(self.seconds()) * self.seconds();
        (0..self.buckets()).rev().map(move |back| {
            Timestamp::from_second(newest - back as i64 * self.seconds()).unwrap_or(Timestamp::MIN)
        })
    }
}

/// Both spans of a count.
pub(super) struct Rings<T> {
    hour: Ring<T, { Span::Hour.buckets() }, { Span::Hour.seconds() }>,
    day: Ring<T, { Span::Day.buckets() }, { Span::Day.seconds() }>,
}

impl<T> Default for Rings<T> {
    fn default() -> Self {
        Self { hour: Ring::default(), day: Ring::default() }
    }
}

impl<T: Default> Rings<T> {
    /// Counts an event now.
    pub(super) fn count(&mut self, now: Timestamp, mut count: impl FnMut(&mut T)) {
        count(self.hour.at(now));
        count(self.day.at(now));
    }

    /// The buckets of a span, oldest first.
    pub(super) fn read(&self, span: Span, now: Timestamp) -> Box<dyn Iterator<Item = Option<&T>> + '_> {
        match span {
            Span::Hour => Box::new(self.hour.read(now)),
            Span::Day => Box::new(self.day.read(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::constant(1_795_521_600, 0) + SignedDuration::from_secs(seconds)
    }

    fn read(ring: &Ring<u32, 3, 60>, now: i64) -> Vec<u32> {
        ring.read(at(now)).map(|count| count.copied().unwrap_or(0)).collect()
    }

    #[test]
    fn what_is_old_makes_room() {
        let mut ring = Ring::<u32, 3, 60>::default();
        for second in [0, 59, 60, 120, 121] {
            *ring.at(at(second)) += 1;
        }
        assert_eq!(read(&ring, 130), [2, 1, 2]);
        assert_eq!(read(&ring, 180), [1, 2, 0], "nothing happened since");
        assert_eq!(read(&ring, 100_000), [0, 0, 0]);
        *ring.at(at(180)) += 1;
        assert_eq!(read(&ring, 180), [1, 2, 1]);
    }

    #[test]
    fn a_clock_that_goes_back_shows_nothing_of_times_to_come() {
        let mut ring = Ring::<u32, 3, 60>::default();
        *ring.at(at(600)) += 1;
        assert_eq!(read(&ring, 540), [0, 0, 0]);
        *ring.at(at(420)) += 5;
        assert_eq!(read(&ring, 420), [0, 0, 5], "it takes the place of what was to come");
        assert_eq!(read(&ring, 600), [0, 0, 0]);
        for time in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            *ring.at(time) += 1;
            assert_eq!(ring.read(time).flatten().sum::<u32>(), 1);
            assert_eq!(Span::Hour.starts(time).count(), 60);
        }
    }
}
