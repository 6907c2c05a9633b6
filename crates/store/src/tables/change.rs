//! Changes in a transaction: each is made as a whole or not at all, and recorded in the audit.

mod accounts;
mod domains;
mod groups;
mod keys;
mod login;
mod scim;
pub(crate) mod sessions;
pub(crate) mod users;

use directory::audit::{Action, Actor};
use directory::change::{Change, ChangeError, Changed, Effect};
use directory::scim::ScimChange;
use directory::user::User;
use directory::{AccountId, UserId};
use jiff::Timestamp;

use super::batch::Batch;
use super::row::millis;
use super::work::{Payload, Work};
use crate::audit::Entry;
use crate::session::{Error, Kind, Result, Session, values};

/// The result of a change, for the audit and the counts.
struct Made {
    /// The account it concerns.
    account: Option<AccountId>,
    /// The target in the audit.
    target: String,
    /// The detail in the audit.
    detail: String,
    /// The action in the audit, if it differs from the change's own.
    action: Option<Action>,
    /// Whether the audit has no event of it.
    is_unrecorded: bool,
    /// The accounts that lost something: their epoch is bumped, so that no older judgement is written.
    took_away: Vec<AccountId>,
    /// Users added (1) or removed (-1), by account and domain.
    counts: Vec<(AccountId, String, i64)>,
    effect: Effect,
}

/// A result, or the reason for a refusal.
type Judged<T> = std::result::Result<T, ChangeError>;

type Attempt = Result<Judged<Made>>;

impl Made {
    fn new(account: AccountId, target: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            account: Some(account),
            target: target.into(),
            detail: detail.into(),
            action: None,
            is_unrecorded: false,
            took_away: Vec::new(),
            counts: Vec::new(),
            effect: Effect::Done,
        }
    }

    /// Marks its own account as one that lost something.
    fn taking(mut self) -> Self {
        self.took_away.extend(self.account);
        self
    }

    /// Marks other accounts too.
    fn and_in(mut self, accounts: Vec<[u8; 16]>) -> Self {
        self.took_away.extend(accounts.into_iter().map(AccountId::from_bytes));
        self
    }
}

/// Makes all changes of a list, or none.
pub(crate) struct Apply {
    pub(crate) changes: Vec<Change>,
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
}

impl Payload for Apply {
    type Output = Changed;

    fn size(&self) -> usize {
        self.changes.len()
    }

    fn is_repeatable(&self) -> bool {
        false
    }
}

impl Work for Apply {
    fn may_remove(&self) -> bool {
        true
    }

    fn run(&self, batch: &mut Batch<'_>) -> Result<Changed> {
        Ok(match together(batch, &self.changes, &self.actor, self.now)? {
            Ok(_) => Changed::Done,
            Err((index, why)) => Changed::Refused { index, why },
        })
    }
}

/// Makes all changes of a list and gives the effect of the last, or leaves everything as it is and says which was refused.
fn together(
    batch: &mut Batch<'_>,
    changes: &[Change],
    actor: &Actor,
    now: Timestamp,
) -> Result<std::result::Result<Effect, (usize, ChangeError)>> {
    // Others share the transaction: only this list is undone.
    batch.session.batch("SAVEPOINT changes")?;
    let before = batch.remember();
    let mut last = Effect::Done;
    for (index, change) in changes.iter().enumerate() {
        match one(batch, change, actor, now)? {
            Ok(effect) => last = effect,
            Err(why) => {
                batch.session.batch("ROLLBACK TO SAVEPOINT changes; RELEASE SAVEPOINT changes")?;
                batch.go_back(before);
                return Ok(Err((index, why)));
            }
        }
    }
    batch.session.batch("RELEASE SAVEPOINT changes")?;
    Ok(Ok(last))
}

/// Whether a change adds users and removes nothing.
pub(super) fn only_adds(change: &Change) -> bool {
    match change {
        Change::AddUser(_) | Change::AddAlias(_) | Change::Scim(ScimChange::AddDetails(..)) => true,
        Change::Together(changes) => changes.iter().all(only_adds),
        _ => false,
    }
}

