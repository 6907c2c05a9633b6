//! Users and aliases.

use directory::attribute::Attribute;
use directory::change::Delegate;
use directory::port::{Found, Indexed, Pending, Position, UserStore};
use directory::user::User;
use directory::user_query::{Cursor, UserQuery};
use directory::{AccountId, DelegateId, DomainName, EmailAddress, UserId};
use jiff::Timestamp;

use super::{Engine, TableStore};
use crate::tables::words::Index;
use crate::tables::{read, words};

impl<E: Engine> UserStore for TableStore<E> {
    fn users<'a>(&'a self, addresses: &'a [EmailAddress]) -> Pending<'a, Vec<Option<User>>> {
        let addresses = addresses.to_vec();
        Box::pin(
            self.engine
                .read(move |s| addresses.iter().map(|address| read::users::by_address(s, address)).collect()),
        )
    }

    fn count_users(&self) -> Pending<'_, u64> {
        Box::pin(self.engine.scan(read::users::count))
    }

    fn count_listed<'a>(&'a self, account: AccountId, domain: Option<&'a DomainName>) -> Pending<'a, u64> {
        let domain = domain.cloned();
        Box::pin(self.engine.read(move |s| read::users::count_listed(s, account, domain.as_ref())))
    }

    fn list_users<'a>(
        &'a self,
        account: AccountId,
        domain: Option<&'a DomainName>,
        from: &'a Position,
        limit: usize,
    ) -> Pending<'a, Vec<User>> {
        let (domain, from) = (domain.cloned(), from.clone());
        Box::pin(
            self.engine
                .read(move |s| s.moment(|| read::users::list(s, account, domain.as_ref(), &from, limit))),
        )
    }

    fn find_users<'a>(
        &'a self,
        account: AccountId,
        query: &'a UserQuery,
        after: Option<&'a Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Pending<'a, Found> {
        let (query, after) = (query.clone(), after.cloned());
        Box::pin(
            self.engine.look(move |s| {
                s.moment(|| read::search::find(s, account, &query, after.as_ref(), limit, now))
            }),
        )
    }

    fn index_users(&self, limit: usize) -> Pending<'_, Indexed> {
        Box::pin(async move {
            let left = self.engine.read(words::left).await?;
            if left == 0 || limit == 0 {
                return Ok(Indexed { read: 0, left });
            }
            self.engine.run(Index { limit }).await
        })
    }

    fn users_by_id<'a>(&'a self, ids: &'a [UserId]) -> Pending<'a, Vec<Option<User>>> {
        let ids = ids.to_vec();
        Box::pin(self.engine.read(move |s| ids.iter().map(|id| read::users::by_id(s, *id)).collect()))
    }

    fn aliases(&self, user: UserId) -> Pending<'_, Vec<User>> {
        Box::pin(self.engine.read(move |s| read::users::aliases(s, user)))
    }

    fn attributes(&self, user: UserId) -> Pending<'_, Vec<(Attribute, String)>> {
        Box::pin(self.engine.read(move |s| read::users::attributes(s, user)))
    }

    fn delegates(&self, user: UserId) -> Pending<'_, Vec<(Delegate, User)>> {
        Box::pin(self.engine.read(move |s| read::users::delegates(s, user)))
    }

    fn delegate(&self, id: DelegateId) -> Pending<'_, Option<Delegate>> {
        Box::pin(self.engine.read(move |s| read::users::delegate(s, id)))
    }

    fn due_for_purge(&self, now: Timestamp, limit: usize) -> Pending<'_, Vec<UserId>> {
        Box::pin(self.engine.read(move |s| read::users::due_for_purge(s, now, limit)))
    }
}
