//! The client against a real server: keys that expire, quotas, lost responses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::pin::pin;
use std::sync::Arc;

use client::wire::account::Nothing;
use client::wire::users::{GetInternalUsers, GetProfile, NamesUser, UpdateUser};
use client::{Application, Bulk, CallError, Client, Login, NewUser, Page, Retries, blocking};
use futures_util::StreamExt as _;
use jiff::SignedDuration;
use matricula_client as client;
use playground::test_control::{Entry, Fault, What};
use testkit::{PASSWORD, TestServer};

const ADMIN: &str = "admin@example.com";

/// The server's clock as the clock of a client.
fn clock(server: &TestServer) -> client::Clock {
    let clock = server.clock_handle();
    Arc::new(move || clock.now())
}

fn builder(server: &TestServer) -> client::Builder {
    Client::with_keys(server.administrator().keys()).clock(clock(server))
}

fn login() -> Login {
    Login { address: ADMIN.to_owned(), password: PASSWORD.into() }
}

fn users(count: usize) -> impl Iterator<Item = NewUser> {
    (0..count).map(|n| NewUser::new(format!("user{n:05}@example.com")))
}

#[tokio::test]
async fn from_an_application_and_a_password_to_users() {
    let server = TestServer::start().await;
    let keys = server.administrator().keys().clone();
    let application = Application::from(&keys);
    let there = application.discover(ADMIN).await.unwrap();
    assert_eq!(there.base_url, keys.base_url);
    let wrong = Login { password: "wrong".into(), ..login() };
    let refused = there.log_in(&wrong).await.err().unwrap();
    assert_eq!((refused.code(), refused.is_unknown()), (Some("err_login_refused"), false));

    let client =
        Client::with_keys(&there.log_in(&login()).await.unwrap()).clock(clock(&server)).build().unwrap();
    let answer = client
        .create_users(&[
            NewUser { name: Some("Ann Lee".into()), ..NewUser::new("ann@example.com") },
            NewUser::new("ann@elsewhere.example"),
        ])
        .await
        .unwrap();
    assert_eq!((answer.data[0].email_address.as_str(), answer.data.len()), ("ann@example.com", 1));
    assert_eq!(answer.fail[0].errors[0].code, "err_xdk_operation_forbidden_for_address");
    let change = UpdateUser {
        email_address: "ann@example.com".into(),
        name: Some("Ann Ray".into()),
        ..UpdateUser::default()
    };
    assert_eq!(client.update_users(&[change]).await.unwrap().data[0].name, "Ann Ray");
    let profile = GetProfile { email_address: Some("ann@example.com".into()), ..GetProfile::default() };
    assert_eq!(client.profile(&[profile]).await.unwrap().data[0].name, "Ann Ray");
    assert_eq!(client.account(&[Nothing {}]).await.unwrap().data.len(), 1);
    let gone = client.delete_users(&[NamesUser { email_address: "ann@example.com".into() }]).await.unwrap();
    assert_eq!(gone.data.len(), 1);
    // A new password revokes the key pair.
    let new = "Another good one 7!".into();
    there.change_password(&login(), &new).await.unwrap();
    let refused = client.account(&[Nothing {}]).await.err().unwrap();
    assert_eq!(refused.code(), Some("err_xdk_invalid_signature"));
    let login = Login { password: new, ..login() };
    let client =
        Client::with_keys(&there.log_in(&login).await.unwrap()).clock(clock(&server)).build().unwrap();
    let pair = client.log_out(&[]).await.unwrap();
    assert_eq!(pair.data.len(), 1);
    let refused = client.account(&[] as &[Nothing]).await.err().unwrap();
    assert_eq!(refused.code(), Some("err_xdk_invalid_signature"));
}

#[tokio::test]
async fn pages_go_on_to_the_end() {
    let server = TestServer::start().await;
    let client = builder(&server).build().unwrap();
    let created = client.create_all(users(25), Bulk::default()).collect::<Vec<_>>().await;
    assert_eq!(created.iter().map(|batch| batch.outcomes.as_ref().unwrap().len()).sum::<usize>(), 25);
    let (mut page, mut found) = (Page { page_size: Some(10), page_token: None }, Vec::new());
    loop {
        let answer = client.internal_users(GetInternalUsers::default(), &page).await.unwrap();
        found.extend(answer.data.into_iter().flat_map(|row| row.users).map(|user| user.email_address));
        page.page_token = answer.pagination.and_then(|pagination| pagination.next);
        if page.page_token.is_none() {
            break;
        }
    }
    assert_eq!(found.iter().filter(|address| address.starts_with("user0")).count(), 25);
}

