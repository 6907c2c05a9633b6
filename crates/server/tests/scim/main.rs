//! SCIM 2.0, over a real socket: what identity providers send, and what is stored then. Each test runs on both engines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate matricula_server as server;

mod authority;
mod bulk;
mod callers;
mod differences;
mod edges;
mod groups;
mod lists;
mod settings;
mod users;

use serde_json::{Value, json};
use testkit::{Response, TestServer};

/// A server, and an application that provisions into it.
struct Scim {
    server: TestServer,
    client_id: String,
    token: String,
}

impl Scim {
    async fn start() -> Self {
        let server = TestServer::start_with(|config| config.quota.enabled = false).await;
        Self::on(server, "Full Administrator").await
    }

    /// An application with this role on a server.
    async fn on(server: TestServer, role: &str) -> Self {
        let application = server.application(role, &["userandgroupmanagement"]).await;
        let client_id = application.client_id.clone();
        let (_, token) = server.admin().add_token(&client_id, None).await.unwrap();
        Self { client_id, token: secrecy::ExposeSecret::expose_secret(&token).to_owned(), server }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Response {
        self.call_with(method, path, body, &[]).await
    }

    async fn call_with(&self, method: &str, path: &str, body: Value, more: &[(&str, &str)]) -> Response {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", self.token).into_bytes()),
            ("content-type".to_owned(), b"application/scim+json".to_vec()),
        ];
        headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
        self.server.request(method, &format!("/scim/v2{path}"), &headers, body).await
    }

    async fn get(&self, path: &str) -> Response {
        self.call("GET", path, Value::Null).await
    }

    /// Creates a user, and gives its id.
    async fn user(&self, body: Value) -> String {
        let created = self.call("POST", "/Users", body).await;
        assert_eq!(created.status, 201, "{}", created.body);
        created.json()["id"].as_str().unwrap().to_owned()
    }

    async fn patch(&self, path: &str, operations: Value) -> Value {
        let patched = self.call("PATCH", path, patch(operations)).await;
        assert_eq!(patched.status, 200, "{}", patched.body);
        // The response is what a read gives.
        let read = self.get(path).await.json();
        assert_eq!(without_meta(patched.json()), without_meta(read.clone()));
        read
    }

    /// The user as `get-profile` of API 1.0 sees it.
    async fn stored(&self, address: &str) -> Value {
        let path = "/api/user/update-user";
        let found = self.server.administrator().call(path, json!([{ "emailAddress": address }])).await;
        found.json()["data"][0].clone()
    }
}

fn patch(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

fn without_meta(mut resource: Value) -> Value {
    resource.as_object_mut().unwrap().remove("meta");
    resource
}

fn encoded(filter: &str) -> String {
    form_urlencoded::byte_serialize(filter.as_bytes()).collect()
}

fn assert_error(response: &Response, status: u16, scim_type: Option<&str>, says: &str) {
    let body = response.json();
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(body["status"], status.to_string(), "{body}");
    assert_eq!(body["scimType"].as_str(), scim_type, "{body}");
    assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    assert!(body["detail"].as_str().unwrap().contains(says), "{body}");
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
}

#[test]
fn the_tests_hold_on_postgresql_too() {
    testkit::again_on_postgres("the_tests_hold_on_postgresql_too");
}
