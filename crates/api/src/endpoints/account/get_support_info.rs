//! `POST /api/account/get-support-info` (spec/protocol.md 5).

use directory::application::Product;
use directory::role::DASHBOARD_READ;
use wire::Answer;
use wire::account::{Nothing, SupportInfo};
use wire::item::{Item as _, Row as _};

use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/account/get-support-info",
    method: Method::Post,
    summary: "Shows support contacts.",
    permission: Some(DASHBOARD_READ),
    products: &[Product::AccountManagement, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::One(Nothing::FIELDS),
    row: SupportInfo::FIELDS,
    codes: &[],
    run: Run::Signed(|call| Box::pin(get_support_info(call))),
};

async fn get_support_info(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    body.one::<Nothing>()?;
    call.scope(&DASHBOARD_READ, body.account_code.as_deref()).await?;
    let row = SupportInfo { main_product: "Matricula".to_owned(), ..SupportInfo::default() };
    Ok(Reply::of(&Answer::ran(vec![row], Vec::new())))
}
