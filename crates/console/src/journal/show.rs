//! A request: as it was received, what was answered and why.

use std::time::Duration;

use askama::Template;
use serde_json::Value;

use super::curl::curl;
use super::replay::Again;
use super::{codes, named, outcome};
use crate::figures::{meaning, took};
use crate::request::PageRequest;
use crate::shell::{JOURNAL, Notice, Shell};
use crate::when::When;
use crate::{PageError, Shown};
use observe::journal::Entry;

#[derive(Template)]
#[template(path = "journal/show.html")]
struct Show {
    shell: Shell,
    entry: Entry,
    path: String,
    at: When,
    outcome: (String, &'static str),
    /// Codes, and what they mean.
    codes: Vec<(&'static str, String)>,
    took: Option<String>,
    answer: String,
    /// A command that sends the same; `None` where something was left out.
    curl: Option<String>,
    again: Again,
}

pub(super) async fn show(request: &mut PageRequest<'_>) -> Result<Shown, PageError> {
    let notice =
        request.query.some("again").and_then(|of| of.parse::<u64>().ok()).map(|of| {
            Notice::done(format!("Sent again: this is the new result. The original is number {of}."))
        });
    render(request, notice).await.map(Shown::Html)
}

/// The page, with something to say first.
pub(super) async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (journal, entry) = named(request)?;
    let body = journal.body(entry.number);
    let title = format!("Request {}", entry.number);
    let page = Show {
        shell: request.shell(JOURNAL, title).with(notice),
        path: request.path(&format!("{JOURNAL}/{}", entry.number)),
        at: When(entry.at),
        outcome: outcome(&entry),
        codes: codes(&entry).into_iter().map(|code| (code, meaning(code))).collect(),
        took: entry.micros.map(|micros| took(Duration::from_micros(micros))),
        answer: pretty(&entry.answer),
        curl: body.as_deref().map(|body| curl(&request.url(), &entry, body)),
        again: Again::of(request, &entry, body.is_some()).await?,
        entry,
    };
    Ok(page.render()?)
}

/// JSON, line by line; anything else as it is.
fn pretty(answer: &str) -> String {
    let read = serde_json::from_str::<Value>(answer).ok();
    read.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| answer.to_owned())
}
