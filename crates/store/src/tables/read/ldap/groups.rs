//! Groups: a tree, which is read flat. Who is in a group is in every group that contains it.

use std::collections::{BTreeSet, HashMap};

use directory::groups::MAX_DEPTH;
use directory::ldap::{Group, GroupName, MAX_MEMBERS, Person, Wanted};
use directory::port::{LdapGroups as Groups, LdapSlice as Slice, LdapSpan as Span};
use directory::{AccountId, EmailAddress, GroupId};
use jiff::Timestamp;

use super::{numbers, sorted};
use crate::session::{Result, Row, Session, Value, unreadable, values};
use crate::tables::read::{for_all, rows, users};
use crate::tables::row::{optional_time, parsed};

/// Id, parent, name, and whether it is the oldest of its name.
macro_rules! group {
    ($rest:literal) => {
        concat!(
            "SELECT g.id, g.parent, g.description,
                 CAST(CASE WHEN EXISTS (SELECT 1 FROM groups o WHERE o.account = g.account
                     AND o.description_key = g.description_key AND o.id < g.id) THEN 0 ELSE 1 END AS BIGINT)",
            $rest
        )
    };
}

const OF_MEMBERS: &str = group!(
    ", m.member_key FROM group_members m JOIN groups g ON g.id = m.group_id AND g.account = ?1
     WHERE m.member_key IN ({})"
);
const BY_IDS: &str = group!(", g.updated_at FROM groups g WHERE g.account = ?1 AND g.id IN ({})");
const PAGE: &str =
    group!(", g.updated_at FROM groups g WHERE g.account = ?1 AND g.id > ?2 ORDER BY g.id LIMIT ?3");
const IDS_OF_NAMES: &str = "SELECT id FROM groups WHERE account = ?1 AND description_key IN ({})";
/// Groups whose names have several blanks in a row, which compare as one. An index has only them.
const IDS_WITH_BLANKS: &str = "SELECT id FROM groups WHERE account = ?1 AND description_key LIKE '%  %'";
const IDS_OF_NUMBERS: &str =
    "SELECT g.id FROM ldap_numbers n JOIN groups g ON g.id = n.id WHERE n.number IN ({})";

struct Node {
    name: GroupName,
    parent: Option<GroupId>,
}

fn node_at(row: Row<'_>) -> Result<Node> {
    let name: String = row.get(2)?;
    // Several blanks compare as one in names here, and not in the directory: such a group is named by its id.
    let is_first = row.get::<bool>(3)? && !name.trim().contains("  ");
    let name = GroupName { id: GroupId::from_bytes(row.get(0)?), name, is_first };
    Ok(Node { name, parent: row.get::<Option<[u8; 16]>>(1)?.map(GroupId::from_bytes) })
}

/// The groups with an address or domain as a member, by its key; and all groups above them.
struct Memberships {
    direct: HashMap<String, Vec<GroupId>>,
    nodes: HashMap<GroupId, Node>,
}

impl Memberships {
    fn read(session: &dyn Session, account: AccountId, keys: &BTreeSet<&str>) -> Result<Self> {
        let keys: Vec<Value<'_>> = keys.iter().map(|key| Value::Text(key)).collect();
        let (mut direct, mut nodes) = (HashMap::<String, Vec<GroupId>>::new(), HashMap::new());
        let member = |row: Row<'_>| Ok((row.get::<String>(4)?, node_at(row)?));
        for (key, node) in for_all(session, OF_MEMBERS, values![account.as_bytes()], &keys, member)? {
            direct.entry(key).or_default().push(node.name.id);
            nodes.insert(node.name.id, node);
        }
        for _ in 0..MAX_DEPTH {
            let is_missing = |id: &GroupId| !nodes.contains_key(id);
            let missing: BTreeSet<GroupId> =
                nodes.values().filter_map(|node: &Node| node.parent).filter(is_missing).collect();
            if missing.is_empty() {
                break;
            }
            let ids: Vec<Value<'_>> = missing.iter().map(|id| Value::Bytes(id.as_bytes())).collect();
            let found = for_all(session, BY_IDS, values![account.as_bytes()], &ids, node_at)?;
            if found.is_empty() {
                break;
            }
            nodes.extend(found.into_iter().map(|node| (node.name.id, node)));
        }
        Ok(Self { direct, nodes })
    }

    /// The groups of these keys and all groups above them.
    fn of<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Vec<GroupName> {
        let mut names = Vec::new();
        for id in keys.filter_map(|key| self.direct.get(key)).flatten() {
            let mut next = Some(*id);
            // A tree has no circle; the limit is for one that was damaged.
            for _ in 0..=MAX_DEPTH {
                let Some(node) = next.and_then(|id| self.nodes.get(&id)) else { break };
                names.push(node.name.clone());
                next = node.parent;
            }
        }
        sorted(names)
    }
}

/// Keys by which an address can be a member: its own, and its domain.
fn keys_of(address: &EmailAddress) -> [&str; 2] {
    [address.key(), address.domain()]
}

