//! The load: callers who create users and remember what became of each request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use client::{Client, Clock, SignedHeaders};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const PATH: &str = "/api/user/create-user";

/// Callers at once, each with a connection.
const CALLERS: usize = 8;

/// What became of a request.
pub(crate) enum Outcome {
    /// It was carried out; the answer.
    Acknowledged(Vec<u8>),
    /// It was not; the status.
    Refused(u16),
    /// There was no answer, or one that says just this.
    Unknown,
}

/// A request that was sent.
pub(crate) struct Sent {
    pub(crate) signed: SignedHeaders,
    pub(crate) body: String,
    pub(crate) outcome: Outcome,
}

/// Load that is under way.
pub(crate) struct Load {
    callers: Vec<JoinHandle<Vec<Sent>>>,
    stop: Arc<AtomicBool>,
    progress: watch::Receiver<Progress>,
}

/// How many requests there were of each kind so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
}

impl Load {
    /// Starts creating users whose addresses begin with a name that no other load has.
    pub(crate) fn start(client: &Client, clock: &Clock, name: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, progress) = watch::channel(Progress::default());
        // The callers alone hold the counter: when the last of them is gone, nobody waits for it in vain.
        let counter = Arc::new(counter);
        let callers = (0..CALLERS).map(|caller| {
            let caller = Caller {
                client: client.clone(),
                clock: Arc::clone(clock),
                name: format!("{name}c{caller}"),
                counter: Arc::clone(&counter),
                stop: Arc::clone(&stop),
            };
            tokio::spawn(caller.run())
        });
        Self { callers: callers.collect(), stop, progress }
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Waits until it is as far.
    pub(crate) async fn wait_until(&self, enough: impl Fn(&Progress) -> bool) -> Progress {
        let mut progress = self.progress.clone();
        *progress.wait_for(|progress| enough(progress)).await.expect("callers go on until they are stopped")
    }

    /// Waits until so many more are acknowledged.
    pub(crate) async fn wait_for_acknowledged(&self, more: u64) {
        let enough = self.progress().acknowledged + more;
        self.wait_until(|progress| progress.acknowledged >= enough).await;
    }

    /// Lets each caller wait for its last answer, and stops.
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
}

impl Caller {
    /// Sends until it is stopped or the server is gone.
    async fn run(self) -> Vec<Sent> {
        let mut sent = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let body = self.body(sent.len());
            let signed =
                self.client.signer().unwrap().sign(PATH, (self.clock)(), &client::random_request_id());
            let answer = self.client.send(PATH, &signed, body.clone().into_bytes()).await;
            let gone = answer.is_err();
            let outcome = match answer {
                Ok(answer) => outcome(answer.status, answer.body),
                Err(error) => {
                    println!("{}: {error:?}", self.name);
                    Outcome::Unknown
                }
            };
            self.counter.send_modify(|progress| match outcome {
                Outcome::Acknowledged(_) => progress.acknowledged += 1,
                Outcome::Refused(_) => progress.refused += 1,
                Outcome::Unknown => progress.unknown += 1,
            });
            sent.push(Sent { signed, body, outcome });
            if gone {
                break;
            }
        }
        sent
    }

    /// One user in most requests; three in every third, one of whom should be there by then.
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
        // Why, must be said.
        401 | 503 if text.contains("\"code\":\"err_xdk_") => Outcome::Refused(status),
        _ => panic!("{status}: {text}"),
    }
}
