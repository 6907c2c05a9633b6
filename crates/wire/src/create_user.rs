//! Bodies of `POST /api/user/create-user` (spec/create-user.txt).

use secrecy::SecretString;

/// The signed path.
pub const PATH: &str = "/api/user/create-user";

crate::item::item! {
    /// One entry of `data`.
    pub struct Item {
        /// Address of the new user: at most 254 bytes, one `@`; stored as given, compared without case.
        email_address: judged String = "emailAddress",
        /// Cloud password; without it, the user cannot log in with a password until one is set.
        password: optional SecretString = "password",
        /// A password hash from another directory, instead of the password; the user's next login rehashes it. Argon2,
        /// bcrypt, PBKDF2, SHA-crypt or salted SHA, see docs/IMPORT.md. `[ours]`
        password_hash: optional SecretString = "passwordHash",
        /// Account to create the user in, default: `meta.accountCode`, else the caller's own.
        account_code: optional String = "accountCode",
        /// Whether the password must be changed at the next login, default: false.
        force_password_change: optional bool = "forcePasswordChange",
        /// Display name: at most 256 characters.
        name: optional String = "name",
        /// Whether the user is created disabled, as an import does with accounts that were not active, default: false.
        /// `[ours]`
        account_disabled: optional bool = "accountDisabled",
        /// Whether the user is created locked, default: false. `[ours]`
        account_locked: optional bool = "accountLocked",
    }
}

impl Item {
    /// A user with only an address.
    pub fn new(email_address: impl Into<String>) -> Self {
        Self { email_address: Some(email_address.into()), ..Self::default() }
    }
}

crate::item::row! {
    /// A user that would be created: a row of the response of `/api/user/check-user`. `[ours]`
    pub struct Checked {
        /// Address, as it is stored: with its case, in composed form.
        email_address: always String = "emailAddress",
    }
    /// A row of `data` in the answer.
    pub struct Created {
        /// Address, as it is stored: with its case, in composed form.
        email_address: always String = "emailAddress",
        /// Secure id: opaque, URL-safe, stable.
        id: always String = "id",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Entry;
    use serde_json::json;

    #[test]
    fn key_is_the_item_without_its_password_however_it_is_spelt() {
        let entry = Entry::<Item>::read(json!({
            "name": "Ann", "password": "x", "Password": "y", "userPassword": "z", "emailAddress": "a@b.c",
            "forcePasswordChange": "True", "badge": 7
        }));
        let key = serde_json::to_string(&entry.key).unwrap();
        assert_eq!(key, r#"{"name":"Ann","emailAddress":"a@b.c","forcePasswordChange":"True","badge":7}"#);
        let item = entry.item.ok().unwrap();
        assert_eq!(item.force_password_change, Some(true));
        assert!(item.password.is_some());
    }

    #[test]
    fn null_is_absent_and_another_type_is_an_error_of_the_field() {
        let entry = Entry::<Item>::read(
            json!({ "emailAddress": null, "name": 7, "password": ["x"], "forcePasswordChange": "maybe" }),
        );
        let errors = entry.item.err().unwrap();
        let said: Vec<_> =
            errors.iter().map(|e| format!("{}: {}", e.field.as_deref().unwrap(), e.message)).collect();
        assert_eq!(
            said,
            [
                "password: Expected text, found a list",
                "forcePasswordChange: Expected true or false, found text",
                "name: Expected text, found a number"
            ]
        );
    }

    #[test]
    fn what_is_absent_is_not_sent() {
        let sent = serde_json::to_string(&Item::new("a@example.com")).unwrap();
        assert_eq!(sent, r#"{"emailAddress":"a@example.com"}"#);
    }
}
