//! The authorisation matrix: every endpoint against every kind of caller. An endpoint that has no row here fails the
//! build.

use serde_json::{Value, json};
use server::{Endpoint, Method, Style, Takes};
use testkit::{ACCOUNT, LOWER_ACCOUNT, Response, TestServer};

use crate::user;

/// The permission that is the membership of a role, which the administrator of the account does not have.
const PROVISIONING: &str = "Partner Provisioning Role";

/// A caller who may do what the row of the endpoint asks, and its address.
async fn allowed(server: &TestServer, endpoint: &Endpoint) -> (testkit::TestCaller, &'static str) {
    if endpoint.permission.as_ref().is_none_or(|permission| permission.to_string() != PROVISIONING) {
        return (server.administrator(), "admin@example.com");
    }
    server.admin().set_role(ANN, Some(PROVISIONING)).await.unwrap();
    (server.caller_for(ANN).await, ANN)
}

/// Whether administrators name an account in `meta`. That of a file is named in a header, and none of them is a member of a
/// partner's role: `imports` and `provisioning` test these.
fn names_account(endpoint: &Endpoint) -> bool {
    let permission = endpoint.permission.as_ref().map(ToString::to_string);
    !matches!(endpoint.takes, Takes::File(_)) && permission.as_deref() != Some(PROVISIONING)
}

/// What an endpoint gets in the matrix.
pub(crate) struct Row {
    /// A body that it carries out for the administrator of the account, with a row in its answer.
    pub(crate) body: Value,
    /// What another account's administrator gets for the same body: refused with this code; or, where the call is about the
    /// caller's account as a whole, an answer about its own.
    other: Option<&'static str>,
}

fn row(body: Value, other: impl Into<Option<&'static str>>) -> Row {
    Row { body, other: other.into() }
}

const ANN: &str = "ann@example.com";

const INVALID_ID: &str = "err_validation_invalid_id";

const FORBIDDEN: &str = "err_xdk_operation_forbidden_for_address";

/// The row of a signed endpoint. Creates everything that its body names.
pub(crate) async fn row_of(server: &TestServer, path: &str) -> Row {
    if server.admin().user(ANN).await.is_err() {
        server.administrator().create(user(ANN)).await;
    }
    match path.split('/').nth(2) {
        Some("directory") => directory_row(server, path).await,
        Some("domain") => domain_row(server, path).await,
        Some("role") => role_row(server, path).await,
        Some("user") => user_row(server, path).await,
        _ => other_row(path),
    }
}

/// The row that another endpoint returns for this item.
async fn made(server: &TestServer, path: &str, item: Value) -> Value {
    let answer = server.administrator().post(path, one(item).to_string()).await;
    assert_eq!(answer.rows(), 1, "{path}: {answer}");
    answer.json()["data"][0].clone()
}

fn one(item: Value) -> Value {
    json!({"data": [item]})
}

async fn directory_row(server: &TestServer, path: &str) -> Row {
    let group = json!({"description": "Matrix"});
    match path {
        "/api/directory/create-group" => row(one(group), None),
        "/api/directory/execute-sync" | "/api/directory/get-connection" => row(json!({"data": []}), None),
        "/api/directory/find-groups" => {
            made(server, "/api/directory/create-group", group).await;
            row(one(json!({"query": "mat", "source": "cloud"})), None)
        }
        "/api/directory/delete-group" | "/api/directory/get-group-members" => {
            let group = made(server, "/api/directory/create-group", group).await;
            made(server, "/api/directory/add-group-member", json!({"id": group["id"], "emailAddress": ANN}))
                .await;
            row(one(json!({"id": group["id"]})), INVALID_ID)
        }
        "/api/directory/update-group" => {
            let group = made(server, "/api/directory/create-group", group).await;
            row(one(json!({"id": group["id"], "description": "Renamed"})), INVALID_ID)
        }
        "/api/directory/add-group-member" | "/api/directory/remove-group-member" => {
            let group = made(server, "/api/directory/create-group", group).await;
            let member = json!({"id": group["id"], "emailAddress": ANN});
            if path.ends_with("remove-group-member") {
                made(server, "/api/directory/add-group-member", member.clone()).await;
            }
            row(one(member), INVALID_ID)
        }
        _ => panic!("{path} has no row in the authorisation matrix: add one"),
    }
}

