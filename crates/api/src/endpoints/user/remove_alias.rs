//! `POST /api/user/remove-alias` (spec/protocol.md 5).

use directory::application::Product;
use directory::change::Change;
use directory::error::ItemError;
use directory::role::GROUPS_EDIT;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::users::{Alias, AliasRow};

use super::get_aliases::row;
use super::{Named, find, named_users};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/remove-alias",
    method: Method::Post,
    summary: "Removes aliases.",
    permission: Some(GROUPS_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(Alias::FIELDS),
    row: AliasRow::FIELDS,
    codes: &[
        Code::InvalidEmailAddress,
        Code::Length,
        Code::ForbiddenForAddress,
        Code::IsAlias,
        Code::RoleNotCovered,
        Code::NotFound,
    ],
    run: Run::Signed(|call| Box::pin(remove_alias(call))),
};

async fn remove_alias(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (scope, named) =
        named_users::<Alias>(&mut call, &GROUPS_EDIT, "aliasFor", |item| &item.alias_for).await?;
    let aliases = named.iter().map(|named| named.named.as_ref().ok().map(|(item, _)| &*item.alias));
    let found = find(&mut call, aliases).await?;
    let step = |(Named { key, named }, found): (Named<Alias>, Option<super::Found>)| {
        let plan = named.and_then(|(_, user)| {
            let alias = found.unwrap_or(Err(ItemError::Missing)).and_then(|(alias, _)| {
                let alias = alias.filter(|alias| alias.alias_of == Some(user.id));
                alias.ok_or(ItemError::NotFound("alias of this user"))
            });
            let alias = alias.map_err(|why| vec![wrong("alias", &why)])?;
            let row = row(&alias, &user);
            Ok(Plan::done("alias", Change::RemoveUser(alias.id), &row))
        });
        Step { key, plan }
    };
    let steps = named.into_iter().zip(found).map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
