//! Group commit: requests that arrive while a commit is being forced to disk share the next one, so that one forced write
//! serves all of them.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use directory::port::{StoreError, WriterFigures};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::figures::Counts;
use crate::session::{Error, Kind, Result};
use crate::tables::batch::Batch;
use crate::tables::work::{Payload, Work};

/// Writes that may wait. A longer queue means that the store can't keep up, so further ones are refused.
const QUEUE: usize = 16_384;

/// Rows in one transaction: bounds how long a single write waits for others.
const GROUP: usize = 2_048;

/// A piece of work in the queue, with its result once it ran.
pub(crate) struct Task<P: Payload> {
    pub(crate) payload: P,
    output: Option<P::Output>,
    reply: Option<oneshot::Sender<std::result::Result<P::Output, StoreError>>>,
}

impl<P: Payload> Task<P> {
    /// Keeps the result until the transaction is committed; a second run replaces it.
    pub(crate) fn set_output(&mut self, output: P::Output) {
        self.output = Some(output);
    }
}

/// An entry of the queue.
pub(crate) trait Queued: Send + 'static {
    fn size(&self) -> usize;

    /// Notes when its transaction began and ended, if somebody asked.
    fn note_times(&self, began: Instant, ended: Instant);

    /// Sends the result: it is durable. The receiver may be gone.
    fn succeed(&mut self);

    /// Sends an error: nothing was written.
    fn fail(&mut self, error: StoreError);
}

/// An entry of the queue that runs in a batch.
pub(crate) trait Job: Queued {
    fn is_repeatable(&self) -> bool;
    fn may_remove(&self) -> bool;
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<()>;
}

impl<P: Payload> Queued for Task<P> {
    fn size(&self) -> usize {
        self.payload.size()
    }

    fn note_times(&self, began: Instant, ended: Instant) {
        self.payload.note_times(began, ended);
    }

    fn succeed(&mut self) {
        if let (Some(reply), Some(output)) = (self.reply.take(), self.output.take()) {
            let _ = reply.send(Ok(output));
        }
    }

    fn fail(&mut self, error: StoreError) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(Err(error));
        }
    }
}

impl<W: Work> Job for Task<W> {
    fn is_repeatable(&self) -> bool {
        self.payload.is_repeatable()
    }

    fn may_remove(&self) -> bool {
        self.payload.may_remove()
    }

    fn run(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        let output = self.payload.run(batch)?;
        self.set_output(output);
        Ok(())
    }
}

impl Queued for Box<dyn Job> {
    fn size(&self) -> usize {
        (**self).size()
    }

    fn note_times(&self, began: Instant, ended: Instant) {
        (**self).note_times(began, ended);
    }

    fn succeed(&mut self) {
        (**self).succeed();
    }

    fn fail(&mut self, error: StoreError) {
        (**self).fail(error);
    }
}

impl<W: Work> From<Task<W>> for Box<dyn Job> {
    fn from(task: Task<W>) -> Self {
        Box::new(task)
    }
}

/// A thread of an engine that writes a group of work: all of it in one transaction, or nothing.
pub(crate) trait Commit: Send + 'static {
    type Queued: Queued;

    fn commit(&mut self, group: &mut [Self::Queued]) -> Result<()>;

    /// Runs before the first group.
    fn prepare(&mut self) {}

    /// Runs after the results of a group were sent.
    fn tidy_up(&mut self) {}
}

/// Threads that write, and their common queue. Dropping it lets them finish the queue, and waits for that.
pub(crate) struct Writer<Q> {
    name: &'static str,
    counts: Arc<Counts>,
    queue: Option<Sender<Q>>,
    threads: Vec<JoinHandle<()>>,
}

impl<Q: Queued> Writer<Q> {
    pub(crate) fn start<C: Commit<Queued = Q>>(
        name: &'static str,
        lanes: impl IntoIterator<Item = C>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = crossbeam_channel::bounded(QUEUE);
        let mut writer = Self { name, counts: Arc::default(), queue: Some(queue), threads: Vec::new() };
        let results = Results::start();
        for lane in lanes {
            let (jobs, results, counts) = (jobs.clone(), results.clone(), Arc::clone(&writer.counts));
            let thread = std::thread::Builder::new().name(name.to_owned());
            writer.threads.push(thread.spawn(move || serve(lane, &jobs, &results, &counts))?);
        }
        Ok(writer)
    }