/// Makes one change, or leaves everything as it is.
pub(super) fn one(
    batch: &mut Batch<'_>,
    change: &Change,
    actor: &Actor,
    now: Timestamp,
) -> Result<Judged<Effect>> {
    if let Change::AddUser(user) = change {
        return add_user(batch, user, actor);
    }
    if let Some(made) = without_event(batch, change, actor, now)? {
        return Ok(made);
    }
    // It may remove a user.
    batch.removals = None;
    if let Change::Together(changes) = change {
        let made = together(batch, changes, actor, now)?;
        return Ok(made.map_err(|(_, why)| why));
    }
    let made = match in_savepoint(batch, change, actor, now)? {
        Ok(made) => made,
        Err(why) => return Ok(Err(why)),
    };
    for account in &made.took_away {
        batch.bump_epoch(*account)?;
    }
    for (account, domain, users) in &made.counts {
        batch.count(*account, domain, *users);
    }
    if made.is_unrecorded {
        return Ok(Ok(made.effect));
    }
    let at = if let Change::AddAlias(alias) = change { alias.created_at } else { now };
    batch.record(Entry {
        at: millis(at),
        account: made.account.as_ref().map(|account| &account.as_bytes()[..]),
        actor: actor.name(),
        action: made.action.unwrap_or_else(|| change.action()).as_str(),
        target: &made.target,
        detail: &made.detail,
    })?;
    Ok(Ok(made.effect))
}

