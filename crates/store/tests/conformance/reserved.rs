//! The users that every internal domain has: `postmaster@` and `abuse@`.

use std::sync::Arc;

use directory::attribute::Attribute;
use directory::audit::Actor;
use directory::change::{Change, ChangeError, Changed, Delegate};
use directory::domains::{DomainChange, InboundType, PendingDomain};
use directory::groups::{Description, Group, GroupChange, Subject};
use directory::port::{Position, Store};
use directory::role::BuiltIn;
use directory::user::{PasswordHash, Update, User};
use directory::{
    DelegateId, Domain, DomainId, DomainName, EmailAddress, GroupId, PendingDomainId, UserId, UserQuery,
};

use crate::Engine;
use crate::engine::*;

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// A domain of account 1 with its own id.
fn another(n: u8, name: &str) -> Change {
    Change::AddDomain(Domain { id: DomainId::from_bytes([n; 16]), ..domain(1, name) })
}

fn register(n: u8, name: &str) -> Change {
    let (id, name) = (PendingDomainId::from_bytes([n; 16]), DomainName::parse(name).unwrap());
    let pending = PendingDomain::new(id, account_id(1), name, InboundType::Any, &[n; 16], now());
    Change::Domain(DomainChange::Register(pending, DomainId::from_bytes([100 + n; 16])))
}

fn verify(n: u8) -> Change {
    let (pending, id) = (PendingDomainId::from_bytes([n; 16]), DomainId::from_bytes([200 + n; 16]));
    Change::Domain(DomainChange::Verify { pending, id, inbound_type: InboundType::Any })
}

async fn list(store: &Arc<dyn Store>, account: u8) -> Vec<User> {
    store.list_users(account_id(account), None, &Position::Start, 1_000).await.unwrap()
}

/// Address and name of every reserved user of account 1.
async fn reserved(store: &Arc<dyn Store>) -> Vec<(String, String)> {
    let users = list(store, 1).await.into_iter().filter(|user| user.reserved);
    users.map(|user| (user.address.to_string(), user.name)).collect()
}

fn both(domains: &[&str]) -> Vec<(String, String)> {
    let of = |domain: &&str| {
        [("abuse", "Domain abuse address"), ("postmaster", "Domain postMaster address")]
            .map(|(local, name)| (format!("{local}@{domain}"), name.to_owned()))
    };
    domains.iter().flat_map(of).collect()
}

/// The counts agree with the rows, and the words find every reserved user.
async fn assert_consistent(store: &Arc<dyn Store>, engine: &impl Engine) {
    let users = list(store, 1).await;
    assert_eq!(store.count_listed(account_id(1), None).await.unwrap(), users.len() as u64);
    assert_eq!(store.count_users().await.unwrap() as i64, engine.rows("users"));
    while store.index_users(100).await.unwrap().left > 0 {}
    for word in ["postmaster", "abuse", "domain", "address"] {
        let query = UserQuery::new(word, None, None);
        let found = store.find_users(account_id(1), &query, None, 1_000, now()).await.unwrap().users;
        let keys = |users: &[User]| {
            let with_word = users.iter().filter(|user| user.reserved && query.finds(user, now()));
            let mut keys: Vec<_> = with_word.map(|user| user.address.key().to_owned()).collect();
            keys.sort_unstable();
            keys
        };
        assert_eq!(keys(&found), keys(&users), "{word}");
    }
    assert!(store.verify_audit().await.unwrap().iter().all(|report| report.broken.is_none()));
}

pub(crate) async fn every_domain_gets_its_users_once(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let before = store.audit(1, 0, 100).await.unwrap().len();
    apply(&store, vec![register(1, "new.example"), register(2, "sub.example.com")]).await;
    assert_eq!(
        reserved(&store).await,
        both(&["example.com", "sub.example.com"]),
        "pending domains have none"
    );
    apply(&store, vec![verify(1)]).await;
    assert_eq!(reserved(&store).await, both(&["example.com", "new.example", "sub.example.com"]));
    for user in list(&store, 1).await.into_iter().filter(|user| user.reserved) {
        assert!(
            user.password.is_none() && user.role.is_none() && user.alias_of.is_none() && !user.is_blocked()
        );
        let found = store.users_by_id(&[user.id]).await.unwrap().remove(0).unwrap();
        assert_eq!((found.address, found.reserved), (user.address, true));
    }
    assert_consistent(&store, engine).await;

    let told = store.audit(1, 0, 100).await.unwrap();
    let told: Vec<_> = told[before..].iter().map(|event| (&*event.action, &*event.detail)).collect();
    let with = |domain: &str| format!("with postmaster@{domain} and abuse@{domain}");
    assert_eq!(told.len(), 3, "one event for each change of a domain");
    assert_eq!(told[1].1, format!("below a domain of the account; {}", with("sub.example.com")));
    assert_eq!(told[2].1, with("new.example"));

    let taken = create(&store, request(1, 1, vec![user(5, "PostMaster@example.com")])).await;
    assert_eq!(taken, written_text("[AddressTaken]"));
    let longest = format!("{}.{}", vec!["a".repeat(60); 4].join("."), "abcd");
    apply(&store, vec![another(9, &longest)]).await;
    assert_eq!(reserved(&store).await.len(), 7, "postmaster@ would be longer than an address can be");
}

