//! What a node counts, by application and time.

use directory::Account;
use jiff::SignedDuration;
use server::telemetry::{Series, Span};
use testkit::{ACCOUNT, OTHER_ACCOUNT, TestCaller, TestServer};

use crate::{item, user};

const CREATE: &str = "/api/user/create-user";

async fn account(server: &TestServer, code: &str) -> Account {
    let accounts = server.admin().accounts().await.unwrap();
    accounts.into_iter().find(|account| account.code.as_str() == code).unwrap()
}

async fn series(server: &TestServer, caller: Option<&TestCaller>, span: Span) -> Series {
    let application = caller.map(|caller| caller.keys().app_id.as_str());
    server.server().telemetry().series(account(server, ACCOUNT).await.id, application, span)
}

#[tokio::test]
async fn requests_and_refusals_are_counted_for_the_application() {
    let server = TestServer::start_with(|config| config.quota.calls = 10).await;
    let (administrator, reader) = (server.administrator(), server.administrator_without_permission());
    administrator.create(user("ann@example.com")).await;
    // One call, of which two items are refused; a call that is refused; one that is signed wrong, and names itself.
    let two = r#"{"data":[{"emailAddress":"ann@example.com"},{"emailAddress":"no"},{"emailAddress":"bob@example.com"}]}"#;
    administrator.create(two).await;
    administrator.create("no body").await;
    administrator.send(CREATE, &administrator.signed("/api/another"), user("x@example.com")).await;
    reader.create(user("x@example.com")).await;
    // Neither is counted: they are not the API.
    server.get("/healthz").await;
    server.get("/console/login").await;

    let Series { points, total, .. } = series(&server, Some(&administrator), Span::Hour).await;
    assert_eq!(points.len(), 60);
    assert_eq!((total.requests, total.refused, total.refused_items), (4, 2, 2));
    let codes = [
        ("err_deserialise", 1),
        ("err_user_already_exists", 1),
        ("err_validation_invalid_email_address", 1),
        ("err_xdk_invalid_signature", 1),
    ];
    assert_eq!(total.codes, codes);
    assert_eq!(total.quota_per_mille, 300, "three of ten; nobody draws on it with a wrong signature");
    assert!(total.latency.unwrap().p99 >= total.latency.unwrap().p50);
    assert_eq!(points.last().unwrap().requests, 4);
    let all = series(&server, None, Span::Day).await;
    assert_eq!((all.points.len(), all.total.requests, all.points[95].requests), (96, 5, 5));
    assert_eq!(all.total.codes.iter().find(|(code, _)| *code == "err_xdk_permission_denied").unwrap().1, 1);
}

#[tokio::test]
async fn an_account_sees_its_own() {
    let server = TestServer::start().await;
    let (own, other) = (server.administrator(), server.other_administrator());
    other.post("/api/account/get-account", "").await;
    assert_eq!(series(&server, None, Span::Hour).await.total.requests, 0);
    assert_eq!(series(&server, Some(&other), Span::Hour).await.total.requests, 0, "named, and not its own");
    own.post("/api/account/get-account", "").await;
    let telemetry = server.server().telemetry();
    let name = "An application".to_owned();
    let known = telemetry.applications(account(&server, ACCOUNT).await.id);
    assert_eq!(known, [(own.keys().app_id.clone(), name.clone())]);
    let other_id = account(&server, OTHER_ACCOUNT).await.id;
    assert_eq!(telemetry.applications(other_id), [(other.keys().app_id.clone(), name)]);
    assert_eq!(telemetry.series(other_id, None, Span::Hour).total.requests, 1);
}

#[tokio::test]
async fn an_application_is_known_when_somebody_says_so() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let wrong = async || {
        administrator.send(CREATE, &administrator.signed("/api/another"), "").await;
        series(&server, Some(&administrator), Span::Hour).await.total.requests
    };
    assert_eq!(wrong().await, 0, "it counts for no application");
    let own = account(&server, ACCOUNT).await;
    server.server().telemetry().know(&own, &administrator.keys().app_id, "Mine");
    assert_eq!(wrong().await, 1);
    // In the header it may be in capitals.
    let app_id = administrator.keys().app_id.to_ascii_uppercase().into_bytes();
    server.raw(CREATE, &[("x-mc-app-id".to_owned(), app_id)], "").await;
    let total = series(&server, Some(&administrator), Span::Hour).await.total;
    assert_eq!((total.requests, total.refused), (2, 2));
}

#[tokio::test]
async fn an_application_of_api_2_is_counted_too() {
    let server = TestServer::start().await;
    let application = server.application("Super Administrator", &server::admin::products()).await;
    let token = server.token(&application).await;
    let create = server::endpoints().find(|it| it.path.ends_with("/cloud-gateway/v1/users"));
    let refused = server.post_as(&token, create.unwrap().path, r#"{"emailAddress":"no"}"#).await;
    assert_eq!(refused.status / 100, 4, "{refused}");
    let own = account(&server, ACCOUNT).await.id;
    let total = server.server().telemetry().series(own, Some(&application.client_id), Span::Hour).total;
    assert_eq!((total.requests, total.refused, total.codes.len()), (1, 1, 1));
    // Its own secret, shown wrong: it is known now.
    let wrong = testkit::TestApplication { client_secret: "wrong".to_owned(), ..application.clone() };
    server.unsigned("/oauth/token", wrong.form()).await;
    let total = server.server().telemetry().series(own, Some(&application.client_id), Span::Hour).total;
    assert_eq!((total.requests, total.refused), (2, 2));
}

#[tokio::test]
async fn a_clock_that_is_moved_costs_nothing_but_what_it_skips() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let call = async |minutes: i64| {
        server.clock().advance(SignedDuration::from_mins(minutes));
        administrator.post("/api/account/get-account", item("")).await;
        let requests = async |span| series(&server, None, span).await.total.requests;
        (requests(Span::Hour).await, requests(Span::Day).await)
    };
    assert_eq!(call(0).await, (1, 1));
    assert_eq!(call(59).await, (2, 2));
    assert_eq!(call(1).await, (2, 3), "the first one is over an hour old");
    assert_eq!(call(22 * 60).await, (1, 4));
    assert_eq!(call(-24 * 60 - 1).await.0, 1, "what is to come is not shown");
    assert_eq!(call(100 * 365 * 24 * 60).await, (1, 1));
    assert_eq!(call(-200 * 365 * 24 * 60).await, (1, 1));
}
