//! `POST /api/audit/get-audit-events` (spec/protocol.md 5). A page may have fewer events than requested, or none, and
//! still have a next page: a call examines a limited number of events. `[ours]`

use directory::application::Product;
use directory::audit::Event;
use directory::port::AuditQuery;
use directory::role::LOGS_READ;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wire::audit::{AuditEvent, GetAuditEvents};
use wire::envelope::Pagination;
use wire::item::{Entry, Item as _, Row as _, time};
use wire::{Answer, Code, Error};

use super::category;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::CallError;
use crate::secure_id::SecureIds;

const PATH: &str = "/api/audit/get-audit-events";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Post,
    summary: "Lists audit events of the account in a period.",
    permission: Some(LOGS_READ),
    products: &[Product::AuditEvents],
    writes: false,
    takes: Takes::Page(GetAuditEvents::FIELDS),
    row: AuditEvent::FIELDS,
    codes: &[Code::InvalidPageToken, Code::NotOneOf],
    run: Run::Signed(|call| Box::pin(get_audit_events(call))),
};

/// The content of a page token.
#[derive(Serialize, Deserialize)]
struct State {
    from: Timestamp,
    to: Timestamp,
    query: Option<String>,
    #[serde(default)]
    categories: Vec<String>,
    after: (i64, i64),
}

async fn get_audit_events(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<GetAuditEvents>()?;
    let scope = call.scope(&LOGS_READ, body.account_code.as_deref()).await?;
    let (core, account) = (call.core, scope.account().id);
    let ids = core.secure_ids();
    let state = match ids.open_page::<State>(PATH, account, &body.page) {
        Ok(Some(state)) => state,
        Ok(None) => match item {
            Ok(GetAuditEvents { start_date_time: from, end_date_time: to, query, categories })
                if from <= to =>
            {
                let query = query.filter(|query| !query.is_empty());
                State { from, to, query, categories: categories.unwrap_or_default(), after: (0, 0) }
            }
            Ok(_) => {
                let message = "This is before startDateTime";
                return Ok(refused_item(key, vec![Error::in_field(Code::NotOneOf, "endDateTime", message)]));
            }
            Err(errors) => return Ok(refused_item(key, errors)),
        },
        Err(reply) => return Ok(*reply),
    };
    let query = AuditQuery { from: state.from, to: state.to, after: state.after, limit: body.page.size };
    let page = call.timed(core.store.audit_of(account, query)).await?;
    let wanted = state.query.as_ref().map(|query| query.to_lowercase());
    let matches = |event: &&Event| {
        let text =
            || format!("{} {} {} {}", event.actor, event.action, event.target, event.detail).to_lowercase();
        let of_category = state.categories.is_empty()
            || state.categories.iter().any(|wanted| wanted.eq_ignore_ascii_case(category(&event.action)));
        of_category && wanted.as_ref().is_none_or(|wanted| text().contains(wanted))
    };
    let rows: Vec<_> = page.events.iter().filter(matches).map(|event| row(&ids, event)).collect();
    call.count(rows.len());
    let next = page.next.map(|after| ids.page_token(PATH, account, &State { after, ..state }));
    let pagination = Pagination { page_size: rows.len() as u64, total_count: None, next, previous: None };
    Ok(Reply::of(&Answer::page(rows, pagination)))
}

fn row(ids: &SecureIds<'_>, event: &Event) -> AuditEvent {
    let mut place = [0; 16];
    place[..8].copy_from_slice(&event.chain.to_be_bytes());
    place[8..].copy_from_slice(&event.seq.to_be_bytes());
    let account = event.account.unwrap_or(directory::AccountId::from_bytes([0; 16]));
    let detail = if event.detail.is_empty() { String::new() } else { format!(": {}", event.detail) };
    AuditEvent {
        id: ids.seal("event", account, &place),
        audit_type: event.action.clone(),
        user: event.actor.clone(),
        event_time: time(event.at),
        event_info: format!("{}{detail}", event.target),
        category: category(&event.action).to_owned(),
    }
}
