//! Lists of users, aliases, updates, removal and purge, applications of API 2.0, audit events by time.

use std::sync::Arc;

use ::directory::application::{Client, Product};
use ::directory::attribute::Attribute;
use ::directory::audit::Actor;
use ::directory::change::{Change, ChangeError, Changed, Delegate, Effect};
use ::directory::port::{AuditQuery, Freshness, Position, Store, Write, Written};
use ::directory::role::BuiltIn;
use ::directory::scim::ScimSettings;
use ::directory::user::{PasswordHash, Update, User};
use ::directory::{ClientId, DelegateId, DomainName, EmailAddress, UserId};
use jiff::SignedDuration;

use crate::Engine;
use crate::engine::*;

fn alias(n: u32, of: u32, address: &str) -> User {
    User { alias_of: Some(user_id(of)), ..user(n, address) }
}

fn addresses(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.address.as_str()).collect()
}

/// Makes one change and returns its effect.
pub(crate) async fn effect(store: &Arc<dyn Store>, change: Change) -> Result<Effect, ChangeError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let write = Write {
        once: None,
        evidence: Vec::new(),
        actor: Actor::User { id: user_id(1), address: "first@example.com".to_owned() },
        now: now(),
        changes: vec![change],
        render: Box::new(move |effects| {
            sender.send(effects[0].clone()).unwrap();
            Vec::new()
        }),
        times: None,
    };
    assert_eq!(store.write(vec![write]).await.unwrap(), [Written::Ran(Vec::new())]);
    receiver.recv().unwrap()
}

/// The addresses of the first account in [`store_with_list`], in the order of the list.
const LISTED: [&str; 13] = [
    "abuse@a.example",
    "b@a.example",
    "c@a.example",
    "postmaster@a.example",
    "A@example.com",
    "abuse@example.com",
    "f@example.com",
    "first@example.com",
    "postmaster@example.com",
    "z@example.com",
    "a@example.com.au",
    "abuse@example.com.au",
    "postmaster@example.com.au",
];

/// A directory with [`LISTED`] in several domains, and one user of another account.
async fn store_with_list(engine: &impl Engine) -> Arc<dyn Store> {
    let store = filled_store(engine).await;
    let other = |domain: u8, name: &str| {
        let id = ::directory::DomainId::from_bytes([domain; 16]);
        ::directory::Domain { id, ..domain_of(name) }
    };
    let mut changes = vec![
        Change::AddDomain(other(7, "example.com.au")),
        Change::AddDomain(other(8, "a.example")),
        Change::AddAccount(account(2, &[])),
        Change::AddDomain(domain(2, "two.example")),
        Change::AddUser(User { account: account_id(2), ..user(90, "a@two.example") }),
        Change::AddAlias(alias(30, 1, "f@example.com")),
    ];
    let there = |address: &str| {
        ["first@example.com", "f@example.com"].contains(&address)
            || ["abuse@", "postmaster@"].iter().any(|local| address.starts_with(local))
    };
    let added = LISTED.iter().filter(|address| !there(address));
    changes.extend((10..).zip(added.rev()).map(|(n, address)| Change::AddUser(user(n, address))));
    apply(&store, changes).await;
    store
}

pub(crate) async fn users_are_listed_in_pages_forwards_and_backwards(engine: &impl Engine) {
    let store = store_with_list(engine).await;
    for size in 1..=LISTED.len() + 1 {
        let (mut seen, mut from) = (Vec::new(), Position::Start);
        loop {
            let page = store.list_users(account_id(1), None, &from, size).await.unwrap();
            let Some(last) = page.last() else { break };
            from = Position::After(last.address.key().to_owned());
            seen.extend(page);
        }
        assert_eq!(addresses(&seen), LISTED, "by {size}");
        let mut from = Position::Before(seen.pop().unwrap().address.key().to_owned());
        let mut back: Vec<User> = Vec::new();
        loop {
            let mut page = store.list_users(account_id(1), None, &from, size).await.unwrap();
            let Some(first) = page.first() else { break };
            from = Position::Before(first.address.key().to_owned());
            page.append(&mut back);
            back = page;
        }
        assert_eq!(addresses(&back), LISTED[..12], "back by {size}");
    }
}

