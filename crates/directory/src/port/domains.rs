//! Domains, internal and pending.

use super::{Evidence, Listed, Pending, Position};
use crate::domains::PendingDomain;
use crate::{AccountId, Domain, DomainName};

/// Reads of domains.
pub trait DomainStore: Send + Sync + 'static {
    /// The owners of domains, each with the owner's epoch; at most a second old.
    fn domains<'a>(&'a self, names: &'a [DomainName]) -> Pending<'a, Vec<Option<Evidence>>>;

    /// An internal domain of an account.
    fn domain_of<'a>(&'a self, account: AccountId, name: &'a DomainName) -> Pending<'a, Option<Domain>>;

    /// The internal domains of an account, sorted: at most `limit` from a position, which is a name.
    fn domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<Domain>>;

    /// A domain that an account has registered and not verified yet.
    fn pending_domain<'a>(
        &'a self,
        account: AccountId,
        name: &'a DomainName,
    ) -> Pending<'a, Option<PendingDomain>>;

    /// The pending domains of an account, sorted: at most `limit` from a position, which is a name.
    fn pending_domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<PendingDomain>>;

    /// All internal domains.
    fn list_domains(&self) -> Pending<'_, Vec<Domain>>;
}
