//! The endpoints: one file each, in folders named as their paths.

pub mod account;
pub mod audit;
pub mod cloud_gateway;
pub mod directory;
pub mod domain;
pub mod identity;
pub mod login;
pub mod oauth;
pub mod role;
pub mod user;

use crate::endpoint::Endpoint;

/// Every endpoint.
pub const ENDPOINTS: &[Endpoint] = &[
    account::get_account::ENDPOINT,
    account::get_support_info::ENDPOINT,
    audit::get_audit_events::ENDPOINT,
    cloud_gateway::create_user::ENDPOINT,
    cloud_gateway::list_roles::ENDPOINT,
    cloud_gateway::list_users::ENDPOINT,
    directory::add_group_member::ENDPOINT,
    directory::create_group::ENDPOINT,
    directory::delete_group::ENDPOINT,
    directory::find_groups::ENDPOINT,
    directory::get_group_members::ENDPOINT,
    directory::remove_group_member::ENDPOINT,
    directory::update_group::ENDPOINT,
    domain::create_domain::ENDPOINT,
    domain::delete_pending_domain::ENDPOINT,
    domain::get_internal_domain::ENDPOINT,
    domain::get_pending_domain::ENDPOINT,
    domain::get_provision_status::ENDPOINT,
    domain::get_verification_code::ENDPOINT,
    domain::verify_domain::ENDPOINT,
    identity::whoami::ENDPOINT,
    login::discover_authentication::ENDPOINT,
    login::login::ENDPOINT,
    login::logout::ENDPOINT,
    oauth::token::ENDPOINT,
    role::assign_role::ENDPOINT,
    role::create_role::ENDPOINT,
    role::delete_role::ENDPOINT,
    role::get_roles::ENDPOINT,
    user::add_delegate_user::ENDPOINT,
    user::add_to_purge_list::ENDPOINT,
    user::change_password::ENDPOINT,
    user::check_user::ENDPOINT,
    user::create_user::ENDPOINT,
    user::delete_user::ENDPOINT,
    user::find_delegate_users::ENDPOINT,
    user::get_aliases::ENDPOINT,
    user::get_attributes::ENDPOINT,
    user::get_internal_users::ENDPOINT,
    user::get_profile::ENDPOINT,
    user::remove_alias::ENDPOINT,
    user::remove_delegate_user::ENDPOINT,
    user::remove_from_purge_list::ENDPOINT,
    user::update_alias::ENDPOINT,
    user::update_attributes::ENDPOINT,
    user::update_user::ENDPOINT,
];

/// Whether callers of a path are identified only by the body: a password or the secret of an application.
pub fn knows_nobody(path: &str) -> bool {
    ENDPOINTS.iter().any(|endpoint| !endpoint.is_signed() && endpoint.path == path)
}
