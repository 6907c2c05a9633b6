//! The journal of `serve`: what there was, and no secret of it.

use server::journal::Filter;
use testkit::TestServer;

use crate::user;

const PASSWORD: &str = "Canary-pass7word-Zq";
const NEW: &str = "Canary-new8password-Xw";

fn of(account: &str) -> Filter<'_> {
    Filter { account: Some(account), ..Filter::default() }
}

async fn with_journal(keep: usize) -> TestServer {
    TestServer::start_with(|config| {
        config.journal.enabled = true;
        config.journal.keep = keep;
    })
    .await
}

/// Sends a part of a body and closes the connection.
async fn abort_upload(server: &TestServer) {
    let mut connection = server.connect().await;
    let head =
        format!("POST /api/user/create-user HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{PASSWORD}");
    connection.send(&head).await;
    connection.close().await;
}

#[tokio::test]
async fn no_secret_of_a_real_run_is_in_it() {
    let server = with_journal(1_000).await;
    let administrator = server.administrator();
    let keys = administrator.keys().clone();
    let ann = format!(r#"{{"data":[{{"emailAddress":"ann@example.com","password":"{PASSWORD}"}}]}}"#);
    let signed = administrator.signed("/api/user/create-user");
    administrator.send("/api/user/create-user", &signed, ann.clone()).await;
    for body in
        [ann.replace('"', "'"), ann.replace("}]}", "}"), ann.replace(&format!("\"{PASSWORD}\""), PASSWORD)]
    {
        administrator.create(body).await;
    }
    let login = server.log_in("ann@example.com", PASSWORD).await;
    let issued = server.logged_in(&login).keys().clone();
    let changed = server.change_password("ann@example.com", PASSWORD, NEW).await;
    assert_eq!(changed.rows(), 1, "{changed}");
    let application = server.application("Super Administrator", &server::admin::products()).await;
    let token = server.token(&application).await;
    let form = ("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec());
    server.raw("/oauth/token", &[form], application.form()).await;
    server.get_as(&token, "/identity/whoami").await;
    server.get_with(&format!("/api/x?password={PASSWORD}"), &[("cookie".to_owned(), PASSWORD.into())]).await;
    abort_upload(&server).await;

    let journal = server.server().journal().unwrap();
    let shown = format!("{:?}", journal.entries());
    let signature = signed.authorization.rsplit_once(':').unwrap().1;
    let basic = testkit::basic("Basic-Cloud", "ann@example.com", PASSWORD);
    let basic = basic.split_once(' ').unwrap().1;
    for secret in [
        PASSWORD,
        NEW,
        signature,
        basic,
        &keys.secret_key,
        &keys.app_key,
        &issued.secret_key,
        &application.client_secret,
        &token,
    ] {
        assert!(!shown.contains(secret), "{secret} is in the journal: {shown}");
    }
    // And what is no secret is.
    for plain in [
        "ann@example.com",
        &keys.access_key,
        &keys.app_id,
        &application.client_id,
        "grant_type",
        "[redacted]",
    ] {
        assert!(shown.contains(plain), "{plain} is not in the journal: {shown}");
    }
    let first = journal.find(&Filter::default(), 1).unwrap();
    assert_eq!(first.body, ann.replace(PASSWORD, "[redacted]"));
}

#[tokio::test]
async fn entries_are_found_by_what_they_are() {
    let server = with_journal(1_000).await;
    let (administrator, other) = (server.administrator(), server.other_administrator());
    administrator.create(user("ann@example.com")).await;
    other.post("/api/account/get-account", "").await;
    administrator.create("no body").await;
    // The owner of the named application.
    administrator
        .send("/api/user/create-user", &administrator.signed("/api/x"), user("bob@example.com"))
        .await;
    server.get("/healthz").await;
    server.get("/console").await;
    server.get("/consolation?x").await;

    let journal = server.server().journal().unwrap();
    let list = |filter: Filter<'_>| {
        journal.list(&filter, 10).into_iter().map(|entry| entry.number).collect::<Vec<_>>()
    };
    let all = Filter::default();
    assert_eq!(list(all), [5, 4, 3, 2, 1]);
    assert_eq!(list(Filter { account: Some(testkit::ACCOUNT), ..all }), [4, 3, 1]);
    assert_eq!(list(Filter { account: Some(testkit::OTHER_ACCOUNT), ..all }), [2]);
    assert_eq!(list(Filter { status_class: Some(4), ..all }), [5, 4, 3]);
    assert_eq!(list(Filter { path: Some("/consolation"), ..all }), [5]);
    assert_eq!(list(Filter { text: Some("GET-Account"), ..all }), [2]);
    assert_eq!(list(Filter { text: Some("err_deserialise"), ..all }), [3]);
    assert_eq!(list(Filter { before: Some(3), ..all }), [2, 1]);
    assert_eq!(journal.list(&all, 2).len(), 2);

    let entry = journal.find(&of(testkit::ACCOUNT), 3).unwrap();
    assert_eq!(entry.code, Some("err_deserialise"));
    assert_eq!((entry.at, entry.status), (server.clock().now(), Some(400)));
    assert_eq!(entry.caller.as_deref(), Some("admin@example.com"));
    assert_eq!(entry.application.as_deref(), Some("An application"));
    assert!(entry.peer.starts_with("127.0.0.1:") && entry.micros.is_some());
    assert_eq!(journal.find(&of(testkit::OTHER_ACCOUNT), 3), None, "another account's");
    assert_eq!(journal.find(&all, 9), None);
    journal.clear();
    assert_eq!(list(all), [0; 0]);
}

#[tokio::test]
async fn only_the_last_are_kept_and_only_when_asked() {
    let server = with_journal(2).await;
    for _ in 0..5 {
        server.get("/api/x").await;
    }
    let journal = server.server().journal().unwrap();
    let numbers: Vec<_> = journal.entries().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [4, 5]);
    assert!(TestServer::start().await.server().journal().is_none());
}

/// The journal of test control replaces it, without redaction.
#[tokio::test]
async fn a_laboratory_sees_all() {
    let server = with_journal(10).await;
    let control = server.control();
    let body = format!(r#"{{"data":[{{"emailAddress":"ann@example.com","password":"{PASSWORD}"}}]}}"#);
    server.administrator().create(body.clone()).await;
    assert_eq!(control.journal()[0].body, body);
    let entry = server.server().journal().unwrap().find(&of(testkit::ACCOUNT), 1).unwrap();
    assert_eq!(entry, control.journal()[0]);
}
