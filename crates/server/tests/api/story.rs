//! One person's story, from the registration of an application to the day the person leaves.

use jiff::SignedDuration;
use serde_json::json;
use testkit::{ACCOUNT, PASSWORD, TestServer};

const ANN: &str = "ann@example.com";
const FIRST: &str = "First password of Ann 1";
const SECOND: &str = "Second password of Ann 2";

#[tokio::test]
async fn a_person_comes_works_and_leaves() {
    let server = TestServer::start().await;

    // An application is registered, and its administrator finds out where to log in.
    let application = server.admin().add_application(ACCOUNT, "Onboarding").await.unwrap();
    let headers = [("x-mc-app-id".to_owned(), application.app_id.clone().into_bytes())];
    let body = r#"{"data":[{"emailAddress":"admin@example.com"}]}"#;
    let discovered = server.raw("/api/login/discover-authentication", &headers, body).await;
    let region = discovered.json()["data"][0]["region"]["api"].as_str().unwrap().to_owned();
    assert_eq!(region, format!("http://{}", server.address()));
    let login = async |user: &str, password: &str, access_key: Option<&str>| {
        let item = json!({"userName": user, "accessKey": access_key});
        server.with_password("/api/login/login", &application.app_id, user, password, item).await
    };
    let caller = |login: &testkit::Response| {
        let row = &login.json()["data"][0];
        server.caller(&client::Keys {
            base_url: region.clone(),
            ca_file: None,
            app_id: application.app_id.clone(),
            app_key: application.app_key().to_owned(),
            access_key: row["accessKey"].as_str().unwrap().to_owned(),
            secret_key: row["secretKey"].as_str().unwrap().to_owned(),
        })
    };
    let logged_in = login("admin@example.com", PASSWORD, None).await;
    let administrator = caller(&logged_in);

    // It creates Ann, who must change her password.
    let ann = json!({"emailAddress": ANN, "name": "Ann", "password": FIRST, "forcePasswordChange": true});
    assert_eq!(administrator.call("/api/user/create-user", json!([ann])).await.rows(), 1);
    server.clock().advance(SignedDuration::from_secs(1));
    let refused = login(ANN, FIRST, None).await;
    assert_eq!(
        (refused.status, refused.codes()),
        (200, vec!["err_user_password_change_required".to_owned()])
    );
    let change = async |from: &str, to: &str| {
        let path = "/api/user/change-password";
        server.with_password(path, &application.app_id, ANN, from, json!({"newPassword": to})).await
    };
    assert_eq!(change(FIRST, FIRST).await.codes(), ["err_password_policy"]);
    assert_eq!(change(FIRST, SECOND).await.rows(), 1);
    assert_eq!(login(ANN, FIRST, None).await.status, 401);
    let ann = caller(&login(ANN, SECOND, None).await);
    let profile = ann.call("/api/user/get-profile", json!([{}])).await;
    assert_eq!(profile.json()["data"][0]["emailAddress"], ANN);
    assert_eq!(ann.call("/api/user/get-internal-users", json!([])).await.status, 403);

    // The administrator's keys run out after three days, and are prolonged: the secret stays the same.
    server.clock().advance(SignedDuration::from_hours(72));
    let expired = administrator.call("/api/account/get-account", json!([])).await;
    assert_eq!((expired.status, expired.codes()), (418, vec!["err_xdk_binding_expired".to_owned()]));
    assert!(expired.body.contains("AccessKey Has Expired"));
    let access_key = administrator.keys().access_key.clone();
    let prolonged = login("admin@example.com", PASSWORD, Some(&access_key)).await;
    assert_eq!(prolonged.json()["data"][0]["accessKey"], json!(access_key), "{prolonged}");
    assert_eq!(administrator.call("/api/account/get-account", json!([])).await.rows(), 1);

    // Ann leaves: she is out at once.
    let ann = caller(&login(ANN, SECOND, None).await);
    assert_eq!(ann.call("/api/user/get-profile", json!([{}])).await.rows(), 1);
    let disable = json!([{"emailAddress": ANN, "accountDisabled": true}]);
    let disabled = administrator.call("/api/user/update-user", disable).await;
    assert_eq!(disabled.json()["data"][0]["accountDisabled"], true);
    assert_eq!(ann.call("/api/user/get-profile", json!([{}])).await.status, 401);
    assert_eq!(login(ANN, SECOND, None).await.status, 401);

    // All of it is in the audit, for callers who may read it.
    let item = json!([{"startDateTime": "2026-11-01T00:00:00+0000", "endDateTime": "2026-12-01T00:00:00+0000", "query": ANN}]);
    let events = administrator.call("/api/audit/get-audit-events", item).await;
    let told: Vec<_> = events.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (event["auditType"].as_str().unwrap().to_owned(), event["user"].as_str().unwrap().to_owned())
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(what, who)| (what.as_str(), who.as_str())).collect();
    assert_eq!(
        told,
        [
            ("user.created", "admin@example.com"),
            ("login.refused", ANN),
            ("user.password_refused", ANN),
            ("user.password_changed", ANN),
            ("login.refused", "anonymous"),
            ("user.logged_in", ANN),
            ("user.logged_in", ANN),
            ("user.disabled", "admin@example.com"),
            ("login.refused", "anonymous"),
        ]
    );
    assert!(server.admin().verify_audit().await.unwrap().iter().all(|chain| chain.broken.is_none()));
}
