//! Groups: placement is decided on the tree as it is in the transaction, and counters change with their rows.

use directory::change::{ChangeError, Effect};
use directory::groups::{Description, Group, GroupChange, MAX_DEPTH, Subject};
use directory::user::User;
use directory::{AccountId, EmailAddress, GroupId};
use jiff::Timestamp;

use super::{Attempt, Judged, Made, there};
use crate::session::{Result, Session, values};
use crate::tables::read::groups as read;
use crate::tables::row::millis;

pub(super) fn make(session: &dyn Session, change: &GroupChange, now: Timestamp) -> Attempt {
    match change {
        GroupChange::Add(group) => add(session, group),
        GroupChange::Update { id, description, parent } => {
            update(session, *id, description.as_ref(), *parent, now)
        }
        GroupChange::Remove(id) => remove(session, *id),
        GroupChange::AddMember { group, subject, notes } => add_member(session, *group, subject, notes, now),
        GroupChange::RemoveMember { group, subject } => remove_member(session, *group, subject, now),
    }
}

fn group(session: &dyn Session, id: GroupId) -> Result<Judged<Group>> {
    Ok(read::by_id(session, id)?.ok_or(ChangeError::NotFound))
}

/// Whether a group with so many levels may be placed under another.
fn may_lie(
    session: &dyn Session,
    account: AccountId,
    id: GroupId,
    levels: usize,
    parent: Option<GroupId>,
) -> Result<Judged<()>> {
    let Some(parent) = parent else { return Ok(Ok(())) };
    let path = read::path(session, account, parent)?;
    Ok(if path.is_empty() {
        Err(ChangeError::ParentNotFound)
    } else if path.iter().any(|(above, _)| *above == id) {
        Err(ChangeError::GroupInItself)
    } else if path.len() + levels > MAX_DEPTH {
        Err(ChangeError::GroupTooDeep)
    } else {
        Ok(())
    })
}

fn count_folder(session: &dyn Session, parent: Option<GroupId>, by: i64) -> Result<()> {
    if let Some(parent) = parent {
        let sql = "UPDATE groups SET folder_count = folder_count + ?2 WHERE id = ?1";
        session.execute(sql, values![parent.as_bytes(), by])?;
    }
    Ok(())
}

fn count_group(session: &dyn Session, account: AccountId, by: i64) -> Result<()> {
    let sql = "UPDATE accounts SET group_count = group_count + ?2 WHERE id = ?1";
    session.execute(sql, values![account.as_bytes(), by]).map(|_| ())
}

/// The place of a group, for the audit: only with the groups above it is a description unique.
fn place(session: &dyn Session, group: &Group) -> Result<String> {
    let Some(parent) = group.parent else { return Ok("at the top".to_owned()) };
    let above = read::path(session, group.account, parent)?;
    let names: Vec<_> = above.into_iter().rev().map(|(_, description)| description).collect();
    Ok(format!("in {}", names.join(" / ")))
}

fn made(group: Group, detail: String) -> Made {
    let made = Made::new(group.account, group.description.as_str(), detail);
    Made { effect: Effect::Group(Box::new(group)), ..made }
}

fn add(session: &dyn Session, group: &Group) -> Attempt {
    there!(may_lie(session, group.account, group.id, 1, group.parent)?);
    session.execute("INSERT INTO groups (id, account, parent, description, description_key, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![
            group.id.as_bytes(),
            group.account.as_bytes(),
            group.parent.as_ref().map(|parent| parent.as_bytes()),
            group.description.as_str(),
            group.description.key(),
            read::SOURCE,
        ],
    )?;
    count_folder(session, group.parent, 1)?;
    count_group(session, group.account, 1)?;
    Ok(Ok(made(group.clone(), place(session, group)?)))
}

fn update(
    session: &dyn Session,
    id: GroupId,
    description: Option<&Description>,
    parent: Option<Option<GroupId>>,
    now: Timestamp,
) -> Attempt {
    let before = there!(group(session, id)?);
    let parent = parent.unwrap_or(before.parent);
    if parent != before.parent {
        there!(may_lie(session, before.account, id, read::height(session, id)?, parent)?);
        count_folder(session, before.parent, -1)?;
        count_folder(session, parent, 1)?;
    }
    let description = description.unwrap_or(&before.description);
    session.execute(
        "UPDATE groups SET description = ?2, description_key = ?3, parent = ?4, updated_at = ?5,
             version = version + 1 WHERE id = ?1",
        values![
            id.as_bytes(),
            description.as_str(),
            description.key(),
            parent.as_ref().map(|parent| parent.as_bytes()),
            millis(now),
        ],
    )?;
    let after = there!(group(session, id)?);
    let detail = match before.description == after.description {
        true => place(session, &after)?,
        false => format!("{}, before: {}", place(session, &after)?, before.description.as_str()),
    };
    Ok(Ok(made(after, detail)))
}

