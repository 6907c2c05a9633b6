//! The common parts of request bodies: `meta` and the list `data`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::item::{Entry, FieldSpec, Item, kind};
use crate::near_miss::near_misses;

/// Most items of a request, unless the documentation of an endpoint says otherwise. `[ours]`
pub const MAX_ITEMS: usize = 1_000;

/// Default and largest number of rows on a page. `[ours]`
pub const MAX_PAGE: usize = 500;

/// Why a parsed body is not a valid request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// A value has the wrong type.
    #[error("{path}: expected {expected}, found {found}")]
    Shape {
        /// Its JSON path.
        path: &'static str,
        /// The expected type.
        expected: &'static str,
        /// The type found.
        found: &'static str,
    },
    /// `data` is missing: the item was probably sent without the list around it.
    #[error("`data` is missing: send the items in a list, as in {{\"data\":[{{…}}]}}")]
    NoData,
    /// More items than a request may have.
    #[error(
        "`data` has {count} items, but a request may have at most {max}: send the rest in further requests"
    )]
    TooManyItems {
        /// Items sent.
        count: usize,
        /// Items allowed.
        max: usize,
    },
}

/// A body whose items are not parsed yet.
pub struct Body {
    /// `meta.accountCode`: the account to act in (spec/protocol.md 6).
    pub account_code: Option<String>,
    /// `meta.pagination` (spec/protocol.md 1c).
    pub page: Page,
    data: Option<Vec<Value>>,
}

/// The requested page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Whether a page was requested. Lists that are complete in recordings are paged only then.
    pub asked: bool,
    /// Rows: 1 to [`MAX_PAGE`]; larger values are reduced to it.
    pub size: usize,
    /// `next` or `previous` of an earlier response; `None` for the first page.
    pub token: Option<String>,
}

impl Body {
    /// Reads `meta` and `data`.
    ///
    /// # Errors
    /// When the body is not an object, or either has the wrong type.
    pub fn read(body: Value) -> Result<Self, BodyError> {
        let Value::Object(mut body) = body else {
            return Err(shape("the body", "an object", &body));
        };
        let mut account_code = None;
        let mut page = Page { asked: false, size: MAX_PAGE, token: None };
        match body.get_mut("meta").map(Value::take) {
            None | Some(Value::Null) => {}
            Some(Value::Object(mut meta)) => {
                account_code = text(meta.get_mut("accountCode"), "meta.accountCode")?;
                if let Some(pagination) = meta.get_mut("pagination") {
                    page = Page::read(pagination.take())?;
                }
            }
            Some(other) => return Err(shape("meta", "an object", &other)),
        }
        let data = match body.get_mut("data").map(Value::take) {
            None => None,
            Some(Value::Array(data)) => Some(data),
            Some(other) => return Err(shape("data", "a list", &other)),
        };
        Ok(Self { account_code, page, data })
    }

    /// Fields that were sent under a name that is almost right, and are ignored: the name, and the field of `fields`
    /// that was probably meant.
    pub fn near_misses(&self, fields: &[FieldSpec]) -> BTreeMap<String, &'static str> {
        near_misses(self.data.iter().flatten(), fields)
    }

    /// The items, each parsed separately.
    ///
    /// # Errors
    /// When `data` is not a list, or has more than `max` items.
    pub fn items<I: Item>(&mut self, max: usize) -> Result<Vec<Entry<I>>, BodyError> {
        let data = self.data.take().ok_or(BodyError::NoData)?;
        match data.len() {
            count if count > max => Err(BodyError::TooManyItems { count, max }),
            _ => Ok(data.into_iter().map(Entry::read).collect()),
        }
    }

    /// The item of an endpoint that takes at most one. Without one, or without `data`, as in follow-up pages and from
    /// simple clients (spec/clients.md 3.3, 3.5), it is an item without fields.
    ///
    /// # Errors
    /// When there are more.
    pub fn one<I: Item>(&mut self) -> Result<Entry<I>, BodyError> {
        let mut data = self.data.take().unwrap_or_default();
        match data.len() {
            0 | 1 => Ok(Entry::read(data.pop().unwrap_or_default())),
            count => Err(BodyError::TooManyItems { count, max: 1 }),
        }
    }
}

/// The body of an endpoint in the style of API 2.0: the item itself (spec/protocol.md 8).
///
/// # Errors
/// When it is not an object.
pub fn object<I: Item>(body: Value) -> Result<Entry<I>, BodyError> {
    if body.is_object() { Ok(Entry::read(body)) } else { Err(shape("the body", "an object", &body)) }
}

