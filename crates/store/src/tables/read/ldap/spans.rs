//! Users by their addresses and those of their aliases. A user is at the first of its addresses that is looked for, so it
//! is found once, wherever a slice ends.

use std::collections::HashMap;

use directory::port::LdapSpan as Span;
use directory::user::User;
use directory::{AccountId, UserId};

use crate::session::{Result, Session, Value, values};
use crate::tables::read::{for_all, rows, users};
use crate::tables::user_row::{self, SELECT};

/// Keys that are looked up at once.
const KEYS: usize = 64;

const FROM: &str = "WHERE address_key >= ?1 AND address_key < ?2 ORDER BY address_key LIMIT ?3";
const AFTER: &str = "WHERE address_key > ?1 AND address_key < ?2 ORDER BY address_key LIMIT ?3";

/// Rows of users and aliases, in the order of their keys.
pub(super) struct Walked {
    pub(super) rows: Vec<User>,
    /// Keys and rows that were looked at.
    pub(super) read: usize,
    /// The last of them, if there are more.
    pub(super) next: Option<String>,
}

/// Whether keys up to this one are done.
fn is_done(key: &str, after: Option<&str>) -> bool {
    after.is_some_and(|after| key <= after)
}

/// Reads the rows of spans, which are sorted, after a key.
pub(super) fn walk(
    session: &dyn Session,
    spans: &[Span],
    after: Option<&str>,
    limit: usize,
) -> Result<Walked> {
    let keys: Vec<&str> = spans
        .iter()
        .filter_map(|span| match span {
            Span::Key(key) if !is_done(key, after) => Some(key.as_str()),
            _ => None,
        })
        .collect();
    let ranges: Vec<(&str, &str)> = spans
        .iter()
        .filter_map(|span| match span {
            Span::Range(low, high) if !is_done(high, after) => Some((low.as_str(), high.as_str())),
            _ => None,
        })
        .collect();
    if ranges.is_empty() {
        return walk_keys(session, &keys, limit);
    }
    let mut found: Vec<User> = Vec::new();
    for some in keys.chunks(KEYS) {
        found.extend(users::by_keys(session, some)?);
    }
    for (low, high) in ranges {
        let (condition, low) = match after.filter(|after| *after >= low) {
            Some(after) => (AFTER, after),
            None => (FROM, low),
        };
        let sql = format!("{SELECT} {condition}");
        found.extend(session.all(&sql, values![low, high, rows(limit)], user_row::read)?);
    }
    found.sort_by(|one, other| one.address.key().cmp(other.address.key()));
    found.dedup_by(|one, other| one.id == other.id);
    let next = found.get(limit.saturating_sub(1)).map(|last| last.address.key().to_owned());
    found.truncate(limit);
    Ok(Walked { read: found.len(), next, rows: found })
}

fn walk_keys(session: &dyn Session, keys: &[&str], limit: usize) -> Result<Walked> {
    let now = &keys[..keys.len().min(limit)];
    let mut found = Vec::new();
    for some in now.chunks(KEYS) {
        found.extend(match some {
            [key] => session
                .one(&format!("{SELECT} WHERE address_key = ?1"), values![key], user_row::read)?
                .into_iter()
                .collect(),
            some => users::by_keys(session, some)?,
        });
    }
    found.sort_by(|one, other| one.address.key().cmp(other.address.key()));
    let next = now.last().filter(|_| keys.len() > limit).map(|key| (*key).to_owned());
    Ok(Walked { rows: found, read: now.len(), next })
}

const BY_IDS: &str = "WHERE id IN ({})";
const KEYS_OF_ALIASES: &str = "SELECT alias_of, address_key FROM users WHERE alias_of IN ({})";

/// The users of rows, each with its place, and once over all slices.
pub(super) fn users(
    session: &dyn Session,
    account: AccountId,
    spans: &[Span],
    found: Vec<User>,
) -> Result<Vec<(String, User)>> {
    let of_aliases: Vec<UserId> = found.iter().filter_map(|row| row.alias_of).collect();
    let ids: Vec<Value<'_>> = of_aliases.iter().map(|id| Value::Bytes(id.as_bytes())).collect();
    let of_aliases = for_all(session, &format!("{SELECT} {BY_IDS}"), &[], &ids, user_row::read)?;
    let of_aliases: HashMap<UserId, User> = of_aliases.into_iter().map(|user| (user.id, user)).collect();
    let placed: Vec<(String, User)> = found
        .into_iter()
        .filter_map(|row| {
            let key = row.address.key().to_owned();
            let user = match row.alias_of {
                Some(id) => of_aliases.get(&id)?.clone(),
                None => row,
            };
            (user.account == account && !user.reserved).then_some((key, user))
        })
        .collect();
    // One address is at one place.
    if let [Span::Key(_)] = spans {
        return Ok(placed);
    }
    let ids: Vec<Value<'_>> = placed.iter().map(|(_, user)| Value::Bytes(user.id.as_bytes())).collect();
    let mut aliases: HashMap<UserId, Vec<String>> = HashMap::new();
    for (user, key) in for_all(session, KEYS_OF_ALIASES, &[], &ids, |row| {
        Ok((UserId::from_bytes(row.get(0)?), row.get::<String>(1)?))
    })? {
        aliases.entry(user).or_default().push(key);
    }
    let is_first = |(key, user): &(String, User)| {
        let mut keys = aliases.get(&user.id).into_iter().flatten().map(String::as_str);
        let is_earlier = |other: &str| other < key.as_str() && contains(spans, other);
        !is_earlier(user.address.key()) && !keys.any(is_earlier)
    };
    let first: Vec<bool> = placed.iter().map(is_first).collect();
    Ok(placed.into_iter().zip(first).filter(|(_, first)| *first).map(|(placed, _)| placed).collect())
}

/// Whether a key is in one of the spans, which are sorted.
fn contains(spans: &[Span], key: &str) -> bool {
    let is_key = |span: &Span| match span {
        Span::Key(own) => own.as_str().cmp(key),
        // Ranges are sorted after all keys.
        Span::Range(..) => std::cmp::Ordering::Greater,
    };
    spans.binary_search_by(is_key).is_ok()
        || spans
            .iter()
            .rev()
            .map_while(|span| match span {
                Span::Range(low, high) => Some((low.as_str(), high.as_str())),
                Span::Key(_) => None,
            })
            .any(|(low, high)| low <= key && key < high)
}

/// The statements, for the test of their plans.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    let by_ids = super::super::for_slice(&format!("{SELECT} {BY_IDS}"), 0);
    vec![
        format!("{SELECT} {FROM}"),
        format!("{SELECT} {AFTER}"),
        by_ids,
        super::super::for_slice(KEYS_OF_ALIASES, 0),
    ]
}
