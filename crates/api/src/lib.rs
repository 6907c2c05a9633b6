//! The calls: endpoints and everything between a request and its response. No sockets and no engine, only the storage
//! port.

pub mod answer;
pub mod call;
pub mod catalogue;
pub mod core;
pub mod dns;
pub mod driver;
pub mod endpoint;
pub mod endpoints;
pub mod error;
pub mod examine;
pub mod explain;
pub mod import;
pub mod import_work;
pub mod limits;
pub mod openapi;
pub mod page;
pub mod public_url;
pub mod room;
pub mod search;
pub mod secure_id;
mod step;
mod style;

pub use crate::core::Core;
pub use endpoint::{Endpoint, Method, Takes};
pub use style::Style;
