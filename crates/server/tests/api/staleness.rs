//! What was taken away can never write, however fresh the memory of it is: the clock stands still in these tests, so
//! that everything the server keeps for a second is kept for good.

use jiff::SignedDuration;
use testkit::{Connection, TestCaller, TestServer, bearer};

use crate::{item, user};

/// A server that has just served this caller, and so remembers all about it.
async fn warm(caller: impl Fn(&TestServer) -> TestCaller) -> (TestServer, TestCaller) {
    let server = TestServer::start().await;
    let caller = caller(&server);
    assert_eq!(caller.create(user("warm@example.com")).await.rows(), 1);
    (server, caller)
}

/// Administers from another process, as `matricula admin` does: the server is not told.
fn beside(server: &TestServer) -> server::admin::Admin {
    server.admin_beside()
}

#[tokio::test]
async fn a_revoked_key_does_not_write() {
    let (server, caller) = warm(TestServer::administrator).await;
    beside(&server).revoke_binding(&caller.keys().access_key).await.unwrap();
    let answer = caller.create(user("late@example.com")).await;
    assert_eq!((answer.status, answer.codes()[0].as_str()), (401, "err_xdk_invalid_signature"));
    assert!(server.admin().user("late@example.com").await.is_err());
}

#[tokio::test]
async fn a_disabled_user_does_not_write_and_its_keys_stay_revoked() {
    let (server, caller) = warm(TestServer::administrator).await;
    beside(&server).disable_user("admin@example.com").await.unwrap();
    assert_eq!(caller.create(user("late@example.com")).await.status, 401);
    beside(&server).enable_user("admin@example.com").await.unwrap();
    assert_eq!(caller.create(user("late@example.com")).await.status, 401);
}

#[tokio::test]
async fn a_lost_role_does_not_write() {
    let (server, caller) = warm(TestServer::administrator).await;
    beside(&server).set_role("admin@example.com", Some("Reader")).await.unwrap();
    assert_eq!(caller.create(user("late@example.com")).await.codes(), ["err_xdk_permission_denied"]);
    beside(&server).set_role("admin@example.com", None).await.unwrap();
    // What is refused anyway may be refused on what is known for up to a second.
    server.clock().advance(jiff::SignedDuration::from_secs(1));
    let answer = caller.create(user("late@example.com")).await;
    assert!(answer.body.contains("a user without an administrator role does not have"), "{answer}");
}

#[tokio::test]
async fn a_disabled_application_does_not_write() {
    let (server, caller) = warm(TestServer::administrator).await;
    beside(&server).disable_application(&caller.keys().app_id).await.unwrap();
    assert_eq!(caller.create(user("late@example.com")).await.status, 401);
}

