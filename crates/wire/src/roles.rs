//! Bodies of `/api/role/…`. `[ours]`

use crate::item::{item, row};

item! {
    /// Of `/api/role/get-roles`.
    pub struct GetRoles {
        /// Only the role with this name, default: all.
        name: optional String = "name",
    }
    /// Of `/api/role/create-role`.
    pub struct CreateRole {
        /// Name: at most 256 characters, unique in the account, ignoring case.
        name: required String = "name",
        /// Permissions, each like `Directories | Internal | Read`.
        permissions: required Vec<String> = "permissions",
    }
    /// Of `/api/role/delete-role`.
    pub struct DeleteRole {
        /// Secure id of the role.
        id: required String = "id",
    }
    /// Of `/api/role/assign-role`.
    pub struct AssignRole {
        /// Address of the user.
        email_address: required String = "emailAddress",
        /// Secure id of the role; null or empty removes the user's role.
        id: stated String = "id",
    }
}

row! {
    /// A role.
    pub struct RoleRow {
        /// Its secure id.
        id: always String = "id",
        /// Its name.
        name: always String = "name",
        /// Whether it is built in.
        built_in: always bool = "builtIn",
        /// Whether its holders may also act in the accounts below their own.
        partner: always bool = "partner",
        /// Permissions.
        permissions: always Vec<String> = "permissions",
    }
    /// A deleted role.
    pub struct RoleGone {
        /// Its secure id.
        id: always String = "id",
    }
    /// A user and its role.
    pub struct RoleAssigned {
        /// Address of the user.
        email_address: always String = "emailAddress",
        /// Name of the role; absent if the user has none.
        role: maybe String = "role",
    }
}
