//! Pages (RFC 2696) and limits of size.

use std::collections::BTreeSet;

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Scope, SearchEntry, SearchOptions};
use testkit::DOMAIN;
use tokio::net::TcpStream;

use crate::raw::{Raw, control, element, equal, search, split};
use crate::{BASE, Door, connect};

const USERS: usize = 1_200;

async fn large() -> Door {
    let door = Door::start().await;
    door.server.admin().seed(Some(testkit::ACCOUNT), Some(DOMAIN), USERS as u64, &mut |_| {}).await.unwrap();
    door
}

/// The value of the control for pages.
fn page(size: u8, cookie: &[u8]) -> Vec<u8> {
    let value = element(0x30, &[&[2, 1, size][..], &element(4, cookie)].concat());
    control("1.2.840.113556.1.4.319", true, Some(&value))
}

/// The cookie in the controls of a response.
fn cookie(controls: &[u8]) -> Vec<u8> {
    let (_, list, _) = split(controls);
    let (_, one, _) = split(list);
    let (_, _, value) = split(one);
    let (_, value, _) = split(value);
    let (_, content, _) = split(value);
    let (_, _, cookie) = split(content);
    split(cookie).1.to_vec()
}

#[tokio::test]
async fn a_walk_in_pages_finds_every_entry_once() {
    let door = large().await;
    let mut ldap = door.service().await;
    // With the users that each test server has.
    let all = USERS + 4;
    // Few of those that are read match, so a page ends amid what was read at once.
    let few = (1..=USERS).filter(|n| format!("{n:07}").contains("77")).count();
    for (size, filter, found) in [
        (500, "(uid=*)", all),
        (7, "(mail=*@example.com)", all),
        (333, "(objectClass=*)", all + 5),
        (900, "(uid=*)", all),
        (1, "(uid=*77*)", few),
        (2, "(&(mail=*@example.com)(uid=*77*))", few),
        (3, "(|(uid=*77*)(title=nothing))", few),
    ] {
        let adapters: Vec<Box<dyn Adapter<'_, _, _>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(size))];
        let mut walk =
            ldap.streaming_search_with(adapters, BASE, Scope::Subtree, filter, vec!["uid"]).await.unwrap();
        let (mut names, mut count) = (BTreeSet::new(), 0);
        while let Some(entry) = walk.next().await.unwrap() {
            names.insert(SearchEntry::construct(entry).dn);
            count += 1;
        }
        assert_eq!(walk.finish().await.rc, 0);
        assert_eq!((names.len(), count), (found, found), "{size} {filter}");
    }
}

#[tokio::test]
async fn a_search_without_pages_has_a_limit() {
    let door = large().await;
    let mut ldap = door.service().await;
    let found = ldap.search(BASE, Scope::Subtree, "(uid=*)", vec!["1.1"]).await.unwrap();
    assert_eq!((found.0.len(), found.1.rc), (500, 4));
    assert!(found.1.text.contains("ask for pages"), "{}", found.1.text);
    let few = ldap.with_search_options(SearchOptions::new().sizelimit(3));
    let found = few.search(BASE, Scope::Subtree, "(uid=*)", vec!["1.1"]).await.unwrap();
    assert_eq!((found.0.len(), found.1.rc), (3, 4));
    // As many as there are is no error.
    let found = ldap
        .with_search_options(SearchOptions::new().sizelimit(1))
        .search(BASE, Scope::Subtree, "(uid=admin)", vec!["1.1"])
        .await
        .unwrap();
    assert_eq!((found.0.len(), found.1.rc), (1, 0));
}

async fn page_of(raw: &mut Raw<TcpStream>, filter: &[u8], size: u8, from: &[u8]) -> (usize, u8, Vec<u8>) {
    let (entries, result) = raw.ask(&search(2, filter, "1.1", &[page(size, from)])).await;
    let next = if result.code() == 0 { cookie(&result.controls) } else { Vec::new() };
    (entries.len(), result.code(), next)
}

