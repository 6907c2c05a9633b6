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

use super::shell::Shell;
use super::visit::Visit;
use super::when::When;
use super::{Page, PageError, Shown, page, upload};
use api::endpoint::Method::{Get, Post};
use api::error::CallError;
use job::{Job, Progress, Stage};
pub(crate) use kept::Imports;

/// The pages of imports.
pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/import", Get, INTERNAL_EDIT, |visit| Box::pin(list(visit))),
    Page {
        path: "/console/{account}/import",
        method: Post,
        permission: Some(INTERNAL_EDIT),
        takes_file: true,
        run: |visit| Box::pin(upload(visit)),
    },
    page("/console/{account}/import/template.csv", Get, INTERNAL_EDIT, |visit| Box::pin(template(visit))),
    page("/console/{account}/import/{job}", Get, INTERNAL_EDIT, |visit| Box::pin(show::show(visit))),
    page("/console/{account}/import/{job}/start", Post, INTERNAL_EDIT, |visit| Box::pin(start(visit))),
    page("/console/{account}/import/{job}/stop", Post, INTERNAL_EDIT, |visit| Box::pin(stop(visit))),
    page("/console/{account}/import/{job}/events", Get, INTERNAL_EDIT, |visit| Box::pin(show::events(visit))),
    page("/console/{account}/import/{job}/result.csv", Get, INTERNAL_EDIT, |visit| {
        Box::pin(result::download(visit))
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

async fn list(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    render(visit, None).map(Shown::Html)
}

fn render(visit: &Visit<'_>, wrong: Option<String>) -> Result<String, PageError> {
    let listed = |job: Arc<Job>| Listed {
        path: visit.path(&format!("/import/{}", job.id)),
        file: job.file.clone(),
        by: job.by.clone(),
        at: When(job.at),
        progress: job.progress(),
    };
    let page = List {
        shell: visit.shell("/users", "Import"),
        wrong,
        mebibytes: upload::MAX_BODY >> 20,
        most: format!("{},{:03}", read::MAX_ROWS / 1_000, read::MAX_ROWS % 1_000),
        imports: visit.console.imports.of(visit.scope.account().id).into_iter().map(listed).collect(),
    };
    Ok(page.render()?)
}

async fn upload(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let again = |visit: &Visit<'_>, wrong: &str| render(visit, Some(wrong.to_owned())).map(Shown::Wrong);
    let Some(file) = visit.file.take() else {
        return again(visit, "No file was sent: choose one, or drop it below.");
    };
    let longest = visit.console.core.limits.body_bytes;
    let name = read::file_name(&file.name);
    let read = tokio::task::spawn_blocking(move || read::rows(&file.bytes, longest)).await;
    let rows = match read.map_err(|_| CallError::Panic)? {
        Ok(rows) => rows,
        Err(why) => return again(visit, &format!("{name}: {why}.")),
    };
    let job = Arc::new(Job::new(visit, name, rows));
    job.begin();
    if !visit.console.imports.keep(&job, visit.console.core.clock.now()) {
        return again(visit, "Too many imports are running: try again when one has finished.");
    }
    work::spawn(visit.console, &job, session(visit)?);
    Ok(Shown::Redirect(visit.path(&format!("/import/{}", job.id))))
}

/// In whose name work goes on when the page is closed.
fn session(visit: &Visit<'_>) -> Result<work::Session, PageError> {
    let token = SessionToken::parse(&visit.token.expose()).ok_or(PageError::SignedOut)?;
    Ok(work::Session::new(token, visit.scope.caller().clone()))
}

/// An example file.
async fn template(_: &mut Visit<'_>) -> Result<Shown, PageError> {
    const TEMPLATE: &str = "email,name,password,forcePasswordChange\r\n\
                            ann@example.com,Ann Lee,,\r\n\
                            bob@example.com,\"Berg, Bob\",A password of his own 7,yes\r\n";
    let (name, kind) = ("users.csv".to_owned(), "text/csv; charset=utf-8");
    Ok(Shown::Download { name, kind, body: Body::from(TEMPLATE) })
}

/// The import that the path names.
fn named(visit: &Visit<'_>) -> Result<Arc<Job>, PageError> {
    let found = visit.console.imports.named(visit.scope.account().id, visit.param("job"));
    found.ok_or(PageError::NotFound("import"))
}

/// Creates users, or goes on with whatever was stopped. What is under way already goes on as it does.
async fn start(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let (job, session) = (named(visit)?, session(visit)?);
    if job.begin() {
        work::spawn(visit.console, &job, session);
    }
    Ok(back(visit, &job))
}

async fn stop(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let job = named(visit)?;
    job.stop();
    Ok(back(visit, &job))
}

fn back(visit: &Visit<'_>, job: &Job) -> Shown {
    Shown::Redirect(visit.path(&format!("/import/{}", job.id)))
}
