//! An endpoint: its path, input, permission and function.

use std::pin::Pin;

use directory::application::Product;
use directory::{Caller, Permission};
use wire::Code;
use wire::item::FieldSpec;

use crate::call::{Call, Reply, Unsigned};
use crate::error::CallError;
use crate::style::Style;

/// An endpoint: what it takes, what it asks for, what it answers. The tests of what all endpoints share, the
/// authorisation matrix and the OpenAPI document go over the table of these.
pub struct Endpoint {
    /// Its path, as it is signed.
    pub path: &'static str,
    /// Its method.
    pub method: Method,
    /// Summary, in one line.
    pub summary: &'static str,
    /// The required permission; the rule itself is in `directory`.
    pub permission: Option<Permission>,
    /// The product an application of API 2.0 must be registered for. `None`: in the new style it is for all of them, in the
    /// old one for none.
    pub product: Option<Product>,
    /// Whether it changes something, and so leaves an event in the audit.
    pub writes: bool,
    /// Its input.
    pub takes: Takes,
    /// The fields of a row of its answer.
    pub row: &'static [FieldSpec],
    /// The codes with which it refuses an item, beside those of types and mandatory fields.
    pub codes: &'static [Code],
    /// The function to run.
    pub(crate) run: Run,
}

/// The method of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Of nearly all of them, also those that read (spec/protocol.md 1.1).
    Post,
    /// Of some of API 2.0.
    Get,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Get => "GET",
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
    /// The same, and asks for a page of what there is.
    Page(&'static [FieldSpec]),
    /// One object with these fields, without a list or `meta` around it.
    Object(&'static [FieldSpec]),
    /// No body, but a query with these parameters.
    Query(&'static [FieldSpec]),
    /// A form with these fields.
    Form(&'static [FieldSpec]),
    /// Something else, which the OpenAPI document describes on its own.
    Other,
}

impl Endpoint {
    /// Whether it is called with a signature or a token.
    pub fn is_signed(&self) -> bool {
        matches!(self.run, Run::Signed(_))
    }

    /// The shape of its responses.
    pub fn style(&self) -> Style {
        Style::of(self.path)
    }

    /// Whether the caller's application may call it at all.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        match self.product {
            Some(product) => caller.reaches(product),
            None => self.style() == Style::Rest || caller.user().is_some(),
        }
    }
}

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Reply, CallError>> + Send + 'a>>;

pub(crate) enum Run {
    Signed(for<'a> fn(Call<'a>) -> Running<'a>),
    Unsigned(for<'a> fn(Unsigned<'a>) -> Running<'a>),
}
