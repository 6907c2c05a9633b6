//! How an account gets a domain: it registers it, publishes a token in the domain's DNS, and has it verified
//! (spec/protocol.md 5; the form of the token and the times are `[ours]`).

use jiff::{SignedDuration, Timestamp};

pub use crate::account::InboundType;
use crate::audit::Action;
use crate::error::ItemError;
use crate::user::User;
use crate::{AccountId, Domain, DomainId, DomainName, EmailAddress, PendingDomainId, UserId, hex};

/// How long a domain can be verified after it was registered. `[ours]`
pub const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The prefix of every token, so that the purpose of the record in a zone is clear.
const TOKEN_PREFIX: &str = "matricula-verification=";

/// The users of every internal domain: the part of the address before the `@`, and the name. Both are recorded from the
/// service (spec/protocol.md 5).
pub const RESERVED: [(&str, &str); 2] =
    [("postmaster", "Domain postMaster address"), ("abuse", "Domain abuse address")];

/// The users that a domain gets when it becomes internal. A domain whose name is too long for such an address gets none.
pub fn reserved_users(domain: &Domain, mut id: impl FnMut() -> UserId) -> Vec<User> {
    let user = |(local, name): (&str, &str)| {
        let address = EmailAddress::parse(&format!("{local}@{}", domain.name)).ok()?;
        let user = User::new(id(), domain.account, address, domain.created_at);
        Some(User { name: name.to_owned(), reserved: true, ..user })
    };
    RESERVED.into_iter().filter_map(user).collect()
}

/// A domain that an account has registered and not yet verified. Several accounts may register the same one: the first
/// to verify it gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingDomain {
    /// Internal id.
    pub id: PendingDomainId,
    /// Its name.
    pub name: DomainName,
    /// The account.
    pub account: AccountId,
    /// Its settings once it is internal.
    pub inbound_type: InboundType,
    /// The required value of a TXT record of the domain.
    pub token: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When the registration expires.
    pub expires_at: Timestamp,
}

/// A new token, from random bytes.
pub fn token(random: &[u8; 16]) -> String {
    format!("{TOKEN_PREFIX}{}", hex(random))
}

impl PendingDomain {
    /// A new registration.
    pub fn new(
        id: PendingDomainId,
        account: AccountId,
        name: DomainName,
        inbound_type: InboundType,
        random: &[u8; 16],
        now: Timestamp,
    ) -> Self {
        let expires_at = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
        Self { id, name, account, inbound_type, token: token(random), created_at: now, expires_at }
    }

    /// Whether it can still be verified.
    ///
    /// # Errors
    /// When the registration has expired.
    pub fn live(&self, now: Timestamp) -> Result<(), ItemError> {
        if now < self.expires_at { Ok(()) } else { Err(ItemError::VerificationExpired) }
    }

    /// Checks the TXT records of the domain.
    ///
    /// # Errors
    /// When none of them is the token.
    pub fn proven_by(&self, records: &[String]) -> Result<(), ItemError> {
        if records.iter().any(|record| record.trim() == self.token) {
            return Ok(());
        }
        Err(ItemError::NotVerified {
            domain: self.name.clone(),
            token: self.token.clone(),
            found: records.len(),
        })
    }
}

/// A change of registrations. Ownership is read when it is made.
#[derive(Clone, Debug)]
pub enum DomainChange {
    /// Registers a domain; a subdomain of the account's own domain becomes internal at once, with this id.
    Register(PendingDomain, DomainId),
    /// Makes a verified domain internal.
    Verify {
        /// The pending domain.
        pending: PendingDomainId,
        /// The id of the internal domain.
        id: DomainId,
        /// Its inbound type.
        inbound_type: InboundType,
    },
    /// Makes a domain internal to a new account of a partner, without verification; a domain above it must belong to the
    /// partner's account or to none.
    Provide {
        /// The domain.
        domain: Domain,
        /// The partner's account.
        by: AccountId,
    },
    /// Drops a registration.
    Drop(PendingDomainId),
}

impl DomainChange {
    /// Its name in the audit.
    pub fn action(&self) -> Action {
        match self {
            DomainChange::Provide { .. } => Action::DomainAdded,
            DomainChange::Register(..) => Action::DomainRegistered,
            DomainChange::Verify { .. } => Action::DomainVerified,
            DomainChange::Drop(_) => Action::RegistrationDropped,
        }
    }
}

/// The result of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The domain is internal.
    Internal(Domain),
    /// The domain must be verified.
    Pending(PendingDomain),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_proves_a_domain_for_seven_days() {
        let now = Timestamp::from_second(1_000).unwrap();
        let (id, account) = (PendingDomainId::from_bytes([1; 16]), AccountId::from_bytes([2; 16]));
        let name = DomainName::parse("example.com").unwrap();
        let pending = PendingDomain::new(id, account, name, InboundType::Any, &[0xab; 16], now);
        assert_eq!(pending.token, format!("matricula-verification={}", "ab".repeat(16)));
        let week = now + LIFE;
        assert!(pending.live(week - SignedDuration::from_millis(1)).is_ok());
        assert_eq!(pending.live(week), Err(ItemError::VerificationExpired));

        let records = |all: &[&str]| all.iter().map(|&record| record.to_owned()).collect::<Vec<_>>();
        assert!(pending.proven_by(&records(&["v=spf1 -all", &format!(" {}", pending.token)])).is_ok());
        for other in [&[][..], &["v=spf1 -all"], &[&pending.token[..40]], &[&pending.token.to_uppercase()]] {
            let why = pending.proven_by(&records(other)).unwrap_err();
            let why = why.to_string();
            assert!(why.contains(&pending.token) && why.contains("example.com"), "{why}");
            assert!(why.contains(&format!("{} found", other.len())), "{why}");
        }
    }

    #[test]
    fn inbound_types_are_these_four() {
        assert_eq!(InboundType::parse(" Known ").unwrap(), InboundType::Known);
        let why = InboundType::parse("none").unwrap_err().to_string();
        assert_eq!(why, "This field must hold one of: any, smtp, ldap, known");
        assert_eq!(InboundType::default(), InboundType::Known);
    }
}
