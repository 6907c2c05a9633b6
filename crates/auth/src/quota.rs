//! Calls per user and window of time (spec/protocol.md 3b). Every response has three headers with the numbers.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use directory::port::Drawn;
use directory::{ClientId, Sender, UserId};
use jiff::{SignedDuration, Timestamp};

/// The limit of unauthenticated calls from one address for every four of a user: the service was recorded with 5,000 and
/// 800 (spec/protocol.md 3b).
const UNIDENTIFIED_PER_FOUR: u32 = 25;

const SHARDS: usize = 16;

/// Windows per shard before expired ones are removed.
const SWEEP_AT: usize = 1_024;

/// The subject of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// A user with all key pairs.
    User(UserId),
    /// An application of API 2.0 with all tokens.
    Client(ClientId),
    /// Unauthenticated callers from an address.
    Peer(IpAddr),
}

impl Bucket {
    /// The bucket of a sender.
    pub fn of(sender: &Sender) -> Self {
        match sender {
            Sender::User(principal) => Bucket::User(principal.binding.user),
            Sender::Session(principal) => Bucket::User(principal.session.user),
            Sender::Client(principal, _) => Bucket::Client(principal.client.id),
        }
    }

    fn to_bytes(self) -> Option<[u8; 17]> {
        let (kind, id) = match self {
            Bucket::User(user) => (0, *user.as_bytes()),
            Bucket::Client(client) => (1, *client.as_bytes()),
            Bucket::Peer(_) => return None,
        };
        let mut bytes = [kind; 17];
        bytes[1..].copy_from_slice(&id);
        Some(bytes)
    }

    fn from_bytes([kind, id @ ..]: [u8; 17]) -> Option<Self> {
        match kind {
            0 => Some(Bucket::User(UserId::from_bytes(id))),
            1 => Some(Bucket::Client(ClientId::from_bytes(id))),
            _ => None,
        }
    }
}

/// The state of a bucket after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls allowed per window.
    pub limit: u32,
    /// Calls left in this window.
    pub remaining: u32,
    /// Milliseconds until the next window.
    pub reset_ms: u32,
    /// Whether this call was within the limit.
    pub allowed: bool,
}

impl Rate {
    /// No limit. The numbers are the largest that every client can parse.
    pub const UNLIMITED: Rate =
        Rate { limit: i32::MAX as u32, remaining: i32::MAX as u32, reset_ms: 0, allowed: true };

    /// The used part of the limit, in thousandths.
    pub fn drawn_per_mille(&self) -> u16 {
        let drawn = u64::from(self.limit.saturating_sub(self.remaining)) * 1_000;
        u16::try_from(drawn / u64::from(self.limit.max(1))).unwrap_or(u16::MAX)
    }
}

struct Window {
    started: Timestamp,
    used: u32,
    /// Whether calls were counted since the last report to other nodes.
    untold: bool,
    /// The calls on other nodes, and the end of their validity.
    elsewhere: (u32, Timestamp),
}

impl Window {
    fn new(started: Timestamp) -> Self {
        Self { started, used: 0, untold: false, elsewhere: (0, Timestamp::MIN) }
    }

    /// Known calls on all nodes.
    fn calls(&self, now: Timestamp) -> u32 {
        let (calls, until) = self.elsewhere;
        self.used.saturating_add(if until > now { calls } else { 0 })
    }
}

/// Counts calls in memory. Nodes exchange their counts periodically; until then, a caller can use the limit on each
/// node.
pub struct Quota {
    /// Calls per user and window; `None` for no limit.
    limit: Option<u32>,
    window_ms: u32,
    shards: [Mutex<HashMap<Bucket, Window>>; SHARDS],
}