#[tokio::test]
async fn a_key_that_expires_during_a_bulk_call_is_renewed() {
    let server = TestServer::start().await;
    let application = Application::from(server.administrator().keys());
    // Only key pairs of a login expire.
    let keys = application.log_in(&login()).await.unwrap();
    let client = Client::with_keys(&keys).clock(clock(&server)).login(login()).build().unwrap();
    // One request at a time: one that was signed before the clock moved would be expired.
    let mut batches = pin!(client.create_all(users(200), Bulk { batch: 10, concurrency: 1 }));
    let mut created = 0;
    while let Some(batch) = batches.next().await {
        created += batch.outcomes.unwrap().iter().filter(|outcome| outcome.is_ok()).count();
        if created == 50 || created == 120 {
            server.clock().advance(SignedDuration::from_hours(24 * 400));
        }
    }
    assert_eq!(created, 200);
    // The login prolonged the key pair and did not replace it.
    assert_eq!(
        server.caller(&keys).create(r#"{"data":[{"emailAddress":"last@example.com"}]}"#).await.rows(),
        1
    );

    // Without a login, the caller gets the error.
    server.clock().advance(SignedDuration::from_hours(24 * 400));
    let client = Client::with_keys(&keys).clock(clock(&server)).build().unwrap();
    let ended = client.create_users(&[NewUser::new("late@example.com")]).await.err().unwrap();
    assert_eq!(ended.code(), Some("err_xdk_binding_expired"));
    assert!(matches!(ended, CallError::Refused { status: 418, .. }));
}

#[tokio::test]
async fn a_token_is_requested_when_needed_and_renewed_when_expired() {
    let server = TestServer::start().await;
    let application = server.application("Super Administrator", &["userandgroupmanagement"]).await;
    let client = Client::with_token(
        server.administrator().keys().base_url.clone(),
        &application.client_id,
        application.client_secret.as_str(),
    );
    let client = client.clock(clock(&server)).build().unwrap();
    for n in 0..3 {
        let answer = client.create_users(&[NewUser::new(format!("user{n}@example.com"))]).await.unwrap();
        assert_eq!(answer.data.len(), 1);
        // Also when the server's clock is faster than the client's.
        server.clock().advance(SignedDuration::from_hours(1));
    }
    let wrong =
        Client::with_token(server.administrator().keys().base_url.clone(), &application.client_id, "wrong");
    let refused = wrong.clock(clock(&server)).build().unwrap().account(&[Nothing {}]).await.err().unwrap();
    assert_eq!(refused.code(), Some("invalid_client"));
}

#[test]
fn the_blocking_client_does_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let client = blocking::Client::of(builder(&server).build().unwrap()).unwrap();
    let answer = client.create_users(&[NewUser::new("ann@example.com")]).unwrap();
    assert_eq!(answer.data[0].email_address, "ann@example.com");
    let page = client.internal_users(GetInternalUsers::default(), &Page::default()).unwrap();
    assert!(page.data[0].users.iter().any(|user| user.email_address == "ann@example.com"));
    drop(client);
    runtime.block_on(async { drop(server) });
}

#[tokio::test]
async fn every_endpoint_of_the_server_is_one_of_the_client() {
    let mut known: Vec<_> = client::ENDPOINTS.iter().map(|endpoint| endpoint.path).collect();
    // The calls of an application that has no keys yet.
    known.extend(["/api/login/discover-authentication", "/api/login/login", "/api/user/change-password"]);
    // Its body is a file, and no list of items.
    known.push("/api/user/import-users");
    let all = server::endpoints().filter(|endpoint| endpoint.style() == server::Style::Envelope);
    for endpoint in all {
        assert!(known.contains(&endpoint.path), "{} has no method", endpoint.path);
        let of_client = client::ENDPOINTS.iter().find(|known| known.path == endpoint.path);
        if let Some(known) = of_client {
            assert_eq!(known.reads, !endpoint.writes, "{}", endpoint.path);
        }
    }
}

