//! The cost that a machine can afford: measured, not guessed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Params;
use secrecy::SecretString;

use super::hash::{HASH, Hasher, SALT};
use super::lane::Load;
use super::{Cost, CostError};

/// OWASP's parameter sets for Argon2id: KiB of memory, and the fewest passes over so much. Each is as hard to attack as the
/// others.
const SETS: [(u32, u32); 5] = [(46 << 10, 1), (19 << 10, 2), (12 << 10, 3), (9 << 10, 4), (7 << 10, 5)];

/// Hashes of which the shortest counts: other work on the machine only makes one longer.
const TRIES: u32 = 5;

/// A cost, and how long one hash of it takes here.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// The cost.
    pub cost: Cost,
    /// The time of one hash on one thread.
    pub time: Duration,
}

/// For each amount of memory, most first, the passes that fill the target time, but no fewer than OWASP's.
///
/// # Errors
/// When Argon2 does not allow a cost.
pub fn affordable(target: Duration) -> Result<Vec<Timed>, CostError> {
    let fill = |(memory_kib, least)| {
        let one = time_of(Cost { memory_kib, iterations: least, parallelism: 1 })?;
        let passes = target.as_secs_f64() / one.time.as_secs_f64() * f64::from(least);
        // A time of hours is no use, and Argon2 allows 2³² - 1 passes.
        let iterations = (passes as u32).clamp(least, 10_000);
        if iterations == least { Ok(one) } else { time_of(Cost { iterations, ..one.cost }) }
    };
    SETS.into_iter().map(fill).collect()
}

/// The cost with most memory that takes at most a tenth longer than the target; the cheapest if none does.
pub fn suggested(timed: &[Timed], target: Duration) -> Option<Timed> {
    let fits = |timed: &&Timed| timed.time <= target + target / 10;
    timed.iter().find(fits).or_else(|| timed.iter().min_by_key(|timed| timed.time)).copied()
}

fn time_of(cost: Cost) -> Result<Timed, CostError> {
    let Cost { memory_kib, iterations, parallelism } = cost;
    let params = Params::new(memory_kib, iterations, parallelism, Some(HASH)).map_err(|_| CostError(cost))?;
    let mut hasher = Hasher::new(params, Arc::new(Load::default()));
    let password = SecretString::from("a password of usual length");
    let mut shortest = Duration::MAX;
    for n in 0..TRIES {
        #[expect(clippy::disallowed_methods, reason = "measures how long a hash takes")]
        let started = Instant::now();
        hasher.hash(&password, &[n as u8; SALT]);
        shortest = shortest.min(started.elapsed());
    }
    Ok(Timed { cost, time: shortest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_gets_at_least_its_passes() {
        let timed = affordable(Duration::from_nanos(1)).unwrap();
        let found: Vec<_> =
            timed.iter().map(|timed| (timed.cost.memory_kib, timed.cost.iterations)).collect();
        assert_eq!(found, SETS);
        assert!(timed.iter().all(|timed| timed.cost.parallelism == 1 && timed.time > Duration::ZERO));
    }

    #[test]
    fn most_memory_within_the_time_is_suggested_and_else_the_cheapest() {
        let timed = |memory_kib, millis| Timed {
            cost: Cost { memory_kib, iterations: 1, parallelism: 1 },
            time: Duration::from_millis(millis),
        };
        let all = [timed(46, 120), timed(19, 105), timed(12, 90)];
        let suggested =
            |millis| suggested(&all, Duration::from_millis(millis)).map(|timed| timed.cost.memory_kib);
        assert_eq!(
            (suggested(110), suggested(96), suggested(85), suggested(10)),
            (Some(46), Some(19), Some(12), Some(12))
        );
    }
}
