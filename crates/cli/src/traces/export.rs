//! Sends traces in batches from a task. No request waits for it: what does not fit into the queue, or cannot be sent, is
//! dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use prost::Message as _;
use reqwest::header::CONTENT_TYPE;
use server::Server;
use server::trace::{Sink, Trace};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::otlp;

/// Traces that may wait: some megabytes.
const QUEUE: usize = 4_096;

/// Traces in one request.
const BATCH: usize = 512;

/// Time between two batches.
const DELAY: Duration = Duration::from_secs(1);

/// Longest duration of a request to the collector.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a stop waits for the collector.
const STOP: Duration = Duration::from_secs(5);

/// The task that sends.
pub(super) struct Exporter {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    lost: Arc<Lost>,
}

/// The traces that were dropped.
#[derive(Default)]
struct Lost(AtomicU64);

impl Lost {
    /// Counts dropped traces. Only the first are logged: nothing is wrong with the requests.
    fn add(&self, traces: usize, why: impl FnOnce() -> String) {
        if self.0.fetch_add(traces as u64, Ordering::Relaxed) == 0 {
            tracing::warn!(cause = why(), "traces are dropped; the total is logged at the stop");
        }
    }
}

/// The side of the requests.
struct Queue {
    traces: Sender<Trace>,
    lost: Arc<Lost>,
}

impl Sink for Queue {
    fn take(&self, trace: Trace) {
        if self.traces.try_send(trace).is_err() {
            self.lost.add(1, || format!("{QUEUE} are waiting for the collector"));
        }
    }
}

impl Exporter {
    /// Takes the traces of a server, and sends them.
    pub(super) fn start(server: &Server, settings: &server::config::Traces) -> anyhow::Result<Self> {
        let mut http =
            reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        if settings.endpoint.starts_with("http://") {
            // A small system has no certificates, and setting up TLS would fail.
            http = http.tls_certs_only([]);
        }
        let endpoint = reqwest::Url::parse(&settings.endpoint).context("traces.endpoint")?;
        let http = http.build().context("can't set up the client for traces.endpoint")?;
        let (traces, queued) = mpsc::channel(QUEUE);
        let (stop, stopped) = oneshot::channel();
        let lost = Arc::new(Lost::default());
        server.set_traces(Arc::new(Queue { traces, lost: Arc::clone(&lost) }), settings.sample);
        let collector = Collector { http, endpoint, lost: Arc::clone(&lost) };
        Ok(Self { stop, task: tokio::spawn(collector.serve(queued, stopped)), lost })
    }

    /// Sends what is left, for a limited time.
    pub(super) async fn stop(mut self) {
        // The task cannot have ended before.
        let _ = self.stop.send(());
        if tokio::time::timeout(STOP, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::warn!(seconds = STOP.as_secs(), "the collector did not take the last traces in time");
        }
        let dropped = self.lost.0.load(Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(dropped, "traces were dropped");
        }
    }
}

/// Where traces are sent.
struct Collector {
    http: reqwest::Client,
    endpoint: reqwest::Url,
    lost: Arc<Lost>,
}

impl Collector {
    async fn serve(self, mut queued: Receiver<Trace>, mut stopped: oneshot::Receiver<()>) {
        let mut due = tokio::time::interval(DELAY);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut stopping = false;
        while !stopping {
            tokio::select! {
                _ = due.tick() => {}
                _ = &mut stopped => {
                    stopping = true;
                    queued.close();
                }
            }
            while let Some(batch) = next_batch(&mut queued) {
                self.send(&batch).await;
            }
        }
    }

    /// Sends a batch once: traces are worth no memory for a collector that is away.
    async fn send(&self, batch: &[Trace]) {
        let body = otlp::request(batch).encode_to_vec();
        let request = self.http.post(self.endpoint.clone());
        let sent = request.header(CONTENT_TYPE, "application/x-protobuf").body(body).send().await;
        // The URL may have a password.
        if let Err(error) = sent.and_then(reqwest::Response::error_for_status) {
            self.lost.add(batch.len(), || format!("{:#}", anyhow::Error::from(error.without_url())));
        }
    }
}

/// Those that wait now; `None` if there are none.
fn next_batch(queued: &mut Receiver<Trace>) -> Option<Vec<Trace>> {
    let mut batch = Vec::new();
    while batch.len() < BATCH
        && let Ok(trace) = queued.try_recv()
    {
        batch.push(trace);
    }
    (!batch.is_empty()).then_some(batch)
}
