//! The tree of groups, and the page of a group with its members.

use std::collections::HashMap;

use askama::Template;
use directory::groups::{Group, Member, Subject};
use directory::port::Position;
use directory::role::{GROUPS_EDIT, GROUPS_READ, SYNC_EDIT};
use directory::{Account, GroupId};
use wire::groups::{AddMember, CreateGroup, NamesGroup, RemoveMember, UpdateGroup};

use super::form::{Form, query_string};
use super::request::PageRequest;
use super::shell::{Notice, Shell};
use super::{Page, PageError, PageResponse, endpoints, page};
use crate::method::Method::{Get, Post};

pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/groups", Get, GROUPS_READ, |request| Box::pin(show(request))),
    page("/console/{account}/groups", Post, GROUPS_EDIT, |request| Box::pin(create(request))),
    page("/console/{account}/groups/{group}", Get, GROUPS_READ, |request| Box::pin(show_group(request))),
    page("/console/{account}/groups/{group}", Post, SYNC_EDIT, |request| Box::pin(edit(request))),
    page("/console/{account}/groups/{group}/members", Post, GROUPS_EDIT, |request| {
        Box::pin(add_member(request))
    }),
    page("/console/{account}/groups/{group}/remove", Post, SYNC_EDIT, |request| {
        Box::pin(remove_member(request))
    }),
    page("/console/{account}/groups/{group}/delete", Post, GROUPS_EDIT, |request| Box::pin(delete(request))),
];

/// Groups in the tree: the oldest ones.
const TREE: usize = 2_000;

/// Members per page.
const PAGE: usize = 100;

/// A line of the tree.
struct Leaf {
    id: String,
    path: String,
    name: String,
    users: u64,
    depth: usize,
    /// Whether a list opens after this line, and how many lists close after it.
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
    text: String,
    is_domain: bool,
    name: String,
    notes: String,
    path: Option<String>,
    internal: bool,
}

async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let notice = match request.query.text("done") {
        "delete" => Some(Notice::success("The group is deleted; its members were not changed.")),
        _ => None,
    };
    render(request, notice).await.map(PageResponse::Html)
}

async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let account = request.scope.account().id;
    let page = Groups {
        shell: request.shell("/groups", "Groups").with_notice(notice),
        tree: tree(request).await?,
        total: request.console.core.store.count_groups(account, None).await?,
        may_edit: request.may(&GROUPS_EDIT),
        name: request.form.text("description").to_owned(),
    };
    Ok(page.render()?)
}

/// The groups of the account, each after its parent.
async fn tree(request: &PageRequest<'_>) -> Result<Vec<Leaf>, PageError> {
    let account = request.scope.account();
    let groups = request.console.core.store.list_groups(account.id, None, &Position::Start, TREE).await?;
    let mut below: HashMap<Option<GroupId>, Vec<&Group>> = HashMap::new();
    for group in &groups {
        below.entry(group.parent).or_default().push(group);
    }
    for siblings in below.values_mut() {
        // The stack is popped from the end.
        siblings.sort_by(|a, b| b.description.key().cmp(a.description.key()));
    }
    let mut leaves: Vec<Leaf> = Vec::new();
    let mut pending: Vec<(&Group, usize)> =
        below.get(&None).into_iter().flatten().map(|group| (*group, 0)).collect();
    while let Some((group, depth)) = pending.pop() {
        if let Some(before) = leaves.last_mut() {
            before.opens = depth > before.depth;
            before.closes = before.depth.saturating_sub(depth);
        }
        let id = sealed_id(request, account, group.id);
        leaves.push(Leaf {
            path: request.path(&format!("/groups/{id}")),
            id,
            name: group.description.as_str().to_owned(),
            users: group.users,
            depth,
            opens: false,
            closes: depth,
        });
        pending.extend(below.get(&Some(group.id)).into_iter().flatten().map(|group| (*group, depth + 1)));
    }
    Ok(leaves)
}

fn sealed_id(request: &PageRequest<'_>, account: &Account, group: GroupId) -> String {
    request.console.core.secure_ids().seal("group", account.id, group.as_bytes())
}

async fn named_group(request: &PageRequest<'_>) -> Result<Group, PageError> {
    let account = request.scope.account().id;
    let id = request.console.core.secure_ids().open_id("group", account, request.path_param("group"))?;
    let found = request.console.core.store.group(GroupId::from_bytes(id)).await?;
    found.filter(|group| group.account == account).ok_or(PageError::NotFound("group"))
}

async fn show_group(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let path = request.path(&format!("/groups/{}", request.path_param("group")));
    let member = || {
        let field = if request.query.is_checked("domain") { "domain" } else { "address" };
        (field, request.query.text(field).to_owned())
    };
    let notice = match request.query.text("done") {
        "create" => Some(Notice::success("The group is created.")),
        "edit" => Some(Notice::success("Saved.")),
        "add" => {
            let (field, text) = member();
            Some(
                Notice::success(format!("{text} is now a member."))
                    .undo(format!("{path}/remove"), vec![(field, text)]),
            )
        }
        "remove" => {
            let (field, text) = member();
            let notes = ("notes", request.query.text("notes").to_owned());
            let undo = vec![(field, text.clone()), notes];
            Some(
                Notice::success(format!("{text} is no longer a member."))
                    .undo(format!("{path}/members"), undo),
            )
        }
        _ => None,
    };
    render_group(request, notice).await.map(PageResponse::Html)
}

