//! `/api/account/…`

pub(crate) mod get_account;
pub(crate) mod get_support_info;
