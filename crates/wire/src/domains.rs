//! Bodies of `/api/domain/…` (spec/protocol.md 5, spec/clients.md 4.7).

use crate::item::{item, row};

item! {
    /// Of `/api/domain/get-internal-domain`.
    pub struct GetInternalDomain {
        /// Only this domain; all, when left out.
        domain: optional String = "domain",
    }
    /// Of `/api/domain/create-domain`.
    pub struct CreateDomain {
        /// The domain, without `@`.
        domain: required String = "domain",
        /// Which addresses mail is accepted for: `any`, `smtp`, `ldap` or `known`. Kept for other systems.
        inbound_type: required String = "inboundType",
    }
    /// An item that names a domain.
    pub struct NamesDomain {
        /// The domain.
        domain: required String = "domain",
    }
    /// Of `/api/domain/verify-domain`.
    pub struct VerifyDomain {
        /// The domain, which was registered before.
        domain: required String = "domain",
        /// Which addresses mail is accepted for; what the domain was registered with, when left out.
        inbound_type: optional String = "inboundType",
    }
    /// Of `/api/domain/delete-pending-domain`.
    pub struct DeletePendingDomain {
        /// Secure id of the registration, as create-domain and get-pending-domain show it.
        id: required String = "id",
        /// The domain; when it is there, it must be the one of the id.
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
        /// Whether mail is only sent from it. Kept for other systems.
        send_only: always bool = "sendOnly",
        /// Whether it is a local domain. Kept for other systems.
        local: always bool = "local",
        /// Which addresses mail is accepted for: `any`, `smtp`, `ldap` or `known`. Kept for other systems.
        inbound_type: always String = "inboundType",
    }
    /// A domain that was registered.
    pub struct RegisteredDomain {
        /// Secure id of the registration; of the domain, when it is internal already.
        id: always String = "id",
        /// Its name.
        domain: always String = "domain",
        /// What is to stand in a TXT record of the domain; left out when it is internal already.
        token: maybe String = "token",
        /// When it was registered.
        created: always String = "created",
        /// When it can't be verified any more; left out when it is internal already.
        expiry: maybe String = "expiry",
    }
    /// What proves a domain.
    pub struct VerificationCode {
        /// The domain.
        domain: always String = "domain",
        /// What is to stand in a TXT record of the domain.
        token: always String = "token",
    }
    /// How far a domain is.
    pub struct ProvisionStatus {
        /// The domain.
        domain: always String = "domain",
        /// `pending`, `expired`, or `provisioned`: internal.
        status: always String = "status",
    }
    /// A registration that is gone.
    pub struct PendingDomainGone {
        /// Its secure id.
        id: always String = "id",
        /// The domain.
        domain: always String = "domain",
    }
}
