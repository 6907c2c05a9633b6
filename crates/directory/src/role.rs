//! Roles and their permissions (spec/protocol.md 7).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{AccountId, RoleId};

/// A permission in three parts, `Area | Item | Right`, as the documentation of the endpoints writes it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission(std::borrow::Cow<'static, str>);

/// The permission that create-user requires.
pub const INTERNAL_EDIT: Permission = Permission::known("Directories | Internal | Edit");
/// The permission to read users and domains.
pub const INTERNAL_READ: Permission = Permission::known("Directories | Internal | Read");

/// Read the account.
pub const DASHBOARD_READ: Permission = Permission::known("Account | Dashboard | Read");
/// Read the settings of the account.
pub const SETTINGS_READ: Permission = Permission::known("Account | Settings | Read");
/// Change the settings of the account.
pub const SETTINGS_EDIT: Permission = Permission::known("Account | Settings | Edit");
/// Read the audit.
pub const LOGS_READ: Permission = Permission::known("Account | Logs | Read");
/// Start imports of users.
pub const IMPORT_EDIT: Permission = Permission::known("Directories | Import | Edit");
/// Read the state of imports.
pub const IMPORT_READ: Permission = Permission::known("Directories | Import | Read");
/// Read groups and aliases.
pub const GROUPS_READ: Permission = Permission::known("Directories | Groups | Read");
/// Change groups and aliases.
pub const GROUPS_EDIT: Permission = Permission::known("Directories | Groups | Edit");
/// Change groups and remove members: the name in the catalogue of API 2.0 (spec/protocol.md 5).
pub const SYNC_EDIT: Permission = Permission::known("Services | Directory Sync | Edit");
/// Read external domains.
pub const EXTERNAL_READ: Permission = Permission::known("Directories | External | Read");
/// Read connections to other directories.
pub const SYNC_READ: Permission = Permission::known("Services | Directory Sync | Read");
/// Read and change managed URLs.
pub const URL_PROTECT_EDIT: Permission =
    Permission::known("Services | Targeted Threat Protection - URL Protect | Edit");
/// Register domains.
pub const REGISTER_DOMAIN: Permission = Permission::known("Directories | Internal | Register New Domain");
/// Let one user read another's mail.
pub const ALTERNATE_ADDRESS: Permission =
    Permission::known("Directories | Internal | Create Alternate Address");
/// Put users on the purge list.
pub const PURGE_ADDRESS: Permission = Permission::known("Directories | Internal | Purge Address");
/// Take users off the purge list.
pub const UNPURGE_ADDRESS: Permission =
    Permission::known("Directories | Internal | Remove Address from Purge List");
/// Read roles and their holders.
pub const ROLES_READ: Permission = Permission::known("Directories | Roles | Read");
/// Create and assign roles.
pub const ROLES_EDIT: Permission = Permission::known("Directories | Roles | Edit");

/// Read applications, and users' key pairs for them.
pub const APPLICATIONS_READ: Permission = Permission::known("Services | API Applications | Read");
/// Register applications, issue and revoke key pairs.
pub const APPLICATIONS_EDIT: Permission = Permission::known("Services | API Applications | Edit");

/// Create accounts below one's own. It is the membership of the role of this name: no other role has it, and no custom
/// role can (spec/protocol.md 5).
pub const PROVISIONING: Permission = Permission::known("Partner Provisioning Role");

/// Every permission that an endpoint or page requires; custom roles consist of these.
pub const PERMISSIONS: &[Permission] = &[
    DASHBOARD_READ,
    LOGS_READ,
    EXTERNAL_READ,
    SETTINGS_EDIT,
    SETTINGS_READ,
    GROUPS_EDIT,
    GROUPS_READ,
    IMPORT_EDIT,
    IMPORT_READ,
    ALTERNATE_ADDRESS,
    INTERNAL_EDIT,
    PURGE_ADDRESS,
    INTERNAL_READ,
    REGISTER_DOMAIN,
    UNPURGE_ADDRESS,
    ROLES_EDIT,
    ROLES_READ,
    APPLICATIONS_EDIT,
    APPLICATIONS_READ,
    SYNC_EDIT,
    SYNC_READ,
    URL_PROTECT_EDIT,
];

/// A text that is not the name of a permission.
#[derive(Debug, Error)]
#[error("no permission is called {0:?}; expected one like {INTERNAL_EDIT:?}")]
pub struct PermissionError(String);

impl Permission {
    const fn known(text: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(text))
    }

    /// Reads a permission; blanks around the bars are ignored.
    ///
    /// # Errors
    /// When no endpoint requires this permission.
    pub fn parse(text: &str) -> Result<Self, PermissionError> {
        let parts: Vec<_> = text.split('|').map(str::trim).collect();
        let canonical = parts.join(" | ");
        let known = PERMISSIONS.iter().find(|known| known.0.eq_ignore_ascii_case(&canonical));
        known.cloned().ok_or_else(|| PermissionError(text.to_owned()))
    }
}