async fn domain_row(server: &TestServer, path: &str) -> Row {
    let pending = json!({"domain": "matrix.example", "inboundType": "known"});
    match path {
        "/api/domain/get-internal-domain" => row(json!({"data": []}), None),
        "/api/domain/create-domain" => row(one(pending), None),
        "/api/domain/get-pending-domain" => {
            made(server, "/api/domain/create-domain", pending).await;
            row(json!({"data": []}), None)
        }
        "/api/domain/get-provision-status"
        | "/api/domain/get-verification-code"
        | "/api/domain/verify-domain" => {
            made(server, "/api/domain/create-domain", pending).await;
            row(one(json!({"domain": "matrix.example"})), "err_not_found")
        }
        "/api/domain/delete-pending-domain" => {
            let pending = made(server, "/api/domain/create-domain", pending).await;
            row(one(json!({"domain": "matrix.example", "id": pending["id"]})), INVALID_ID)
        }
        _ => panic!("{path} has no row in the authorisation matrix: add one"),
    }
}

async fn role_row(server: &TestServer, path: &str) -> Row {
    let role = json!({"name": "Reader of the matrix", "permissions": ["Directories | Internal | Read"]});
    match path {
        "/api/role/get-roles" => row(json!({"data": []}), None),
        "/api/role/create-role" => row(one(role), None),
        "/api/role/delete-role" => {
            let role = made(server, "/api/role/create-role", role).await;
            row(one(json!({"id": role["id"]})), INVALID_ID)
        }
        "/api/role/assign-role" => {
            let role = made(server, "/api/role/create-role", role).await;
            row(one(json!({"emailAddress": ANN, "id": role["id"]})), FORBIDDEN)
        }
        _ => panic!("{path} has no row in the authorisation matrix: add one"),
    }
}

async fn user_row(server: &TestServer, path: &str) -> Row {
    match path {
        "/api/user/delete-user"
        | "/api/user/get-aliases"
        | "/api/user/get-attributes"
        | "/api/user/get-profile" => row(one(json!({"emailAddress": ANN})), FORBIDDEN),
        "/api/user/add-to-purge-list" => row(one(json!({"emailAddresses": [ANN]})), FORBIDDEN),
        "/api/user/remove-from-purge-list" => {
            made(server, "/api/user/add-to-purge-list", json!({"emailAddresses": [ANN]})).await;
            row(one(json!({"emailAddresses": [ANN]})), FORBIDDEN)
        }
        "/api/user/update-attributes" => {
            let all = made(server, "/api/user/get-attributes", json!({"emailAddress": ANN})).await;
            let set = json!([{"id": all["attributes"][0]["id"], "value": "x"}]);
            row(one(json!({"emailAddress": ANN, "attributes": set})), FORBIDDEN)
        }
        "/api/user/update-alias" => {
            row(one(json!({"aliasFor": ANN, "alias": "a.lee@example.com"})), FORBIDDEN)
        }
        "/api/user/remove-alias" => {
            let alias = json!({"aliasFor": ANN, "alias": "a.lee@example.com"});
            made(server, "/api/user/update-alias", alias.clone()).await;
            row(one(alias), FORBIDDEN)
        }
        "/api/user/add-delegate-user" => {
            row(one(json!({"primaryAddress": ANN, "delegateAddress": "reader@example.com"})), FORBIDDEN)
        }
        "/api/user/find-delegate-users" => row(one(json!({"primaryAddress": ANN})), FORBIDDEN),
        "/api/user/remove-delegate-user" => {
            let delegation = json!({"primaryAddress": ANN, "delegateAddress": "reader@example.com"});
            let made = made(server, "/api/user/add-delegate-user", delegation).await;
            row(one(json!({"id": made["id"]})), INVALID_ID)
        }
        "/api/user/create-user" | "/api/user/check-user" => {
            row(json!({"data": [{"emailAddress": "matrix@example.com"}]}), FORBIDDEN)
        }
        // A row that cannot be read: nothing is left for the background.
        "/api/user/import-users" => row(json!({"data": [{"emailAddress": "", "name": "No address"}]}), None),
        "/api/user/get-import-status" => {
            let body = r#"{"data":[{"emailAddress":"","name":"No address"}]}"#;
            let started = server.administrator().post("/api/user/import-users", body).await;
            row(one(json!({"id": started.json()["data"][0]["id"]})), INVALID_ID)
        }
        "/api/user/get-internal-users" => row(json!({}), None),
        "/api/user/update-user" => row(one(json!({"emailAddress": ANN, "name": "Ann"})), FORBIDDEN),
        _ => panic!("{path} has no row in the authorisation matrix: add one"),
    }
}

