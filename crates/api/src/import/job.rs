//! An import job: its rows with their results, and the remaining work.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use directory::AccountId;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use uuid::Uuid;
use wire::body::RequestBody;
use wire::create_user::{Created, Item};
use wire::header::RequestId;
use wire::import::{Entry, Use};
use wire::users::Alias;
use wire::{Answer, Code, Error, Failure};
use zeroize::Zeroizing;

use super::read::{ParsedFile, Report};
use super::row::{Row, RowOutcome, RowStatus, slice_rows};

/// Rows per request to check-user and to create-user.
const CHECKED_AT_ONCE: usize = 500;
const CREATED_AT_ONCE: usize = 100;

/// Refused rows that are kept of a finished job of import-users.
pub const KEPT: usize = 100;

/// The stage of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A person must choose the columns first.
    Columns,
    /// The rows are being checked.
    Checking,
    /// A person must start the creation.
    Checked,
    /// The users are being created.
    Creating,
    /// All rows have their result.
    Done,
}

/// The progress of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Whether workers are running.
    pub running: bool,
    /// Rows of the file.
    pub rows: usize,
    /// Rows that can be created.
    pub ready: usize,
    /// Rows that were created.
    pub created: usize,
    /// Rows whose address is taken.
    pub exist: usize,
    /// Rows that are refused.
    pub refused: usize,
    /// Rows that cannot be read.
    pub unreadable: usize,
    /// Rows of the current stage.
    pub to_do: usize,
    /// Rows of the current stage that are finished.
    pub done: usize,
}

impl Progress {
    fn new(stage: Stage) -> Self {
        Self {
            stage,
            running: false,
            rows: 0,
            ready: 0,
            created: 0,
            exist: 0,
            refused: 0,
            unreadable: 0,
            to_do: 0,
            done: 0,
        }
    }

    /// Rows that were not, and will not be, created.
    pub fn problems(&self) -> usize {
        self.exist + self.refused + self.unreadable
    }

    /// Counts a row that got its result.
    fn settle(&mut self, before: RowStatus, after: RowStatus) {
        self.count_of(before).into_iter().for_each(|count| *count -= 1);
        self.count_of(after).into_iter().for_each(|count| *count += 1);
        self.done += 1;
    }

    fn count_of(&mut self, status: RowStatus) -> Option<&mut usize> {
        match status {
            RowStatus::Unchecked => None,
            RowStatus::Ready => Some(&mut self.ready),
            RowStatus::Created => Some(&mut self.created),
            RowStatus::Exists => Some(&mut self.exist),
            RowStatus::Refused => Some(&mut self.refused),
            RowStatus::Unreadable => Some(&mut self.unreadable),
        }
    }
}

/// The rows of one request.
pub struct Slice {
    number: usize,
    /// Whether they are aliases; else they are users.
    pub aliases: bool,
    /// The body of the request.
    pub body: Zeroizing<Vec<u8>>,
    /// The stage of the job.
    pub stage: Stage,
    /// The same for each retry of this slice, so that no user is created twice.
    pub request_id: RequestId,
}

/// An import job.
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Where it comes from.
    pub origin: Origin,
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
    stopping: watch::Sender<bool>,
}

/// Who started a job, when and with which file.
pub struct Origin {
    /// The account of the users.
    pub account: AccountId,
    /// The code of that account.
    pub code: String,
    /// The name of the file.
    pub file: String,
    /// The address of the user, or the client id of the application, that started it.
    pub by: String,
    /// When it was started.
    pub at: Timestamp,
    /// The address that the caller wants to be notified. Nothing is sent.
    pub notify: Option<String>,
}

/// The uploaded file, kept until users are created, so that its columns can be changed. It may contain passwords.
#[derive(Clone)]
pub struct Source {
    /// Its bytes.
    pub bytes: Arc<Zeroizing<Vec<u8>>>,
    /// What a person chose for each column.
    pub choices: Option<Vec<Use>>,
}

