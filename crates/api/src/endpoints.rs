//! The endpoints: one file each, in folders named as their paths.

pub mod account;
pub mod audit;
pub mod cloud_gateway;
pub mod directory;
pub mod domain;
pub mod identity;
pub mod login;
pub mod oauth;
pub mod provisioning;
pub mod role;
pub mod user;

use crate::endpoint::Endpoint;

/// The endpoints by family: the first segment of the path, after `/api`.
const FAMILIES: [&[Endpoint]; 11] = [
    account::ENDPOINTS,
    audit::ENDPOINTS,
    cloud_gateway::ENDPOINTS,
    directory::ENDPOINTS,
    domain::ENDPOINTS,
    identity::ENDPOINTS,
    login::ENDPOINTS,
    oauth::ENDPOINTS,
    provisioning::ENDPOINTS,
    role::ENDPOINTS,
    user::ENDPOINTS,
];

/// Every endpoint.
pub fn all() -> impl Iterator<Item = &'static Endpoint> + Clone {
    FAMILIES.into_iter().flatten()
}

/// Whether callers of a path are identified only by the body: a password or the secret of an application.
pub fn knows_nobody(path: &str) -> bool {
    all().any(|endpoint| !endpoint.is_signed() && endpoint.path == path)
}
