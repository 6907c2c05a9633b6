//! Changes for SCIM clients.

use directory::audit::Actor;
use directory::change::ChangeError;
use directory::groups::{Description, GroupChange, Subject};
use directory::scim::{
    ClientToken, Details, OutsideEmails, Resource, ScimChange, ScimSettings, Seen, UserName, room_for_token,
};
use directory::{ClientId, DomainName, EmailAddress, GroupId, UserId};
use jiff::Timestamp;

use super::{Attempt, Judged, Made, found, groups, there, user_made, users};
use crate::session::{Result, Session, values};
use crate::tables::read;
use crate::tables::row::millis;

pub(super) fn make(session: &dyn Session, change: &ScimChange, actor: &Actor, now: Timestamp) -> Attempt {
    match change {
        // Made by `one`, because they may be no event.
        ScimChange::Expect(..)
        | ScimChange::ExpectGroup(..)
        | ScimChange::ExpectName(..)
        | ScimChange::SetMembers(..)
        | ScimChange::AddDetails(..)
        | ScimChange::CountDeletion(_) => Ok(Err(ChangeError::NotFound)),
        ScimChange::RemoveAlias(id) => {
            let alias = there!(users::changeable(session, *id)?);
            let Some(user) = alias.alias_of else { return Ok(Err(ChangeError::NotFound)) };
            let user = there!(users::changeable(session, user)?);
            groups::follow(session, &alias, &user.address)?;
            users::remove(session, *id, actor, now)
        }
        ScimChange::SetDetails(user, details, outside) => set_details(session, *user, details, outside, now),
        ScimChange::SetExternalId(client, resource, id) => {
            set_external_id(session, *client, resource, id.as_deref(), now)
        }
        ScimChange::SetUserName(client, user, name) => {
            set_user_name(session, *client, *user, name.as_ref(), now)
        }
        ScimChange::SetSettings(client, settings) => set_settings(session, *client, settings),
        ScimChange::AddToken(token) => add_token(session, token, now),
        ScimChange::RevokeToken(id) => {
            let sql = "UPDATE client_tokens SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
            session.execute(sql, values![id.as_bytes(), millis(now)])?;
            session.execute("DELETE FROM binding_usage WHERE credential = ?1", values![id.as_bytes()])?;
            let of_client = "SELECT c.account, c.client_id FROM client_tokens t
                             JOIN clients c ON c.id = t.client WHERE t.id = ?1";
            Ok(found(session, of_client, id.as_bytes())?
                .map(|made| Made { detail: id.to_string(), ..made.taking() }))
        }
    }
}

/// Whether the user is still as it was seen.
pub(super) fn expect(session: &dyn Session, client: ClientId, id: UserId, seen: &Seen) -> Result<Judged<()>> {
    let user = there!(users::changeable(session, id)?);
    let found = read::scim::users_by_id(session, user.account, client, &[id])?.pop().flatten();
    Ok(match found {
        Some(found) if found.seen() == *seen => Ok(()),
        Some(_) => Err(ChangeError::Outdated),
        None => Err(ChangeError::NotFound),
    })
}

/// Whether the group is still in this version.
pub(super) fn expect_group(session: &dyn Session, id: GroupId, version: i64) -> Result<Judged<()>> {
    let sql = "SELECT version FROM groups WHERE id = ?1";
    let found = session.one(sql, values![id.as_bytes()], |row| row.get::<i64>(0))?;
    Ok(match found {
        Some(found) if found == version => Ok(()),
        Some(_) => Err(ChangeError::Outdated),
        None => Err(ChangeError::NotFound),
    })
}

/// Whether no other group of the account has this name.
pub(super) fn expect_name(session: &dyn Session, id: GroupId, name: &Description) -> Result<Judged<()>> {
    let sql = "SELECT 1 FROM groups g JOIN groups other ON other.account = g.account AND other.id <> g.id
               WHERE g.id = ?1 AND other.description_key = ?2";
    let other = session.one(sql, values![id.as_bytes(), name.key()], |_| Ok(()))?;
    Ok(if other.is_some() { Err(ChangeError::AlreadyExists) } else { Ok(()) })
}

