//! What LDAP clients read: bases, users and groups in slices, numbers.

use std::collections::BTreeSet;
use std::sync::Arc;

use directory::audit::Actor;
use directory::change::{Change, ChangeError, Changed};
use directory::groups::{Description, Group, GroupChange, Subject};
use directory::ldap::{Base, FIRST_NUMBER, MAX_DOMAINS, Person, Wanted};
use directory::port::{LdapGroups, LdapPeople, LdapSpan, Store};
use directory::user::{Update, User};
use directory::{Domain, DomainId, DomainName, EmailAddress, GroupId, UserId};
use jiff::SignedDuration;

use crate::Engine;
use crate::engine::*;

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn alias(n: u32, of: u32, address: &str) -> Change {
    Change::AddAlias(User { alias_of: Some(user_id(of)), ..user(n, address) })
}

fn more_domain(n: u8, name: &str) -> Change {
    Change::AddDomain(Domain { id: DomainId::from_bytes([n; 16]), ..domain(1, name) })
}

fn group(n: u8, parent: Option<u8>, name: &str) -> Change {
    Change::Group(GroupChange::Add(Group {
        id: GroupId::from_bytes([n; 16]),
        account: account_id(1),
        parent: parent.map(|parent| GroupId::from_bytes([parent; 16])),
        description: Description::parse(name).unwrap(),
        users: 0,
        folders: 0,
    }))
}

fn member(group: u8, subject: Subject) -> Change {
    Change::Group(GroupChange::AddMember {
        group: GroupId::from_bytes([group; 16]),
        subject,
        notes: String::new(),
    })
}

fn base(name: &str, domain: Option<&str>) -> Base {
    let domain = domain.map(|domain| DomainName::parse(domain).unwrap());
    Base { name: name.to_owned(), key: name.to_lowercase(), domain }
}

