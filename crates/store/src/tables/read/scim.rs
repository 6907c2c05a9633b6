//! Users and groups as SCIM clients see them.

use std::collections::{HashMap, HashSet};

use directory::port::{ScimFrom as From, ScimPage};
use directory::scim::{ClientToken, Details, Resource, ScimGroup, ScimMember, ScimUser, UserName};
use directory::user::User;
use directory::{AccountId, ClientId, EmailAddress, GroupId, TokenId, UserId};

use super::{for_all, groups, rows, users};
use crate::session::{Result, Row, Session, Value, unreadable, values};
use crate::tables::row::{optional_time, parsed, time};
use crate::tables::user_row::{self, SELECT};

pub(super) const DETAILS: &str =
    "SELECT user_id, given_name, family_name, attributes FROM user_details WHERE user_id IN ({})";
const EXTERNAL_IDS: &str =
    "SELECT resource, external_id FROM external_ids WHERE client = ?1 AND resource IN ({})";
const OWN_ADDRESSES: &str =
    "SELECT id, address FROM users WHERE account = ?1 AND alias_of IS NULL AND reserved = 0 AND id IN ({})";
const MEMBERS_AMONG: &str = "SELECT member_key FROM group_members WHERE group_id = ?1 AND member_key IN ({})";
const USER_NAMES: &str = "SELECT user_id, name FROM user_names WHERE client = ?1 AND user_id IN ({})";
const UPDATED: &str = "SELECT id, updated_at, version FROM groups WHERE id IN ({})";
const GROUPS_OF: &str = "SELECT m.member_key, g.id, g.description FROM group_members m
    JOIN groups g ON g.id = m.group_id AND g.account = ?1 WHERE m.member_key IN ({}) ORDER BY g.description_key, g.id";

/// The users as an application sees them, in their order.
pub(crate) fn seen_by(
    session: &dyn Session,
    account: AccountId,
    client: ClientId,
    users: Vec<User>,
) -> Result<Vec<ScimUser>> {
    let ids: Vec<[u8; 16]> = users.iter().map(|user| *user.id.as_bytes()).collect();
    let ids: Vec<Value<'_>> = ids.iter().map(|id| Value::Bytes(id)).collect();
    let mut aliases: HashMap<UserId, Vec<User>> = HashMap::new();
    let sql = format!("{SELECT} WHERE alias_of IN ({{}}) ORDER BY address_key");
    for alias in for_all(session, &sql, &[], &ids, user_row::read)? {
        aliases.entry(alias.alias_of.unwrap_or(alias.id)).or_default().push(alias);
    }
    let details = for_all(session, DETAILS, &[], &ids, |row| {
        let details = Details { given_name: row.get(1)?, family_name: row.get(2)?, attributes: row.get(3)? };
        Ok((UserId::from_bytes(row.get(0)?), details))
    })?;
    let mut details: HashMap<_, _> = details.into_iter().collect();
    let mut attributes = users::attributes_by_user(session, &ids)?;
    let mut external_ids = external_ids(session, client, &ids)?;
    let user_name = |row: Row<'_>| Ok((UserId::from_bytes(row.get(0)?), parsed(row, 1, UserName::parse)?));
    let user_names = for_all(session, USER_NAMES, values![client.as_bytes()], &ids, user_name)?;
    let mut user_names: HashMap<_, _> = user_names.into_iter().collect();
    let addresses = users.iter().chain(aliases.values().flatten()).map(|user| user.address.clone());
    let addresses: Vec<EmailAddress> = addresses.collect();
    let keys: Vec<Value<'_>> = addresses.iter().map(|address| Value::Text(address.key())).collect();
    let mut groups: HashMap<String, Vec<(GroupId, String)>> = HashMap::new();
    let member = |row: Row<'_>| Ok((row.get::<String>(0)?, (GroupId::from_bytes(row.get(1)?), row.get(2)?)));
    for (key, group) in for_all(session, GROUPS_OF, values![account.as_bytes()], &keys, member)? {
        groups.entry(key).or_default().push(group);
    }
    let seen = users.into_iter().map(|user| {
        let aliases = aliases.remove(&user.id).unwrap_or_default();
        let keys = std::iter::once(&user).chain(&aliases).map(|row| row.address.key());
        let mut groups: Vec<_> = keys.filter_map(|key| groups.remove(key)).flatten().collect();
        groups.sort_by(|one, other| (&one.1, one.0).cmp(&(&other.1, other.0)));
        groups.dedup_by_key(|group| group.0);
        ScimUser {
            details: details.remove(&user.id).unwrap_or_default(),
            attributes: attributes.remove(&user.id).unwrap_or_default(),
            external_id: external_ids.remove(user.id.as_bytes()),
            user_name: user_names.remove(&user.id),
            aliases,
            groups,
            user,
        }
    });
    Ok(seen.collect())
}

