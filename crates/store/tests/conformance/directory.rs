//! The directory around the call: lists, aliases, what hangs on users, how they go, logins, applications of API 2.0.

use std::sync::Arc;

use ::directory::application::{Client, Product};
use ::directory::attribute::Attribute;
use ::directory::audit::Actor;
use ::directory::change::{Change, ChangeError, Changed, Delegate, Effect};
use ::directory::login::{Attempt, AuthenticationProfile, Grant, NamedProfile, Outcome};
use ::directory::port::{AuditQuery, Freshness, Position, Store, Write, Written};
use ::directory::role::BuiltIn;
use ::directory::user::{PasswordHash, Update, User};
use ::directory::{BindingId, ClientId, DelegateId, DomainName, EmailAddress, ProfileId, UserId};
use jiff::SignedDuration;

use crate::Engine;
use crate::engine::*;
use crate::usage::used;

fn alias(n: u32, of: u32, address: &str) -> User {
    User { alias_of: Some(user_id(of)), ..user(n, address) }
}

fn addresses(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.address.as_str()).collect()
}

/// Makes one change and gives what came of it.
async fn effect(store: &Arc<dyn Store>, change: Change) -> Result<Effect, ChangeError> {
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
    };
    assert_eq!(store.write(vec![write]).await.unwrap(), [Written::Ran(Vec::new())]);
    receiver.recv().unwrap()
}

pub(crate) async fn users_are_listed_in_pages_by_domain(engine: &impl Engine) {
    let store = filled(engine).await;
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
    ];
    let all = [
        "b@a.example",
        "c@a.example",
        "A@example.com",
        "first@example.com",
        "z@example.com",
        "a@example.com.au",
    ];
    for (n, address) in all.iter().enumerate().filter(|(_, address)| **address != "first@example.com").rev() {
        changes.push(Change::AddUser(user(10 + n as u32, address)));
    }
    changes.push(Change::AddAlias(alias(30, 1, "f@example.com")));
    apply(&store, changes).await;
    let all = [
        "b@a.example",
        "c@a.example",
        "A@example.com",
        "f@example.com",
        "first@example.com",
        "z@example.com",
        "a@example.com.au",
    ];
    let account = account_id(1);
    for size in 1..=all.len() + 1 {
        let (mut seen, mut from) = (Vec::new(), Position::Start);
        loop {
            let page = store.list_users(account, None, &from, size).await.unwrap();
            let Some(last) = page.last() else { break };
            from = Position::After(last.address.key().to_owned());
            seen.extend(page);
        }
        assert_eq!(addresses(&seen), all, "by {size}");
        let mut from = Position::Before(seen.pop().unwrap().address.key().to_owned());
        let mut back: Vec<User> = Vec::new();
        loop {
            let mut page = store.list_users(account, None, &from, size).await.unwrap();
            let Some(first) = page.first() else { break };
            from = Position::Before(first.address.key().to_owned());
            page.append(&mut back);
            back = page;
        }
        assert_eq!(addresses(&back), all[..6], "back by {size}");
    }
    let name = |name: &str| DomainName::parse(name).unwrap();
    let one = store.list_users(account, Some(&name("example.com")), &Position::Start, 10).await.unwrap();
    assert_eq!(addresses(&one), all[2..6]);
    assert_eq!(
        store.list_users(account, Some(&name("two.example")), &Position::Start, 10).await.unwrap().len(),
        0
    );
    assert_eq!(store.count_listed(account, None).await.unwrap(), 7);
    assert_eq!(store.count_listed(account, Some(&name("a.example"))).await.unwrap(), 2);
    assert_eq!(store.count_listed(account_id(2), None).await.unwrap(), 1);
    apply(&store, vec![Change::RemoveUser(user_id(1))]).await;
    assert_eq!(store.count_listed(account, None).await.unwrap(), 5, "with its alias");
    // A list of which one can't be made counts nothing.
    let refused = vec![Change::AddUser(user(50, "new@example.com")), Change::RemoveUser(user_id(99))];
    let refused = store.apply(refused, Actor::Operator, now()).await.unwrap();
    assert_eq!(refused, Changed::Refused { index: 1, why: ChangeError::NotFound });
    assert_eq!(store.count_listed(account, None).await.unwrap(), 5);
    assert_eq!(engine.open().count_users().await.unwrap(), 6, "also after reopening");
}

