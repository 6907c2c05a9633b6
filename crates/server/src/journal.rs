//! The journal: every request as it was received, and what was answered. It holds secrets: that is what it is for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Serialize;

use super::fault::What;
use super::lock;

/// Requests that are kept.
const KEPT: usize = 1_000;

/// As much of a body is kept.
const BODY: usize = 64 << 10;

/// A request, and what was answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Counted from 1.
    pub number: u64,
    /// The method.
    pub method: String,
    /// Path and query, as received.
    pub target: String,
    /// Headers, as received.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it was read; bytes that are no UTF-8 are shown as �.
    pub body: String,
    /// What happened to it on purpose.
    pub faults: Vec<What>,
    /// HTTP status; none where the answer was dropped or is still to come.
    pub status: Option<u16>,
    /// The body of the answer.
    pub answer: String,
    /// Whether the connection ended in place of an answer.
    pub dropped: bool,
}

#[derive(Default)]
pub(super) struct Journal {
    entries: VecDeque<Arc<Mutex<Recording>>>,
    count: u64,
}

/// An entry while it is written.
#[derive(Default)]
pub(super) struct Recording {
    entry: Entry,
    body: Vec<u8>,
}

/// The end of a request.
pub(super) struct Open(Arc<Mutex<Recording>>);

impl Journal {
    pub(super) fn entries(&self) -> Vec<Entry> {
        let shown = |recording: &Arc<Mutex<Recording>>| {
            let recording = lock(recording);
            Entry { body: text(&recording.body), ..recording.entry.clone() }
        };
        self.entries.iter().map(shown).collect()
    }

    /// Writes down a request, and its body while it is read.
    pub(super) fn begin(&mut self, request: Request<Incoming>, faults: Vec<What>) -> (Request<Body>, Open) {
        self.count += 1;
        let entry = Entry {
            number: self.count,
            method: request.method().to_string(),
            target: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: headers(request.headers()),
            faults,
            ..Entry::default()
        };
        let recording = Arc::new(Mutex::new(Recording { entry, body: Vec::new() }));
        self.entries.push_back(Arc::clone(&recording));
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
        let open = Open(Arc::clone(&recording));
        let request = request.map(|body| {
            Body::new(body.map_frame(move |frame| {
                if let Some(data) = frame.data_ref() {
                    let body = &mut lock(&recording).body;
                    let room = BODY.saturating_sub(body.len());
                    body.extend_from_slice(&data[..data.len().min(room)]);
                }
                frame
            }))
        });
        (request, open)
    }
}

impl Open {
    pub(super) fn answered(self, status: u16, body: &[u8]) {
        let entry = &mut lock(&self.0).entry;
        entry.status = Some(status);
        entry.answer = text(&body[..body.len().min(BODY)]);
    }

    pub(super) fn dropped(self) {
        lock(&self.0).entry.dropped = true;
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
