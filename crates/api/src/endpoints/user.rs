//! `/api/user/…`, and the lookup of the users that items name.

pub mod add_delegate_user;
pub mod add_to_purge_list;
pub mod change_password;
pub mod check_user;
pub mod create_user;
pub(super) mod creation;
pub mod delete_user;
pub mod find_delegate_users;
pub mod get_aliases;
pub mod get_attributes;
pub mod get_import_status;
pub mod get_internal_users;
pub mod get_profile;
pub mod import_users;
pub mod remove_alias;
pub mod remove_delegate_user;
pub mod remove_from_purge_list;
pub mod update_alias;
pub mod update_attributes;
pub mod update_user;

use directory::change::Change;
use directory::check;
use directory::error::ItemError;
use directory::user::User;
use directory::{EmailAddress, Permission, Role, Scope};
use serde_json::{Map, Value};
use wire::body::{BodyError, MAX_ITEMS};
use wire::item::{Entry, Item};
use wire::users::{Done, Purge};
use wire::{Code, Error};

use crate::call::{Call, Reply};
use crate::endpoint::Endpoint;
use crate::endpoints::login::refused_item;
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    add_delegate_user::ENDPOINT,
    add_to_purge_list::ENDPOINT,
    change_password::ENDPOINT,
    check_user::ENDPOINT,
    create_user::ENDPOINT,
    delete_user::ENDPOINT,
    find_delegate_users::ENDPOINT,
    get_aliases::ENDPOINT,
    get_attributes::ENDPOINT,
    get_import_status::ENDPOINT,
    get_internal_users::ENDPOINT,
    get_profile::ENDPOINT,
    import_users::ENDPOINT,
    remove_alias::ENDPOINT,
    remove_delegate_user::ENDPOINT,
    remove_from_purge_list::ENDPOINT,
    update_alias::ENDPOINT,
    update_attributes::ENDPOINT,
    update_user::ENDPOINT,
];

/// The codes of an item that names a user.
pub(in crate::endpoints) const NAMES_USER: &[Code] =
    &[Code::InvalidEmailAddress, Code::Length, Code::ForbiddenForAddress, Code::IsAlias];

/// The codes of an item that changes what a user can do.
pub(in crate::endpoints) const CHANGES_USER: &[Code] = &[
    Code::InvalidEmailAddress,
    Code::Length,
    Code::ForbiddenForAddress,
    Code::IsAlias,
    Code::RoleNotCovered,
    Code::LastSuperAdministrator,
];

/// An item with the named user, or its errors.
pub(in crate::endpoints) struct Named<I> {
    pub(in crate::endpoints) key: Map<String, Value>,
    pub(in crate::endpoints) named: Result<(I, User), Vec<Error>>,
}

/// Reads a request whose items each name a user of the account in `field`. For endpoints that write, the caller must be
/// allowed to change that user.
pub(in crate::endpoints) async fn named_users<I: Item>(
    call: &mut Call<'_>,
    permission: &Permission,
    field: &'static str,
    address: fn(&I) -> &str,
) -> Result<(Scope, Vec<Named<I>>), CallError> {
    let mut body = call.body()?;
    let entries = body.items::<I>(MAX_ITEMS)?;
    let scope = call.scope(permission, body.account_code.as_deref()).await?;
    let found = find(call, entries.iter().map(|entry| entry.item.as_ref().ok().map(address))).await?;
    let named = entries.into_iter().zip(found).map(|(Entry { key, item }, found)| {
        let named = item.and_then(|item| {
            let found = found.unwrap_or(Err(ItemError::Missing)).and_then(|found| call.user(&scope, found));
            Ok((item, found.map_err(|why| vec![wrong(field, &why)])?))
        });
        Named { key, named }
    });
    let named = named.collect();
    Ok((scope, named))
}

/// The user or alias at an address, in any account, with the user's role; an error if the address is invalid.
pub(in crate::endpoints) type Found = Result<(Option<User>, Option<Role>), ItemError>;

/// Looks up addresses; `None` for items that were refused already.
pub(in crate::endpoints) async fn find<'t>(
    call: &mut Call<'_>,
    addresses: impl Iterator<Item = Option<&'t str>>,
) -> Result<Vec<Option<Found>>, CallError> {
    let parsed: Vec<_> = addresses.map(|text| text.map(check::address)).collect();
    let wanted: Vec<EmailAddress> = parsed.iter().flatten().flatten().cloned().collect();
    let store = &call.core.store;
    let mut users = call.timed(store.users(&wanted)).await?.into_iter();
    let mut found = Vec::with_capacity(parsed.len());
    for address in parsed {
        found.push(match address {
            None => None,
            Some(Err(why)) => Some(Err(why)),
            Some(Ok(_)) => {
                let user = users.next().flatten();
                let role = match &user {
                    Some(user) => role(call, user).await?,
                    None => None,
                };
                Some(Ok((user, role)))
            }
        });
    }
    Ok(found)
}

/// The role of a user; for an alias, that of its user.
pub(in crate::endpoints) async fn role(call: &mut Call<'_>, user: &User) -> Result<Option<Role>, CallError> {
    let store = &call.core.store;
    let role = match user.alias_of {
        Some(primary) => {
            let primary = call.timed(store.users_by_id(&[primary])).await?.pop().flatten();
            primary.and_then(|primary| primary.role)
        }
        None => user.role,
    };
    match role {
        Some(role) => Ok(call.timed(store.role(role)).await?),
        None => Ok(None),
    }
}

/// Plans a change for each address of a purge list. Each succeeds or fails alone and has a separate entry in `fail`.
pub(in crate::endpoints) async fn purge_list(
    call: &mut Call<'_>,
    permission: &Permission,
    change: impl Fn(&User) -> Result<Change, ItemError>,
) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<Purge>()?;
    let scope = call.scope(permission, body.account_code.as_deref()).await?;
    let addresses = match item {
        Ok(item) => item.email_addresses,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    if addresses.len() > MAX_ITEMS {
        return Err(BodyError::TooManyItems { count: addresses.len(), max: MAX_ITEMS }.into());
    }
    let found = find(call, addresses.iter().map(|address| Some(&**address))).await?;
    let step = |(address, found): (String, Option<Found>)| {
        let key = Map::from_iter([("emailAddress".to_owned(), Value::from(address))]);
        let plan = found.unwrap_or(Err(ItemError::Missing)).and_then(|found| {
            let user = call.user(&scope, found)?;
            let row = Done { email_address: user.address.to_string() };
            Ok(Plan::done("emailAddress", change(&user)?, &row))
        });
        Step { key, plan: plan.map_err(|why| vec![wrong("emailAddress", &why)]) }
    };
    let steps = addresses.into_iter().zip(found).map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
