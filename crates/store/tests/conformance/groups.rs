//! Groups: where they may be in the tree, their members, and their counts.

use std::sync::Arc;

use directory::audit::Actor;
use directory::change::{Change, ChangeError, Changed};
use directory::groups::{Description, Group, GroupChange, MAX_DEPTH, Member, Subject};
use directory::port::{Position, Store};
use directory::{DomainName, EmailAddress, GroupId};

use crate::Engine;
use crate::engine::*;

fn id(n: u32) -> GroupId {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    GroupId::from_bytes(bytes)
}

fn group(n: u32, account: u8, parent: Option<u32>, description: &str) -> Change {
    Change::Group(GroupChange::Add(Group {
        id: id(n),
        account: account_id(account),
        parent: parent.map(id),
        description: Description::parse(description).unwrap(),
        users: 0,
        folders: 0,
    }))
}

fn move_group(n: u32, parent: Option<u32>) -> Change {
    Change::Group(GroupChange::Update { id: id(n), description: None, parent: Some(parent.map(id)) })
}

fn rename_group(n: u32, description: &str) -> Change {
    let description = Some(Description::parse(description).unwrap());
    Change::Group(GroupChange::Update { id: id(n), description, parent: None })
}

fn remove_group(n: u32) -> Change {
    Change::Group(GroupChange::Remove(id(n)))
}

fn subject(text: &str) -> Subject {
    match EmailAddress::parse(text) {
        Ok(address) => Subject::Address(address),
        Err(_) => Subject::Domain(DomainName::parse(text).unwrap()),
    }
}

fn add_member(n: u32, member: &str) -> Change {
    let notes = format!("Notes about {member}");
    Change::Group(GroupChange::AddMember { group: id(n), subject: subject(member), notes })
}

fn remove_member(n: u32, member: &str) -> Change {
    Change::Group(GroupChange::RemoveMember { group: id(n), subject: subject(member) })
}

async fn assert_refused(store: &Arc<dyn Store>, change: Change, why: ChangeError) {
    let outcome = store.apply(vec![change], Actor::Operator, now()).await.unwrap();
    assert_eq!(outcome, Changed::Refused { index: 0, why });
}

/// (members, folders) of a group.
async fn member_counts(store: &Arc<dyn Store>, n: u32) -> (u64, u64) {
    let group = store.group(id(n)).await.unwrap().unwrap();
    (group.users, group.folders)
}

async fn members(store: &Arc<dyn Store>, n: u32) -> Vec<Member> {
    let group = store.group(id(n)).await.unwrap().unwrap();
    store.list_members(&group, &Position::Start, 100).await.unwrap()
}

fn member_names(members: &[Member]) -> Vec<&str> {
    members.iter().map(|member| member.subject.as_str()).collect()
}

