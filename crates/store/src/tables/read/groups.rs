//! Groups and their members.

use directory::groups::{Description, Group, Member, Subject};
use directory::port::Position;
use directory::{AccountId, DomainId, DomainName, EmailAddress, GroupId, UserId};

use super::rows;
use crate::session::{Cell, Result, Row, Session, unreadable, values};
use crate::tables::row::parsed;

/// Where all groups are mastered.
pub(crate) const SOURCE: &str = "cloud";

const GROUP: &str = "SELECT id, account, parent, description, source, user_count, folder_count FROM groups";

fn group_at(row: Row<'_>) -> Result<Group> {
    let source = row.get::<&str>(4)?;
    if source != SOURCE {
        return Err(unreadable(4, format!("{source:?} is not known here")));
    }
    let count = |column| row.get::<i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(Group {
        id: GroupId::from_bytes(row.get(0)?),
        account: AccountId::from_bytes(row.get(1)?),
        parent: row.get::<Option<[u8; 16]>>(2)?.map(GroupId::from_bytes),
        description: parsed(row, 3, Description::parse)?,
        users: count(5)?,
        folders: count(6)?,
    })
}

pub(crate) fn by_id(session: &dyn Session, id: GroupId) -> Result<Option<Group>> {
    session.one(&format!("{GROUP} WHERE id = ?1"), values![id.as_bytes()], group_at)
}

/// The ids and descriptions of a group of the account and of its ancestors, itself first; empty if it does not exist.
pub(crate) fn path(session: &dyn Session, account: AccountId, id: GroupId) -> Result<Vec<(GroupId, String)>> {
    session.all(
        "WITH RECURSIVE path (id, distance) AS (
                 SELECT id, 0 FROM groups WHERE id = ?1 AND account = ?2
                 UNION ALL
                 SELECT g.parent, distance + 1 FROM path JOIN groups g ON g.id = path.id
                     WHERE g.parent IS NOT NULL AND distance < 100
             )
             SELECT g.id, g.description FROM path JOIN groups g ON g.id = path.id ORDER BY distance",
        values![id.as_bytes(), account.as_bytes()],
        |row| Ok((GroupId::from_bytes(row.get(0)?), row.get(1)?)),
    )
}

/// Whether an address may be a member: a user of the account has it, or its domain is not internal to the account.
pub(crate) fn may_be_member(
    session: &dyn Session,
    account: AccountId,
    address: &EmailAddress,
) -> Result<bool> {
    let refused = session.one(
        "SELECT 1 FROM domains WHERE name = ?2 AND account = ?1
             AND NOT EXISTS (SELECT 1 FROM users WHERE address_key = ?3 AND account = ?1)",
        values![account.as_bytes(), address.domain(), address.key()],
        |_| Ok(()),
    )?;
    Ok(refused.is_none())
}

/// The number of levels from this group down, itself included.
pub(crate) fn height(session: &dyn Session, id: GroupId) -> Result<usize> {
    let height: i64 = session.only(
        "WITH RECURSIVE below (id, height) AS (
                 SELECT id, 1 FROM groups WHERE id = ?1
                 UNION ALL
                 SELECT g.id, height + 1 FROM below JOIN groups g ON g.parent = below.id WHERE height < 100
             )
             SELECT max(height) FROM below",
        values![id.as_bytes()],
        |row| row.get(0),
    )?;
    Ok(usize::try_from(height).unwrap_or(usize::MAX))
}

