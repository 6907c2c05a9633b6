//! Domains.

use directory::domains::PendingDomain;
use directory::port::{DomainStore, Evidence, Listed, Pending, Position};
use directory::{AccountId, Domain, DomainName};

use super::{Engine, TableStore};
use crate::tables::read;

impl<E: Engine> DomainStore for TableStore<E> {
    fn domains<'a>(&'a self, names: &'a [DomainName]) -> Pending<'a, Vec<Option<Evidence>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            let mut found = Vec::with_capacity(names.len());
            for name in names {
                let key = name.clone();
                let read = self.engine.read(move |s| read::domain_owner(s, &key));
                found.push(self.snapshot.domains.find_or_read(name, now, read).await?);
            }
            Ok(found)
        })
    }

    fn domain_of<'a>(&'a self, account: AccountId, name: &'a DomainName) -> Pending<'a, Option<Domain>> {
        let name = name.clone();
        Box::pin(self.engine.read(move |s| read::domains::by_name(s, account, &name)))
    }

    fn domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<Domain>> {
        let from = from.clone();
        Box::pin(self.engine.read(move |s| s.moment(|| read::domains::list(s, account, &from, limit))))
    }

    fn pending_domain<'a>(
        &'a self,
        account: AccountId,
        name: &'a DomainName,
    ) -> Pending<'a, Option<PendingDomain>> {
        let name = name.clone();
        Box::pin(self.engine.read(move |s| read::domains::pending(s, account, &name)))
    }

    fn pending_domains_of<'a>(
        &'a self,
        account: AccountId,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Listed<PendingDomain>> {
        let from = from.clone();
        Box::pin(
            self.engine.read(move |s| s.moment(|| read::domains::list_pending(s, account, &from, limit))),
        )
    }

    fn list_domains(&self) -> Pending<'_, Vec<Domain>> {
        Box::pin(self.engine.scan(read::domains::every))
    }
}
