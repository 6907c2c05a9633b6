//! Users, and the rows that belong to them.

use std::collections::HashMap;

use directory::attribute::Attribute;
use directory::change::Delegate;
use directory::login::{AuthenticationProfile, Credentials, NamedProfile};
use directory::port::Position;
use directory::user::{PasswordHash, User};
use directory::{AccountId, DelegateId, DomainName, EmailAddress, ProfileId, UserId};
use jiff::{SignedDuration, Timestamp};

use super::{account_by_id, for_all, rows};
use crate::session::{Result, Row, Session, Value, unreadable, values};
use crate::tables::row::{millis, parsed};
use crate::tables::user_row::{self, SELECT};

pub(crate) fn by_address(session: &dyn Session, address: &EmailAddress) -> Result<Option<User>> {
    session.one(&format!("{SELECT} WHERE address_key = ?1"), values![address.key()], user_row::read)
}

const BY_KEYS: &str = "WHERE address_key IN ({})";

/// Users by the keys of their addresses, in no order.
pub(crate) fn by_keys(session: &dyn Session, keys: &[&str]) -> Result<Vec<User>> {
    let keys: Vec<Value<'_>> = keys.iter().map(|key| Value::Text(key)).collect();
    for_all(session, &format!("{SELECT} {BY_KEYS}"), &[], &keys, user_row::read)
}

pub(crate) fn by_id(session: &dyn Session, id: UserId) -> Result<Option<User>> {
    session.one(&format!("{SELECT} WHERE id = ?1"), values![id.as_bytes()], user_row::read)
}

pub(crate) fn aliases(session: &dyn Session, user: UserId) -> Result<Vec<User>> {
    session.all(
        &format!("{SELECT} WHERE alias_of = ?1 ORDER BY address_key"),
        values![user.as_bytes()],
        user_row::read,
    )
}

pub(crate) fn administrators(session: &dyn Session) -> Result<Vec<User>> {
    session.all(&format!("{SELECT} WHERE role IS NOT NULL ORDER BY address_key"), &[], user_row::read)
}

