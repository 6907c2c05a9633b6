//! `/api/account/…`

pub mod get_account;
pub mod get_support_info;
