//! `/Users`.

mod attributes;
mod plan;
mod resource;
mod wanted;

use std::collections::BTreeSet;

use directory::error::ItemError;
use directory::port::{ScimFrom as From, ScimPage, StoreError};
use directory::scim::{AddressFrom, Resource, ScimUser, UserName, email_key};
use directory::{EmailAddress, UserId};
use serde_json::{Map, Value};
use wire::scim::{self, Filter, Patch, ResourceType, USER};

use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::list::{self, Source};
use crate::refused::Refused;
use crate::resource::{answer, answer_to_read};

/// Users in lists.
pub(crate) struct Users;

impl Source for Users {
    type Row = ScimUser;

    const TYPE: &'static ResourceType = &USER;
    const CURSOR: &'static str = "SCIM cursor of users";

    async fn page(
        &self,
        call: &mut Call<'_>,
        from: From,
        limit: usize,
    ) -> Result<ScimPage<ScimUser>, StoreError> {
        let (core, account, client) = (call.core, call.scope.account().id, call.client);
        call.timed(core.store.list_scim_users(account, client, from, limit)).await
    }

    async fn candidates(
        &self,
        call: &mut Call<'_>,
        filter: &Filter,
    ) -> Result<Option<Vec<ScimUser>>, Refused> {
        let core = call.core;
        let by_id = |text| core.secure_ids().open_id("user", call.scope.account().id, text);
        if let Some(name) = filter.required_equals("userName") {
            return Ok(Some(named_so(call, name).await?));
        }
        let id = if let Some(id) = filter.required_equals("id") {
            by_id(id).ok().map(UserId::from_bytes)
        } else if let Some(id) = filter.required_equals("externalId") {
            match list::by_external_id(call, 1, id).await? {
                Some(Resource::User(id)) => Some(id),
                _ => None,
            }
        } else if let Some(address) = filter.required_equals("emails.value") {
            return Ok(Some(with_email(call, address).await?));
        } else {
            return Ok(None);
        };
        match id {
            Some(id) => Ok(Some(found(call, id).await?.into_iter().collect())),
            None => Ok(Some(Vec::new())),
        }
    }

    fn key(row: &ScimUser) -> String {
        row.user.address.key().to_owned()
    }

    fn resource(call: &Call<'_>, row: &ScimUser) -> Map<String, Value> {
        resource::of(call, row)
    }

    fn with_other_name(
        call: &Call<'_>,
        row: &ScimUser,
        resource: &Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        resource::with_other_name(call, row, resource)
    }
}

/// Users that may have this `userName`.
async fn named_so(call: &mut Call<'_>, name: &str) -> Result<Vec<ScimUser>, Refused> {
    let core = call.core;
    let address = call.with_domain(name).into_owned();
    let mut ids = BTreeSet::new();
    ids.extend(with_address(call, &address).await?);
    if let (AddressFrom::Emails, Ok(name)) = (call.settings.address_from, UserName::parse(name)) {
        ids.extend(call.timed(core.store.by_user_name(call.client, name.key())).await?);
    }
    found_all(call, ids).await
}

/// Users with this e-mail address, which may be an alias or none.
async fn with_email(call: &mut Call<'_>, address: &str) -> Result<Vec<ScimUser>, Refused> {
    let (core, account) = (call.core, call.scope.account().id);
    let mut ids = BTreeSet::new();
    ids.extend(with_address(call, address).await?);
    if !address.contains(char::is_control) {
        ids.extend(call.timed(core.store.by_outside_email(account, &email_key(address))).await?);
    }
    found_all(call, ids).await
}

/// The users with these ids, in the order of lists.
async fn found_all(call: &mut Call<'_>, ids: BTreeSet<UserId>) -> Result<Vec<ScimUser>, Refused> {
    let (core, account, client) = (call.core, call.scope.account().id, call.client);
    let ids: Vec<UserId> = ids.into_iter().collect();
    let found = call.timed(core.store.scim_users(account, client, &ids)).await?;
    let mut users: Vec<ScimUser> = found.into_iter().flatten().collect();
    users.sort_by(|one, other| one.user.address.key().cmp(other.user.address.key()));
    Ok(users)
}

/// The user with an address; of an alias, its user.
async fn with_address(call: &mut Call<'_>, address: &str) -> Result<Option<UserId>, Refused> {
    let Ok(address) = EmailAddress::parse(address) else { return Ok(None) };
    let core = call.core;
    let found = call.timed(core.store.users(&[address])).await?.pop().flatten();
    Ok(found.map(|user| user.alias_of.unwrap_or(user.id)))
}

pub(crate) async fn list(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let query = call.query.clone();
    list::serve(&Users, call, &query).await
}

pub(crate) async fn search(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let query = Query::of_search(call.json()?)?;
    list::serve(&Users, call, &query).await
}

pub(crate) async fn read(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let seen = named(call).await?;
    Ok(answer_to_read(call, &USER, &resource::of(call, &seen)))
}

pub(crate) async fn create(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let sent = scim::read(call.json()?, &USER)?;
    let planned = plan::creation(call, sent.fields).await?;
    let answer = answer(call, 201, &USER, &resource::of(call, &planned.after));
    call.write(planned.evidence, planned.changes, planned.at, answer).await
}

pub(crate) async fn replace(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let sent = scim::read(call.json()?, &USER)?;
    let seen = named(call).await?;
    call.check_version(|call| resource::of(call, &seen))?;
    change(call, seen, sent.fields).await
}

pub(crate) async fn patch(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let patch = Patch::read(call.json()?, &USER)?;
    let seen = named(call).await?;
    let before = resource::of(call, &seen);
    let patched = patch.apply(&before)?;
    call.check_version(|_| before.clone())?;
    if !patched.is_changed {
        let answer = answer(call, 200, &USER, &before);
        return call.unchanged(answer).await;
    }
    let mut fields = patched.resource;
    if !fields.contains_key("active") {
        fields.insert(resource::NO_ACTIVE.to_owned(), true.into());
    }
    change(call, seen, fields).await
}

pub(crate) async fn delete(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let seen = named(call).await?;
    call.check_version(|call| resource::of(call, &seen))?;
    let planned = plan::removal(call, &seen).await?;
    call.write(planned.evidence, planned.changes, planned.at, Answer::nothing()).await
}

/// Changes a user to what was sent.
async fn change(call: &mut Call<'_>, seen: ScimUser, fields: Map<String, Value>) -> Result<Answer, Refused> {
    let planned = plan::update(call, seen, fields).await?;
    let answer = answer(call, 200, &USER, &resource::of(call, &planned.after));
    if planned.changes.is_empty() {
        return call.unchanged(answer).await;
    }
    call.write(planned.evidence, planned.changes, planned.at, answer).await
}

/// The user that the path names.
async fn named(call: &mut Call<'_>) -> Result<ScimUser, Refused> {
    let id = call.core.secure_ids().open_id("user", call.scope.account().id, call.id);
    let id = id.map_err(|_: ItemError| Refused::not_found("The user"))?;
    found(call, UserId::from_bytes(id)).await?.ok_or_else(|| Refused::not_found("The user"))
}

async fn found(call: &mut Call<'_>, id: UserId) -> Result<Option<ScimUser>, Refused> {
    let (core, account, client) = (call.core, call.scope.account().id, call.client);
    Ok(call.timed(core.store.scim_users(account, client, &[id])).await?.pop().flatten())
}