struct State {
    source: Option<Source>,
    report: Report,
    rows: Vec<Row>,
    /// Nobody looks at its rows on a page: of import-users.
    is_unattended: bool,
    /// The rows of the current stage in fixed slices, and the slices that are not yet sent.
    slices: Vec<Vec<usize>>,
    unsent: VecDeque<usize>,
    /// Slices that are being sent.
    in_flight: usize,
    /// Maximum bytes of a request.
    max_body: usize,
    /// The reason why the job stopped early.
    why: Option<String>,
}

impl Job {
    /// A job for a file, without its rows. A request of it has at most `max_body` bytes. `id` is random.
    pub fn new(id: [u8; 16], origin: Origin, source: Option<Source>, max_body: usize) -> Self {
        Self {
            id: uuid::Builder::from_random_bytes(id).into_uuid(),
            origin,
            state: Mutex::new(State {
                source,
                report: Report::default(),
                rows: Vec::new(),
                is_unattended: false,
                slices: Vec::new(),
                unsent: VecDeque::new(),
                in_flight: 0,
                max_body,
                why: None,
            }),
            progress: watch::Sender::new(Progress::new(Stage::Columns)),
            stopping: watch::Sender::new(false),
        }
    }

    /// Takes the rows of the file, to be created without a check before.
    pub fn fill_unchecked(&self, file: ParsedFile) {
        let mut state = self.state();
        let ParsedFile { mut rows, report } = file;
        let mut progress = Progress { rows: rows.len(), ..Progress::new(Stage::Checked) };
        for row in &mut rows {
            row.skip_check();
            progress.count_of(row.status()).into_iter().for_each(|count| *count += 1);
        }
        if progress.ready == 0 {
            progress.stage = Stage::Done;
        }
        (state.rows, state.report, state.is_unattended) = (rows, report, true);
        self.progress.send_replace(progress);
    }

    /// Rows in memory.
    pub fn held_rows(&self) -> usize {
        self.state().rows.len()
    }

    /// Takes the rows of the file, read with these choices, to be checked; `false` if the columns can no longer be
    /// changed.
    pub fn fill(&self, file: ParsedFile, choices: Option<Vec<Use>>) -> bool {
        let mut state = self.state();
        if self.progress().running {
            return false;
        }
        let Some(source) = &mut state.source else { return false };
        source.choices = choices;
        let ParsedFile { rows, report } = file;
        let slices = slice_rows(&rows, RowStatus::Unchecked, CHECKED_AT_ONCE, state.max_body);
        let mut progress = Progress {
            rows: rows.len(),
            to_do: slices.iter().map(Vec::len).sum(),
            ..Progress::new(Stage::Checking)
        };
        for row in &rows {
            progress.count_of(row.status()).into_iter().for_each(|count| *count += 1);
        }
        (state.rows, state.report, state.slices, state.why) = (rows, report, slices, None);
        self.progress.send_replace(progress);
        true
    }

    /// The uploaded file, unless users are created or it was removed to free memory.
    pub fn source(&self) -> Option<Source> {
        self.state().source.clone()
    }

    /// Bytes of the uploaded file in memory.
    pub fn source_bytes(&self) -> usize {
        self.state().source.as_ref().map_or(0, |source| source.bytes.len())
    }

    /// Removes the uploaded file from memory.
    pub fn drop_source(&self) {
        self.state().source = None;
    }

    /// Whether the job has neither rows nor a file to read them from.
    pub fn is_lost(&self) -> bool {
        self.progress().stage == Stage::Columns && self.source_bytes() == 0
    }

    /// How the file was read.
    pub fn report(&self) -> Report {
        self.state().report.clone()
    }

    /// The progress.
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// The progress, to be waited for.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The reason why the job stopped early.
    pub fn why(&self) -> Option<String> {
        self.state().why.clone()
    }

