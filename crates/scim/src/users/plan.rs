//! The changes that make a user what was sent, by the rules of the directory.

use std::collections::HashMap;

use directory::attribute::Attribute;
use directory::change::Change;
use directory::create_user::{Drafts, Field, Item, State};
use directory::error::ItemError;
use directory::port::Evidence;
use directory::scim::{AddressFrom, Resource, ScimChange, ScimUser, UserName};
use directory::update_user::{self, Asked};
use directory::user::{Update, User};
use directory::{EmailAddress, UserId};
use jiff::Timestamp;
use serde_json::{Map, Value};
use wire::printable::printable;

use super::resource::kept;
use super::wanted::{Wanted, addresses, wanted};
use crate::call::Call;
use crate::refused::Refused;

/// Judged changes, and the user after them.
pub(super) struct Planned {
    pub(super) evidence: Vec<Evidence>,
    pub(super) changes: Vec<Change>,
    /// The moment of the change, in the response and in the store.
    pub(super) at: Timestamp,
    pub(super) after: ScimUser,
}

pub(super) async fn creation(call: &mut Call<'_>, fields: Map<String, Value>) -> Result<Planned, Refused> {
    let core = call.core;
    let now = call.now();
    let mut wanted = wanted(call, None, fields).await?;
    let drafts =
        Drafts::read(call.scope.caller(), None, vec![item(&wanted)]).map_err(api::error::CallError::from)?;
    let names = drafts.domains();
    let owners = call.timed(core.store.domains(&names)).await?;
    let domains: HashMap<_, _> =
        names.into_iter().zip(owners).filter_map(|(name, owner)| Some((name, owner?))).collect();
    let state = State { domains, ..State::default() };
    let judgement = match drafts.have_passwords() {
        // Estimating a password's strength takes up to a millisecond.
        true => core.hasher.run(move || drafts.judge(&state)).await?,
        false => drafts.judge(&state),
    };
    let mut evidence = [judgement.evidence, std::mem::take(&mut wanted.evidence)].concat();
    let planned = judgement.items.into_iter().next().unwrap_or(Err(Vec::new()));
    let planned = planned.map_err(|wrong| refused(&wanted, &wrong))?;
    let (mut user, clear) = planned.into_user(UserId::at(now, &core.entropy.randomness()), now);
    if let Some(clear) = clear {
        user.password = core.hasher.hash(vec![clear]).await?.pop();
    }
    evidence.sort_unstable();
    evidence.dedup();
    let mut changes = vec![
        Change::AddUser(user.clone()),
        Change::Scim(ScimChange::AddDetails(user.id, wanted.details.clone(), wanted.outside.clone())),
    ];
    let aliases = add_aliases(call, &user, &[], &wanted.aliases, &mut changes);
    let attributes = set_attributes(user.id, &[], &wanted.attributes, &mut changes);
    if wanted.external_id.is_some() {
        changes.push(set_external_id(call, user.id, wanted.external_id.clone()));
    }
    if wanted.user_name.is_some() {
        changes.push(set_user_name(call, user.id, wanted.user_name.clone()));
    }
    // Hashing a password takes time.
    let at = call.now();
    if changes.len() > 2 {
        user.updated_at = Some(at);
    }
    let after = ScimUser {
        user,
        aliases,
        details: wanted.details,
        attributes,
        external_id: wanted.external_id,
        user_name: wanted.user_name,
        groups: Vec::new(),
    };
    Ok(Planned { evidence, changes, at, after })
}

/// The item for the rules of create-user.
fn item(wanted: &Wanted) -> Item {
    Item {
        address: Some(wanted.address.clone()),
        name: Some(wanted.name.clone()),
        password: wanted.password.clone(),
        password_hash: None,
        account_code: None,
        force_password_change: None,
        disabled: wanted.active.map(|active| !active),
        locked: None,
    }
}

