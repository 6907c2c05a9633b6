//! `POST /api/user/add-delegate-user` (spec/protocol.md 5).

use directory::DelegateId;
use directory::application::Product;
use directory::change::{Change, Delegate};
use directory::error::ItemError;
use directory::role::ALTERNATE_ADDRESS;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::users::{AddDelegate, DelegateDone};

use super::find_delegate_users::KIND;
use super::{Named, find, named_users};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/add-delegate-user",
    method: Method::Post,
    summary: "Grants the right to read another user's mail.",
    permission: Some(ALTERNATE_ADDRESS),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(AddDelegate::FIELDS),
    row: DelegateDone::FIELDS,
    codes: &[
        Code::InvalidEmailAddress,
        Code::Length,
        Code::ForbiddenForAddress,
        Code::IsAlias,
        Code::RoleNotCovered,
        Code::NotOneOf,
        Code::AlreadyExists,
    ],
    run: Run::Signed(|call| Box::pin(add_delegate_user(call))),
};

async fn add_delegate_user(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (scope, named) =
        named_users::<AddDelegate>(&mut call, &ALTERNATE_ADDRESS, "primaryAddress", |item| {
            &item.primary_address
        })
        .await?;
    let delegates =
        named.iter().map(|named| named.named.as_ref().ok().map(|(item, _)| &*item.delegate_address));
    let found = find(&mut call, delegates).await?;
    let (core, now) = (call.core, call.core.clock.now());
    let step = |(Named { key, named }, found): (Named<AddDelegate>, Option<super::Found>)| {
        let plan = named.and_then(|(_, primary)| {
            let delegate =
                found.unwrap_or(Err(ItemError::Missing)).and_then(|found| call.user(&scope, found));
            let delegate = delegate.and_then(|delegate| match delegate.id == primary.id {
                true => Err(ItemError::NotOneOf("another user's address".to_owned())),
                false => Ok(delegate),
            });
            let delegate = delegate.map_err(|why| vec![wrong("delegateAddress", &why)])?;
            let id = DelegateId::at(now, &core.entropy.randomness());
            let row = DelegateDone {
                id: core.secure_ids().seal(KIND, scope.account().id, id.as_bytes()),
                success: true,
            };
            let change = Change::AddDelegate(Delegate { id, primary: primary.id, delegate: delegate.id });
            Ok(Plan::done("delegateAddress", change, &row))
        });
        Step { key, plan }
    };
    let steps = named.into_iter().zip(found).map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
