//! Roles.

use directory::port::{Affected, Pending, RoleStore};
use directory::role::BuiltIn;
use directory::user::User;
use directory::{AccountId, Role, RoleId};

use super::{Engine, TableStore};
use crate::tables::read;

impl<E: Engine> RoleStore for TableStore<E> {
    fn roles_of(&self, account: AccountId) -> Pending<'_, Vec<Role>> {
        Box::pin(self.engine.read(move |s| read::clients::roles_of(s, account)))
    }

    fn roles_among(&self, affected: Affected) -> Pending<'_, Vec<Role>> {
        Box::pin(self.engine.look(move |s| s.moment(|| read::clients::roles_among(s, affected))))
    }

    fn role(&self, id: RoleId) -> Pending<'_, Option<Role>> {
        match BuiltIn::by_id(id) {
            Some(built_in) => Box::pin(async move { Ok(Some(built_in.role())) }),
            None => Box::pin(self.engine.read(move |s| read::clients::custom(s, id))),
        }
    }

    fn list_roles(&self) -> Pending<'_, Vec<Role>> {
        Box::pin(self.engine.scan(read::roles))
    }

    fn list_administrators(&self) -> Pending<'_, Vec<User>> {
        Box::pin(self.engine.scan(read::users::administrators))
    }
}