/// The response is lost after the user was created. The retry gets the first response.
#[tokio::test]
async fn a_lost_response_is_returned_to_a_retry() {
    let server = TestServer::start().await;
    let control = server.control();
    let drop_once = || Fault { times: Some(1), ..What::DropAnswer.into() };
    control.inject(drop_once()).unwrap();
    let client = builder(&server).build().unwrap();
    let created = client.create_users(&[NewUser::new("ann@example.com")]).await.unwrap();
    assert_eq!((created.data.len(), created.fail.len()), (1, 0));
    let journal = control.journal();
    let ids: Vec<_> = journal.iter().map(|entry| header(entry, "x-mc-req-id")).collect();
    assert_eq!((ids.len(), ids[0]), (2, ids[1]));
    assert_eq!((journal[0].dropped, journal[1].status), (true, Some(200)));
    assert_eq!(journal[0].body, r#"{"data":[{"emailAddress":"ann@example.com"}]}"#);
    assert_eq!(server.admin().count_users().await.unwrap(), testkit::SEEDED + 1);
    assert!(journal[1].answer.contains(&created.data[0].id));

    // A server that does not deduplicate requests: only reads are repeated.
    let retries = Retries { once_only: false, ..Retries::default() };
    let careful = builder(&server).retries(retries).build().unwrap();
    control.inject(drop_once()).unwrap();
    let lost = careful.create_users(&[NewUser::new("bob@example.com")]).await.err().unwrap();
    assert!(lost.is_unknown(), "{lost}");
    control.inject(drop_once()).unwrap();
    assert_eq!(careful.account(&[Nothing {}]).await.unwrap().data.len(), 1);
}

fn header<'a>(entry: &'a Entry, name: &str) -> &'a str {
    &entry.headers.iter().find(|(found, _)| found == name).unwrap().1
}

#[tokio::test]
async fn temporary_refusals_are_retried_and_permanent_ones_are_not() {
    let server = TestServer::start().await;
    let control = server.control();
    let client = builder(&server).login(login()).build().unwrap();
    for status in [503, 429, 418] {
        control.clear_faults();
        control.clear_journal();
        let times = if status == 418 { 1 } else { 2 };
        control
            .inject(Fault {
                path: Some("/api/account/get-account".into()),
                times: Some(times),
                ..What::Refuse { status }.into()
            })
            .unwrap();
        client.account(&[Nothing {}]).await.unwrap();
        let statuses: Vec<_> = control.journal().iter().map(|entry| entry.status.unwrap()).collect();
        // The status is 418, so the client logs in before it repeats the call.
        let expected = if status == 418 { vec![418, 200, 200] } else { vec![status, status, 200] };
        assert_eq!(statuses, expected);
    }
    for status in [401, 500] {
        control.clear_faults();
        control.clear_journal();
        control.inject(What::Refuse { status }.into()).unwrap();
        let refused = client.account(&[Nothing {}]).await.err().unwrap();
        assert!(matches!(refused, CallError::Refused { status: found, .. } if found == status), "{refused}");
        assert_eq!(control.journal().len(), 1);
    }
}

#[tokio::test]
async fn no_call_is_repeated_without_retries() {
    let server = TestServer::start_with(|config| config.quota.calls = 2).await;
    let client = builder(&server).retries(Retries::NONE).build().unwrap();
    client.account(&[Nothing {}]).await.unwrap();
    client.account(&[Nothing {}]).await.unwrap();
    // This client knows that the quota is used up, and would wait. A second client does not know, and is refused.
    let other = builder(&server).retries(Retries::NONE).build().unwrap();
    let refused = other.account(&[Nothing {}]).await.err().unwrap();
    assert!(matches!(refused, CallError::Refused { status: 429, retry_after: Some(_), .. }), "{refused}");
}

#[test]
fn every_test_passes_on_postgresql_too() {
    testkit::again_on_postgres("every_test_passes_on_postgresql_too");
}