    /// Starts the next stage, or continues the current one; `false` if the job is running or nothing is left to
    /// do.
    pub fn begin(&self) -> bool {
        let mut state = self.state();
        let State { source, rows, slices, unsent, in_flight, max_body, why, .. } = &mut *state;
        let now = self.progress();
        let to_do = match now.stage {
            _ if now.running => return false,
            Stage::Checking => RowStatus::Unchecked,
            Stage::Creating => RowStatus::Ready,
            Stage::Checked if now.ready > 0 => {
                *source = None;
                *slices = slice_rows(rows, RowStatus::Ready, CREATED_AT_ONCE, *max_body);
                RowStatus::Ready
            }
            Stage::Columns | Stage::Checked | Stage::Done => return false,
        };
        // Results arrive for whole slices, so the first row tells whether a slice is open.
        let open = |slice: &Vec<usize>| slice.first().is_some_and(|row| rows[*row].status() == to_do);
        *unsent = (0..slices.len()).filter(|number| open(&slices[*number])).collect();
        (*why, *in_flight) = (None, 0);
        self.stopping.send_replace(false);
        self.progress.send_modify(|progress| {
            progress.running = true;
            if progress.stage == Stage::Checked {
                progress.stage = Stage::Creating;
                (progress.to_do, progress.done) = (progress.ready, 0);
            }
        });
        true
    }

    /// Stops the job after the requests that were already sent.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether it was stopped.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits for this time, or until the job is stopped.
    pub async fn wait(&self, time: Duration) {
        let mut stopping = self.stopping.subscribe();
        // Both results are fine: the time is over, or the job is stopped.
        let _ = tokio::time::timeout(time, stopping.wait_for(|stopping| *stopping)).await;
    }

    /// The next slice; `None` if the job is stopped, no slice is left, or the next one has aliases and users are still
    /// being created: the worker that sends the last users goes on with the aliases.
    pub fn next_slice(&self) -> Option<Slice> {
        if self.is_stopping() {
            return None;
        }
        let mut state = self.state();
        let stage = self.progress().stage;
        let number = *state.unsent.front()?;
        let rows: Vec<&Row> = state.slices[number].iter().map(|row| &state.rows[*row]).collect();
        let aliases = rows.first().is_some_and(|row| row.is_alias());
        if aliases && stage == Stage::Creating && state.in_flight > 0 {
            return None;
        }
        let body = request_body(&self.origin.code, stage, &rows);
        state.unsent.pop_front();
        state.in_flight += 1;
        let digest = Sha256::new_with_prefix(self.id).chain_update(number.to_be_bytes()).finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        let request_id = uuid::Builder::from_random_bytes(id).into_uuid().into();
        Some(Slice { number, aliases, body, stage, request_id })
    }

    /// Records the results of a slice.
    ///
    /// # Errors
    /// If the reply is invalid. The rows are unchanged, and the slice can be sent again.
    pub fn record_results(&self, slice: &Slice, reply: &[u8]) -> Result<(), serde_json::Error> {
        // A row of check-user or update-alias reads as one without an id.
        let Answer::<Created> { data, fail, .. } = serde_json::from_slice(reply)?;
        // Both are in the order of the request, and each address is in it only once.
        let (mut data, mut fail) = (data.into_iter(), fail.into_iter().peekable());
        let mut state = self.state();
        let State { rows, slices, in_flight, .. } = &mut *state;
        *in_flight = in_flight.saturating_sub(1);
        let mut now = self.progress();
        for row in &slices[slice.number] {
            let row = &mut rows[*row];
            let status = row.status();
            let is_failed = |failure: &Failure| failure.address() == Some(row.address.as_str());
            let refused = fail.next_if(is_failed);
            let missing = || {
                RowOutcome::Refused(vec![Error::new(
                    Code::Internal,
                    "The response does not mention this row",
                )])
            };
            let before = std::mem::replace(&mut row.outcome, RowOutcome::Refused(Vec::new()));
            row.outcome = match (refused, before) {
                (Some(failure), _) => RowOutcome::Refused(failure.errors),
                (None, RowOutcome::Unchecked(item)) if data.next().is_some() => RowOutcome::Ready(item),
                (None, RowOutcome::Ready(_)) => match data.next() {
                    Some(created) if slice.aliases || !created.id.is_empty() => {
                        RowOutcome::Created(created.id)
                    }
                    Some(_) | None => missing(),
                },
                (None, _) => missing(),
            };
            now.settle(status, row.status());
        }
        // The lock on the rows also serialises updates of the progress.
        self.progress.send_replace(now);
        Ok(())
    }

