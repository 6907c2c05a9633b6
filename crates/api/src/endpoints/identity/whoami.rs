//! `GET /identity/whoami` (spec/protocol.md 8; all but the account codes is `[ours]`).

use directory::application::Product;
use wire::item::{Item as _, Row as _};
use wire::rest::{AccountCodes, NoQuery, WhoAmI};

use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/identity/whoami",
    method: Method::Get,
    summary: "Shows the caller and its account.",
    permission: None,
    products: &[],
    writes: false,
    takes: Takes::Query(NoQuery::FIELDS),
    row: WhoAmI::FIELDS,
    codes: &[],
    run: Run::Signed(|call| Box::pin(async move { Ok(whoami(&call)) })),
};

fn whoami(call: &Call<'_>) -> Reply {
    let caller = &call.caller;
    let codes = || AccountCodes { cg: caller.account().code.to_string() };
    let role = caller.role();
    let products = Product::ALL.into_iter().filter(|product| caller.reaches(*product));
    Reply::bare(&WhoAmI {
        version: "1".to_owned(),
        kind: if caller.user().is_some() { "user" } else { "application" }.to_owned(),
        account_codes: codes(),
        home_account: codes(),
        id: caller.name().to_owned(),
        application: caller.application().to_owned(),
        role: role.map(|role| role.name.clone()),
        permissions: role.iter().flat_map(|role| &role.permissions).map(ToString::to_string).collect(),
        products: products.map(|product| product.as_str().to_owned()).collect(),
    })
}
