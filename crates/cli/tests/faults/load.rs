//! The load: callers that create users and remember the outcome of each request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client::{Client, Clock, SignedHeaders};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::table::stopwatch;

pub(crate) const PATH: &str = "/api/user/create-user";

/// Callers at once, each with a connection.
const CALLERS: usize = 8;

/// Pause after a refused request, in an outage that is long.
const REST: Duration = Duration::from_millis(100);

/// The outcome of a request.
pub(crate) enum Outcome {
    /// It succeeded, with this response.
    Acknowledged(Vec<u8>),
    /// It was refused, with this status.
    Refused(u16),
    /// There was no response, or one that says that the outcome is unknown.
    Unknown,
}

/// A sent request.
pub(crate) struct Sent {
    pub(crate) signed: SignedHeaders,
    pub(crate) body: String,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// A running load.
pub(crate) struct Load {
    callers: Vec<JoinHandle<Vec<Sent>>>,
    stop: Arc<AtomicBool>,
    progress: watch::Receiver<Progress>,
}

/// The number of requests of each outcome.
#[derive(Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    /// The longest time between two acknowledged requests.
    pub(crate) pause: Duration,
    acknowledged_at: Option<Instant>,
}

impl Progress {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Acknowledged(_) => {
                let now = stopwatch();
                self.acknowledged += 1;
                self.pause =
                    self.pause.max(self.acknowledged_at.map_or(Duration::ZERO, |before| now - before));
                self.acknowledged_at = Some(now);
            }
            Outcome::Refused(_) => self.refused += 1,
            Outcome::Unknown => self.unknown += 1,
        }
    }
}

impl Load {
    /// Starts creating users. The name begins their addresses, and must be different for each load.
    pub(crate) fn start(client: &Client, clock: &Clock, name: &str) -> Self {
        Self::start_with(client, clock, name, Duration::ZERO)
    }

    /// The same, with callers that wait after a refusal.
    pub(crate) fn start_resting(client: &Client, clock: &Clock, name: &str) -> Self {
        Self::start_with(client, clock, name, REST)
    }

    fn start_with(client: &Client, clock: &Clock, name: &str, rest: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, progress) = watch::channel(Progress::default());
        // Only the callers hold the sender, so a wait ends with an error when the last of them has ended.
        let counter = Arc::new(counter);
        let callers = (0..CALLERS).map(|caller| {
            let caller = Caller {
                client: client.clone(),
                clock: Arc::clone(clock),
                name: format!("{name}c{caller}"),
                counter: Arc::clone(&counter),
                stop: Arc::clone(&stop),
                rest,
            };
            tokio::spawn(caller.run())
        });
        Self { callers: callers.collect(), stop, progress }
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Waits until this progress is reached.
    pub(crate) async fn wait_until(&self, enough: impl Fn(&Progress) -> bool) -> Progress {
        let mut progress = self.progress.clone();
        *progress.wait_for(|progress| enough(progress)).await.expect("callers go on until they are stopped")
    }

    /// Waits until this many more requests are acknowledged.
    pub(crate) async fn wait_for_acknowledged(&self, more: u64) {
        let enough = self.progress().acknowledged + more;
        self.wait_until(|progress| progress.acknowledged >= enough).await;
    }

    /// Stops each caller after its last response.
    pub(crate) async fn finish(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = Vec::new();
        for caller in self.callers {
            sent.extend(caller.await.unwrap());
        }
        sent
    }
}

struct Caller {
    client: Client,
    clock: Clock,
    name: String,
    counter: Arc<watch::Sender<Progress>>,
    stop: Arc<AtomicBool>,
    rest: Duration,
}

impl Caller {
    /// Sends until it is stopped or the server is gone.
    async fn run(self) -> Vec<Sent> {
        let mut sent = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let body = self.body(sent.len());
            let signed =
                self.client.signer().unwrap().sign(PATH, (self.clock)(), &client::random_request_id());
            let began = stopwatch();
            let answer = self.client.send(PATH, &signed, body.clone().into_bytes()).await;
            let took = began.elapsed();
            let gone = answer.is_err();
            let outcome = match answer {
                Ok(answer) => outcome(answer.status, answer.body),
                Err(error) => {
                    println!("{}: {error:?}", self.name);
                    Outcome::Unknown
                }
            };
            self.counter.send_modify(|progress| progress.count(&outcome));
            let refused = matches!(outcome, Outcome::Refused(_));
            sent.push(Sent { signed, body, outcome, took });
            if gone {
                break;
            }
            if refused && !self.rest.is_zero() {
                #[expect(clippy::disallowed_methods, reason = "a caller that may try again later")]
                tokio::time::sleep(self.rest).await;
            }
        }
        sent
    }

    /// One user per request; in every third request three users, one of which exists already.
    fn body(&self, n: usize) -> String {
        let names = match n % 3 {
            2 => vec![format!("{n}a"), format!("{}", n - 1), format!("{n}b")],
            _ => vec![n.to_string()],
        };
        let user = |name: &String| format!(r#"{{"emailAddress":"{}n{name}@example.com"}}"#, self.name);
        format!(r#"{{"data":[{}]}}"#, names.iter().map(user).collect::<Vec<_>>().join(","))
    }
}

fn outcome(status: u16, body: Vec<u8>) -> Outcome {
    let text = String::from_utf8_lossy(&body);
    match status {
        200 => Outcome::Acknowledged(body),
        503 if text.contains("may or may not") => Outcome::Unknown,
        // A response with an unknown outcome must give the reason.
        401 | 503 if text.contains("\"code\":\"err_xdk_") => Outcome::Refused(status),
        _ => panic!("{status}: {text}"),
    }
}
