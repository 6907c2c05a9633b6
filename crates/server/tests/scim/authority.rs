//! Who may call what.

use serde_json::{Value, json};
use testkit::TestServer;

use crate::{Scim, assert_error};

/// Each route with an id that is none.
fn routes() -> impl Iterator<Item = (&'static str, String, Option<String>)> {
    server::SCIM_ROUTES.iter().map(|route| {
        let path = route.path.strip_prefix("/scim/v2").unwrap().replace("{id}", "nobody");
        (route.method.as_str(), path, route.permission.as_ref().map(ToString::to_string))
    })
}

#[tokio::test]
async fn every_route_wants_a_token_the_product_and_its_permission() {
    let scim = Scim::start().await;
    let all = [
        "Directories | Internal | Edit",
        "Directories | Internal | Read",
        "Directories | Groups | Edit",
        "Directories | Groups | Read",
    ];
    let mut checked = 0;
    for (method, path, permission) in routes() {
        let bare = scim.server.request(method, &format!("/scim/v2{path}"), &[], "").await;
        assert_error(&bare, 401, None, "");
        assert_eq!(bare.header("www-authenticate"), Some("Bearer realm=\"matricula\""), "{method} {path}");
        let signed = scim
            .server
            .request_signed(&scim.server.administrator(), method, &format!("/scim/v2{path}"), "")
            .await;
        assert_error(&signed, 401, None, "Bearer");

        let without = scim.server.application("Full Administrator", &["auditevents"]).await;
        let token = scim.server.token(&without).await;
        let headers = testkit::bearer(&token);
        let refused = scim.server.request(method, &format!("/scim/v2{path}"), &headers, "").await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.body);

        let Some(permission) = permission else { continue };
        let others: Vec<String> =
            all.into_iter().filter(|other| *other != permission).map(str::to_owned).collect();
        let role = format!("All but {method} {path}");
        scim.server.admin().add_role(testkit::ACCOUNT, &role, &others).await.unwrap();
        let weak = scim.server.application(&role, &["userandgroupmanagement"]).await;
        let headers = testkit::bearer(&scim.server.token(&weak).await);
        let refused = scim.server.request(method, &format!("/scim/v2{path}"), &headers, "").await;
        assert_error(&refused, 403, None, &permission);
        checked += 1;
    }
    assert!(checked > 10);
}

#[tokio::test]
async fn a_token_lasts_until_it_ends_or_is_revoked() {
    let scim = Scim::start().await;
    assert_eq!(scim.get("/Users").await.status, 200);
    scim.server.clock().advance(jiff::SignedDuration::from_hours(24 * 365));
    assert_eq!(scim.get("/Users").await.status, 200);
    // The API of the service takes only the tokens that it issued.
    let api = scim.server.get_as(&scim.token, "/user/cloud-gateway/v1/users").await;
    assert_eq!(api.status, 401, "{}", api.body);

    let end = scim.server.clock().now() + jiff::SignedDuration::from_hours(24 * 30);
    let (_, second) = scim.server.admin().add_token(&scim.client_id, Some(end)).await.unwrap();
    let third = scim.server.admin().add_token(&scim.client_id, None).await;
    assert!(third.unwrap_err().to_string().contains("two tokens already"));
    let second = Scim {
        token: secrecy::ExposeSecret::expose_secret(&second).to_owned(),
        client_id: scim.client_id.clone(),
        server: scim.server,
    };
    let kept = second.server.admin().tokens(&second.client_id).await.unwrap();
    let kept = kept[1].0.expires_at.map(jiff::Timestamp::as_millisecond);
    assert_eq!(kept, Some(end.as_millisecond()));
    assert_eq!(second.get("/Users").await.status, 200);
    second.server.clock().advance(jiff::SignedDuration::from_hours(24 * 30));
    let ended = second.get("/Users").await;
    assert_error(&ended, 401, None, "expired");

    let first = second.server.admin().tokens(&second.client_id).await.unwrap()[0].0.id;
    let scim = Scim { token: scim.token, ..second };
    assert_eq!(scim.get("/Users").await.status, 200);
    scim.server.admin().revoke_token(&scim.client_id, first).await.unwrap();
    assert_eq!(scim.call("POST", "/Users", json!({ "userName": "a@example.com" })).await.status, 401);
    let changed = format!("{}A", &scim.token[..85]);
    assert_eq!(Scim { token: changed, ..scim }.get("/Users").await.status, 401);
}

#[tokio::test]
async fn a_token_of_half_an_hour_works_too() {
    let scim = Scim::start().await;
    let application = scim.server.application("Full Administrator", &["userandgroupmanagement"]).await;
    let token = scim.server.token(&application).await;
    assert_eq!(Scim { token, ..scim }.get("/Users").await.status, 200);
}

#[tokio::test]
async fn a_weaker_application_changes_nobody_who_may_do_more() {
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    let scim = Scim::on(server, "Basic Administrator").await;
    scim.server.promote("reader@example.com", "Super Administrator").await;
    let found = scim.get("/Users?filter=userName%20eq%20%22reader@example.com%22").await.json();
    let id = found["Resources"][0]["id"].as_str().unwrap();
    let path = format!("/Users/{id}");
    let password =
        crate::patch(json!([{ "op": "replace", "path": "password", "value": "correct horse 7 Battery" }]));
    for (method, body) in [
        ("PATCH", password),
        ("PATCH", crate::patch(json!([{ "op": "replace", "path": "title", "value": "Boss" }]))),
        ("PATCH", crate::patch(json!([{ "op": "replace", "path": "active", "value": false }]))),
        ("PUT", json!({ "userName": "other@example.com" })),
        ("DELETE", Value::Null),
    ] {
        assert_error(&scim.call(method, &path, body).await, 403, None, "permissions");
    }
    let group =
        scim.call("POST", "/Groups", json!({ "displayName": "Bosses", "members": [{ "value": id }] })).await;
    assert_error(&group, 403, None, "permissions");
}

#[tokio::test]
async fn what_does_not_exist_is_said_as_scim_says_it() {
    let scim = Scim::start().await;
    for path in ["/Nothing", "/Users/nobody", "/Groups/nobody", "/Schemas/nothing", "/Users/a/b"] {
        assert_error(&scim.get(path).await, 404, None, "");
    }
    let method = scim.call("DELETE", "/Users", Value::Null).await;
    assert_error(&method, 405, None, "GET or POST");
    // The id of a user of another account is none here.
    let other = scim.server.other_administrator().call("/api/user/check-user", json!([])).await;
    assert_ne!(other.status, 500);
}

/// Two nodes at once: one creates the user, the other says that it exists.
#[tokio::test]
async fn two_nodes_create_a_user_once() {
    let scim = Scim::start().await;
    // SQLite has one node.
    if !scim.server.is_shared() {
        return;
    }
    let node = Scim { server: scim.server.node().await, token: scim.token.clone(), client_id: String::new() };
    for n in 0..10 {
        let body = json!({ "userName": format!("u{n}@example.com"), "externalId": format!("E{n}") });
        let (one, other) =
            tokio::join!(scim.call("POST", "/Users", body.clone()), node.call("POST", "/Users", body));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.body, other.body);
    }
}