/// The changes that make each user a member or not; none for a user of which it is so already, or who is gone.
pub(super) fn member_changes(
    session: &dyn Session,
    group: GroupId,
    wanted: &[(UserId, bool)],
) -> Result<Vec<GroupChange>> {
    let Some(found) = read::groups::by_id(session, group)? else { return Ok(Vec::new()) };
    let ids: Vec<UserId> = wanted.iter().map(|(user, _)| *user).collect();
    let rows = read::scim::addresses_of(session, found.account, &ids)?;
    let present = read::scim::members_among(session, group, rows.values().flatten())?;
    let mut changes = Vec::new();
    for (user, is_member) in wanted {
        // The first is the user's own, the others are aliases.
        let addresses = rows.get(user).map(Vec::as_slice).unwrap_or_default();
        let mut subjects = addresses
            .iter()
            .filter(|address| present.contains(address.key()))
            .map(|address| Subject::Address(address.clone()))
            .peekable();
        match (is_member, addresses.first()) {
            (true, Some(address)) if subjects.peek().is_none() => {
                let subject = Subject::Address(address.clone());
                changes.push(GroupChange::AddMember { group, subject, notes: String::new() });
            }
            (true, _) => {}
            (false, _) => {
                changes.extend(subjects.map(|subject| GroupChange::RemoveMember { group, subject }));
            }
        }
    }
    Ok(changes)
}

fn set_details(
    session: &dyn Session,
    id: UserId,
    details: &Details,
    outside: &OutsideEmails,
    now: Timestamp,
) -> Attempt {
    there!(users::changeable(session, id)?);
    session.execute("DELETE FROM outside_emails WHERE user_id = ?1", values![id.as_bytes()])?;
    write_details(session, id, details, outside)?;
    users::touch(session, id, now)?;
    user_made(session, id, "")
}

pub(super) fn write_details(
    session: &dyn Session,
    id: UserId,
    details: &Details,
    outside: &OutsideEmails,
) -> Result<()> {
    let Details { given_name, family_name, attributes } = details;
    let sql =
        "INSERT INTO user_details (user_id, given_name, family_name, attributes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (user_id) DO UPDATE SET given_name = excluded.given_name,
             family_name = excluded.family_name, attributes = excluded.attributes";
    session.execute(sql, values![id.as_bytes(), given_name, family_name, attributes])?;
    for key in outside {
        session.execute(
            "INSERT INTO outside_emails (mail_key, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            values![key, id.as_bytes()],
        )?;
    }
    Ok(())
}

fn set_external_id(
    session: &dyn Session,
    client: ClientId,
    resource: &Resource,
    external_id: Option<&str>,
    now: Timestamp,
) -> Attempt {
    let id = resource.as_bytes();
    session.execute(
        "DELETE FROM external_ids WHERE client = ?1 AND resource = ?2",
        values![client.as_bytes(), id],
    )?;
    if let Some(external_id) = external_id {
        session.execute(
            "INSERT INTO external_ids (client, kind, external_id, resource) VALUES (?1, ?2, ?3, ?4)",
            values![client.as_bytes(), resource.kind(), external_id, id],
        )?;
    }
    let made = match resource {
        Resource::User(user) => {
            users::touch(session, *user, now)?;
            user_made(session, *user, "")?
        }
        Resource::Group(_) => {
            session.execute(
                "UPDATE groups SET updated_at = ?2, version = version + 1 WHERE id = ?1",
                values![id, millis(now)],
            )?;
            found(session, "SELECT account, description FROM groups WHERE id = ?1", id)?
        }
    };
    Ok(made.map(|made| Made { detail: external_id.unwrap_or("none").to_owned(), ..made }))
}

fn set_user_name(
    session: &dyn Session,
    client: ClientId,
    user: UserId,
    name: Option<&UserName>,
    now: Timestamp,
) -> Attempt {
    session.execute(
        "DELETE FROM user_names WHERE client = ?1 AND user_id = ?2",
        values![client.as_bytes(), user.as_bytes()],
    )?;
    if let Some(name) = name {
        if shows_address(session, client, user, name)? {
            return Ok(Err(ChangeError::AlreadyExists));
        }
        session.execute(
            "INSERT INTO user_names (client, name_key, name, user_id) VALUES (?1, ?2, ?3, ?4)",
            values![client.as_bytes(), name.key(), name.as_str(), user.as_bytes()],
        )?;
    }
    users::touch(session, user, now)?;
    user_made(session, user, name.map_or("none", UserName::as_str))
}

