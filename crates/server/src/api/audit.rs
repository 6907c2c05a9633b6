//! `/api/audit/…`

pub(crate) mod get_audit_events;