impl Page {
    fn read(pagination: Value) -> Result<Self, BodyError> {
        let mut pagination = match pagination {
            Value::Null => return Ok(Page { asked: false, size: MAX_PAGE, token: None }),
            Value::Object(pagination) => pagination,
            other => return Err(shape("meta.pagination", "an object", &other)),
        };
        let size = match pagination.get("pageSize") {
            None | Some(Value::Null) => MAX_PAGE as u64,
            Some(Value::Number(size)) => size.as_u64().unwrap_or(0),
            // A number in quotes, as scripts send it from a setting.
            Some(Value::String(size)) => size.trim().parse().unwrap_or(0),
            Some(_) => 0,
        };
        if size == 0 {
            let found = pagination.get("pageSize").map_or("nothing", kind);
            let (path, expected) = ("meta.pagination.pageSize", "a number from 1 to 500");
            return Err(BodyError::Shape { path, expected, found });
        }
        let token = text(pagination.get_mut("pageToken"), "meta.pagination.pageToken")?;
        Ok(Self {
            asked: true,
            size: usize::try_from(size).unwrap_or(MAX_PAGE).min(MAX_PAGE),
            // Some clients request the first page with an empty token (spec/clients.md 3.5).
            token: token.filter(|token| !token.is_empty()),
        })
    }
}

fn text(value: Option<&mut Value>, path: &'static str) -> Result<Option<String>, BodyError> {
    match value.map(Value::take) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(shape(path, "text", &other)),
    }
}

fn shape(path: &'static str, expected: &'static str, found: &Value) -> BodyError {
    BodyError::Shape { path, expected, found: kind(found) }
}

/// The body of a request, as a caller sends it.
#[derive(Serialize)]
pub struct RequestBody<'a, Item> {
    meta: Meta<'a>,
    data: &'a [Item],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    account_code: &'a str,
}

impl<'a, Item> RequestBody<'a, Item> {
    /// With these items, for the account with this code.
    pub fn new(account_code: &'a str, data: &'a [Item]) -> Self {
        Self { meta: Meta { account_code }, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    crate::item::item! {
        /// An item of a test.
        struct Two {
            /// One.
            one: required String = "one",
            /// Two.
            two: optional bool = "two",
        }
    }

    #[rstest]
    #[case(json!([]), "the body: expected an object, found a list")]
    #[case(json!({"data": null}), "data: expected a list, found null")]
    #[case(json!({"data": {}}), "data: expected a list, found an object")]
    #[case(json!({"meta": 1, "data": []}), "meta: expected an object, found a number")]
    #[case(json!({"meta": {"accountCode": 1}, "data": []}), "meta.accountCode: expected text, found a number")]
    #[case(json!({"meta": {"pagination": {"pageSize": 0}}}), "meta.pagination.pageSize: expected a number from 1 to 500, found a number")]
    #[case(json!({"meta": {"pagination": {"pageToken": 7}}}), "meta.pagination.pageToken: expected text, found a number")]
    #[case(json!({"one": "a@b"}), r#"`data` is missing: send the items in a list, as in {"data":[{…}]}"#)]
    #[case(json!({"data": [1, 2, 3]}), "`data` has 3 items, but a request may have at most 2: send the rest in further requests")]
    fn a_body_that_is_no_request_says_why(#[case] body: Value, #[case] message: &str) {
        let error = Body::read(body).and_then(|mut body| body.items::<Two>(2).map(|_| ()));
        assert_eq!(error.err().unwrap().to_string(), message);
    }

    #[test]
    fn meta_may_be_missing_null_or_hold_unknown_keys() {
        for meta in [json!(null), json!({"x": 1, "accountCode": null, "pagination": {"pageToken": ""}})] {
            let mut body = Body::read(json!({"meta": meta, "data": []})).ok().unwrap();
            assert!(body.account_code.is_none() && body.items::<Two>(2).ok().unwrap().is_empty());
            assert_eq!((body.page.size, body.page.token), (500, None));
        }
        let body = json!({"meta": {"pagination": {"pageSize": "50", "pageToken": "x"}}});
        let asked = Page { asked: true, size: 50, token: Some("x".to_owned()) };
        assert_eq!(Body::read(body).ok().unwrap().page, asked);
    }

    #[test]
    fn every_error_of_an_item_is_told_at_once() {
        let mut body = Body::read(json!({"data": [{"one": " ", "two": 7}, 5, {"one": "x", "two": "TRUE"}]}))
            .ok()
            .unwrap();
        let items = body.items::<Two>(3).ok().unwrap();
        let codes = |entry: &Entry<Two>| -> Vec<String> {
            entry.item.as_ref().err().into_iter().flatten().map(|error| error.code.clone()).collect()
        };
        assert_eq!(codes(&items[0]), ["err_validation_blank", "err_validation_type"]);
        assert_eq!(codes(&items[1]), ["err_validation_null"]);
        let last = items[2].item.as_ref().ok().unwrap();
        assert_eq!((last.one.as_str(), last.two), ("x", Some(true)));
    }
}
