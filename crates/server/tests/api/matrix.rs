//! The authorisation matrix: every signed endpoint against every kind of caller. An endpoint that has no row here fails
//! the build.

use testkit::TestServer;

use crate::user;

/// A body that the endpoint carries out for the administrator, with a different effect each time.
fn body_for(path: &str, n: usize) -> String {
    match path {
        "/api/user/create-user" => user(&format!("matrix{n}@example.com")),
        _ => panic!("{path} has no row in the authorisation matrix: add one"),
    }
}

/// What another account's administrator gets: allowed to call, but not to touch what is not its own.
fn code_for_other_account(path: &str) -> &'static str {
    match path {
        "/api/user/create-user" => "err_xdk_operation_forbidden_for_address",
        _ => panic!("{path} has no row in the authorisation matrix: add one"),
    }
}

#[tokio::test]
async fn every_endpoint_refuses_who_may_not_and_serves_who_may() {
    let server = TestServer::start().await;
    let mut all = String::new();
    for endpoint in server::ENDPOINTS {
        let path = endpoint.path;
        let administrator = server.administrator();
        let mut record = |who: &str, answer: &testkit::Response| {
            all.push_str(&format!("# {path}, {who}\n{answer}\n\n"));
        };

        // Without any header; with a signature that is wrong; with a date that is stale.
        let unsigned = server.unsigned(path, body_for(path, 1)).await;
        assert_eq!(
            (unsigned.status, unsigned.codes().as_slice()),
            (400, &["err_xdk_missing_header".to_owned()][..])
        );
        let signed = administrator.signed("/api/another/path");
        let bad = administrator.send(path, &signed, body_for(path, 2)).await;
        record("without headers", &unsigned);
        record("signed for another path", &bad);
        assert_eq!((bad.status, bad.codes()[0].as_str()), (401, "err_xdk_invalid_signature"), "{path}");
        let signed = administrator.signed(path);
        server.clock().advance(server::admin::hours(1));
        let stale = administrator.send(path, &signed, body_for(path, 3)).await;
        record("signed an hour ago", &stale);
        assert_eq!((stale.status, stale.codes()[0].as_str()), (401, "err_xdk_request_expired"), "{path}");

        for (who, caller, status, code) in [
            ("stranger", server.stranger(), 401, "err_xdk_invalid_signature"),
            ("expired key", server.expired_administrator(), 418, "err_xdk_binding_expired"),
            (
                "without the permission",
                server.administrator_without_permission(),
                403,
                "err_xdk_permission_denied",
            ),
        ] {
            let refused = caller.post(path, body_for(path, 4)).await;
            record(who, &refused);
            assert_eq!((refused.status, refused.codes()[0].as_str()), (status, code), "{path}");
            assert_eq!(refused.rows(), 0);
        }
        let denied = server.administrator_without_permission().post(path, body_for(path, 5)).await;
        assert!(denied.body.contains(endpoint.permission), "names the permission: {}", denied.body);

        let other = server.other_administrator().post(path, body_for(path, 6)).await;
        record("other account", &other);
        assert_eq!((other.status, other.codes()[0].as_str()), (200, code_for_other_account(path)));
        assert_eq!(other.rows(), 0);

        let good = administrator.post(path, body_for(path, 7)).await;
        assert_eq!((good.status, good.codes().len(), good.rows()), (200, 0, 1), "{path}: {good}");
    }
    insta::assert_snapshot!(all);
    // Seven attempts an endpoint, and one that may.
    let events = server.admin().audit(0, 1_000).await.unwrap();
    let created: Vec<_> = events.iter().filter(|event| event.target.starts_with("matrix")).collect();
    assert_eq!(created.len(), server::ENDPOINTS.len());
    assert_eq!(created[0].actor, "admin@example.com");
}

/// Whether the access key is unknown, or known with a wrong secret or a wrong application key, must not show.
#[tokio::test]
async fn wrong_keys_of_every_kind_get_the_same_answer() {
    let server = TestServer::start().await;
    let keys = server.administrator().keys().clone();
    let mut answers = Vec::new();
    for wrong in ["access_key", "secret_key", "app_key"] {
        let mut keys = keys.clone();
        match wrong {
            "access_key" => keys.access_key = "unknown".to_owned(),
            "secret_key" => keys.secret_key = "d3Jvbmc=".to_owned(),
            _ => keys.app_key = "wrong".to_owned(),
        }
        // A quota of its own for each: the number that remains is not what is compared.
        let answer = server.caller(&keys).create(user("a@example.com")).await;
        answers.push((
            answer.status,
            answer.body.clone(),
            answer.header("x-ratelimit-limit").map(str::to_owned),
        ));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1], answers[2]);
    assert!(answers[0].1.contains("0004 Invalid Signature"));
}

/// A signature that holds, with another application id: recorded as 200 with a code (spec/clients.md 3.5).
#[tokio::test]
async fn an_application_id_that_is_not_the_key_s_is_told_apart() {
    let server = TestServer::start().await;
    let mut keys = server.administrator().keys().clone();
    keys.app_id = "INVALID".to_owned();
    let unknown = server.caller(&keys).create(user("a@example.com")).await;
    insta::assert_snapshot!(unknown);
    keys.app_id = server.partner().keys().app_id.clone();
    let foreign = server.caller(&keys).create(user("a@example.com")).await;
    assert_eq!((foreign.status, foreign.codes()[0].as_str()), (200, "err_developer_key"));
    keys.app_id = server.administrator().keys().app_id.to_uppercase();
    assert_eq!(server.caller(&keys).create(user("a@example.com")).await.rows(), 1, "a GUID has no case");
}