fn other_row(path: &str) -> Row {
    match path {
        "/api/account/get-account"
        | "/api/account/get-dashboard-notifications"
        | "/api/account/get-support-info"
        | "/api/audit/get-categories"
        | "/api/provisioning/get-packages"
        | "/api/ttp/url/get-all-managed-urls" => row(json!({"data": []}), None),
        "/api/account/create-account" => {
            let new = json!({"accountName": "Below", "primaryDomain": "below.example", "contactName": "Bo"});
            row(one(new), None)
        }
        "/api/account/update-account" => {
            row(one(json!({"accountCode": LOWER_ACCOUNT, "accountName": "Renamed"})), None)
        }
        "/api/audit/get-audit-events" => {
            let (start, end) = ("2026-11-24T00:00:00+0000", "2026-11-25T00:00:00+0000");
            row(one(json!({"startDateTime": start, "endDateTime": end})), None)
        }
        "/api/login/logout" => row(json!({"data": [{}]}), None),
        _ => panic!("{path} has no row in the authorisation matrix: add one"),
    }
}

fn expect(endpoint: &Endpoint, answer: &Response, status: u16, code: &str) {
    let codes = answer.codes();
    let got = (answer.status, codes.first().map_or("", String::as_str));
    assert_eq!(got, (status, code), "{}: {answer}", endpoint.path);
    assert_eq!(answer.rows(), 0, "{}: {answer}", endpoint.path);
    for header in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
        assert!(answer.header(header).is_some(), "{}: every answer has {header}", endpoint.path);
    }
}

#[tokio::test]
async fn every_signed_endpoint_refuses_who_may_not_and_serves_who_may() {
    let mut all = String::new();
    for endpoint in server::endpoints().filter(|e| e.is_signed() && e.style() == Style::Envelope) {
        let (path, server) = (endpoint.path, TestServer::start().await);
        let Row { body, other } = row_of(&server, path).await;
        let send = body.to_string();
        let administrator = server.administrator();
        let mut refused = |who: &str, answer: &Response, status: u16, code: &str| {
            expect(endpoint, answer, status, code);
            // What is the same for all endpoints is shown once.
            if path == "/api/user/create-user" {
                all.push_str(&format!("# {path}, {who}\n{answer}\n\n"));
            }
        };

        // Without any header; with a signature that is wrong; with a date that is stale.
        let unsigned = server.unsigned(path, send.clone()).await;
        refused("without headers", &unsigned, 400, "err_xdk_missing_header");
        let bad = administrator.send(path, &administrator.signed("/api/another/path"), send.clone()).await;
        refused("signed for another path", &bad, 401, "err_xdk_invalid_signature");
        let signed = administrator.signed(path);
        server.clock().advance(server::admin::hours(1));
        let stale = administrator.send(path, &signed, send.clone()).await;
        refused("signed an hour ago", &stale, 401, "err_xdk_request_expired");
        let stranger = server.stranger().post(path, send.clone()).await;
        refused("stranger", &stranger, 401, "err_xdk_invalid_signature");
        let expired = server.expired_administrator().post(path, send.clone()).await;
        refused("expired key", &expired, 418, "err_xdk_binding_expired");

        let events = server.events_since(&[]).await;
        if let Some(permission) = &endpoint.permission {
            let denied = server.user_without_role().post(path, send.clone()).await;
            refused("without the permission", &denied, 403, "err_xdk_permission_denied");
            assert!(denied.body.contains(&permission.to_string()), "names the permission: {denied}");

            // Callers who may not act in another account cannot tell whether it exists.
            if names_account(endpoint) {
                let mut named = body.clone();
                named["meta"]["accountCode"] = ACCOUNT.into();
                let named = server.other_administrator().post(path, named.to_string()).await;
                refused("other account, by its code", &named, 200, "err_account_not_permitted");
            }
        }
        if let Some(code) = other {
            let other = server.other_administrator().post(path, send.clone()).await;
            refused("other account", &other, 200, code);
            assert_eq!(server.events_since(&events).await.len(), 0, "{path}: nothing was done");
        }

        serves(&server, endpoint, send).await;
    }
    insta::assert_snapshot!(all);
}

