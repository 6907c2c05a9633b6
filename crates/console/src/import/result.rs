//! The result file: a line per row with the columns of `matricula import`, and no passwords.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use super::named_job;
use crate::csv::cell;
use crate::request::PageRequest;
use crate::{PageError, PageResponse};
use api::import::job::{Progress, Stage};
use api::import::row::{Row, RowOutcome, RowStatus};

/// Rows per chunk of the response.
const SLICE: usize = 1_000;

const COLUMNS: &str = "row,line,emailAddress,result,id,code,field,message\r\n";

pub(super) async fn download(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let job = named_job(request)?;
    let lines = stream::unfold(Some(0), move |from| {
        let job = Arc::clone(&job);
        async move {
            let from = from?;
            let now = job.progress();
            let mut text = if from == 0 { COLUMNS.to_owned() } else { String::new() };
            let next = job.with_rows(|rows| {
                let slice = rows.iter().enumerate().skip(from).take(SLICE);
                text.extend(slice.map(|(index, row)| line(index + 1, row, &now)));
                Some(from + SLICE).filter(|next| *next < rows.len())
            });
            Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), next))
        }
    });
    Ok(PageResponse::Download {
        name: format!("import-{}-result.csv", request.scope.account().code),
        kind: "text/csv; charset=utf-8",
        body: Body::from_stream(lines),
    })
}

fn line(number: usize, row: &Row, now: &Progress) -> String {
    let errors = row.errors();
    let first = errors.first();
    let id = if let RowOutcome::Created(id) = &row.outcome { id } else { "" };
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    format!(
        "{number},{},{},{},{},{},{},{}\r\n",
        row.line,
        cell(&row.address),
        result(row, now),
        cell(id),
        cell(first.map_or("", |error| &error.code)),
        cell(first.and_then(|error| error.field.as_deref()).unwrap_or_default()),
        cell(&messages.join("; ")),
    )
}

fn result(row: &Row, now: &Progress) -> &'static str {
    match row.status() {
        RowStatus::Unchecked => "not checked",
        RowStatus::Ready if now.stage == Stage::Checked || now.stage == Stage::Checking => "would be created",
        RowStatus::Ready => "not tried",
        RowStatus::Created => "created",
        RowStatus::Exists => "exists",
        RowStatus::Refused | RowStatus::Unreadable => "refused",
    }
}
