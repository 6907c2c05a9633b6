//! Bodies of `/api/account/…` (spec/protocol.md 5, spec/clients.md 4.7).

use secrecy::SecretString;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::item::{Kind, item, row};

item! {
    /// An item without fields.
    pub struct Nothing {}
    /// A new account. Fields of the service that are not here are ignored.
    pub struct CreateAccount {
        /// Its name.
        account_name: required String = "accountName",
        /// Its first domain, which becomes internal without verification.
        primary_domain: required String = "primaryDomain",
        /// Password of the first administrator; without one, the administrator cannot log in with a password.
        admin_password: optional SecretString = "adminPassword",
        /// Whether the administrator must change the password first, default: false.
        force_password_change: optional bool = "forcePasswordChange",
        /// A built-in role, default: Super Administrator.
        admin_role: optional String = "adminRole",
        /// Name of the contact, and of the administrator.
        contact_name: optional String = "contactName",
        /// Address of the contact; that of the administrator, if it is in the domain. Else that is `admin@`.
        contact_email: optional String = "contactEmail",
        /// Telephone number of the contact.
        telephone: optional String = "telephone",
        /// Ids of packages that the caller's account has, default: the default package.
        products: optional Ids = "products",
    }
    /// Changes of an account. Fields of the service that are not here are ignored.
    pub struct UpdateAccount {
        /// Its code.
        account_code: required String = "accountCode",
        /// Its new name.
        account_name: optional String = "accountName",
        /// Name of the contact.
        contact_name: optional String = "contactName",
        /// Address of the contact.
        contact_email: optional String = "contactEmail",
        /// Telephone number of the contact.
        telephone: optional String = "telephone",
        /// Ids of packages that the caller's account has; they replace those of the account.
        products: optional Ids = "products",
    }
}

/// Ids: numbers, as documented, or texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids(pub Vec<String>);

impl Kind for Ids {
    const EXPECTED: &'static str = "a list of ids";

    fn read(value: Value) -> Option<Self> {
        let Value::Array(values) = value else { return None };
        let id = |value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        values.into_iter().map(id).collect::<Option<_>>().map(Self)
    }

    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": { "type": ["integer", "string"] } })
    }
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
        /// Address of the contact; empty if not set.
        contact_email: always String = "contactEmail",
        /// First domain of the account.
        domain: always String = "domain",
        /// Number of users and aliases, with `postmaster@` and `abuse@` of each domain.
        user_count: always u64 = "userCount",
        /// A number in the form `nn-nnnn-nnnnn`, stable.
        mimecast_id: always String = "mimecastId",
        /// Name of the contact; empty if not set.
        contact_name: always String = "contactName",
        /// Telephone number of the contact; empty if not set.
        telephone: always String = "telephone",
        /// Packages of the account, each as `Name [id]`.
        packages: always Vec<String> = "packages",
    }
    /// An account of a partner.
    pub struct ProvisionedAccount {
        /// The account code.
        account_code: always String = "accountCode",
        /// Its name.
        account_name: always String = "accountName",
        /// Its first domain; only when it is created.
        primary_domain: maybe String = "primaryDomain",
        /// Address of the first administrator; only when it is created.
        admin_email: maybe String = "adminEmail",
        /// Role of the first administrator; only when it is created.
        admin_role: maybe String = "adminRole",
        /// Name of the contact; empty if not set.
        contact_name: always String = "contactName",
        /// Address of the contact; empty if not set.
        contact_email: always String = "contactEmail",
        /// Telephone number of the contact; empty if not set.
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
