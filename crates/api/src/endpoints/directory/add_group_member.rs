//! `POST /api/directory/add-group-member` (spec/protocol.md 5).

use std::sync::Arc;

use directory::application::Product;
use directory::change::{Change, Effect};
use directory::groups;
use directory::role::GROUPS_EDIT;
use wire::body::MAX_ITEMS;
use wire::groups::{AddMember, MemberChanged};
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
    path: "/api/directory/add-group-member",
    method: Method::Post,
    summary: "Adds addresses and domains to groups.",
    permission: Some(GROUPS_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(AddMember::FIELDS),
    row: MemberChanged::FIELDS,
    codes: CODES,
    run: Run::Signed(|call| Box::pin(add_group_member(call))),
};

/// The codes of a refused member.
pub(in crate::endpoints) const CODES: &[Code] = &[
    Code::InvalidId,
    Code::NotFound,
    Code::InvalidEmailAddress,
    Code::InvalidDomain,
    Code::NotOneOf,
    Code::Length,
    Code::Characters,
    Code::RoleNotCovered,
    Code::MemberAlreadyExists,
    Code::MemberNotFound,
];

async fn add_group_member(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<AddMember>(MAX_ITEMS)?;
    let scope = call.scope(&GROUPS_EDIT, body.account_code.as_deref()).await?;
    let (core, account) = (call.core, scope.account().id);
    let addresses =
        entries.iter().map(|entry| entry.item.as_ref().ok().and_then(|item| item.email_address.as_deref()));
    let judged = judge_members(&mut call, &scope, addresses).await?;
    let step = |(Entry { key, item }, judged): (Entry<AddMember>, Result<(), Error>)| {
        let plan = item.and_then(|AddMember { id, email_address, domain, notes }| {
            let group = group_id(&core.secure_ids(), account, &id).map_err(|error| vec![error])?;
            let change = groups::member(group, email_address.as_deref(), domain.as_deref(), notes)
                .map_err(|all| item_errors(&all))?;
            judged.map_err(|error| vec![error])?;
            let sealing = Arc::clone(&core.store.keys().secure_id);
            let shown = move |effect: &Effect| match effect {
                Effect::Member(member) => changed_member(&SecureIds::new(&sealing), account, group, member),
                _ => MemberChanged::default(),
            };
            Ok(Plan::change("id", Change::Group(change), shown).blaming(blamed_field))
        });
        Step { key, plan }
    };
    let steps = entries.into_iter().zip(judged).map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
