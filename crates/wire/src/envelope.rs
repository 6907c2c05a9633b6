//! The envelope of every response: `meta`, `data`, `fail`; always all three, in that order, without spaces
//! (spec/clients.md 4.1, 4.2).

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Code;
use crate::code::Level;
use crate::error::Error;
use crate::item::row;

/// A response: successful items in `data`, refused ones in `fail`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// HTTP status and `meta.status`.
    pub status: u16,
    /// One row per successful item, in the order of the request.
    pub data: Vec<T>,
    /// One entry per refused item, in the order of the request; or a single one that refuses the call.
    pub fail: Vec<Failure>,
    /// Position of this page, for endpoints with pages.
    pub pagination: Option<Pagination>,
}

row! {
    /// `meta.pagination` of an answer (spec/protocol.md 1c, spec/clients.md 4.4).
    pub struct Pagination {
        /// Rows on this page, not those that were asked for.
        page_size: always u64 = "pageSize",
        /// Rows on all pages.
        total_count: maybe u64 = "totalCount",
        /// Token of the next page; left out on the last one.
        next: maybe String = "next",
        /// Token of the page before; left out on the first one.
        previous: maybe String = "previous",
    }
}

/// An entry of `fail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The item without its password. Absent if the whole call is refused (spec/clients.md 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Map<String, Value>>,
    /// The errors; never empty.
    pub errors: Vec<Error>,
    /// The same error again, where clients of API 2.0 expect it (spec/protocol.md 2e).
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Error>,
}

impl Failure {
    /// The failure of an item.
    pub fn of(key: Map<String, Value>, errors: Vec<Error>) -> Self {
        Self { key: Some(key), errors, gateway: None }
    }

    /// The failure of the whole call.
    pub fn call(error: Error) -> Self {
        Self { key: None, errors: vec![error], gateway: None }
    }

    /// The address in the refused item; that of an alias, if it is one.
    pub fn address(&self) -> Option<&str> {
        let key = self.key.as_ref()?;
        key.get("emailAddress").or_else(|| key.get("alias"))?.as_str()
    }
}

impl<T> Answer<T> {
    /// The response of a call; single items may have failed (spec/protocol.md 1b).
    pub fn ran(data: Vec<T>, fail: Vec<Failure>) -> Self {
        Self { status: 200, data, fail, pagination: None }
    }

    /// The response with a page of a list.
    pub fn page(data: Vec<T>, pagination: Pagination) -> Self {
        Self { status: 200, data, fail: Vec::new(), pagination: Some(pagination) }
    }

    /// The response to a refused call.
    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        match code.level() {
            Level::Gateway(_) => Self::refused_with_code(code, message),
            _ => Self::failed(code.status(), Failure::call(Error::new(code, message))),
        }
    }

    /// The response to a refused call, with the error also where clients of API 2.0 expect it.
    pub fn refused_with_code(code: Code, message: impl Into<String>) -> Self {
        let error = Error::new(code, message);
        Self::failed(code.status(), Failure { gateway: Some(error.clone()), ..Failure::call(error) })
    }

    /// A response with only this failure.
    pub fn failed(status: u16, failure: Failure) -> Self {
        Self { status, data: Vec::new(), fail: vec![failure], pagination: None }
    }
}

#[derive(Serialize, Deserialize)]
struct Meta {
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination>,
}

impl<T: Serialize> Serialize for Answer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("Answer", 3)?;
        let meta = Meta { status: self.status, pagination: self.pagination.clone() };
        answer.serialize_field("meta", &meta)?;
        answer.serialize_field("data", &self.data)?;
        answer.serialize_field("fail", &self.fail)?;
        answer.end()
    }
}

/// Responses of other servers may lack a list; it is read as an empty one.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Answer<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(bound = "T: Deserialize<'de>")]
        struct Lenient<T> {
            meta: Meta,
            #[serde(default = "Vec::new")]
            data: Vec<T>,
            #[serde(default)]
            fail: Vec<Failure>,
        }
        let Lenient { meta, data, fail } = Lenient::deserialize(deserializer)?;
        Ok(Self { status: meta.status, data, fail, pagination: meta.pagination })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_refusals_come_out_to_the_byte() {
        let answer = Answer::<Value>::refused(Code::InvalidSignature, "0004 Invalid Signature");
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"meta":{"status":401},"data":[],"fail":[{"errors":[{"code":"err_xdk_invalid_signature","message":"0004 Invalid Signature","retryable":false}]}]}"#
        );
        let answer = Answer::<Value>::refused(Code::DeveloperKey, "App ID is invalid: INVALID");
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"meta":{"status":200},"data":[],"fail":[{"errors":[{"code":"err_developer_key","message":"App ID is invalid: INVALID","retryable":false}]}]}"#
        );
    }

    #[test]
    fn an_answer_reads_back() {
        let answer = Answer::ran(vec!["row".to_owned()], vec![]);
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(text, r#"{"meta":{"status":200},"data":["row"],"fail":[]}"#);
        assert_eq!(serde_json::from_str::<Answer<String>>(&text).unwrap(), answer);
        assert_eq!(
            serde_json::from_str::<Answer<String>>(r#"{"meta":{"status":200}}"#).unwrap().data.len(),
            0
        );
    }
}
