//! `POST /api/audit/get-categories`: the categories that events of get-audit-events have. No source documents its
//! permission; that of the events is required. `[ours]`

use directory::application::Product;
use directory::audit::Action;
use directory::role::LOGS_READ;
use wire::Answer;
use wire::account::Nothing;
use wire::audit::{AuditCategories, AuditCategory};
use wire::item::{Item as _, Row as _};

use super::category;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/audit/get-categories",
    method: Method::Post,
    summary: "Lists the categories of audit events.",
    permission: Some(LOGS_READ),
    products: &[Product::AuditEvents],
    writes: false,
    takes: Takes::One(Nothing::FIELDS),
    row: AuditCategories::FIELDS,
    codes: &[],
    run: Run::Signed(|call| Box::pin(get_categories(call))),
};

async fn get_categories(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    body.one::<Nothing>()?;
    call.scope(&LOGS_READ, body.account_code.as_deref()).await?;
    let mut categories: Vec<AuditCategory> = Vec::new();
    for code in Action::ALL.iter().map(|action| category(action.as_str())) {
        if categories.iter().all(|known| known.code != code) {
            let id = categories.len() as u64 + 1;
            categories.push(AuditCategory { id, code: code.to_owned() });
        }
    }
    call.count(categories.len());
    Ok(Reply::of(&Answer::ran(vec![AuditCategories { categories }], Vec::new())))
}
