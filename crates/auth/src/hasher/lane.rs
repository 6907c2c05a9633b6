//! Hashing threads and their bounded queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::Params;
use crossbeam_channel::{Receiver, Sender};
use tokio::sync::oneshot;

use super::hash::Hasher;
use super::{HasherError, HasherFull};

/// A job of a hashing thread. It sends the reply itself.
type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

/// Threads with their queue.
pub(super) struct Lane {
    queue: Sender<Job>,
    threads: usize,
    limit: usize,
    pub(super) load: Arc<Load>,
}

#[derive(Default)]
pub(super) struct Load {
    waiting: AtomicUsize,
    /// The duration of the latest hash.
    pub(super) micros: AtomicU64,
}

/// A reserved place in the queue. Dropping it frees the place, even if the work panics or is skipped.
struct Place(Arc<Load>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Lane {
    pub(super) fn start(name: &str, params: &Params, threads: usize, limit: usize) -> Self {
        let (queue, jobs) = crossbeam_channel::bounded(limit);
        let load = Arc::new(Load::default());
        for number in 0..threads {
            let (params, jobs, load) = (params.clone(), jobs.clone(), Arc::clone(&load));
            let thread = std::thread::Builder::new().name(format!("{name}-{number}"));
            // A machine that cannot start a thread lacks the memory for a hash as well.
            if let Err(error) = thread.spawn(move || serve(params, load, &jobs)) {
                tracing::error!(%error, "could not start a hashing thread");
            }
        }
        Self { queue, threads, limit, load }
    }

    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<T, HasherError> {
        self.reserve(1)?;
        self.queue(work).await.map_err(|_| HasherError::Broken)
    }

    pub(super) fn reserve(&self, count: usize) -> Result<(), HasherFull> {
        let room = |waiting: usize| waiting.checked_add(count).filter(|sum| *sum <= self.limit);
        let reserved = self.load.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, room);
        reserved.map(|_| ()).map_err(|waiting| self.full(waiting))
    }

    /// Queues work for a reserved place. Work is skipped when its caller gave up; work that panics sends no reply.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let place = Place(Arc::clone(&self.load));
        let (reply, done) = oneshot::channel();
        let job: Job = Box::new(move |hasher| {
            // Dropped in reverse order, also on a panic: the place is free before the receiver learns the result.
            let (reply, place) = (reply, place);
            let result = (!reply.is_closed()).then(|| work(hasher));
            drop(place);
            if let Some(result) = result {
                // The receiver may be gone.
                let _ = reply.send(result);
            }
        });
        // Without running threads, dropping the job closes the reply channel.
        let _ = self.queue.try_send(job);
        done
    }

    pub(super) fn waiting(&self) -> usize {
        self.load.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    fn full(&self, waiting: usize) -> HasherFull {
        let micros = self.load.micros.load(Ordering::Relaxed).max(1_000);
        let all = micros.saturating_mul(waiting as u64) / self.threads as u64;
        HasherFull { retry_after_seconds: all.div_ceil(1_000_000).clamp(1, 60) }
    }
}

/// The `nice` value of hashing threads: requests without a password run first, but hashing still progresses on a busy
/// machine.
const NICE: i32 = 10;

fn serve(params: Params, load: Arc<Load>, jobs: &Receiver<Job>) {
    // Linux sets the priority of a thread. On failure hashing continues at normal priority.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "the hashing threads run at normal priority");
    }
    let mut hasher = Hasher::new(params, load);
    for job in jobs {
        // The thread survives a panicking job; the receiver sees a closed channel.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut hasher))).is_err() {
            tracing::error!("work on a hashing thread panicked");
        }
    }
}
