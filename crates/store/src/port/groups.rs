//! Groups.

use directory::groups::{Group, Member};
use directory::port::{GroupStore, Pending, Position};
use directory::{AccountId, DomainName, EmailAddress, GroupId};

use super::{Engine, TableStore};
use crate::tables::read;

impl<E: Engine> GroupStore for TableStore<E> {
    fn group(&self, id: GroupId) -> Pending<'_, Option<Group>> {
        Box::pin(self.engine.read(move |s| read::groups::by_id(s, id)))
    }

    fn count_groups<'a>(&'a self, account: AccountId, query: Option<&'a str>) -> Pending<'a, u64> {
        match query.map(str::to_owned) {
            None => Box::pin(self.engine.read(move |s| read::groups::count(s, account, None))),
            Some(query) => Box::pin(self.engine.scan(move |s| read::groups::count(s, account, Some(&query)))),
        }
    }

    fn list_groups<'a>(
        &'a self,
        account: AccountId,
        query: Option<&'a str>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Group>> {
        let from = from.clone();
        match query.map(str::to_owned) {
            None => Box::pin(self.engine.read(move |s| read::groups::list(s, account, None, &from, limit))),
            Some(query) => Box::pin(
                self.engine.scan(move |s| read::groups::list(s, account, Some(&query), &from, limit)),
            ),
        }
    }

    fn groups_of<'a>(&'a self, account: AccountId, address: &'a EmailAddress) -> Pending<'a, Vec<Group>> {
        let address = address.clone();
        Box::pin(self.engine.read(move |s| read::groups::of_member(s, account, &address)))
    }

    fn list_members<'a>(
        &'a self,
        group: &'a Group,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<Member>> {
        let (group, from) = (group.clone(), from.clone());
        Box::pin(self.engine.read(move |s| read::groups::members(s, &group, &from, limit)))
    }

    fn external_domains<'a>(
        &'a self,
        account: AccountId,
        after: Option<&'a DomainName>,
        limit: usize,
    ) -> Pending<'a, Vec<DomainName>> {
        let after = after.map(|after| after.as_str().to_owned()).unwrap_or_default();
        Box::pin(self.engine.scan(move |s| read::groups::external_domains(s, account, &after, limit)))
    }
}