/// Makes a change that is no event: a condition, a part of another event, or other changes. `None`: it is an event.
fn without_event(
    batch: &mut Batch<'_>,
    change: &Change,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<Judged<Effect>>> {
    let session = batch.session;
    let made = match change {
        Change::Together(changes) => {
            let [Change::AddUser(user), Change::Scim(ScimChange::AddDetails(id, details, outside))] =
                &changes[..]
            else {
                return Ok(None);
            };
            // As hot: only the first of them can be refused, so nothing has to be undone.
            match add_user(batch, user, actor)? {
                Ok(_) => Ok(scim::write_details(session, *id, details, outside)?),
                Err(refused) => Err(refused),
            }
        }
        Change::Scim(ScimChange::Expect(client, user, seen)) => scim::expect(session, *client, *user, seen)?,
        Change::Scim(ScimChange::ExpectGroup(id, version)) => scim::expect_group(session, *id, *version)?,
        Change::Scim(ScimChange::ExpectName(id, name)) => scim::expect_name(session, *id, name)?,
        Change::Scim(ScimChange::CountDeletion(client)) => scim::count_deletion(session, *client, now)?,
        Change::Scim(ScimChange::AddDetails(user, details, outside)) => {
            Ok(scim::write_details(session, *user, details, outside)?)
        }
        Change::Scim(ScimChange::SetMembers(group, wanted)) => {
            for change in scim::member_changes(session, *group, wanted)? {
                if let Err(why) = one(batch, &Change::Group(change), actor, now)? {
                    return Ok(Some(Err(why)));
                }
            }
            Ok(())
        }
        _ => return Ok(None),
    };
    Ok(Some(made.map(|()| Effect::Done)))
}

/// Adds a user. It is the hot path: one statement that refers to nothing needs no savepoint, and nothing is copied for the
/// audit.
fn add_user(batch: &mut Batch<'_>, user: &User, actor: &Actor) -> Result<Judged<Effect>> {
    if !users::insert(batch.session, user)? {
        return Ok(Err(ChangeError::AddressTaken));
    }
    let removed = batch.has_removals()? && users::was_removed(batch.session, user)?;
    let detail = users::added(user, removed);
    batch.count(user.account, user.address.domain(), 1);
    batch.record(Entry {
        at: millis(user.created_at),
        account: Some(&user.account.as_bytes()[..]),
        actor: actor.name(),
        action: Action::UserCreated.as_str(),
        target: user.address.as_str(),
        detail: &detail,
    })?;
    Ok(Ok(Effect::Done))
}

fn in_savepoint(batch: &mut Batch<'_>, change: &Change, actor: &Actor, now: Timestamp) -> Attempt {
    if matches!(change, Change::AddDomain(_) | Change::Domain(_)) {
        // It reads the counts; before the savepoint, because what is written inside may be undone.
        batch.write_counts()?;
    }
    batch.session.batch("SAVEPOINT change")?;
    let made = make(batch, change, actor, now).or_else(refused)?;
    let end = match made {
        Ok(_) => "RELEASE SAVEPOINT change",
        Err(_) => "ROLLBACK TO SAVEPOINT change; RELEASE SAVEPOINT change",
    };
    batch.session.batch(end)?;
    Ok(made)
}

/// Turns a violated constraint into a refusal.
fn refused<T>(error: Error) -> Result<Judged<T>> {
    match error.kind {
        Kind::Unique => Ok(Err(ChangeError::AlreadyExists)),
        Kind::ForeignKey => Ok(Err(ChangeError::NotFound)),
        _ => Err(error),
    }
}

fn make(batch: &mut Batch<'_>, change: &Change, actor: &Actor, now: Timestamp) -> Attempt {
    let session = batch.session;
    match change {
        Change::AddAccount(account) => accounts::add(session, account),
        Change::DisableAccount(id) => accounts::disable(session, *id, now),
        Change::SetPolicy(id, policy) => accounts::set_policy(session, *id, policy),
        Change::SetSettings(id, update) => accounts::set_settings(session, *id, update),
        Change::StartImport(id, rows) => accounts::account(session, *id, format!("{rows} rows")),
        Change::SetLdapBase(id, base) => accounts::set_ldap_base(session, *id, base.as_ref()),
        // Made by `one`, change by change.
        Change::Together(_) => Ok(Err(ChangeError::NotFound)),
        Change::SetAccountProfile(id, profile) => accounts::set_profile(session, *id, *profile),
        Change::AddDomain(domain) => domains::add(batch, domain),
        Change::RemoveDomain(id) => domains::remove(session, *id, now),
        Change::AddRole(role) => accounts::add_role(session, role),
        Change::RemoveRole(id) => accounts::remove_role(session, *id),
        Change::AddProfile(profile) => accounts::add_profile(session, profile),
        Change::AddUser(user) => users::add(session, user),
        Change::AddAlias(alias) => users::add_alias(session, alias, now),
        Change::SetRole(user, role) => users::set_role(session, *user, *role, actor, now),
        Change::UpdateUser(user, update) => users::update(session, *user, update, actor, now),
        Change::RemoveUser(user) => users::remove(session, *user, actor, now),
        Change::Purge(user, at) => users::purge(session, *user, *at, actor, now),
        Change::SetProfile(user, profile) => users::set_profile(session, *user, *profile),
        Change::SetAttributes(user, set) => users::set_attributes(session, *user, set, now),
        Change::AddDelegate(delegate) => users::add_delegate(session, delegate),
        Change::RemoveDelegate(id) => users::remove_delegate(session, *id),
        Change::Domain(change) => domains::make(batch, change, now),
        Change::Group(change) => groups::make(session, change, now),
        Change::LogIn(attempt) => login::attempt(batch, attempt, now),
        Change::AddApplication(application) => keys::add_application(batch, application),
        Change::DisableApplication(id) => keys::disable_application(session, *id, now),
        Change::AddClient(client) => keys::add_client(session, client),
        Change::DisableClient(id) => keys::disable_client(session, *id, now),
        Change::AddBinding(binding) => keys::add_binding(batch, binding),
        Change::RevokeBinding(id) => keys::revoke_binding(session, *id, now),
        Change::ExpireBinding(id, at) => keys::expire_binding(session, *id, *at),
        Change::EndSession(id) => sessions::end(session, *id),
        Change::Rename(user, to, alias) => users::rename(session, *user, to, *alias, now),
        Change::Scim(change) => scim::make(session, change, actor, now),
    }
}

/// Unwraps a result, or returns the refusal.
macro_rules! there {
    ($found:expr) => {
        match $found {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        }
    };
}
use there;

/// Reads (account, target) of a row that must exist.
fn found(session: &dyn Session, sql: &str, id: &[u8; 16]) -> Attempt {
    let row = session
        .one(sql, values![id], |row| Ok((AccountId::from_bytes(row.get(0)?), row.get::<String>(1)?)))?;
    Ok(match row {
        Some((account, target)) => Ok(Made::new(account, target, "")),
        None => Err(ChangeError::NotFound),
    })
}

fn user_made(session: &dyn Session, user: UserId, detail: impl Into<String>) -> Attempt {
    let user = found(session, "SELECT account, address FROM users WHERE id = ?1", user.as_bytes())?;
    Ok(user.map(|user| Made { detail: detail.into(), ..user }))
}
