//! `/api/account/…`

pub mod create_account;
pub mod get_account;
pub mod get_dashboard_notifications;
pub mod get_support_info;
pub mod update_account;

use crate::endpoint::Endpoint;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    create_account::ENDPOINT,
    get_account::ENDPOINT,
    get_dashboard_notifications::ENDPOINT,
    get_support_info::ENDPOINT,
    update_account::ENDPOINT,
];
