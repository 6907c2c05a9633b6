//! Users, and what hangs on them.

use directory::attribute::Attribute;
use directory::change::Delegate;
use directory::login::{AuthenticationProfile, Credentials, NamedProfile};
use directory::port::Position;
use directory::user::{AddressType, Attempts, PasswordHash, Source, User};
use directory::{AccountId, DelegateId, DomainName, EmailAddress, ProfileId, RoleId, UserId};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{above, account_at, all, rows};
use crate::sqlite::row::{millis, optional_time, parsed, time, unreadable};

const USER: &str = "SELECT id, account, address, name, password, must_change_password, role, address_type, source,
    disabled_at, created_at, password_changed_at, password_never_expires, locked, allow_smtp, allow_pop, archive_start,
    failed_logins, locked_until, purge_at, alias_of, updated_at FROM users";

fn user_at(row: &Row<'_>) -> rusqlite::Result<User> {
    let one_of = |column: usize, known: &'static str| -> rusqlite::Result<()> {
        let text = row.get_ref(column)?.as_str().map_err(|error| unreadable(column, error))?;
        if text == known { Ok(()) } else { Err(unreadable(column, format!("{text:?} is not known here"))) }
    };
    one_of(7, AddressType::CreatedManually.as_str())?;
    one_of(8, Source::Cloud.as_str())?;
    Ok(User {
        id: UserId::from_bytes(row.get(0)?),
        account: AccountId::from_bytes(row.get(1)?),
        address: parsed(row, 2, EmailAddress::parse)?,
        name: row.get(3)?,
        password: row.get::<_, Option<String>>(4)?.map(PasswordHash::new),
        must_change_password: row.get(5)?,
        role: row.get::<_, Option<[u8; 16]>>(6)?.map(RoleId::from_bytes),
        address_type: AddressType::CreatedManually,
        source: Source::Cloud,
        disabled: row.get::<_, Option<i64>>(9)?.is_some(),
        created_at: time(row, 10)?,
        password_changed_at: optional_time(row, 11)?,
        password_never_expires: row.get(12)?,
        locked: row.get(13)?,
        allow_smtp: row.get(14)?,
        allow_pop: row.get(15)?,
        archive_start: optional_time(row, 16)?,
        attempts: Attempts { failed: row.get(17)?, locked_until: optional_time(row, 18)? },
        purge_at: optional_time(row, 19)?,
        alias_of: row.get::<_, Option<[u8; 16]>>(20)?.map(UserId::from_bytes),
        updated_at: optional_time(row, 21)?,
    })
}

pub(in crate::sqlite) fn by_address(
    connection: &Connection,
    address: &EmailAddress,
) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(&format!("{USER} WHERE address_key = ?1"))?
        .query_row([address.key()], user_at)
        .optional()
}

pub(in crate::sqlite) fn by_id(connection: &Connection, id: UserId) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(&format!("{USER} WHERE id = ?1"))?
        .query_row([id.as_bytes()], user_at)
        .optional()
}

pub(in crate::sqlite) fn aliases(connection: &Connection, user: UserId) -> rusqlite::Result<Vec<User>> {
    connection
        .prepare_cached(&format!("{USER} WHERE alias_of = ?1 ORDER BY address_key"))?
        .query_map([user.as_bytes()], user_at)?
        .collect()
}

pub(in crate::sqlite) fn administrators(connection: &Connection) -> rusqlite::Result<Vec<User>> {
    all(connection, &format!("{USER} WHERE role IS NOT NULL ORDER BY address_key"), user_at)
}