pub(crate) async fn users_are_listed_by_domain(engine: &impl Engine) {
    let store = store_with_list(engine).await;
    let list = async |domain: &str| {
        let domain = DomainName::parse(domain).unwrap();
        store.list_users(account_id(1), Some(&domain), &Position::Start, 10).await.unwrap()
    };
    assert_eq!(addresses(&list("example.com").await), LISTED[4..10]);
    assert!(list("two.example").await.is_empty(), "a domain of another account");
}

pub(crate) async fn listed_users_are_counted(engine: &impl Engine) {
    let store = store_with_list(engine).await;
    let account = account_id(1);
    assert_eq!(store.count_listed(account, None).await.unwrap(), 13);
    let domain = DomainName::parse("a.example").unwrap();
    assert_eq!(store.count_listed(account, Some(&domain)).await.unwrap(), 4);
    assert_eq!(store.count_listed(account_id(2), None).await.unwrap(), 3);
    apply(&store, vec![Change::RemoveUser(user_id(1))]).await;
    assert_eq!(store.count_listed(account, None).await.unwrap(), 11, "with its alias");
    // Refused changes do not change the total.
    let refused = vec![Change::AddUser(user(50, "new@example.com")), Change::RemoveUser(user_id(99))];
    let refused = store.apply(refused, Actor::Operator, now()).await.unwrap();
    assert_eq!(refused, Changed::Refused { index: 1, why: ChangeError::NotFound });
    assert_eq!(store.count_listed(account, None).await.unwrap(), 11);
    assert_eq!(engine.open().count_users().await.unwrap(), 14, "also after reopening");
}

fn domain_of(name: &str) -> ::directory::Domain {
    domain(1, name)
}

pub(crate) async fn a_domain_with_users_stays_with_its_account(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let id = store.list_domains().await.unwrap()[0].id;
    apply(&store, vec![Change::AddAccount(account(2, &[])), Change::RemoveDomain(id)]).await;
    assert_eq!(
        effect(&store, Change::AddDomain(domain(2, "example.com"))).await.unwrap_err(),
        ChangeError::DomainHasUsers
    );
    apply(&store, vec![Change::RemoveUser(user_id(1)), Change::AddDomain(domain(2, "example.com"))]).await;
}

pub(crate) async fn an_update_changes_what_it_names(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let before = store.users_by_id(&[user_id(1)]).await.unwrap().remove(0).unwrap();
    let update = Update {
        name: Some("New".to_owned()),
        locked: Some(true),
        allow_pop: Some(true),
        archive_start: Some(now()),
        ..Update::default()
    };
    let Ok(Effect::User(after)) = effect(&store, Change::UpdateUser(user_id(1), Box::new(update))).await
    else {
        panic!("the user as it is now")
    };
    assert_eq!(
        (after.name.as_str(), after.locked, after.allow_pop, after.allow_smtp),
        ("New", true, true, false)
    );
    assert_eq!((after.archive_start, after.updated_at), (Some(now()), Some(now())));
    assert_eq!((after.must_change_password, after.disabled), (before.must_change_password, false));
    assert!(store.principal(&access_key(1), Freshness::Recent).await.unwrap().is_none(), "locked is out");
    assert_eq!(
        effect(&store, Change::UpdateUser(user_id(99), Box::default())).await.unwrap_err(),
        ChangeError::NotFound
    );
}

pub(crate) async fn as_many_passwords_are_remembered_as_required(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let address = EmailAddress::parse("first@example.com").unwrap();
    for n in 1..=6 {
        let hash = PasswordHash::new(format!("hash {n}"));
        effect(&store, Change::UpdateUser(user_id(1), Box::new(Update::password(hash, 3)))).await.unwrap();
    }
    let credentials = store.credentials(&address).await.unwrap().unwrap();
    let history: Vec<_> = credentials.history.iter().map(PasswordHash::expose).collect();
    assert_eq!(
        (credentials.user.password.as_ref().map(PasswordHash::expose), history),
        (Some("hash 6"), vec!["hash 5", "hash 4"])
    );
    let hash = PasswordHash::new("hash 7".to_owned());
    effect(&store, Change::UpdateUser(user_id(1), Box::new(Update::password(hash, 0)))).await.unwrap();
    assert!(
        store.credentials(&address).await.unwrap().unwrap().history.is_empty(),
        "none are to be remembered"
    );
}

