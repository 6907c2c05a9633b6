//! `/Groups`. Only members that are users of the account show; external addresses and domains are left as they are.

mod members;

use std::collections::BTreeSet;

use api::error::CallError;
use directory::change::Change;
use directory::groups::{Description, Group, GroupChange};
use directory::port::{Affected, ScimFrom as From, ScimPage, StoreError};
use directory::role::GROUPS_READ;
use directory::scim::{Resource, ScimChange, ScimGroup, ScimMember};
use directory::{GroupId, UserId};
use http::header::IF_MATCH;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use wire::scim::{self, Filter, GROUP, Patch, ResourceType, ScimError, ScimType, USER};

use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::list::{self, Source};
use crate::refused::Refused;
use crate::resource::{answer, answer_to_read, take_external_id, take_text, version};
use crate::users;

/// With more members, a PATCH that only names members to add or to remove neither reads nor returns the others. `[ours]`
const LARGE: u64 = 1_000;

/// Groups in lists.
struct Groups {
    /// Whether the response or the filter needs the members.
    with_members: bool,
}

impl Source for Groups {
    type Row = ScimGroup;

    const TYPE: &'static ResourceType = &GROUP;
    const CURSOR: &'static str = "SCIM cursor of groups";

    async fn page(
        &self,
        call: &mut Call<'_>,
        from: From,
        limit: usize,
    ) -> Result<ScimPage<ScimGroup>, StoreError> {
        let (core, account, client) = (call.core, call.scope.account().id, call.client);
        call.timed(core.store.list_scim_groups(account, client, from, limit, self.with_members)).await
    }

    async fn candidates(
        &self,
        call: &mut Call<'_>,
        filter: &Filter,
    ) -> Result<Option<Vec<ScimGroup>>, Refused> {
        let (core, account) = (call.core, call.scope.account().id);
        let ids = if let Some(id) = filter.required_equals("id") {
            let id = core.secure_ids().open_id("group", account, id).ok();
            id.map(GroupId::from_bytes).into_iter().collect()
        } else if let Some(id) = filter.required_equals("externalId") {
            match list::by_external_id(call, 2, id).await? {
                Some(Resource::Group(id)) => vec![id],
                _ => Vec::new(),
            }
        } else if let Some(name) = filter.required_equals("displayName") {
            match Description::parse(name) {
                Ok(name) => call.timed(core.store.groups_named(account, name.key())).await?,
                Err(_) => Vec::new(),
            }
        } else if let Some(member) = filter.required_equals("members.value") {
            match core.secure_ids().open_id("user", account, member) {
                Ok(user) => {
                    let user = UserId::from_bytes(user);
                    let found = call.timed(core.store.scim_users(account, call.client, &[user])).await?;
                    let groups = found.into_iter().flatten().flat_map(|seen| seen.groups);
                    groups.map(|(id, _)| id).collect()
                }
                Err(_) => Vec::new(),
            }
        } else {
            return Ok(None);
        };
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(read_group(call, id, self.with_members).await?);
        }
        found.sort_by_key(|seen| seen.group.id);
        Ok(Some(found))
    }

    fn key(row: &ScimGroup) -> String {
        row.group.id.to_string()
    }

    fn resource(call: &Call<'_>, row: &ScimGroup) -> Map<String, Value> {
        resource(call, row)
    }
}

async fn listed(call: &mut Call<'_>, query: Query<'_>) -> Result<Answer, Refused> {
    let in_filter = query.get("filter").is_some_and(|filter| filter.to_ascii_lowercase().contains("members"));
    let with_members = in_filter || list::projection(&query, &GROUP).includes("members");
    list::serve(&Groups { with_members }, call, &query).await
}

pub(crate) async fn list(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let query = call.query.clone();
    listed(call, query).await
}

pub(crate) async fn search(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let query = Query::of_search(call.json()?)?;
    listed(call, query).await
}

/// A search over users and groups: users come first. A filter that only one kind understands finds only that kind.
pub(crate) async fn search_all(call: &mut Call<'_>) -> Result<Answer, Refused> {
    call.scope.caller().require(&GROUPS_READ).map_err(CallError::from)?;
    let query = Query::of_search(call.json()?)?;
    let (skipped, count) = list::page_of(call, &query)?;
    let users = list::part(&users::Users, call, &query, skipped, count).await;
    let (before, of_users) = match &users {
        Ok((total, page)) => (*total, page.len()),
        Err(_) => (0, 0),
    };
    let groups = Groups { with_members: true };
    let groups = list::part(&groups, call, &query, skipped.saturating_sub(before), count - of_users).await;
    let is_filter = |refused: &Refused| {
        matches!(refused, Refused::Scim(ScimError { scim_type: Some(ScimType::InvalidFilter), .. }))
    };
    let (users, groups) = match (users, groups) {
        (Err(why), Ok(groups)) if is_filter(&why) => ((0, Vec::new()), groups),
        (Ok(users), Err(why)) if is_filter(&why) => (users, (0, Vec::new())),
        (users, groups) => (users?, groups?),
    };
    let page = users.1.into_iter().chain(groups.1).collect();
    Ok(Answer::ok(list::listed(users.0 + groups.0, Some(skipped + 1), None, page)))
}

