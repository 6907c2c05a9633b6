//! The laboratory: states to go back to, faults, the journal.

use playground::test_control::{Fault, What};
use serde_json::json;
use testkit::{SEEDED, TestServer};

use crate::user;

#[tokio::test]
async fn the_directory_goes_back_to_what_it_was() {
    let server = TestServer::start().await;
    let control = server.control();
    if server.is_shared() {
        assert!(
            control.snapshot("one").unwrap_err().to_string().starts_with("snapshots work only on SQLite")
        );
        assert!(control.reset().unwrap_err().to_string().starts_with("snapshots work only on SQLite"));
        return;
    }
    let administrator = server.administrator();
    let count = async || server.admin().count_users().await.unwrap();
    assert_eq!(administrator.create(user("ann@example.com")).await.rows(), 1);
    control.snapshot("one").unwrap();
    // What is remembered goes too: users, domains that a snapshot knows, requests, keys.
    server.admin().add_domain(testkit::ACCOUNT, "later.example").await.unwrap();
    let signed = administrator.signed("/api/user/create-user");
    let body = user("bob@later.example");
    assert_eq!(administrator.send("/api/user/create-user", &signed, body.clone()).await.rows(), 1);
    assert_eq!(count().await, SEEDED + 2 + 2);
    control.restore("one").unwrap();
    assert_eq!(count().await, SEEDED + 1);
    let again = administrator.send("/api/user/create-user", &signed, body).await;
    assert_eq!(again.codes(), ["err_xdk_operation_forbidden_for_address"]);
    assert_eq!(administrator.create(user("ann@example.com")).await.codes(), ["err_user_already_exists"]);

    control.inject(What::Refuse { status: 503 }.into()).unwrap();
    control.reset().unwrap();
    assert_eq!(count().await, SEEDED);
    assert_eq!(administrator.create(user("ann@example.com")).await.rows(), 1);
    let reports = server.admin().verify_audit().await.unwrap();
    assert!(reports.iter().all(|report| report.broken.is_none()));
    assert_eq!(control.restore("two").unwrap_err().to_string(), r#"no snapshot is called "two""#);
}

#[tokio::test]
async fn the_journal_has_what_came_and_what_went() {
    let server = TestServer::start().await;
    let control = server.control();
    control.inject(Fault { after: 1, times: Some(1), ..What::Delay { milliseconds: 1 }.into() }).unwrap();
    let administrator = server.administrator();
    let first = administrator.create(user("ann@example.com")).await;
    server.get("/api/nothing?x=1").await;
    let journal = control.journal();
    assert_eq!((journal[0].number, journal[0].method.as_str()), (1, "POST"));
    assert_eq!(
        (journal[0].target.as_str(), journal[0].body.as_str()),
        ("/api/user/create-user", &*user("ann@example.com"))
    );
    assert_eq!((journal[0].status, journal[0].answer.as_str()), (Some(200), first.body.as_str()));
    assert!(
        journal[0].headers.iter().any(|(name, value)| name == "authorization" && value.starts_with("MC "))
    );
    assert_eq!((journal[1].target.as_str(), journal[1].status), ("/api/nothing?x=1", Some(404)));
    assert_eq!(journal[1].faults, [What::Delay { milliseconds: 1 }]);
}

/// Nobody who did not ask for it has one.
#[tokio::test]
async fn a_server_without_a_laboratory_has_no_such_paths() {
    let server = TestServer::start().await;
    for path in ["/sandbox/journal", "/sandbox/reset", "/sandbox/faults", "/sandbox/clock"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
        assert_eq!(server.raw(path, &[], json!({}).to_string()).await.status, 404, "{path}");
    }
}
