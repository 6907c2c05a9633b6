//! The start of an account's pages: its integrations at a glance.

mod health;
mod picture;
mod steps;

use askama::Template;
use directory::role::{APPLICATIONS_READ, INTERNAL_READ};

use super::figures::count;
use super::shell::Shell;
use super::visit::Visit;
use super::{Page, PageError, Shown};
use api::endpoint::Method::Get;
use health::Application;
use observe::telemetry::Span;
use picture::Picture;
use steps::Steps;

pub(super) const PAGES: &[Page] = &[Page {
    path: "/console/{account}",
    method: Get,
    permission: None,
    takes_file: false,
    run: |visit| Box::pin(home(visit)),
}];

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    shell: Shell,
    users: Option<String>,
    integrations: Option<Integrations>,
}

/// The visitor's selection.
struct Asked {
    span: Span,
    /// One application, by what it is known by.
    application: Option<String>,
}

impl Asked {
    fn is_day(&self) -> bool {
        self.span == Span::Day
    }
}

struct Integrations {
    asked: Asked,
    applications: Vec<Application>,
    /// Where none of them has called yet.
    steps: Option<Steps>,
    picture: Option<Picture>,
}

async fn home(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let users = match visit.may(&INTERNAL_READ) {
        true => Some(count(visit.console.core.store.count_listed(visit.scope.account().id, None).await?)),
        false => None,
    };
    let integrations = match visit.may(&APPLICATIONS_READ) {
        true => Some(integrations(visit).await?),
        false => None,
    };
    let page = Home { shell: visit.shell("", "Overview"), users, integrations };
    Ok(Shown::Html(page.render()?))
}

async fn integrations(visit: &Visit<'_>) -> Result<Integrations, PageError> {
    let span = if visit.query.text("span") == "day" { Span::Day } else { Span::Hour };
    let applications = health::of_account(visit, span).await?;
    let application = visit.query.some("application");
    let known = application.filter(|named| applications.iter().any(|application| application.id == *named));
    let asked = Asked { span, application: known.map(str::to_owned) };
    let (steps, picture) = match applications.iter().any(|application| application.has_called) {
        true => (None, Some(Picture::take(visit, &asked))),
        false => (Some(Steps::of(visit, &applications).await?), None),
    };
    Ok(Integrations { asked, applications, steps, picture })
}
