//! Import of users from a file: a file is checked row by row with check-user, and created with create-user
//! after a confirmation. The work continues without an open page.

mod columns;
mod result;
mod show;

use std::sync::Arc;
use wire::import::TEMPLATE;
use zeroize::Zeroizing;

use askama::Template;
use auth::SessionToken;
use axum::body::Body;
use directory::role::INTERNAL_EDIT;

use super::request::PageRequest;
use super::shell::Shell;
use super::shown_time::ShownTime;
use super::{Page, PageError, PageResponse, page, upload};
use crate::method::Method::{Get, Post};
use api::Core;
use api::error::CallError;
use api::import::{Job, Origin, Progress, Source, Stage, read};
use api::import_work::{self, Authority, Reading};
use directory::Caller;

use super::Console;
use super::request::read_session;

/// The pages of imports.
pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/import", Get, INTERNAL_EDIT, |request| Box::pin(list(request))),
    Page {
        path: "/console/{account}/import",
        method: Post,
        permission: Some(INTERNAL_EDIT),
        takes_file: true,
        run: |request| Box::pin(upload(request)),
    },
    page("/console/{account}/import/template.csv", Get, INTERNAL_EDIT, |request| Box::pin(template(request))),
    page("/console/{account}/import/{job}", Get, INTERNAL_EDIT, |request| Box::pin(show::show(request))),
    page("/console/{account}/import/{job}/columns", Get, INTERNAL_EDIT, |request| {
        Box::pin(columns::show(request))
    }),
    page("/console/{account}/import/{job}/columns", Post, INTERNAL_EDIT, |request| {
        Box::pin(columns::choose(request))
    }),
    page("/console/{account}/import/{job}/start", Post, INTERNAL_EDIT, |request| {
        Box::pin(start_job(request))
    }),
    page("/console/{account}/import/{job}/stop", Post, INTERNAL_EDIT, |request| Box::pin(stop_job(request))),
    page("/console/{account}/import/{job}/events", Get, INTERNAL_EDIT, |request| {
        Box::pin(show::events(request))
    }),
    page("/console/{account}/import/{job}/result.csv", Get, INTERNAL_EDIT, |request| {
        Box::pin(result::download(request))
    }),
];

const TOO_MANY: &str = "Too many imports are running: try again when one has finished.";

#[derive(Template)]
#[template(path = "import/list.html")]
struct List {
    shell: Shell,
    wrong: Option<String>,
    mebibytes: usize,
    most: String,
    imports: Vec<Listed>,
}

struct Listed {
    path: String,
    file: String,
    by: String,
    at: ShownTime,
    progress: Progress,
}

async fn list(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    render(request, None).map(PageResponse::Html)
}

fn render(request: &PageRequest<'_>, wrong: Option<String>) -> Result<String, PageError> {
    let listed = |job: Arc<Job>| Listed {
        path: request.path(&format!("/import/{}", job.id)),
        file: job.origin.file.clone(),
        by: job.origin.by.clone(),
        at: ShownTime(job.origin.at),
        progress: job.progress(),
    };
    let page = List {
        shell: request.shell("/users", "Import"),
        wrong,
        mebibytes: upload::MAX_BODY >> 20,
        most: format!("{},{:03}", read::MAX_ROWS / 1_000, read::MAX_ROWS % 1_000),
        imports: request
            .console
            .core
            .imports
            .of_account(request.scope.account().id)
            .into_iter()
            .map(listed)
            .collect(),
    };
    Ok(page.render()?)
}

async fn upload(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let invalid = |request: &PageRequest<'_>, wrong: &str| {
        render(request, Some(wrong.to_owned())).map(PageResponse::Invalid)
    };
    let Some(file) = request.file.take() else {
        return invalid(request, "No file was sent: choose one, or drop it below.");
    };
    let max_body = request.console.core.limits.body_bytes;
    let name = read::file_name(&file.name);
    let bytes = Arc::new(file.bytes);
    let opening = Arc::clone(&bytes);
    let opened = tokio::task::spawn_blocking(move || columns::read_recognised(&opening, max_body)).await;
    let rows = match opened.map_err(|_| CallError::Panic)? {
        Ok(rows) => rows,
        Err(why) => return invalid(request, &format!("{name}: {why}.")),
    };
    let job = Arc::new(new_job(request, name, bytes));
    let is_understood = rows.is_some();
    if let Some(rows) = rows {
        job.fill(rows, None);
        job.begin();
    }
    let now = request.console.core.clock.now();
    if !request.console.core.imports.keep(&job, job.progress().rows, now) {
        return invalid(request, TOO_MANY);
    }
    if !is_understood {
        let path = request.path(&format!("/import/{}/columns", job.id));
        return Ok(PageResponse::Redirect(path));
    }
    work(request, &job, work_session(request)?);
    Ok(redirect_to_job(request, &job))
}

/// A job for a file of the requested account.
fn new_job(request: &PageRequest<'_>, file: String, bytes: Arc<Zeroizing<Vec<u8>>>) -> Job {
    let (core, account) = (&request.console.core, request.scope.account());
    let mut id = [0; 16];
    core.entropy.fill(&mut id);
    let origin = Origin {
        account: account.id,
        code: account.code.to_string(),
        file,
        by: request.session.principal.address.clone(),
        at: core.clock.now(),
        notify: None,
    };
    Job::new(id, origin, Some(Source { bytes, choices: None }), core.limits.body_bytes)
}

/// Starts the workers of a job.
fn work(request: &PageRequest<'_>, job: &Arc<Job>, session: BySession) {
    let caller = request.scope.caller().clone();
    import_work::spawn(&request.console.core, job, caller, Box::new(session));
}

/// A session of the console.
struct BySession {
    console: Arc<Console>,
    token: SessionToken,
}

impl Authority for BySession {
    fn read<'a>(&'a self, _: &'a Core) -> Reading<'a> {
        Box::pin(async move {
            match read_session(&self.console, Some(&self.token)).await {
                Ok(session) => Ok(session.map(|session| -> Caller { session.caller })),
                Err(PageError::Refused(refusal)) => Err(refusal),
                Err(_) => Err(CallError::Panic),
            }
        })
    }

    fn ended(&self) -> &'static str {
        "The session in which it was started has ended"
    }
}

/// The session in whose name the work continues.
fn work_session(request: &PageRequest<'_>) -> Result<BySession, PageError> {
    let token = SessionToken::parse(&request.token.expose()).ok_or(PageError::SignedOut)?;
    Ok(BySession { console: Arc::clone(request.console), token })
}

/// A template file.
async fn template(_: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (name, kind) = ("users.csv".to_owned(), "text/csv; charset=utf-8");
    Ok(PageResponse::Download { name, kind, body: Body::from(TEMPLATE.replace('\n', "\r\n")) })
}

/// The job in the path.
fn named_job(request: &PageRequest<'_>) -> Result<Arc<Job>, PageError> {
    let found = request.console.core.imports.find_job(request.scope.account().id, request.path_param("job"));
    found.ok_or(PageError::NotFound("import"))
}

/// Creates the users, or continues a stopped job. A running job is not started again.
async fn start_job(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let (job, session) = (named_job(request)?, work_session(request)?);
    if job.begin() {
        work(request, &job, session);
    }
    Ok(redirect_to_job(request, &job))
}

async fn stop_job(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let job = named_job(request)?;
    job.stop();
    Ok(redirect_to_job(request, &job))
}

fn redirect_to_job(request: &PageRequest<'_>, job: &Job) -> PageResponse {
    PageResponse::Redirect(request.path(&format!("/import/{}", job.id)))
}
