//! Requests that write: each runs exactly once.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::{Evidence, Pending};
use crate::audit::Actor;
use crate::change::{Change, ChangeError, Changed, Effect};

/// The identity of a request: credential, request id, and a keyed digest of the body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The credential of the request: a binding, or an application of API 2.0.
    pub credential: [u8; 16],
    /// `x-mc-req-id`.
    pub request_id: [u8; 16],
    /// Keyed digest of path and body. Keyed, because a body holds passwords, which could be guessed from a bare hash.
    pub digest: [u8; 32],
}

/// How to treat a reused request id with another body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestIds {
    /// Refuse it: the signature does not cover the body, so a captured one could carry any payload.
    #[default]
    Strict,
    /// Run it as a separate request: working clients sign once and send a whole import with it.
    Compatible,
}

/// Renders the answer from the result of each change. It runs again when the transaction does.
pub type Render = Box<dyn Fn(&[Result<Effect, ChangeError>]) -> Vec<u8> + Send>;

/// A request that writes, judged and ready to be stored.
pub struct Write {
    /// The identity of the request, and the policy for its id; `None` for a request that may run more than once.
    pub once: Option<(RequestKey, RequestIds)>,
    /// The evidence of the judgement.
    pub evidence: Vec<Evidence>,
    /// The actor.
    pub actor: Actor,
    /// The time of the request.
    pub now: Timestamp,
    /// The changes, in order. Each succeeds or fails alone. One that fails because what it rests on has changed
    /// ([`ChangeError::Outdated`]) must be the only one: then the request did not run, like one with stale evidence. So must
    /// one that a limit refuses for now ([`ChangeError::TooManyDeletions`]).
    pub changes: Vec<Change>,
    /// Renders the answer that is stored with the request.
    pub render: Render,
    /// Where the store notes when the transaction ran, for a request whose trace is sampled.
    pub times: Option<Arc<CommitTimes>>,
}

/// When the transaction of a request began and ended, committed or not.
#[derive(Debug, Default)]
pub struct CommitTimes(OnceLock<(Instant, Instant)>);

impl CommitTimes {
    /// Notes begin and end, once.
    pub fn note(&self, began: Instant, ended: Instant) {
        let _ = self.0.set((began, ended));
    }

    /// Begin and end; `None` while it did not run.
    pub fn noted(&self) -> Option<(Instant, Instant)> {
        self.0.get().copied()
    }
}

/// The result of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It ran; this is the rendered answer. The store has forced it to disk.
    Ran(Vec<u8>),
    /// It had run before; this is the answer it got then.
    Repeated(Vec<u8>),
    /// It did not run, because a limit refuses it for now. It may be tried again with the same id.
    NotNow(ChangeError),
    /// The request id was used with another body.
    RequestIdReused,
    /// The evidence no longer holds, or a change is outdated: authenticate and judge again.
    Stale,
}

/// The stored record of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Recalled {
    /// None.
    Unknown,
    /// It ran and got this answer.
    Ran(Vec<u8>),
    /// Its id was used with another body.
    OtherBody,
}

/// Writes.
pub trait RequestStore: Send + Sync + 'static {
    /// The stored record of a request.
    fn recall<'a>(&'a self, request: &'a RequestKey, request_ids: RequestIds) -> Pending<'a, Recalled>;

    /// Writes requests, each exactly once. Durable when it returns.
    fn write(&self, requests: Vec<Write>) -> Pending<'_, Vec<Written>>;

    /// Applies administrative changes: all of them, or none when one fails.
    fn apply(&self, changes: Vec<Change>, actor: Actor, now: Timestamp) -> Pending<'_, Changed>;

    /// Forgets requests that are older than two windows, by the clock and by the newest request; in slices. `window` is
    /// how far a date may be off. Gives the number of forgotten requests.
    fn forget_requests(&self, now: Timestamp, window: SignedDuration) -> Pending<'_, usize>;

    /// The time up to which requests may have been forgotten; `None`: none was. Read together with
    /// [`CallerStore::principal`](super::CallerStore::principal), and at most a second old.
    fn forgotten_up_to(&self) -> Option<Timestamp>;
}
