//! Bodies of `/api/audit/…` (spec/protocol.md 5).

use jiff::Timestamp;

use crate::item::{item, row};

item! {
    /// Of `/api/audit/get-audit-events`.
    pub struct GetAuditEvents {
        /// Start of the period.
        start_date_time: required Timestamp = "startDateTime",
        /// End of the period.
        end_date_time: required Timestamp = "endDateTime",
        /// Only events that contain this text, ignoring case. `[ours]`
        query: optional String = "query",
        /// Only events of these categories, as get-categories lists them. Default: all.
        categories: optional Vec<String> = "categories",
    }
}

row! {
    /// An event.
    pub struct AuditEvent {
        /// Its secure id.
        id: always String = "id",
        /// Type of the event.
        audit_type: always String = "auditType",
        /// Address or id of the actor.
        user: always String = "user",
        /// Time of the event.
        event_time: always String = "eventTime",
        /// Target and details.
        event_info: always String = "eventInfo",
        /// Category.
        category: always String = "category",
    }
    /// The one row of get-categories.
    pub struct AuditCategories {
        /// The categories.
        categories: always Vec<AuditCategory> = "categories",
    }
    /// A category of events.
    pub struct AuditCategory {
        /// Its number in this list. `[ours]`
        id: always u64 = "id",
        /// Its name, as in the `category` of an event.
        code: always String = "code",
    }
}
