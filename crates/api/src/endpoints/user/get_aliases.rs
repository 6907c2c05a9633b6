//! `POST /api/user/get-aliases` (spec/protocol.md 5; the row is `[ours]`).

use directory::application::Product;
use directory::role::GROUPS_READ;
use directory::user::User;
use wire::item::{Item as _, Row as _};
use wire::users::{AliasRow, Aliases, NamesUser};

use super::{NAMES_USER, Named, named_users};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/get-aliases",
    method: Method::Post,
    summary: "Lists the aliases of users.",
    permission: Some(GROUPS_READ),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Items(NamesUser::FIELDS),
    row: Aliases::FIELDS,
    codes: NAMES_USER,
    run: Run::Signed(|call| Box::pin(get_aliases(call))),
};

async fn get_aliases(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (scope, named) =
        named_users::<NamesUser>(&mut call, &GROUPS_READ, "emailAddress", |item| &item.email_address).await?;
    let mut steps = Vec::with_capacity(named.len());
    for Named { key, named } in named {
        let plan = match named {
            Ok((_, user)) => {
                let aliases = call.timed(call.core.store.aliases(user.id)).await?;
                let aliases = aliases.iter().map(|alias| row(alias, &user)).collect();
                Ok(Plan::read(&Aliases { email_address: user.address.to_string(), aliases }))
            }
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}

pub(super) fn row(alias: &User, user: &User) -> AliasRow {
    AliasRow {
        domain: alias.address.domain().to_owned(),
        is_internal: true,
        alias: alias.address.to_string(),
        alias_display_name: user.name.clone(),
        alias_for: user.address.to_string(),
        kind: alias.address_type.as_str().to_owned(),
    }
}