async fn render_group(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let group = named_group(request).await?;
    let account = request.scope.account();
    let from =
        request.query.non_empty("after").map_or(Position::Start, |key| Position::After(key.to_owned()));
    let mut members = request.console.core.store.list_members(&group, &from, PAGE + 1).await?;
    let more = members.len() > PAGE;
    members.truncate(PAGE);
    let path = request.path(&format!("/groups/{}", sealed_id(request, account, group.id)));
    let next = members.last().filter(|_| more);
    let next = next.map(|last| format!("{path}?{}", query_string(&[("after", last.subject.key())])));
    let page = GroupPage {
        shell: request.shell("/groups", group.description.as_str()).with_notice(notice),
        name: group.description.as_str().to_owned(),
        parent: group.parent.map(|parent| sealed_id(request, account, parent)).unwrap_or_default(),
        places: tree(request).await?,
        members: members.iter().map(|member| row(request, member)).collect(),
        total: group.users,
        folders: group.folders,
        next,
        path,
        may_add: request.may(&GROUPS_EDIT),
        may_change: request.may(&SYNC_EDIT),
    };
    Ok(page.render()?)
}

fn row(request: &PageRequest<'_>, member: &Member) -> MemberRow {
    let account = request.scope.account().id;
    let (text, is_domain) = match &member.subject {
        Subject::Address(address) => (address.to_string(), false),
        Subject::Domain(domain) => (domain.to_string(), true),
    };
    let path =
        |user| request.path(&format!("/users/{}", request.console.core.secure_ids().user(account, user)));
    MemberRow {
        text,
        is_domain,
        name: member.user.as_ref().map(|(_, name)| name.clone()).unwrap_or_default(),
        notes: member.notes.clone(),
        path: member.user.as_ref().map(|(user, _)| path(*user)),
        internal: member.domain.is_some(),
    }
}

async fn create(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let item = CreateGroup {
        description: request.form.text("description").to_owned(),
        parent_id: Some(request.form.text("parent").to_owned()),
    };
    let result = request.call_endpoint(&endpoints::CREATE_GROUP, &[item]).await?;
    match result.data.first() {
        Some(row) => Ok(PageResponse::Redirect(request.path(&format!("/groups/{}?done=create", row.id)))),
        None => {
            render(request, Some(Notice::error(result.errors().join(" ")))).await.map(PageResponse::Invalid)
        }
    }
}

async fn edit(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let item = UpdateGroup {
        id: request.path_param("group").to_owned(),
        description: Some(request.form.text("description").to_owned()),
        parent_id: Some(request.form.text("parent").to_owned()),
    };
    let result = request.call_endpoint(&endpoints::UPDATE_GROUP, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), &[("done", "edit")]).await
}

/// The member that a form names.
enum NamedMember {
    Address(String),
    Domain(String),
}

impl NamedMember {
    fn read(form: &Form) -> Self {
        match (form.non_empty("domain"), form.text("address")) {
            (Some(domain), _) => Self::Domain(domain.to_owned()),
            // A text without a local part is a domain, also in the field for addresses.
            (None, text) if !text.is_empty() && !text.trim_start_matches('@').contains('@') => {
                Self::Domain(text.trim_start_matches('@').to_owned())
            }
            (None, text) => Self::Address(text.to_owned()),
        }
    }

    fn address(&self) -> Option<String> {
        match self {
            Self::Address(address) => Some(address.clone()),
            Self::Domain(_) => None,
        }
    }

    fn domain(&self) -> Option<String> {
        match self {
            Self::Address(_) => None,
            Self::Domain(domain) => Some(domain.clone()),
        }
    }

    /// The field of a form that names this member.
    fn field(&self) -> (&'static str, &str) {
        match self {
            Self::Address(address) => ("address", address),
            Self::Domain(domain) => ("domain", domain),
        }
    }
}

async fn add_member(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let member = NamedMember::read(&request.form);
    let item = AddMember {
        id: request.path_param("group").to_owned(),
        email_address: member.address(),
        domain: member.domain(),
        notes: request.form.non_empty("notes").map(str::to_owned),
    };
    let result = request.call_endpoint(&endpoints::ADD_GROUP_MEMBER, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), &[("done", "add"), member.field()]).await
}

async fn remove_member(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let member = NamedMember::read(&request.form);
    let notes = request.form.text("notes").to_owned();
    let item = RemoveMember {
        id: request.path_param("group").to_owned(),
        email_address: member.address(),
        domain: member.domain(),
    };
    let result = request.call_endpoint(&endpoints::REMOVE_GROUP_MEMBER, &[item]).await?;
    let done = [("done", "remove"), member.field(), ("notes", &notes)];
    redirect_or_show_errors(request, &result.errors(), &done).await
}

async fn delete(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let item = NamesGroup { id: request.path_param("group").to_owned() };
    let errors = request.call_endpoint(&endpoints::DELETE_GROUP, &[item]).await?.errors();
    if errors.is_empty() {
        return Ok(PageResponse::Redirect(request.path("/groups?done=delete")));
    }
    render_group(request, Some(Notice::error(errors.join(" ")))).await.map(PageResponse::Invalid)
}

async fn redirect_or_show_errors(
    request: &PageRequest<'_>,
    errors: &[String],
    done: &[(&str, &str)],
) -> Result<PageResponse, PageError> {
    if errors.is_empty() {
        let group = request.path_param("group");
        return Ok(PageResponse::Redirect(request.path(&format!("/groups/{group}?{}", query_string(done)))));
    }
    render_group(request, Some(Notice::error(errors.join(" ")))).await.map(PageResponse::Invalid)
}
