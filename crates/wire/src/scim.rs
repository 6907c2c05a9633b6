//! SCIM 2.0 (RFC 7643, RFC 7644) as pure functions of JSON: schemas, filters, bodies of users and groups, PATCH,
//! and which attributes a response has.
//!
//! A resource is a JSON object in **canonical** form, which [`read`] and [`Patch::apply`] produce:
//!
//! * keys in the spelling of their schema, attributes of an extension under its URN;
//! * booleans as JSON booleans, multi-valued attributes as lists of objects;
//! * no null, no empty text, list or object: these are absent attributes;
//! * no two equal elements in a list, and at most one primary element.
//!
//! Clients differ from the RFCs, above all Microsoft Entra ID and Okta. What they send is accepted where it has one
//! meaning; each such case is named where it is handled, and marked `[ours]`.

mod elements;
mod error;
mod filter;
mod media_type;
mod patch;
mod path;
mod projection;
mod resource;
mod schema;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use error::{ScimError, ScimType};
pub use filter::{Comparison, Filter, Literal, Operator};
pub use media_type::{MEDIA_TYPE, is_json};
pub use patch::{MemberChange, Patch, Patched};
pub use path::AttributePath;
pub use projection::Projection;
pub use resource::{Resource, read};
pub use schema::{
    Attribute, ENTERPRISE_USER_SCHEMA, GROUP, GROUP_SCHEMA, Kind, Mutability, ResourceType, Returned, Schema,
    USER, USER_SCHEMA, Uniqueness,
};