fn remove(session: &dyn Session, id: GroupId) -> Attempt {
    let gone = there!(group(session, id)?);
    if gone.folders > 0 {
        return Ok(Err(ChangeError::GroupHasFolders));
    }
    session.execute("DELETE FROM groups WHERE id = ?1", values![id.as_bytes()])?;
    super::scim::forget_external_ids(session, id.as_bytes())?;
    count_folder(session, gone.parent, -1)?;
    count_group(session, gone.account, -1)?;
    let detail = format!("{}, with {} members", place(session, &gone)?, gone.users);
    Ok(Ok(made(gone, detail)))
}

fn count_member(session: &dyn Session, group: GroupId, by: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE groups SET user_count = user_count + ?2, updated_at = ?3, version = version + 1
               WHERE id = ?1";
    session.execute(sql, values![group.as_bytes(), by, millis(now)]).map(|_| ())
}

fn add_member(session: &dyn Session, id: GroupId, subject: &Subject, notes: &str, now: Timestamp) -> Attempt {
    let group = there!(group(session, id)?);
    let address = match subject {
        Subject::Address(address) => Some(address),
        Subject::Domain(_) => None,
    };
    if let Some(address) = address
        && !read::may_be_member(session, group.account, address)?
    {
        return Ok(Err(ChangeError::MemberHasNoUser));
    }
    let added = session.execute(
        "INSERT INTO group_members (group_id, member_key, address, domain, notes) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
        values![id.as_bytes(), subject.key(), address.map(EmailAddress::as_str), subject.domain(), notes],
    )?;
    if added == 0 {
        return Ok(Err(ChangeError::MemberAlreadyExists));
    }
    count_member(session, id, 1, now)?;
    member_made(session, &group, subject)
}

fn remove_member(session: &dyn Session, id: GroupId, subject: &Subject, now: Timestamp) -> Attempt {
    let group = there!(group(session, id)?);
    let gone = there!(member_made(session, &group, subject)?);
    let sql = "DELETE FROM group_members WHERE group_id = ?1 AND member_key = ?2";
    session.execute(sql, values![id.as_bytes(), subject.key()])?;
    count_member(session, id, -1, now)?;
    Ok(Ok(gone))
}

fn member_made(session: &dyn Session, group: &Group, subject: &Subject) -> Attempt {
    let Some(member) = read::member(session, group, subject)? else {
        return Ok(Err(ChangeError::MemberNotFound));
    };
    let detail = format!("{}, group {}", member.subject.as_str(), place(session, group)?);
    let made = Made::new(group.account, group.description.as_str(), detail);
    Ok(Ok(Made { effect: Effect::Member(Box::new(member)), ..made }))
}

/// Puts the new address of a user in place of its old one in the groups of its account. Where both are members, one is
/// left.
pub(super) fn follow(session: &dyn Session, user: &User, to: &EmailAddress) -> Result<()> {
    let (account, from) = (user.account.as_bytes(), user.address.key());
    session.execute(
        "UPDATE groups SET user_count = user_count - 1 WHERE account = ?1
             AND id IN (SELECT group_id FROM group_members WHERE member_key = ?2)
             AND id IN (SELECT group_id FROM group_members WHERE member_key = ?3)",
        values![account, from, to.key()],
    )?;
    session.execute(
        "DELETE FROM group_members WHERE member_key = ?3
             AND group_id IN (SELECT m.group_id FROM group_members m JOIN groups g ON g.id = m.group_id
                              WHERE m.member_key = ?2 AND g.account = ?1)",
        values![account, from, to.key()],
    )?;
    session
        .execute(
            "UPDATE group_members SET member_key = ?3, address = ?4, domain = ?5 WHERE member_key = ?2
                 AND EXISTS (SELECT 1 FROM groups WHERE id = group_id AND account = ?1)",
            values![account, from, to.key(), to.as_str(), to.domain()],
        )
        .map(|_| ())
}

/// Removes a user from the groups of its account. Other accounts' groups keep it as an external address. Gives the
/// number of groups.
pub(super) fn leave_all(session: &dyn Session, user: &User, now: Timestamp) -> Result<usize> {
    let (account, key) = (user.account.as_bytes(), user.address.key());
    let left = session.execute(
        "UPDATE groups SET user_count = user_count - 1, updated_at = ?3, version = version + 1
         WHERE id IN (SELECT group_id FROM group_members WHERE member_key = ?2) AND account = ?1",
        values![account, key, millis(now)],
    )?;
    if left > 0 {
        session.execute(
            "DELETE FROM group_members WHERE member_key = ?2
                 AND EXISTS (SELECT 1 FROM groups WHERE id = group_id AND account = ?1)",
            values![account, key],
        )?;
    }
    Ok(left)
}
