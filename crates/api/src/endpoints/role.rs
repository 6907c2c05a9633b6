//! `/api/role/…` `[ours]`

pub mod assign_role;
pub mod create_role;
pub mod delete_role;
pub mod get_roles;

use directory::{AccountId, Role};
use wire::roles::RoleRow;

use crate::endpoint::Endpoint;
use crate::secure_id::SecureIds;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] =
    &[assign_role::ENDPOINT, create_role::ENDPOINT, delete_role::ENDPOINT, get_roles::ENDPOINT];

/// The kind of a role's secure id.
pub(super) const KIND: &str = "role";

pub(in crate::endpoints) fn row(ids: &SecureIds<'_>, account: AccountId, role: &Role) -> RoleRow {
    RoleRow {
        id: ids.seal(KIND, account, role.id.as_bytes()),
        name: role.name.clone(),
        built_in: role.account.is_none(),
        partner: role.partner,
        permissions: role.permissions.iter().map(ToString::to_string).collect(),
    }
}
