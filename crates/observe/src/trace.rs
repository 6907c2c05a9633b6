//! Traces: where the time of a sampled request went. They are plain values; the program that runs the server sends them
//! somewhere.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::elapsed::stopwatch;

/// Takes finished traces. A request waits for this call.
pub trait Sink: Send + Sync + 'static {
    /// Takes the trace of a request.
    fn take(&self, trace: Trace);
}

/// The trace of one request. It has no personal data, no secrets, no query and no body.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The trace that it belongs to.
    pub trace_id: [u8; 16],
    /// The span of the caller, if the request named one.
    pub parent_id: Option<[u8; 8]>,
    /// The request.
    pub span: Span,
    /// Facts about the request, named as OpenTelemetry names them.
    pub attributes: Vec<(&'static str, Value)>,
    /// Whether the server failed.
    pub is_error: bool,
    /// Its phases, in the order in which they began.
    pub phases: Vec<Span>,
}

/// A named time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its id.
    pub id: [u8; 8],
    /// Its name.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
}

/// A fact about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// A phase of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Signature and quota.
    Auth,
    /// Body, rules and passwords; reads of the store belong to it.
    Rules,
    /// In the queue of the writer.
    StoreWait,
    /// The transaction, with everything that was in it.
    StoreCommit,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Auth => "auth",
            Phase::Rules => "rules",
            Phase::StoreWait => "store.wait",
            Phase::StoreCommit => "store.commit",
        }
    }
}

/// Records the phases of a sampled request. One phase ends where the next begins.
#[derive(Debug)]
pub struct Recorder {
    started: Instant,
    moments: Mutex<Vec<Moment>>,
}

/// The begin of a phase, or of a time that is part of none.
#[derive(Clone, Copy, Debug)]
struct Moment {
    phase: Option<Phase>,
    at: Instant,
}

impl Recorder {
    /// Of a request that began at this time.
    pub fn new(started: Instant) -> Self {
        Self { started, moments: Mutex::default() }
    }

    /// A phase begins now.
    pub fn begin(&self, phase: Phase) {
        self.push(Some(phase), stopwatch());
    }

    /// A write ended now. `ran`: begin and end of its transaction, if it came to one.
    pub fn end_write(&self, ran: Option<(Instant, Instant)>) {
        if let Some((began, ended)) = ran {
            self.push(Some(Phase::StoreCommit), began);
            self.push(None, ended);
        } else {
            self.push(None, stopwatch());
        }
    }

    fn push(&self, phase: Option<Phase>, at: Instant) {
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        // No phase begins before the one before it.
        let at = moments.last().map_or(self.started, |last| last.at).max(at);
        moments.push(Moment { phase, at });
    }

    /// The phases of a request that took so long, with these ids; `start` is when it began. A phase that did not end, ends
    /// with the request.
    pub fn phases(&self, start: Timestamp, took: Duration, mut id: impl FnMut() -> [u8; 8]) -> Vec<Span> {
        let moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let after = |moment: &Moment| moment.at.duration_since(self.started).min(took);
        let ends = moments.iter().skip(1).map(after).chain([took]);
        let phases =
            moments.iter().zip(ends).filter_map(|(moment, end)| Some((moment.phase?, after(moment), end)));
        let span = |(phase, began, ended): (Phase, _, _)| Span {
            id: id(),
            name: phase.name().to_owned(),
            start: later(start, began),
            end: later(start, ended),
        };
        phases.map(span).collect()
    }
}

/// A time so much later.
pub fn later(start: Timestamp, by: Duration) -> Timestamp {
    start.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_each_other_within_the_request() {
        let started = stopwatch();
        let at = |millis| started + Duration::from_millis(millis);
        let recorder = Recorder::new(started);
        recorder.push(Some(Phase::Auth), at(1));
        recorder.push(Some(Phase::Rules), at(3));
        recorder.push(Some(Phase::StoreWait), at(4));
        // The group began before this request saw that it was queued.
        recorder.end_write(Some((at(2), at(8))));
        recorder.push(Some(Phase::Auth), at(9));
        let found = recorder.phases(Timestamp::UNIX_EPOCH, Duration::from_millis(10), || [1; 8]);
        let found: Vec<_> = found
            .iter()
            .map(|span| (span.name.as_str(), span.start.as_millisecond(), span.end.as_millisecond()))
            .collect();
        let expected =
            [("auth", 1, 3), ("rules", 3, 4), ("store.wait", 4, 4), ("store.commit", 4, 8), ("auth", 9, 10)];
        assert_eq!(found, expected);
    }
}
