//! What a connection may read, as it is now: a bind is no longer valid once its user is disabled or has another password, or
//! its application is disabled.

use std::sync::Arc;

use auth::Service;
use directory::application::Product;
use directory::ldap::Person;
use directory::port::{Freshness, StoreError};
use directory::role::INTERNAL_READ;
use directory::user::PasswordHash;
use directory::{AccountId, UserId};

use crate::code::{Code, Outcome};
use crate::door::Door;
use crate::operation::Kind;
use crate::tree::{Tree, UserName};

/// Who proved itself on a connection.
pub(crate) enum Bound {
    Nobody,
    User(User),
    Service { service: Service, client_id: String, account: AccountId },
}

/// A user who proved a password.
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) account: AccountId,
    /// The hash that the password matched.
    pub(crate) hash: PasswordHash,
}

/// Who reads.
pub(crate) enum Reader {
    /// An administrator, who sees all users and groups of the account.
    Everything,
    /// An application, which sees them too, and itself.
    Service { client_id: String, name: String },
    /// A user, who sees itself and its groups.
    Own(Box<Person>),
}

impl Reader {
    /// The user, if only what is its own is read.
    pub(crate) fn own(&self) -> Option<&Person> {
        match self {
            Reader::Own(person) => Some(person),
            Reader::Everything | Reader::Service { .. } => None,
        }
    }

    pub(crate) fn is_own(&self) -> bool {
        self.own().is_some()
    }
}

/// What a connection may do now.
pub(crate) struct Authority {
    pub(crate) kind: Kind,
    /// The distinguished name of who is bound; empty: nobody.
    pub(crate) name: String,
    reads: Result<(Arc<Tree>, Reader), Outcome>,
    id: [u8; 16],
}

impl Authority {
    /// The tree, and what of it may be read.
    pub(crate) fn reads(&self) -> Result<(Arc<Tree>, &Reader), Outcome> {
        match &self.reads {
            Ok((tree, reader)) => Ok((Arc::clone(tree), reader)),
            Err(refused) => Err(refused.clone()),
        }
    }

    /// The tree, if there is one.
    pub(crate) fn tree(&self) -> Option<&Arc<Tree>> {
        self.reads.as_ref().ok().map(|(tree, _)| tree)
    }

    /// What the cookies of its searches are bound to.
    pub(crate) fn context(&self) -> Vec<u8> {
        [&[self.kind as u8][..], &self.id].concat()
    }

    fn nobody(text: &str) -> Self {
        let refused = Outcome::new(Code::InsufficientAccessRights, text);
        Self { kind: Kind::Anonymous, name: String::new(), reads: Err(refused), id: [0; 16] }
    }

    /// What a connection may do now.
    pub(crate) async fn of(door: &Door, bound: &Bound) -> Result<Self, StoreError> {
        match bound {
            Bound::Nobody => Ok(Self::nobody(
                "bind first: with the distinguished name or address of a user, or that of an application",
            )),
            Bound::User(user) => of_user(door, user).await,
            Bound::Service { service, client_id, account } => {
                of_service(door, service, client_id, *account).await
            }
        }
    }
}

const LOST: &str = "the bind is no longer valid: bind again";

async fn of_user(door: &Door, user: &User) -> Result<Authority, StoreError> {
    let Some(tree) = door.tree(user.account).await? else { return Ok(Authority::nobody(LOST)) };
    let person = crate::lookup::user(&*door.store, &tree, &UserName::Id(user.id)).await?;
    let is_valid =
        |person: &Person| !person.user.is_blocked() && person.user.password.as_ref() == Some(&user.hash);
    let Some(person) = person.filter(is_valid) else { return Ok(Authority::nobody(LOST)) };
    let role = match person.user.role {
        Some(role) => door.store.role(role).await?,
        None => None,
    };
    let reads_all = role.is_some_and(|role| role.allows(&INTERNAL_READ));
    let (kind, name) = match reads_all {
        true => (Kind::Administrator, tree.user_dn(&person.user.address)),
        false => (Kind::User, tree.user_dn(&person.user.address)),
    };
    let reader = if reads_all { Reader::Everything } else { Reader::Own(Box::new(person)) };
    Ok(Authority { kind, name, reads: Ok((tree, reader)), id: *user.id.as_bytes() })
}

async fn of_service(
    door: &Door,
    service: &Service,
    client_id: &str,
    account: AccountId,
) -> Result<Authority, StoreError> {
    let caller = service.caller(&*door.store, Freshness::Recent, door.clock.now()).await?;
    let (Some(caller), Some(tree)) = (caller, door.tree(account).await?) else {
        return Ok(Authority::nobody(LOST));
    };
    let name = tree.application_dn(client_id);
    let refused = |text: &str| Err(Outcome::new(Code::InsufficientAccessRights, text));
    let reads = if !caller.reaches(Product::Directory) {
        refused("the application needs the product directory: add it to the application")
    } else if caller.require(&INTERNAL_READ).is_err() {
        refused("the role of the application needs the permission Directories | Internal | Read")
    } else {
        let name = caller.application().to_owned();
        Ok((tree, Reader::Service { client_id: client_id.to_owned(), name }))
    };
    Ok(Authority { kind: Kind::Service, name, reads, id: caller.credential() })
}