pub(crate) async fn read(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let seen = named(call).await?;
    Ok(answer_to_read(call, &GROUP, &resource(call, &seen)))
}

pub(crate) async fn create(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let sent = scim::read(call.json()?, &GROUP)?;
    let wanted = wanted(call, sent.fields).await?;
    let (core, account) = (call.core, call.scope.account().id);
    name_is_free(call, &wanted.name, None).await?;
    let group = Group {
        id: GroupId::at(core.clock.now(), &core.entropy.randomness()),
        account,
        parent: None,
        description: wanted.name.clone(),
        users: 0,
        folders: 0,
    };
    let mut changes = vec![Change::Group(GroupChange::Add(group.clone()))];
    changes.push(Change::Scim(ScimChange::ExpectName(group.id, wanted.name.clone())));
    let before =
        ScimGroup { group, updated_at: None, version: 0, external_id: None, members: Some(Vec::new()) };
    let moved = wanted.moves(&before);
    members::may_move(call, &moved).await?;
    changes.extend(wanted.changes(call, &before, moved));
    let now = call.now();
    let after = wanted.after(before, now);
    let answer = answer(call, 201, &GROUP, &resource(call, &after));
    call.write(call.scope.evidence(), changes, now, answer).await
}

pub(crate) async fn replace(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let sent = scim::read(call.json()?, &GROUP)?;
    let seen = named(call).await?;
    change(call, seen, sent.fields, true).await
}

pub(crate) async fn patch(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let patch = Patch::read(call.json()?, &GROUP)?;
    // They hold whatever else happens to the group.
    let member_changes = patch.member_changes().filter(|_| !call.headers.contains_key(IF_MATCH));
    let expects = member_changes.is_none();
    if let Some(changes) = member_changes {
        let group = named_group(call, false).await?.group;
        if group.users > LARGE {
            return members::change(call, group.id, changes).await;
        }
    }
    let seen = named(call).await?;
    let patched = patch.apply(&resource(call, &seen))?;
    change(call, seen, patched.resource, expects).await
}

pub(crate) async fn delete(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let seen = named(call).await?;
    let core = call.core;
    call.check_version(|call| resource(call, &seen))?;
    // Deleting a group removes every member from it.
    let roles = call.timed(core.store.roles_among(Affected::Members(seen.group.id))).await?;
    for role in &roles {
        call.scope.covers(Some(role)).map_err(|why| Refused::rule("members", &why))?;
    }
    let changes = vec![Change::Group(GroupChange::Remove(seen.group.id))];
    call.write(call.scope.evidence(), changes, call.now(), Answer::nothing()).await
}

/// Changes a group to what was sent. `expects`: only if it is still as it was seen.
async fn change(
    call: &mut Call<'_>,
    seen: ScimGroup,
    fields: Map<String, Value>,
    expects: bool,
) -> Result<Answer, Refused> {
    call.check_version(|call| resource(call, &seen))?;
    let wanted = wanted(call, fields).await?;
    name_is_free(call, &wanted.name, Some(seen.group.id)).await?;
    let mut changes = Vec::new();
    if wanted.name.as_str() != seen.group.description.as_str() {
        let description = Some(wanted.name.clone());
        changes.push(Change::Group(GroupChange::Update { id: seen.group.id, description, parent: None }));
        changes.push(Change::Scim(ScimChange::ExpectName(seen.group.id, wanted.name.clone())));
    }
    let moved = wanted.moves(&seen);
    members::may_move(call, &moved).await?;
    changes.extend(wanted.changes(call, &seen, moved));
    if changes.is_empty() {
        let answer = answer(call, 200, &GROUP, &resource(call, &seen));
        return call.unchanged(answer).await;
    }
    if expects {
        changes.insert(0, Change::Scim(ScimChange::ExpectGroup(seen.group.id, seen.version)));
    }
    let now = call.now();
    let after = wanted.after(seen, now);
    let answer = answer(call, 200, &GROUP, &resource(call, &after));
    call.write(call.scope.evidence(), changes, now, answer).await
}

/// What a resource asks for.
struct Wanted {
    name: Description,
    external_id: Option<String>,
    /// The users, each once.
    members: Vec<ScimMember>,
}

fn ids(members: &[ScimMember]) -> BTreeSet<UserId> {
    members.iter().map(|member| member.user).collect()
}

impl Wanted {
    /// The members that go, and those that come.
    fn moves(&self, before: &ScimGroup) -> Vec<(UserId, bool)> {
        let (wanted, present) = (ids(&self.members), ids(before.members.as_deref().unwrap_or_default()));
        let goes = present.difference(&wanted).map(|user| (*user, false));
        goes.chain(wanted.difference(&present).map(|user| (*user, true))).collect()
    }

