//! Bodies of `/api/audit/…` (spec/protocol.md 5).

use jiff::Timestamp;

use crate::item::{item, row};

item! {
    /// Of `/api/audit/get-audit-events`.
    pub struct GetAuditEvents {
        /// The earliest.
        start_date_time: required Timestamp = "startDateTime",
        /// The latest.
        end_date_time: required Timestamp = "endDateTime",
        /// Only events in which this text occurs, without case. `[ours]`
        query: optional String = "query",
    }
}

row! {
    /// An event.
    pub struct AuditEvent {
        /// Its secure id.
        id: always String = "id",
        /// What happened.
        audit_type: always String = "auditType",
        /// Who did it.
        user: always String = "user",
        /// When.
        event_time: always String = "eventTime",
        /// To whom, and what else there is to say.
        event_info: always String = "eventInfo",
        /// What it is about.
        category: always String = "category",
    }
}
