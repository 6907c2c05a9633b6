//! Bodies of the login family (spec/protocol.md 4, spec/clients.md 6) and of the change of one's own password.

use secrecy::SecretString;

use crate::item::{item, row};

item! {
    /// Of `/api/login/discover-authentication`.
    pub struct Discover {
        /// Address to log in with.
        email_address: required String = "emailAddress",
    }
    /// Of `/api/login/login`.
    pub struct LogIn {
        /// The address; must equal the one in `Authorization`.
        user_name: optional String = "userName",
        /// Another spelling of `userName`.
        username: optional String = "username",
        /// Key pair to renew, default: a new one.
        access_key: optional String = "accessKey",
    }
    /// Of `/api/login/logout`.
    pub struct LogOut {
        /// Key pair to revoke, default: the one that signs.
        access_key: optional String = "accessKey",
    }
    /// Of `/api/user/change-password`.
    pub struct ChangePassword {
        /// The address; must equal the one in `Authorization`.
        user_name: optional String = "userName",
        /// New password.
        new_password: required SecretString = "newPassword",
    }
}

row! {
    /// How to log in.
    pub struct Discovered {
        /// The address as given.
        email_address: always String = "emailAddress",
        /// Opaque token.
        email_token: always String = "emailToken",
        /// Ways to log in: `Basic-Cloud`.
        authenticate: always Vec<String> = "authenticate",
        /// Region to call.
        region: always Region = "region",
    }
    /// The region to call.
    pub struct Region {
        /// Short name.
        code: always String = "code",
        /// Base URL.
        api: always String = "api",
    }
    /// A key pair.
    pub struct LoggedIn {
        /// Access key.
        access_key: always String = "accessKey",
        /// Secret key of the HMAC, in base64.
        secret_key: always String = "secretKey",
        /// Milliseconds until the key pair expires; absent if it never does.
        duration: maybe u64 = "duration",
        /// `one_step`: Only a password was required.
        binding_type: always String = "bindingType",
        /// Whether a call renews the pair: no, only a login does.
        extend_on_validate: always bool = "extendOnValidate",
    }
    /// A revoked key pair.
    pub struct LoggedOut {
        /// Access key.
        access_key: always String = "accessKey",
    }
    /// A changed password.
    pub struct PasswordChanged {
        /// The address of the user.
        email_address: always String = "emailAddress",
    }
}
