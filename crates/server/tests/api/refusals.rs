//! Why signatures were refused: for operators, and never in the response.

use jiff::{SignedDuration, Timestamp};
use server::config::Metrics;
use testkit::{TestCaller, TestServer};

use crate::metrics::collected;
use crate::user;

const PATH: &str = "/api/user/create-user";

/// Code, cause and number of the refusals of an application.
async fn refusals(server: &TestServer, app_id: &str) -> Vec<(String, String, u64)> {
    server.server().refusals_are_examined().await;
    let since = server.clock().now() - SignedDuration::from_hours(7 * 24);
    let found = server.server().refusals_of(app_id, since).await.unwrap();
    let mut rows: Vec<_> = found.into_iter().map(|it| (it.code, it.cause, it.times)).collect();
    rows.sort();
    rows
}

fn other_keys(server: &TestServer, change: impl FnOnce(&mut client::Keys)) -> TestCaller {
    let mut keys = server.administrator().keys().clone();
    change(&mut keys);
    server.caller(&keys)
}

#[tokio::test]
async fn each_refused_signature_has_a_cause_that_only_operators_see() {
    let server = TestServer::start_with(|config| {
        config.metrics = Some(Metrics { listen: ([127, 0, 0, 1], 0).into(), allow_remote: false });
    })
    .await;
    let administrator = server.administrator();
    let app_id = administrator.keys().app_id.clone();
    let wrong_secret = other_keys(&server, |keys| keys.secret_key = "d3Jvbmc=".to_owned());
    let second = server.admin().add_application(testkit::ACCOUNT, "Second").await.unwrap();
    let other_app_key = other_keys(&server, |keys| keys.app_key = second.app_key().to_owned());
    let unknown = other_keys(&server, |keys| keys.access_key = keys.access_key.chars().rev().collect());
    let pair = server.admin().add_binding("admin@example.com", &app_id, None).await.unwrap();
    server.admin().revoke_binding(&pair.access_key).await.unwrap();
    let revoked = other_keys(&server, |keys| keys.access_key = pair.access_key);
    let answers = [
        wrong_secret.create(user("a@example.com")).await,
        other_app_key.create(user("b@example.com")).await,
        unknown.create(user("c@example.com")).await,
        revoked.create(user("d@example.com")).await,
        // Signed for another path.
        administrator.send(PATH, &administrator.signed("api/user/create-user"), user("e@example.com")).await,
    ];
    for answer in &answers {
        assert_eq!((answer.status, answer.codes()), (401, vec!["err_xdk_invalid_signature".to_owned()]));
        assert_eq!(answer.json()["fail"], answers[0].json()["fail"], "one answer for all");
    }
    let late = administrator.signed(PATH);
    server.clock().advance(SignedDuration::from_mins(20));
    assert_eq!(administrator.send(PATH, &late, user("f@example.com")).await.status, 401);

    let found = refusals(&server, &app_id).await;
    let causes: Vec<_> = found.iter().map(|(_, cause, times)| (cause.as_str(), *times)).collect();
    let text = format!("{found:?}");
    assert_eq!(causes.iter().map(|(_, times)| times).sum::<u64>(), 6, "{text}");
    for expected in ["access_key_revoked", "access_key_unknown", "unexplained", "app_key", "path", "clock"] {
        assert!(causes.iter().any(|(cause, _)| cause.starts_with(expected)), "{expected}: {text}");
    }
    let samples = collected(&server).await;
    let sample = format!(
        "matricula_signature_refusals_total{{application=\"{app_id}\",cause=\"access_key_revoked\"}}"
    );
    assert_eq!(samples[&sample], 1.0);

    // They survive a restart, and end after seven days.
    let server = server.restart().await;
    assert_eq!(refusals(&server, &app_id).await, found);
    server.clock().advance(SignedDuration::from_hours(8 * 24));
    let wrong_secret = other_keys(&server, |keys| keys.secret_key = "d3Jvbmc=".to_owned());
    wrong_secret.create(user("a@example.com")).await;
    server.server().refusals_are_examined().await;
    let left = server.server().refusals_of(&app_id, Timestamp::MIN).await.unwrap();
    assert_eq!(left.iter().map(|it| it.times).sum::<u64>(), 1, "{left:?}");
}
