//! User search on a running server: new users are found, deleted ones are not.

use directory::port::Found;
use directory::{AccountId, UserQuery};
use testkit::client::NewUser;
use testkit::{ACCOUNT, DOMAIN, OTHER_ACCOUNT, TestServer};

async fn account(server: &TestServer, code: &str) -> AccountId {
    let accounts = server.admin().accounts().await.unwrap();
    accounts.iter().find(|account| account.code.as_str() == code).unwrap().id
}

async fn find(server: &TestServer, code: &str, text: &str) -> Found {
    let query = UserQuery::new(text, None, None);
    server.admin().find_users(account(server, code).await, &query, None, 10).await.unwrap()
}

#[tokio::test]
async fn somebody_who_was_just_made_is_found_at_once() {
    let server = TestServer::start().await;
    let ann = NewUser { name: Some("Ann Lee".to_owned()), ..NewUser::new("ann@example.com") };
    server.client().create_users(&[ann]).await.unwrap();
    let found = find(&server, ACCOUNT, "lee an").await;
    assert_eq!(found.users.iter().map(|user| user.address.as_str()).collect::<Vec<_>>(), ["ann@example.com"]);
    assert_eq!((found.left, found.complete), (0, true));
    assert_eq!(find(&server, OTHER_ACCOUNT, "lee an").await.users.len(), 0);
}

/// An index that is far behind does not keep a search waiting: each brings it on.
#[tokio::test]
async fn searches_bring_the_index_on() {
    let server = TestServer::start().await;
    server.admin().seed(Some(ACCOUNT), Some(DOMAIN), 3_000, &mut |_| {}).await.unwrap();
    while find(&server, ACCOUNT, "user0003000").await.left > 0 {}
    assert_eq!(find(&server, ACCOUNT, "user0003000").await.users.len(), 1);
}