#[tokio::test]
async fn a_cookie_is_of_one_search_of_one_reader() {
    let door = Door::seeded().await;
    let mut raw = door.raw_service().await;
    let present = element(0x87, b"uid");
    let (count, code, next) = page_of(&mut raw, &present, 3, b"").await;
    assert_eq!((count, code, next.is_empty()), (3, 0, false));
    // It is valid as often as it is used, and on another connection.
    for _ in 0..2 {
        assert_eq!(page_of(&mut door.raw_service().await, &present, 3, &next).await.0, 3);
    }
    let mut changed = next.clone();
    changed[0] ^= 1;
    for (filter, cookie) in
        [(&element(0x87, b"mail"), &next), (&present, &changed), (&present, &b"x".to_vec())]
    {
        let (count, code, _) = page_of(&mut raw, filter, 3, cookie).await;
        assert_eq!((count, code), (0, 53));
    }
    let other = Door { client_id: String::new(), secret: String::new(), ..Door::on(door.server).await };
    let door = Door::on(other.server).await;
    assert_eq!(page_of(&mut door.raw_service().await, &present, 3, &next).await.1, 53);
    // A page without entries ends the walk.
    let mut raw = door.raw_service().await;
    let (_, _, next) = page_of(&mut raw, &present, 3, b"").await;
    assert_eq!(page_of(&mut raw, &present, 0, &next).await, (0, 0, Vec::new()));
}

#[tokio::test]
async fn a_walk_goes_on_on_another_node() {
    let door = Door::seeded().await;
    if !door.server.is_shared() {
        return;
    }
    let other = door.server.node().await;
    let address = other.server().ldap_addresses()[0].unwrap();
    let mut second = Raw::on(TcpStream::connect(address).await.unwrap());
    let bound = second.ask(&crate::raw::bind(1, &door.bind_dn(), door.secret.as_bytes())).await;
    assert_eq!(bound.1.code(), 0);
    let mut first = door.raw_service().await;
    let present = element(0x87, b"objectClass");
    let (mut count, mut next) = (0, Vec::new());
    for turn in 0.. {
        let raw = if turn % 2 == 0 { &mut first } else { &mut second };
        let (found, code, cookie) = page_of(raw, &present, 2, &next).await;
        assert_eq!(code, 0);
        count += found;
        next = cookie;
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(count, 17);
    drop(connect(&other).await);
}

/// A page may have fewer entries than asked for, but no search reads many rows that no index finds.
#[tokio::test]
async fn no_search_reads_more_rows_than_allowed() {
    let door = Door::start().await;
    let many = ldap::MAX_ROWS as u64 + 500;
    door.server.admin().seed(Some(testkit::ACCOUNT), Some(DOMAIN), many, &mut |_| {}).await.unwrap();
    let mut raw = door.raw_service().await;
    let nobody = element(0xa4, &[element(4, b"cn"), element(0x30, &element(0x81, b"no such name"))].concat());
    door.server.admin().index_users().await.unwrap();
    let (entries, result) = raw.ask(&search(2, &nobody, "1.1", &[])).await;
    assert_eq!((entries.len(), result.code()), (0, 11));
    assert!(result.has("no index finds"));
    let (mut next, mut pages) = (Vec::new(), 0);
    loop {
        let (found, code, cookie) = page_of(&mut raw, &nobody, 100, &next).await;
        assert_eq!((found, code), (0, 0));
        (next, pages) = (cookie, pages + 1);
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(pages, 2);
    // What an index finds is found, however many users there are.
    door.create(&[("zoe@example.com", "Zoë Quist")]).await;
    let first = |text: &str| {
        let parts = element(0x30, &element(0x80, text.as_bytes()));
        element(0xa4, &[element(4, b"displayName"), parts].concat())
    };
    let either = element(0xa1, &[first("zoë q"), equal("uid", b"nobody")].concat());
    for filter in [equal("uid", b"admin"), equal("cn", "ZOË QUIST".as_bytes()), first("zo"), either] {
        let (entries, result) = raw.ask(&search(2, &filter, "1.1", &[])).await;
        assert_eq!((entries.len(), result.code()), (1, 0));
    }
}
