//! Search for users by words of their addresses and names, by domain and by state.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::directory::change::Change;
use ::directory::port::{Found, Indexed, Store, Written};
use ::directory::role::BuiltIn;
use ::directory::user::{Update, User};
use ::directory::user_query::{Cursor, State, UserQuery};
use ::directory::{DomainId, DomainName};

use crate::Engine;
use crate::engine::*;

fn named_user(n: u32, address: &str, name: &str) -> User {
    User { name: name.to_owned(), must_change_password: false, ..user(n, address) }
}

async fn index_all(store: &Arc<dyn Store>) {
    while store.index_users(7).await.unwrap().left > 0 {}
}

/// All users that are found, page by page.
async fn find_all(store: &Arc<dyn Store>, account: u8, query: &UserQuery, limit: usize) -> Vec<User> {
    find_all_after(store, account, query, limit, None).await
}

async fn find_all_after(
    store: &Arc<dyn Store>,
    account: u8,
    query: &UserQuery,
    limit: usize,
    mut after: Option<Cursor>,
) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let page = store.find_users(account_id(account), query, after.as_ref(), limit, now()).await.unwrap();
        let Found { users: some, next, complete, left } = page;
        assert!(complete && left == 0 && some.len() <= limit);
        assert!(next.is_none() || some.len() == limit, "a page with a next one is full");
        users.extend(some);
        after = next;
        if after.is_none() {
            return users;
        }
    }
}

/// The addresses that a text finds after indexing, sorted.
async fn found_addresses(store: &Arc<dyn Store>, text: &str) -> Vec<String> {
    index_all(store).await;
    let users = find_all(store, 1, &UserQuery::new(text, None, None), 10).await;
    let mut addresses: Vec<String> = users.iter().map(|user| user.address.to_string()).collect();
    addresses.sort_unstable();
    addresses
}

pub(crate) async fn users_are_found_by_address_and_name(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let users = vec![
        named_user(2, "ann.lee@example.com", "Ann O’Brien-Lee"),
        named_user(3, "Åsa@example.com", "Lee, Åsa"),
        named_user(4, "bob+x@example.com", ""),
    ];
    assert_eq!(create(&store, request(1, 1, users)).await, written_text("[Created, Created, Created]"));
    let changes = vec![
        Change::AddAlias(User { alias_of: Some(user_id(4)), ..named_user(5, "robert@example.com", "") }),
        Change::AddAccount(account(2, &[])),
        Change::AddDomain(domain(2, "two.example")),
        Change::AddUser(User { account: account_id(2), ..named_user(6, "lee@two.example", "Lee") }),
    ];
    apply(&store, changes).await;
    for (text, expected) in [
        ("lee", &["ann.lee@example.com", "Åsa@example.com"][..]),
        ("LEE ann", &["ann.lee@example.com"]),
        ("brien", &["ann.lee@example.com"]),
        ("o'b", &["ann.lee@example.com"]),
        ("ås", &["Åsa@example.com"]),
        ("bob", &["bob+x@example.com"]),
        ("x", &["bob+x@example.com"]),
        ("rob", &["robert@example.com"]),
        ("Bob+x@exam", &["bob+x@example.com"]),
        ("bob@example.com", &[]),
        ("lee@two.example", &[]),
        ("@two.example", &[]),
        ("nobody", &[]),
    ] {
        assert_eq!(found_addresses(&store, text).await, expected, "{text}");
    }
    let elsewhere = find_all(&store, 2, &UserQuery::new("lee", None, None), 10).await;
    assert_eq!(elsewhere.len(), 1);
    assert_eq!(found_addresses(&engine.open(), "lee").await.len(), 2, "also after reopening");
}

