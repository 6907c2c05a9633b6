//! One person's story, from the registration of an application to the day the person leaves.

use jiff::SignedDuration;
use serde_json::json;
use server::admin::NewApplication;
use testkit::{ACCOUNT, PASSWORD, Response, TestCaller, TestServer};

const ANN: &str = "ann@example.com";
const FIRST: &str = "First password of Ann 1";
const SECOND: &str = "Second password of Ann 2";

/// A server with a registered application.
struct Story {
    server: TestServer,
    application: NewApplication,
    /// The URL that discovery returns.
    region: String,
}

#[tokio::test]
async fn a_person_comes_works_and_leaves() {
    let story = Story::register_application().await;
    let administrator = story.caller(&story.log_in("admin@example.com", PASSWORD, None).await);
    story.create_ann(&administrator).await;
    story.prolong_keys(&administrator).await;
    story.disable_ann(&administrator).await;
    check_audit(&administrator).await;
    let chains = story.server.admin().verify_audit().await.unwrap();
    assert!(chains.iter().all(|chain| chain.broken.is_none()));
}

impl Story {
    /// An application is registered, and its administrator finds out where to log in.
    async fn register_application() -> Self {
        let server = TestServer::start().await;
        let application = server.admin().add_application(ACCOUNT, "Onboarding").await.unwrap();
        let headers = [("x-mc-app-id".to_owned(), application.app_id.clone().into_bytes())];
        let body = r#"{"data":[{"emailAddress":"admin@example.com"}]}"#;
        let discovered = server.raw("/api/login/discover-authentication", &headers, body).await;
        let region = discovered.json()["data"][0]["region"]["api"].as_str().unwrap().to_owned();
        assert_eq!(region, format!("http://{}", server.address()));
        Self { server, application, region }
    }

    async fn log_in(&self, user: &str, password: &str, access_key: Option<&str>) -> Response {
        let item = json!({"userName": user, "accessKey": access_key});
        let app_id = &self.application.app_id;
        self.server.with_password("/api/login/login", app_id, user, password, item).await
    }

    async fn change_password(&self, from: &str, to: &str) -> Response {
        let (path, app_id) = ("/api/user/change-password", &self.application.app_id);
        self.server.with_password(path, app_id, ANN, from, json!({"newPassword": to})).await
    }

    fn caller(&self, login: &Response) -> TestCaller {
        let row = &login.json()["data"][0];
        self.server.caller(&client::Keys {
            base_url: self.region.clone(),
            ca_file: None,
            app_id: self.application.app_id.clone(),
            app_key: self.application.app_key().to_owned(),
            access_key: row["accessKey"].as_str().unwrap().to_owned(),
            secret_key: row["secretKey"].as_str().unwrap().to_owned(),
        })
    }

    /// The administrator creates Ann, who must change her password.
    async fn create_ann(&self, administrator: &TestCaller) {
        let ann = json!({"emailAddress": ANN, "name": "Ann", "password": FIRST, "forcePasswordChange": true});
        assert_eq!(administrator.call("/api/user/create-user", json!([ann])).await.rows(), 1);
        self.server.clock().advance(SignedDuration::from_secs(1));
        let refused = self.log_in(ANN, FIRST, None).await;
        let expected = vec!["err_user_password_change_required".to_owned()];
        assert_eq!((refused.status, refused.codes()), (200, expected));
        assert_eq!(self.change_password(FIRST, FIRST).await.codes(), ["err_password_policy"]);
        assert_eq!(self.change_password(FIRST, SECOND).await.rows(), 1);
        assert_eq!(self.log_in(ANN, FIRST, None).await.status, 401);
        let ann = self.caller(&self.log_in(ANN, SECOND, None).await);
        let profile = ann.call("/api/user/get-profile", json!([{}])).await;
        assert_eq!(profile.json()["data"][0]["emailAddress"], ANN);
        assert_eq!(ann.call("/api/user/get-internal-users", json!([])).await.status, 403);
    }

    /// The administrator's keys expire after three days, and are renewed with the same secret.
    async fn prolong_keys(&self, administrator: &TestCaller) {
        self.server.clock().advance(SignedDuration::from_hours(72));
        let expired = administrator.call("/api/account/get-account", json!([])).await;
        assert_eq!((expired.status, expired.codes()), (418, vec!["err_xdk_binding_expired".to_owned()]));
        assert!(expired.body.contains("AccessKey Has Expired"));
        let access_key = administrator.keys().access_key.clone();
        let prolonged = self.log_in("admin@example.com", PASSWORD, Some(&access_key)).await;
        assert_eq!(prolonged.json()["data"][0]["accessKey"], json!(access_key), "{prolonged}");
        assert_eq!(administrator.call("/api/account/get-account", json!([])).await.rows(), 1);
    }

    /// Ann leaves: her keys and her password stop working at once.
    async fn disable_ann(&self, administrator: &TestCaller) {
        let ann = self.caller(&self.log_in(ANN, SECOND, None).await);
        assert_eq!(ann.call("/api/user/get-profile", json!([{}])).await.rows(), 1);
        let disable = json!([{"emailAddress": ANN, "accountDisabled": true}]);
        let disabled = administrator.call("/api/user/update-user", disable).await;
        assert_eq!(disabled.json()["data"][0]["accountDisabled"], true);
        assert_eq!(ann.call("/api/user/get-profile", json!([{}])).await.status, 401);
        assert_eq!(self.log_in(ANN, SECOND, None).await.status, 401);
    }
}

/// All of it is in the audit, for callers who may read it.
async fn check_audit(administrator: &TestCaller) {
    let item = json!([{"startDateTime": "2026-11-01T00:00:00+0000", "endDateTime": "2026-12-01T00:00:00+0000", "query": ANN}]);
    let events = administrator.call("/api/audit/get-audit-events", item).await.json();
    let events = events["data"].as_array().unwrap().iter();
    let events: Vec<_> =
        events.map(|event| (event["auditType"].as_str().unwrap(), event["user"].as_str().unwrap())).collect();
    assert_eq!(
        events,
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
}
