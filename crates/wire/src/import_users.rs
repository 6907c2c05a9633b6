//! Bodies of import-users and get-import-status, with the field names of the service's documentation.

use crate::item::{item, row};

item! {
    /// The item of the header `x-mc-arg` of import-users.
    pub struct ImportUsers {
        /// The format: `csv`. Every format of `matricula import` is recognised by its content.
        file_type: optional String = "fileType",
        /// Returned by get-import-status; no mail is sent.
        notify_email_address: optional String = "notifyEmailAddress",
        /// Not supported: must be missing or blank.
        group_id: optional String = "groupId",
        /// Not supported: must be missing or false.
        clear_group: optional bool = "clearGroup",
        /// Not supported: must be missing or false.
        allow_address_migration: optional bool = "allowAddressMigration",
    }
    /// Names an import.
    pub struct NamesImport {
        /// Id of the import.
        id: required String = "id",
    }
}

row! {
    /// An import.
    pub struct ImportStatus {
        /// Id of the import.
        id: always String = "id",
        /// `pending`, `running`, `completed` or `stopped`.
        status: always String = "status",
        /// Address of the user, or client id of the application, that started it.
        importer: always String = "importer",
        /// The address in the request; nothing is sent to it.
        notify_email_address: maybe String = "notifyEmailAddress",
        /// When it was started.
        created: always String = "created",
        /// Rows of the file: users and aliases.
        total_users: always u64 = "totalUsers",
        /// Rows that were created.
        successful_imported_users: always u64 = "successfulImportedUsers",
        /// Always false.
        clear_group: always bool = "clearGroup",
        /// Always false.
        allow_address_migration: always bool = "allowAddressMigration",
        /// Always empty: the file is not kept.
        source_file: always String = "sourceFile",
        /// Always empty: `refused` is the report.
        report_file: always String = "reportFile",
        /// Why it stopped early.
        reason: maybe String = "reason",
        /// The first hundred refused rows, in the order of the file.
        refused: always Vec<RefusedRow> = "refused",
    }
    /// A refused row of an import.
    pub struct RefusedRow {
        /// The line it begins on, from 1.
        line: always u64 = "line",
        /// The address in it.
        email_address: always String = "emailAddress",
        /// Code of its first error.
        code: always String = "code",
        /// Text of its first error.
        message: always String = "message",
    }
}
