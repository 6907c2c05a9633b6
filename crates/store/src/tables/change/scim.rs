//! Changes for SCIM clients.

use directory::change::ChangeError;
use directory::groups::{GroupChange, Subject};
use directory::scim::{
    ClientToken, Details, Resource, ScimChange, ScimSettings, Seen, UserName, room_for_token,
};
use directory::{ClientId, DomainName, GroupId, UserId};
use jiff::Timestamp;

use super::{Attempt, Judged, Made, found, there, user_made, users};
use crate::session::{Result, Session, values};
use crate::tables::read;
use crate::tables::row::millis;

pub(super) fn make(session: &dyn Session, change: &ScimChange, now: Timestamp) -> Attempt {
    match change {
        // Made by `one`, because they may be no event.
        ScimChange::Expect(..)
        | ScimChange::SetMember(..)
        | ScimChange::AddDetails(..)
        | ScimChange::CountDeletion(_) => Ok(Err(ChangeError::NotFound)),
        ScimChange::SetDetails(user, details) => set_details(session, *user, details, now),
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

/// The change that makes somebody a member or not; `None`: it is so already.
pub(super) fn member_change(
    session: &dyn Session,
    group: GroupId,
    subject: &Subject,
    is_member: bool,
) -> Result<Option<GroupChange>> {
    let sql = "SELECT 1 FROM group_members WHERE group_id = ?1 AND member_key = ?2";
    let is_now = session.one(sql, values![group.as_bytes(), subject.key()], |_| Ok(()))?.is_some();
    let subject = subject.clone();
    Ok(match (is_now, is_member) {
        (false, true) => Some(GroupChange::AddMember { group, subject, notes: String::new() }),
        (true, false) => Some(GroupChange::RemoveMember { group, subject }),
        _ => None,
    })
}

fn set_details(session: &dyn Session, id: UserId, details: &Details, now: Timestamp) -> Attempt {
    there!(users::changeable(session, id)?);
    write_details(session, id, details)?;
    users::touch(session, id, now)?;
    user_made(session, id, "")
}

pub(super) fn write_details(session: &dyn Session, id: UserId, details: &Details) -> Result<()> {
    let Details { given_name, family_name, attributes } = details;
    let sql =
        "INSERT INTO user_details (user_id, given_name, family_name, attributes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (user_id) DO UPDATE SET given_name = excluded.given_name,
             family_name = excluded.family_name, attributes = excluded.attributes";
    session.execute(sql, values![id.as_bytes(), given_name, family_name, attributes]).map(|_| ())
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
            session.execute("UPDATE groups SET updated_at = ?2 WHERE id = ?1", values![id, millis(now)])?;
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
        session.execute(
            "INSERT INTO user_names (client, name_key, name, user_id) VALUES (?1, ?2, ?3, ?4)",
            values![client.as_bytes(), name.key(), name.as_str(), user.as_bytes()],
        )?;
    }
    users::touch(session, user, now)?;
    user_made(session, user, name.map_or("none", UserName::as_str))
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
