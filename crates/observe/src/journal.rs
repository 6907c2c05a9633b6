//! The journal: the last requests as received, with their responses. The journals of a sandbox and of test control
//! contain secrets on purpose; that of `serve` is redacted.

mod redact;
mod rest;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroize;

use crate::fault::What;
use crate::line::Line;
use rest::Shared;

/// Most bytes of a body that are examined.
const BODY: usize = 64 << 10;

/// Most bytes of a body that are kept in a journal of thousands of requests.
const BODY_KEPT: usize = 16 << 10;

/// Most bytes of a target, and of all headers together, that are kept.
const HEAD_KEPT: usize = 8 << 10;

/// Requests in the journal of test control.
const LAB: usize = 1_000;

/// A request with its response.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Counted from 1.
    pub number: u64,
    /// Time of arrival by the server's clock.
    pub at: Timestamp,
    /// The client's address and port.
    pub peer: String,
    /// The method.
    pub method: String,
    /// Path and query, as received.
    pub target: String,
    /// Headers, as received.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it was read; invalid UTF-8 is shown as �.
    pub body: String,
    /// The injected faults.
    pub faults: Vec<What>,
    /// HTTP status; none if the response was dropped or is pending.
    pub status: Option<u16>,
    /// The body of the response.
    pub answer: String,
    /// Whether the connection was closed instead of a response.
    pub dropped: bool,
    /// The account code: that of the caller, or of the known application in the request.
    pub account: Option<String>,
    /// The name of the application.
    pub application: Option<String>,
    /// The user's address, or the client id of the application.
    pub caller: Option<String>,
    /// The code of a refused request.
    pub code: Option<&'static str>,
    /// The codes of refused items in an accepted request.
    pub refused_items: Vec<&'static str>,
    /// Its duration in microseconds.
    pub micros: Option<u64>,
    /// The explanation of a refused signature, in a sandbox.
    pub explanation: Option<String>,
}

/// Conditions for entries, all of which must hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Of the account with this code.
    pub account: Option<&'a str>,
    /// Entries without a known account as well.
    pub nobodys: bool,
    /// With this text in target, headers, bodies, code, caller, application or explanation, ignoring case.
    pub text: Option<&'a str>,
    /// With a status of this class: 4 for 400 to 499.
    pub status_class: Option<u16>,
    /// To this path, ignoring the query.
    pub path: Option<&'a str>,
    /// Refused with this code, as a whole or in an item.
    pub code: Option<&'a str>,
    /// Before the entry with this number.
    pub before: Option<u64>,
}

/// The last requests.
pub struct Journal {
    keep: usize,
    redacting: bool,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Arc<Mutex<Recording>>>,
    count: u64,
}

/// An entry that is being recorded.
#[derive(Default)]
struct Recording {
    entry: Entry,
    body: Vec<u8>,
    /// Whether the body was longer than the recorded part.
    went_on: bool,
    ended: bool,
}

/// An entry whose request is still running.
pub struct Open {
    recording: Arc<Mutex<Recording>>,
    redacting: bool,
    content_type: Option<String>,
    /// The possibly unread body; only if it is recorded without redaction.
    rest: Option<Shared>,
}

/// Facts about a finished request.
pub struct Finished<'a> {
    /// Facts collected while it was served.
    pub line: &'a Line,
    /// Its duration.
    pub took: Duration,
    /// The account of the application in the request.
    pub account: Option<String>,
}

impl Journal {
    /// A journal without redaction, for a sandbox or test control.
    pub fn unredacted() -> Self {
        Self { keep: LAB, redacting: false, kept: Mutex::default() }
    }

    /// A redacted journal of at most this many requests.
    pub fn redacting(keep: usize) -> Self {
        Self { keep, redacting: true, kept: Mutex::default() }
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.recordings().iter().map(|recording| self.visible_entry(recording)).collect()
    }

