//! `POST /api/user/update-attributes` (spec/protocol.md 5). The attributes of an item are set together or not at all.

use directory::application::Product;
use directory::attribute::Attribute;
use directory::change::Change;
use directory::error::ItemError;
use directory::role::INTERNAL_EDIT;
use wire::item::{Entry, Item as _, Row as _};
use wire::users::{Done, SetAttribute, UpdateAttributes};
use wire::{Code, Error};

use super::get_attributes::KIND;
use super::{Named, named_users};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/update-attributes",
    method: Method::Post,
    summary: "Sets attributes of users.",
    permission: Some(INTERNAL_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(UpdateAttributes::FIELDS),
    row: Done::FIELDS,
    codes: &[
        Code::InvalidEmailAddress,
        Code::Length,
        Code::Characters,
        Code::ForbiddenForAddress,
        Code::IsAlias,
        Code::RoleNotCovered,
        Code::InvalidId,
    ],
    run: Run::Signed(|call| Box::pin(update_attributes(call))),
};

async fn update_attributes(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (scope, named) = named_users::<UpdateAttributes>(&mut call, &INTERNAL_EDIT, "emailAddress", |item| {
        &item.email_address
    })
    .await?;
    let (ids, account) = (call.core.secure_ids(), scope.account().id);
    let attribute = |entry: Entry<SetAttribute>| -> Result<(Attribute, String), Vec<Error>> {
        let SetAttribute { id, value } = entry.item?;
        let value = value.unwrap_or_default();
        let judge = || {
            let number = ids.open(KIND, account, &id)?;
            let attribute = number.first().and_then(|number| Attribute::by_number(*number));
            attribute.ok_or(ItemError::InvalidId(KIND))
        };
        let attribute = judge().map_err(|why| vec![wrong("id", &why)])?;
        Attribute::check(&value).map_err(|why| vec![wrong("value", &why)])?;
        Ok((attribute, value))
    };
    let step = |Named { key, named }: Named<UpdateAttributes>| {
        let plan = named.and_then(|(item, user)| {
            let set: Vec<_> = item.attributes.into_iter().map(attribute).collect::<Result<_, _>>()?;
            let row = Done { email_address: user.address.to_string() };
            Ok(Plan::done("emailAddress", Change::SetAttributes(user.id, set), &row))
        });
        Step { key, plan }
    };
    let steps = named.into_iter().map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
