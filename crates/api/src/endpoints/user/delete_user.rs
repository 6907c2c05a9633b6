//! `POST /api/user/delete-user` `[ours]`. A tombstone remains: the address can be reused, without its old permissions.

use directory::application::Product;
use directory::change::Change;
use directory::role::INTERNAL_EDIT;
use wire::item::{Item as _, Row as _};
use wire::users::{Done, NamesUser};

use super::{CHANGES_USER, Named, named_users};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/delete-user",
    method: Method::Post,
    summary: "Removes users with their aliases and everything that refers to them. [ours]",
    permission: Some(INTERNAL_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(NamesUser::FIELDS),
    row: Done::FIELDS,
    codes: CHANGES_USER,
    run: Run::Signed(|call| Box::pin(delete_user(call))),
};

async fn delete_user(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (scope, named) =
        named_users::<NamesUser>(&mut call, &INTERNAL_EDIT, "emailAddress", |item| &item.email_address)
            .await?;
    let step = |Named { key, named }: Named<NamesUser>| {
        let plan = named.map(|(_, user)| {
            let row = Done { email_address: user.address.to_string() };
            Plan::done("emailAddress", Change::RemoveUser(user.id), &row)
        });
        Step { key, plan }
    };
    let steps = named.into_iter().map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