pub(super) async fn update(
    call: &mut Call<'_>,
    seen: ScimUser,
    fields: Map<String, Value>,
) -> Result<Planned, Refused> {
    let wanted = wanted(call, Some(&seen), fields).await?;
    let address =
        EmailAddress::parse(&wanted.address).map_err(|why| no_address(&wanted, &ItemError::from(why)))?;
    let evidence = evidence_of(call, &seen, &wanted, &address).await?;
    let update = judged(call, &seen, &wanted).await?;
    let at = call.now();
    let mut changes = Vec::new();
    let aliases = moved_aliases(call, &seen, &address, &wanted, &mut changes);
    let is_changed = update.name.is_some() || update.disabled.is_some() || update.password.is_some();
    if is_changed {
        changes.push(Change::UpdateUser(seen.user.id, Box::new(update)));
    }
    let after_user = User {
        address,
        name: wanted.name.clone(),
        disabled: wanted.active.map_or(seen.user.disabled, |active| !active),
        updated_at: Some(at),
        ..seen.user.clone()
    };
    if wanted.details != seen.details {
        changes.push(Change::Scim(ScimChange::SetDetails(
            seen.user.id,
            wanted.details.clone(),
            wanted.outside.clone(),
        )));
    }
    let attributes = set_attributes(seen.user.id, &seen.attributes, &wanted.attributes, &mut changes);
    if wanted.external_id != seen.external_id {
        changes.push(set_external_id(call, seen.user.id, wanted.external_id.clone()));
    }
    // Names given in the other mode stay, in case it comes back.
    let user_name = match wanted.address_from {
        AddressFrom::Emails => wanted.user_name.clone(),
        AddressFrom::UserName => seen.user_name.clone(),
    };
    if user_name != seen.user_name {
        changes.push(set_user_name(call, seen.user.id, user_name.clone()));
    }
    if changes.is_empty() {
        return Ok(Planned { evidence, changes, at, after: seen });
    }
    may_change(call, &seen.user).await?;
    changes.insert(0, expect(call, &seen));
    let after = ScimUser {
        user: after_user,
        aliases,
        details: wanted.details,
        attributes,
        external_id: wanted.external_id,
        user_name,
        groups: seen.groups,
    };
    Ok(Planned { evidence, changes, at, after })
}

/// What the judgement of an update rests on.
async fn evidence_of(
    call: &mut Call<'_>,
    seen: &ScimUser,
    wanted: &Wanted,
    address: &EmailAddress,
) -> Result<Vec<Evidence>, Refused> {
    let core = call.core;
    let mut evidence = [call.scope.evidence(), wanted.evidence.clone()].concat();
    if address.domain() != seen.user.address.domain() {
        let owner = call.timed(core.store.domains(&[address.domain_name()])).await?.pop().flatten();
        let owner = owner.filter(|owner| owner.account == seen.user.account);
        evidence.push(owner.ok_or_else(|| foreign_domain(wanted))?);
    }
    evidence.sort_unstable();
    evidence.dedup();
    Ok(evidence)
}

pub(super) async fn removal(call: &mut Call<'_>, seen: &ScimUser) -> Result<Planned, Refused> {
    may_change(call, &seen.user).await?;
    Ok(Planned {
        evidence: call.scope.evidence(),
        changes: vec![
            expect(call, seen),
            Change::Scim(ScimChange::CountDeletion(call.client)),
            Change::RemoveUser(seen.user.id),
        ],
        at: call.now(),
        after: seen.clone(),
    })
}

/// The caller must hold all permissions of the user: a change can affect its permissions or keys.
async fn may_change(call: &mut Call<'_>, user: &User) -> Result<(), Refused> {
    let core = call.core;
    let role = match user.role {
        Some(role) => call.timed(core.store.role(role)).await?,
        None => None,
    };
    let allowed = call.scope.changes(user).and_then(|()| call.scope.covers(role.as_ref()));
    allowed.map_err(|why| Refused::rule("id", &why))
}

/// The changed name, state and password, if the rules allow them.
async fn judged(call: &Call<'_>, seen: &ScimUser, wanted: &Wanted) -> Result<Update, Refused> {
    let asked = Asked {
        name: Some(wanted.name.clone()).filter(|name| *name != seen.user.name),
        password: wanted.password.clone(),
        disabled: wanted.active.map(|active| !active).filter(|disabled| *disabled != seen.user.disabled),
        ..Asked::default()
    };
    let (scope, user, core) = (call.scope.clone(), seen.user.clone(), call.core);
    let has_password = asked.password.is_some();
    // The role is checked for every change, not only for these.
    let judge = move || update_user::judge(&scope, Some(user), None, asked);
    let judged = if has_password { core.hasher.run(judge).await? } else { judge() };
    let planned = judged.map_err(|wrong| {
        let first = wrong.first().map(|(field, why)| match field {
            update_user::Field::Name => Refused::rule("displayName", why),
            update_user::Field::Password | update_user::Field::PasswordHash => Refused::rule("password", why),
            update_user::Field::Address | update_user::Field::NewAddress => {
                Refused::rule(wanted.address_from.as_str(), why)
            }
        });
        first.unwrap_or_else(|| Refused::invalid_value("The user is not valid."))
    })?;
    let mut update = planned.update;
    if let Some(password) = planned.password {
        update.password = core.hasher.hash(vec![password]).await?.pop();
    }
    Ok(update)
}

