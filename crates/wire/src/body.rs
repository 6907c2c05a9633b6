//! What the bodies of all endpoints have in common: `meta`, the list `data`, and fields judged one by one.

use secrecy::SecretString;
use serde_json::Value;
use thiserror::Error;

/// Why a body that could be read is not a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// Something stands where something else is expected.
    #[error("{path}: expected {expected}, found {found}")]
    Shape {
        /// JSON path of the place.
        path: &'static str,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// `data` is missing: most likely the item was sent without the list around it.
    #[error("`data` is missing: the items go into a list, as in {{\"data\":[{{…}}]}}")]
    NoData,
    /// More items than one request may hold.
    #[error("`data` holds {count} items; one request may hold {max}: send the rest in further requests")]
    TooManyItems {
        /// Items sent.
        count: usize,
        /// Items allowed.
        max: usize,
    },
}

/// The parts of a body before its items are looked at.
pub(crate) struct Items {
    pub(crate) account_code: Option<String>,
    pub(crate) data: Vec<Value>,
}

impl Items {
    pub(crate) fn from_value(body: Value, max: usize) -> Result<Self, BodyError> {
        let Value::Object(mut body) = body else {
            return Err(shape("the body", "an object", &body));
        };
        let account_code = match body.get_mut("meta").map(Value::take) {
            None | Some(Value::Null) => None,
            Some(Value::Object(mut meta)) => match meta.get_mut("accountCode").map(Value::take) {
                None | Some(Value::Null) => None,
                Some(Value::String(code)) => Some(code),
                Some(other) => return Err(shape("meta.accountCode", "text", &other)),
            },
            Some(other) => return Err(shape("meta", "an object", &other)),
        };
        let data = match body.get_mut("data").map(Value::take) {
            None => return Err(BodyError::NoData),
            Some(Value::Array(data)) => data,
            Some(other) => return Err(shape("data", "a list", &other)),
        };
        if data.len() > max {
            return Err(BodyError::TooManyItems { count: data.len(), max });
        }
        Ok(Self { account_code, data })
    }
}

fn shape(path: &'static str, expected: &'static str, found: &Value) -> BodyError {
    BodyError::Shape { path, expected, found: kind(found) }
}

/// A field of an item. Null and missing are the same (spec/clients.md 3.6).
pub enum Field<T> {
    /// Missing or null.
    Absent,
    /// There, and of the right type.
    Value(T),
    /// There, and of another type.
    WrongType {
        /// What was found, for people: never the value itself.
        found: &'static str,
    },
}

impl Field<String> {
    /// Text.
    pub fn text(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Field::Absent,
            Some(Value::String(text)) => Field::Value(text.clone()),
            Some(other) => Field::WrongType { found: kind(other) },
        }
    }
}

impl Field<SecretString> {
    /// Text that is wiped when it is dropped; takes the value so that no copy stays behind.
    pub fn secret(value: Option<Value>) -> Self {
        match value {
            None | Some(Value::Null) => Field::Absent,
            Some(Value::String(text)) => Field::Value(SecretString::from(text)),
            Some(other) => Field::WrongType { found: kind(&other) },
        }
    }
}

impl Field<bool> {
    /// A boolean, also in quotes and in any case, as real clients send it (spec/protocol.md 1e).
    pub fn boolean(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Field::Absent,
            Some(Value::Bool(flag)) => Field::Value(*flag),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Field::Value(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Field::Value(false),
            Some(other) => Field::WrongType { found: kind(other) },
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!([]), "the body: expected an object, found a list")]
    #[case(json!({"data": null}), "data: expected a list, found null")]
    #[case(json!({"data": {}}), "data: expected a list, found an object")]
    #[case(json!({"meta": 1, "data": []}), "meta: expected an object, found a number")]
    #[case(json!({"meta": {"accountCode": 1}, "data": []}), "meta.accountCode: expected text, found a number")]
    #[case(json!({"emailAddress": "a@b"}), r#"`data` is missing: the items go into a list, as in {"data":[{…}]}"#)]
    #[case(json!({"data": [1, 2, 3]}), "`data` holds 3 items; one request may hold 2: send the rest in further requests")]
    fn a_body_that_is_no_request_says_why(#[case] body: Value, #[case] message: &str) {
        assert_eq!(Items::from_value(body, 2).err().unwrap().to_string(), message);
    }

    #[test]
    fn meta_may_be_missing_null_or_hold_unknown_keys() {
        for meta in [json!(null), json!({"x": 1, "accountCode": null})] {
            let items = Items::from_value(json!({"meta": meta, "data": []}), 2).ok().unwrap();
            assert!(items.account_code.is_none() && items.data.is_empty());
        }
    }
}
