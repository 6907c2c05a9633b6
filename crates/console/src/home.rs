//! The overview of an account's integrations.

mod health;
mod statistics;
mod steps;

use askama::Template;
use directory::role::{APPLICATIONS_READ, INTERNAL_READ};

use super::figures::count;
use super::request::PageRequest;
use super::shell::Shell;
use super::{Page, PageError, PageResponse};
use crate::method::Method::Get;
use health::Application;
use observe::telemetry::Span;
use statistics::Statistics;
use steps::Steps;

pub(super) const PAGES: &[Page] = &[Page {
    path: "/console/{account}",
    method: Get,
    permission: None,
    takes_file: false,
    run: |request| Box::pin(home(request)),
}];

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    shell: Shell,
    users: Option<String>,
    integrations: Option<Integrations>,
}

/// The selection in the form.
struct Selection {
    span: Span,
    /// The id of one application.
    application: Option<String>,
}

impl Selection {
    fn is_day(&self) -> bool {
        self.span == Span::Day
    }
}

struct Integrations {
    selection: Selection,
    applications: Vec<Application>,
    /// The first steps, if no application has called yet.
    steps: Option<Steps>,
    statistics: Option<Statistics>,
}

async fn home(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let users = match request.may(&INTERNAL_READ) {
        true => Some(count(request.console.core.store.count_listed(request.scope.account().id, None).await?)),
        false => None,
    };
    let integrations = match request.may(&APPLICATIONS_READ) {
        true => Some(integrations(request).await?),
        false => None,
    };
    let page = Home { shell: request.shell("", "Overview"), users, integrations };
    Ok(PageResponse::Html(page.render()?))
}

async fn integrations(request: &PageRequest<'_>) -> Result<Integrations, PageError> {
    let span = if request.query.text("span") == "day" { Span::Day } else { Span::Hour };
    let applications = health::list_applications(request, span).await?;
    let application = request.query.non_empty("application");
    let application =
        application.filter(|named| applications.iter().any(|application| application.id == *named));
    let selection = Selection { span, application: application.map(str::to_owned) };
    let (steps, statistics) = match applications.iter().any(|application| application.has_called) {
        true => (None, Some(Statistics::read(request, &selection))),
        false => (Some(Steps::read(request, &applications).await?), None),
    };
    Ok(Integrations { selection, applications, steps, statistics })
}
