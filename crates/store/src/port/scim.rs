//! Users and groups for SCIM clients.

use directory::port::{Pending, ScimFrom as From, ScimPage, ScimStore};
use directory::scim::{ClientToken, Resource, ScimGroup, ScimUser};
use directory::{AccountId, ClientId, GroupId, UserId};

use super::{Engine, TableStore};
use crate::tables::read::scim;

impl<E: Engine> ScimStore for TableStore<E> {
    fn scim_users<'a>(
        &'a self,
        account: AccountId,
        client: ClientId,
        ids: &'a [UserId],
    ) -> Pending<'a, Vec<Option<ScimUser>>> {
        let ids = ids.to_vec();
        Box::pin(self.engine.look(move |s| s.moment(|| scim::users_by_id(s, account, client, &ids))))
    }

    fn list_scim_users(
        &self,
        account: AccountId,
        client: ClientId,
        from: From,
        limit: usize,
    ) -> Pending<'_, ScimPage<ScimUser>> {
        Box::pin(self.engine.look(move |s| s.moment(|| scim::list_users(s, account, client, &from, limit))))
    }

    fn scim_group(
        &self,
        account: AccountId,
        client: ClientId,
        id: GroupId,
        with_members: bool,
    ) -> Pending<'_, Option<ScimGroup>> {
        Box::pin(self.engine.look(move |s| s.moment(|| scim::group(s, account, client, id, with_members))))
    }

    fn list_scim_groups(
        &self,
        account: AccountId,
        client: ClientId,
        from: From,
        limit: usize,
        with_members: bool,
    ) -> Pending<'_, ScimPage<ScimGroup>> {
        Box::pin(
            self.engine.look(move |s| {
                s.moment(|| scim::list_groups(s, account, client, &from, limit, with_members))
            }),
        )
    }

    fn groups_named<'a>(&'a self, account: AccountId, key: &'a str) -> Pending<'a, Vec<GroupId>> {
        let key = key.to_owned();
        Box::pin(self.engine.read(move |s| scim::groups_named(s, account, &key)))
    }

    fn by_external_id<'a>(
        &'a self,
        client: ClientId,
        kind: u8,
        external_id: &'a str,
    ) -> Pending<'a, Option<Resource>> {
        let external_id = external_id.to_owned();
        Box::pin(self.engine.read(move |s| scim::by_external_id(s, client, kind, &external_id)))
    }

    fn by_outside_email<'a>(&'a self, account: AccountId, key: &'a str) -> Pending<'a, Vec<UserId>> {
        let key = key.to_owned();
        Box::pin(self.engine.read(move |s| scim::by_outside_email(s, account, &key)))
    }

    fn by_user_name<'a>(&'a self, client: ClientId, key: &'a str) -> Pending<'a, Option<UserId>> {
        let key = key.to_owned();
        Box::pin(self.engine.read(move |s| scim::by_user_name(s, client, &key)))
    }

    fn tokens(&self, client: ClientId) -> Pending<'_, Vec<ClientToken>> {
        Box::pin(self.engine.read(move |s| scim::tokens(s, client)))
    }
}