pub(crate) fn count(session: &dyn Session) -> Result<u64> {
    let count: i64 =
        session
            .only("SELECT CAST(coalesce(sum(users), 0) AS BIGINT) FROM user_counts", &[], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(crate) fn count_listed(
    session: &dyn Session,
    account: AccountId,
    domain: Option<&DomainName>,
) -> Result<u64> {
    let count: i64 = match domain {
        Some(domain) => session.only("SELECT CAST(coalesce(sum(users), 0) AS BIGINT) FROM user_counts WHERE account = ?1 AND domain = ?2", values![account.as_bytes(), domain.as_str()], |row| row.get(0))?,
        None => session.only("SELECT CAST(coalesce(sum(users), 0) AS BIGINT) FROM user_counts WHERE account = ?1", values![account.as_bytes()], |row| row.get(0))?,
    };
    Ok(u64::try_from(count).unwrap_or(0))
}

const DOMAINS_UP: &str = "SELECT domain FROM user_counts WHERE account = ?1 AND domain >= ?2
    GROUP BY domain HAVING sum(users) > 0 ORDER BY domain LIMIT ?3";
const DOMAINS_DOWN: &str = "SELECT domain FROM user_counts WHERE account = ?1 AND domain <= ?2
    GROUP BY domain HAVING sum(users) > 0 ORDER BY domain DESC LIMIT ?3";
const KEYS_UP: &str = "WHERE address_key > ?1 AND address_key < ?2 ORDER BY address_key LIMIT ?3";
const KEYS_DOWN: &str = "WHERE address_key > ?1 AND address_key < ?2 ORDER BY address_key DESC LIMIT ?3";

/// The keys of a domain are between these. `A` follows `@` in ASCII.
pub(super) fn range(domain: &str) -> (String, String) {
    (format!("{domain}@"), format!("{domain}A"))
}

/// A page, domain by domain: each domain is a range of the index over addresses. All users of a domain belong to one
/// account (`change::accounts::add_domain`), so every row that is read is returned.
pub(crate) fn list(
    session: &dyn Session,
    account: AccountId,
    domain: Option<&DomainName>,
    from: &Position,
    limit: usize,
) -> Result<Vec<User>> {
    let backwards = matches!(from, Position::Before(_));
    let key = match from {
        Position::Start => "",
        Position::After(key) | Position::Before(key) => key,
    };
    let key_domain = key.split_once('@').map_or("", |(domain, _)| domain);
    let domains: Vec<String> = match domain {
        Some(domain) => {
            let owned: Option<i64> = session.one("SELECT 1 FROM user_counts WHERE account = ?1 AND domain = ?2 GROUP BY domain HAVING sum(users) > 0", values![account.as_bytes(), domain.as_str()], |row| row.get(0))?;
            owned.map(|_| domain.as_str().to_owned()).into_iter().collect()
        }
        // Each has at least one user.
        None => session.all(
            if backwards { DOMAINS_DOWN } else { DOMAINS_UP },
            values![account.as_bytes(), key_domain, rows(limit + 1)],
            |row| row.get(0),
        )?,
    };
    let mut page = Vec::new();
    let keys = format!("{SELECT} {}", if backwards { KEYS_DOWN } else { KEYS_UP });
    for domain in domains {
        let (mut low, mut high) = range(&domain);
        if domain == key_domain {
            if backwards {
                key.clone_into(&mut high);
            } else {
                key.clone_into(&mut low);
            }
        }
        page.extend(session.all(&keys, values![low, high, rows(limit - page.len())], user_row::read)?);
        if page.len() == limit {
            break;
        }
    }
    if backwards {
        page.reverse();
    }
    Ok(page)
}

pub(crate) fn attributes(session: &dyn Session, user: UserId) -> Result<Vec<(Attribute, String)>> {
    session.all(
        "SELECT attribute, value FROM user_attributes WHERE user_id = ?1 ORDER BY attribute",
        values![user.as_bytes()],
        |row| attribute_at(row, 0),
    )
}

/// An attribute from (attribute, value).
pub(super) fn attribute_at(row: Row<'_>, column: usize) -> Result<(Attribute, String)> {
    let number: u8 = row.get(column)?;
    let attribute = Attribute::by_number(number);
    Ok((attribute.ok_or_else(|| unreadable(column, format!("attribute {number}")))?, row.get(column + 1)?))
}

const ATTRIBUTES: &str =
    "SELECT user_id, attribute, value FROM user_attributes WHERE user_id IN ({}) ORDER BY attribute";

/// The attributes of users that have a value, in their order.
pub(super) fn attributes_by_user(
    session: &dyn Session,
    ids: &[Value<'_>],
) -> Result<HashMap<UserId, Vec<(Attribute, String)>>> {
    let mut attributes: HashMap<UserId, Vec<(Attribute, String)>> = HashMap::new();
    let attribute = |row: Row<'_>| Ok((UserId::from_bytes(row.get(0)?), attribute_at(row, 1)?));
    for (user, attribute) in for_all(session, ATTRIBUTES, &[], ids, attribute)? {
        attributes.entry(user).or_default().push(attribute);
    }
    Ok(attributes)
}

const ALIASES: &str = "SELECT alias_of, address FROM users WHERE alias_of IN ({})";

/// The aliases of users, sorted by address.
pub(super) fn aliases_by_user(
    session: &dyn Session,
    ids: &[Value<'_>],
) -> Result<HashMap<UserId, Vec<EmailAddress>>> {
    let mut aliases: HashMap<UserId, Vec<EmailAddress>> = HashMap::new();
    let alias = |row: Row<'_>| Ok((UserId::from_bytes(row.get(0)?), parsed(row, 1, EmailAddress::stored)?));
    for (user, alias) in for_all(session, ALIASES, &[], ids, alias)? {
        aliases.entry(user).or_default().push(alias);
    }
    for aliases in aliases.values_mut() {
        aliases.sort_unstable_by(|one, other| one.key().cmp(other.key()));
    }
    Ok(aliases)
}

const OF_DOMAIN: &str = "WHERE address_key > ?1 AND address_key < ?2 AND alias_of IS NULL AND reserved = 0
    ORDER BY address_key LIMIT ?3";

/// Users of domains, which are sorted, after a key: at most `limit`, without aliases and users that belong to their domain.
pub(super) fn after<'d>(
    session: &dyn Session,
    domains: impl Iterator<Item = &'d str>,
    key: &str,
    limit: usize,
) -> Result<Vec<User>> {
    let first = key.split_once('@').map_or("", |(domain, _)| domain);
    let sql = format!("{SELECT} {OF_DOMAIN}");
    let mut found = Vec::new();
    for domain in domains.filter(|domain| *domain >= first) {
        let (low, high) = range(domain);
        let low = if domain == first { key } else { &low };
        let left = rows(limit - found.len());
        found.extend(session.all(&sql, values![low, high, left], user_row::read)?);
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

/// The statements of the functions above, for the tests of their plans.
#[cfg(test)]
pub(super) fn shared() -> [String; 2] {
    [format!("{SELECT} {OF_DOMAIN}"), super::for_slice(ALIASES, 0)]
}

pub(crate) fn delegates(session: &dyn Session, user: UserId) -> Result<Vec<(Delegate, User)>> {
    let delegates: Vec<Delegate> = session.all(
        "SELECT d.id, d.primary_user, d.delegate_user FROM delegates d JOIN users u ON u.id = d.delegate_user
             WHERE d.primary_user = ?1 ORDER BY u.address_key",
        values![user.as_bytes()],
        delegate_at,
    )?;
    let with_user = |delegate: Delegate| Ok(by_id(session, delegate.delegate)?.map(|user| (delegate, user)));
    delegates.into_iter().filter_map(|delegate| with_user(delegate).transpose()).collect()
}

pub(crate) fn delegate(session: &dyn Session, id: DelegateId) -> Result<Option<Delegate>> {
    session.one(
        "SELECT id, primary_user, delegate_user FROM delegates WHERE id = ?1",
        values![id.as_bytes()],
        delegate_at,
    )
}

fn delegate_at(row: Row<'_>) -> Result<Delegate> {
    Ok(Delegate {
        id: DelegateId::from_bytes(row.get(0)?),
        primary: UserId::from_bytes(row.get(1)?),
        delegate: UserId::from_bytes(row.get(2)?),
    })
}

pub(crate) fn due_for_purge(session: &dyn Session, now: Timestamp, limit: usize) -> Result<Vec<UserId>> {
    session.all(
        "SELECT id FROM users WHERE purge_at <= ?1 ORDER BY purge_at LIMIT ?2",
        values![millis(now), rows(limit)],
        |row| row.get(0).map(UserId::from_bytes),
    )
}

/// An alias has no password, and users of a disabled account cannot log in.
pub(crate) fn credentials(session: &dyn Session, address: &EmailAddress) -> Result<Option<Credentials>> {
    let Some(user) = by_address(session, address)?.filter(|user| user.alias_of.is_none()) else {
        return Ok(None);
    };
    let Some(account) = account_by_id(session, user.account)? else { return Ok(None) };
    let profile = session
        .one(
            "SELECT p.id, p.account, p.name, p.binding_life, p.max_bindings
             FROM users u JOIN accounts a ON a.id = u.account
             JOIN authentication_profiles p ON p.id = coalesce(u.profile, a.profile) WHERE u.id = ?1",
            values![user.id.as_bytes()],
            profile_at,
        )?
        .map_or_else(AuthenticationProfile::default, |named| named.profile);
    let history = session.all(
        "SELECT hash FROM password_history WHERE user_id = ?1 ORDER BY seq DESC",
        values![user.id.as_bytes()],
        |row| row.get(0).map(PasswordHash::new),
    )?;
    Ok(Some(Credentials { user, account, profile, history }))
}

pub(crate) fn profiles(session: &dyn Session) -> Result<Vec<NamedProfile>> {
    session.all("SELECT id, account, name, binding_life, max_bindings FROM authentication_profiles ORDER BY lower(name), name",
        &[],
        profile_at,
    )
}

fn profile_at(row: Row<'_>) -> Result<NamedProfile> {
    Ok(NamedProfile {
        id: ProfileId::from_bytes(row.get(0)?),
        account: AccountId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        profile: AuthenticationProfile {
            binding_life: row.get::<Option<i64>>(3)?.map(SignedDuration::from_secs),
            max_bindings: row.get(4)?,
        },
    })
}

/// The statements of the lists, for the test of their plans.
#[cfg(test)]
pub(super) fn lists() -> Vec<String> {
    let keys = [KEYS_UP, KEYS_DOWN].map(|order| format!("{SELECT} {order}"));
    let by_keys = super::for_slice(&format!("{SELECT} {BY_KEYS}"), 0);
    [DOMAINS_UP, DOMAINS_DOWN].map(str::to_owned).into_iter().chain(keys).chain([by_keys]).collect()
}
