//! `/…/cloud-gateway/v1/…`: endpoints in the style of API 2.0 (spec/protocol.md 8).

pub mod add_members;
pub mod create_group;
pub mod create_user;
pub mod get_emergency_contact;
pub mod get_group;
pub mod list_external_domains;
pub mod list_groups;
pub mod list_internal_domains;
pub mod list_members;
pub mod list_pending_domains;
pub mod list_roles;
pub mod list_users;
mod members;
pub mod remove_members;
pub mod set_emergency_contact;

use directory::AccountId;
use directory::error::ItemError;
use directory::groups::Group;
use directory::user::User;
use serde::de::DeserializeOwned;
use wire::envelope::Pagination;
use wire::rest::{self, PageMeta, PageQuery};

use super::directory::group_id;
use crate::call::{Call, Reply};
use crate::endpoint::Endpoint;
use crate::error::{CallError, wrong};
use crate::page;
use crate::secure_id::SecureIds;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    add_members::ENDPOINT,
    create_group::ENDPOINT,
    create_user::ENDPOINT,
    get_emergency_contact::ENDPOINT,
    get_group::ENDPOINT,
    list_external_domains::ENDPOINT,
    list_groups::ENDPOINT,
    list_internal_domains::ENDPOINT,
    list_members::ENDPOINT,
    list_pending_domains::ENDPOINT,
    list_roles::ENDPOINT,
    list_users::ENDPOINT,
    remove_members::ENDPOINT,
    set_emergency_contact::ENDPOINT,
];

const EMERGENCY_CONTACT: &str = "/account/cloud-gateway/v1/emergency-contact";

const USERS: &str = "/user/cloud-gateway/v1/users";

const GROUPS: &str = "/directory/cloud-gateway/v1/groups";

const MEMBERS: &str = "/directory/cloud-gateway/v1/groups/{id}/members";

fn row(ids: &SecureIds<'_>, user: &User) -> rest::User {
    let address_type = user.address_type.as_str();
    rest::User {
        id: ids.user(user.account, user.id),
        email_address: user.address.to_string(),
        name: user.name.clone(),
        domain: user.address.domain().to_owned(),
        kind: address_type.to_owned(),
        internal: true,
        disabled: user.is_blocked(),
        created_date_time: rest::time(user.created_at),
        updated_date_time: rest::time(user.updated_at.unwrap_or(user.created_at)),
        address_type: address_type.to_owned(),
        is_alias: user.alias_of.is_some(),
    }
}

/// What a list is asked for: the content of the page token, and the number of rows.
fn asked<S: DeserializeOwned>(call: &Call<'_>, account: AccountId) -> Result<(Option<S>, usize), Box<Reply>> {
    let refused = |errors| Box::new(Reply::errors(errors));
    let query = call.query::<PageQuery>().item.map_err(refused)?;
    let state = call.core.secure_ids().read_page(call.path, account, query.page_token.as_deref());
    let state = state.map_err(|_| refused(vec![page::invalid("pageToken")]))?;
    Ok((state, query.page_size.map_or(rest::MAX_PAGE, |size| size.0)))
}

/// Cuts the rows to a page. One row more than the page was read, to detect a next page: it starts after the last row.
fn cut<T>(rows: &mut Vec<T>, size: usize, token: impl Fn(&T) -> String) -> PageMeta {
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(token);
    let page_size = rows.len() as u64;
    PageMeta { pagination: Pagination { page_size, total_count: None, next, previous: None } }
}

/// The group that the path names.
async fn named_group(
    call: &mut Call<'_>,
    account: AccountId,
) -> Result<Result<Group, Box<Reply>>, CallError> {
    let refused = |error| Ok(Err(Box::new(Reply::errors(vec![error]))));
    let id = match group_id(&call.core.secure_ids(), account, call.id) {
        Ok(id) => id,
        Err(error) => return refused(error),
    };
    match call.timed(call.core.store.group(id)).await? {
        Some(group) => Ok(Ok(group)),
        None => refused(wrong("id", &ItemError::NotFound("group"))),
    }
}