pub(crate) fn count(session: &dyn Session, account: AccountId, query: Option<&str>) -> Result<u64> {
    let count: Option<i64> = match query {
        None => session.one(
            "SELECT group_count FROM accounts WHERE id = ?1",
            values![account.as_bytes()],
            |row| row.get(0),
        )?,
        Some(query) => session.one(
            "SELECT count(*) FROM groups WHERE account = ?1 AND instr(description_key, ?2) > 0",
            values![account.as_bytes(), query],
            |row| row.get(0),
        )?,
    };
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

// `instr` finds the empty text in every other.
const GROUPS_UP: &str =
    "WHERE account = ?1 AND id > ?2 AND instr(description_key, ?3) > 0 ORDER BY id LIMIT ?4";
const GROUPS_DOWN: &str =
    "WHERE account = ?1 AND id < ?2 AND instr(description_key, ?3) > 0 ORDER BY id DESC LIMIT ?4";

pub(crate) fn list(
    session: &dyn Session,
    account: AccountId,
    query: Option<&str>,
    from: &Position,
    limit: usize,
) -> Result<Vec<Group>> {
    let (key, order) = match from {
        Position::Start => (None, GROUPS_UP),
        Position::After(key) => (Some(key), GROUPS_UP),
        Position::Before(key) => (Some(key), GROUPS_DOWN),
    };
    let id = key.map(|key| key.parse::<GroupId>()).transpose().map_err(|error| unreadable(0, error))?;
    let id = id.unwrap_or(GroupId::from_bytes([0; 16]));
    let mut groups: Vec<Group> = session.all(
        &format!("{GROUP} {order}"),
        values![account.as_bytes(), id.as_bytes(), query.unwrap_or_default(), rows(limit)],
        group_at,
    )?;
    if order == GROUPS_DOWN {
        groups.reverse();
    }
    Ok(groups)
}

/// Groups in the order of their creation, after an id and so many more.
pub(crate) fn page(
    session: &dyn Session,
    account: AccountId,
    after: GroupId,
    skipped: i64,
    limit: usize,
) -> Result<Vec<Group>> {
    session.all(
        &format!("{GROUP} WHERE account = ?1 AND id > ?2 ORDER BY id LIMIT ?3 OFFSET ?4"),
        values![account.as_bytes(), after.as_bytes(), rows(limit), skipped],
        group_at,
    )
}

pub(crate) fn of_member(
    session: &dyn Session,
    account: AccountId,
    address: &EmailAddress,
) -> Result<Vec<Group>> {
    session.all(
        &format!(
            "{GROUP} WHERE account = ?1 AND id IN
                 (SELECT group_id FROM group_members WHERE member_key = ?2 OR member_key = ?3) ORDER BY description_key"
        ),
        values![account.as_bytes(), address.key(), address.domain()],
        group_at,
    )
}

const MEMBER: &str = "SELECT m.address, m.domain, m.notes, u.id, u.name, d.id FROM group_members m
    LEFT JOIN users u ON u.address_key = m.member_key AND u.account = ?2
    LEFT JOIN domains d ON d.name = m.domain AND d.account = ?2";
const MEMBERS_UP: &str = "WHERE m.group_id = ?1 AND m.member_key > ?3 ORDER BY m.member_key LIMIT ?4";
const MEMBERS_DOWN: &str = "WHERE m.group_id = ?1 AND m.member_key < ?3 ORDER BY m.member_key DESC LIMIT ?4";

fn member_at(row: Row<'_>) -> Result<Member> {
    let subject = match row.cell(0)? {
        Cell::Null => Subject::Domain(parsed(row, 1, DomainName::parse)?),
        _ => Subject::Address(parsed(row, 0, EmailAddress::stored)?),
    };
    let user = match row.get::<Option<[u8; 16]>>(3)? {
        Some(id) => Some((UserId::from_bytes(id), row.get(4)?)),
        None => None,
    };
    let domain = row.get::<Option<[u8; 16]>>(5)?.map(DomainId::from_bytes);
    Ok(Member { subject, notes: row.get(2)?, user, domain })
}

pub(crate) fn member(session: &dyn Session, group: &Group, subject: &Subject) -> Result<Option<Member>> {
    session.one(
        &format!("{MEMBER} WHERE m.group_id = ?1 AND m.member_key = ?3"),
        values![group.id.as_bytes(), group.account.as_bytes(), subject.key()],
        member_at,
    )
}

pub(crate) fn members(
    session: &dyn Session,
    group: &Group,
    from: &Position,
    limit: usize,
) -> Result<Vec<Member>> {
    let (key, order) = match from {
        Position::Start => ("", MEMBERS_UP),
        Position::After(key) => (key.as_str(), MEMBERS_UP),
        Position::Before(key) => (key.as_str(), MEMBERS_DOWN),
    };
    let mut members: Vec<Member> = session.all(
        &format!("{MEMBER} {order}"),
        values![group.id.as_bytes(), group.account.as_bytes(), key, rows(limit)],
        member_at,
    )?;
    if order == MEMBERS_DOWN {
        members.reverse();
    }
    Ok(members)
}

/// Domains of members that are not internal to the account, after one of them.
pub(crate) fn external_domains(
    session: &dyn Session,
    account: AccountId,
    after: &str,
    limit: usize,
) -> Result<Vec<DomainName>> {
    session.all(
        "SELECT DISTINCT m.domain FROM groups g JOIN group_members m ON m.group_id = g.id
             WHERE g.account = ?1 AND m.domain > ?2
                 AND NOT EXISTS (SELECT 1 FROM domains d WHERE d.name = m.domain AND d.account = ?1)
             ORDER BY m.domain LIMIT ?3",
        values![account.as_bytes(), after, rows(limit)],
        |row| parsed(row, 0, DomainName::parse),
    )
}

/// The statements of the lists, for the test of their plans.
#[cfg(test)]
pub(super) fn lists() -> Vec<String> {
    let lists = [(GROUP, GROUPS_UP), (GROUP, GROUPS_DOWN), (MEMBER, MEMBERS_UP), (MEMBER, MEMBERS_DOWN)];
    lists.map(|(select, order)| format!("{select} {order}")).into()
}
