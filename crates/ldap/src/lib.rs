//! LDAP (RFC 4511 to 4517): programs look users and groups up and log users in (docs/LDAP.md). It changes nothing but
//! passwords, has no rules, opens no socket and reads no certificate.

mod authority;
mod ber;
mod bind;
pub mod code;
mod connection;
mod cookie;
mod door;
pub mod entry;
mod failure;
pub mod filter;
mod lookup;
pub mod message;
mod object;
pub mod operation;
mod output;
mod password;
mod root;
pub mod schema;
mod search;
mod session;
mod tree;

pub use ber::Malformed;
pub use connection::{refuse, serve, serve_until_secure};
pub use door::{Door, Figures, Limits, Place};
pub use operation::{Access, Kind, OPERATIONS, Operation};
pub use schema::dn;
pub use search::{MAX_ROWS, PAGE};
pub use tree::{BaseError, are_mixed, base};