pub(crate) async fn removing_a_user_removes_its_aliases_attributes_and_delegates(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let delegate =
        Delegate { id: DelegateId::from_bytes([1; 16]), primary: user_id(1), delegate: user_id(2) };
    let set = vec![(Attribute::Title, "Dr".to_owned()), (Attribute::Office, "1".to_owned())];
    apply(
        &store,
        vec![
            Change::AddUser(user(2, "second@example.com")),
            Change::AddAlias(alias(3, 2, "alias@example.com")),
            Change::SetAttributes(user_id(2), set),
            Change::AddDelegate(delegate),
        ],
    )
    .await;
    let twice = Delegate { id: DelegateId::from_bytes([2; 16]), ..delegate };
    assert_eq!(effect(&store, Change::AddDelegate(twice)).await.unwrap_err(), ChangeError::AlreadyExists);
    assert_eq!(
        store.attributes(user_id(2)).await.unwrap(),
        [(Attribute::Office, "1".to_owned()), (Attribute::Title, "Dr".to_owned())]
    );
    apply(&store, vec![Change::SetAttributes(user_id(2), vec![(Attribute::Title, String::new())])]).await;
    assert_eq!(store.attributes(user_id(2)).await.unwrap().len(), 1);
    let delegates = store.delegates(user_id(1)).await.unwrap();
    assert_eq!((delegates[0].0, delegates[0].1.id), (delegate, user_id(2)));
    assert_eq!(store.delegate(delegate.id).await.unwrap(), Some(delegate));
    assert_eq!(addresses(&store.aliases(user_id(2)).await.unwrap()), ["alias@example.com"]);
    apply(&store, vec![Change::RemoveUser(user_id(2))]).await;
    assert!(
        store.delegates(user_id(1)).await.unwrap().is_empty()
            && store.delegate(delegate.id).await.unwrap().is_none()
    );
    assert!(
        store.attributes(user_id(2)).await.unwrap().is_empty()
            && store.aliases(user_id(2)).await.unwrap().is_empty()
    );
    // Both addresses are free again, and the audit has the removed user.
    apply(&store, vec![Change::AddUser(user(4, "alias@example.com"))]).await;
    let events = store.audit(1, 0, 100).await.unwrap();
    assert!(events.last().unwrap().detail.contains("was removed earlier"));
    assert_eq!(effect(&store, Change::RemoveUser(user_id(2))).await.unwrap_err(), ChangeError::NotFound);
}

pub(crate) async fn a_user_removed_in_the_same_transaction_was_removed_earlier(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let changes = vec![
        Change::AddUser(user(4, "four@example.com")),
        Change::AddUser(user(5, "five@example.com")),
        Change::RemoveUser(user_id(4)),
        Change::AddUser(user(6, "four@example.com")),
        Change::AddUser(user(7, "seven@example.com")),
    ];
    apply(&store, changes).await;
    let events = store.audit(1, 0, 100).await.unwrap();
    let reborn: Vec<_> =
        events.iter().rev().take(5).map(|event| event.detail.contains("removed earlier")).collect();
    assert_eq!(reborn, [false, true, false, false, false]);
}

pub(crate) async fn the_purge_list_has_users_that_are_due(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let later = |hours| now() + SignedDuration::from_hours(hours);
    apply(
        &store,
        vec![
            Change::AddUser(user(2, "b@example.com")),
            Change::Purge(user_id(1), Some(later(2))),
            Change::Purge(user_id(2), Some(later(1))),
        ],
    )
    .await;
    assert!(store.principal(&access_key(1), Freshness::Recent).await.unwrap().is_none(), "out at once");
    assert_eq!(store.due_for_purge(later(0), 9).await.unwrap(), []);
    assert_eq!(store.due_for_purge(later(2), 9).await.unwrap(), [user_id(2), user_id(1)]);
    apply(&store, vec![Change::Purge(user_id(2), None)]).await;
    assert_eq!(store.due_for_purge(later(2), 9).await.unwrap(), [user_id(1)]);
}

pub(crate) async fn the_last_super_administrator_can_t_be_taken_by_a_caller(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let role = Some(BuiltIn::SuperAdministrator.id());
    apply(&store, vec![Change::SetRole(user_id(1), role), Change::AddUser(user(2, "b@example.com"))]).await;
    let takes: [fn() -> Change; 4] = [
        || Change::SetRole(user_id(1), None),
        || disable(user_id(1)),
        || Change::RemoveUser(user_id(1)),
        || Change::Purge(user_id(1), Some(now())),
    ];
    for take in takes {
        assert_eq!(effect(&store, take()).await.unwrap_err(), ChangeError::LastSuperAdministrator);
    }
    apply(&store, vec![Change::SetRole(user_id(2), role)]).await;
    effect(&store, disable(user_id(2))).await.unwrap();
    assert_eq!(
        effect(&store, takes[0]()).await.unwrap_err(),
        ChangeError::LastSuperAdministrator,
        "the other is disabled"
    );
    apply(&store, vec![takes[2]()]).await;
}