    fn changes(&self, call: &Call<'_>, before: &ScimGroup, moved: Vec<(UserId, bool)>) -> Vec<Change> {
        let group = before.group.id;
        let mut changes = Vec::new();
        if !moved.is_empty() {
            changes.push(Change::Scim(ScimChange::SetMembers(group, moved)));
        }
        if self.external_id != before.external_id {
            let resource = Resource::Group(group);
            changes.push(Change::Scim(ScimChange::SetExternalId(
                call.client,
                resource,
                self.external_id.clone(),
            )));
        }
        changes
    }

    fn after(self, before: ScimGroup, now: Timestamp) -> ScimGroup {
        let mut members = before.members.unwrap_or_default();
        let (wanted, present) = (ids(&self.members), ids(&members));
        members.retain(|member| wanted.contains(&member.user));
        members.extend(self.members.into_iter().filter(|member| !present.contains(&member.user)));
        members.sort_by(|one, other| one.key.cmp(&other.key));
        let group = Group { description: self.name, ..before.group };
        let version = before.version + 1;
        ScimGroup {
            group,
            updated_at: Some(now),
            version,
            external_id: self.external_id,
            members: Some(members),
        }
    }
}

/// Reads a canonical resource.
async fn wanted(call: &mut Call<'_>, mut fields: Map<String, Value>) -> Result<Wanted, Refused> {
    let (core, account) = (call.core, call.scope.account().id);
    let name = Description::parse(&take_text(&mut fields, "displayName").unwrap_or_default())
        .map_err(|why| Refused::rule("displayName", &why))?;
    let external_id = take_external_id(&mut fields)?;
    let list = fields.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut ids = BTreeSet::new();
    for member in list {
        let value = member.get("value").and_then(Value::as_str).unwrap_or_default();
        ids.extend(members::user_id(call, value)?);
    }
    let ids: Vec<_> = ids.into_iter().collect();
    let found = call.timed(core.store.users_by_id(&ids)).await?;
    let mut members = Vec::with_capacity(found.len());
    for (id, user) in ids.into_iter().zip(found) {
        match user.filter(|user| user.account == account && user.alias_of.is_none() && !user.reserved) {
            Some(user) => {
                members.push(ScimMember { user: id, key: user.address.key().to_owned() });
            }
            None => members::ignore(call, &core.secure_ids().user(account, id)),
        }
    }
    Ok(Wanted { name, external_id, members })
}

/// Names of groups are unique in the account for SCIM clients, at any place in the tree.
async fn name_is_free(call: &mut Call<'_>, name: &Description, own: Option<GroupId>) -> Result<(), Refused> {
    let (core, account) = (call.core, call.scope.account().id);
    let others = call.timed(core.store.groups_named(account, name.key())).await?;
    if others.iter().all(|id| Some(*id) == own) {
        return Ok(());
    }
    let detail = "displayName is in use by another group of the account.";
    Err(ScimError::new(ScimType::Uniqueness, detail).into())
}

/// The group that the path names.
async fn named(call: &mut Call<'_>) -> Result<ScimGroup, Refused> {
    named_group(call, true).await
}

async fn named_group(call: &mut Call<'_>, with_members: bool) -> Result<ScimGroup, Refused> {
    let id = call.core.secure_ids().open_id("group", call.scope.account().id, call.id);
    let id = id.map_err(|_| Refused::not_found("The group"))?;
    read_group(call, GroupId::from_bytes(id), with_members)
        .await?
        .ok_or_else(|| Refused::not_found("The group"))
}

async fn read_group(
    call: &mut Call<'_>,
    id: GroupId,
    with_members: bool,
) -> Result<Option<ScimGroup>, Refused> {
    let (core, account, client) = (call.core, call.scope.account().id, call.client);
    Ok(call.timed(core.store.scim_group(account, client, id, with_members)).await?)
}

/// The resource of a group, in canonical form.
fn resource(call: &Call<'_>, seen: &ScimGroup) -> Map<String, Value> {
    let ids = call.core.secure_ids();
    let Group { id, account, description, .. } = &seen.group;
    let sealed = ids.seal("group", *account, id.as_bytes());
    let mut resource = Map::new();
    let location = call.location(GROUP.endpoint, &sealed);
    resource.insert("id".to_owned(), sealed.into());
    resource.insert("displayName".to_owned(), description.as_str().into());
    if let Some(external_id) = &seen.external_id {
        resource.insert("externalId".to_owned(), external_id.as_str().into());
    }
    let mut shown = BTreeSet::new();
    // A user may be a member by several addresses.
    let members = seen.members.iter().flatten().filter(|member| shown.insert(member.user)).map(|member| {
        let id = ids.user(*account, member.user);
        let location = call.location(USER.endpoint, &id);
        // Without `display`: clients compare the list with what they sent.
        json!({ "value": id, "$ref": location, "type": "User" })
    });
    let members: Vec<Value> = members.collect();
    if !members.is_empty() {
        resource.insert("members".to_owned(), members.into());
    }
    let mut meta = json!({
        "resourceType": GROUP.name,
        "created": id.made_at().to_string(),
        "lastModified": seen.updated_at.unwrap_or(id.made_at()).to_string(),
        "location": location,
    });
    // The version covers the members.
    if seen.members.is_some() {
        meta["version"] = version(&resource).into();
    }
    resource.insert("meta".to_owned(), meta);
    resource
}
