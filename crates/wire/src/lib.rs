//! The wire format: types of requests and responses, the envelope, the codes, the signature and the parser of bodies.
//!
//! Pure: no clock, randomness, environment, socket or database.

pub mod account;
pub mod audit;
pub mod body;
pub mod code;
pub mod create_user;
pub mod date;
pub mod domains;
pub mod envelope;
pub mod error;
pub mod explain;
pub mod groups;
pub mod header;
pub mod import;
pub mod import_users;
pub mod item;
pub mod login;
pub mod near_miss;
pub mod oauth;
pub mod printable;
pub mod reader;
pub mod rest;
pub mod roles;
pub mod scim;
pub mod secret_name;
pub mod signature;
pub mod stub;
pub mod trace_parent;
pub mod users;

pub use code::Code;
pub use envelope::{Answer, Failure};
pub use error::Error;
