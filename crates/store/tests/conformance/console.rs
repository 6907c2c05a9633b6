//! The operations that only the console uses: sessions, reading the audit backwards, key pairs by application.

use std::sync::Arc;

use directory::audit::{Actor, Event, Search};
use directory::change::{Change, Changed};
use directory::groups::{Description, Group, GroupChange, Subject};
use directory::login::{Attempt, Grant};
use directory::port::{Store, Write};
use directory::session::{Session, SessionLimits};
use directory::user::{PasswordHash, Update, User};
use directory::{ApplicationId, BindingId, DomainName, EmailAddress, GroupId, SessionId};
use jiff::{SignedDuration, Timestamp};

use crate::Engine;
use crate::engine::*;

const LIMITS: SessionLimits =
    SessionLimits { idle: SignedDuration::from_mins(30), whole: SignedDuration::from_hours(12) };

fn hash() -> PasswordHash {
    PasswordHash::new("hash".to_owned())
}

fn sign_in(n: u8, at: Timestamp) -> Change {
    Change::LogIn(Box::new(Attempt {
        user: Some(user_id(2)),
        address: "ann@example.com".to_owned(),
        verified: Some(hash()),
        rehashed: None,
        grant: Grant::Session(Session {
            id: SessionId::from_bytes([n; 16]),
            digest: [n; 32],
            created_at: at,
        }),
    }))
}

/// A directory in which Ann, who has a password, has two sessions.
async fn signed_in(engine: &impl Engine) -> Arc<dyn Store> {
    let store = filled_store(engine).await;
    let ann = User { password: Some(hash()), must_change_password: false, ..user(2, "ann@example.com") };
    apply(&store, vec![Change::AddUser(ann), sign_in(1, now()), sign_in(2, now())]).await;
    store
}

pub(crate) async fn a_session_lasts_until_it_is_ended(engine: &impl Engine) {
    let store = signed_in(engine).await;
    let found = store.session([1; 32]).await.unwrap().unwrap();
    assert_eq!((found.address.as_str(), found.session.user), ("ann@example.com", user_id(2)));
    assert_eq!((found.session.created_at, found.session.seen_at), (now(), now()));
    assert!(store.session([9; 32]).await.unwrap().is_none());
    let ann = store.users_by_id(&[user_id(2)]).await.unwrap().remove(0).unwrap();
    assert_eq!(ann.logged_in_at, Some(now()));
    apply(&store, vec![Change::EndSession(SessionId::from_bytes([1; 16]))]).await;
    assert!(store.session([1; 32]).await.unwrap().is_none());
    assert!(store.session([2; 32]).await.unwrap().is_some());
    // A session can end only once.
    let again = vec![Change::EndSession(SessionId::from_bytes([1; 16]))];
    assert!(matches!(
        store.apply(again, Actor::Operator, now()).await.unwrap(),
        Changed::Refused { index: 0, .. }
    ));
}

pub(crate) async fn sessions_end_with_their_user_or_password<E: Engine>(_: &E) {
    let changes: [fn() -> Change; 5] = [
        || disable(user_id(2)),
        || update(user_id(2), Update { locked: Some(true), ..Update::default() }),
        || update(user_id(2), Update::password(PasswordHash::new("other".to_owned()), 1)),
        || Change::Purge(user_id(2), Some(now())),
        || Change::RemoveUser(user_id(2)),
    ];
    for change in changes {
        let engine = E::new().unwrap();
        let store = signed_in(&engine).await;
        apply(&store, vec![change()]).await;
        for digest in [[1; 32], [2; 32]] {
            assert!(store.session(digest).await.unwrap().is_none());
        }
        assert_eq!(engine.rows("sessions"), 0);
    }
}

pub(crate) async fn expired_sessions_are_deleted_when_another_is_used(engine: &impl Engine) {
    let store = signed_in(engine).await;
    let at = |minutes| now() + SignedDuration::from_mins(minutes);
    let first = SessionId::from_bytes([1; 16]);
    store.touch_session(first, at(20), LIMITS).await.unwrap();
    assert_eq!(store.session([1; 32]).await.unwrap().unwrap().session.seen_at, at(20));
    // The time of the last use never decreases.
    store.touch_session(first, at(10), LIMITS).await.unwrap();
    assert_eq!(store.session([1; 32]).await.unwrap().unwrap().session.seen_at, at(20));
    assert_eq!(engine.rows("sessions"), 2);
    store.touch_session(first, at(31), LIMITS).await.unwrap();
    assert_eq!(engine.rows("sessions"), 1, "the other was left alone for half an hour");
}

fn minute(n: i64) -> Timestamp {
    now() + SignedDuration::from_mins(n)
}

/// A directory with five users, created while the clock went forwards, backwards and forwards.
async fn store_with_events(engine: &impl Engine) -> Arc<dyn Store> {
    let store = filled_store(engine).await;
    for (n, at) in [(2, 1), (3, 5), (4, 3), (5, 4), (6, 9)] {
        let new = User { created_at: minute(at), ..user(n, &format!("user{n}@example.com")) };
        create(&store, Write { now: minute(at), ..request(n as u8, 1, vec![new]) }).await;
    }
    apply(&store, vec![Change::AddAccount(account(2, &[]))]).await;
    store
}