fn external_ids(
    session: &dyn Session,
    client: ClientId,
    ids: &[Value<'_>],
) -> Result<HashMap<[u8; 16], String>> {
    let read = |row: Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(for_all(session, EXTERNAL_IDS, values![client.as_bytes()], ids, read)?.into_iter().collect())
}

/// Whether SCIM lists the user of the account.
fn is_listed(user: &User, account: AccountId) -> bool {
    user.account == account && user.alias_of.is_none() && !user.reserved
}

pub(crate) fn users_by_id(
    session: &dyn Session,
    account: AccountId,
    client: ClientId,
    ids: &[UserId],
) -> Result<Vec<Option<ScimUser>>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(users::by_id(session, *id)?.filter(|user| is_listed(user, account)));
    }
    let mut seen: HashMap<UserId, ScimUser> =
        seen_by(session, account, client, found)?.into_iter().map(|seen| (seen.user.id, seen)).collect();
    Ok(ids.iter().map(|id| seen.remove(id)).collect())
}

const ALIASES: &str = "SELECT address_key FROM users WHERE account = ?1 AND alias_of IS NOT NULL";
const RESERVED: &str = "SELECT address_key FROM users WHERE account = ?1 AND reserved = 1";
pub(super) const DOMAINS: &str =
    "SELECT domain, CAST(sum(users) AS BIGINT) FROM user_counts WHERE account = ?1
    GROUP BY domain HAVING sum(users) > 0 ORDER BY domain";
// With one bound only: SQLite would compare each skipped key with the other one, and take twice the time.
const NTH_KEY: &str = "SELECT address_key FROM users WHERE address_key > ?1
    ORDER BY address_key LIMIT 1 OFFSET ?2";
const NTH_KEY_FROM_END: &str = "SELECT address_key FROM users WHERE address_key < ?1
    ORDER BY address_key DESC LIMIT 1 OFFSET ?2";

