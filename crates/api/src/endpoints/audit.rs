//! `/api/audit/…`

pub mod get_audit_events;
pub mod get_categories;

use crate::endpoint::Endpoint;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[get_audit_events::ENDPOINT, get_categories::ENDPOINT];

/// The category of an action: its subject, the part before the dot.
fn category(action: &str) -> &str {
    action.split('.').next().unwrap_or_default()
}