    /// Records that the rows of a slice were refused together.
    pub fn refuse(&self, slice: &Slice, error: &Error) {
        let mut state = self.state();
        let State { rows, slices, in_flight, .. } = &mut *state;
        *in_flight = in_flight.saturating_sub(1);
        let mut now = self.progress();
        for row in &slices[slice.number] {
            let row = &mut rows[*row];
            let before = row.status();
            row.outcome = RowOutcome::Refused(vec![error.clone()]);
            now.settle(before, row.status());
        }
        self.progress.send_replace(now);
    }

    /// Records that the workers have ended, with the reason if they ended early.
    pub fn finish(&self, why: Option<String>) {
        let mut state = self.state();
        self.progress.send_modify(|progress| {
            progress.running = false;
            if progress.done == progress.to_do {
                progress.stage = match progress.stage {
                    Stage::Columns | Stage::Checking => Stage::Checked,
                    Stage::Creating | Stage::Checked | Stage::Done => Stage::Done,
                };
            }
        });
        state.why = why;
        if state.is_unattended && self.progress().stage == Stage::Done {
            // The counts are in the progress.
            state.rows.retain(|row| !row.errors().is_empty());
            state.rows.truncate(KEPT);
            state.rows.shrink_to_fit();
            (state.slices, state.unsent) = Default::default();
        }
    }

    /// Calls a function with the rows.
    pub fn with_rows<T>(&self, at: impl FnOnce(&[Row]) -> T) -> T {
        at(&self.state().rows)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a request for these rows. Allocated at once: a growing buffer would leave copies of passwords in memory.
fn request_body(account_code: &str, stage: Stage, rows: &[&Row]) -> Zeroizing<Vec<u8>> {
    let length: usize = rows.iter().map(|row| row.length).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(length + 256));
    let entries = || rows.iter().filter_map(|row| row.entry());
    let users: Vec<&Item> = entries().filter_map(Entry::user).collect();
    let aliases: Vec<&Alias> = entries().filter_map(Entry::alias).collect();
    let written = match stage {
        _ if aliases.is_empty() => serde_json::to_writer(&mut *body, &RequestBody::new(account_code, &users)),
        Stage::Creating => serde_json::to_writer(&mut *body, &RequestBody::new(account_code, &aliases)),
        // An alias is an address that must be free, as that of a user.
        Stage::Columns | Stage::Checking | Stage::Checked | Stage::Done => {
            let addresses: Vec<_> = aliases.iter().map(|alias| Item::new(&*alias.alias)).collect();
            serde_json::to_writer(&mut *body, &RequestBody::new(account_code, &addresses))
        }
    };
    written.unwrap_or_else(|error| unreachable!("text is always written into memory: {error}"));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_reply_changes_no_row() {
        let item = Item::new("ann@example.com");
        let row = Row {
            line: 2,
            address: "ann@example.com".to_owned(),
            name: String::new(),
            length: 64,
            outcome: RowOutcome::Ready(Entry::User(Box::new(item))),
        };
        let progress =
            Progress { running: true, rows: 1, ready: 1, to_do: 1, ..Progress::new(Stage::Creating) };
        let origin = Origin {
            account: AccountId::from_bytes([1; 16]),
            code: "CTEST00001".to_owned(),
            file: "users.csv".to_owned(),
            by: "admin@example.com".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            notify: None,
        };
        let job = Job::new([7; 16], origin, None, 1_024);
        {
            let mut state = job.state();
            (state.rows, state.slices, state.unsent) = (vec![row], vec![vec![0]], VecDeque::from([0]));
        }
        job.progress.send_replace(progress);
        let slice = job.next_slice().unwrap();
        assert!(job.record_results(&slice, b"{").is_err());
        assert!(job.progress() == progress && job.with_rows(|rows| rows[0].status() == RowStatus::Ready));
        job.record_results(&slice, br#"{"meta":{"status":200},"data":[{"id":"7"}],"fail":[]}"#).unwrap();
        assert!(job.with_rows(|rows| rows[0].status() == RowStatus::Created));
    }
}
