//! Bodies of `/api/account/…` (spec/protocol.md 5, spec/clients.md 4.7).

use crate::item::{item, row};

item! {
    /// An item without fields.
    pub struct Nothing {}
}

row! {
    /// The account. What has no meaning here is `false`, `0` or empty, because connection tests read the fields.
    pub struct AccountRow {
        /// Region.
        region: always String = "region",
        /// Always false.
        archive: always bool = "archive",
        /// Always false.
        gateway: always bool = "gateway",
        /// Always empty.
        passphrase: always String = "passphrase",
        /// Always empty.
        support_code: always String = "supportCode",
        /// Always 0: no mail is kept.
        max_retention: always u64 = "maxRetention",
        /// Always false.
        max_retention_confirmed: always bool = "maxRetentionConfirmed",
        /// Always false.
        min_retention_enabled: always bool = "minRetentionEnabled",
        /// Always false.
        automated_segment_purge: always bool = "automatedSegmentPurge",
        /// `full`.
        kind: always String = "type",
        /// Whether the account has a parent, whose partners may act in it.
        policy_inheritance: always bool = "policyInheritance",
        /// Always empty.
        database_code: always String = "databaseCode",
        /// Always false.
        search_reason: always bool = "searchReason",
        /// Always empty.
        content_administrator_default_view: always String = "contentAdministratorDefaultView",
        /// Always 0: there are no sessions.
        admin_session_timeout: always u64 = "adminSessionTimeout",
        /// Always false.
        export_api: always bool = "exportApi",
        /// Always false.
        exgest_allow_query: always bool = "exgestAllowQuery",
        /// The account code.
        account_code: always String = "accountCode",
        /// Name of the account.
        account_name: always String = "accountName",
        /// Always empty.
        admin_email: always String = "adminEmail",
        /// Always empty.
        contact_email: always String = "contactEmail",
        /// First domain of the account.
        domain: always String = "domain",
        /// Number of users and aliases, with `postmaster@` and `abuse@` of each domain.
        user_count: always u64 = "userCount",
        /// A number in the form `nn-nnnn-nnnnn`, stable.
        mimecast_id: always String = "mimecastId",
        /// Always empty.
        contact_name: always String = "contactName",
        /// Always empty.
        telephone: always String = "telephone",
        /// Packages of the account, each as `Name [id]`.
        packages: always Vec<String> = "packages",
    }
    /// A package of the account.
    pub struct PackageRow {
        /// The package.
        products: always Package = "products",
    }
    /// Id and name of a package.
    pub struct Package {
        /// Its id.
        id: always String = "id",
        /// Its name.
        name: always String = "name",
    }
    /// Support contacts: the operator of this server.
    pub struct SupportInfo {
        /// Always empty.
        customer_advocate: always String = "customerAdvocate",
        /// Always empty.
        customer_development_manager: always String = "customerDevelopmentManager",
        /// Always empty.
        hosting_jurisdiction: always String = "hostingJurisdiction",
        /// Always empty.
        mailto_link: always String = "mailtoLink",
        /// `Matricula`.
        main_product: always String = "mainProduct",
        /// Always empty.
        office_phone: always String = "officePhone",
        /// Always empty.
        partner_name: always String = "partnerName",
        /// Always empty.
        renewal_date: always String = "renewalDate",
        /// Always empty.
        support_jurisdiction: always String = "supportJurisdiction",
        /// Always empty.
        support_package: always String = "supportPackage",
    }
}