pub(crate) async fn a_client_is_found_by_id_and_name_until_it_is_disabled(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let client = Client {
        id: ClientId::from_bytes([4; 16]),
        account: account_id(1),
        client_id: "a client".to_owned(),
        secret_digest: [5; 32],
        name: "Integration".to_owned(),
        role: BuiltIn::BasicAdministrator.id(),
        products: [Product::UserAndGroupManagement, Product::AuditEvents].into(),
        scim: ScimSettings::default(),
        created_at: now(),
    };
    apply(&store, vec![Change::AddClient(client.clone())]).await;
    let principal = store.client(client.id, Freshness::Recent).await.unwrap().unwrap();
    assert_eq!(
        (&principal.client.products, principal.role.as_ref().unwrap().name.as_str()),
        (&client.products, "Basic Administrator")
    );
    assert_eq!(principal.account.id, account_id(1));
    assert_eq!(store.client_by_name("a client").await.unwrap().unwrap().secret_digest, [5; 32]);
    assert_eq!(store.list_clients().await.unwrap().len(), 1);
    apply(&store, vec![Change::DisableClient(client.id)]).await;
    assert!(store.client(client.id, Freshness::Recent).await.unwrap().is_none());
    assert!(
        store.client_by_name("a client").await.unwrap().is_none()
            && store.list_clients().await.unwrap().is_empty()
    );
}

pub(crate) async fn events_are_found_by_account_and_time(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let at = |minutes: i64| now() + SignedDuration::from_mins(minutes);
    apply(&store, vec![Change::AddAccount(account(2, &[])), Change::AddDomain(domain(2, "two.example"))])
        .await;
    // The clock goes forwards, backwards and forwards.
    for (n, minute) in [10, 20, -30, 40].into_iter().enumerate() {
        let n = n as u32;
        let users = vec![
            Change::AddUser(User { created_at: at(minute), ..user(10 + n, &format!("u{n}@example.com")) }),
            Change::AddUser(User {
                created_at: at(minute),
                account: account_id(2),
                ..user(20 + n, &format!("u{n}@two.example"))
            }),
        ];
        assert_eq!(store.apply(users, Actor::Operator, at(minute)).await.unwrap(), Changed::Done);
    }
    let find = async |from: i64, to: i64, limit: usize| {
        let (mut found, mut after, mut pages) = (Vec::new(), (0, 0), 0);
        loop {
            let query = AuditQuery { from: at(from), to: at(to), after, limit };
            let page = store.audit_of(account_id(2), query).await.unwrap();
            found.extend(page.events.into_iter().map(|event| event.target));
            pages += 1;
            match page.next {
                Some(next) => after = next,
                None => return (found, pages),
            }
        }
    };
    for limit in 1..5 {
        assert_eq!(
            find(10, 40, limit).await.0,
            ["u0@two.example", "u1@two.example", "u3@two.example"],
            "by {limit}"
        );
        assert_eq!(find(-30, -30, limit).await.0, ["u2@two.example"]);
    }
    assert_eq!(find(10, 40, 9).await.1, 1);
    assert!(find(41, 99, 9).await.0.is_empty());
}

/// Lookups of every request must also accept unknown ids.
pub(crate) async fn unknown_ids_and_addresses_are_not_found(engine: &impl Engine) {
    let store = filled_store(engine).await;
    assert!(store.users_by_id(&[UserId::from_bytes([0; 16])]).await.unwrap()[0].is_none());
    assert!(store.credentials(&EmailAddress::parse("x@example.com").unwrap()).await.unwrap().is_none());
    apply(&store, vec![Change::AddAlias(alias(3, 1, "alias@example.com"))]).await;
    assert!(
        store.credentials(&EmailAddress::parse("alias@example.com").unwrap()).await.unwrap().is_none(),
        "an alias can't log in"
    );
    apply(&store, vec![Change::DisableAccount(account_id(1))]).await;
    assert!(store.credentials(&EmailAddress::parse("first@example.com").unwrap()).await.unwrap().is_none());
}