pub(crate) fn list_users(
    session: &dyn Session,
    account: AccountId,
    client: ClientId,
    from: &From,
    limit: usize,
) -> Result<ScimPage<ScimUser>> {
    let mut unlisted: Vec<String> = Vec::new();
    for sql in [ALIASES, RESERVED] {
        unlisted.extend(session.all(sql, values![account.as_bytes()], |row| row.get::<String>(0))?);
    }
    unlisted.sort_unstable();
    let domains: Vec<(String, i64)> =
        session.all(DOMAINS, values![account.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let all: i64 = domains.iter().map(|(_, users)| users).sum();
    let total = u64::try_from(all - rows(unlisted.len())).unwrap_or(0);
    let after = match from {
        From::Key(key) => Some(key.clone()),
        From::Index(0) => Some(String::new()),
        From::Index(skipped) => nth_listed(session, &domains, &unlisted, skipped - 1)?,
    };
    let names = domains.iter().map(|(domain, _)| domain.as_str());
    let page =
        after.map(|after| users::after(session, names, &after, limit)).transpose()?.unwrap_or_default();
    Ok(ScimPage { total, page: seen_by(session, account, client, page)? })
}

/// The key of the listed user with this number, from 0. Keys are skipped in the index, together with those that are not
/// listed, so each step corrects the number of the one before; it never goes too far.
fn nth_listed(
    session: &dyn Session,
    domains: &[(String, i64)],
    unlisted: &[String],
    number: u64,
) -> Result<Option<String>> {
    let number = i64::try_from(number).unwrap_or(i64::MAX - 1);
    let mut at = number;
    loop {
        let Some(key) = nth_key(session, domains, at)? else { return Ok(None) };
        let skipped = rows(unlisted.partition_point(|unlisted| *unlisted <= key));
        let wanted = number.saturating_add(skipped);
        if at == wanted {
            return Ok(Some(key));
        }
        at = wanted;
    }
}

fn nth_key(session: &dyn Session, domains: &[(String, i64)], mut at: i64) -> Result<Option<String>> {
    for (domain, users) in domains {
        if at < *users {
            let (low, high) = users::range(domain);
            // From the nearer end.
            let (sql, bound, skipped) = match at < users / 2 {
                true => (NTH_KEY, low, at),
                false => (NTH_KEY_FROM_END, high, users - 1 - at),
            };
            return session.one(sql, values![bound, skipped], |row| row.get(0));
        }
        at -= users;
    }
    Ok(None)
}

/// The addresses of users of an account: the user's own first, then its aliases.
pub(crate) fn addresses_of(
    session: &dyn Session,
    account: AccountId,
    ids: &[UserId],
) -> Result<HashMap<UserId, Vec<EmailAddress>>> {
    let ids: Vec<[u8; 16]> = ids.iter().map(|id| *id.as_bytes()).collect();
    let ids: Vec<Value<'_>> = ids.iter().map(|id| Value::Bytes(id)).collect();
    let own = |row: Row<'_>| Ok((UserId::from_bytes(row.get(0)?), parsed(row, 1, EmailAddress::stored)?));
    let own = for_all(session, OWN_ADDRESSES, values![account.as_bytes()], &ids, own)?;
    let mut aliases = users::aliases_by_user(session, &ids)?;
    let all = |(id, address): (UserId, EmailAddress)| {
        let aliases = aliases.remove(&id).unwrap_or_default();
        (id, std::iter::once(address).chain(aliases).collect())
    };
    Ok(own.into_iter().map(all).collect())
}

/// The keys of these addresses that are members of a group.
pub(crate) fn members_among<'a>(
    session: &dyn Session,
    group: GroupId,
    addresses: impl Iterator<Item = &'a EmailAddress>,
) -> Result<HashSet<String>> {
    let keys: Vec<Value<'_>> = addresses.map(|address| Value::Text(address.key())).collect();
    let found = for_all(session, MEMBERS_AMONG, values![group.as_bytes()], &keys, |row| row.get(0))?;
    Ok(found.into_iter().collect())
}

/// The users of an account that have this e-mail address, which is no alias, by its key.
pub(crate) fn by_outside_email(session: &dyn Session, account: AccountId, key: &str) -> Result<Vec<UserId>> {
    session.all(
        "SELECT u.id FROM outside_emails o JOIN users u ON u.id = o.user_id
         WHERE o.mail_key = ?1 AND u.account = ?2 ORDER BY u.address_key",
        values![key, account.as_bytes()],
        |row| row.get(0).map(UserId::from_bytes),
    )
}

/// The user with a name of the application.
pub(crate) fn by_user_name(session: &dyn Session, client: ClientId, key: &str) -> Result<Option<UserId>> {
    session.one(
        "SELECT user_id FROM user_names WHERE client = ?1 AND name_key = ?2",
        values![client.as_bytes(), key],
        |row| row.get(0).map(UserId::from_bytes),
    )
}

pub(crate) fn by_external_id(
    session: &dyn Session,
    client: ClientId,
    kind: u8,
    external_id: &str,
) -> Result<Option<Resource>> {
    session.one(
        "SELECT resource FROM external_ids WHERE client = ?1 AND kind = ?2 AND external_id = ?3",
        values![client.as_bytes(), kind, external_id],
        |row| {
            let id: [u8; 16] = row.get(0)?;
            Ok(match kind {
                1 => Resource::User(UserId::from_bytes(id)),
                _ => Resource::Group(GroupId::from_bytes(id)),
            })
        },
    )
}

const MEMBERS: &str = "SELECT coalesce(u.alias_of, u.id), m.member_key FROM group_members m
    JOIN users u ON u.address_key = m.member_key AND u.account = ?2
    WHERE m.group_id = ?1 AND m.address IS NOT NULL ORDER BY m.member_key";

fn members(session: &dyn Session, account: AccountId, group: GroupId) -> Result<Vec<ScimMember>> {
    session.all(MEMBERS, values![group.as_bytes(), account.as_bytes()], |row| {
        Ok(ScimMember { user: UserId::from_bytes(row.get(0)?), key: row.get(1)? })
    })
}

fn groups_seen_by(
    session: &dyn Session,
    account: AccountId,
    client: ClientId,
    found: Vec<directory::groups::Group>,
    with_members: bool,
) -> Result<Vec<ScimGroup>> {
    let ids: Vec<[u8; 16]> = found.iter().map(|group| *group.id.as_bytes()).collect();
    let ids: Vec<Value<'_>> = ids.iter().map(|id| Value::Bytes(id)).collect();
    let mut external_ids = external_ids(session, client, &ids)?;
    let changed = for_all(session, UPDATED, &[], &ids, |row| {
        Ok((GroupId::from_bytes(row.get(0)?), (optional_time(row, 1)?, row.get::<i64>(2)?)))
    })?;
    let changed: HashMap<GroupId, _> = changed.into_iter().collect();
    let mut seen = Vec::with_capacity(found.len());
    for group in found {
        let members = if with_members { Some(members(session, account, group.id)?) } else { None };
        let (updated_at, version) = changed.get(&group.id).copied().unwrap_or_default();
        let external_id = external_ids.remove(group.id.as_bytes());
        seen.push(ScimGroup { updated_at, version, external_id, members, group });
    }
    Ok(seen)
}

pub(crate) fn group(
    session: &dyn Session,
    account: AccountId,
    client: ClientId,
    id: GroupId,
    with_members: bool,
) -> Result<Option<ScimGroup>> {
    let found = groups::by_id(session, id)?.filter(|group| group.account == account);
    Ok(groups_seen_by(session, account, client, found.into_iter().collect(), with_members)?.pop())
}

pub(crate) fn list_groups(
    session: &dyn Session,
    account: AccountId,
    client: ClientId,
    from: &From,
    limit: usize,
    with_members: bool,
) -> Result<ScimPage<ScimGroup>> {
    let total = groups::count(session, account, None)?;
    let (key, skipped) = match from {
        From::Key(key) => (key.parse::<GroupId>().map_err(|error| unreadable(0, error))?, 0),
        From::Index(skipped) => (GroupId::from_bytes([0; 16]), i64::try_from(*skipped).unwrap_or(i64::MAX)),
    };
    let found = groups::page(session, account, key, skipped, limit)?;
    Ok(ScimPage { total, page: groups_seen_by(session, account, client, found, with_members)? })
}

pub(crate) fn groups_named(session: &dyn Session, account: AccountId, key: &str) -> Result<Vec<GroupId>> {
    session.all(
        "SELECT id FROM groups WHERE account = ?1 AND description_key = ?2 ORDER BY id",
        values![account.as_bytes(), key],
        |row| row.get(0).map(GroupId::from_bytes),
    )
}

/// The tokens of an application that were not revoked, oldest first.
pub(crate) fn tokens(session: &dyn Session, client: ClientId) -> Result<Vec<ClientToken>> {
    session.all(
        "SELECT id, digest, expires_at, created_at FROM client_tokens
         WHERE client = ?1 AND revoked_at IS NULL ORDER BY id",
        values![client.as_bytes()],
        |row| {
            Ok(ClientToken {
                id: TokenId::from_bytes(row.get(0)?),
                client,
                digest: row.get(1)?,
                expires_at: optional_time(row, 2)?,
                created_at: time(row, 3)?,
            })
        },
    )
}

/// The statements of the lists, for the test of their plans.
#[cfg(test)]
pub(super) fn lists() -> Vec<String> {
    [ALIASES, RESERVED, DOMAINS, NTH_KEY, NTH_KEY_FROM_END, MEMBERS]
        .map(str::to_owned)
        .into_iter()
        .chain(users::shared())
        .collect()
}
