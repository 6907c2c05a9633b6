//! Bodies of endpoints that are stubs by design, with the fields that the service documents, for clients of both. This
//! server never returns such a row.

use crate::item::{item, row};

item! {
    /// Of `/api/ttp/url/get-all-managed-urls`.
    pub struct GetManagedUrls {
        /// Only URLs that contain this text.
        domain_or_url: optional String = "domainOrUrl",
        /// Only URLs that equal it.
        exact_match: optional bool = "exactMatch",
    }
}

row! {
    /// A managed URL.
    pub struct ManagedUrl {
        /// Its secure id.
        id: maybe String = "id",
        /// Scheme.
        scheme: maybe String = "scheme",
        /// Domain.
        domain: maybe String = "domain",
        /// Path.
        path: maybe String = "path",
        /// Query.
        query_string: maybe String = "queryString",
        /// `explicit` or `domain`.
        match_type: maybe String = "matchType",
        /// `block` or `permit`.
        action: maybe String = "action",
        /// Comment.
        comment: maybe String = "comment",
        /// Whether it is not rewritten.
        disable_rewrite: maybe bool = "disableRewrite",
        /// Whether clicks are not logged.
        disable_log_click: maybe bool = "disableLogClick",
        /// Whether users are not asked.
        disable_user_awareness: maybe bool = "disableUserAwareness",
    }
    /// A connection to another directory.
    pub struct Connection {
        /// Its secure id.
        id: maybe String = "id",
        /// Description.
        description: maybe String = "description",
        /// `office_365`, `active_directory`, `domino` or `ad_push`.
        server_type: maybe String = "serverType",
        /// State.
        status: maybe String = "status",
        /// Time of the last successful synchronisation.
        last_sync: maybe String = "lastSync",
        /// Whether it is synchronising.
        sync_running: maybe bool = "syncRunning",
        /// Whether disabled accounts are taken over as disabled.
        acknowledge_disabled_accounts: maybe bool = "acknowledgeDisabledAccounts",
    }
    /// A synchronisation that was started.
    pub struct SyncStarted {
        /// Type of the connection, such as `ACTIVE_DIRECTORY`.
        kind: maybe String = "type",
        /// `started`.
        sync_status: maybe String = "syncStatus",
    }
    /// Notices to administrators.
    pub struct DashboardNotifications {
        /// The notices.
        notifications: maybe Vec<DashboardNotification> = "notifications",
    }
    /// A notice.
    pub struct DashboardNotification {
        /// Its secure id.
        id: maybe String = "id",
        /// Title.
        title: maybe String = "title",
        /// Text.
        display_message: maybe String = "displayMessage",
        /// `PRODUCT_NEWS` or `SERVICE_NOTIFICATION`.
        notice_type: maybe String = "noticeType",
        /// `GOOD` or `INFO`.
        warning_level: maybe String = "warningLevel",
        /// First day.
        visible_from: maybe String = "visibleFrom",
        /// Whether it is shown.
        enabled: maybe bool = "enabled",
    }
}
