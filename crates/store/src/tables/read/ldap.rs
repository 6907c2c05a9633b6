//! Users and groups as LDAP clients see them.

mod groups;
mod spans;

use std::collections::{BTreeSet, HashMap};

use directory::ldap::{Base, GroupName, MAX_DOMAINS, MAX_MEMBERS, Person, Root, Wanted};
use directory::port::{LdapPeople as People, LdapSlice as Slice, LdapSpan as Span, TooMany};
use directory::scim::Details;
use directory::user::User;
use directory::{AccountId, DomainName, EmailAddress, UserId};
use jiff::{SignedDuration, Timestamp};

use super::scim::{DETAILS, DOMAINS};
use super::{for_all, rows, users};
use crate::session::{Result, Row, Session, Value, values};
use crate::tables::row::{millis, parsed};

pub(crate) use groups::groups;
#[cfg(test)]
pub(super) use groups::statements as group_statements;

const SET_BASE: &str = "SELECT b.account FROM ldap_bases b
    JOIN accounts a ON a.id = b.account AND a.disabled_at IS NULL WHERE b.base_key = ?1";
const FIRST_DOMAIN: &str = "SELECT d.account FROM domains d
    JOIN accounts a ON a.id = d.account AND a.disabled_at IS NULL
    WHERE d.name = ?1
        AND d.id = (SELECT f.id FROM domains f WHERE f.account = d.account ORDER BY f.created_at, f.id LIMIT 1)
        AND NOT EXISTS (SELECT 1 FROM ldap_bases b WHERE b.account = d.account)";