/// All events that a search finds, and the number of pages.
async fn search_all(store: &Arc<dyn Store>, search: &Search, limit: usize) -> (Vec<Event>, usize) {
    let (mut events, mut rest, mut pages) = (Vec::new(), None, 0);
    loop {
        let found = store.search_audit(account_id(1), search, rest, limit).await.unwrap();
        events.extend(found.events);
        rest = found.rest;
        pages += 1;
        if rest.is_none() {
            return (events, pages);
        }
    }
}

pub(crate) async fn the_audit_is_read_backwards(engine: &impl Engine) {
    let store = store_with_events(engine).await;
    let (events, _) = search_all(&store, &Search::default(), 100).await;
    assert_eq!(events.len(), 10, "events of another account, or of none, are not found");
    for limit in [1, 2, 3, 7] {
        let (paged, pages) = search_all(&store, &Search::default(), limit).await;
        assert_eq!(paged, events, "by {limit}");
        assert!(pages >= 10 / limit);
    }
}

pub(crate) async fn the_audit_is_searched(engine: &impl Engine) {
    let store = store_with_events(engine).await;
    let mut events = Vec::new();
    for chain in store.verify_audit().await.unwrap() {
        events.extend(store.audit(chain.chain, 0, 100).await.unwrap());
    }
    events.retain(|event| event.account == Some(account_id(1)));
    let created_users = |events: &[Event]| {
        let created = events.iter().filter(|event| event.action == "user.created");
        created.map(|event| event.target.clone()).collect::<Vec<_>>()
    };
    for (search, expected) in [
        (Search { target: "USER3".to_owned(), ..Search::default() }, vec!["user3@example.com"]),
        (
            Search {
                actor: "first@".to_owned(),
                action: "created".to_owned(),
                from: Some(minute(4)),
                ..Search::default()
            },
            vec!["user6@example.com", "user3@example.com", "user5@example.com"],
        ),
        (
            Search { from: Some(minute(3)), to: Some(minute(4)), ..Search::default() },
            vec!["user5@example.com", "user4@example.com"],
        ),
        (Search { to: Some(minute(-1)), ..Search::default() }, vec![]),
        (Search { from: Some(minute(10)), ..Search::default() }, vec![]),
    ] {
        let (mut found, _) = search_all(&store, &search, 2).await;
        assert!(found.iter().all(|event| search.finds(event)));
        let expected_all = events.iter().filter(|event| search.finds(event)).count();
        assert_eq!(found.len(), expected_all, "{search:?}");
        found.sort_by_key(|event| std::cmp::Reverse(event.at));
        assert_eq!(created_users(&found), expected, "{search:?}");
    }
}

pub(crate) async fn key_pairs_are_listed_by_application(engine: &impl Engine) {
    let store = filled_store(engine).await;
    apply(
        &store,
        vec![Change::AddBinding(binding(2, user_id(1))), Change::AddBinding(binding(3, user_id(1)))],
    )
    .await;
    let application = ApplicationId::from_bytes([1; 16]);
    let ids = |rows: Vec<directory::port::BindingRow>| {
        rows.iter().map(|row| row.id.as_bytes()[0]).collect::<Vec<_>>()
    };
    assert_eq!(ids(store.bindings_to(application, None, 2).await.unwrap()), [3, 2]);
    let third = Some(BindingId::from_bytes([3; 16]));
    assert_eq!(ids(store.bindings_to(application, third, 9).await.unwrap()), [2, 1]);
    // An expiry can only be moved closer.
    let (soon, later) = (now() + SignedDuration::from_hours(1), now() + SignedDuration::from_hours(9));
    let second = BindingId::from_bytes([2; 16]);
    for at in [later, soon, later] {
        apply(&store, vec![Change::ExpireBinding(second, at)]).await;
    }
    let row = store.binding(second).await.unwrap().unwrap();
    assert_eq!((row.user, row.expires_at, row.revoked_at), (user_id(1), Some(soon), None));
    apply(&store, vec![Change::RevokeBinding(second)]).await;
    assert!(store.binding(second).await.unwrap().unwrap().revoked_at.is_some());
    assert_eq!(ids(store.bindings_to(application, None, 9).await.unwrap()), [3, 1]);
    let other = ApplicationId::from_bytes([7; 16]);
    assert!(store.bindings_to(other, None, 9).await.unwrap().is_empty());
}

pub(crate) async fn a_user_knows_its_groups(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let group = |n: u8, name: &str| Group {
        id: GroupId::from_bytes([n; 16]),
        account: account_id(1),
        parent: None,
        description: Description::parse(name).unwrap(),
        users: 0,
        folders: 0,
    };
    let join = |n: u8, subject: Subject| {
        let group = GroupId::from_bytes([n; 16]);
        Change::Group(GroupChange::AddMember { group, subject, notes: String::new() })
    };
    let first = EmailAddress::parse("First@example.com").unwrap();
    apply(
        &store,
        vec![
            Change::Group(GroupChange::Add(group(1, "Zebra"))),
            Change::Group(GroupChange::Add(group(2, "Ant"))),
            Change::Group(GroupChange::Add(group(3, "Bee"))),
            join(1, Subject::Address(first.clone())),
            join(2, Subject::Domain(DomainName::parse("example.com").unwrap())),
            join(3, Subject::Address(EmailAddress::parse("other@elsewhere.example").unwrap())),
        ],
    )
    .await;
    let names = |groups: Vec<Group>| {
        groups.iter().map(|group| group.description.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(store.groups_of(account_id(1), &first).await.unwrap()), ["Ant", "Zebra"]);
    assert!(store.groups_of(account_id(2), &first).await.unwrap().is_empty());
}