/// The endpoint serves a caller who may, and what it changes is in the audit.
async fn serves(server: &TestServer, endpoint: &Endpoint, send: String) {
    let path = endpoint.path;
    let (caller, address) = allowed(server, endpoint).await;
    let events = server.events_since(&[]).await;
    let good = caller.post(path, send).await;
    assert_eq!((good.status, good.codes().len()), (200, 0), "{path}: {good}");
    assert_eq!(good.rows() > 0, !endpoint.is_stub(), "{path}: {good}");
    let told = server.events_since(&events).await;
    assert_eq!(!told.is_empty(), endpoint.writes, "{path}: what changes something is in the audit");
    assert!(told.iter().all(|event| event.actor == address), "{path}: {told:?}");
}

/// Endpoints that write and change no user.
const CHANGE_NO_USER: &[&str] = &[
    "/api/account/create-account",
    "/api/account/update-account",
    "/api/directory/create-group",
    "/api/directory/update-group",
    "/api/domain/create-domain",
    "/api/domain/delete-pending-domain",
    "/api/domain/verify-domain",
    "/api/login/logout",
    "/api/role/create-role",
    "/api/role/delete-role",
    "/api/user/create-user",
    "/api/user/import-users",
];

#[tokio::test]
async fn a_weaker_administrator_changes_nothing_of_a_stronger_user() {
    let writing = |endpoint: &&Endpoint| endpoint.is_signed() && endpoint.writes;
    let envelope = server::endpoints().filter(writing).filter(|e| e.style() == Style::Envelope);
    for endpoint in envelope.filter(|endpoint| !CHANGE_NO_USER.contains(&endpoint.path)) {
        let path = endpoint.path;
        let server = TestServer::start().await;
        let Row { body, .. } = row_of(&server, path).await;
        let permission = endpoint.permission.as_ref().unwrap().to_string();
        server.admin().add_role(ACCOUNT, "Weaker", &[permission]).await.unwrap();
        server.admin().set_role("plain@example.com", Some("Weaker")).await.unwrap();
        server.admin().set_role("ann@example.com", Some("Super Administrator")).await.unwrap();
        let weaker = server.caller_for("plain@example.com").await;
        let before = server.admin().audit().await.unwrap();
        let refused = weaker.post(path, body.to_string()).await;
        assert_eq!(
            (refused.codes(), refused.rows()),
            (vec!["err_role_not_covered".to_owned()], 0),
            "{path}: {refused}"
        );
        assert_eq!(server.events_since(&before).await.len(), 0, "{path}");
        // The same is done to somebody who holds no more.
        for address in ["ann@example.com", "reader@example.com"] {
            server.admin().set_role(address, None).await.unwrap();
        }
        if path != "/api/role/assign-role" {
            assert_eq!(weaker.post(path, body.to_string()).await.rows(), 1, "{path}");
        }
    }
}

/// The body of an endpoint that knows nobody yet, and whether it asks for a password.
fn unsigned_row(path: &str) -> (Value, bool) {
    match path {
        "/api/login/discover-authentication" => {
            (json!({"data": [{"emailAddress": "admin@example.com"}]}), false)
        }
        "/api/login/login" => (json!({"data": [{}]}), true),
        "/api/user/change-password" => (json!({"data": [{"newPassword": "Another good one 7!"}]}), true),
        _ => panic!("{path} has no row in the authorisation matrix: add one"),
    }
}

