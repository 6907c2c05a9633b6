//! `/identity/…`

pub(crate) mod whoami;