/// All slices of a list, with a limit on the rows of each.
async fn people(store: &Arc<dyn Store>, which: &LdapPeople, limit: usize, wanted: Wanted) -> Vec<Person> {
    let (mut found, mut after) = (Vec::new(), None::<String>);
    loop {
        let slice = store.ldap_people(account_id(1), which, after.as_deref(), limit, wanted).await;
        let slice = slice.unwrap().unwrap();
        assert!(slice.read <= limit);
        // A list that is read after a row goes on with the next one.
        if let Some((place, _)) = slice.rows.first() {
            let rest = store.ldap_people(account_id(1), which, Some(place), limit, wanted).await;
            let rest = rest.unwrap().unwrap().rows;
            let next = slice.rows.get(1).map(|(place, _)| place);
            assert!(next.is_none() || rest.first().map(|(place, _)| place) == next);
        }
        found.extend(slice.rows.into_iter().map(|(_, person)| person));
        match slice.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

fn addresses(people: &[Person]) -> Vec<&str> {
    people.iter().map(|person| person.user.address.as_str()).collect()
}

pub(crate) async fn a_base_is_that_of_the_first_domain_unless_it_was_set(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let later = Domain { created_at: now() + SignedDuration::from_secs(1), ..domain(1, "later.example") };
    let later = Domain { id: DomainId::from_bytes([0; 16]), ..later };
    apply(
        &store,
        vec![
            Change::AddDomain(later),
            Change::AddAccount(account(2, &[])),
            Change::AddDomain(domain(2, "other.example")),
        ],
    )
    .await;
    let of = async |bases: &[Base]| store.ldap_account(bases).await.unwrap();
    let first = base("dc=example,dc=com", Some("example.com"));
    assert_eq!(of(&[base("uid=x", None), first.clone()]).await, Some(account_id(1)));
    assert_eq!(of(&[base("dc=later,dc=example", Some("later.example"))]).await, None);
    let root = store.ldap_root(account_id(1)).await.unwrap().unwrap();
    assert_eq!((root.name.as_str(), &root.base), ("Account 1", &None));
    assert_eq!(
        root.domains.iter().map(DomainName::as_str).collect::<Vec<_>>(),
        ["example.com", "later.example"]
    );

    let set = base("O=Staff", None);
    apply(&store, vec![Change::SetLdapBase(account_id(1), Some(set.clone()))]).await;
    let (by_set, by_first) = ([set.clone()], [first.clone()]);
    assert_eq!((of(&by_set).await, of(&by_first).await), (Some(account_id(1)), None));
    assert_eq!(store.ldap_root(account_id(1)).await.unwrap().unwrap().base.as_deref(), Some("O=Staff"));
    // The base of another account, or of its domain, is refused.
    for taken in [set, first.clone()] {
        let change = vec![Change::SetLdapBase(account_id(2), Some(taken))];
        let refused = store.apply(change, Actor::Operator, now()).await.unwrap();
        assert_eq!(refused, Changed::Refused { index: 0, why: ChangeError::BaseTaken });
    }
    apply(&store, vec![Change::SetLdapBase(account_id(1), None)]).await;
    assert_eq!(of(&[first]).await, Some(account_id(1)));
    apply(&store, vec![Change::DisableAccount(account_id(2))]).await;
    assert_eq!(of(&[base("dc=other,dc=example", Some("other.example"))]).await, None);
    assert_eq!(store.ldap_root(account_id(2)).await.unwrap(), None);
}

pub(crate) async fn users_are_read_in_slices_each_once(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let mut changes = vec![more_domain(7, "a.example")];
    for n in 2..30 {
        let place = if n % 3 == 0 { "a.example" } else { "example.com" };
        changes.push(Change::AddUser(user(n, &format!("u{n:02}@{place}"))));
        if n % 4 == 0 {
            changes.push(alias(n + 100, n, &format!("t{n:02}@a.example")));
        }
    }
    apply(&store, changes).await;
    let spans = vec![
        LdapSpan::Range("a.example@".to_owned(), "a.exampleA".to_owned()),
        LdapSpan::Key("example.com@u04".to_owned()),
        LdapSpan::Key("example.com@u05".to_owned()),
        LdapSpan::Key("example.com@nobody".to_owned()),
    ];
    for limit in [1, 2, 3, 7, 100] {
        let all = people(&store, &LdapPeople::All, limit, Wanted::default()).await;
        assert_eq!(all.len(), 29, "{limit}");
        let keys: Vec<_> = all.iter().map(|person| person.user.address.key().to_owned()).collect();
        assert!(keys.is_sorted());

        // 9 users of the domain, 5 with an alias there, and one of two others that is not among these.
        let some = people(&store, &LdapPeople::Some(spans.clone()), limit, Wanted::default()).await;
        let found: BTreeSet<_> = addresses(&some).into_iter().collect();
        assert_eq!((some.len(), found.len()), (15, 15), "{limit}: {found:?}");
        assert!(found.contains("u04@example.com") && found.contains("u05@example.com"));
    }
    // Lists together, also of those who are in both, have each user once.
    let either = LdapPeople::Any(vec![
        LdapPeople::Some(spans.clone()),
        LdapPeople::Ids(vec![user_id(2), user_id(5), user_id(99)]),
        LdapPeople::Any(vec![LdapPeople::Since(now() + SignedDuration::from_hours(9))]),
    ]);
    for limit in [1, 3, 100] {
        let some = people(&store, &either, limit, Wanted::default()).await;
        let found: BTreeSet<_> = addresses(&some).into_iter().collect();
        assert_eq!((some.len(), found.len()), (16, 16), "{limit}: {found:?}");
    }
    let all = LdapPeople::Any(vec![LdapPeople::Ids(vec![user_id(2)]), LdapPeople::All]);
    let slice = store.ldap_people(account_id(1), &all, None, 50, Wanted::default()).await.unwrap();
    assert!(slice.is_err(), "all cannot be a part");
    // Another account sees none of them.
    let slice = store.ldap_people(account_id(2), &LdapPeople::Some(spans), None, 50, Wanted::default()).await;
    assert!(slice.unwrap().unwrap().rows.is_empty());
    let by_ids = LdapPeople::Ids(vec![user_id(2), user_id(99)]);
    assert_eq!(addresses(&people(&store, &by_ids, 9, Wanted::default()).await), ["u02@example.com"]);
    // Those of the domain are no users here.
    let reserved = LdapPeople::Some(vec![LdapSpan::Key("example.com@postmaster".to_owned())]);
    assert!(people(&store, &reserved, 9, Wanted::default()).await.is_empty());
}

pub(crate) async fn a_local_part_names_a_user_alone(engine: &impl Engine) {
    let store = filled_store(engine).await;
    apply(
        &store,
        vec![
            more_domain(7, "a.example"),
            Change::AddUser(user(2, "ann@a.example")),
            Change::AddUser(user(3, "Ann@example.com")),
            Change::AddUser(user(4, "bob@a.example")),
            alias(5, 3, "bob@example.com"),
        ],
    )
    .await;
    let alone = async || {
        let wanted = Wanted { local: true, aliases: true, ..Wanted::default() };
        let all = people(&store, &LdapPeople::All, 9, wanted).await;
        all.iter()
            .filter(|person| person.has_local)
            .map(|person| person.user.address.to_string())
            .collect::<Vec<_>>()
    };
    // An alias is not what a user logs in with.
    assert_eq!(alone().await, ["bob@a.example", "first@example.com"]);
    apply(&store, vec![Change::RemoveUser(user_id(2))]).await;
    assert_eq!(alone().await, ["bob@a.example", "Ann@example.com", "first@example.com"]);
    for n in 0..=MAX_DOMAINS {
        let n = u32::try_from(n).unwrap();
        let id = DomainId::from_bytes([u8::try_from(n).unwrap() + 50; 16]);
        let name = DomainName::parse(&format!("d{n}.example")).unwrap();
        let user = user(200 + n, &format!("x{n}@{name}"));
        apply(
            &store,
            vec![Change::AddDomain(Domain { id, name, ..domain(1, "x.example") }), Change::AddUser(user)],
        )
        .await;
    }
    assert_eq!(alone().await, <[String; 0]>::default());
}

async fn tree(engine: &impl Engine) -> Arc<dyn Store> {
    let store = filled_store(engine).await;
    apply(
        &store,
        vec![
            more_domain(7, "a.example"),
            Change::AddUser(user(2, "ann@example.com")),
            Change::AddUser(user(3, "bob@a.example")),
            alias(4, 3, "robert@example.com"),
            group(1, None, "Staff"),
            group(2, Some(1), "Sales"),
            group(3, Some(2), "EMEA"),
            group(4, None, "sales"),
            group(5, None, "Guests"),
            member(2, Subject::Address(address("ann@example.com"))),
            member(3, Subject::Address(address("robert@example.com"))),
            member(3, Subject::Address(address("guest@elsewhere.example"))),
            member(4, Subject::Domain(DomainName::parse("a.example").unwrap())),
        ],
    )
    .await;
    store
}

pub(crate) async fn members_of_a_group_are_in_every_group_above_it(engine: &impl Engine) {
    let store = tree(engine).await;
    let wanted = Wanted { groups: true, members: true, ..Wanted::default() };
    let all = people(&store, &LdapPeople::All, 9, wanted).await;
    let groups: Vec<_> = all
        .iter()
        .map(|person| {
            person.groups.iter().map(|group| (group.name.as_str(), group.is_first)).collect::<Vec<_>>()
        })
        .collect();
    let (staff, sales, emea) = (("Staff", true), ("Sales", true), ("EMEA", true));
    // The second group of the name is told apart.
    assert_eq!(groups, [vec![staff, sales, emea, ("sales", false)], vec![staff, sales], vec![]]);

    let slice = store.ldap_groups(account_id(1), &LdapGroups::All, None, 9, wanted).await.unwrap();
    let members: Vec<_> = slice
        .rows
        .iter()
        .map(|(_, group)| {
            let members = group.members.as_ref().unwrap().iter().map(EmailAddress::as_str);
            (group.name.name.as_str(), members.collect::<Vec<_>>())
        })
        .collect();
    let (ann, bob) = ("ann@example.com", "bob@a.example");
    let expected = [
        ("Staff", vec![bob, ann]),
        ("Sales", vec![bob, ann]),
        ("EMEA", vec![bob]),
        ("sales", vec![bob]),
        ("Guests", vec![]),
    ];
    assert_eq!(members, expected);

    let id = |n| GroupId::from_bytes([n; 16]);
    for limit in [1, 2, 9] {
        let of = async |ids: &[GroupId]| {
            let found = people(&store, &LdapPeople::Members(ids.to_vec()), limit, Wanted::default()).await;
            addresses(&found).into_iter().map(str::to_owned).collect::<BTreeSet<_>>()
        };
        assert_eq!(of(&[id(1)]).await, BTreeSet::from([ann.to_owned(), bob.to_owned()]));
        assert_eq!(of(&[id(3)]).await, BTreeSet::from([bob.to_owned()]));
        assert_eq!(of(&[id(4), id(5)]).await, BTreeSet::from([bob.to_owned()]));
    }
}

pub(crate) async fn groups_are_found_by_name_id_and_member(engine: &impl Engine) {
    let store = tree(engine).await;
    let ids = async |which: LdapGroups, limit: usize| {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let slice = store.ldap_groups(account_id(1), &which, after.as_deref(), limit, Wanted::default());
            let slice = slice.await.unwrap();
            found.extend(slice.rows.iter().map(|(_, group)| group.name.id.as_bytes()[0]));
            match slice.next {
                Some(next) => after = Some(next),
                None => return found,
            }
        }
    };
    for limit in [1, 2, 9] {
        assert_eq!(ids(LdapGroups::All, limit).await, [1, 2, 3, 4, 5]);
        let names = ["sales", "guests", "nothing"].map(str::to_owned).to_vec();
        assert_eq!(ids(LdapGroups::Named(names), limit).await, [2, 4, 5]);
        let two = [3, 1, 9].map(|n| GroupId::from_bytes([n; 16])).to_vec();
        assert_eq!(ids(LdapGroups::Ids(two), limit).await, [1, 3]);
        let bob = ["bob@a.example", "robert@example.com"].map(address).to_vec();
        assert_eq!(ids(LdapGroups::Of(bob), limit).await, [1, 2, 3, 4]);
    }
    let of_other =
        store.ldap_groups(account_id(2), &LdapGroups::All, None, 9, Wanted::default()).await.unwrap();
    assert!(of_other.rows.is_empty());
}

pub(crate) async fn numbers_are_assigned_once_and_never_again(engine: &impl Engine) {
    let store = tree(engine).await;
    let wanted = Wanted { numbers: true, ..Wanted::default() };
    let numbers = async || {
        let all = people(&store, &LdapPeople::All, 2, wanted).await;
        all.into_iter().map(|person| (person.user.id, person.number.unwrap())).collect::<Vec<(UserId, u32)>>()
    };
    let first = numbers().await;
    assert_eq!(first.iter().map(|(_, number)| *number).collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(first.iter().map(|(_, number)| *number).min(), Some(FIRST_NUMBER));
    assert_eq!(numbers().await, first);
    let groups = store.ldap_groups(account_id(1), &LdapGroups::All, None, 9, wanted).await.unwrap().rows;
    assert_eq!(groups[0].1.number, Some(FIRST_NUMBER + 3));
    let by_number = LdapGroups::Numbers(vec![FIRST_NUMBER + 3, FIRST_NUMBER]);
    let found = store.ldap_groups(account_id(1), &by_number, None, 9, wanted).await.unwrap().rows;
    assert_eq!((found.len(), found[0].1.number), (1, Some(FIRST_NUMBER + 3)));

    // The number of a user that is gone is not given to another.
    let (last, largest) = *first.iter().max_by_key(|(_, number)| *number).unwrap();
    apply(&store, vec![Change::RemoveUser(last), Change::AddUser(user(50, "new@example.com"))]).await;
    let new = people(&store, &LdapPeople::Ids(vec![user_id(50)]), 9, wanted).await;
    assert_eq!(new[0].number, Some(FIRST_NUMBER + 8));
    let gone = people(&store, &LdapPeople::Numbers(vec![largest, FIRST_NUMBER + 8]), 9, wanted).await;
    assert_eq!(addresses(&gone), ["new@example.com"]);
}

pub(crate) async fn users_are_found_by_the_time_of_their_change(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let minutes = |minutes| now() + SignedDuration::from_mins(minutes);
    // Ids are in the order of creation.
    let at = |minute: i64, n: u8, address: &str| User {
        id: UserId::at(minutes(minute), &[n; 10]),
        created_at: minutes(minute),
        ..user(1, address)
    };
    let (old, changed, new) =
        (at(-600, 1, "old@example.com"), at(-600, 2, "changed@example.com"), at(0, 3, "new@example.com"));
    let id = changed.id;
    apply(&store, vec![Change::AddUser(old), Change::AddUser(changed), Change::AddUser(new)]).await;
    let update = Update { name: Some("New".to_owned()), ..Update::default() };
    apply(&store, vec![Change::UpdateUser(id, Box::new(update))]).await;
    let since = async |minute| {
        let found = people(&store, &LdapPeople::Since(minutes(minute)), 2, Wanted::default()).await;
        addresses(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    // More than asked for may be found, but not what is much older.
    assert_eq!(since(-1).await, ["changed@example.com", "new@example.com"]);
    assert_eq!(since(60).await, <[String; 0]>::default());
    assert!(since(-700).await.contains(&"old@example.com".to_owned()));
}