/// Reads the groups of users, whose aliases are known.
pub(super) fn add_groups(
    session: &dyn Session,
    account: AccountId,
    people: &mut [(String, Person)],
) -> Result<()> {
    let memberships = {
        let addresses = people
            .iter()
            .flat_map(|(_, person)| std::iter::once(&person.user.address).chain(&person.aliases));
        let keys: BTreeSet<&str> = addresses.flat_map(keys_of).collect();
        Memberships::read(session, account, &keys)?
    };
    for (_, person) in people {
        let addresses = std::iter::once(&person.user.address).chain(&person.aliases);
        person.groups = memberships.of(addresses.flat_map(keys_of));
    }
    Ok(())
}

/// Groups of an account, the oldest first.
pub(crate) fn groups(
    session: &dyn Session,
    account: AccountId,
    which: &Groups,
    after: Option<&str>,
    limit: usize,
    wanted: Wanted,
) -> Result<Slice<Group>> {
    let after = after.map(str::parse::<GroupId>).transpose().map_err(|error| unreadable(0, error))?;
    let after = after.unwrap_or(GroupId::from_bytes([0; 16]));
    let own = account.as_bytes();
    let id = |row: Row<'_>| row.get(0).map(GroupId::from_bytes);
    let mut ids = match which {
        Groups::All => {
            let found =
                session.all(PAGE, values![account.as_bytes(), after.as_bytes(), rows(limit)], with_time)?;
            let (read, is_full) = (found.len(), found.len() == limit);
            let next = found.last().filter(|_| is_full).map(|(node, _)| node.name.id.to_string());
            return Ok(Slice { rows: seen(session, account, found, wanted)?, read, next });
        }
        Groups::Named(keys) => {
            let mut ids = match keys.iter().any(|key| key.contains(' ')) {
                true => session.all(IDS_WITH_BLANKS, values![own], id)?,
                false => Vec::new(),
            };
            let keys: Vec<Value<'_>> = keys.iter().map(|key| Value::Text(key)).collect();
            ids.extend(for_all(session, IDS_OF_NAMES, values![own], &keys, id)?);
            ids
        }
        Groups::Ids(ids) => ids.clone(),
        Groups::Numbers(numbers) => {
            let numbers: Vec<Value<'_>> =
                numbers.iter().map(|number| Value::Integer(i64::from(*number))).collect();
            for_all(session, IDS_OF_NUMBERS, &[], &numbers, id)?
        }
        Groups::Of(addresses) => {
            let keys: BTreeSet<&str> = addresses.iter().flat_map(keys_of).collect();
            let memberships = Memberships::read(session, account, &keys)?;
            memberships.of(addresses.iter().flat_map(keys_of)).into_iter().map(|name| name.id).collect()
        }
    };
    ids.retain(|id| *id > after);
    ids.sort_unstable();
    ids.dedup();
    let is_more = ids.len() > limit;
    ids.truncate(limit);
    let next = ids.last().filter(|_| is_more).map(ToString::to_string);
    let values: Vec<Value<'_>> = ids.iter().map(|id| Value::Bytes(id.as_bytes())).collect();
    let mut found = for_all(session, BY_IDS, values![own], &values, with_time)?;
    found.sort_unstable_by_key(|(node, _)| node.name.id);
    Ok(Slice { rows: seen(session, account, found, wanted)?, read: ids.len(), next })
}

fn with_time(row: Row<'_>) -> Result<(Node, Option<Timestamp>)> {
    Ok((node_at(row)?, optional_time(row, 4)?))
}

fn seen(
    session: &dyn Session,
    account: AccountId,
    found: Vec<(Node, Option<Timestamp>)>,
    wanted: Wanted,
) -> Result<Vec<(String, Group)>> {
    let ids: Vec<[u8; 16]> = found.iter().map(|(node, _)| *node.name.id.as_bytes()).collect();
    let ids: Vec<Value<'_>> = ids.iter().map(|id| Value::Bytes(id)).collect();
    let numbers = if wanted.numbers { numbers(session, &ids)? } else { HashMap::new() };
    let mut members = if wanted.members { members(session, account, &ids)? } else { HashMap::new() };
    let group = |(node, updated_at): (Node, Option<Timestamp>)| {
        let group = Group {
            updated_at,
            members: members.remove(node.name.id.as_bytes()).unwrap_or(Some(Vec::new())),
            number: numbers.get(node.name.id.as_bytes()).copied(),
            name: node.name,
        };
        (group.name.id.to_string(), group)
    };
    Ok(found.into_iter().map(group).collect())
}

/// Groups and all groups below them, each with the one it began with.
macro_rules! below {
    ($rest:literal) => {
        concat!(
            "WITH RECURSIVE below (root, id, depth) AS (
                 SELECT id, id, 0 FROM groups WHERE account = ?1 AND id IN ({})
                 UNION ALL
                 SELECT b.root, g.id, b.depth + 1 FROM below b JOIN groups g ON g.parent = b.id WHERE b.depth < 20
             ) ",
            $rest
        )
    };
}