pub(in crate::sqlite) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    let count: i64 =
        connection.query_row("SELECT coalesce(sum(users), 0) FROM user_counts", [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(in crate::sqlite) fn count_listed(
    connection: &Connection,
    account: AccountId,
    domain: Option<&DomainName>,
) -> rusqlite::Result<u64> {
    let count: i64 = match domain {
        Some(domain) => connection
            .prepare_cached(
                "SELECT coalesce(sum(users), 0) FROM user_counts WHERE account = ?1 AND domain = ?2",
            )?
            .query_row(params![account.as_bytes(), domain.as_str()], |row| row.get(0))?,
        None => connection
            .prepare_cached("SELECT coalesce(sum(users), 0) FROM user_counts WHERE account = ?1")?
            .query_row([account.as_bytes()], |row| row.get(0))?,
    };
    Ok(u64::try_from(count).unwrap_or(0))
}

const DOMAINS_UP: &str = "SELECT domain FROM user_counts WHERE account = ?1 AND users > 0 AND domain >= ?2 ORDER BY domain LIMIT ?3";
const DOMAINS_DOWN: &str = "SELECT domain FROM user_counts WHERE account = ?1 AND users > 0 AND domain <= ?2 ORDER BY domain DESC LIMIT ?3";
const KEYS_UP: &str = "WHERE address_key > ?1 AND address_key < ?2 ORDER BY address_key LIMIT ?3";
const KEYS_DOWN: &str = "WHERE address_key > ?1 AND address_key < ?2 ORDER BY address_key DESC LIMIT ?3";

/// A page: domain by domain, each a range of the index over all addresses. A domain has no users but those of its
/// account (`change::accounts::add_domain`), so that every row that is read is given.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    account: AccountId,
    domain: Option<&DomainName>,
    from: &Position,
    limit: usize,
) -> rusqlite::Result<Vec<User>> {
    let moment = connection.unchecked_transaction()?;
    let backwards = matches!(from, Position::Before(_));
    let key = match from {
        Position::Start => "",
        Position::After(key) | Position::Before(key) => key,
    };
    let key_domain = key.split_once('@').map_or("", |(domain, _)| domain);
    let domains: Vec<String> = match domain {
        Some(domain) => {
            let owned: Option<i64> = moment
                .prepare_cached("SELECT 1 FROM user_counts WHERE account = ?1 AND domain = ?2 AND users > 0")?
                .query_row(params![account.as_bytes(), domain.as_str()], |row| row.get(0))
                .optional()?;
            owned.map(|_| domain.as_str().to_owned()).into_iter().collect()
        }
        None => moment
            .prepare_cached(if backwards { DOMAINS_DOWN } else { DOMAINS_UP })?
            // Each has at least one user.
            .query_map(params![account.as_bytes(), key_domain, rows(limit + 1)], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?,
    };
    let mut page = Vec::new();
    let mut keys =
        moment.prepare_cached(&format!("{USER} {}", if backwards { KEYS_DOWN } else { KEYS_UP }))?;
    for domain in domains {
        // `A` is the character behind `@`: the range holds what begins with the domain and an `@`.
        let (mut low, mut high) = (format!("{domain}@"), format!("{domain}A"));
        if domain == key_domain {
            if backwards {
                key.clone_into(&mut high);
            } else {
                key.clone_into(&mut low);
            }
        }
        for user in keys.query_map(params![low, high, rows(limit - page.len())], user_at)? {
            page.push(user?);
        }
        if page.len() == limit {
            break;
        }
    }
    if backwards {
        page.reverse();
    }
    Ok(page)
}

pub(in crate::sqlite) fn attributes(
    connection: &Connection,
    user: UserId,
) -> rusqlite::Result<Vec<(Attribute, String)>> {
    connection
        .prepare_cached("SELECT attribute, value FROM user_attributes WHERE user = ?1 ORDER BY attribute")?
        .query_map([user.as_bytes()], |row| {
            let number: u8 = row.get(0)?;
            let attribute = Attribute::by_number(number);
            Ok((attribute.ok_or_else(|| unreadable(0, format!("attribute {number}")))?, row.get(1)?))
        })?
        .collect()
}

pub(in crate::sqlite) fn delegates(
    connection: &Connection,
    user: UserId,
) -> rusqlite::Result<Vec<(Delegate, User)>> {
    let delegates: Vec<Delegate> = connection
        .prepare_cached(
            "SELECT d.id, d.primary_user, d.delegate_user FROM delegates d JOIN users u ON u.id = d.delegate_user
             WHERE d.primary_user = ?1 ORDER BY u.address_key",
        )?
        .query_map([user.as_bytes()], delegate_at)?
        .collect::<rusqlite::Result<_>>()?;
    let with_user =
        |delegate: Delegate| Ok(by_id(connection, delegate.delegate)?.map(|user| (delegate, user)));
    delegates.into_iter().filter_map(|delegate| with_user(delegate).transpose()).collect()
}

pub(in crate::sqlite) fn delegate(
    connection: &Connection,
    id: DelegateId,
) -> rusqlite::Result<Option<Delegate>> {
    connection
        .prepare_cached("SELECT id, primary_user, delegate_user FROM delegates WHERE id = ?1")?
        .query_row([id.as_bytes()], delegate_at)
        .optional()
}

fn delegate_at(row: &Row<'_>) -> rusqlite::Result<Delegate> {
    Ok(Delegate {
        id: DelegateId::from_bytes(row.get(0)?),
        primary: UserId::from_bytes(row.get(1)?),
        delegate: UserId::from_bytes(row.get(2)?),
    })
}

pub(in crate::sqlite) fn due_for_purge(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<UserId>> {
    connection
        .prepare_cached("SELECT id FROM users WHERE purge_at <= ?1 ORDER BY purge_at LIMIT ?2")?
        .query_map(params![millis(now), rows(limit)], |row| row.get(0).map(UserId::from_bytes))?
        .collect()
}

/// An alias has no password, and an account that is shut out no users who could log in.
pub(in crate::sqlite) fn credentials(
    connection: &Connection,
    address: &EmailAddress,
) -> rusqlite::Result<Option<Credentials>> {
    let moment = connection.unchecked_transaction()?;
    let Some(user) = by_address(&moment, address)?.filter(|user| user.alias_of.is_none()) else {
        return Ok(None);
    };
    let account = moment
        .prepare_cached(
            "SELECT id, code, name, password_policy, epoch, created_at FROM accounts
             WHERE id = ?1 AND disabled_at IS NULL",
        )?
        .query_row([user.account.as_bytes()], |row| account_at(row, 0))
        .optional()?;
    let Some(mut account) = account else { return Ok(None) };
    account.above = above(&moment, account.id)?;
    let profile = moment
        .prepare_cached(
            "SELECT p.id, p.account, p.name, p.binding_life, p.max_bindings
             FROM users u JOIN accounts a ON a.id = u.account
             JOIN authentication_profiles p ON p.id = coalesce(u.profile, a.profile) WHERE u.id = ?1",
        )?
        .query_row([user.id.as_bytes()], profile_at)
        .optional()?
        .map_or_else(AuthenticationProfile::default, |named| named.profile);
    let history = moment
        .prepare_cached("SELECT hash FROM password_history WHERE user = ?1 ORDER BY seq DESC")?
        .query_map([user.id.as_bytes()], |row| row.get(0).map(PasswordHash::new))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(Credentials { user, account, profile, history }))
}

pub(in crate::sqlite) fn profiles(connection: &Connection) -> rusqlite::Result<Vec<NamedProfile>> {
    all(
        connection,
        "SELECT id, account, name, binding_life, max_bindings FROM authentication_profiles ORDER BY name",
        profile_at,
    )
}

fn profile_at(row: &Row<'_>) -> rusqlite::Result<NamedProfile> {
    Ok(NamedProfile {
        id: ProfileId::from_bytes(row.get(0)?),
        account: AccountId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        profile: AuthenticationProfile {
            binding_life: row.get::<_, Option<i64>>(3)?.map(SignedDuration::from_secs),
            max_bindings: row.get(4)?,
        },
    })
}

/// The statements of the lists, for their plans.
#[cfg(test)]
pub(super) fn lists() -> Vec<String> {
    let keys = [KEYS_UP, KEYS_DOWN].map(|order| format!("{USER} {order}"));
    [DOMAINS_UP, DOMAINS_DOWN].map(str::to_owned).into_iter().chain(keys).collect()
}
