//! The rules of update-user (spec/protocol.md 5; which users a caller may change is `[ours]`).

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::EmailAddress;
use crate::Scope;
use crate::check;
use crate::error::ItemError;
use crate::evidence::Evidence;
use crate::role::Role;
use crate::user::{PasswordHash, Update, User};

/// The request. `None` is a missing field.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// New address, and the owner of its domain.
    pub address: Option<(EmailAddress, Option<Evidence>)>,
    /// Display name.
    pub name: Option<String>,
    /// Cloud password.
    pub password: Option<SecretString>,
    /// An imported password hash, or why it can't be used.
    pub password_hash: Option<Result<PasswordHash, String>>,
    /// Whether the user is locked.
    pub locked: Option<bool>,
    /// Whether the user is disabled.
    pub disabled: Option<bool>,
    /// Whether the password must be changed at the next login.
    pub force_password_change: Option<bool>,
    /// Whether the password never expires.
    pub password_never_expires: Option<bool>,
    /// Whether the user may send by SMTP.
    pub allow_smtp: Option<bool>,
    /// Whether the user may fetch by POP.
    pub allow_pop: Option<bool>,
    /// When archiving of mail started.
    pub archive_start: Option<Timestamp>,
}

/// A field of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The address.
    Address,
    /// The new address.
    NewAddress,
    /// The display name.
    Name,
    /// The password.
    Password,
    /// The imported password hash.
    PasswordHash,
}

/// The changes of a user.
pub struct Planned {
    /// The current user.
    pub user: User,
    /// The new password, which satisfies the policy.
    pub password: Option<SecretString>,
    /// The new address.
    pub address: Option<EmailAddress>,
    /// The other changes, an imported password hash among them.
    pub update: Update,
}

/// Judges one item for a user and its role. An item without changes is a read, which is allowed for holders of any
/// role.
///
/// # Errors
/// When the user does not belong to the account, holds a role that the caller's does not cover, or a value breaks a
/// rule; when the user belongs to its domain.
pub fn judge(
    scope: &Scope,
    found: Option<User>,
    role: Option<&Role>,
    asked: Asked,
) -> Result<Planned, Vec<(Field, ItemError)>> {
    let user = scope.user(found).map_err(|why| vec![(Field::Address, why)])?;
    let policy = &scope.account().password_policy;
    let (hash, refused) = match asked.password_hash {
        Some(_) if asked.password.is_some() => (None, Some(ItemError::NotBoth("password or passwordHash"))),
        Some(Ok(hash)) => (Some(hash), None),
        Some(Err(why)) => (None, Some(ItemError::PasswordHash(why))),
        None => (None, None),
    };
    let update = Update {
        name: asked.name,
        password: hash,
        history: policy.history,
        keep_keys: false,
        must_change_password: asked.force_password_change,
        password_never_expires: asked.password_never_expires,
        locked: asked.locked,
        disabled: asked.disabled,
        allow_smtp: asked.allow_smtp,
        allow_pop: asked.allow_pop,
        archive_start: asked.archive_start,
    };
    if asked.address.is_some() || asked.password.is_some() || refused.is_some() || !update.is_nothing() {
        let allowed = scope.changes(&user).and_then(|()| scope.covers(role));
        allowed.map_err(|why| vec![(Field::Address, why)])?;
    }
    let mut wrong: Vec<_> = refused.map(|why| (Field::PasswordHash, why)).into_iter().collect();
    let address = asked.address.and_then(|(address, owner)| {
        if owner.is_none_or(|owner| owner.account != user.account) {
            wrong.push((Field::NewAddress, ItemError::ForbiddenForDomain));
        }
        (address.as_str() != user.address.as_str()).then_some(address)
    });
    let name = update.name.as_deref().unwrap_or(&user.name);
    if let Err(why) = check::name(name) {
        wrong.push((Field::Name, why));
    }
    match asked.password.as_ref().map(ExposeSecret::expose_secret) {
        Some(blank) if blank.trim().is_empty() => wrong.push((Field::Password, ItemError::Blank)),
        Some(password) => {
            let unmet = policy.unmet(password, &[address.as_ref().unwrap_or(&user.address).as_str(), name]);
            if !unmet.is_empty() {
                wrong.push((Field::Password, ItemError::PasswordPolicy(unmet)));
            }
        }
        None => {}
    }
    if wrong.is_empty() {
        Ok(Planned { user, password: asked.password, address, update })
    } else {
        Err(wrong)
    }
}
