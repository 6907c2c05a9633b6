//! The page of an import job: its progress, and the results of its rows.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};
use wire::{Code, Error};

use super::named_job;
use crate::Console;
use crate::form::query_string;
use crate::request::PageRequest;
use crate::shell::Shell;
use crate::shown_time::ShownTime;
use crate::tag::Tag;
use crate::{PageError, PageResponse};
use api::import::job::{Job, Progress, Stage};
use api::import::read::{Report, short};
use api::import::row::{Row, RowStatus};

/// Rows per page.
const PAGE: usize = 200;

/// Minimum time between two events.
const EVENT_INTERVAL: Duration = Duration::from_millis(250);

/// Polls without a change before a comment is sent, because only a write detects a closed connection.
const QUIET_POLLS: u32 = 60;

/// Polls before the stream ends. Browsers reconnect, and are authenticated again.
const MAX_POLLS: u32 = 240;

#[derive(Template)]
#[template(path = "import/show.html")]
struct JobPage {
    shell: Shell,
    path: String,
    file: String,
    by: String,
    at: ShownTime,
    report: Report,
    /// Whether the columns can be changed.
    may_change: bool,
    progress: Progress,
    why: Option<String>,
    stopping: bool,
    only_problems: bool,
    rows: Vec<RowView>,
    /// Number of rows with this filter, and the links to the neighbouring pages.
    found: usize,
    previous: Option<String>,
    next: Option<String>,
}

/// The part of the page that events replace.
#[derive(Template)]
#[template(path = "import/progress.html")]
struct Part {
    progress: Progress,
}

struct RowView {
    line: u64,
    address: String,
    name: String,
    tag: Tag,
    /// Problems and how to fix them.
    wrong: Vec<(String, &'static str)>,
}

pub(super) async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let job = named_job(request)?;
    let progress = job.progress();
    let path = request.path(&format!("/import/{}", job.id));
    if progress.stage == Stage::Columns {
        return Ok(PageResponse::Redirect(format!("{path}/columns")));
    }
    let only_problems = match request.query.text("show") {
        "all" => false,
        "problems" => true,
        _ => progress.problems() > 0,
    };
    let number = request.query.text("page").parse::<usize>().unwrap_or(1).max(1);
    let (rows, found) = rows(&job, only_problems, number);
    let link = |number: usize| {
        let show = if only_problems { "problems" } else { "all" };
        format!("{path}?{}", query_string(&[("show", show), ("page", &number.to_string())]))
    };
    let page = JobPage {
        shell: request.shell("/users", format!("Import of {}", job.origin.file)),
        file: job.origin.file.clone(),
        by: job.origin.by.clone(),
        at: ShownTime(job.origin.at),
        report: job.report(),
        may_change: !progress.running && job.source_bytes() > 0,
        progress,
        why: job.why(),
        stopping: job.is_stopping(),
        only_problems,
        rows,
        found,
        previous: (number > 1).then(|| link(number - 1)),
        next: (number.saturating_mul(PAGE) < found).then(|| link(number + 1)),
        path,
    };
    Ok(PageResponse::Html(page.render()?))
}

/// A page of rows, and the number of rows with this filter.
fn rows(job: &Job, only_problems: bool, number: usize) -> (Vec<RowView>, usize) {
    job.with_rows(|rows| {
        let wanted = |row: &&Row| !only_problems || !row.errors().is_empty();
        let page = rows.iter().filter(wanted).skip((number - 1).saturating_mul(PAGE)).take(PAGE);
        (page.map(row_view).collect(), rows.iter().filter(wanted).count())
    })
}

fn row_view(row: &Row) -> RowView {
    let (text, look) = match row.status() {
        RowStatus::Unchecked => ("not checked", ""),
        RowStatus::Ready => ("ready", ""),
        RowStatus::Created => ("created", "good"),
        RowStatus::Exists => ("exists", "warn"),
        RowStatus::Refused => ("refused", "bad"),
        RowStatus::Unreadable => ("unreadable", "bad"),
    };
    RowView {
        line: row.line,
        address: short(&row.address),
        name: short(&row.name),
        tag: Tag { text, look },
        wrong: row.errors().iter().map(|error| (error.message.clone(), advice(error))).collect(),
    }
}

/// How to fix the problem of a row.
fn advice(error: &Error) -> &'static str {
    let code = Code::ALL.iter().find(|code| code.as_str() == error.code);
    match code {
        Some(Code::UserAlreadyExists) => "Nothing, unless the address is wrong: the row is skipped.",
        Some(Code::Null | Code::Blank) => "Fill in the field.",
        Some(Code::InvalidEmailAddress) => "Correct the address.",
        Some(Code::ForbiddenForAddress) => "Correct the domain, or register it for the account first.",
        Some(Code::PasswordPolicy) => "Choose another password, or none and set it later.",
        Some(Code::PasswordHash) => "Remove the hash and set a password later.",
        Some(Code::AccountNotPermitted) => "Correct the account code or remove it.",
        Some(Code::Length) => "Shorten it.",
        Some(Code::Characters | Code::Type | Code::NotOneOf) => "Correct it.",
        Some(Code::Deserialise) => {
            "Check this line of the file: a quote or bracket is not closed, or something is misplaced."
        }
        _ => "Fix the row and import it again.",
    }
}

/// The state of the event stream.
struct Events {
    console: Arc<Console>,
    progress: watch::Receiver<Progress>,
    ticks: Interval,
    last: Option<Progress>,
    polls: u32,
    quiet: u32,
    ended: bool,
}

/// Streams the progress of a job.
pub(super) async fn events(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let job = named_job(request)?;
    let mut ticks = interval(EVENT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let console = Arc::clone(request.console);
    let events =
        Events { console, progress: job.watch(), ticks, last: None, polls: 0, quiet: 0, ended: false };
    let events = stream::unfold(events, |mut events| async move {
        let event = events.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(event)), events))
    });
    Ok(PageResponse::Events(Body::from_stream(events)))
}

impl Events {
    /// The next event; `None` if the server is stopping: browsers then reconnect until it is back.
    async fn next(&mut self) -> Option<String> {
        while !self.ended && self.polls < MAX_POLLS {
            self.ticks.tick().await;
            if self.console.host.is_stopping() {
                return None;
            }
            self.polls += 1;
            self.quiet += 1;
            let now = *self.progress.borrow_and_update();
            if !now.running {
                self.ended = true;
                return Some("event: end\ndata: end\n\n".to_owned());
            }
            if self.last != Some(now) {
                (self.last, self.quiet) = (Some(now), 0);
                return Part { progress: now }.render().ok().map(|html| event(&html));
            }
            if self.quiet >= QUIET_POLLS {
                self.quiet = 0;
                return Some(": still at it\n\n".to_owned());
            }
        }
        None
    }
}

/// An HTML fragment as an event; each line becomes a data line.
fn event(html: &str) -> String {
    let data = html.lines().map(|line| format!("data: {line}\n"));
    ["event: progress\n".to_owned()].into_iter().chain(data).chain(["\n".to_owned()]).collect()
}