/// Whether another user of the account, without a name of the application, is shown by this name: its address.
fn shows_address(session: &dyn Session, client: ClientId, user: UserId, name: &UserName) -> Result<bool> {
    let Ok(address) = EmailAddress::parse(name.as_str()) else { return Ok(false) };
    let sql = "SELECT 1 FROM users o JOIN users u ON u.id = ?2 AND u.account = o.account
               WHERE o.address_key = ?3 AND o.id <> u.id AND o.alias_of IS NULL
                   AND NOT EXISTS (SELECT 1 FROM user_names n WHERE n.user_id = o.id AND n.client = ?1)";
    let found = session.one(sql, values![client.as_bytes(), user.as_bytes(), address.key()], |_| Ok(()))?;
    Ok(found.is_some())
}

fn set_settings(session: &dyn Session, client: ClientId, settings: &ScimSettings) -> Attempt {
    session.execute(
        "UPDATE clients SET address_from = ?2, user_name_domain = ?3, deletions_an_hour = ?4 WHERE id = ?1",
        values![
            client.as_bytes(),
            settings.address_from.as_str(),
            settings.user_name_domain.as_ref().map(DomainName::as_str),
            settings.deletions_an_hour,
        ],
    )?;
    let made = found(session, "SELECT account, client_id FROM clients WHERE id = ?1", client.as_bytes())?;
    Ok(made.map(|made| Made { detail: settings.to_string(), ..made.taking() }))
}

/// Minutes in which the deletions of an application are added up.
const COUNTED_MINUTES: i64 = 60;

/// Counts a deletion of an application that has a limit; only together with the deletion.
pub(super) fn count_deletion(session: &dyn Session, client: ClientId, now: Timestamp) -> Result<Judged<()>> {
    let sql = "SELECT deletions_an_hour FROM clients WHERE id = ?1";
    let limit: Option<i64> = session.one(sql, values![client.as_bytes()], |row| row.get(0))?.flatten();
    let Some(limit) = limit else { return Ok(Ok(())) };
    let minute = now.as_second().div_euclid(60);
    session.execute(
        "DELETE FROM client_deletions WHERE client = ?1 AND minute <= ?2",
        values![client.as_bytes(), minute - COUNTED_MINUTES],
    )?;
    // Before the sum is read, so that another node waits for this row.
    session.execute(
        "INSERT INTO client_deletions (client, minute, users) VALUES (?1, ?2, 1)
         ON CONFLICT (client, minute) DO UPDATE SET users = client_deletions.users + 1",
        values![client.as_bytes(), minute],
    )?;
    let deleted = session.one(
        "SELECT CAST(sum(users) AS BIGINT) FROM client_deletions WHERE client = ?1",
        values![client.as_bytes()],
        |row| row.get::<i64>(0),
    )?;
    // What was written is undone with the deletion.
    Ok(if deleted > Some(limit) { Err(ChangeError::TooManyDeletions) } else { Ok(()) })
}

fn add_token(session: &dyn Session, token: &ClientToken, now: Timestamp) -> Attempt {
    let made =
        found(session, "SELECT account, client_id FROM clients WHERE id = ?1", token.client.as_bytes())?;
    let made = there!(made);
    if let Err(full) = room_for_token(&read::scim::tokens(session, token.client)?, now) {
        return Ok(Err(full));
    }
    session.execute(
        "INSERT INTO client_tokens (id, client, digest, expires_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![
            token.id.as_bytes(),
            token.client.as_bytes(),
            token.digest,
            token.expires_at.map(millis),
            millis(token.created_at)
        ],
    )?;
    let until = token.expires_at.map_or_else(String::new, |end| format!(", until {end}"));
    Ok(Ok(Made { detail: format!("{}{until}", token.id), ..made }))
}

/// Forgets the ids that applications gave to an object.
pub(super) fn forget_external_ids(session: &dyn Session, resource: &[u8; 16]) -> Result<()> {
    session.execute("DELETE FROM external_ids WHERE resource = ?1", values![resource]).map(|_| ())
}