    /// The newest entries that match a filter, at most this many.
    pub fn list(&self, filter: &Filter<'_>, limit: usize) -> Vec<Entry> {
        let recordings = self.recordings();
        let newest_first = recordings.iter().rev();
        let shown = newest_first.map(|recording| self.visible_entry(recording));
        shown.filter(|entry| filter.matches_entry(entry)).take(limit).collect()
    }

    /// An entry by number, if it exists and matches a filter.
    pub fn find(&self, filter: &Filter<'_>, number: u64) -> Option<Entry> {
        let found = self.recording(number)?;
        Some(self.visible_entry(&found)).filter(|entry| filter.matches_entry(entry))
    }

    /// Whether entries are recorded without redaction.
    pub fn is_whole(&self) -> bool {
        !self.redacting
    }

    /// The exact body of a request, if it was recorded completely.
    pub fn body(&self, number: u64) -> Option<Vec<u8>> {
        let found = self.recording(number)?;
        let recording = lock(&found);
        // A client that was refused before it sent the body has sent none.
        let announced = recording.entry.headers.iter().find(|(name, _)| name == CONTENT_LENGTH.as_str());
        let announced = announced.and_then(|(_, length)| length.parse().ok()).unwrap_or(0);
        let is_whole = !self.redacting && !recording.went_on && recording.body.len() >= announced;
        is_whole.then(|| recording.body.clone())
    }

    fn recording(&self, number: u64) -> Option<Arc<Mutex<Recording>>> {
        self.recordings().into_iter().find(|recording| lock(recording).entry.number == number)
    }

    /// Deletes all entries; the next one has number 1.
    pub fn clear(&self) {
        *lock(&self.kept) = Kept::default();
    }

    /// Records a request, and its body while it is read.
    pub fn begin<B>(
        &self,
        request: Request<B>,
        at: Timestamp,
        peer: SocketAddr,
        faults: Vec<What>,
    ) -> (Request<Body>, Open)
    where
        B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let content_type = request.headers().get(CONTENT_TYPE).map(|value| lossy_text(value.as_bytes()));
        let (target, headers) = match (self.redacting, headers(request.headers())) {
            (false, headers) => (target, headers),
            (true, headers) => {
                (truncated_text(redact::target(&target), HEAD_KEPT), first_headers(redact::headers(headers)))
            }
        };
        let method = request.method().to_string();
        let entry = Entry { at, peer: peer.to_string(), method, target, headers, faults, ..Entry::default() };
        let recording = Arc::new(Mutex::new(Recording { entry, ..Recording::default() }));
        self.keep(Arc::clone(&recording));
        let (redacting, reading) = (self.redacting, Arc::clone(&recording));
        let request = request.map(|body| {
            Body::new(body.map_frame(move |frame| {
                if let Some(data) = frame.data_ref() {
                    lock(&reading).read(data);
                }
                frame
            }))
        });
        // The client waits for `100 Continue` and was refused: reading the body would ask for it.
        if redacting || request.headers().contains_key(EXPECT) {
            return (request, Open { recording, redacting, content_type, rest: None });
        }
        let (parts, body) = request.into_parts();
        let body = Shared::new(body);
        let open = Open { recording, redacting, content_type, rest: Some(body.clone()) };
        (Request::from_parts(parts, Body::new(body)), open)
    }

    fn keep(&self, recording: Arc<Mutex<Recording>>) {
        let mut kept = lock(&self.kept);
        kept.count += 1;
        lock(&recording).entry.number = kept.count;
        kept.entries.push_back(recording);
        if kept.entries.len() > self.keep {
            kept.entries.pop_front();
        }
    }

    fn recordings(&self) -> Vec<Arc<Mutex<Recording>>> {
        lock(&self.kept).entries.iter().cloned().collect()
    }

    /// A body that will be redacted is shown only afterwards.
    fn visible_entry(&self, recording: &Mutex<Recording>) -> Entry {
        let recording = lock(recording);
        let mut entry = recording.entry.clone();
        if !self.redacting {
            entry.body = lossy_text(&recording.body);
        }
        entry
    }
}

