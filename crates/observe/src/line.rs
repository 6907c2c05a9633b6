//! Facts about a request that are not visible from outside: for its log line, the counts and the journal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use directory::Sender;
use directory::port::CommitTimes;

use crate::trace::{Phase, Recorder};

/// Facts about a request that are not visible from outside.
#[derive(Clone, Default)]
pub struct Line {
    /// The path of the endpoint, as declared.
    pub route: Option<&'static str>,
    /// The code of a refused request.
    pub code: Option<&'static str>,
    /// The private cause of a refusal. Never shown to the caller.
    pub why: Option<String>,
    /// Whether the cause of a refused signature is being looked for, and counted then.
    pub is_examined: bool,
    /// Why a sandbox refused the signature.
    pub explanation: Option<String>,
    /// The sender with a valid signature or token.
    pub sender: Option<Sender>,
    /// The claimed caller before authentication: a user name and an application id.
    pub claimed: Option<(String, String)>,
    /// The codes of refused items in a response with status 200.
    pub refused_items: Vec<&'static str>,
    /// Used part of the sender's quota, in thousandths of the limit.
    pub drawn_per_mille: u16,
    /// The request id, as the caller sent it.
    pub request_id: Option<String>,
    /// Items of the request.
    pub items: usize,
    /// Fields of the items that were ignored although their name is almost right, and the field that was meant.
    pub near_misses: BTreeMap<String, &'static str>,
    /// Whether the response is that of an earlier request with the same id.
    pub repeated: bool,
    /// Time spent in the store.
    pub store: Duration,
    /// Records the phases of a request whose trace is sampled.
    pub trace: Option<Arc<Recorder>>,
}

impl Line {
    /// Records the sender and the used part of its quota, in thousandths of the limit.
    pub fn sent_by(&mut self, sender: Option<Sender>, drawn_per_mille: u16) {
        self.drawn_per_mille = sender.as_ref().map_or(0, |_| drawn_per_mille);
        self.sender = sender;
    }

    /// Where the store notes the times of a write, if the trace of the request is sampled.
    pub fn commit_times(&self) -> Option<Arc<CommitTimes>> {
        self.trace.as_ref().map(|_| Arc::default())
    }

    /// Records that a phase of the request begins, if its trace is sampled.
    pub fn begin(&self, phase: Phase) {
        if let Some(trace) = &self.trace {
            trace.begin(phase);
        }
    }

    /// The name of the caller, known or claimed.
    pub fn caller(&self) -> Option<&str> {
        let claimed = self.claimed.as_ref().map(|(name, _)| name.as_str());
        self.sender.as_ref().map(Sender::name).or(claimed)
    }

    /// The account code of a known caller.
    pub fn account(&self) -> Option<&str> {
        self.sender.as_ref().map(|sender| sender.account().code.as_str())
    }

    /// The application, known or claimed.
    pub fn application(&self) -> Option<&str> {
        let claimed = self.claimed.as_ref().map(|(_, application)| application.as_str());
        self.sender.as_ref().map(Sender::application).or(claimed)
    }
}
