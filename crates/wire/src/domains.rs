//! Bodies of `/api/domain/…` (spec/protocol.md 5, spec/clients.md 4.7).

use crate::item::{item, row};

item! {
    /// Of `/api/domain/get-internal-domain`.
    pub struct GetInternalDomain {
        /// Only this domain, default: all.
        domain: optional String = "domain",
    }
    /// Of `/api/domain/create-domain`.
    pub struct CreateDomain {
        /// The domain, without `@`.
        domain: required String = "domain",
        /// Addresses to accept mail for: `any`, `smtp`, `ldap` or `known`. Stored for other systems.
        inbound_type: required String = "inboundType",
    }
    /// A domain.
    pub struct NamesDomain {
        /// The domain.
        domain: required String = "domain",
    }
    /// Of `/api/domain/verify-domain`.
    pub struct VerifyDomain {
        /// The registered domain.
        domain: required String = "domain",
        /// Addresses to accept mail for, default: as registered.
        inbound_type: optional String = "inboundType",
    }
    /// Of `/api/domain/delete-pending-domain`.
    pub struct DeletePendingDomain {
        /// Secure id of the registration, from create-domain or get-pending-domain.
        id: required String = "id",
        /// The domain; if present, it must match the id.
        domain: optional String = "domain",
    }
}

row! {
    /// An internal domain, its keys in the order that is recorded of the service.
    pub struct InternalDomain {
        /// Its secure id.
        id: always String = "id",
        /// Its name.
        domain: always String = "domain",
        /// Whether the domain only sends mail. Stored for other systems.
        send_only: always bool = "sendOnly",
        /// Whether it is a local domain. Stored for other systems.
        local: always bool = "local",
        /// Addresses to accept mail for: `any`, `smtp`, `ldap` or `known`. Stored for other systems.
        inbound_type: always String = "inboundType",
    }
    /// A registered domain.
    pub struct RegisteredDomain {
        /// Secure id of the registration, or of the domain if it is already internal.
        id: always String = "id",
        /// Its name.
        domain: always String = "domain",
        /// Value of the TXT record; absent if the domain is already internal.
        token: maybe String = "token",
        /// When it was registered.
        created: always String = "created",
        /// End of the verification period; absent if the domain is already internal.
        expiry: maybe String = "expiry",
    }
    /// The value that verifies a domain.
    pub struct VerificationCode {
        /// The domain.
        domain: always String = "domain",
        /// Value of the TXT record.
        token: always String = "token",
    }
    /// Provisioning status of a domain.
    pub struct ProvisionStatus {
        /// The domain.
        domain: always String = "domain",
        /// `pending`, `expired`, or `provisioned`: internal.
        status: always String = "status",
    }
    /// A deleted registration.
    pub struct PendingDomainGone {
        /// Its secure id.
        id: always String = "id",
        /// The domain.
        domain: always String = "domain",
    }
}
