//! Groups as a tree, and a group with its members.

use std::collections::HashMap;

use askama::Template;
use directory::groups::{Group, Member, Subject};
use directory::port::Position;
use directory::role::{GROUPS_EDIT, GROUPS_READ, SYNC_EDIT};
use directory::{Account, GroupId};
use serde_json::json;

use super::form::query;
use super::shell::{Notice, Shell};
use super::visit::{Asked, Visit};
use super::{Page, PageError, Shown, page};
use api::endpoint::Method::{Get, Post};
use api::endpoints::directory::{
    add_group_member, create_group, delete_group, remove_group_member, update_group,
};

pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/groups", Get, GROUPS_READ, |visit| Box::pin(show(visit))),
    page("/console/{account}/groups", Post, GROUPS_EDIT, |visit| Box::pin(create(visit))),
    page("/console/{account}/groups/{group}", Get, GROUPS_READ, |visit| Box::pin(show_group(visit))),
    page("/console/{account}/groups/{group}", Post, SYNC_EDIT, |visit| Box::pin(edit(visit))),
    page("/console/{account}/groups/{group}/members", Post, GROUPS_EDIT, |visit| Box::pin(add(visit))),
    page("/console/{account}/groups/{group}/remove", Post, SYNC_EDIT, |visit| Box::pin(take_out(visit))),
    page("/console/{account}/groups/{group}/delete", Post, GROUPS_EDIT, |visit| Box::pin(delete(visit))),
];

/// Groups of the tree: the first so many that were made.
const TREE: usize = 2_000;

/// Members on a page.
const PAGE: usize = 100;

/// A line of the tree.
struct Leaf {
    id: String,
    path: String,
    name: String,
    users: u64,
    depth: usize,
    /// Lists that open before it, and that close behind it.
    opens: bool,
    closes: usize,
}

#[derive(Template)]
#[template(path = "groups.html")]
struct Groups {
    shell: Shell,
    tree: Vec<Leaf>,
    total: u64,
    may_edit: bool,
    name: String,
}

#[derive(Template)]
#[template(path = "group.html")]
struct GroupPage {
    shell: Shell,
    path: String,
    name: String,
    parent: String,
    places: Vec<Leaf>,
    members: Vec<MemberRow>,
    total: u64,
    folders: u64,
    next: Option<String>,
    may_add: bool,
    may_change: bool,
}

struct MemberRow {
    /// The address, or the domain.
    text: String,
    is_domain: bool,
    name: String,
    notes: String,
    path: Option<String>,
    internal: bool,
}

async fn show(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let notice = match visit.query.text("done") {
        "delete" => Some(Notice::done("The group is deleted; its members were not changed.")),
        _ => None,
    };
    render(visit, notice).await.map(Shown::Html)
}

async fn render(visit: &Visit<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let account = visit.scope.account().id;
    let page = Groups {
        shell: visit.shell("/groups", "Groups").with(notice),
        tree: tree(visit).await?,
        total: visit.console.core.store.count_groups(account, None).await?,
        may_edit: visit.may(&GROUPS_EDIT),
        name: visit.form.text("description").to_owned(),
    };
    Ok(page.render()?)
}

/// The groups of the account, each behind the one it lies in.
async fn tree(visit: &Visit<'_>) -> Result<Vec<Leaf>, PageError> {
    let account = visit.scope.account();
    let groups = visit.console.core.store.list_groups(account.id, None, &Position::Start, TREE).await?;
    let mut below: HashMap<Option<GroupId>, Vec<&Group>> = HashMap::new();
    for group in &groups {
        below.entry(group.parent).or_default().push(group);
    }
    for beside in below.values_mut() {
        // The last one is taken first.
        beside.sort_by(|a, b| b.description.key().cmp(a.description.key()));
    }
    let mut leaves: Vec<Leaf> = Vec::new();
    let mut waiting: Vec<(&Group, usize)> =
        below.get(&None).into_iter().flatten().map(|group| (*group, 0)).collect();
    while let Some((group, depth)) = waiting.pop() {
        if let Some(before) = leaves.last_mut() {
            before.opens = depth > before.depth;
            before.closes = before.depth.saturating_sub(depth);
        }
        let id = id(visit, account, group.id);
        leaves.push(Leaf {
            path: visit.path(&format!("/groups/{id}")),
            id,
            name: group.description.as_str().to_owned(),
            users: group.users,
            depth,
            opens: false,
            closes: depth,
        });
        waiting.extend(below.get(&Some(group.id)).into_iter().flatten().map(|group| (*group, depth + 1)));
    }
    Ok(leaves)
}

fn id(visit: &Visit<'_>, account: &Account, group: GroupId) -> String {
    visit.console.core.secure_ids().seal("group", account.id, group.as_bytes())
}

async fn named(visit: &Visit<'_>) -> Result<Group, PageError> {
    let account = visit.scope.account().id;
    let id = visit.console.core.secure_ids().open_id("group", account, visit.param("group"))?;
    let found = visit.console.core.store.group(GroupId::from_bytes(id)).await?;
    found.filter(|group| group.account == account).ok_or(PageError::NotFound("group"))
}