pub(crate) async fn changed_users_are_found_by_their_new_words(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let ann = named_user(2, "ann@example.com", "Ann Lee");
    let alias = User { alias_of: Some(user_id(2)), ..named_user(3, "lee@example.com", "") };
    apply(&store, vec![Change::AddUser(ann), Change::AddAlias(alias)]).await;
    assert_eq!(found_addresses(&store, "lee").await, ["ann@example.com", "lee@example.com"]);
    for (name, locked) in [("Ann Smith", None), ("Ann Jones", Some(true))] {
        let name = Some(name.to_owned());
        apply(
            &store,
            vec![update(user_id(2), Update { name, locked, disabled: locked, ..Update::default() })],
        )
        .await;
    }
    assert_eq!(found_addresses(&store, "lee").await, ["lee@example.com"]);
    assert_eq!(found_addresses(&store, "smith").await, Vec::<String>::new());
    assert_eq!(found_addresses(&store, "jones ann").await, ["ann@example.com"]);
    apply(&store, vec![Change::RemoveUser(user_id(2))]).await;
    assert_eq!(found_addresses(&store, "jones").await, Vec::<String>::new());
    assert_eq!(found_addresses(&store, "lee").await, Vec::<String>::new(), "with its alias");
    // Words of former names are removed: only `first`, `user` and `1` are left, and three of each user of the domain.
    assert_eq!(engine.rows("user_words"), 3 + 2 * 3);
}

pub(crate) async fn new_users_are_indexed_once(engine: &impl Engine) {
    let nodes = [filled_store(engine).await, engine.open()];
    index_all(&nodes[0]).await;
    let users = (0..100).map(|n| named_user(10 + n, &format!("new{n:03}@example.com"), "")).collect();
    assert!(matches!(create(&nodes[0], request(1, 1, users)).await, Written::Ran(_)));
    apply(&nodes[1], vec![Change::AddUser(named_user(200, "newer@example.com", ""))]).await;
    let query = UserQuery::new("new", None, None);
    let before = nodes[1].find_users(account_id(1), &query, None, 200, now()).await.unwrap();
    assert_eq!((before.users.len(), before.left), (0, 101));
    assert_eq!(nodes[1].index_users(0).await.unwrap(), Indexed { read: 0, left: 101 });
    let both = tokio::join!(nodes[0].index_users(60), nodes[1].index_users(60));
    let mut read = [both.0.unwrap().read, both.1.unwrap().read];
    read.sort_unstable();
    assert_eq!(read, [41, 60]);
    assert_eq!(nodes[0].index_users(60).await.unwrap(), Indexed::default());
    assert_eq!(find_all(&nodes[0], 1, &query, 200).await.len(), 101);
    assert!(nodes[0].verify_audit().await.unwrap().iter().all(|chain| chain.broken.is_none()));
}

/// A pseudo-random sequence, the same in every run.
struct Chance(u64);

impl Chance {
    fn random_below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick_from<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.random_below(texts.len() as u64) as usize]
    }
}

const DOMAINS: [&str; 3] = ["a.example", "b.example", "example.com"];

/// Users of all kinds in two accounts, and changes to some of them.
async fn fill_by_chance(store: &Arc<dyn Store>, chance: &mut Chance) {
    let mut changes = vec![
        Change::AddDomain(::directory::Domain {
            id: DomainId::from_bytes([7; 16]),
            ..domain(1, "a.example")
        }),
        Change::AddDomain(::directory::Domain {
            id: DomainId::from_bytes([8; 16]),
            ..domain(1, "b.example")
        }),
        Change::AddAccount(account(2, &[])),
        Change::AddDomain(domain(2, "two.example")),
    ];
    let names = ["", "Ann Lee", "ann", "Bob Lee-Ann", "Lea Bobson", "Anna", "Å. Lee"];
    for n in 10..400_u32 {
        let local = format!(
            "{}.{}{n}",
            chance.pick_from(&["ann", "bob", "lee"]),
            chance.pick_from(&["a", "le", "x"])
        );
        let name = chance.pick_from(&names);
        let foreign = chance.random_below(8) == 0;
        let domain = if foreign { "two.example" } else { chance.pick_from(&DOMAINS) };
        let mut user = named_user(n, &format!("{local}@{domain}"), name);
        user.must_change_password = chance.random_below(3) == 0;
        user.role = (chance.random_below(9) == 0).then(|| BuiltIn::BasicAdministrator.id());
        if foreign {
            user.account = account_id(2);
        } else if chance.random_below(9) == 0 {
            user.alias_of = Some(user_id(1));
        }
        changes.push(match user.alias_of {
            Some(_) => Change::AddAlias(user),
            None => Change::AddUser(user),
        });
        let id = user_id(10 + chance.random_below(u64::from(n) - 9) as u32);
        let flag = Some(chance.random_below(2) == 0);
        match chance.random_below(9) {
            0 => changes.push(update(id, Update { locked: flag, ..Update::default() })),
            1 => changes.push(update(id, Update { disabled: flag, ..Update::default() })),
            2 => {
                let name = Some(chance.pick_from(&names).to_owned());
                changes.push(update(id, Update { name, ..Update::default() }));
            }
            3 => changes.push(Change::Purge(id, flag.filter(|flag| *flag).map(|_| now()))),
            _ => {}
        }
    }
    apply(store, changes).await;
}