/// The account with one of these bases.
pub(crate) fn account(session: &dyn Session, bases: &[Base]) -> Result<Option<AccountId>> {
    let id = |row: Row<'_>| row.get(0).map(AccountId::from_bytes);
    for base in bases {
        if let Some(account) = session.one(SET_BASE, values![base.key], id)? {
            return Ok(Some(account));
        }
        if let Some(domain) = &base.domain
            && let Some(account) = session.one(FIRST_DOMAIN, values![domain.as_str()], id)?
        {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

pub(crate) fn root(session: &dyn Session, account: AccountId) -> Result<Option<Root>> {
    let found = session.one(
        "SELECT a.name, b.base FROM accounts a LEFT JOIN ldap_bases b ON b.account = a.id
         WHERE a.id = ?1 AND a.disabled_at IS NULL",
        values![account.as_bytes()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((name, base)) = found else { return Ok(None) };
    let domains: Vec<DomainName> = session.all(
        "SELECT name FROM domains WHERE account = ?1 ORDER BY created_at, id",
        values![account.as_bytes()],
        |row| parsed(row, 0, DomainName::parse),
    )?;
    let own = domains.iter().map(|domain| domain.as_str().to_owned());
    let places: BTreeSet<String> = own.chain(self::domains(session, account)?).collect();
    Ok(Some(Root { account, name, base, domains, places: places.into_iter().collect() }))
}

/// Users of an account: a slice of a list in the order of addresses.
pub(crate) fn people(
    session: &dyn Session,
    account: AccountId,
    which: &People,
    after: Option<&str>,
    limit: usize,
    wanted: Wanted,
) -> Result<std::result::Result<Slice<Person>, TooMany>> {
    if *which == People::All {
        let slice = all(session, account, after, limit)?;
        let (read, next) = (slice.read, slice.next);
        let rows = seen(session, account, slice.rows, wanted)?;
        return Ok(Ok(Slice { rows, read, next }));
    }
    let Some(mut spans) = spans_of(session, account, which)? else { return Ok(Err(TooMany)) };
    spans.sort_unstable();
    spans.dedup();
    let walked = spans::walk(session, &spans, after, limit)?;
    let found = spans::users(session, account, &spans, walked.rows)?;
    let rows = seen(session, account, found, wanted)?;
    Ok(Ok(Slice { rows, read: walked.read, next: walked.next }))
}

/// Where users are; `None`: at too many places to collect.
fn spans_of(session: &dyn Session, account: AccountId, which: &People) -> Result<Option<Vec<Span>>> {
    Ok(match which {
        People::All => None,
        People::Some(spans) => Some(spans.clone()),
        People::Members(groups) => groups::members_as_spans(session, account, groups)?,
        People::Ids(ids) => Some(keys_of_ids(session, ids)?),
        People::Numbers(numbers) => Some(keys_of_numbers(session, numbers)?),
        People::Since(time) => since(session, account, *time)?,
        People::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                let Some(spans) = spans_of(session, account, part)? else { return Ok(None) };
                all.extend(spans);
            }
            Some(all)
        }
    })
}

/// All users, domain by domain: every row that is read is one of them.
fn all(session: &dyn Session, account: AccountId, after: Option<&str>, limit: usize) -> Result<Slice<User>> {
    let domains = domains(session, account)?;
    let domains = domains.iter().map(String::as_str);
    let mut found = users::after(session, domains, after.unwrap_or_default(), limit)?;
    let is_full = found.len() == limit;
    let next = found.last().filter(|_| is_full).map(|user| user.address.key().to_owned());
    let read = found.len();
    found.retain(|user| user.account == account);
    let rows = found.into_iter().map(|user| (user.address.key().to_owned(), user)).collect();
    Ok(Slice { rows, read, next })
}

/// The domains of an account that have users, sorted.
fn domains(session: &dyn Session, account: AccountId) -> Result<Vec<String>> {
    session.all(DOMAINS, values![account.as_bytes()], |row| row.get(0))
}

fn key_at(row: Row<'_>) -> Result<Span> {
    row.get(0).map(Span::Key)
}

const KEYS_OF_IDS: &str = "SELECT address_key FROM users WHERE id IN ({})";

fn keys_of_ids(session: &dyn Session, ids: &[UserId]) -> Result<Vec<Span>> {
    let ids: Vec<Value<'_>> = ids.iter().map(|id| Value::Bytes(id.as_bytes())).collect();
    for_all(session, KEYS_OF_IDS, &[], &ids, key_at)
}

const KEYS_OF_NUMBERS: &str =
    "SELECT u.address_key FROM ldap_numbers n JOIN users u ON u.id = n.id WHERE n.number IN ({})";

fn keys_of_numbers(session: &dyn Session, numbers: &[u32]) -> Result<Vec<Span>> {
    let numbers: Vec<Value<'_>> = numbers.iter().map(|number| Value::Integer(i64::from(*number))).collect();
    for_all(session, KEYS_OF_NUMBERS, &[], &numbers, key_at)
}

const CHANGED: &str = "SELECT address_key FROM users WHERE account = ?1 AND updated_at >= ?2 LIMIT ?3";
const CREATED: &str = "SELECT address_key, account FROM users WHERE id >= ?1 ORDER BY id LIMIT ?2";

/// Users that were created or changed since a time. Ids are in the order of creation; clocks of nodes differ by less than
/// the time that is added.
fn since(session: &dyn Session, account: AccountId, time: Timestamp) -> Result<Option<Vec<Span>>> {
    let most = rows(MAX_MEMBERS + 1);
    let mut found = session.all(CHANGED, values![account.as_bytes(), millis(time), most], key_at)?;
    let earliest = time.checked_sub(SignedDuration::from_mins(10)).unwrap_or(Timestamp::MIN);
    let id = UserId::at(earliest, &[0; 10]);
    let created = session.all(CREATED, values![id.as_bytes(), most], |row| {
        Ok((key_at(row)?, row.get::<[u8; 16]>(1)? == *account.as_bytes()))
    })?;
    if found.len() > MAX_MEMBERS || created.len() > MAX_MEMBERS {
        return Ok(None);
    }
    found.extend(created.into_iter().filter(|(_, is_own)| *is_own).map(|(key, _)| key));
    Ok(Some(found))
}

/// The users with what is wanted of them, in their order.
fn seen(
    session: &dyn Session,
    account: AccountId,
    found: Vec<(String, User)>,
    wanted: Wanted,
) -> Result<Vec<(String, Person)>> {
    let ids: Vec<[u8; 16]> = found.iter().map(|(_, user)| *user.id.as_bytes()).collect();
    let ids: Vec<Value<'_>> = ids.iter().map(|id| Value::Bytes(id)).collect();
    let mut aliases = match wanted.aliases || wanted.groups {
        true => users::aliases_by_user(session, &ids)?,
        false => HashMap::new(),
    };
    let mut details = if wanted.details { details(session, &ids)? } else { HashMap::new() };
    let mut attributes =
        if wanted.attributes { users::attributes_by_user(session, &ids)? } else { HashMap::new() };
    let numbers = if wanted.numbers { numbers(session, &ids)? } else { HashMap::new() };
    let shared = if wanted.local { shared_locals(session, account, &found)? } else { None };
    let mut person = |user: User| Person {
        aliases: aliases.remove(&user.id).unwrap_or_default(),
        details: details.remove(&user.id).unwrap_or_default(),
        attributes: attributes.remove(&user.id).unwrap_or_default(),
        groups: Vec::new(),
        has_local: shared.as_ref().is_some_and(|shared| !shared.contains(local(&user.address))),
        number: numbers.get(user.id.as_bytes()).copied(),
        user,
    };
    let mut people: Vec<_> = found.into_iter().map(|(place, user)| (place, person(user))).collect();
    if wanted.groups {
        groups::add_groups(session, account, &mut people)?;
    }
    Ok(people)
}

fn details(session: &dyn Session, ids: &[Value<'_>]) -> Result<HashMap<UserId, Details>> {
    let details = for_all(session, DETAILS, &[], ids, |row| {
        let attributes = String::new();
        let details = Details { given_name: row.get(1)?, family_name: row.get(2)?, attributes };
        Ok((UserId::from_bytes(row.get(0)?), details))
    })?;
    Ok(details.into_iter().collect())
}

const NUMBERS: &str = "SELECT id, number FROM ldap_numbers WHERE id IN ({})";

pub(crate) fn numbers(session: &dyn Session, ids: &[Value<'_>]) -> Result<HashMap<[u8; 16], u32>> {
    let numbers = for_all(session, NUMBERS, &[], ids, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(numbers.into_iter().collect())
}

/// The part of a key before the `@` of the address.
fn local(address: &EmailAddress) -> &str {
    address.key().split_once('@').map_or("", |(_, local)| local)
}

const SAME_LOCAL: &str = "SELECT address_key FROM users
    WHERE account = ?1 AND alias_of IS NULL AND reserved = 0 AND address_key IN ({})";

/// The parts before the `@` that users of other domains of the account have too; `None`: the account has too many domains
/// to look.
fn shared_locals(
    session: &dyn Session,
    account: AccountId,
    found: &[(String, User)],
) -> Result<Option<BTreeSet<String>>> {
    let domains = domains(session, account)?;
    if domains.len() > MAX_DOMAINS {
        return Ok(None);
    }
    let keys: Vec<String> = found
        .iter()
        .flat_map(|(_, user)| {
            let others = domains.iter().filter(|domain| domain.as_str() != user.address.domain());
            others.map(|domain| format!("{domain}@{}", local(&user.address)))
        })
        .collect();
    let keys: Vec<Value<'_>> = keys.iter().map(|key| Value::Text(key)).collect();
    let same = for_all(session, SAME_LOCAL, values![account.as_bytes()], &keys, |row| {
        let key = row.get::<&str>(0)?;
        Ok(key.split_once('@').map_or("", |(_, local)| local).to_owned())
    })?;
    Ok(Some(same.into_iter().collect()))
}

/// The names of groups, each once, in the order of their ids.
fn sorted(mut names: Vec<GroupName>) -> Vec<GroupName> {
    names.sort_unstable_by_key(|name| name.id);
    names.dedup_by_key(|name| name.id);
    names
}

/// The statements, for the test of their plans. Not the one that sorts the domains of an account, which are few.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    let lists = [NUMBERS, KEYS_OF_IDS, KEYS_OF_NUMBERS].map(|sql| super::for_slice(sql, 0));
    [SET_BASE, CREATED, CHANGED]
        .map(str::to_owned)
        .into_iter()
        .chain(lists)
        .chain(users::shared())
        .chain([super::for_slice(SAME_LOCAL, 1)])
        .chain(spans::statements())
        .collect()
}
