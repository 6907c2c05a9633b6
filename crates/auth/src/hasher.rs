//! The password hasher: dedicated threads behind a bounded queue. Hashing is slow on purpose and must never delay a
//! request without a password.

mod calibrate;
mod encoding;
mod even;
mod hash;
mod imported_hash;
mod lane;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Params;
use directory::password::prepare;
use directory::port::Entropy;
use directory::user::PasswordHash;
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

pub use self::calibrate::{Timed, affordable, suggested};
use self::even::Even;
use self::hash::{HASH, SALT};
pub use self::imported_hash::{HashError, read_imported_hash};
use self::lane::Lane;

/// The cost of one hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Parallel lanes.
    pub parallelism: u32,
}

impl Default for Cost {
    /// One of OWASP's equivalent parameter sets for Argon2id: 7 MiB, five passes.
    fn default() -> Self {
        Self { memory_kib: 7 * 1_024, iterations: 5, parallelism: 1 }
    }
}

impl Cost {
    /// The work of a hash in KiB of memory passes. One thread processes all lanes.
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
    /// Estimated seconds until a place is free.
    pub retry_after_seconds: u64,
}

/// Why the hasher has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HasherError {
    /// The queue is full; nothing was hashed.
    #[error(transparent)]
    Full(#[from] HasherFull),
    /// The work failed, or no thread is running. The cause is in the log.
    #[error("could not hash a password; the reason is in the log")]
    Broken,
}

/// The form of a password that matches a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The prepared one, in which new passwords are hashed.
    Prepared,
    /// As it was typed: an earlier version or another directory hashed it so. It is replaced at the next login.
    AsTyped,
}

/// Most passwords waiting for comparison with an expensive hash.
const COSTLY_LIMIT: usize = 64;

/// The password hasher. Its threads end when it is dropped.
pub struct PasswordHasher {
    lane: Lane,
    /// One thread compares expensive hashes, which were imported from other directories. They delay only users with
    /// such a hash.
    costly: Lane,
    entropy: Arc<dyn Entropy>,
    cost: Cost,
    params: Params,
    even: Even,
}

impl PasswordHasher {
    /// Starts `threads` threads, and one for expensive hashes; at most `limit` passwords wait.
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

    /// Hashes the passwords of one request in their prepared form (RFC 8265): all of them or, if they do not fit into the queue, none.
    ///
    /// # Errors
    /// When the queue is full, or hashing failed.
    pub async fn hash(&self, passwords: Vec<SecretString>) -> Result<Vec<PasswordHash>, HasherError> {
        self.lane.reserve(passwords.len())?;
        let mut replies = Vec::with_capacity(passwords.len());
        for password in passwords {
            let password = prepare(password.expose_secret()).unwrap_or(password);
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

    /// Compares a password with a hash, and gives the form that matches it, and how long it waited in the queue that all
    /// passwords share. The other queue tells something about the user, so that wait is a part of the work.
    ///
    /// A missing hash means that the user is unknown or has no password: the result is false and takes as long as a hash of
    /// the configured cost, so that timing does not reveal users (`spec/protocol.md` 4; one answer, one cost: `[ours]`). An
    /// unreadable hash is logged and treated the same.
    ///
    /// # Errors
    /// When the queue is full, or comparing failed.
    pub(crate) async fn verify_with_wait(
        &self,
        password: SecretString,
        against: Option<PasswordHash>,
    ) -> Result<(Option<Form>, Duration), HasherError> {
        let lane = self.lane_for(against.iter());
        let is_shared = std::ptr::eq(lane, &raw const self.lane);
        #[expect(clippy::disallowed_methods, reason = "measures how long a login waits")]
        let queued = Instant::now();
        lane.work(move |hasher| {
            let waited = if is_shared { queued.elapsed() } else { Duration::ZERO };
            (matching_form(&password, |password| hasher.verify(password, against.as_ref())), waited)
        })
        .await
    }

    /// Whether a password matches one of several hashes, such as the history of a user.
    ///
    /// # Errors
    /// When the queue is full, or comparing failed.
    pub async fn verify_any(
        &self,
        password: SecretString,
        against: Vec<PasswordHash>,
    ) -> Result<bool, HasherError> {
        if against.is_empty() {
            return Ok(false);
        }
        let lane = self.lane_for(against.iter());
        lane.work(move |hasher| {
            let any =
                |password: &SecretString| against.iter().any(|hash| hasher.verify(password, Some(hash)));
            matching_form(&password, any).is_some()
        })
        .await
    }

    /// Whether a hash has another cost than the configured one. It is replaced at the next login.
    pub fn outdated(&self, hash: &PasswordHash) -> bool {
        hash::outdated(hash, &self.params)
    }

    /// Reads a password hash of another directory. Its cost must be acceptable for a login.
    ///
    /// # Errors
    /// When it is malformed, unsupported or too expensive.
    pub fn read_imported_hash(&self, hash: &SecretString) -> Result<PasswordHash, HashError> {
        read_imported_hash(hash, self.cost)
    }

    /// Runs other slow work on the hashing threads.
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

    /// Delays the response to a refused login to the duration of recent slow ones, so that timing reveals neither users
    /// nor their hash schemes. Waiting costs no CPU time. `started`: without the wait in a queue.
    pub async fn even_out(&self, started: Instant) {
        #[expect(clippy::disallowed_methods, reason = "measures how long a login took")]
        let now = Instant::now();
        let hold = self.even.hold(now.saturating_duration_since(started), now);
        #[expect(clippy::disallowed_methods, reason = "that so much time has passed is what is waited for")]
        tokio::time::sleep(hold).await;
    }

    /// The minimum duration of a refused login, from recent ones.
    pub fn slowest_refusal(&self) -> Duration {
        self.even.slowest()
    }

    /// Passwords waiting or being hashed.
    pub fn waiting(&self) -> usize {
        self.lane.waiting() + self.costly.waiting()
    }

    /// Most passwords that may wait.
    pub fn limit(&self) -> usize {
        self.lane.limit()
    }
}

/// Whether a password matches in its prepared form or, if that differs, as typed. How often it is compared depends on the
/// password alone, so timing reveals nothing about the user.
fn matching_form(password: &SecretString, mut matches: impl FnMut(&SecretString) -> bool) -> Option<Form> {
    match prepare(password.expose_secret()) {
        Some(prepared) if matches(&prepared) => Some(Form::Prepared),
        Some(_) => matches(password).then_some(Form::AsTyped),
        None => matches(password).then_some(Form::Prepared),
    }
}
