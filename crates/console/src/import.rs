//! Users out of a file: dropped on a page, checked row by row, created when somebody says so. Whatever becomes of a row is
//! what check-user and create-user say of it; the work goes on without the page.

mod job;
mod kept;
mod read;
mod result;
mod show;
mod work;

use std::sync::Arc;

use askama::Template;
use auth::SessionToken;
use axum::body::Body;
use directory::role::INTERNAL_EDIT;

use super::request::PageRequest;
use super::shell::Shell;
use super::when::When;
use super::{Page, PageError, Shown, page, upload};
use api::endpoint::Method::{Get, Post};
use api::error::CallError;
use job::{Job, Progress, Stage};
pub(crate) use kept::Imports;

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
    page("/console/{account}/import/{job}/start", Post, INTERNAL_EDIT, |request| Box::pin(start(request))),
    page("/console/{account}/import/{job}/stop", Post, INTERNAL_EDIT, |request| Box::pin(stop(request))),
    page("/console/{account}/import/{job}/events", Get, INTERNAL_EDIT, |request| {
        Box::pin(show::events(request))
    }),
    page("/console/{account}/import/{job}/result.csv", Get, INTERNAL_EDIT, |request| {
        Box::pin(result::download(request))
    }),
];

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
    at: When,
    progress: Progress,
}

async fn list(request: &mut PageRequest<'_>) -> Result<Shown, PageError> {
    render(request, None).map(Shown::Html)
}

fn render(request: &PageRequest<'_>, wrong: Option<String>) -> Result<String, PageError> {
    let listed = |job: Arc<Job>| Listed {
        path: request.path(&format!("/import/{}", job.id)),
        file: job.file.clone(),
        by: job.by.clone(),
        at: When(job.at),
        progress: job.progress(),
    };
    let page = List {
        shell: request.shell("/users", "Import"),
        wrong,
        mebibytes: upload::MAX_BODY >> 20,
        most: format!("{},{:03}", read::MAX_ROWS / 1_000, read::MAX_ROWS % 1_000),
        imports: request.console.imports.of(request.scope.account().id).into_iter().map(listed).collect(),
    };
    Ok(page.render()?)
}

async fn upload(request: &mut PageRequest<'_>) -> Result<Shown, PageError> {
    let again =
        |request: &PageRequest<'_>, wrong: &str| render(request, Some(wrong.to_owned())).map(Shown::Wrong);
    let Some(file) = request.file.take() else {
        return again(request, "No file was sent: choose one, or drop it below.");
    };
    let longest = request.console.core.limits.body_bytes;
    let name = read::file_name(&file.name);
    let read = tokio::task::spawn_blocking(move || read::rows(&file.bytes, longest)).await;
    let rows = match read.map_err(|_| CallError::Panic)? {
        Ok(rows) => rows,
        Err(why) => return again(request, &format!("{name}: {why}.")),
    };
    let job = Arc::new(Job::new(request, name, rows));
    job.begin();
    if !request.console.imports.keep(&job, request.console.core.clock.now()) {
        return again(request, "Too many imports are running: try again when one has finished.");
    }
    work::spawn(request.console, &job, session(request)?);
    Ok(Shown::Redirect(request.path(&format!("/import/{}", job.id))))
}

/// In whose name work goes on when the page is closed.
fn session(request: &PageRequest<'_>) -> Result<work::Session, PageError> {
    let token = SessionToken::parse(&request.token.expose()).ok_or(PageError::SignedOut)?;
    Ok(work::Session::new(token, request.scope.caller().clone()))
}

/// An example file.
async fn template(_: &mut PageRequest<'_>) -> Result<Shown, PageError> {
    const TEMPLATE: &str = "email,name,password,forcePasswordChange\r\n\
                            ann@example.com,Ann Lee,,\r\n\
                            bob@example.com,\"Berg, Bob\",A password of his own 7,yes\r\n";
    let (name, kind) = ("users.csv".to_owned(), "text/csv; charset=utf-8");
    Ok(Shown::Download { name, kind, body: Body::from(TEMPLATE) })
}

/// The import that the path names.
fn named(request: &PageRequest<'_>) -> Result<Arc<Job>, PageError> {
    let found = request.console.imports.named(request.scope.account().id, request.param("job"));
    found.ok_or(PageError::NotFound("import"))
}

/// Creates users, or goes on with whatever was stopped. What is under way already goes on as it does.
async fn start(request: &mut PageRequest<'_>) -> Result<Shown, PageError> {
    let (job, session) = (named(request)?, session(request)?);
    if job.begin() {
        work::spawn(request.console, &job, session);
    }
    Ok(back(request, &job))
}

async fn stop(request: &mut PageRequest<'_>) -> Result<Shown, PageError> {
    let job = named(request)?;
    job.stop();
    Ok(back(request, &job))
}

fn back(request: &PageRequest<'_>, job: &Job) -> Shown {
    Shown::Redirect(request.path(&format!("/import/{}", job.id)))
}