    /// Its counts since the start.
    pub(crate) fn figures(&self) -> WriterFigures {
        self.counts.figures(self.name, self.queue.as_ref().map_or(0, Sender::len))
    }

    /// Queues work and waits until it is durable.
    pub(crate) async fn run<P: Payload>(&self, payload: P) -> std::result::Result<P::Output, StoreError>
    where
        Task<P>: Into<Q>,
    {
        let (reply, output) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        let task = Task { payload, output: None, reply: Some(reply) };
        queue.try_send(task.into()).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        output.await.map_err(|_| stopped())?
    }
}

impl<Q> Drop for Writer<Q> {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A panic of the thread was logged when it happened.
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::failed("the writer has stopped")
}

/// Sends the results of a group from a task of the runtime: one wake-up from the writer's thread instead of one for each
/// request, and memory is freed where it was allocated. Without a runtime the writer's thread sends them.
struct Results<Q>(Option<mpsc::UnboundedSender<Vec<Q>>>);

impl<Q> Clone for Results<Q> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: Queued> Results<Q> {
    fn start() -> Self {
        Self(Handle::try_current().ok().map(|runtime| {
            let (groups, mut written) = mpsc::unbounded_channel::<Vec<Q>>();
            runtime.spawn(async move {
                while let Some(mut group) = written.recv().await {
                    group.iter_mut().for_each(Queued::succeed);
                }
            });
            groups
        }))
    }

    fn send(&self, group: Vec<Q>) {
        let left = match &self.0 {
            Some(groups) => groups.send(group).err().map(|error| error.0),
            None => Some(group),
        };
        // The runtime has ended.
        if let Some(mut group) = left {
            group.iter_mut().for_each(Queued::succeed);
        }
    }
}

fn serve<C: Commit>(mut lane: C, jobs: &Receiver<C::Queued>, results: &Results<C::Queued>, counts: &Counts) {
    #[expect(clippy::disallowed_methods, reason = "elapsed time, for the metrics")]
    let now = Instant::now;
    lane.prepare();
    while let Ok(first) = jobs.recv() {
        let mut size = first.size();
        let mut group = vec![first];
        while size < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            size += job.size();
            group.push(job);
        }
        let began = now();
        let committed = lane.commit(&mut group);
        let ended = now();
        group.iter().for_each(|job| job.note_times(began, ended));
        match committed {
            Ok(()) => {
                counts.committed(group.len(), ended.duration_since(began));
                results.send(group);
                lane.tidy_up();
            }
            Err(error) => {
                counts.failed();
                // These are reported separately, and once.
                if !matches!(error.kind, Kind::Lost | Kind::Unprotected) {
                    tracing::error!(%error, writes = group.len(), "a transaction failed");
                }
                let Error { kind, retry_after_seconds, source } = error;
                let cause = source.to_string();
                for job in &mut group {
                    let error = Error { retry_after_seconds, ..Error::new(kind, cause.clone()) };
                    job.fail(error.into());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::work::Ping;

    type Reply = oneshot::Receiver<std::result::Result<(), StoreError>>;

    fn written() -> (Task<Ping>, Reply) {
        let (reply, output) = oneshot::channel();
        (Task { payload: Ping, output: Some(()), reply: Some(reply) }, output)
    }

    #[test]
    fn results_arrive_with_a_runtime_without_one_and_after_its_end() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let without = Results::start();
        let (task, output) = written();
        without.send(vec![task]);
        assert!(output.blocking_recv().unwrap().is_ok());

        let first = runtime();
        let within = first.block_on(async { Results::start() });
        let (task, output) = written();
        within.send(vec![task]);
        assert!(first.block_on(output).unwrap().is_ok());
        drop(first);
        let (task, output) = written();
        within.clone().send(vec![task]);
        assert!(runtime().block_on(output).unwrap().is_ok());
    }
}
