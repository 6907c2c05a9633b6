//! Bodies of `POST /api/user/create-user` (spec/create-user.txt).

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::body::{BodyError, Field, Items};

/// The path, as it is signed.
pub const PATH: &str = "/api/user/create-user";

/// Items one request may hold. `[ours]`
pub const MAX_ITEMS: usize = 1_000;

/// Names of the fields, for messages that speak of one.
pub mod field {
    /// The address of the new user.
    pub const EMAIL_ADDRESS: &str = "emailAddress";
    /// The display name.
    pub const NAME: &str = "name";
    /// The cloud password.
    pub const PASSWORD: &str = "password";
    /// The account the user is created in.
    pub const ACCOUNT_CODE: &str = "accountCode";
    /// Whether the password must be changed at the next login.
    pub const FORCE_PASSWORD_CHANGE: &str = "forcePasswordChange";
}

/// A request as the server reads it: each item stands or falls alone, so a wrong type is a property of a field
/// and not an error of the body.
pub struct Request {
    /// `meta.accountCode`: the account of every item that names none (spec/protocol.md 6).
    pub account_code: Option<String>,
    /// The entries of `data`, in order.
    pub items: Vec<Item>,
}

/// One entry of `data`.
pub struct Item {
    /// The entry without its password: what `fail[].key` shows.
    pub key: Map<String, Value>,
    /// Address of the new user.
    pub email_address: Field<String>,
    /// Display name.
    pub name: Field<String>,
    /// Cloud password.
    pub password: Field<SecretString>,
    /// Account to create the user in.
    pub account_code: Field<String>,
    /// Whether the password must be changed at the next login.
    pub force_password_change: Field<bool>,
}

impl Request {
    /// Reads a request out of a parsed body.
    ///
    /// # Errors
    /// When the body is no object, holds no list `data`, or holds more than [`MAX_ITEMS`] items.
    pub fn from_value(body: Value) -> Result<Self, BodyError> {
        let Items { account_code, data } = Items::from_value(body, MAX_ITEMS)?;
        Ok(Self { account_code, items: data.into_iter().map(Item::from_value).collect() })
    }
}

impl Item {
    fn from_value(item: Value) -> Self {
        let mut entry = match item {
            Value::Object(entry) => entry,
            // Not an object: nothing of it can be shown or used, and the missing address says so.
            _ => Map::new(),
        };
        let password = Field::secret(entry.shift_remove(field::PASSWORD));
        // A password under a misspelt name is still a password.
        entry.retain(|name, _| {
            name == field::FORCE_PASSWORD_CHANGE || !name.to_ascii_lowercase().contains("password")
        });
        Self {
            email_address: Field::text(entry.get(field::EMAIL_ADDRESS)),
            name: Field::text(entry.get(field::NAME)),
            password,
            account_code: Field::text(entry.get(field::ACCOUNT_CODE)),
            force_password_change: Field::boolean(entry.get(field::FORCE_PASSWORD_CHANGE)),
            key: entry,
        }
    }
}

/// One user as a client sends it.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    /// Address of the new user.
    pub email_address: String,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Cloud password; without one the user can't log in with a password.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub password: Option<SecretString>,
    /// Account to create the user in; the caller's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_code: Option<String>,
    /// Whether the password must be changed at the next login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_password_change: Option<bool>,
}

impl NewUser {
    /// A user with an address and nothing else.
    pub fn new(email_address: impl Into<String>) -> Self {
        Self {
            email_address: email_address.into(),
            name: None,
            password: None,
            account_code: None,
            force_password_change: None,
        }
    }
}

/// A password leaves the process on its way to the server, and nowhere else.
fn exposed<S: Serializer>(password: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    password.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

/// A row of `data` in the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// Address as it was given.
    pub email_address: String,
    /// Secure id: opaque, URL-safe, stable.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(value: Value) -> Item {
        Request::from_value(json!({ "data": [value] })).ok().unwrap().items.remove(0)
    }

    #[test]
    fn key_is_the_item_without_its_password_however_it_is_spelt() {
        let item = item(json!({
            "name": "Ann", "password": "x", "Password": "y", "userPassword": "z", "emailAddress": "a@b.c",
            "forcePasswordChange": "True", "badge": 7
        }));
        let key = serde_json::to_string(&item.key).unwrap();
        assert_eq!(key, r#"{"name":"Ann","emailAddress":"a@b.c","forcePasswordChange":"True","badge":7}"#);
        assert!(matches!(item.force_password_change, Field::Value(true)));
        assert!(matches!(item.password, Field::Value(_)));
    }

    #[test]
    fn null_is_absent_and_another_type_is_a_property_of_the_field() {
        let item = item(
            json!({ "emailAddress": null, "name": 7, "password": ["x"], "forcePasswordChange": "maybe" }),
        );
        assert!(matches!(item.email_address, Field::Absent));
        assert!(matches!(item.name, Field::WrongType { found: "a number" }));
        assert!(matches!(item.password, Field::WrongType { found: "a list" }));
        assert!(matches!(item.force_password_change, Field::WrongType { found: "text" }));
    }

    #[test]
    fn what_is_absent_is_not_sent() {
        let sent = serde_json::to_string(&NewUser::new("a@example.com")).unwrap();
        assert_eq!(sent, r#"{"emailAddress":"a@example.com"}"#);
    }
}
