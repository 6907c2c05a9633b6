//! Bodies of the login family (spec/protocol.md 4, spec/clients.md 6) and of the change of one's own password.

use secrecy::SecretString;

use crate::item::{item, row};

item! {
    /// Of `/api/login/discover-authentication`.
    pub struct Discover {
        /// The address that somebody wants to log in with.
        email_address: required String = "emailAddress",
    }
    /// Of `/api/login/login`.
    pub struct LogIn {
        /// The address, once more; that in `Authorization` counts, and they must not differ.
        user_name: optional String = "userName",
        /// The same, as some clients spell it.
        username: optional String = "username",
        /// A key pair to be prolonged; without one there is a new pair.
        access_key: optional String = "accessKey",
    }
    /// Of `/api/login/logout`.
    pub struct LogOut {
        /// The key pair that is to end; the one that signs, when left out.
        access_key: optional String = "accessKey",
    }
    /// Of `/api/user/change-password`.
    pub struct ChangePassword {
        /// The address, once more; that in `Authorization` counts, and they must not differ.
        user_name: optional String = "userName",
        /// The password from now on.
        new_password: required SecretString = "newPassword",
    }
}

row! {
    /// How to log in.
    pub struct Discovered {
        /// The address, as it was given.
        email_address: always String = "emailAddress",
        /// Opaque.
        email_token: always String = "emailToken",
        /// Ways to log in: `Basic-Cloud`.
        authenticate: always Vec<String> = "authenticate",
        /// Where to.
        region: always Region = "region",
    }
    /// Where to call.
    pub struct Region {
        /// Its short name.
        code: always String = "code",
        /// The base of every URL.
        api: always String = "api",
    }
    /// A key pair.
    pub struct LoggedIn {
        /// The public half.
        access_key: always String = "accessKey",
        /// The key of the HMAC, in base64.
        secret_key: always String = "secretKey",
        /// How long the pair lives from now on, in milliseconds; left out when it never expires.
        duration: maybe u64 = "duration",
        /// `one_step`: a password is all that was asked for.
        binding_type: always String = "bindingType",
        /// Whether a call prolongs the pair: it does not, a login does.
        extend_on_validate: always bool = "extendOnValidate",
    }
    /// A key pair that has ended.
    pub struct LoggedOut {
        /// Its public half.
        access_key: always String = "accessKey",
    }
    /// A password that was changed.
    pub struct PasswordChanged {
        /// The address of the user.
        email_address: always String = "emailAddress",
    }
}
