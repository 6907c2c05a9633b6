//! LDAP (RFC 4511 to 4517): programs look users and groups up and log users in (docs/LDAP.md). It changes nothing but
//! passwords, has no rules, opens no socket and reads no certificate.

mod ber;
pub mod code;
pub mod dn;
pub mod entry;
pub mod filter;
pub mod message;
pub mod schema;
