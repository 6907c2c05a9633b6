//! Threads that hash, and the bounded queue before them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::Params;
use crossbeam_channel::{Receiver, Sender};
use tokio::sync::oneshot;

use super::hash::Hasher;
use super::{HasherError, HasherFull};

/// A job of a hashing thread. It sends its own reply.
type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

/// Threads, and what waits for them.
pub(super) struct Lane {
    queue: Sender<Job>,
    threads: usize,
    limit: usize,
    pub(super) load: Arc<Load>,
}

#[derive(Default)]
pub(super) struct Load {
    waiting: AtomicUsize,
    /// How long the latest hash took.
    pub(super) micros: AtomicU64,
}

/// A place among those who wait, given back when dropped: also when the work panics, or is left undone.
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
            // A machine that can't start a thread now has no room for the memory of a hash either.
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

    /// There is room: it was reserved. Work is left undone when its caller gave up; work that panics sends no reply.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let place = Place(Arc::clone(&self.load));
        let (reply, done) = oneshot::channel();
        let job: Job = Box::new(move |hasher| {
            // Dropped in reverse order, also on a panic: the place is free before the receiver learns of the end.
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
        // The thread survives a panicking job; the receiver learns that there is no reply.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut hasher))).is_err() {
            tracing::error!("work on a hashing thread panicked");
        }
    }
}