pub(crate) async fn a_group_has_a_unique_name_and_a_valid_parent(engine: &impl Engine) {
    let store = filled_store(engine).await;
    apply(&store, vec![Change::AddAccount(account(2, &[])), group(50, 2, None, "Elsewhere")]).await;
    let tree = [
        group(1, 1, None, "Sales"),
        group(2, 1, Some(1), "North"),
        group(3, 1, Some(1), "South"),
        group(4, 1, Some(2), "South"),
        group(5, 1, None, "North"),
    ];
    apply(&store, tree.into_iter().collect()).await;
    assert_eq!((member_counts(&store, 1).await, member_counts(&store, 2).await), ((0, 2), (0, 1)));

    assert_refused(&store, group(6, 1, None, "SALES "), ChangeError::AlreadyExists).await;
    assert_refused(&store, group(6, 1, Some(1), "north"), ChangeError::AlreadyExists).await;
    assert_refused(&store, group(6, 1, Some(9), "x"), ChangeError::ParentNotFound).await;
    assert_refused(&store, group(6, 1, Some(50), "x"), ChangeError::ParentNotFound).await;
    assert_refused(&store, rename_group(3, "NORTH"), ChangeError::AlreadyExists).await;
    assert_refused(&store, move_group(4, Some(1)), ChangeError::AlreadyExists).await;
    assert_refused(&store, move_group(1, Some(1)), ChangeError::GroupInItself).await;
    assert_refused(&store, move_group(1, Some(4)), ChangeError::GroupInItself).await;
    assert_refused(&store, move_group(9, None), ChangeError::NotFound).await;
    assert_refused(&store, remove_group(9), ChangeError::NotFound).await;
    assert_refused(&store, remove_group(2), ChangeError::GroupHasFolders).await;
    assert_eq!((member_counts(&store, 1).await, member_counts(&store, 2).await), ((0, 2), (0, 1)));

    // A group can be renamed to its name in another case, and another account may have a group of the same name.
    apply(&store, vec![rename_group(1, "sales"), group(51, 2, None, "Sales")]).await;
    apply(&store, vec![move_group(2, Some(3)), move_group(3, None), remove_group(4), remove_group(2)]).await;
    assert_eq!((member_counts(&store, 1).await, member_counts(&store, 3).await), ((0, 0), (0, 0)));
    assert!(store.group(id(2)).await.unwrap().is_none());
    let sales = store.group(id(1)).await.unwrap().unwrap();
    assert_eq!((sales.description.as_str(), sales.parent), ("sales", None));
    assert_eq!(store.count_groups(account_id(1), None).await.unwrap(), 3);
    assert_eq!(store.count_groups(account_id(2), None).await.unwrap(), 2);
}

pub(crate) async fn groups_have_a_maximal_depth(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let deepest = u32::try_from(MAX_DEPTH).unwrap();
    let down: Vec<_> = (1..=deepest).map(|n| group(n, 1, (n > 1).then(|| n - 1), "Down")).collect();
    apply(&store, down).await;
    assert_refused(&store, group(100, 1, Some(deepest), "x"), ChangeError::GroupTooDeep).await;
    apply(&store, vec![group(100, 1, None, "Two"), group(101, 1, Some(100), "Levels")]).await;
    assert_refused(&store, move_group(100, Some(deepest - 1)), ChangeError::GroupTooDeep).await;
    apply(&store, vec![move_group(100, Some(deepest - 2))]).await;
}

