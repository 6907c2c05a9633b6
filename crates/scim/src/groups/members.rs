//! Members of groups, one by one.

use std::collections::{BTreeMap, BTreeSet};

use directory::change::Change;
use directory::scim::ScimChange;
use directory::{GroupId, UserId};
use serde_json::Value;
use wire::scim::MemberChange;

use crate::answer::Answer;
use crate::call::Call;
use crate::refused::Refused;

/// Adds and removes the named members of a group, and reads no others. The response has no body.
pub(super) async fn change(
    call: &mut Call<'_>,
    group: GroupId,
    changes: Vec<MemberChange<'_>>,
) -> Result<Answer, Refused> {
    // The last operation that names a user decides.
    let mut wanted: BTreeMap<UserId, bool> = BTreeMap::new();
    for change in changes {
        match change {
            MemberChange::Add(members) => {
                for member in members {
                    let value = member.get("value").and_then(Value::as_str).unwrap_or_default();
                    wanted.extend(user_id(call, value)?.map(|id| (id, true)));
                }
            }
            MemberChange::Remove(values) => {
                let opened = values.into_iter().filter_map(|value| opened(call, value));
                wanted.extend(opened.map(|id| (id, false)));
            }
        }
    }
    let (core, account, client) = (call.core, call.scope.account().id, call.client);
    let ids: Vec<UserId> = wanted.keys().copied().collect();
    let found = call.timed(core.store.scim_users(account, client, &ids)).await?;
    let mut moved = Vec::new();
    for ((id, comes), seen) in wanted.into_iter().zip(found) {
        let Some(seen) = seen else {
            if comes {
                ignore(call, &core.secure_ids().user(account, id));
            }
            continue;
        };
        let is_member = seen.groups.iter().any(|(of, _)| *of == group);
        if is_member != comes {
            moved.push((id, comes));
        }
    }
    if moved.is_empty() {
        return call.unchanged(Answer::nothing()).await;
    }
    may_move(call, &moved).await?;
    let changes = vec![Change::Scim(ScimChange::SetMembers(group, moved))];
    call.write(call.scope.evidence(), changes, call.now(), Answer::nothing()).await
}

fn opened(call: &Call<'_>, value: &str) -> Option<UserId> {
    let id = call.core.secure_ids().open_id("user", call.scope.account().id, value);
    id.ok().map(UserId::from_bytes)
}

/// The user that a member names; `None`: it is no id of a user, and is ignored.
pub(super) fn user_id(call: &mut Call<'_>, value: &str) -> Result<Option<UserId>, Refused> {
    let id = opened(call, value);
    if id.is_none() {
        if call.core.secure_ids().open_id("group", call.scope.account().id, value).is_ok() {
            return Err(Refused::invalid_value("members: groups in groups are not supported; name users."));
        }
        ignore(call, value);
    }
    Ok(id)
}

/// A member that is no user of the account, such as one that was deleted meanwhile, is no reason to refuse the others. A
/// header of the response and the log name it.
pub(super) fn ignore(call: &mut Call<'_>, value: &str) {
    let shown: String = value.chars().filter(char::is_ascii_graphic).take(60).collect();
    call.line.near_misses.insert(format!("members {shown}"), "the id of a user");
}

/// A caller who puts a user into a group, or takes it out, must hold all permissions of that user.
pub(super) async fn may_move(call: &mut Call<'_>, moved: &[(UserId, bool)]) -> Result<(), Refused> {
    let core = call.core;
    let users: Vec<UserId> = moved.iter().map(|(user, _)| *user).collect();
    let users = call.timed(core.store.users_by_id(&users)).await?;
    let roles: BTreeSet<_> = users.into_iter().flatten().filter_map(|user| user.role).collect();
    for role in roles {
        let role = call.timed(core.store.role(role)).await?;
        call.scope.covers(role.as_ref()).map_err(|why| Refused::rule("members", &why))?;
    }
    Ok(())
}