#[tokio::test]
async fn a_domain_that_is_gone_takes_no_user() {
    let (server, caller) = warm(TestServer::administrator).await;
    server.admin().add_domain(testkit::ACCOUNT, "moving.example").await.unwrap();
    // The server remembers whose it is, and no user is in it.
    let refused = caller.create(item(r#""emailAddress":"a@moving.example","password":"short""#)).await;
    assert_eq!(refused.codes(), ["err_password_policy"]);
    beside(&server).remove_domain("moving.example").await.unwrap();
    let answer = caller.create(user("late@moving.example")).await;
    assert_eq!(answer.codes(), ["err_xdk_operation_forbidden_for_address"]);
    // It comes to another account: the first one must not write into it on what it remembers.
    beside(&server).add_domain(testkit::OTHER_ACCOUNT, "moving.example").await.unwrap();
    assert_eq!(caller.create(user("late@moving.example")).await.rows(), 0);
    assert_eq!(server.other_administrator().create(user("late@moving.example")).await.rows(), 1);
}

/// Addresses outlive their domain: nobody else may have the domain as long as they do.
#[tokio::test]
async fn a_domain_with_another_account_s_users_stays_with_it() {
    let (server, _) = warm(TestServer::administrator).await;
    server.admin().remove_domain("example.com").await.unwrap();
    let refused = server.admin().add_domain(testkit::OTHER_ACCOUNT, "example.com").await.unwrap_err();
    assert_eq!(refused.to_string(), "the domain example.com contains addresses of users in another account");
    server.admin().add_domain(testkit::ACCOUNT, "example.com").await.unwrap();
}

#[tokio::test]
async fn a_disabled_account_takes_no_user_and_lets_none_of_its_users_call() {
    let (server, partner) = warm(TestServer::partner).await;
    let below = |address: &str| item(&format!(r#""emailAddress":"{address}","accountCode":"CTEST00003""#));
    assert_eq!(partner.create(below("a@lower.example")).await.rows(), 1);
    beside(&server).disable_account(testkit::LOWER_ACCOUNT).await.unwrap();
    assert_eq!(partner.create(below("b@lower.example")).await.codes(), ["err_account_not_permitted"]);
    beside(&server).disable_account(testkit::ACCOUNT).await.unwrap();
    assert_eq!(partner.create(user("late@example.com")).await.status, 401);
}

#[tokio::test]
async fn a_new_key_works_at_once_and_a_reissued_one_in_place_of_the_old() {
    let (server, caller) = warm(TestServer::administrator).await;
    let new = beside(&server).reissue_binding(&caller.keys().access_key, None).await.unwrap();
    let mut keys = caller.keys().clone();
    keys.access_key = new.access_key.clone();
    keys.secret_key = new.secret_key().to_owned();
    assert_eq!(server.caller(&keys).create(user("new@example.com")).await.rows(), 1);
    assert_eq!(caller.create(user("old@example.com")).await.status, 401);
}

/// Sends the headers of a call to each signed endpoint that takes a body. When this returns, the server knows the caller
/// of each, and waits for the bodies.
async fn begun(
    server: &TestServer,
    headers: impl Fn(&str) -> Vec<(String, Vec<u8>)>,
) -> Vec<(&'static str, Connection)> {
    let mut begun = Vec::new();
    let takes_body = |e: &&server::Endpoint| e.is_signed() && e.method != server::Method::Get;
    for endpoint in server::endpoints().filter(takes_body) {
        let mut connection = server.connect().await;
        let mut head = format!("{} {} HTTP/1.1\r\nHost: x\r\n", endpoint.method.as_str(), endpoint.path);
        for (name, value) in headers(endpoint.path) {
            head.push_str(&format!("{name}: {}\r\n", String::from_utf8(value).unwrap()));
        }
        connection.send(&format!("{head}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")).await;
        let head = connection.head().await;
        // An endpoint for users only is none for an application.
        if head.starts_with("HTTP/1.1 403 ") {
            continue;
        }
        assert!(head.starts_with("HTTP/1.1 100 "), "{}: {head}", endpoint.path);
        begun.push((endpoint.path, connection));
    }
    begun
}

async fn ended(begun: Vec<(&'static str, Connection)>, code: &str) {
    assert!(begun.len() > 30, "nearly all endpoints");
    for (path, mut connection) in begun {
        connection.send("{}").await;
        let (head, body) = connection.answer().await;
        assert!(head.starts_with("HTTP/1.1 401 ") && body.contains(code), "{path}: {head}{body}");
    }
}

/// Whatever was known of a caller when the headers came is looked up again when the body took long: also for calls that
/// only read, which carry no evidence to the store.
#[tokio::test]
async fn a_body_that_comes_late_is_not_answered_to_who_is_out_by_then() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let signed = |path: &str| -> Vec<_> {
        let signed = caller.signed(path);
        signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect()
    };
    let late = begun(&server, signed).await;
    beside(&server).revoke_binding(&caller.keys().access_key).await.unwrap();
    server.clock().advance(SignedDuration::from_millis(1_001));
    ended(late, "err_xdk_invalid_signature").await;

    let application = server.application("Super Administrator", &server::admin::products()).await;
    let token = server.token(&application).await;
    let late = begun(&server, |_| bearer(&token)).await;
    beside(&server).disable_client(&application.client_id).await.unwrap();
    server.clock().advance(SignedDuration::from_millis(1_001));
    ended(late, "token_invalid").await;
}
