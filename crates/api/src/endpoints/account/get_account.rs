//! `POST /api/account/get-account` (spec/protocol.md 5, spec/clients.md 4.7).

use directory::application::Product;
use directory::port::Position;
use directory::role::DASHBOARD_READ;
use wire::Answer;
use wire::account::{AccountRow, Nothing};
use wire::item::{Item as _, Row as _};

use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/account/get-account",
    method: Method::Post,
    summary: "Shows the account. Most connection tests call it.",
    permission: Some(DASHBOARD_READ),
    products: &[Product::AccountManagement, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::One(Nothing::FIELDS),
    row: AccountRow::FIELDS,
    codes: &[],
    run: Run::Signed(|call| Box::pin(get_account(call))),
};

async fn get_account(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    body.one::<Nothing>()?;
    let scope = call.scope(&DASHBOARD_READ, body.account_code.as_deref()).await?;
    let account = scope.account();
    let store = &call.core.store;
    let user_count = call.timed(store.count_listed(account.id, None)).await?;
    let domain = call.timed(store.domains_of(account.id, &Position::Start, 1)).await?.rows.pop();
    let number = u128::from_be_bytes(*account.id.as_bytes());
    let row = AccountRow {
        region: "local".to_owned(),
        kind: "full".to_owned(),
        policy_inheritance: !account.above.is_empty(),
        account_code: account.code.to_string(),
        account_name: account.name.clone(),
        domain: domain.map(|domain| domain.name.to_string()).unwrap_or_default(),
        user_count,
        mimecast_id: format!(
            "{:02}-{:04}-{:05}",
            number % 100,
            number / 100 % 10_000,
            number / 1_000_000 % 100_000
        ),
        contact_email: account.settings.contact.email.clone(),
        contact_name: account.settings.contact.name.clone(),
        telephone: account.settings.contact.telephone.clone(),
        packages: account.settings.packages.clone(),
        ..AccountRow::default()
    };
    Ok(Reply::of(&Answer::ran(vec![row], Vec::new())))
}