pub(crate) async fn groups_are_listed_and_found(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let change = |n| group(n, 1, (n % 2 == 0).then_some(1), &format!("Gruppe Ö{n}"));
    apply(&store, (1..=25).map(change).chain([Change::AddAccount(account(2, &[]))]).collect()).await;
    apply(&store, vec![group(90, 2, None, "Gruppe")]).await;
    let (mut from, mut seen) = (Position::Start, Vec::new());
    loop {
        let page = store.list_groups(account_id(1), None, &from, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        from = Position::After(last.id.to_string());
        seen.extend(page.into_iter().map(|group| group.id));
    }
    assert_eq!(seen, (1..=25).map(id).collect::<Vec<_>>());
    let before = Position::Before(id(15).to_string());
    let page = store.list_groups(account_id(1), None, &before, 3).await.unwrap();
    assert_eq!(page.iter().map(|group| group.id).collect::<Vec<_>>(), [id(12), id(13), id(14)]);
    for (query, count) in [("gruppe", 25), ("ö2", 7), ("ö25", 1), ("absent", 0), ("%", 0), ("", 25)] {
        assert_eq!(store.count_groups(account_id(1), Some(query)).await.unwrap(), count, "{query}");
        let found = store.list_groups(account_id(1), Some(query), &Position::Start, 100).await.unwrap();
        assert_eq!(found.len() as u64, count, "{query}");
    }
}

pub(crate) async fn members_come_and_go_and_are_counted(engine: &impl Engine) {
    let store = filled_store(engine).await;
    apply(&store, vec![group(1, 1, None, "Sales"), group(2, 1, None, "Blocked")]).await;
    // An address of an internal domain is a member only while a user has it.
    assert_refused(&store, add_member(1, "a@example.com"), ChangeError::MemberHasNoUser).await;
    apply(&store, vec![Change::AddUser(user(40, "a@example.com"))]).await;
    let all =
        ["first@example.com", "b@elsewhere.example", "example.com", "elsewhere.example", "A@example.com"];
    apply(&store, all.iter().map(|member| add_member(1, member)).collect()).await;
    apply(&store, vec![add_member(2, "first@example.com")]).await;
    assert_refused(&store, add_member(1, "a@EXAMPLE.com"), ChangeError::MemberAlreadyExists).await;
    assert_refused(&store, add_member(1, "Example.Com"), ChangeError::MemberAlreadyExists).await;
    assert_refused(&store, add_member(9, "a@example.com"), ChangeError::NotFound).await;
    assert_refused(&store, remove_member(1, "c@example.com"), ChangeError::MemberNotFound).await;
    assert_refused(&store, remove_member(2, "example.com"), ChangeError::MemberNotFound).await;
    assert_refused(&store, remove_member(9, "a@example.com"), ChangeError::NotFound).await;
    assert_eq!((member_counts(&store, 1).await, member_counts(&store, 2).await), ((5, 0), (1, 0)));

    let found = members(&store, 1).await;
    let sorted =
        ["elsewhere.example", "b@elsewhere.example", "example.com", "A@example.com", "first@example.com"];
    assert_eq!(member_names(&found), sorted);
    assert!(found.iter().all(|member| member.notes == format!("Notes about {}", member.subject.as_str())));
    let internal: Vec<_> = found.iter().map(|member| member.domain.is_some()).collect();
    assert_eq!(internal, [false, false, true, true, true]);
    let users: Vec<_> = found.iter().map(|member| member.user.clone()).collect();
    assert_eq!(users[..3], [None, None, None]);
    assert_eq!(users[3], Some((user_id(40), "User 40".to_owned())));
    assert_eq!(users[4], Some((user_id(1), "User 1".to_owned())));

    let sales = store.group(id(1)).await.unwrap().unwrap();
    let after = Position::After("example.com".to_owned());
    assert_eq!(member_names(&store.list_members(&sales, &after, 1).await.unwrap()), ["A@example.com"]);
    let before = Position::Before("example.com".to_owned());
    assert_eq!(member_names(&store.list_members(&sales, &before, 1).await.unwrap()), ["b@elsewhere.example"]);

    apply(
        &store,
        vec![remove_member(1, "B@elsewhere.example"), remove_member(1, "example.com"), remove_group(2)],
    )
    .await;
    assert_eq!(member_counts(&store, 1).await, (3, 0));
    assert!(store.group(id(2)).await.unwrap().is_none());
    assert!(store.verify_audit().await.unwrap().iter().all(|report| report.broken.is_none()));
}

pub(crate) async fn a_removed_user_leaves_its_groups(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let alias = directory::user::User { alias_of: Some(user_id(2)), ..user(3, "alias@example.com") };
    let changes = vec![
        Change::AddAccount(account(2, &[])),
        Change::AddUser(user(2, "ann@example.com")),
        Change::AddAlias(alias),
        group(1, 1, None, "Sales"),
        group(2, 1, None, "Blocked"),
        group(3, 2, None, "Of another account"),
    ];
    apply(&store, changes).await;
    let joined = [
        add_member(1, "ann@example.com"),
        add_member(1, "alias@example.com"),
        add_member(1, "first@example.com"),
        add_member(2, "ann@example.com"),
        add_member(3, "ann@example.com"),
    ];
    apply(&store, joined.into_iter().collect()).await;
    assert!(members(&store, 3).await[0].user.is_none(), "what another account calls it shows to nobody");
    apply(&store, vec![Change::RemoveUser(user_id(2))]).await;
    assert_eq!((member_counts(&store, 1).await, member_counts(&store, 2).await), ((1, 0), (0, 0)));
    assert_eq!(member_names(&members(&store, 1).await), ["first@example.com"]);
    assert!(members(&store, 2).await.is_empty());
    // For the other account it is still an external address.
    assert_eq!(member_names(&members(&store, 3).await), ["ann@example.com"]);
    assert_eq!(member_counts(&store, 3).await, (1, 0));
}