/// A call that the endpoint carries out: what is sent, and what comes back.
pub(crate) async fn good(server: &TestServer, endpoint: &Endpoint) -> (String, Response) {
    let administrator = server.administrator();
    match endpoint.style() {
        Style::OAuth => {
            let application = server.application("Full Administrator", &server::admin::products()).await;
            let form = application.form().replace(&application.client_id, "…");
            let answer = server.unsigned(endpoint.path, application.form()).await;
            return (form.replace(&application.client_secret, "…"), answer);
        }
        Style::Rest | Style::Scim => {
            let RestRow { path, body, .. } = rest_row(server, endpoint).await;
            let method = endpoint.method.as_str();
            let answer = server.request_signed(&administrator, method, &path, body.as_str()).await;
            return (body, answer);
        }
        Style::Envelope => {}
    }
    if endpoint.is_signed() {
        let body = row_of(server, endpoint.path).await.body.to_string();
        let answer = allowed(server, endpoint).await.0.post(endpoint.path, body.clone()).await;
        return (body, answer);
    }
    let (body, _) = unsigned_row(endpoint.path);
    let app_id = administrator.keys().app_id.clone();
    let item = body["data"][0].clone();
    let answer =
        server.with_password(endpoint.path, &app_id, "admin@example.com", testkit::PASSWORD, item).await;
    (body.to_string(), answer)
}

/// What a new-style endpoint gets in the matrix.
pub(crate) struct RestRow {
    /// The path, with an id of the account.
    pub(crate) path: String,
    /// The body; empty for none.
    pub(crate) body: String,
    /// The status when it is carried out, and when it is called again.
    status: (u16, u16),
}

/// The row of a new-style endpoint. Creates everything that its path and body name.
pub(crate) async fn rest_row(server: &TestServer, endpoint: &Endpoint) -> RestRow {
    let path = match endpoint.path.contains("{id}") {
        false => endpoint.path.to_owned(),
        true => {
            let made = made(server, "/api/directory/create-group", json!({"description": "Matrix"})).await;
            let member = json!({"id": made["id"], "domain": "there.example"});
            server.administrator().call("/api/directory/add-group-member", json!([member])).await;
            endpoint.path.replace("{id}", made["id"].as_str().unwrap())
        }
    };
    let (body, status) = match (endpoint.method, endpoint.path) {
        (Method::Get, _) => (String::new(), (200, 200)),
        (Method::Post, "/user/cloud-gateway/v1/users") => {
            (json!({"emailAddress": "matrix@example.com"}).to_string(), (201, 409))
        }
        (Method::Post, "/directory/cloud-gateway/v1/groups") => {
            (json!({"description": "New"}).to_string(), (201, 409))
        }
        (Method::Post, "/directory/cloud-gateway/v1/groups/{id}/members") => {
            (json!({"groupMembers": [{"domain": "matrix.example"}]}).to_string(), (200, 200))
        }
        (Method::Post, "/directory/cloud-gateway/v1/groups/{id}/remove-members") => {
            (json!({"groupMembers": [{"domain": "there.example"}]}).to_string(), (200, 200))
        }
        (Method::Put, "/account/cloud-gateway/v1/emergency-contact") => {
            let contact = json!({"contactName": "Ann Lee", "contactEmailAddress": "ann@example.net"});
            (contact.to_string(), (200, 200))
        }
        (_, path) => panic!("{path} has no row in the authorisation matrix: add one"),
    };
    RestRow { path, body, status }
}