impl Quota {
    /// `limit` calls per user in `window_ms` milliseconds.
    pub fn new(limit: Option<u32>, window_ms: u32) -> Self {
        Self { limit, window_ms, shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Resets the quota of all callers.
    pub fn clear(&self) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// Counts a call.
    pub fn draw(&self, bucket: Bucket, now: Timestamp) -> Rate {
        let Some(limit) = self.limit else { return Rate::UNLIMITED };
        let limit = match bucket {
            Bucket::User(_) | Bucket::Client(_) => limit,
            Bucket::Peer(_) => limit.saturating_mul(UNIDENTIFIED_PER_FOUR).div_ceil(4),
        };
        let mut windows = self.shard(&bucket).lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= SWEEP_AT && !windows.contains_key(&bucket) {
            windows.retain(|_, window| self.remaining_ms(window, now).is_some());
        }
        let window = windows.entry(bucket).or_insert(Window::new(now));
        let reset_ms = self.remaining_ms(window, now).unwrap_or_else(|| {
            *window = Window { elsewhere: window.elsewhere, ..Window::new(now) };
            self.window_ms
        });
        let allowed = window.calls(now) < limit;
        window.used += u32::from(allowed);
        window.untold |= allowed;
        Rate { limit, remaining: limit.saturating_sub(window.calls(now)), reset_ms, allowed }
    }

    /// The counts that changed since the last report to other nodes.
    fn take_unshared(&self, now: Timestamp) -> Vec<Drawn> {
        let mut drawn = Vec::new();
        for shard in &self.shards {
            for (bucket, window) in shard.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
                // Addresses are not shared between nodes.
                let (Some(bucket), Some(left)) = (bucket.to_bytes(), self.remaining_ms(window, now)) else {
                    continue;
                };
                if std::mem::take(&mut window.untold) {
                    let until = now + SignedDuration::from_millis(left.into());
                    drawn.push(Drawn { bucket, calls: window.used, until });
                }
            }
        }
        drawn
    }

    /// Reports the counts of this node with `share`, and merges those of other nodes.
    ///
    /// # Errors
    /// When `share` fails. The counts are reported again the next time.
    pub async fn share<E>(
        &self,
        now: impl Fn() -> Timestamp,
        share: impl AsyncFnOnce(Vec<Drawn>) -> Result<Vec<Drawn>, E>,
    ) -> Result<(), E> {
        let drawn = self.take_unshared(now());
        let heard = share(drawn.clone()).await.inspect_err(|_| self.mark_unshared(&drawn))?;
        self.merge_shared(&heard, now());
        Ok(())
    }

    /// The report failed: these counts are still unshared.
    fn mark_unshared(&self, drawn: &[Drawn]) {
        for bucket in drawn.iter().filter_map(|drawn| Bucket::from_bytes(drawn.bucket)) {
            let mut windows = self.shard(&bucket).lock().unwrap_or_else(PoisonError::into_inner);
            // An empty window is reported after its next call.
            if let Some(window) = windows.get_mut(&bucket).filter(|window| window.used > 0) {
                window.untold = true;
            }
        }
    }

    /// Stores the counts of other nodes, summed up per bucket.
    fn merge_shared(&self, drawn: &[Drawn], now: Timestamp) {
        let mut together: HashMap<Bucket, (u32, Timestamp)> = HashMap::new();
        for Drawn { bucket, calls, until } in drawn {
            let Some(bucket) = Bucket::from_bytes(*bucket) else { continue };
            let (sum, last) = together.entry(bucket).or_insert((0, *until));
            *sum = sum.saturating_add(*calls);
            *last = (*last).max(*until);
        }
        for (bucket, elsewhere) in together {
            let mut windows = self.shard(&bucket).lock().unwrap_or_else(PoisonError::into_inner);
            windows.entry(bucket).or_insert(Window::new(now)).elsewhere = elsewhere;
        }
    }

    fn shard(&self, bucket: &Bucket) -> &Mutex<HashMap<Bucket, Window>> {
        let mut hasher = DefaultHasher::new();
        bucket.hash(&mut hasher);
        &self.shards[hasher.finish() as usize % SHARDS]
    }

    /// Milliseconds left of a window; `None` if it is over, or if the clock was set back before its start.
    fn remaining_ms(&self, window: &Window, now: Timestamp) -> Option<u32> {
        let passed = u32::try_from(now.duration_since(window.started).as_millis()).ok()?;
        self.window_ms.checked_sub(passed).filter(|left| *left > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000_000_000 + ms).unwrap()
    }

    const PEER: Bucket = Bucket::Peer(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn user(n: u8) -> Bucket {
        Bucket::User(UserId::from_bytes([n; 16]))
    }

    #[test]
    fn a_window_fills_and_starts_anew() {
        let quota = Quota::new(Some(2), 5_000);
        assert_eq!(
            quota.draw(user(1), at(0)),
            Rate { limit: 2, remaining: 1, reset_ms: 5_000, allowed: true }
        );
        assert_eq!(
            quota.draw(user(1), at(10)),
            Rate { limit: 2, remaining: 0, reset_ms: 4_990, allowed: true }
        );
        assert_eq!(
            quota.draw(user(1), at(4_999)),
            Rate { limit: 2, remaining: 0, reset_ms: 1, allowed: false }
        );
        assert_eq!(quota.draw(user(2), at(4_999)).remaining, 1, "another user has its own");
        assert_eq!(
            quota.draw(user(1), at(5_000)),
            Rate { limit: 2, remaining: 1, reset_ms: 5_000, allowed: true }
        );
        assert_eq!(quota.draw(user(1), at(-3_600_000)).reset_ms, 5_000, "a clock set back locks nobody out");
    }

    #[test]
    fn what_others_counted_counts_here_until_their_window_is_over() {
        let (here, there) = (Quota::new(Some(10), 5_000), Quota::new(Some(10), 5_000));
        for _ in 0..6 {
            there.draw(user(1), at(0));
        }
        there.draw(PEER, at(0));
        let told = there.take_unshared(at(10));
        assert_eq!(told.len(), 1, "where a call comes from is not told");
        assert_eq!((told[0].calls, told[0].until), (6, at(5_000)));
        assert_eq!(there.take_unshared(at(11)), [], "nothing new");
        here.merge_shared(&told, at(20));
        assert_eq!(here.draw(user(1), at(30)).remaining, 3);
        for _ in 0..3 {
            assert!(here.draw(user(1), at(40)).allowed);
        }
        assert!(!here.draw(user(1), at(50)).allowed);
        assert!(here.draw(user(2), at(50)).allowed);
        assert_eq!(here.draw(user(1), at(5_020)).remaining, 9, "both windows are over");
    }

    #[tokio::test]
    async fn what_could_not_be_told_is_told_the_next_time() {
        let quota = Quota::new(Some(10), 5_000);
        quota.draw(user(1), at(0));
        // Each report has all calls of the window.
        for calls in [1, 2, 3] {
            let mut told = Vec::new();
            let failed = quota.share(
                || at(10),
                async |drawn| {
                    told = drawn;
                    Err::<Vec<Drawn>, _>("the store is away")
                },
            );
            assert_eq!(failed.await, Err("the store is away"));
            assert_eq!((told.len(), told[0].calls), (1, calls));
            quota.draw(user(1), at(20));
        }
        let mut told = Vec::new();
        let shared = quota.share(
            || at(30),
            async |drawn| {
                told = drawn;
                Ok::<Vec<Drawn>, &str>(Vec::new())
            },
        );
        assert_eq!(shared.await, Ok(()));
        assert_eq!((told.len(), told[0].calls), (1, 4));
        assert_eq!(quota.take_unshared(at(50)), [], "once is enough");
        // Even without further calls.
        quota.draw(user(2), at(60));
        for _ in 0..2 {
            let failed = quota.share(|| at(70), async |drawn| Err::<Vec<Drawn>, _>(drawn.len()));
            assert_eq!(failed.await, Err(1));
        }
    }

    #[test]
    fn callers_without_a_signature_share_a_wider_bucket() {
        assert_eq!(Quota::new(Some(800), 5_000).draw(PEER, at(0)).limit, 5_000);
    }

    #[test]
    fn memory_does_not_grow_with_the_number_of_callers() {
        let quota = Quota::new(Some(2), 5_000);
        for second in 0..100_i64 {
            for n in 0..1_000_u32 {
                let address = IpAddr::from(std::net::Ipv4Addr::from((second as u32) << 16 | n));
                quota.draw(Bucket::Peer(address), at(second * 5_000));
            }
        }
        let held: usize = quota.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(held <= SHARDS * (SWEEP_AT + 1), "{held} windows are held");
    }

    #[test]
    fn off_is_off() {
        let quota = Quota::new(None, 5_000);
        assert_eq!(quota.draw(user(1), at(0)), Rate::UNLIMITED);
    }
}