impl Recording {
    fn read(&mut self, data: &[u8]) {
        // After the response, further data is not recorded.
        if self.ended {
            return;
        }
        let room = BODY.saturating_sub(self.body.len());
        self.went_on |= data.len() > room;
        self.body.extend_from_slice(&data[..data.len().min(room)]);
    }
}

impl Open {
    /// The number of the entry.
    pub fn number(&self) -> u64 {
        lock(&self.recording).entry.number
    }

    /// Reads the rest of the body of a request that was answered early.
    pub async fn read_rest(&mut self) {
        if let Some(rest) = self.rest.take() {
            rest.read_rest(|| !lock(&self.recording).went_on).await;
        }
    }

    /// Records the response.
    pub fn record_answer(self, status: u16, answer: &[u8], finished: Finished<'_>) {
        let mut recording = lock(&self.recording);
        let Recording { entry, body, went_on, .. } = &mut *recording;
        let Finished { line, took, account } = finished;
        entry.status = Some(status);
        if self.redacting {
            let whole = !*went_on;
            entry.body = truncated_text(redact::body(body, whole, self.content_type.as_deref()), BODY_KEPT);
            entry.answer = truncated_text(redact::body(answer, true, None), BODY_KEPT);
        } else {
            entry.answer = lossy_text(&answer[..answer.len().min(BODY)]);
        }
        entry.account = line.account().map(str::to_owned).or(account);
        entry.application = line.application().map(str::to_owned);
        entry.caller = line.caller().map(str::to_owned);
        entry.code = line.code;
        entry.refused_items.clone_from(&line.refused_items);
        entry.micros = Some(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        entry.explanation.clone_from(&line.explanation);
    }

    /// Records that the connection was closed instead of a response.
    pub fn dropped(self) {
        lock(&self.recording).entry.dropped = true;
    }
}

impl Drop for Open {
    /// However a request ended, an unredacted body is not kept.
    fn drop(&mut self) {
        let mut recording = lock(&self.recording);
        recording.ended = true;
        if self.redacting {
            recording.body.zeroize();
        }
    }
}

impl Filter<'_> {
    fn matches_entry(&self, entry: &Entry) -> bool {
        let Filter { account, nobodys, text, status_class, path, code, before } = *self;
        let own_path = wire::signature::canonical_path(entry.target.split('?').next().unwrap_or_default());
        let whose = entry.account.as_deref();
        account.is_none_or(|account| whose.map_or(nobodys, |whose| whose == account))
            && before.is_none_or(|before| entry.number < before)
            && status_class.is_none_or(|class| entry.status.is_some_and(|status| status / 100 == class))
            && path.is_none_or(|path| path == own_path)
            && code.is_none_or(|code| entry.was_refused_with(code))
            && text.is_none_or(|text| entry.contains_text(&text.to_lowercase()))
    }
}

impl Entry {
    fn was_refused_with(&self, code: &str) -> bool {
        self.code.iter().chain(&self.refused_items).any(|given| *given == code)
    }

    fn contains_text(&self, lower: &str) -> bool {
        let Entry { target, body, answer, headers, code, caller, application, explanation, .. } = self;
        let headers = headers.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let maybe = [*code, caller.as_deref(), application.as_deref(), explanation.as_deref()];
        let all =
            [target.as_str(), body, answer].into_iter().chain(headers).chain(maybe.into_iter().flatten());
        all.into_iter().any(|text| text.to_lowercase().contains(lower))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), lossy_text(value.as_bytes()))).collect()
}

/// The first headers, up to the limit in bytes.
fn first_headers(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut room = HEAD_KEPT;
    let mut fits = |(name, value): &(String, String)| {
        let left = room.checked_sub(name.len() + value.len());
        room = left.unwrap_or(0);
        left.is_some()
    };
    headers.into_iter().take_while(|header| fits(header)).collect()
}

fn lossy_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The beginning of a long text, with an ellipsis.
fn truncated_text(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