pub(crate) async fn users_of_a_domain_cannot_be_changed(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let reserved = store.users(&[address("postmaster@example.com")]).await.unwrap().remove(0).unwrap();
    let (id, normal) = (reserved.id, user_id(1));
    let delegate = |primary, delegate| {
        Change::AddDelegate(Delegate { id: DelegateId::from_bytes([1; 16]), primary, delegate })
    };
    let mut alias = user(5, "alias@example.com");
    alias.alias_of = Some(id);
    let changes = [
        update(id, Update::password(PasswordHash::new("$…".to_owned()), 5)),
        update(id, Update { name: Some("Other".to_owned()), ..Update::default() }),
        disable(id),
        Change::SetRole(id, Some(BuiltIn::BasicAdministrator.id())),
        Change::RemoveUser(id),
        Change::Purge(id, Some(now())),
        Change::SetProfile(id, None),
        Change::SetAttributes(id, vec![(Attribute::PhoneNumber, "1".to_owned())]),
        Change::AddAlias(alias),
        Change::AddBinding(binding(2, id)),
        delegate(id, normal),
        delegate(normal, id),
    ];
    for change in changes {
        let action = change.action();
        let outcome = store.apply(vec![change], Actor::Operator, now()).await.unwrap();
        assert_eq!(outcome, Changed::Refused { index: 0, why: ChangeError::Reserved }, "{action:?}");
    }
    let after = store.users_by_id(&[id]).await.unwrap().remove(0).unwrap();
    assert_eq!(format!("{after:?}"), format!("{reserved:?}"));
}

pub(crate) async fn an_address_from_before_stays_what_it_is(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let alias = User { alias_of: Some(user_id(1)), ..user(6, "abuse@old.example") };
    let changes = vec![
        Change::AddUser(user(5, "Postmaster@old.example")),
        Change::AddAlias(alias),
        another(9, "old.example"),
    ];
    apply(&store, changes).await;
    assert_eq!(reserved(&store).await, both(&["example.com"]));
    assert_eq!(store.audit(1, 0, 100).await.unwrap().last().unwrap().detail, "");
    // They can be removed, and stay removed.
    apply(&store, vec![Change::RemoveUser(user_id(5)), Change::RemoveUser(user_id(6))]).await;
    let reopened = engine.open();
    assert_eq!(reserved(&reopened).await, both(&["example.com"]));
    assert_consistent(&store, engine).await;
}

pub(crate) async fn users_of_a_domain_go_with_it(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let group = Group {
        id: GroupId::from_bytes([7; 16]),
        account: account_id(1),
        parent: None,
        description: Description::parse("Mail").unwrap(),
        users: 0,
        folders: 0,
    };
    let member = GroupChange::AddMember {
        group: group.id,
        subject: Subject::Address(address("abuse@moving.example")),
        notes: String::new(),
    };
    let changes = vec![
        Change::AddAccount(account(2, &[])),
        another(9, "moving.example"),
        Change::Group(GroupChange::Add(group)),
        Change::Group(member),
    ];
    apply(&store, changes).await;
    let removed = Change::RemoveDomain(DomainId::from_bytes([9; 16]));
    apply(&store, vec![removed, Change::AddDomain(domain(2, "moving.example"))]).await;
    assert_eq!(reserved(&store).await, both(&["example.com"]));
    assert_eq!(engine.rows("group_members"), 0);
    let moved: Vec<_> = list(&store, 2).await.iter().map(|user| user.address.to_string()).collect();
    assert_eq!(moved, ["abuse@moving.example", "postmaster@moving.example"], "another account can have it");
    assert_eq!(store.count_listed(account_id(2), None).await.unwrap(), 2);
    assert_consistent(&store, engine).await;
}

/// Two nodes start at the same time on a directory from before.
pub(crate) async fn an_upgrade_adds_the_users_of_domains_once(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let alias = User { alias_of: Some(user_id(1)), ..user(6, "abuse@old.example") };
    let many = (10..40).map(|n| another(n, &format!("{n}.example")));
    let old = vec![
        Change::AddUser(user(5, "Postmaster@old.example")),
        Change::AddAlias(alias),
        another(9, "old.example"),
        another(8, "half.example"),
        Change::AddUser(user(7, "someone@half.example")),
        // What a removed domain leaves is no reason to add something.
        another(7, "gone.example"),
        Change::AddUser(user(8, "left@gone.example")),
        Change::RemoveDomain(DomainId::from_bytes([7; 16])),
    ];
    apply(&store, old.into_iter().chain(many).collect()).await;
    while store.index_users(1_000).await.unwrap().left > 0 {}
    let expected: Vec<_> =
        list(&store, 1).await.into_iter().map(|user| (user.address, user.name, user.reserved)).collect();
    drop(store);
    engine.downgrade();

    let runtime = tokio::runtime::Handle::current();
    let open = || {
        let _runtime = runtime.enter();
        engine.open()
    };
    let nodes =
        std::thread::scope(|scope| [(); 2].map(|()| scope.spawn(open)).map(|node| node.join().unwrap()));
    for store in &nodes {
        let found: Vec<_> =
            list(store, 1).await.into_iter().map(|user| (user.address, user.name, user.reserved)).collect();
        assert_eq!(found, expected);
        assert_consistent(store, engine).await;
    }
    let users = list(&nodes[0], 1).await;
    for user in users.iter().filter(|user| user.reserved) {
        let id = user.id.to_string();
        assert!(user.created_at == now() && user.password.is_none(), "{user:?}");
        // Version 7, with the time of the domain.
        assert_eq!((&id[14..15], id[19..20].contains(['8', '9', 'a', 'b'])), ("7", true), "{id}");
        assert_eq!(&id[..13], &UserId::at(now(), &[0; 10]).to_string()[..13]);
    }
    let ids: std::collections::BTreeSet<_> = users.iter().map(|user| user.id).collect();
    assert_eq!(ids.len(), users.len());
    // Domains that come later get theirs too.
    apply(&nodes[1], vec![another(50, "later.example")]).await;
    assert_consistent(&nodes[0], engine).await;
}