pub(crate) async fn pages_return_each_matching_user_once(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let mut chance = Chance(7);
    fill_by_chance(&store, &mut chance).await;
    index_all(&store).await;
    let everybody = find_all(&store, 1, &UserQuery::default(), 50).await;
    assert!(everybody.len() > 300);
    let mut hits = 0;
    for n in 0..150 {
        let text = [
            chance.pick_from(&["", "", "a", "ann", "lee", "le", "å"]),
            chance.pick_from(&["", "b", "lee", "x1"]),
        ];
        let text = if n % 20 == 0 { "ann.a2@".to_owned() } else { text.join(" ") };
        let domain =
            (chance.random_below(3) == 0).then(|| DomainName::parse(chance.pick_from(&DOMAINS)).unwrap());
        let states = State::ALL.len() as u64;
        let state = State::ALL.get(chance.random_below(2 * states) as usize).copied();
        let query = UserQuery::new(&text, domain, state);
        // Some searches continue after a cursor of words, which are read by words even if another range is shorter.
        let after = (chance.random_below(2) == 0).then(|| Cursor::Word(String::new(), String::new()));
        let users = find_all_after(&store, 1, &query, 1 + chance.random_below(40) as usize, after).await;
        let keys: BTreeSet<&str> = users.iter().map(|user| user.address.key()).collect();
        let meant: BTreeSet<&str> =
            everybody.iter().filter(|user| query.finds(user, now())).map(|user| user.address.key()).collect();
        assert_eq!(keys, meant, "{query:?}");
        assert_eq!(users.len(), keys.len(), "each once: {query:?}");
        hits += keys.len();
    }
    assert!(hits > 1_500, "there is much to be found: {hits}");
}

pub(crate) async fn a_page_checks_a_limited_number_of_users(engine: &impl Engine) {
    let store = filled_store(engine).await;
    for slice in 0..6_u8 {
        let users = (0..1_000).map(|n| {
            let n = 10 + u32::from(slice) * 1_000 + n;
            let last = if n == 6_009 { "Last" } else { "" };
            named_user(n, &format!("user{n:05}@example.com"), last)
        });
        assert!(matches!(create(&store, request(slice, 1, users.collect())).await, Written::Ran(_)));
    }
    while store.index_users(2_000).await.unwrap().left > 0 {}
    let query = UserQuery::new("user0 last", None, None);
    let find = async |after: Option<&Cursor>| {
        store.find_users(account_id(1), &query, after, 10, now()).await.unwrap()
    };
    // The word that only one user has finds it at once. By the word that all have, it would be the last.
    let found = find(None).await;
    assert_eq!((found.users.len(), found.next, found.complete), (1, None, true));
    let first = find(Some(&Cursor::Word("user0".to_owned(), String::new()))).await;
    assert!(first.users.is_empty() && !first.complete);
    let second = find(first.next.as_ref()).await;
    assert_eq!((second.users.len(), second.next, second.complete), (1, None, true));
}
