//! The audit: search, verification and export.

use askama::Template;
use axum::body::Body;
use bytes::Bytes;
use directory::audit::{Event, Search};
use directory::hex;
use directory::role::LOGS_READ;
use futures_util::stream;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::csv::cell;
use super::form::{Form, query_string};
use super::request::PageRequest;
use super::shell::{Notice, Shell};
use super::shown_time::ShownTime;
use super::{Page, PageError, PageResponse, page};
use crate::method::Method::{Get, Post};

pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/audit", Get, LOGS_READ, |request| Box::pin(show(request))),
    page("/console/{account}/audit/verify", Post, LOGS_READ, |request| Box::pin(verify(request))),
    page("/console/{account}/audit.csv", Get, LOGS_READ, |request| Box::pin(csv(request))),
    page("/console/{account}/audit.jsonl", Get, LOGS_READ, |request| Box::pin(jsonl(request))),
];

/// Events on a page.
const PAGE: usize = 100;

/// Reads of the audit for one page before it says that nothing was found yet: about half a second.
const MAX_READS: usize = 10;

/// Events per read of the export.
const SLICE: usize = 500;

/// The purpose of a page token.
const TOKEN: &str = "/console/audit";

#[derive(Template)]
#[template(path = "audit.html", blocks = ["rows"])]
struct Audit {
    shell: Shell,
    search: SearchForm,
    events: Vec<Row>,
    next: Option<String>,
    csv: String,
    jsonl: String,
}

struct Row {
    at: ShownTime,
    actor: String,
    action: String,
    target: String,
    detail: String,
}

/// The search as typed.
struct SearchForm {
    from: String,
    to: String,
    actor: String,
    action: String,
    target: String,
}

impl SearchForm {
    fn read(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            from: text("from"),
            to: text("to"),
            actor: text("actor"),
            action: text("action"),
            target: text("target"),
        }
    }

    fn fields(&self) -> [(&str, &str); 5] {
        [
            ("from", &self.from),
            ("to", &self.to),
            ("actor", &self.actor),
            ("action", &self.action),
            ("target", &self.target),
        ]
    }

    /// Days are UTC days: only the browser knows the reader's time zone.
    fn criteria(&self) -> Search {
        let midnight = |text: &str| {
            let day = text.parse::<Date>().ok()?;
            Offset::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()
        };
        let end = |at: Timestamp| {
            at.checked_add(SignedDuration::from_hours(24) - SignedDuration::from_millis(1)).ok()
        };
        Search {
            from: midnight(&self.from),
            to: midnight(&self.to).and_then(end),
            actor: self.actor.clone(),
            action: self.action.clone(),
            target: self.target.clone(),
        }
    }
}

async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    render(request, None).await.map(PageResponse::Html)
}

async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (console, account) = (request.console, request.scope.account().id);
    let ids = console.core.secure_ids();
    let search = SearchForm::read(&request.query);
    let rest = match request.query.non_empty("page") {
        Some(token) => ids
            .read_page(TOKEN, account, Some(token))
            .map_err(|_| PageError::NotFound("page of the audit"))?,
        None => None,
    };
    let mut found = console.core.store.search_audit(account, &search.criteria(), rest, PAGE).await?;
    for _ in 1..MAX_READS {
        if found.rest.is_none() || !found.events.is_empty() {
            break;
        }
        found = console.core.store.search_audit(account, &search.criteria(), found.rest, PAGE).await?;
    }
    let link = |below: &str, page: &str| {
        let fields: Vec<_> = search.fields().into_iter().chain([("page", page)]).collect();
        request.path(&format!("{below}?{}", query_string(&fields)))
    };
    let page = Audit {
        shell: request.shell("/audit", "Audit").with_notice(notice),
        next: found.rest.map(|rest| link("/audit", &ids.page_token(TOKEN, account, &rest))),
        csv: link("/audit.csv", ""),
        jsonl: link("/audit.jsonl", ""),
        events: found.events.into_iter().map(row).collect(),
        search,
    };
    Ok(if request.wants_fragment() { page.as_rows().render()? } else { page.render()? })
}

fn row(event: Event) -> Row {
    Row {
        at: ShownTime(event.at),
        actor: event.actor,
        action: event.action,
        target: event.target,
        detail: event.detail,
    }
}

/// Verifies every chain. Only one verification runs at a time, because it uses the full speed of the disk.
async fn verify(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let Ok(_turn) = request.console.verifying.try_acquire() else {
        let notice = Notice::error("The audit is already being verified: try again later.");
        return render(request, Some(notice)).await.map(PageResponse::Invalid);
    };
    let reports = request.console.core.store.verify_audit().await?;
    let broken: Vec<_> = reports
        .iter()
        .filter_map(|report| Some(format!("chain {}: {}", report.chain, report.broken.as_ref()?)))
        .collect();
    let notice = match broken.is_empty() {
        true => Notice::success("The audit is complete: no event was changed or removed."),
        false => Notice::error(format!(
            "The audit was tampered with, or the disk has failed: {}. Keep a copy of the current database.",
            broken.join("; ")
        )),
    };
    render(request, Some(notice)).await.map(PageResponse::Html)
}

async fn csv(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let line = move |event: &Event| {
        let Event { at, actor, action, target, detail, .. } = event;
        format!("{at},{},{},{},{}\r\n", cell(actor), cell(action), cell(target), cell(detail))
    };
    Ok(download(request, "csv", "text/csv; charset=utf-8", "at,actor,action,target,detail\r\n", line))
}

async fn jsonl(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let line = |event: &Event| {
        let Event { chain, seq, at, actor, action, target, detail, hash, .. } = event;
        let event = json!({
            "at": at, "actor": actor, "action": action, "target": target, "detail": detail,
            "chain": chain, "seq": seq, "hash": hex(hash),
        });
        format!("{event}\n")
    };
    Ok(download(request, "jsonl", "application/jsonl", "", line))
}

/// Streams all events that match, the newest first.
fn download(
    request: &PageRequest<'_>,
    ending: &str,
    kind: &'static str,
    head: &str,
    line: impl Fn(&Event) -> String + Clone + Send + 'static,
) -> PageResponse {
    let (store, account) = (std::sync::Arc::clone(&request.console.core.store), request.scope.account().id);
    let search = SearchForm::read(&request.query).criteria();
    let first = Some((None, head.to_owned()));
    let lines = stream::unfold(first, move |state| {
        let (store, search, line) = (std::sync::Arc::clone(&store), search.clone(), line.clone());
        async move {
            let (rest, mut text) = state?;
            let found = match store.search_audit(account, &search, rest, SLICE).await {
                Ok(found) => found,
                // Breaks the connection, so that an incomplete file does not look complete.
                Err(error) => return Some((Err(std::io::Error::other(error)), None)),
            };
            text.extend(found.events.iter().map(&line));
            Some((Ok(Bytes::from(text)), found.rest.map(|rest| (Some(rest), String::new()))))
        }
    });
    PageResponse::Download {
        name: format!("audit-{}.{ending}", request.scope.account().code),
        kind,
        body: Body::from_stream(lines),
    }
}
