//! The gate: passwords are hashed on threads of their own, behind a bounded queue, so that hashing, which is slow on
//! purpose, never delays a request that has no password.

mod elsewhere;
mod hash;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::Params;
use crossbeam_channel::{Receiver, Sender};
use directory::port::Entropy;
use directory::user::PasswordHash;
use secrecy::SecretString;
use thiserror::Error;
use tokio::sync::oneshot;

pub use self::elsewhere::{HashError, hashed_elsewhere};
use self::hash::{HASH, Hasher, SALT};

/// What one hash costs.
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

/// A cost that Argon2 does not allow.
#[derive(Debug, Error)]
#[error("Argon2id does not allow {memory_kib} KiB, {iterations} iterations, {parallelism} lanes", memory_kib = .0.memory_kib,
        iterations = .0.iterations, parallelism = .0.parallelism)]
pub struct CostError(Cost);

/// The queue is full; nothing was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many passwords are waiting to be hashed")]
pub struct GateFull {
    /// When there should be room, by the speed of late.
    pub retry_after_seconds: u64,
}

/// What a hashing thread is given. It sends its own reply.
type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

/// The gate. Dropping it lets its threads end.
pub struct Gate {
    queue: Sender<Job>,
    entropy: Arc<dyn Entropy>,
    params: Params,
    threads: usize,
    limit: usize,
    load: Arc<Load>,
}

#[derive(Default)]
struct Load {
    waiting: AtomicUsize,
    /// How long the latest hash took.
    micros: AtomicU64,
}

/// A place among those who wait, given back when dropped: also when the work panics, or is left undone.
struct Place(Arc<Load>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Gate {
    /// Starts `threads` threads; at most `limit` passwords wait.
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
        let (queue, jobs) = crossbeam_channel::bounded(limit);
        let load = Arc::new(Load::default());
        for number in 0..threads.max(1) {
            let (params, jobs, load) = (params.clone(), jobs.clone(), Arc::clone(&load));
            let thread = std::thread::Builder::new().name(format!("password-{number}"));
            // A machine that can't start a thread now has no room for the memory of a hash either.
            if let Err(error) = thread.spawn(move || serve(params, load, &jobs)) {
                tracing::error!(%error, "a hashing thread could not be started");
            }
        }
        Ok(Self { queue, entropy, params, threads: threads.max(1), limit, load })
    }

    /// Hashes the passwords of one request: all of them or, when they don't fit into the queue, none.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn hash(&self, passwords: Vec<SecretString>) -> Result<Vec<PasswordHash>, GateFull> {
        self.reserve(passwords.len())?;
        let mut replies = Vec::with_capacity(passwords.len());
        for password in passwords {
            let mut salt = [0; SALT];
            self.entropy.fill(&mut salt);
            replies.push(self.queue(move |hasher| hasher.hash(&password, &salt)));
        }
        let mut hashes = Vec::with_capacity(replies.len());
        for reply in replies {
            hashes.push(reply.await.ok().flatten().ok_or_else(|| self.full(self.limit))?);
        }
        Ok(hashes)
    }

    /// Whether a password is the one that was hashed. `None` stands for a user that is unknown or has no password: it
    /// is never right, and takes as long as a hash of the gate's own cost, so that nobody learns who there is
    /// (`spec/protocol.md` 4; one answer, one cost: `[ours]`). A hash that can't be read is logged and treated alike.
    ///
    /// # Errors
    /// When the queue is full; then nothing is known.
    pub async fn verify(
        &self,
        password: SecretString,
        against: Option<PasswordHash>,
    ) -> Result<bool, GateFull> {
        self.work(move |hasher| hasher.verify(&password, against.as_ref())).await
    }

    /// Whether a password is one of several that were hashed, as for the history of a user's passwords.
    ///
    /// # Errors
    /// When the queue is full; then nothing is known.
    pub async fn verify_any(
        &self,
        password: SecretString,
        against: Vec<PasswordHash>,
    ) -> Result<bool, GateFull> {
        if against.is_empty() {
            return Ok(false);
        }
        self.work(move |hasher| against.iter().any(|hash| hasher.verify(&password, Some(hash)))).await
    }

    /// Whether a hash is not of the gate's own cost: then a new one replaces it as soon as the password is known again.
    pub fn outdated(&self, hash: &PasswordHash) -> bool {
        hash::outdated(hash, &self.params)
    }

    /// Does other work on the hashing threads: what takes as long as to be in the way of requests without passwords.
    ///
    /// # Errors
    /// When the queue is full, or the work panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, GateFull> {
        self.work(move |_| work()).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<T, GateFull> {
        self.reserve(1)?;
        self.queue(work).await.map_err(|_| self.full(self.limit))
    }

    fn reserve(&self, count: usize) -> Result<(), GateFull> {
        let room = |waiting: usize| waiting.checked_add(count).filter(|sum| *sum <= self.limit);
        let reserved = self.load.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, room);
        reserved.map(|_| ()).map_err(|waiting| self.full(waiting))
    }

    /// There is room: it was reserved. Work is left undone when its caller gave up.
    fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let place = Place(Arc::clone(&self.load));
        let (reply, done) = oneshot::channel();
        let job: Job = Box::new(move |hasher| {
            // Dropped in the opposite order, also when the work panics: who learns that it is over finds the place free.
            let (reply, place) = (reply, place);
            let result = (!reply.is_closed()).then(|| work(hasher));
            drop(place);
            if let Some(result) = result {
                // A caller that gave up meanwhile needs no answer.
                let _ = reply.send(result);
            }
        });
        // Threads that can't be reached leave the reply unsent.
        let _ = self.queue.try_send(job);
        done
    }

    /// Passwords that wait or are being hashed.
    pub fn waiting(&self) -> usize {
        self.load.waiting.load(Ordering::Relaxed)
    }

    /// Passwords that may wait.
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn full(&self, waiting: usize) -> GateFull {
        let micros = self.load.micros.load(Ordering::Relaxed).max(1_000);
        let all = micros.saturating_mul(waiting as u64) / self.threads as u64;
        GateFull { retry_after_seconds: all.div_ceil(1_000_000).clamp(1, 60) }
    }
}

/// How far hashing steps back, as `nice` counts it: far enough that a request without a password is served first, not
/// so far that hashing comes to nothing on a machine that is busy with those.
const NICE: i32 = 10;

fn serve(params: Params, load: Arc<Load>, jobs: &Receiver<Job>) {
    // On Linux the priority is the thread's own. Without it hashing goes on, only less politely.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "the hashing threads run at normal priority");
    }
    let mut hasher = Hasher::new(params, load);
    for job in jobs {
        // The thread outlives what it is given; who waits for the reply learns that there is none.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut hasher))).is_err() {
            tracing::error!("work on a hashing thread panicked");
        }
    }
}