fn domain_of(name: &str) -> ::directory::Domain {
    domain(1, name)
}

pub(crate) async fn a_domain_with_users_stays_with_its_account(engine: &impl Engine) {
    let store = filled(engine).await;
    let id = store.list_domains().await.unwrap()[0].id;
    apply(&store, vec![Change::AddAccount(account(2, &[])), Change::RemoveDomain(id)]).await;
    assert_eq!(
        effect(&store, Change::AddDomain(domain(2, "example.com"))).await.unwrap_err(),
        ChangeError::DomainHasUsers
    );
    apply(&store, vec![Change::RemoveUser(user_id(1)), Change::AddDomain(domain(2, "example.com"))]).await;
}

pub(crate) async fn an_update_changes_what_it_names(engine: &impl Engine) {
    let store = filled(engine).await;
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

pub(crate) async fn passwords_are_remembered_as_many_as_asked(engine: &impl Engine) {
    let store = filled(engine).await;
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

pub(crate) async fn what_hangs_on_a_user_goes_with_it(engine: &impl Engine) {
    let store = filled(engine).await;
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
    // Both addresses are free again, and the audit knows of what was there.
    apply(&store, vec![Change::AddUser(user(4, "alias@example.com"))]).await;
    let events = store.audit(1, 0, 100).await.unwrap();
    assert!(events.last().unwrap().detail.contains("was removed earlier"));
    assert_eq!(effect(&store, Change::RemoveUser(user_id(2))).await.unwrap_err(), ChangeError::NotFound);
}

pub(crate) async fn the_purge_list_knows_who_is_due(engine: &impl Engine) {
    let store = filled(engine).await;
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
    let store = filled(engine).await;
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

async fn log_in(store: &Arc<dyn Store>, hash: Option<&str>, grant: Grant) -> Outcome {
    let attempt = Attempt {
        user: Some(user_id(2)),
        address: "b@example.com".to_owned(),
        verified: hash.map(|hash| PasswordHash::new(hash.to_owned())),
        rehashed: None,
        grant,
    };
    match effect(store, Change::LogIn(Box::new(attempt))).await {
        Ok(Effect::LogIn(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_login_is_decided_on_the_row_as_it_is(engine: &impl Engine) {
    let store = filled(engine).await;
    let with_password = User {
        password: Some(PasswordHash::new("right".to_owned())),
        must_change_password: false,
        ..user(2, "b@example.com")
    };
    apply(&store, vec![Change::AddUser(with_password)]).await;
    let profile = AuthenticationProfile { binding_life: None, max_bindings: 2 };
    let pair = |n: u8| Grant::Binding(Box::new(binding(n, user_id(2))), profile.clone());
    for _ in 0..4 {
        assert_eq!(log_in(&store, None, Grant::Nothing).await, Outcome::Refused);
    }
    assert_eq!(log_in(&store, Some("right"), pair(10)).await, Outcome::Granted);
    assert!(store.principal(&access_key(10), Freshness::Recent).await.unwrap().is_some());
    assert_eq!(
        log_in(&store, Some("an earlier one"), pair(11)).await,
        Outcome::Refused,
        "no longer the password"
    );
    assert_eq!(log_in(&store, Some("right"), pair(11)).await, Outcome::Granted);
    // The one that was never used makes room; one that was used never does.
    store.note_usage(vec![used(10, 1, "a")]).await.unwrap();
    assert_eq!(log_in(&store, Some("right"), pair(12)).await, Outcome::Granted);
    for (n, is_there) in [(10, true), (11, false), (12, true)] {
        let found = store.principal(&access_key(n), Freshness::Recent).await.unwrap();
        assert_eq!(found.is_some(), is_there, "pair {n}");
    }
    store.note_usage(vec![used(12, 1, "a")]).await.unwrap();
    assert_eq!(log_in(&store, Some("right"), pair(14)).await, Outcome::TooManyBindings);
    let until = now() + SignedDuration::from_hours(1);
    assert_eq!(
        log_in(&store, Some("right"), Grant::Prolong(BindingId::from_bytes([10; 16]), Some(until))).await,
        Outcome::Granted
    );
    let principal = store.principal(&access_key(10), Freshness::Recent).await.unwrap().unwrap();
    assert_eq!(principal.binding.expires_at, Some(until), "seen at once");
    assert_eq!(
        log_in(&store, Some("right"), Grant::Prolong(BindingId::from_bytes([1; 16]), None)).await,
        Outcome::Refused,
        "another user's"
    );
    let new = || Grant::Password(PasswordHash::new("new".to_owned()), 5);
    assert_eq!(log_in(&store, Some("right"), new()).await, Outcome::Granted);
    assert!(
        store.principal(&access_key(10), Freshness::Recent).await.unwrap().is_none(),
        "all pairs are revoked"
    );
    assert_eq!(log_in(&store, Some("right"), new()).await, Outcome::Refused);
    for _ in 0..9 {
        log_in(&store, None, Grant::Nothing).await;
    }
    assert_eq!(log_in(&store, Some("new"), pair(13)).await, Outcome::Refused, "locked out");
    let unknown = Attempt {
        user: None,
        address: "x@example.com".to_owned(),
        verified: None,
        rehashed: None,
        grant: Grant::Nothing,
    };
    assert!(matches!(
        effect(&store, Change::LogIn(Box::new(unknown))).await,
        Ok(Effect::LogIn(Outcome::Refused))
    ));
    let events = store.audit(1, 0, 100).await.unwrap();
    assert_eq!(events.last().unwrap().target, "x@example.com");
    assert!(store.verify_audit().await.unwrap()[0].broken.is_none());
}

pub(crate) async fn profiles_hold_for_users_else_for_accounts(engine: &impl Engine) {
    let store = filled(engine).await;
    let named = |n: u8, life: Option<i64>| NamedProfile {
        id: ProfileId::from_bytes([n; 16]),
        account: account_id(1),
        name: format!("Profile {n}"),
        profile: AuthenticationProfile {
            binding_life: life.map(SignedDuration::from_hours),
            max_bindings: u32::from(n),
        },
    };
    apply(&store, vec![Change::AddProfile(named(1, Some(5))), Change::AddProfile(named(2, None))]).await;
    assert_eq!(store.list_profiles().await.unwrap(), [named(1, Some(5)), named(2, None)]);
    let address = EmailAddress::parse("first@example.com").unwrap();
    let effective = async || store.credentials(&address).await.unwrap().unwrap().profile;
    assert_eq!(effective().await, AuthenticationProfile::default());
    apply(&store, vec![Change::SetAccountProfile(account_id(1), Some(ProfileId::from_bytes([1; 16])))]).await;
    assert_eq!(effective().await, named(1, Some(5)).profile);
    apply(&store, vec![Change::SetProfile(user_id(1), Some(ProfileId::from_bytes([2; 16])))]).await;
    assert_eq!(effective().await, named(2, None).profile);
    let twice =
        NamedProfile { id: ProfileId::from_bytes([3; 16]), name: "PROFILE 1".to_owned(), ..named(1, None) };
    assert_eq!(effect(&store, Change::AddProfile(twice)).await.unwrap_err(), ChangeError::AlreadyExists);
    let unknown = Change::SetProfile(user_id(1), Some(ProfileId::from_bytes([9; 16])));
    assert_eq!(effect(&store, unknown).await.unwrap_err(), ChangeError::NotFound);
}

pub(crate) async fn a_client_is_found_by_id_and_name_until_it_is_disabled(engine: &impl Engine) {
    let store = filled(engine).await;
    let client = Client {
        id: ClientId::from_bytes([4; 16]),
        account: account_id(1),
        client_id: "a client".to_owned(),
        secret_digest: [5; 32],
        name: "Integration".to_owned(),
        role: BuiltIn::BasicAdministrator.id(),
        products: [Product::UserAndGroupManagement, Product::AuditEvents].into(),
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
    let store = filled(engine).await;
    let at = |minutes: i64| now() + SignedDuration::from_mins(minutes);
    apply(&store, vec![Change::AddAccount(account(2, &[])), Change::AddDomain(domain(2, "two.example"))])
        .await;
    // The clock goes on, back, and on again.
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

/// What the hot path looks up for every user must also hold for ids that are nobody's.
pub(crate) async fn nobody_is_nobody(engine: &impl Engine) {
    let store = filled(engine).await;
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
