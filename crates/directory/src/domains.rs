//! How an account gets a domain: it registers it, publishes a token in the domain's DNS, and has it verified
//! (spec/protocol.md 5; the form of the token and the times are `[ours]`).

use jiff::{SignedDuration, Timestamp};

pub use crate::account::InboundType;
use crate::audit::Action;
use crate::error::ItemError;
use crate::{AccountId, Domain, DomainId, DomainName, PendingDomainId};

/// How long a domain can be verified after it was registered. `[ours]`
pub const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The prefix of every token, so that the purpose of the record in a zone is clear.
const TOKEN_PREFIX: &str = "matricula-verification=";

/// A domain that an account has registered and not yet proven to be its own. Several accounts may have registered the
/// same one: the first to prove it gets it.
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
    /// When it can't be verified any more.
    pub expires_at: Timestamp,
}

/// A new token, from so many random bytes.
pub fn token(random: &[u8; 16]) -> String {
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{TOKEN_PREFIX}{digits}")
}

impl PendingDomain {
    /// A domain that is registered now.
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
    /// When its time is over.
    pub fn live(&self, now: Timestamp) -> Result<(), ItemError> {
        if now < self.expires_at { Ok(()) } else { Err(ItemError::VerificationExpired) }
    }

    /// Judges the TXT records of the domain.
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

/// A change of how an account comes by domains. What accounts have which domain is looked at when it is made.
#[derive(Clone, Debug)]
pub enum DomainChange {
    /// A domain is registered; below one of the account's own it is internal at once, under this id.
    Register(PendingDomain, DomainId),
    /// A registered domain has been proven: it is internal from now on.
    Verify {
        /// Which.
        pending: PendingDomainId,
        /// Under this id.
        id: DomainId,
        /// And this type.
        inbound_type: InboundType,
    },
    /// A registered domain is given up.
    Drop(PendingDomainId),
}

impl DomainChange {
    /// Its name in the audit.
    pub fn action(&self) -> Action {
        match self {
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
    /// It is to be proven.
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
