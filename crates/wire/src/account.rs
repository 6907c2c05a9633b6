//! Bodies of `/api/account/…` (spec/protocol.md 5, spec/clients.md 4.7).

use crate::item::{item, row};

item! {
    /// An item without fields: what is asked for needs none.
    pub struct Nothing {}
}

row! {
    /// The account. What has no meaning here is `false`, `0` or empty, because connection tests read the fields.
    pub struct AccountRow {
        /// Where it is.
        region: always String = "region",
        /// Whether mail is archived: never here.
        archive: always bool = "archive",
        /// Whether mail passes through: never here.
        gateway: always bool = "gateway",
        /// Nothing.
        passphrase: always String = "passphrase",
        /// Nothing.
        support_code: always String = "supportCode",
        /// Days for which mail is kept: 0.
        max_retention: always u64 = "maxRetention",
        /// Nothing to confirm.
        max_retention_confirmed: always bool = "maxRetentionConfirmed",
        /// Never.
        min_retention_enabled: always bool = "minRetentionEnabled",
        /// Never.
        automated_segment_purge: always bool = "automatedSegmentPurge",
        /// `full`.
        kind: always String = "type",
        /// Whether an account above it is: then a partner may act in it.
        policy_inheritance: always bool = "policyInheritance",
        /// Nothing.
        database_code: always String = "databaseCode",
        /// Never.
        search_reason: always bool = "searchReason",
        /// Nothing.
        content_administrator_default_view: always String = "contentAdministratorDefaultView",
        /// Minutes: 0, there are no sessions.
        admin_session_timeout: always u64 = "adminSessionTimeout",
        /// Never.
        export_api: always bool = "exportApi",
        /// Never.
        exgest_allow_query: always bool = "exgestAllowQuery",
        /// The code callers name it by.
        account_code: always String = "accountCode",
        /// Its name.
        account_name: always String = "accountName",
        /// Nothing.
        admin_email: always String = "adminEmail",
        /// Nothing.
        contact_email: always String = "contactEmail",
        /// Its first domain.
        domain: always String = "domain",
        /// Users and aliases in it.
        user_count: always u64 = "userCount",
        /// A number in the form `nn-nnnn-nnnnn`, stable.
        mimecast_id: always String = "mimecastId",
        /// Nothing.
        contact_name: always String = "contactName",
        /// Nothing.
        telephone: always String = "telephone",
        /// What the account has.
        packages: always Vec<String> = "packages",
    }
    /// Whom to ask. An operator of one's own is all of them.
    pub struct SupportInfo {
        /// Nothing.
        customer_advocate: always String = "customerAdvocate",
        /// Nothing.
        customer_development_manager: always String = "customerDevelopmentManager",
        /// Nothing.
        hosting_jurisdiction: always String = "hostingJurisdiction",
        /// Nothing.
        mailto_link: always String = "mailtoLink",
        /// `Matricula`.
        main_product: always String = "mainProduct",
        /// Nothing.
        office_phone: always String = "officePhone",
        /// Nothing.
        partner_name: always String = "partnerName",
        /// Nothing.
        renewal_date: always String = "renewalDate",
        /// Nothing.
        support_jurisdiction: always String = "supportJurisdiction",
        /// Nothing.
        support_package: always String = "supportPackage",
    }
}
