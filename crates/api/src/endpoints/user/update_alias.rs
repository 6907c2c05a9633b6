//! `POST /api/user/update-alias` (spec/protocol.md 5): adds an alias.

use directory::application::Product;
use directory::change::Change;
use directory::check;
use directory::error::ItemError;
use directory::port::Evidence;
use directory::role::GROUPS_EDIT;
use directory::user::User;
use directory::{EmailAddress, UserId};
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::users::{Alias, AliasRow};

use super::get_aliases::row;
use super::{Named, named_users};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/update-alias",
    method: Method::Post,
    summary: "Adds aliases to users. Aliases and addresses share one namespace.",
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
        Code::UserAlreadyExists,
    ],
    run: Run::Signed(|call| Box::pin(update_alias(call))),
};

async fn update_alias(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (scope, named) =
        named_users::<Alias>(&mut call, &GROUPS_EDIT, "aliasFor", |item| &item.alias_for).await?;
    let core = call.core;
    let parsed: Vec<Option<Result<EmailAddress, ItemError>>> = named
        .iter()
        .map(|named| named.named.as_ref().ok().map(|(item, _)| check::address(&item.alias)))
        .collect();
    let domains: Vec<_> = parsed.iter().flatten().flatten().map(EmailAddress::domain_name).collect();
    let mut owners = call.timed(core.store.domains(&domains)).await?.into_iter();
    let (now, mut evidence, mut steps) =
        (core.clock.now(), scope.evidence(), Vec::with_capacity(named.len()));
    for (Named { key, named }, address) in named.into_iter().zip(parsed) {
        let owner = if matches!(address, Some(Ok(_))) { owners.next().flatten() } else { None };
        let plan = named.and_then(|(_, user)| {
            let address =
                address.unwrap_or(Err(ItemError::Missing)).map_err(|why| vec![wrong("alias", &why)])?;
            let owner = owner.filter(|owner| owner.account == user.account);
            let owner: Evidence =
                owner.ok_or_else(|| vec![wrong("alias", &ItemError::ForbiddenForDomain)])?;
            evidence.push(owner);
            let id = UserId::at(now, &core.entropy.randomness());
            let alias = User {
                name: user.name.clone(),
                alias_of: Some(user.id),
                ..User::new(id, user.account, address, now)
            };
            let row = row(&alias, &user);
            Ok(Plan::done("alias", Change::AddAlias(alias), &row))
        });
        steps.push(Step { key, plan });
    }
    evidence.sort_unstable();
    evidence.dedup();
    call.carry_out(evidence, steps).await
}
