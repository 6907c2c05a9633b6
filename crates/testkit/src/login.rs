//! Calls with a password and no keys.

use serde_json::{Value, json};

use crate::{Response, TestCaller, TestServer};

/// The value of `Authorization` at login: `Basic-Cloud` and so on.
pub fn basic(scheme: &str, user: &str, password: &str) -> String {
    use base64::Engine as _;
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("{scheme} {credentials}")
}

impl TestServer {
    /// Calls an endpoint of the login family for an application, with a password in `Authorization`.
    pub async fn with_password(
        &self,
        path: &str,
        app_id: &str,
        user: &str,
        password: &str,
        item: Value,
    ) -> Response {
        let headers = [
            ("x-mc-app-id".to_owned(), app_id.as_bytes().to_vec()),
            ("authorization".to_owned(), basic("Basic-Cloud", user, password).into_bytes()),
        ];
        self.raw(path, &headers, json!({ "data": [item] }).to_string()).await
    }

    /// Logs in for the administrator's application.
    pub async fn log_in(&self, user: &str, password: &str) -> Response {
        let app_id = self.administrator().keys().app_id.clone();
        self.with_password("/api/login/login", &app_id, user, password, json!({ "userName": user })).await
    }

    /// A caller with keys from a login for the administrator's application.
    pub fn logged_in(&self, login: &Response) -> TestCaller {
        let row = &login.json()["data"][0];
        let text = |name: &str| row[name].as_str().unwrap_or_else(|| panic!("no {name}: {login}")).to_owned();
        let mut keys = self.administrator().keys().clone();
        keys.access_key = text("accessKey");
        keys.secret_key = text("secretKey");
        self.caller(&keys)
    }

    /// Changes a user's own password.
    pub async fn change_password(&self, user: &str, password: &str, new: &str) -> Response {
        let app_id = self.administrator().keys().app_id.clone();
        let item = json!({ "newPassword": new });
        self.with_password("/api/user/change-password", &app_id, user, password, item).await
    }
}
