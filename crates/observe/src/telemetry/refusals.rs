//! Refused requests, collected until they are recorded in the store, and counted since the start.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use directory::port::Refusal;
use jiff::Timestamp;

/// Most combinations that are collected at a time. Further ones are not recorded.
const ROWS: usize = 1_024;

#[derive(Default)]
pub(super) struct Refusals {
    /// By application, code and cause.
    gathered: HashMap<(String, String, String), Tally>,
    /// Examined signatures by application and cause, since the start.
    causes: HashMap<(Box<str>, &'static str), u64>,
}

/// Requests that are counted together.
struct Tally {
    times: u64,
    last_at: Timestamp,
    peer: IpAddr,
}

impl Refusals {
    /// Counts a refused request. An empty cause: none was looked for.
    pub(super) fn count(
        &mut self,
        (app_id, code, cause): (&str, &'static str, &'static str),
        peer: IpAddr,
        now: Timestamp,
    ) {
        if !cause.is_empty() {
            let full = self.causes.len() >= ROWS;
            match self.causes.entry((app_id.into(), cause)) {
                Entry::Vacant(_) if full => {}
                entry => *entry.or_default() += 1,
            }
        }
        let [app_id, code, cause] = [app_id, code, cause].map(str::to_owned);
        self.add(Refusal { app_id, code, cause, times: 1, last_at: now, peer });
    }

    fn add(&mut self, refusal: Refusal) {
        let Refusal { app_id, code, cause, times, last_at, peer } = refusal;
        let full = self.gathered.len() >= ROWS;
        match self.gathered.entry((app_id, code, cause)) {
            Entry::Vacant(_) if full => {}
            Entry::Vacant(new) => drop(new.insert(Tally { times, last_at, peer })),
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.times += times;
                if last_at >= known.last_at {
                    (known.last_at, known.peer) = (last_at, peer);
                }
            }
        }
    }

    pub(super) fn take(&mut self) -> Vec<Refusal> {
        let refusal = |((app_id, code, cause), Tally { times, last_at, peer })| Refusal {
            app_id,
            code,
            cause,
            times,
            last_at,
            peer,
        };
        std::mem::take(&mut self.gathered).into_iter().map(refusal).collect()
    }

    /// Returns refusals that could not be recorded.
    pub(super) fn return_unsent(&mut self, refusals: Vec<Refusal>) {
        refusals.into_iter().for_each(|refusal| self.add(refusal));
    }

    /// Examined signatures: application, cause and number, ordered.
    pub(super) fn causes(&self) -> Vec<(&str, &'static str, u64)> {
        let mut causes: Vec<_> =
            self.causes.iter().map(|((app_id, cause), times)| (&**app_id, *cause, *times)).collect();
        causes.sort_unstable();
        causes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_521_600, 0);

    #[test]
    fn refusals_add_up_also_after_they_could_not_be_recorded() {
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut refusals = Refusals::default();
        refusals.count(("app", "err_a", "cause"), one, NOW);
        let taken = refusals.take();
        refusals.count(("app", "err_a", "cause"), other, NOW);
        refusals.count(("app", "err_a", ""), other, NOW);
        refusals.return_unsent(taken);
        let mut taken = refusals.take();
        taken.sort_by(|a, b| a.cause.cmp(&b.cause));
        assert_eq!(taken.iter().map(|refusal| refusal.times).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(refusals.causes(), [("app", "cause", 2)]);
        assert!(refusals.take().is_empty());
    }

    #[test]
    fn they_stay_within_bounds() {
        let mut refusals = Refusals::default();
        for number in 0..ROWS + 5 {
            refusals.count((&number.to_string(), "err_a", "cause"), IpAddr::from([192, 0, 2, 1]), NOW);
        }
        assert_eq!((refusals.causes().len(), refusals.take().len()), (ROWS, ROWS));
    }
}
