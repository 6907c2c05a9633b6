//! `/api/audit/…`

pub mod get_audit_events;
