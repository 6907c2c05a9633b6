//! The journal: the last requests as they were received, and what was answered. That of a sandbox or test control holds
//! secrets, which is what it is for; of that of `serve` they are left out.

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

/// As much of a body is looked at.
const BODY: usize = 64 << 10;

/// As much of one is kept where thousands of requests may be, each for a long time.
const BODY_KEPT: usize = 16 << 10;

/// As much of a target, and of all headers together.
const HEAD_KEPT: usize = 8 << 10;

/// Requests that test control keeps.
const LAB: usize = 1_000;

/// A request, and what was answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Counted from 1.
    pub number: u64,
    /// When it came, by the server's clock.
    pub at: Timestamp,
    /// Where it came from: address and port.
    pub peer: String,
    /// The method.
    pub method: String,
    /// Path and query, as received.
    pub target: String,
    /// Headers, as received.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it was read; bytes that are no UTF-8 are shown as �.
    pub body: String,
    /// The injected faults.
    pub faults: Vec<What>,
    /// HTTP status; none where the answer was dropped or is still to come.
    pub status: Option<u16>,
    /// The body of the answer.
    pub answer: String,
    /// Whether the connection ended in place of an answer.
    pub dropped: bool,
    /// The code of the account whose request it is: of the caller, or of the known application that the request names.
    pub account: Option<String>,
    /// The name of the application.
    pub application: Option<String>,
    /// The address of the user, or the client id of the application.
    pub caller: Option<String>,
    /// The code with which it was refused as a whole.
    pub code: Option<&'static str>,
    /// The codes of items that were refused in a request that was not.
    pub refused_items: Vec<&'static str>,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
    /// Why it was refused, where a sandbox says so.
    pub explanation: Option<String>,
}

/// Which entries are asked for: those for which all holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Of the account with this code.
    pub account: Option<&'a str>,
    /// And of nobody: nothing tells whose these are.
    pub nobodys: bool,
    /// With this text somewhere in target, headers, bodies, code, caller, application or explanation, in capitals or not.
    pub text: Option<&'a str>,
    /// With a status of these hundreds: 4 for 400 to 499.
    pub status_class: Option<u16>,
    /// To this path, whatever the query.
    pub path: Option<&'a str>,
    /// Refused with this code, as a whole or in an item.
    pub code: Option<&'a str>,
    /// Older than the entry of this number.
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

/// An entry while it is written.
#[derive(Default)]
struct Recording {
    entry: Entry,
    body: Vec<u8>,
    /// Whether the body went on.
    went_on: bool,
    ended: bool,
}

/// The end of a request.
pub struct Open {
    recording: Arc<Mutex<Recording>>,
    redacting: bool,
    content_type: Option<String>,
    /// What nobody may have read yet; only where it would be kept as it is.
    rest: Option<Shared>,
}

/// What is known of a request when it is over, beside the answer.
pub struct Over<'a> {
    /// Facts learnt while it was served.
    pub line: &'a Line,
    /// How long it took.
    pub took: Duration,
    /// The account of the application that the request names.
    pub account: Option<String>,
}

impl Journal {
    /// Of a sandbox or test control: nothing is left out.
    pub fn whole() -> Self {
        Self { keep: LAB, redacting: false, kept: Mutex::default() }
    }

    /// Of so many requests, without secrets.
    pub fn redacting(keep: usize) -> Self {
        Self { keep, redacting: true, kept: Mutex::default() }
    }

    /// All that is kept, the oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.recordings().iter().map(|recording| self.visible_entry(recording)).collect()
    }

    /// Those that pass a filter, the newest first, at most so many.
    pub fn list(&self, filter: &Filter<'_>, limit: usize) -> Vec<Entry> {
        let recordings = self.recordings();
        let newest_first = recordings.iter().rev();
        let shown = newest_first.map(|recording| self.visible_entry(recording));
        shown.filter(|entry| filter.matches_entry(entry)).take(limit).collect()
    }

    /// An entry by its number, if it is kept and passes a filter.
    pub fn find(&self, filter: &Filter<'_>, number: u64) -> Option<Entry> {
        let found = self.recording(number)?;
        Some(self.visible_entry(&found)).filter(|entry| filter.matches_entry(entry))
    }

    /// Whether entries are kept as they came, secrets and all.
    pub fn is_whole(&self) -> bool {
        !self.redacting
    }

    /// The body of a request byte for byte, where nothing of it was left out.
    pub fn body(&self, number: u64) -> Option<Vec<u8>> {
        let found = self.recording(number)?;
        let recording = lock(&found);
        // Who was refused before the body was sent has sent none.
        let announced = recording.entry.headers.iter().find(|(name, _)| name == CONTENT_LENGTH.as_str());
        let announced = announced.and_then(|(_, length)| length.parse().ok()).unwrap_or(0);
        let is_whole = !self.redacting && !recording.went_on && recording.body.len() >= announced;
        is_whole.then(|| recording.body.clone())
    }

    fn recording(&self, number: u64) -> Option<Arc<Mutex<Recording>>> {
        self.recordings().into_iter().find(|recording| lock(recording).entry.number == number)
    }

    /// Forgets all; the next entry is number 1.
    pub fn clear(&self) {
        *lock(&self.kept) = Kept::default();
    }

    /// Writes down a request, and its body while it is read.
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
        // Who asks for leave to send a body is given none by being refused: to read it would give leave.
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

    /// What is to be redacted is shown when it was.
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
        // Of a request that was answered, the rest of the body is of no use to anybody.
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

    /// Reads what is left of the body of a request that was answered without it.
    pub async fn read_rest(&mut self) {
        if let Some(rest) = self.rest.take() {
            rest.read_rest(|| !lock(&self.recording).went_on).await;
        }
    }

    /// Records the answer.
    pub fn answered(self, status: u16, answer: &[u8], over: Over<'_>) {
        let mut recording = lock(&self.recording);
        let Recording { entry, body, went_on, .. } = &mut *recording;
        let Over { line, took, account } = over;
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

    /// Records that the connection ended in place of an answer.
    pub fn dropped(self) {
        lock(&self.recording).entry.dropped = true;
    }
}

impl Drop for Open {
    /// However a request ended: what was not redacted is not kept.
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

/// The first of many or long headers.
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

/// The beginning of a long text.
fn truncated_text(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
