//! The page of a request: what was received, the response and the reason of a refusal.

use std::time::Duration;

use askama::Template;
use serde_json::Value;

use super::curl::curl;
use super::replay::ReplayOptions;
use super::{codes, named_entry, outcome};
use crate::figures::{duration, meaning};
use crate::request::PageRequest;
use crate::shell::{JOURNAL, Notice, Shell};
use crate::shown_time::ShownTime;
use crate::{PageError, PageResponse};
use observe::journal::Entry;

#[derive(Template)]
#[template(path = "journal/show.html")]
struct Show {
    shell: Shell,
    entry: Entry,
    path: String,
    at: ShownTime,
    outcome: (String, &'static str),
    /// Codes and their meanings.
    codes: Vec<(&'static str, String)>,
    took: Option<String>,
    answer: String,
    /// A curl command with the same request; `None` if a part is redacted.
    curl: Option<String>,
    again: ReplayOptions,
}

pub(super) async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let notice = request.query.non_empty("again").and_then(|of| of.parse::<u64>().ok()).map(|of| {
        Notice::success(format!("Sent again: this is the new result. The original is number {of}."))
    });
    render(request, notice).await.map(PageResponse::Html)
}

/// The page, with a notice at its top.
pub(super) async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (journal, entry) = named_entry(request)?;
    let body = journal.body(entry.number);
    let title = format!("Request {}", entry.number);
    let page = Show {
        shell: request.shell(JOURNAL, title).with_notice(notice),
        path: request.path(&format!("{JOURNAL}/{}", entry.number)),
        at: ShownTime(entry.at),
        outcome: outcome(&entry),
        codes: codes(&entry).into_iter().map(|code| (code, meaning(code))).collect(),
        took: entry.micros.map(|micros| duration(Duration::from_micros(micros))),
        answer: pretty(&entry.answer),
        curl: body.as_deref().map(|body| curl(&request.url(), &entry, body)),
        again: ReplayOptions::read(request, &entry, body.is_some()).await?,
        entry,
    };
    Ok(page.render()?)
}

/// Indented JSON; other text is unchanged.
fn pretty(answer: &str) -> String {
    let read = serde_json::from_str::<Value>(answer).ok();
    read.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| answer.to_owned())
}
