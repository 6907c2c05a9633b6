//! `POST /api/user/remove-from-purge-list` (spec/protocol.md 5).

use directory::application::Product;
use directory::change::Change;
use directory::refusal::Refusal as Why;
use directory::role::UNPURGE_ADDRESS;
use serde_json::{Map, Value};
use wire::Code;
use wire::body::{BodyError, MAX_ITEMS};
use wire::item::{Entry, Item as _, Row as _};
use wire::users::{Done, Purge};

use super::{Found, find};
use crate::api::login::refused;
use crate::call::{Call, Reply};
use crate::refusal::{Refusal, wrong};
use crate::routes::{Endpoint, Method, Run, Takes};
use crate::step::{Plan, Step};

pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/remove-from-purge-list",
    method: Method::Post,
    summary: "Calls the removal of users off, and lets them in again.",
    permission: Some(UNPURGE_ADDRESS),
    product: Some(Product::UserAndGroupManagement),
    writes: true,
    takes: Takes::One(Purge::FIELDS),
    row: Done::FIELDS,
    codes: &[
        Code::InvalidEmailAddress,
        Code::Length,
        Code::ForbiddenForAddress,
        Code::IsAlias,
        Code::RoleNotCovered,
        Code::NotFound,
    ],
    run: Run::Signed(|call| Box::pin(remove_from_purge_list(call))),
};

async fn remove_from_purge_list(mut call: Call<'_>) -> Result<Reply, Refusal> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<Purge>()?;
    let scope = call.scope(&UNPURGE_ADDRESS, body.account_code.as_deref()).await?;
    let item = match item {
        Ok(item) if item.email_addresses.len() > MAX_ITEMS => {
            let count = item.email_addresses.len();
            return Err(BodyError::TooManyItems { count, max: MAX_ITEMS }.into());
        }
        Ok(item) => item,
        Err(errors) => return Ok(refused(key, errors)),
    };
    let found = find(&mut call, item.email_addresses.iter().map(|address| Some(&**address))).await?;
    let step = |(address, found): (String, Option<Found>)| {
        // Each address stands or falls alone, and is what the entry in `fail` shows.
        let key = Map::from_iter([("emailAddress".to_owned(), Value::from(address))]);
        let plan = found.unwrap_or(Err(Why::Missing)).and_then(|(user, role)| {
            let user = scope.user(user)?;
            scope.covers(role.as_ref())?;
            let row = Done { email_address: user.address.to_string() };
            Ok(match user.purge_at {
                Some(_) => Plan::change("emailAddress", Change::Purge(user.id, None), |_| row),
                None => return Err(Why::NotThere("address on the purge list")),
            })
        });
        Step { key, plan: plan.map_err(|why| vec![wrong("emailAddress", &why)]) }
    };
    let steps = item.email_addresses.into_iter().zip(found).map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
