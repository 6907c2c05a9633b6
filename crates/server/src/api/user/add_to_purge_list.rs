//! `POST /api/user/add-to-purge-list` (spec/protocol.md 5; what the list does is `[ours]`).

use directory::application::Product;
use directory::change::Change;
use directory::refusal::Refusal as Why;
use directory::role::PURGE_ADDRESS;
use jiff::SignedDuration;
use serde_json::{Map, Value};
use wire::body::{BodyError, MAX_ITEMS};
use wire::item::{Entry, Item as _, Row as _};
use wire::users::{Done, Purge};

use super::{CHANGES_USER, Found, find};
use crate::api::login::refused;
use crate::call::{Call, Reply};
use crate::refusal::{Refusal, wrong};
use crate::routes::{Endpoint, Method, Run, Takes};
use crate::step::{Plan, Step};

/// How long a user stays on the list before it is removed. `[ours]`
const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/add-to-purge-list",
    method: Method::Post,
    summary: "Shuts users out, and removes them 30 days later.",
    permission: Some(PURGE_ADDRESS),
    product: Some(Product::UserAndGroupManagement),
    writes: true,
    takes: Takes::One(Purge::FIELDS),
    row: Done::FIELDS,
    codes: CHANGES_USER,
    run: Run::Signed(|call| Box::pin(add_to_purge_list(call))),
};

async fn add_to_purge_list(mut call: Call<'_>) -> Result<Reply, Refusal> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<Purge>()?;
    let scope = call.scope(&PURGE_ADDRESS, body.account_code.as_deref()).await?;
    let item = match item {
        Ok(item) if item.email_addresses.len() > MAX_ITEMS => {
            let count = item.email_addresses.len();
            return Err(BodyError::TooManyItems { count, max: MAX_ITEMS }.into());
        }
        Ok(item) => item,
        Err(errors) => return Ok(refused(key, errors)),
    };
    let found = find(&mut call, item.email_addresses.iter().map(|address| Some(&**address))).await?;
    let at = call.app.clock.now().checked_add(GRACE).ok();
    let step = |(address, found): (String, Option<Found>)| {
        // Each address stands or falls alone, and is what the entry in `fail` shows.
        let key = Map::from_iter([("emailAddress".to_owned(), Value::from(address))]);
        let plan = found.unwrap_or(Err(Why::Missing)).and_then(|(user, role)| {
            let user = scope.user(user)?;
            scope.covers(role.as_ref())?;
            let row = Done { email_address: user.address.to_string() };
            Ok(Plan::change("emailAddress", Change::Purge(user.id, at), |_| row))
        });
        Step { key, plan: plan.map_err(|why| vec![wrong("emailAddress", &why)]) }
    };
    let steps = item.email_addresses.into_iter().zip(found).map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
