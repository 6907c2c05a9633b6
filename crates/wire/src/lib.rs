//! What crosses the network: request and response types, the envelope, the codes, the signature of a request and
//! the reader of its body.
//!
//! Pure: nothing here reads a clock, a random source, the environment, a socket or a database.

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
pub mod item;
pub mod login;
pub mod oauth;
pub mod reader;
pub mod rest;
pub mod roles;
pub mod signature;
pub mod users;

pub use code::Code;
pub use envelope::{Answer, Failure};
pub use error::Error;
