//! A request that comes again gets its first answer and has no second effect.

use directory::port::RequestIds;
use jiff::SignedDuration;
use testkit::TestServer;
use wire::create_user::PATH;

use crate::{item, user};

#[tokio::test]
async fn the_same_request_gets_the_same_answer_also_after_a_restart() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let signed = administrator.signed(PATH);
    let body = r#"{"data":[{"emailAddress":"a@example.com","password":"correct Horse 7 battery"},{"emailAddress":"nobody"}]}"#;
    let first = administrator.send(PATH, &signed, body).await;
    assert_eq!((first.rows(), first.codes().len()), (1, 1));
    let second = administrator.send(PATH, &signed, body).await;
    assert_eq!(first.body, second.body);

    // The rules have changed meanwhile: the first answer stands.
    server.admin().remove_domain("example.com").await.unwrap();
    let third = administrator.send(PATH, &signed, body).await;
    assert_eq!(first.body, third.body);

    let server = server.restart().await;
    let fourth = server.administrator().send(PATH, &signed, body).await;
    assert_eq!(first.body, fourth.body);
    // The users of the domain went with it.
    assert_eq!(server.admin().count_users().await.unwrap(), testkit::SEEDED - 2 + 1);
}

#[tokio::test]
async fn the_same_request_at_the_same_time_runs_once() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for round in 0..20 {
        let signed = administrator.signed(PATH);
        let body = user(&format!("twin{round}@example.com"));
        let twins = (0..8).map(|_| {
            let (administrator, signed, body) = (administrator.clone(), signed.clone(), body.clone());
            tokio::spawn(async move { administrator.send(PATH, &signed, body).await.body })
        });
        let mut answers = std::collections::BTreeSet::new();
        for twin in twins.collect::<Vec<_>>() {
            answers.insert(twin.await.unwrap());
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(answers.first().unwrap().contains(r#""id":""#), "{answers:?}");
    }
}

#[tokio::test]
async fn the_same_id_with_another_body_is_refused_when_strict() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let signed = administrator.signed(PATH);
    assert_eq!(administrator.send(PATH, &signed, user("a@example.com")).await.rows(), 1);
    for body in [
        user("b@example.com"),
        item(r#""emailAddress":"b@example.com","password":"correct Horse 7 battery""#),
    ] {
        let reused = administrator.send(PATH, &signed, body).await;
        assert_eq!((reused.status, reused.codes()), (409, vec!["err_xdk_request_id_reused".to_owned()]));
    }
    assert!(server.admin().user("b@example.com").await.is_err());
    // Another caller's ids are another caller's.
    let id = wire::header::RequestId::parse(signed.request_id.as_bytes()).unwrap();
    let partner = server.partner();
    assert_eq!(partner.send(PATH, &partner.sign_as(PATH, &id), user("b@example.com")).await.rows(), 1);
}

#[tokio::test]
async fn an_import_signed_once_runs_when_compatible() {
    let server = TestServer::start_with(|config| config.request_ids = RequestIds::Compatible).await;
    let administrator = server.administrator();
    let signed = administrator.signed(PATH);
    for n in 0..10 {
        let body = user(&format!("row{n}@example.com"));
        let first = administrator.send(PATH, &signed, body.clone()).await;
        assert_eq!(first.rows(), 1);
        assert_eq!(administrator.send(PATH, &signed, body).await.body, first.body);
    }
    assert_eq!(server.admin().count_users().await.unwrap(), testkit::SEEDED + 10);
}

/// Only what was executed is remembered: a refusal of the call is not.
#[tokio::test]
async fn a_call_that_was_refused_can_be_made_again() {
    let server = TestServer::start_with(|config| {
        config.quota.calls = 1;
        config.quota.window_ms = 5_000;
    })
    .await;
    let administrator = server.administrator();
    administrator.create(user("a@example.com")).await;
    let signed = administrator.signed(PATH);
    assert_eq!(administrator.send(PATH, &signed, user("b@example.com")).await.status, 429);
    server.clock().advance(SignedDuration::from_secs(5));
    assert_eq!(administrator.send(PATH, &signed, user("b@example.com")).await.rows(), 1);
}

/// A repetition finds done what it asks for, so that there is nothing left to change; it gets the first answer all the same.
#[tokio::test]
async fn what_took_something_away_gets_its_first_answer_too() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    administrator.create(user("a@example.com")).await;
    let path = "/api/user/delete-user";
    let signed = administrator.signed(path);
    let first = administrator.send(path, &signed, user("a@example.com")).await;
    assert_eq!((first.rows(), first.codes().len()), (1, 0), "{first}");
    assert_eq!(administrator.send(path, &signed, user("a@example.com")).await.body, first.body);
    let again = administrator.post(path, user("a@example.com")).await;
    assert_eq!(again.codes(), ["err_xdk_operation_forbidden_for_address"]);
}
