//! The gate: passwords are hashed on threads of their own, behind a bounded queue, so that hashing, which is slow on
//! purpose, never delays a request that has no password.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use crossbeam_channel::{Receiver, Sender};
use directory::port::Entropy;
use directory::user::PasswordHash;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

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

const SALT: usize = 16;
const HASH: usize = 32;

enum Job {
    Hash {
        password: SecretString,
        salt: [u8; SALT],
        reply: oneshot::Sender<PasswordHash>,
    },
    /// Sends its own reply.
    Other(Box<dyn FnOnce() + Send>),
}

/// The gate. Dropping it lets its threads end.
pub struct Gate {
    queue: Sender<Job>,
    entropy: Arc<dyn Entropy>,
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
            if let Err(error) = thread.spawn(move || serve(params, &jobs, &load)) {
                tracing::error!(%error, "a hashing thread could not be started");
            }
        }
        Ok(Self { queue, entropy, threads: threads.max(1), limit, load })
    }

    /// Hashes the passwords of one request: all of them or, when they don't fit into the queue, none.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn hash(&self, passwords: Vec<SecretString>) -> Result<Vec<PasswordHash>, GateFull> {
        let count = passwords.len();
        self.reserve(count)?;
        let mut replies = Vec::with_capacity(count);
        for password in passwords {
            let mut salt = [0; SALT];
            self.entropy.fill(&mut salt);
            let (reply, hash) = oneshot::channel();
            self.queue(Job::Hash { password, salt, reply });
            replies.push(hash);
        }
        let mut hashes = Vec::with_capacity(count);
        for reply in replies {
            hashes.push(reply.await.map_err(|_| self.full(self.limit))?);
        }
        Ok(hashes)
    }

    /// Does other work on the hashing threads: what takes as long as to be in the way of requests without passwords.
    ///
    /// # Errors
    /// When the queue is full; then the work was not done.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, GateFull> {
        self.reserve(1)?;
        let (reply, done) = oneshot::channel();
        self.queue(Job::Other(Box::new(move || {
            // A caller that gave up needs no answer.
            let _ = reply.send(work());
        })));
        done.await.map_err(|_| self.full(self.limit))
    }

    fn reserve(&self, count: usize) -> Result<(), GateFull> {
        let room = |waiting: usize| waiting.checked_add(count).filter(|sum| *sum <= self.limit);
        let reserved = self.load.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, room);
        reserved.map(|_| ()).map_err(|waiting| self.full(waiting))
    }

    /// There is room: it was reserved.
    fn queue(&self, job: Job) {
        if self.queue.try_send(job).is_err() {
            self.load.waiting.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Passwords that wait or are being hashed.
    pub fn waiting(&self) -> usize {
        self.load.waiting.load(Ordering::Relaxed)
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

fn serve(params: Params, jobs: &Receiver<Job>, load: &Load) {
    // On Linux the priority is the thread's own. Without it hashing goes on, only less politely.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "the hashing threads run at normal priority");
    }
    // The thread keeps its memory: to ask for it anew costs a third of a hash.
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    for job in jobs {
        match job {
            Job::Other(work) => {
                load.waiting.fetch_sub(1, Ordering::AcqRel);
                // The thread outlives what it is given; who waits for the reply learns that there is none.
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                    tracing::error!("work on a hashing thread panicked");
                }
            }
            Job::Hash { password, salt, reply } => {
                // A caller that gave up needs no hash.
                let hash = (!reply.is_closed()).then(|| hash(&argon2, &password, &salt, &mut memory, load));
                load.waiting.fetch_sub(1, Ordering::AcqRel);
                match hash {
                    Some(Ok(hash)) => drop(reply.send(hash)),
                    Some(Err(error)) => tracing::error!(%error, "a password could not be hashed"),
                    None => {}
                }
            }
        }
    }
}

/// Hashes a password, and notes how long that took.
fn hash(
    argon2: &Argon2<'_>,
    password: &SecretString,
    salt: &[u8],
    memory: &mut Vec<Block>,
    load: &Load,
) -> Result<PasswordHash, argon2::Error> {
    #[expect(clippy::disallowed_methods, reason = "measures how long a hash takes")]
    let started = Instant::now();
    let mut hash = Zeroizing::new([0; HASH]);
    let password = password.expose_secret().as_bytes();
    argon2.hash_password_into_with_memory(password, salt, &mut *hash, memory)?;
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    load.micros.store(micros, Ordering::Relaxed);
    Ok(PasswordHash::new(phc(argon2, salt, &hash[..])))
}

/// The hash as a PHC string.
fn phc(argon2: &Argon2<'_>, salt: &[u8], hash: &[u8]) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
    let params = argon2.params();
    format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        base64.encode(salt),
        base64.encode(hash)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::PasswordVerifier;

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    const CHEAP: Cost = Cost { memory_kib: 8, iterations: 1, parallelism: 1 };

    fn passwords(count: usize) -> Vec<SecretString> {
        (0..count).map(|n| SecretString::from(format!("password {n}"))).collect()
    }

    #[tokio::test]
    async fn hashes_verify_in_the_order_of_the_passwords_and_no_other() {
        let gate = Gate::start(CHEAP, 2, 10, Arc::new(Sevens)).unwrap();
        let hashes = gate.hash(passwords(10)).await.unwrap();
        for (n, hash) in hashes.iter().enumerate() {
            let verify =
                |password: &str| Argon2::default().verify_password(password.as_bytes(), hash.expose());
            assert!(
                hash.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$"),
                "{}",
                hash.expose()
            );
            verify(&format!("password {n}")).unwrap();
            verify(&format!("password {}", n + 1)).unwrap_err();
        }
        assert_eq!(gate.waiting(), 0);
    }

    #[tokio::test]
    async fn a_request_that_does_not_fit_is_refused_whole() {
        let gate = Gate::start(CHEAP, 1, 3, Arc::new(Sevens)).unwrap();
        let full = gate.hash(passwords(4)).await.unwrap_err();
        assert_eq!(full.retry_after_seconds, 1);
        assert_eq!(gate.waiting(), 0);
        assert_eq!(gate.hash(passwords(3)).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn other_work_is_done_on_the_same_threads() {
        let gate = Gate::start(CHEAP, 1, 1, Arc::new(Sevens)).unwrap();
        let name = gate.run(|| std::thread::current().name().map(str::to_owned)).await.unwrap();
        assert_eq!(name.as_deref(), Some("password-0"));
        assert!(gate.run(|| panic!("as work may")).await.is_err());
        assert_eq!(gate.run(|| 7).await, Ok(7), "the thread is still there");
        assert_eq!(gate.waiting(), 0);
    }

    #[test]
    fn a_cost_that_argon2_does_not_allow_is_refused() {
        let error = Gate::start(Cost { memory_kib: 0, ..CHEAP }, 1, 1, Arc::new(Sevens)).err().unwrap();
        assert_eq!(error.to_string(), "Argon2id does not allow 0 KiB, 1 iterations, 1 lanes");
    }
}