async fn show_group(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let path = visit.path(&format!("/groups/{}", visit.param("group")));
    let member = || {
        let field = if visit.query.ticked("domain") { "domain" } else { "address" };
        (field, visit.query.text(field).to_owned())
    };
    let notice = match visit.query.text("done") {
        "create" => Some(Notice::done("The group is created.")),
        "edit" => Some(Notice::done("Saved.")),
        "add" => {
            let (field, text) = member();
            Some(
                Notice::done(format!("{text} is now a member."))
                    .undo(format!("{path}/remove"), vec![(field, text)]),
            )
        }
        "remove" => {
            let (field, text) = member();
            let notes = ("notes", visit.query.text("notes").to_owned());
            let undo = vec![(field, text.clone()), notes];
            Some(Notice::done(format!("{text} is no longer a member.")).undo(format!("{path}/members"), undo))
        }
        _ => None,
    };
    render_group(visit, notice).await.map(Shown::Html)
}

async fn render_group(visit: &Visit<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let group = named(visit).await?;
    let account = visit.scope.account();
    let from = visit.query.some("after").map_or(Position::Start, |key| Position::After(key.to_owned()));
    let mut members = visit.console.core.store.list_members(&group, &from, PAGE + 1).await?;
    let more = members.len() > PAGE;
    members.truncate(PAGE);
    let path = visit.path(&format!("/groups/{}", id(visit, account, group.id)));
    let next = members.last().filter(|_| more);
    let next = next.map(|last| format!("{path}?{}", query(&[("after", last.subject.key())])));
    let page = GroupPage {
        shell: visit.shell("/groups", group.description.as_str()).with(notice),
        name: group.description.as_str().to_owned(),
        parent: group.parent.map(|parent| id(visit, account, parent)).unwrap_or_default(),
        places: tree(visit).await?,
        members: members.iter().map(|member| row(visit, member)).collect(),
        total: group.users,
        folders: group.folders,
        next,
        path,
        may_add: visit.may(&GROUPS_EDIT),
        may_change: visit.may(&SYNC_EDIT),
    };
    Ok(page.render()?)
}

fn row(visit: &Visit<'_>, member: &Member) -> MemberRow {
    let account = visit.scope.account().id;
    let (text, is_domain) = match &member.subject {
        Subject::Address(address) => (address.to_string(), false),
        Subject::Domain(domain) => (domain.to_string(), true),
    };
    let path = |user| visit.path(&format!("/users/{}", visit.console.core.secure_ids().user(account, user)));
    MemberRow {
        text,
        is_domain,
        name: member.user.as_ref().map(|(_, name)| name.clone()).unwrap_or_default(),
        notes: member.notes.clone(),
        path: member.user.as_ref().map(|(user, _)| path(*user)),
        internal: member.domain.is_some(),
    }
}

async fn create(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let item =
        json!({ "description": visit.form.text("description"), "parentId": visit.form.text("parent") });
    let asked = visit.ask(&create_group::ENDPOINT, vec![item]).await?;
    match asked.data.first().and_then(|row| row["id"].as_str()) {
        Some(id) => Ok(Shown::Redirect(visit.path(&format!("/groups/{id}?done=create")))),
        None => render(visit, Some(Notice::bad(asked.errors().join(" ")))).await.map(Shown::Wrong),
    }
}

async fn edit(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let item = json!({
        "id": visit.param("group"),
        "description": visit.form.text("description"),
        "parentId": visit.form.text("parent"),
    });
    let asked = visit.ask(&update_group::ENDPOINT, vec![item]).await?;
    back(visit, asked, &[("done", "edit")]).await
}

/// What a form names as a member: an address, or a whole domain.
fn member(visit: &Visit<'_>) -> (&'static str, &'static str, String) {
    match (visit.form.some("domain"), visit.form.text("address")) {
        (Some(domain), _) => ("domain", "domain", domain.to_owned()),
        // A domain typed where an address is expected is meant as one.
        (None, text) if !text.is_empty() && !text.trim_start_matches('@').contains('@') => {
            ("domain", "domain", text.trim_start_matches('@').to_owned())
        }
        (None, text) => ("address", "emailAddress", text.to_owned()),
    }
}

async fn add(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let (field, name, text) = member(visit);
    let notes = visit.form.text("notes");
    let mut item = json!({ "id": visit.param("group"), name: text });
    if !notes.is_empty() {
        item["notes"] = notes.into();
    }
    let asked = visit.ask(&add_group_member::ENDPOINT, vec![item]).await?;
    back(visit, asked, &[("done", "add"), (field, &text)]).await
}

async fn take_out(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let (field, name, text) = member(visit);
    let notes = visit.form.text("notes").to_owned();
    let item = json!({ "id": visit.param("group"), name: text });
    let asked = visit.ask(&remove_group_member::ENDPOINT, vec![item]).await?;
    back(visit, asked, &[("done", "remove"), (field, &text), ("notes", &notes)]).await
}

async fn delete(visit: &mut Visit<'_>) -> Result<Shown, PageError> {
    let asked = visit.ask(&delete_group::ENDPOINT, vec![json!({ "id": visit.param("group") })]).await?;
    match asked.errors() {
        errors if errors.is_empty() => Ok(Shown::Redirect(visit.path("/groups?done=delete"))),
        errors => render_group(visit, Some(Notice::bad(errors.join(" ")))).await.map(Shown::Wrong),
    }
}

async fn back(visit: &Visit<'_>, asked: Asked, done: &[(&str, &str)]) -> Result<Shown, PageError> {
    match asked.errors() {
        errors if errors.is_empty() => {
            let group = visit.param("group");
            Ok(Shown::Redirect(visit.path(&format!("/groups/{group}?{}", query(done)))))
        }
        errors => render_group(visit, Some(Notice::bad(errors.join(" ")))).await.map(Shown::Wrong),
    }
}