/// The same of the new-style endpoints, which have no envelope and take no account: by signature and by token.
#[tokio::test]
async fn every_new_style_endpoint_refuses_who_may_not_and_serves_who_may() {
    for endpoint in server::endpoints().filter(|e| e.style() == Style::Rest) {
        let server = TestServer::start().await;
        let RestRow { path, body, status: (status, again) } = rest_row(&server, endpoint).await;
        let (path, method) = (path.as_str(), endpoint.method.as_str());
        let call =
            async |headers: &[(String, Vec<u8>)]| server.request(method, path, headers, body.as_str()).await;
        let signed = |caller: &testkit::TestCaller, path: &str| -> Vec<_> {
            let signed = caller.signed(path);
            signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect()
        };
        let refused = |answer: &Response, status: u16, code: &str| {
            assert_eq!(
                (answer.status, &answer.json()["errors"][0]["code"]),
                (status, &json!(code)),
                "{path}: {answer}"
            );
            assert!(answer.header("x-ratelimit-reset").is_some(), "{path}: {answer}");
        };
        let administrator = server.administrator();
        refused(&call(&[]).await, 400, "err_xdk_missing_header");
        refused(&call(&signed(&administrator, "/another/path")).await, 401, "err_xdk_invalid_signature");
        refused(&call(&signed(&server.expired_administrator(), path)).await, 418, "err_xdk_binding_expired");
        let mut wrong_app = signed(&administrator, path);
        wrong_app[3].1 = b"INVALID".to_vec();
        refused(&call(&wrong_app).await, 401, "err_developer_key");
        let products = server::admin::products();
        let powerless = server.application("Partner Provisioning Role", &products).await;
        let powerless = testkit::bearer(&server.token(&powerless).await);
        if let Some(permission) = &endpoint.permission {
            for denied in [call(&powerless).await, call(&signed(&server.user_without_role(), path)).await] {
                refused(&denied, 403, "err_xdk_permission_denied");
                assert!(denied.body.contains(&permission.to_string()), "names the permission: {denied}");
            }
        }
        let events = server.events_since(&[]).await;
        let good = server.application("Super Administrator", &products).await;
        let by_token = call(&testkit::bearer(&server.token(&good).await)).await;
        assert_eq!(
            (by_token.status, by_token.header("cache-control")),
            (status, Some("no-store")),
            "{by_token}"
        );
        let told = server.events_since(&events).await;
        let wrote = told.iter().any(|event| event.actor == "application A program");
        assert_eq!(wrote, endpoint.writes, "{path}: what changes something is in the audit");
        let by_signature = call(&signed(&administrator, path)).await;
        // An id in the path is one of the account.
        if endpoint.path.contains("{id}") {
            let other = call(&signed(&server.other_administrator(), path)).await;
            refused(&other, 400, INVALID_ID);
        }
        assert_eq!(by_signature.status, again, "{path}: {by_signature}");
    }
}

/// A caller without keys names an application and a password, and learns nothing else.
#[tokio::test]
async fn every_unsigned_endpoint_asks_for_an_application_and_a_password() {
    let server = TestServer::start().await;
    let app_id = server.administrator().keys().app_id.clone();
    for endpoint in server::endpoints().filter(|e| !e.is_signed() && e.path.starts_with("/api/")) {
        let path = endpoint.path;
        let (body, password) = unsigned_row(path);
        let call = async |app_id: &str, authorization: &str| {
            let mut headers = Vec::new();
            for (name, value) in [("x-mc-app-id", app_id), ("authorization", authorization)] {
                if !value.is_empty() {
                    headers.push((name.to_owned(), value.as_bytes().to_vec()));
                }
            }
            server.raw(path, &headers, body.to_string()).await
        };
        let basic = |user: &str, password: &str| testkit::basic("Basic-Cloud", user, password);
        let wrong = basic("admin@example.com", "wrong");
        expect(endpoint, &call("", &wrong).await, 400, "err_xdk_missing_header");
        expect(endpoint, &call("unknown", &wrong).await, 200, "err_developer_key");
        if password {
            expect(endpoint, &call(&app_id, "").await, 400, "err_xdk_missing_header");
            expect(endpoint, &call(&app_id, "Basic-Cloud !").await, 400, "err_xdk_malformed_header");
            let domain = testkit::basic("Basic-AD", "admin@example.com", testkit::PASSWORD);
            expect(endpoint, &call(&app_id, &domain).await, 401, "err_login_type_not_supported");
            expect(endpoint, &call(&app_id, &wrong).await, 401, "err_login_refused");
            let nobody = basic("nobody@example.com", "wrong");
            expect(endpoint, &call(&app_id, &nobody).await, 401, "err_login_refused");
        }
        let good = call(&app_id, &basic("admin@example.com", testkit::PASSWORD)).await;
        assert_eq!((good.status, good.rows(), good.codes().len()), (200, 1, 0), "{path}: {good}");
    }
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
        // Each has its own quota: the remaining number is not compared.
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
