//! `/identity/…`

pub mod whoami;
