//! An endpoint: its path, input, permission and function.

use std::pin::Pin;

use directory::application::Product;
use directory::{Caller, Permission};
use wire::Code;
use wire::item::FieldSpec;

use crate::call::{Call, Reply, Unsigned};
use crate::error::CallError;
use crate::import::read::MAX_FILE;
use crate::limits::Limits;
use crate::style::Style;

/// The declaration of an endpoint. Shared tests, the authorisation matrix and the OpenAPI document iterate over all of
/// them.
pub struct Endpoint {
    /// The signed path; with [`ID`] where it names an object.
    pub path: &'static str,
    /// Its method.
    pub method: Method,
    /// Summary, in one line.
    pub summary: &'static str,
    /// The required permission; the rule itself is in `directory`.
    pub permission: Option<Permission>,
    /// The products of which an application of API 2.0 needs one. Without any: all applications may call an endpoint in
    /// the style of API 2.0, and none may call one of API 1.0.
    pub products: &'static [Product],
    /// Whether it changes anything and is recorded in the audit.
    pub writes: bool,
    /// Its input.
    pub takes: Takes,
    /// The fields of a row of the response.
    pub row: &'static [FieldSpec],
    /// The codes of refused items, in addition to those of types and mandatory fields.
    pub codes: &'static [Code],
    pub(crate) run: Run,
}

/// The segment of an endpoint's path in place of which callers send a secure id.
pub const ID: &str = "{id}";

/// The method of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The method of most endpoints, including those that read (spec/protocol.md 1.1).
    Post,
    /// The method of endpoints of API 2.0 that read.
    Get,
    /// The method of endpoints of API 2.0 that replace something.
    Put,
}

impl Method {
    /// The name of the method in HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Get => "GET",
            Method::Put => "PUT",
        }
    }
}

/// The input of an endpoint.
#[derive(Clone, Copy)]
pub enum Takes {
    /// Items with these fields.
    Items(&'static [FieldSpec]),
    /// At most one item with these fields.
    One(&'static [FieldSpec]),
    /// At most one item with these fields, and a page.
    Page(&'static [FieldSpec]),
    /// One object with these fields, without a list or `meta` around it.
    Object(&'static [FieldSpec]),
    /// No body; a query with these parameters.
    Query(&'static [FieldSpec]),
    /// A form with these fields.
    Form(&'static [FieldSpec]),
    /// A file, with these fields of one item in the header `x-mc-arg`.
    File(&'static [FieldSpec]),
    /// Something else; the OpenAPI document describes it separately.
    Other,
}

impl Takes {
    /// The fields of an item in a body.
    pub(crate) fn item_fields(self) -> &'static [FieldSpec] {
        match self {
            Takes::Items(fields) | Takes::One(fields) | Takes::Page(fields) | Takes::Object(fields) => fields,
            Takes::Query(_) | Takes::Form(_) | Takes::File(_) | Takes::Other => &[],
        }
    }
}

impl Endpoint {
    /// Whether it takes a signature or a token.
    pub fn is_signed(&self) -> bool {
        matches!(self.run, Run::Signed(_) | Run::Stub(_))
    }

    /// Whether it is a stub by design: it checks the call like every endpoint, has nothing to return, and changes nothing.
    /// `[ours]`
    pub fn is_stub(&self) -> bool {
        matches!(self.run, Run::Stub(_))
    }

    /// The secure id in a requested path, as received; empty if the endpoint's path has none. `None`: the path is another
    /// one.
    pub fn id_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some((before, after)) = self.path.split_once(ID) else {
            return (path == self.path).then_some("");
        };
        let id = path.strip_prefix(before)?.strip_suffix(after)?;
        (!id.is_empty() && !id.contains('/')).then_some(id)
    }

    /// Maximum bytes of its body.
    pub(crate) fn max_body(&self, limits: &Limits) -> usize {
        if matches!(self.takes, Takes::File(_)) { MAX_FILE } else { limits.body_bytes }
    }

    /// The shape of its responses.
    pub fn style(&self) -> Style {
        Style::of(self.path)
    }

    /// Whether the caller's application may call it at all.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        match self.products {
            [] => self.style() == Style::Rest || caller.user().is_some(),
            products => products.iter().any(|product| caller.reaches(*product)),
        }
    }
}

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Reply, CallError>> + Send + 'a>>;

pub(crate) enum Run {
    Signed(for<'a> fn(Call<'a>) -> Running<'a>),
    /// Like `Signed`, but a stub by design.
    Stub(for<'a> fn(Call<'a>) -> Running<'a>),
    Unsigned(for<'a> fn(Unsigned<'a>) -> Running<'a>),
}