impl TryFrom<String> for Permission {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.0.into_owned()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of permissions that users of an account can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its id; those of built-in roles are fixed.
    pub id: RoleId,
    /// The account that created it; `None`: a built-in role, which every account has.
    pub account: Option<AccountId>,
    /// Its name.
    pub name: String,
    /// Its permissions.
    pub permissions: BTreeSet<Permission>,
    /// Whether its holders may also act in accounts below their own.
    pub partner: bool,
}

impl Role {
    /// Whether this role covers another: all its permissions, and its reach into accounts below.
    pub fn covers(&self, other: &Role) -> bool {
        self.permissions.is_superset(&other.permissions) && (self.partner || !other.partner)
    }

    /// Whether the role has the permission.
    pub fn allows(&self, permission: &Permission) -> bool {
        self.permissions.contains(permission)
    }
}

/// The roles that every account has. Their names are the service's (spec/protocol.md 7); their permissions are
/// `[ours]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// Everything in its account.
    SuperAdministrator,
    /// Everything except assigning roles, in its account and those below.
    PartnerAdministrator,
    /// Everything except assigning roles and registering domains.
    FullAdministrator,
    /// Users and groups: the role of service accounts.
    BasicAdministrator,
    /// Creates accounts; has no permission on users.
    PartnerProvisioning,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [BuiltIn; 5] = [
        BuiltIn::SuperAdministrator,
        BuiltIn::PartnerAdministrator,
        BuiltIn::FullAdministrator,
        BuiltIn::BasicAdministrator,
        BuiltIn::PartnerProvisioning,
    ];

    /// The fixed id.
    pub const fn id(self) -> RoleId {
        let mut bytes = [0; 16];
        bytes[15] = self as u8 + 1;
        RoleId::from_bytes(bytes)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            BuiltIn::SuperAdministrator => "Super Administrator",
            BuiltIn::PartnerAdministrator => "Partner Administrator",
            BuiltIn::FullAdministrator => "Full Administrator",
            BuiltIn::BasicAdministrator => "Basic Administrator",
            BuiltIn::PartnerProvisioning => "Partner Provisioning Role",
        }
    }

    /// The role with this id, if it is a built-in one.
    pub fn by_id(id: RoleId) -> Option<BuiltIn> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }

    /// The role with this name, compared without case.
    pub fn by_name(name: &str) -> Option<BuiltIn> {
        Self::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(name))
    }

    /// Its permissions.
    pub fn role(self) -> Role {
        let holds = |permission: &Permission| match self {
            BuiltIn::SuperAdministrator => true,
            BuiltIn::PartnerAdministrator => *permission != ROLES_EDIT,
            BuiltIn::FullAdministrator => *permission != ROLES_EDIT && *permission != REGISTER_DOMAIN,
            BuiltIn::BasicAdministrator => {
                [DASHBOARD_READ, GROUPS_EDIT, GROUPS_READ, INTERNAL_EDIT, INTERNAL_READ, SYNC_EDIT]
                    .contains(permission)
            }
            BuiltIn::PartnerProvisioning => false,
        };
        Role {
            id: self.id(),
            account: None,
            name: self.name().to_owned(),
            permissions: PERMISSIONS
                .iter()
                .filter(|permission| holds(permission))
                .chain((self == BuiltIn::PartnerProvisioning).then_some(&PROVISIONING))
                .cloned()
                .collect(),
            partner: self == BuiltIn::PartnerAdministrator,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_read_however_they_are_spaced() {
        assert_eq!(Permission::parse("directories|internal |Edit").unwrap(), INTERNAL_EDIT);
        insta::assert_snapshot!(Permission::parse("Directories | I | Edit").unwrap_err(),
            @r#"no permission is called "Directories | I | Edit"; expected one like Directories | Internal | Edit"#);
    }

    #[test]
    fn built_in_roles_are_found_by_id_and_name() {
        for role in BuiltIn::ALL {
            assert_eq!(BuiltIn::by_id(role.id()), Some(role));
            assert_eq!(BuiltIn::by_name(&role.name().to_uppercase()), Some(role));
        }
        let may_create: Vec<_> = BuiltIn::ALL
            .into_iter()
            .filter(|role| role.role().allows(&INTERNAL_EDIT))
            .map(BuiltIn::name)
            .collect();
        assert_eq!(
            may_create,
            ["Super Administrator", "Partner Administrator", "Full Administrator", "Basic Administrator"]
        );
    }
}
