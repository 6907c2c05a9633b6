//! `/api/audit/…`

pub mod get_audit_events;

use crate::endpoint::Endpoint;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[get_audit_events::ENDPOINT];
