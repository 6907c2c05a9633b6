//! The gate: passwords are hashed on threads of their own, behind a bounded queue, so that hashing, which is slow on
//! purpose, never delays a request that has no password.

mod even;
mod hash;
mod imported_hash;
mod lane;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Params;
use directory::port::Entropy;
use directory::user::PasswordHash;
use secrecy::SecretString;
use thiserror::Error;

use self::even::Even;
use self::hash::{HASH, SALT};
pub use self::imported_hash::{HashError, hashed_elsewhere};
use self::lane::Lane;

/// The cost of one hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for Cost {
    /// One of OWASP's equivalent choices for Argon2id: 7 MiB, five passes.
    fn default() -> Self {
        Self { memory_kib: 7 * 1_024, iterations: 5, parallelism: 1 }
    }
}

impl Cost {
    /// The work of a hash, in KiB that are passed over. Lanes are worked on one after the other.
    fn work(&self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.iterations)
    }
}

/// A cost that Argon2 does not allow.
#[derive(Debug, Error)]
#[error("Argon2id does not allow {memory_kib} KiB, {iterations} iterations, {parallelism} lanes", memory_kib = .0.memory_kib,
        iterations = .0.iterations, parallelism = .0.parallelism)]
pub struct CostError(Cost);

/// The queue is full; nothing was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many passwords are waiting to be hashed")]
pub struct HasherFull {
    /// When there should be room, by the speed of late.
    pub retry_after_seconds: u64,
}

/// Why the gate has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HasherError {
    /// The queue is full; nothing was hashed.
    #[error(transparent)]
    Full(#[from] HasherFull),
    /// The work failed, or no thread does any; the log says why.
    #[error("could not hash a password; the reason is in the log")]
    Broken,
}

/// Passwords that may wait to be compared with hashes that cost more than the gate's own.
const COSTLY_LIMIT: usize = 64;

/// The gate. Dropping it lets its threads end.
pub struct PasswordHasher {
    lane: Lane,
    /// Hashes that cost more than the gate's own, as other directories made them, are compared on one thread. Many of
    /// them delay only users with such a hash.
    costly: Lane,
    entropy: Arc<dyn Entropy>,
    cost: Cost,
    params: Params,
    even: Even,
}

impl PasswordHasher {
    /// Starts `threads` threads, and one for costly hashes; at most `limit` passwords wait.
    ///
    /// # Errors
    /// When Argon2 does not allow the cost.
    pub fn start(
        cost: Cost,
        threads: usize,
        limit: usize,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, CostError> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, Some(HASH));
        let params = params.map_err(|_| CostError(cost))?;
        let lane = Lane::start("password", &params, threads.max(1), limit);
        let costly = Lane::start("password-costly", &params, 1, limit.min(COSTLY_LIMIT));
        Ok(Self { lane, costly, entropy, cost, params, even: Even::default() })
    }

    /// Hashes the passwords of one request: all of them or, when they don't fit into the queue, none.
    ///
    /// # Errors
    /// When the queue is full, or hashing failed.
    pub async fn hash(&self, passwords: Vec<SecretString>) -> Result<Vec<PasswordHash>, HasherError> {
        self.lane.reserve(passwords.len())?;
        let mut replies = Vec::with_capacity(passwords.len());
        for password in passwords {
            let mut salt = [0; SALT];
            self.entropy.fill(&mut salt);
            replies.push(self.lane.queue(move |hasher| hasher.hash(&password, &salt)));
        }
        let mut hashes = Vec::with_capacity(replies.len());
        for reply in replies {
            hashes.push(reply.await.ok().flatten().ok_or(HasherError::Broken)?);
        }
        Ok(hashes)
    }

    /// Whether a password is the one that was hashed. `None` stands for a user that is unknown or has no password: it
    /// is never right, and takes as long as a hash of the gate's own cost, so that nobody learns who there is
    /// (`spec/protocol.md` 4; one answer, one cost: `[ours]`). A hash that can't be read is logged and treated alike.
    ///
    /// # Errors
    /// When the queue is full, or comparing failed; then nothing is known.
    pub async fn verify(
        &self,
        password: SecretString,
        against: Option<PasswordHash>,
    ) -> Result<bool, HasherError> {
        let lane = self.lane_for(against.iter());
        lane.work(move |hasher| hasher.verify(&password, against.as_ref())).await
    }

    /// Whether a password is one of several that were hashed, as for the history of a user's passwords.
    ///
    /// # Errors
    /// When the queue is full, or comparing failed; then nothing is known.
    pub async fn verify_any(
        &self,
        password: SecretString,
        against: Vec<PasswordHash>,
    ) -> Result<bool, HasherError> {
        if against.is_empty() {
            return Ok(false);
        }
        let lane = self.lane_for(against.iter());
        lane.work(move |hasher| against.iter().any(|hash| hasher.verify(&password, Some(hash)))).await
    }

    /// Whether a hash is not of the gate's own cost: then a new one replaces it as soon as the password is known again.
    pub fn outdated(&self, hash: &PasswordHash) -> bool {
        hash::outdated(hash, &self.params)
    }

    /// Reads the hash of a password that another directory made, if a login may take as long as to compare with it.
    ///
    /// # Errors
    /// When it is none, broken, or costs too much.
    pub fn hashed_elsewhere(&self, hash: &SecretString) -> Result<PasswordHash, HashError> {
        hashed_elsewhere(hash, self.cost)
    }

    /// Does other work on the hashing threads: what takes as long as to be in the way of requests without passwords.
    ///
    /// # Errors
    /// When the queue is full, or the work panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HasherError> {
        self.lane.work(move |_| work()).await
    }

    fn lane_for<'a>(&self, mut hashes: impl Iterator<Item = &'a PasswordHash>) -> &Lane {
        let costly = hashes.any(|hash| imported_hash::work(hash.expose()) > self.cost.work());
        if costly { &self.costly } else { &self.lane }
    }

    /// Holds a refused login back until it has taken as long as the slowest of late, so that its time does not tell
    /// whether there is such a user, nor how their password was hashed. Waiting takes no work.
    pub async fn even_out(&self, started: Instant, known: bool) {
        #[expect(clippy::disallowed_methods, reason = "measures how long a login took")]
        let now = Instant::now();
        let hold = self.even.hold(now.duration_since(started), known, now);
        #[expect(clippy::disallowed_methods, reason = "that so much time has passed is what is waited for")]
        tokio::time::sleep(hold).await;
    }

    /// How long a refused login takes at least, by those of late.
    pub fn slowest_refusal(&self) -> Duration {
        self.even.slowest()
    }

    /// Passwords waiting or being hashed.
    pub fn waiting(&self) -> usize {
        self.lane.waiting() + self.costly.waiting()
    }

    /// Passwords that may wait.
    pub fn limit(&self) -> usize {
        self.lane.limit()
    }
}
