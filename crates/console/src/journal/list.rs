//! The list of requests with its search.

use std::time::Duration;

use askama::Template;

use super::{account_filter, codes, outcome};
use crate::figures::duration;
use crate::form::{Form, query_string};
use crate::request::PageRequest;
use crate::shell::{JOURNAL, Shell};
use crate::shown_time::ShownTime;
use crate::{PageError, PageResponse};
use observe::journal::{Entry, Filter};

/// Requests per page.
const PAGE: usize = 100;

#[derive(Template)]
#[template(path = "journal/list.html", blocks = ["rows"])]
struct List {
    shell: Shell,
    search: SearchForm,
    rows: Vec<Row>,
    /// Whether secrets are redacted.
    redacted: bool,
    next: Option<String>,
}

/// The page without a journal.
#[derive(Template)]
#[template(path = "journal/none.html")]
struct NoJournal {
    shell: Shell,
}

struct Row {
    path: String,
    at: ShownTime,
    method: String,
    target: String,
    outcome: (String, &'static str),
    codes: Vec<&'static str>,
    caller: String,
    application: String,
    took: String,
}

/// The search as typed.
struct SearchForm {
    text: String,
    path: String,
    status: String,
    code: String,
}

impl SearchForm {
    fn read(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self { text: text("q"), path: text("path"), status: text("status"), code: text("code") }
    }

    fn fields(&self) -> [(&str, &str); 4] {
        [("q", &self.text), ("path", &self.path), ("status", &self.status), ("code", &self.code)]
    }

    fn is_everything(&self) -> bool {
        self.fields().iter().all(|(_, text)| text.is_empty())
    }

    fn narrow<'a>(&'a self, filter: Filter<'a>) -> Filter<'a> {
        let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        Filter {
            text: some(&self.text),
            path: some(&self.path),
            status_class: self.status.parse().ok(),
            code: some(&self.code),
            ..filter
        }
    }
}

pub(super) async fn list(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let shell = request.shell(JOURNAL, "Request journal");
    let Some(journal) = request.console.host.journal() else {
        return Ok(PageResponse::Html(NoJournal { shell }.render()?));
    };
    let search = SearchForm::read(&request.query);
    let before = request.query.non_empty("before").and_then(|number| number.parse().ok());
    let mut entries =
        journal.list(&Filter { before, ..search.narrow(account_filter(request, &journal)) }, PAGE + 1);
    let more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let last = entries.last().filter(|_| more).map(|last| last.number.to_string());
    let next = last.map(|last| {
        let fields: Vec<_> = search.fields().into_iter().chain([("before", last.as_str())]).collect();
        request.path(&format!("{JOURNAL}?{}", query_string(&fields)))
    });
    let page = List {
        shell,
        search,
        rows: entries.into_iter().map(|entry| row(request, entry)).collect(),
        redacted: !journal.is_whole(),
        next,
    };
    Ok(PageResponse::Html(if request.wants_fragment() { page.as_rows().render()? } else { page.render()? }))
}

fn row(request: &PageRequest<'_>, entry: Entry) -> Row {
    Row {
        path: request.path(&format!("{JOURNAL}/{}", entry.number)),
        at: ShownTime(entry.at),
        outcome: outcome(&entry),
        codes: codes(&entry),
        caller: entry.caller.unwrap_or_default(),
        application: entry.application.unwrap_or_default(),
        took: entry.micros.map(|micros| duration(Duration::from_micros(micros))).unwrap_or_default(),
        method: entry.method,
        target: entry.target.chars().take(200).collect(),
    }
}