/// Plans the new address and the other ones, and gives the aliases afterwards. Only addresses that came by SCIM go.
fn moved_aliases(
    call: &Call<'_>,
    seen: &ScimUser,
    address: &EmailAddress,
    wanted: &Wanted,
    changes: &mut Vec<Change>,
) -> Vec<User> {
    let sent_before: Vec<EmailAddress> = kept(seen).map(|kept| addresses(&kept)).unwrap_or_default();
    let is_wanted = |alias: &User| wanted.aliases.iter().any(|wanted| wanted.key() == alias.address.key());
    let goes = |alias: &User| {
        let came_by_scim = sent_before.iter().any(|sent| sent.key() == alias.address.key());
        alias.address.key() == address.key() || (came_by_scim && !is_wanted(alias))
    };
    let (gone, mut aliases): (Vec<User>, Vec<User>) = seen.aliases.iter().cloned().partition(goes);
    changes.extend(gone.iter().map(|alias| Change::Scim(ScimChange::RemoveAlias(alias.id))));
    if address.as_str() != seen.user.address.as_str() {
        let keeps = wanted.aliases.iter().any(|wanted| wanted.key() == seen.user.address.key());
        let now = call.core.clock.now();
        let alias = keeps.then(|| UserId::at(now, &call.core.entropy.randomness()));
        changes.push(Change::Rename(seen.user.id, address.clone(), alias));
        aliases.extend(alias.map(|id| User {
            alias_of: Some(seen.user.id),
            ..User::new(id, seen.user.account, seen.user.address.clone(), now)
        }));
    }
    let user = User { address: address.clone(), name: wanted.name.clone(), ..seen.user.clone() };
    add_aliases(call, &user, &aliases, &wanted.aliases, changes)
}

/// Plans the wanted aliases that a user does not have, and gives all.
fn add_aliases(
    call: &Call<'_>,
    user: &User,
    present: &[User],
    wanted: &[EmailAddress],
    changes: &mut Vec<Change>,
) -> Vec<User> {
    let now = call.core.clock.now();
    let mut aliases = present.to_vec();
    for address in wanted {
        let is_there = |row: &User| row.address.key() == address.key();
        if is_there(user) || aliases.iter().any(is_there) {
            continue;
        }
        let alias = User {
            name: user.name.clone(),
            alias_of: Some(user.id),
            ..User::new(UserId::at(now, &call.core.entropy.randomness()), user.account, address.clone(), now)
        };
        changes.push(Change::AddAlias(alias.clone()));
        aliases.push(alias);
    }
    aliases
}

/// Plans the attributes that differ, and gives all afterwards.
fn set_attributes(
    user: UserId,
    present: &[(Attribute, String)],
    wanted: &[(Attribute, String)],
    changes: &mut Vec<Change>,
) -> Vec<(Attribute, String)> {
    let now =
        |attribute| present.iter().find(|(own, _)| *own == attribute).map_or("", |(_, text)| text.as_str());
    let set: Vec<_> = wanted.iter().filter(|(attribute, text)| now(*attribute) != text).cloned().collect();
    let mut after: Vec<_> = present
        .iter()
        .filter(|(own, _)| set.iter().all(|(attribute, _)| attribute != own))
        .cloned()
        .collect();
    after.extend(set.iter().filter(|(_, text)| !text.is_empty()).cloned());
    after.sort_unstable_by_key(|(attribute, _)| attribute.number());
    if !set.is_empty() {
        changes.push(Change::SetAttributes(user, set));
    }
    after
}

fn expect(call: &Call<'_>, seen: &ScimUser) -> Change {
    Change::Scim(ScimChange::Expect(call.client, seen.user.id, Box::new(seen.seen())))
}

fn set_external_id(call: &Call<'_>, user: UserId, id: Option<String>) -> Change {
    Change::Scim(ScimChange::SetExternalId(call.client, Resource::User(user), id))
}

fn set_user_name(call: &Call<'_>, user: UserId, name: Option<UserName>) -> Change {
    Change::Scim(ScimChange::SetUserName(call.client, user, name))
}

fn refused(wanted: &Wanted, wrong: &[(Field, ItemError)]) -> Refused {
    match wrong.first() {
        Some((_, ItemError::ForbiddenForDomain)) => foreign_domain(wanted),
        Some((Field::Name, why)) => Refused::rule("displayName", why),
        Some((Field::Password | Field::PasswordHash, why)) => Refused::rule("password", why),
        Some((Field::Address, why)) => no_address(wanted, why),
        Some((Field::AccountCode, why)) => Refused::rule(wanted.address_from.as_str(), why),
        None => Refused::invalid_value("The user is not valid."),
    }
}

fn no_address(wanted: &Wanted, why: &ItemError) -> Refused {
    match wanted.address_from {
        AddressFrom::UserName if !wanted.address.contains('@') => Refused::invalid_value(format!(
            "userName: {why}. For names that are no addresses, set the application's domain of user names, or take the \
             address from emails: on its page in the console, or with matricula admin client."
        )),
        from => Refused::rule(from.as_str(), why),
    }
}

fn foreign_domain(wanted: &Wanted) -> Refused {
    let (from, shown) = (wanted.address_from.as_str(), printable(&wanted.address));
    Refused::invalid_value(format!(
        "{from} must be an address in an internal domain of the account, and {shown} is not. Add the domain to the \
         account, or map another attribute to {from}."
    ))
}
