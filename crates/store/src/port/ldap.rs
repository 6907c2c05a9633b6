//! Users and groups for LDAP clients.

use directory::AccountId;
use directory::ldap::{Base, Group, Person, Root, Wanted};
use directory::port::{
    LdapGroups as Groups, LdapPeople as People, LdapSlice as Slice, LdapSpan, LdapStore, Pending, StoreError,
    TooMany,
};

use super::{Engine, TableStore};
use crate::session::Session;
use crate::tables::numbers::Assign;
use crate::tables::read::ldap;

/// More rows than this are not read on the calling thread.
const FEW: usize = 8;

/// Whether few rows are read.
fn is_short(which: &People, limit: usize) -> bool {
    match which {
        People::All => limit <= FEW,
        People::Some(spans) => {
            spans.len() <= FEW && spans.iter().all(|span| matches!(span, LdapSpan::Key(_)))
        }
        People::Ids(ids) => ids.len() <= FEW,
        People::Numbers(numbers) => numbers.len() <= FEW,
        // All their places are collected first.
        People::Members(_) | People::Since(_) => false,
        People::Any(parts) => parts.iter().all(|part| is_short(part, limit)),
    }
}

impl<E: Engine> TableStore<E> {
    /// Assigns the numbers that are missing.
    async fn number<'r, T: 'r>(
        &self,
        rows: &'r mut [T],
        number: impl Fn(&'r mut T) -> ([u8; 16], &'r mut Option<u32>),
    ) -> Result<(), StoreError> {
        let missing: Vec<_> = rows.iter_mut().map(number).filter(|(_, number)| number.is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let assigned = self.engine.run(Assign(missing.iter().map(|(id, _)| *id).collect())).await?;
        for (id, number) in missing {
            *number = assigned.get(&id).copied();
        }
        Ok(())
    }
}

impl<E: Engine> LdapStore for TableStore<E> {
    fn ldap_account<'a>(&'a self, bases: &'a [Base]) -> Pending<'a, Option<AccountId>> {
        let bases = bases.to_vec();
        Box::pin(self.engine.read(move |s| s.moment(|| ldap::account(s, &bases))))
    }

    fn ldap_root(&self, account: AccountId) -> Pending<'_, Option<Root>> {
        Box::pin(self.engine.read(move |s| s.moment(|| ldap::root(s, account))))
    }

    fn ldap_people<'a>(
        &'a self,
        account: AccountId,
        which: &'a People,
        after: Option<&'a str>,
        limit: usize,
        wanted: Wanted,
    ) -> Pending<'a, Result<Slice<Person>, TooMany>> {
        let is_short = is_short(which, limit);
        let (which, after) = (which.clone(), after.map(str::to_owned));
        let read = move |s: &dyn Session| {
            s.moment(|| ldap::people(s, account, &which, after.as_deref(), limit, wanted))
        };
        Box::pin(async move {
            let found = if is_short { self.engine.read(read).await } else { self.engine.look(read).await };
            let Ok(mut slice) = found? else { return Ok(Err(TooMany)) };
            if wanted.numbers {
                self.number(&mut slice.rows, |(_, row)| (*row.user.id.as_bytes(), &mut row.number)).await?;
            }
            Ok(Ok(slice))
        })
    }

    fn ldap_groups<'a>(
        &'a self,
        account: AccountId,
        which: &'a Groups,
        after: Option<&'a str>,
        limit: usize,
        wanted: Wanted,
    ) -> Pending<'a, Slice<Group>> {
        let is_short = !wanted.members
            && match which {
                Groups::All => limit <= FEW,
                Groups::Named(names) => names.len() <= FEW,
                Groups::Ids(ids) => ids.len() <= FEW,
                Groups::Numbers(numbers) => numbers.len() <= FEW,
                Groups::Of(addresses) => addresses.len() <= FEW,
            };
        let (which, after) = (which.clone(), after.map(str::to_owned));
        let read = move |s: &dyn Session| {
            s.moment(|| ldap::groups(s, account, &which, after.as_deref(), limit, wanted))
        };
        Box::pin(async move {
            let mut slice =
                if is_short { self.engine.read(read).await? } else { self.engine.look(read).await? };
            if wanted.numbers {
                self.number(&mut slice.rows, |(_, row)| (*row.name.id.as_bytes(), &mut row.number)).await?;
            }
            Ok(slice)
        })
    }
}
