//! `/api/account/…`

pub mod create_account;
pub mod get_account;
pub mod get_support_info;
pub mod update_account;

use crate::endpoint::Endpoint;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] =
    &[get_account::ENDPOINT, get_support_info::ENDPOINT, create_account::ENDPOINT, update_account::ENDPOINT];
