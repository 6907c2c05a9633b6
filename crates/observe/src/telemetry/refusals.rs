//! Refused requests, collected until they are recorded in the store, and counted since the start.

use std::collections::HashMap;
use std::net::IpAddr;

use directory::port::Refusal;
use jiff::Timestamp;

/// Most combinations that are collected at a time. Further ones are not recorded.
const ROWS: usize = 1_024;

/// Application, code and cause.
type Key = (Box<str>, &'static str, &'static str);

#[derive(Default)]
pub(super) struct Refusals {
    gathered: HashMap<Key, Refusal>,
    /// Examined signatures by application and cause, since the start.
    causes: HashMap<(Box<str>, &'static str), u64>,
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
                std::collections::hash_map::Entry::Vacant(_) if full => {}
                entry => *entry.or_default() += 1,
            }
        }
        let refusal = Refusal {
            app_id: app_id.to_owned(),
            code: code.to_owned(),
            cause: cause.to_owned(),
            times: 1,
            last_at: now,
            peer,
        };
        self.add((app_id.into(), code, cause), refusal);
    }

    fn add(&mut self, key: Key, refusal: Refusal) {
        let full = self.gathered.len() >= ROWS;
        match self.gathered.entry(key) {
            std::collections::hash_map::Entry::Vacant(_) if full => {}
            std::collections::hash_map::Entry::Vacant(new) => drop(new.insert(refusal)),
            std::collections::hash_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.times += refusal.times;
                if refusal.last_at >= known.last_at {
                    (known.last_at, known.peer) = (refusal.last_at, refusal.peer);
                }
            }
        }
    }

    pub(super) fn take(&mut self) -> Vec<(Key, Refusal)> {
        std::mem::take(&mut self.gathered).into_iter().collect()
    }

    /// Returns refusals that could not be recorded.
    pub(super) fn return_unsent(&mut self, refusals: Vec<(Key, Refusal)>) {
        refusals.into_iter().for_each(|(key, refusal)| self.add(key, refusal));
    }

    /// Examined signatures: application, cause and number, ordered.
    pub(super) fn causes(&self) -> Vec<(&str, &'static str, u64)> {
        let mut causes: Vec<_> =
            self.causes.iter().map(|((app_id, cause), times)| (&**app_id, *cause, *times)).collect();
        causes.sort_unstable();
        causes
    }
}

/// Refusals that were taken to be recorded.
pub struct Taken(pub(super) Vec<(Key, Refusal)>);

impl Taken {
    /// The refusals.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.0.iter().map(|(_, refusal)| refusal.clone()).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        taken.sort_by_key(|(key, _)| key.2);
        assert_eq!(taken.iter().map(|(_, refusal)| refusal.times).collect::<Vec<_>>(), [1, 2]);
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
