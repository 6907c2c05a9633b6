//! What SCIM clients keep: further data, their own ids, tokens; renamed users.

use std::collections::BTreeSet;
use std::sync::Arc;

use directory::application::{Client, Product};
use directory::audit::Actor;
use directory::change::{Change, ChangeError, Changed};
use directory::groups::{Description, Group, GroupChange, Subject};
use directory::port::{Freshness, Position, ScimFrom, Store};
use directory::role::BuiltIn;
use directory::scim::{ClientToken, Details, Resource, ScimChange, ScimSettings, ScimUser};
use directory::user::{Update, User};
use directory::{ClientId, EmailAddress, GroupId, TokenId, UserId};
use jiff::SignedDuration;

use crate::Engine;
use crate::engine::*;

const CLIENT: ClientId = ClientId::from_bytes([1; 16]);
const OTHER: ClientId = ClientId::from_bytes([2; 16]);
const GROUP: GroupId = GroupId::from_bytes([5; 16]);

fn client(id: ClientId) -> Change {
    Change::AddClient(Client {
        id,
        account: account_id(1),
        client_id: id.to_string(),
        secret_digest: [0; 32],
        name: "Entra".to_owned(),
        role: BuiltIn::BasicAdministrator.id(),
        products: BTreeSet::from([Product::UserAndGroupManagement]),
        scim: ScimSettings::default(),
        created_at: now(),
    })
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn alias(n: u32, of: u32, address: &str) -> Change {
    Change::AddAlias(User { alias_of: Some(user_id(of)), ..user(n, address) })
}

fn external(client: ClientId, resource: Resource, id: &str) -> Change {
    Change::Scim(ScimChange::SetExternalId(client, resource, Some(id.to_owned())))
}

async fn store_with_clients(engine: &impl Engine) -> Arc<dyn Store> {
    let store = filled_store(engine).await;
    let group = Group {
        id: GROUP,
        account: account_id(1),
        parent: None,
        description: Description::parse("Sales").unwrap(),
        users: 0,
        folders: 0,
    };
    apply(&store, vec![client(CLIENT), client(OTHER), Change::Group(GroupChange::Add(group))]).await;
    store
}

async fn seen(store: &Arc<dyn Store>, client: ClientId, user: UserId) -> Option<ScimUser> {
    store.scim_users(account_id(1), client, &[user]).await.unwrap().pop().unwrap()
}

async fn outcome(store: &Arc<dyn Store>, changes: Vec<Change>) -> Changed {
    store.apply(changes, Actor::Operator, now()).await.unwrap()
}

pub(crate) async fn a_user_has_details_and_an_id_of_each_client(engine: &impl Engine) {
    let store = store_with_clients(engine).await;
    let one = user_id(1);
    let details = Details {
        given_name: "Ann".to_owned(),
        family_name: "Lee".to_owned(),
        attributes: r#"{"title":"Head"}"#.to_owned(),
    };
    apply(
        &store,
        vec![
            Change::AddUser(user(2, "b@example.com")),
            Change::Scim(ScimChange::SetDetails(one, details.clone(), vec!["ann@home.example".to_owned()])),
            external(CLIENT, Resource::User(one), "E-1"),
            external(OTHER, Resource::User(one), "00u1"),
            external(CLIENT, Resource::Group(GROUP), "E-1"),
        ],
    )
    .await;
    let found = seen(&store, CLIENT, one).await.unwrap();
    assert_eq!((&found.details, found.external_id.as_deref()), (&details, Some("E-1")));
    assert!(found.user.updated_at.is_some());
    assert_eq!(seen(&store, OTHER, one).await.unwrap().external_id.as_deref(), Some("00u1"));
    assert_eq!(seen(&store, CLIENT, user_id(2)).await.unwrap().details, Details::default());

    // An id belongs to one object of a kind; upper and lower case are different.
    let twice = outcome(&store, vec![external(CLIENT, Resource::User(user_id(2)), "E-1")]).await;
    assert_eq!(twice, Changed::Refused { index: 0, why: ChangeError::AlreadyExists });
    apply(&store, vec![external(CLIENT, Resource::User(user_id(2)), "e-1")]).await;
    let by = async |client, kind, id: &str| store.by_external_id(client, kind, id).await.unwrap();
    assert_eq!(by(CLIENT, 1, "E-1").await, Some(Resource::User(one)));
    assert_eq!(by(CLIENT, 2, "E-1").await, Some(Resource::Group(GROUP)));
    assert_eq!(by(OTHER, 1, "E-1").await, None);

    // It goes with its object.
    apply(&store, vec![Change::RemoveUser(user_id(2)), Change::Group(GroupChange::Remove(GROUP))]).await;
    assert_eq!((by(CLIENT, 1, "e-1").await, by(CLIENT, 2, "E-1").await), (None, None));
    assert!(seen(&store, CLIENT, user_id(2)).await.is_none());
}

pub(crate) async fn a_change_is_refused_if_the_user_is_no_longer_as_it_was_seen(engine: &impl Engine) {
    let store = store_with_clients(engine).await;
    let one = user_id(1);
    let rename = |name: &str| update(one, Update { name: Some(name.to_owned()), ..Update::default() });
    let expect = |seen: &ScimUser| Change::Scim(ScimChange::Expect(CLIENT, one, Box::new(seen.seen())));
    for change in [
        rename("Another"),
        disable(one),
        alias(20, 1, "alias@example.com"),
        external(CLIENT, Resource::User(one), "E-1"),
        Change::Scim(ScimChange::SetDetails(
            one,
            Details { given_name: "Ann".to_owned(), ..Details::default() },
            Vec::new(),
        )),
        Change::Rename(one, address("second@example.com"), None),
    ] {
        let before = seen(&store, CLIENT, one).await.unwrap();
        assert_eq!(outcome(&store, vec![expect(&before), rename("Other")]).await, Changed::Done);
        let before = seen(&store, CLIENT, one).await.unwrap();
        apply(&store, vec![change]).await;
        let refused = outcome(&store, vec![expect(&before), rename("Lost")]).await;
        assert_eq!(refused, Changed::Refused { index: 0, why: ChangeError::Outdated });
        assert_ne!(seen(&store, CLIENT, one).await.unwrap().user.name, "Lost");
        apply(&store, vec![rename("First")]).await;
    }
    // The id of another client is none of its business.
    let before = seen(&store, CLIENT, one).await.unwrap();
    apply(&store, vec![external(OTHER, Resource::User(one), "00u1")]).await;
    assert_eq!(outcome(&store, vec![expect(&before)]).await, Changed::Done);
}

pub(crate) async fn a_renamed_user_keeps_all_but_its_address(engine: &impl Engine) {
    let store = store_with_clients(engine).await;
    let one = user_id(1);
    let member = |text: &str| Subject::Address(address(text));
    let add = |text: &str| {
        Change::Group(GroupChange::AddMember { group: GROUP, subject: member(text), notes: String::new() })
    };
    apply(&store, vec![Change::AddUser(user(2, "b@example.com")), add("first@example.com")]).await;
    let count = async || store.count_listed(account_id(1), None).await.unwrap();
    let users = count().await;

    let taken = outcome(&store, vec![Change::Rename(one, address("B@example.com"), None)]).await;
    assert_eq!(taken, Changed::Refused { index: 0, why: ChangeError::AddressTaken });
    apply(&store, vec![Change::Rename(one, address("Second@example.com"), Some(user_id(30)))]).await;
    let found = seen(&store, CLIENT, one).await.unwrap();
    assert_eq!(found.user.address.as_str(), "Second@example.com");
    assert_eq!(
        found.aliases.iter().map(|alias| alias.address.as_str()).collect::<Vec<_>>(),
        ["first@example.com"]
    );
    assert_eq!(found.groups, [(GROUP, "Sales".to_owned())]);
    assert_eq!(count().await, users + 1);
    let group = store.group(GROUP).await.unwrap().unwrap();
    let members = store.list_members(&group, &Position::Start, 9).await.unwrap();
    assert_eq!(
        members.iter().map(|member| member.subject.as_str()).collect::<Vec<_>>(),
        ["Second@example.com"]
    );

    // Only the case: nothing else changes. Without an alias the address is free at once.
    apply(&store, vec![Change::Rename(one, address("second@example.com"), Some(user_id(31)))]).await;
    assert_eq!(count().await, users + 1);
    apply(&store, vec![Change::Rename(one, address("third@example.com"), None)]).await;
    assert_eq!(count().await, users + 1);
    apply(&store, vec![Change::AddUser(user(3, "second@example.com"))]).await;
    let group = store.group(GROUP).await.unwrap().unwrap();
    assert_eq!(group.users, 1);

    // Where its alias is a member too, one of both is left.
    apply(&store, vec![add("first@example.com"), Change::RemoveUser(user_id(30))]).await;
    apply(&store, vec![Change::AddUser(user(4, "fourth@example.com")), add("fourth@example.com")]).await;
    apply(&store, vec![Change::RemoveUser(user_id(4)), add("second@example.com")]).await;
    apply(
        &store,
        vec![Change::RemoveUser(user_id(3)), Change::Rename(one, address("second@example.com"), None)],
    )
    .await;
    let group = store.group(GROUP).await.unwrap().unwrap();
    let members = store.list_members(&group, &Position::Start, 9).await.unwrap();
    assert_eq!(group.users, u64::try_from(members.len()).unwrap());
}

pub(crate) async fn users_are_listed_from_any_index(engine: &impl Engine) {
    let store = store_with_clients(engine).await;
    let mut changes = vec![Change::AddDomain(directory::Domain {
        id: directory::DomainId::from_bytes([8; 16]),
        ..domain(1, "a.example")
    })];
    for n in 10..40 {
        let place = if n % 3 == 0 { "a.example" } else { "example.com" };
        changes.push(Change::AddUser(user(n, &format!("u{n}@{place}"))));
        if n % 4 == 0 {
            changes.push(alias(n + 100, n, &format!("t{n}@{place}")));
        }
    }
    apply(&store, changes).await;
    let page = async |from, limit| store.list_scim_users(account_id(1), CLIENT, from, limit).await.unwrap();
    let all = page(ScimFrom::Index(0), 100).await;
    assert_eq!((all.total, all.page.len()), (31, 31));
    assert!(all.page.iter().all(|seen| seen.user.alias_of.is_none() && !seen.user.reserved));
    let ids = |page: &[ScimUser]| page.iter().map(|seen| seen.user.id).collect::<Vec<_>>();
    for (index, seen) in (0..).zip(&all.page) {
        let from_index = page(ScimFrom::Index(index), 4).await;
        let there = &all.page[usize::try_from(index).unwrap()..];
        assert_eq!(ids(&from_index.page), ids(&there[..there.len().min(4)]), "from {index}");
        let after = page(ScimFrom::Key(seen.user.address.key().to_owned()), 4).await;
        assert_eq!(ids(&after.page), ids(&there[1..there.len().min(5)]), "after {index}");
    }
    for index in [31, 32, 1_000, u64::MAX] {
        assert!(page(ScimFrom::Index(index), 4).await.page.is_empty());
    }
    let with_alias = all.page.iter().filter(|seen| !seen.aliases.is_empty()).count();
    assert_eq!(with_alias, 7);
    assert!(
        store.list_scim_users(account_id(2), CLIENT, ScimFrom::Index(0), 9).await.unwrap().page.is_empty()
    );
}

pub(crate) async fn an_application_has_at_most_two_tokens(engine: &impl Engine) {
    let store = store_with_clients(engine).await;
    let token = |n: u8, hours: Option<i64>| {
        Change::Scim(ScimChange::AddToken(ClientToken {
            id: TokenId::from_bytes([n; 16]),
            client: CLIENT,
            digest: [n; 32],
            expires_at: hours.map(|hours| now() + SignedDuration::from_hours(hours)),
            created_at: now(),
        }))
    };
    let tokens = async || {
        let principal = store.client(CLIENT, Freshness::Now).await.unwrap().unwrap();
        assert_eq!(principal.tokens, store.tokens(CLIENT).await.unwrap());
        principal.tokens.iter().map(|token| token.id.as_bytes()[0]).collect::<Vec<_>>()
    };
    apply(&store, vec![token(1, Some(-1)), token(2, None), token(3, Some(1))]).await;
    assert_eq!(tokens().await, [1, 2, 3]);
    let refused = outcome(&store, vec![token(4, None)]).await;
    assert_eq!(refused, Changed::Refused { index: 0, why: ChangeError::TooManyTokens });
    let epoch = async || store.account_by_id(account_id(1)).await.unwrap().unwrap().epoch;
    let before = epoch().await;
    apply(&store, vec![Change::Scim(ScimChange::RevokeToken(TokenId::from_bytes([2; 16])))]).await;
    assert!(epoch().await > before, "a judgement that rests on it is not written");
    apply(&store, vec![token(4, None)]).await;
    assert_eq!(tokens().await, [1, 3, 4]);
}
