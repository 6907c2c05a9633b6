//! Bodies of `/api/role/…`. `[ours]`

use crate::item::{item, row};

item! {
    /// Of `/api/role/get-roles`.
    pub struct GetRoles {
        /// Only the role of this name; all, when left out.
        name: optional String = "name",
    }
    /// Of `/api/role/create-role`.
    pub struct CreateRole {
        /// Its name: at most 256 characters, unique in the account, compared without case.
        name: required String = "name",
        /// What its holders may do, each written like `Directories | Internal | Read`.
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
        /// Secure id of the role; null or empty: the user loses the role it has.
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
        /// Whether every account has it.
        built_in: always bool = "builtIn",
        /// Whether its holders may also act in the accounts below their own.
        partner: always bool = "partner",
        /// What its holders may do.
        permissions: always Vec<String> = "permissions",
    }
    /// A role that is gone.
    pub struct RoleGone {
        /// Its secure id.
        id: always String = "id",
    }
    /// Who holds which role.
    pub struct RoleAssigned {
        /// Address of the user.
        email_address: always String = "emailAddress",
        /// Name of the role; left out when the user has none.
        role: maybe String = "role",
    }
}
