//! `/user/cloud-gateway/v1/…`, `/role/cloud-gateway/v1/…` and `/account/cloud-gateway/v1/…`: endpoints in the style of
//! API 2.0 (spec/protocol.md 8).

pub mod create_user;
pub mod get_emergency_contact;
pub mod list_roles;
pub mod list_users;
pub mod set_emergency_contact;

use directory::user::User;
use wire::rest;

use crate::endpoint::Endpoint;
use crate::secure_id::SecureIds;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    create_user::ENDPOINT,
    list_roles::ENDPOINT,
    list_users::ENDPOINT,
    get_emergency_contact::ENDPOINT,
    set_emergency_contact::ENDPOINT,
];

const EMERGENCY_CONTACT: &str = "/account/cloud-gateway/v1/emergency-contact";

const USERS: &str = "/user/cloud-gateway/v1/users";

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
