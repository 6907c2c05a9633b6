//! The request journal: requests, responses, reasons of refusals, and replays in a sandbox.

mod curl;
mod list;
mod replay;
mod show;

use std::sync::Arc;

use directory::role::LOGS_READ;

use super::request::PageRequest;
use super::{Page, PageError, page};
use crate::method::Method::{Get, Post};
use observe::journal::{Entry, Filter, Journal};

/// The pages of the journal.
pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/journal", Get, LOGS_READ, |request| Box::pin(list::list(request))),
    page("/console/{account}/journal/{entry}", Get, LOGS_READ, |request| Box::pin(show::show(request))),
    page("/console/{account}/journal/{entry}/replay", Post, LOGS_READ, |request| {
        Box::pin(replay::replay(request))
    }),
];

/// The entries that an account may see: its own; in a sandbox also those of unknown callers, because a caller
/// with a wrong signature must find them.
fn account_filter<'a>(request: &'a PageRequest<'_>, journal: &Journal) -> Filter<'a> {
    let account = Some(request.scope.account().code.as_str());
    Filter { account, nobodys: journal.is_whole(), ..Filter::default() }
}

/// The journal and its entry in the path.
fn named_entry(request: &PageRequest<'_>) -> Result<(Arc<Journal>, Entry), PageError> {
    let found = request.console.host.journal().and_then(|journal| {
        let number = request.path_param("entry").parse().ok()?;
        let entry = journal.find(&account_filter(request, &journal), number)?;
        Some((journal, entry))
    });
    found.ok_or(PageError::NotFound("request in the journal"))
}

/// The codes of the call and of its items, without duplicates.
fn codes(entry: &Entry) -> Vec<&'static str> {
    let mut codes: Vec<_> = entry.code.iter().chain(&entry.refused_items).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Status text and CSS class.
fn outcome(entry: &Entry) -> (String, &'static str) {
    match entry.status {
        Some(status) if entry.code.is_some() || status >= 400 => (status.to_string(), "bad"),
        Some(status) if !entry.refused_items.is_empty() => (status.to_string(), "warn"),
        Some(status) => (status.to_string(), "good"),
        None if entry.dropped => ("no response, on purpose".to_owned(), "warn"),
        None => ("running".to_owned(), ""),
    }
}
