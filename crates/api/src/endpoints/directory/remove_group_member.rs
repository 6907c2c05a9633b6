//! `POST /api/directory/remove-group-member` (spec/protocol.md 5).

use std::sync::Arc;

use directory::application::Product;
use directory::change::{Change, Effect};
use directory::groups::{GroupChange, Subject};
use directory::role::SYNC_EDIT;
use wire::body::MAX_ITEMS;
use wire::groups::{MemberChanged, RemoveMember};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Code, Error};

use super::{blamed_field, changed_member, group_id, item_errors, judge_members};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::secure_id::SecureIds;
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/directory/remove-group-member",
    method: Method::Post,
    summary: "Removes addresses and domains from groups.",
    permission: Some(SYNC_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(RemoveMember::FIELDS),
    row: MemberChanged::FIELDS,
    codes: CODES,
    run: Run::Signed(|call| Box::pin(remove_group_member(call))),
};

/// The codes of a refused member.
pub(in crate::endpoints) const CODES: &[Code] = &[
    Code::InvalidId,
    Code::NotFound,
    Code::InvalidEmailAddress,
    Code::InvalidDomain,
    Code::NotOneOf,
    Code::Length,
    Code::RoleNotCovered,
    Code::MemberNotFound,
];

async fn remove_group_member(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<RemoveMember>(MAX_ITEMS)?;
    let scope = call.scope(&SYNC_EDIT, body.account_code.as_deref()).await?;
    let (core, account) = (call.core, scope.account().id);
    let addresses =
        entries.iter().map(|entry| entry.item.as_ref().ok().and_then(|item| item.email_address.as_deref()));
    let judged = judge_members(&mut call, &scope, addresses).await?;
    let step = |(Entry { key, item }, judged): (Entry<RemoveMember>, Result<(), Error>)| {
        let plan = item.and_then(|RemoveMember { id, email_address, domain }| {
            let group = group_id(&core.secure_ids(), account, &id).map_err(|error| vec![error])?;
            let subject = Subject::parse(email_address.as_deref(), domain.as_deref())
                .map_err(|wrong| item_errors(&[wrong]))?;
            judged.map_err(|error| vec![error])?;
            let sealing = Arc::clone(&core.store.keys().secure_id);
            let shown = move |effect: &Effect| match effect {
                Effect::Member(member) => changed_member(&SecureIds::new(&sealing), account, group, member),
                _ => MemberChanged::default(),
            };
            let change = Change::Group(GroupChange::RemoveMember { group, subject });
            Ok(Plan::change("id", change, shown).blaming(blamed_field))
        });
        Step { key, plan }
    };
    let steps = entries.into_iter().zip(judged).map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