const MEMBERS: &str = below!(
    "SELECT b.root, coalesce(p.address, u.address) FROM below b
     JOIN group_members m ON m.group_id = b.id
     JOIN users u ON u.address_key = m.member_key AND u.account = ?1 AND u.reserved = 0
     LEFT JOIN users p ON p.id = u.alias_of LIMIT ?2"
);
const DOMAINS: &str = below!(
    "SELECT DISTINCT b.root, m.domain FROM below b JOIN group_members m ON m.group_id = b.id WHERE m.address IS NULL"
);
const OF_DOMAIN: &str = "SELECT address FROM users
    WHERE address_key > ?1 AND address_key < ?2 AND alias_of IS NULL AND reserved = 0 AND account = ?3
    ORDER BY address_key LIMIT ?4";
const KEYS: &str = below!(
    "SELECT DISTINCT m.member_key, CAST(CASE WHEN m.address IS NULL THEN 1 ELSE 0 END AS BIGINT)
     FROM below b JOIN group_members m ON m.group_id = b.id LIMIT ?2"
);

/// Roots that are read with one statement.
const ROOTS: usize = 64;

type Members = HashMap<[u8; 16], Option<Vec<EmailAddress>>>;

/// The members of groups; `None`: a group has too many.
fn members(session: &dyn Session, account: AccountId, ids: &[Value<'_>]) -> Result<Members> {
    let mut all = Members::new();
    for some in ids.chunks(ROOTS) {
        // With many members altogether, each group is read for itself, so that one large group does not hide others.
        let most = if some.len() == 1 { MAX_MEMBERS } else { 2 * MAX_MEMBERS };
        match members_of(session, account, some, most)? {
            Some(found) => all.extend(found),
            None => {
                for one in some {
                    let found = members_of(session, account, &[*one], MAX_MEMBERS)?;
                    let id = if let Value::Bytes(id) = one { (*id).try_into().ok() } else { None };
                    match (found, id) {
                        (Some(found), _) => all.extend(found),
                        (None, Some(id)) => drop(all.insert(id, None)),
                        (None, None) => {}
                    }
                }
            }
        }
    }
    Ok(all)
}

fn members_of(
    session: &dyn Session,
    account: AccountId,
    ids: &[Value<'_>],
    most: usize,
) -> Result<Option<Members>> {
    let mut found: HashMap<[u8; 16], Vec<EmailAddress>> = HashMap::new();
    let limit = rows(most + 1);
    let mut count = 0;
    let member = |row: Row<'_>| Ok((row.get::<[u8; 16]>(0)?, parsed(row, 1, EmailAddress::stored)?));
    for (root, address) in for_all(session, MEMBERS, values![account.as_bytes(), limit], ids, member)? {
        count += 1;
        found.entry(root).or_default().push(address);
    }
    let domain = |row: Row<'_>| Ok((row.get::<[u8; 16]>(0)?, row.get::<String>(1)?));
    for (root, domain) in for_all(session, DOMAINS, values![account.as_bytes()], ids, domain)? {
        let (low, high) = users::range(&domain);
        let addresses = session.all(OF_DOMAIN, values![low, high, account.as_bytes(), limit], |row| {
            parsed(row, 0, EmailAddress::stored)
        })?;
        count += addresses.len();
        found.entry(root).or_default().extend(addresses);
    }
    if count > most {
        return Ok(None);
    }
    let sorted = |(root, mut addresses): ([u8; 16], Vec<EmailAddress>)| {
        addresses.sort_by(|one, other| one.key().cmp(other.key()));
        addresses.dedup();
        (root, Some(addresses).filter(|addresses| addresses.len() <= MAX_MEMBERS))
    };
    Ok(Some(found.into_iter().map(sorted).collect()))
}

/// Where the members of groups are; `None`: they are too many.
pub(super) fn members_as_spans(
    session: &dyn Session,
    account: AccountId,
    groups: &[GroupId],
) -> Result<Option<Vec<Span>>> {
    let ids: Vec<Value<'_>> = groups.iter().map(|id| Value::Bytes(id.as_bytes())).collect();
    let most = rows(MAX_MEMBERS + 1);
    let found = for_all(session, KEYS, values![account.as_bytes(), most], &ids, |row| {
        let (key, is_domain): (String, bool) = (row.get(0)?, row.get(1)?);
        Ok(if is_domain {
            let (low, high) = users::range(&key);
            Span::Range(low, high)
        } else {
            Span::Key(key)
        })
    })?;
    Ok((found.len() <= MAX_MEMBERS).then_some(found))
}

/// The statements, for the test of their plans.
#[cfg(test)]
pub(crate) fn statements() -> Vec<String> {
    let for_slice = super::super::for_slice;
    vec![
        PAGE.to_owned(),
        OF_DOMAIN.to_owned(),
        IDS_WITH_BLANKS.to_owned(),
        for_slice(OF_MEMBERS, 1),
        for_slice(BY_IDS, 1),
        for_slice(IDS_OF_NAMES, 1),
        for_slice(IDS_OF_NUMBERS, 0),
    ]
}
