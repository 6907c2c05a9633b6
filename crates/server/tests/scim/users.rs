//! Users: created, read, replaced, changed, deleted; what is kept, and what the directory makes of it.

use serde_json::{Value, json};

use crate::{Scim, assert_error, without_meta};

fn ann() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": "Ann.Lee@example.com",
        "externalId": "E-1",
        "displayName": "Ann Lee",
        "name": { "givenName": "Ann", "familyName": "Lee", "middleName": "M" },
        "title": "Head of Sales",
        "active": true,
        "emails": [{ "value": "Ann.Lee@example.com", "type": "work", "primary": true },
                   { "value": "ann@home.example", "type": "home" },
                   { "value": "a.lee@example.com", "type": "other" }],
        "phoneNumbers": [{ "value": "+44 1", "type": "work" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Sales", "employeeNumber": "7" },
    })
}

#[tokio::test]
async fn a_user_is_created_read_and_deleted() {
    let scim = Scim::start().await;
    let created = scim.call("POST", "/Users", ann()).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let body = created.json();
    let path = format!("/Users/{}", body["id"].as_str().unwrap());
    let location = format!("http://{}/scim/v2{path}", scim.server.address());
    assert_eq!(created.header("location"), Some(location.as_str()));
    assert_eq!(body["meta"]["location"], location);
    assert_eq!(created.header("etag"), body["meta"]["version"].as_str());
    let mut expected = ann();
    expected["id"] = body["id"].clone();
    assert_eq!(without_meta(body.clone()), expected);

    let read = scim.get(&path).await;
    assert_eq!((read.status, read.json()), (200, body.clone()));
    let stored = scim.stored("ann.lee@example.com").await;
    assert_eq!((&stored["name"], &stored["accountDisabled"]), (&json!("Ann Lee"), &json!(false)));
    // An address in a domain of the account is an alias, another one is only kept.
    let aliases = scim
        .server
        .administrator()
        .call("/api/user/get-aliases", json!([{ "emailAddress": "ann.lee@example.com" }]))
        .await;
    assert!(
        aliases.body.contains("a.lee@example.com") && !aliases.body.contains("home.example"),
        "{}",
        aliases.body
    );

    // The attributes that the directory has too are the same.
    let administrator = scim.server.administrator();
    let attributes = administrator
        .call("/api/user/get-attributes", json!([{ "emailAddress": "ann.lee@example.com" }]))
        .await;
    assert!(
        attributes.body.contains("Head of Sales") && attributes.body.contains("employeeId"),
        "{}",
        attributes.body
    );

    let again = scim.call("POST", "/Users", ann()).await;
    assert_error(&again, 409, Some("uniqueness"), "in use");
    let mut other = ann();
    other["userName"] = "bob@example.com".into();
    other["emails"] = json!([]);
    assert_error(&scim.call("POST", "/Users", other).await, 409, Some("uniqueness"), "externalId");

    assert_eq!(scim.call("DELETE", &path, Value::Null).await.status, 204);
    for method in ["GET", "DELETE"] {
        assert_error(&scim.call(method, &path, Value::Null).await, 404, None, "not found");
    }
    // The name is free at once, and the id is never used again.
    assert_ne!(scim.user(ann()).await, body["id"].as_str().unwrap());
}

#[tokio::test]
async fn a_user_who_cannot_be_created_says_why() {
    let scim = Scim::start().await;
    for (change, scim_type, says) in [
        (json!({ "userName": null }), "invalidValue", "userName"),
        (json!({ "userName": "ann" }), "invalidValue", "userName"),
        (json!({ "userName": "ann@elsewhere.example" }), "invalidValue", "internal domain"),
        (json!({ "displayName": "x".repeat(300) }), "invalidValue", "256 characters"),
        (json!({ "password": "short" }), "invalidValue", "password"),
        (json!({ "active": "perhaps" }), "invalidValue", "active"),
        (json!({ "title": 7 }), "invalidValue", "title"),
    ] {
        let mut body = ann();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_error(&scim.call("POST", "/Users", body).await, 400, Some(scim_type), says);
    }
    assert_error(&scim.call("POST", "/Users", json!([])).await, 400, Some("invalidSyntax"), "object");
    assert_error(&scim.call("POST", "/Users", Value::Null).await, 400, Some("invalidSyntax"), "empty");
    assert_eq!(
        scim.get("/Users?filter=userName%20eq%20%22ann.lee@example.com%22").await.json()["totalResults"],
        0
    );
}

#[tokio::test]
async fn a_password_works_at_the_next_login_and_is_never_shown() {
    let scim = Scim::start().await;
    let mut body = ann();
    body["password"] = "correct horse 7 Battery".into();
    let created = scim.call("POST", "/Users", body).await;
    assert!(!created.body.contains("assword"), "{}", created.body);
    let path = format!("/Users/{}", created.json()["id"].as_str().unwrap());
    let may_log_in = async |password: &str| {
        let body = json!({ "data": [{ "userName": "ann.lee@example.com" }] }).to_string();
        let basic = base64_of(&format!("ann.lee@example.com:{password}"));
        let headers = [
            ("authorization".to_owned(), format!("Basic-Cloud {basic}").into_bytes()),
            ("x-mc-app-id".to_owned(), scim.server.administrator().keys().app_id.clone().into_bytes()),
        ];
        scim.server.raw("/api/login/login", &headers, body).await.status == 200
    };
    assert!(may_log_in("correct horse 7 Battery").await);
    let changed = scim
        .patch(&path, json!([{ "op": "replace", "path": "password", "value": "another horse 8 Battery" }]))
        .await;
    assert_eq!(changed.get("password"), None);
    assert!(may_log_in("another horse 8 Battery").await && !may_log_in("correct horse 7 Battery").await);
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn a_changed_user_name_renames_and_keeps_the_id() {
    let scim = Scim::start().await;
    let id = scim.user(ann()).await;
    let path = format!("/Users/{id}");
    let renamed = scim
        .patch(&path, json!([{ "op": "replace", "path": "userName", "value": "ann.ray@example.com" }]))
        .await;
    assert_eq!((&renamed["userName"], &renamed["id"]), (&json!("ann.ray@example.com"), &json!(id)));
    // The old address was among the e-mail addresses, so it stays as an alias.
    assert_eq!(renamed["emails"].as_array().unwrap().len(), 3);
    let alias = scim.call("POST", "/Users", json!({ "userName": "ann.lee@example.com" })).await;
    assert_error(&alias, 409, Some("uniqueness"), "in use");
    // Without it there, it is free at once.
    let mut body = ann();
    body["userName"] = "ann.fox@example.com".into();
    body["emails"] = json!([{ "value": "ann.fox@example.com", "type": "work", "primary": true }]);
    let replaced = scim.call("PUT", &path, body).await;
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    for free in ["ann.lee@example.com", "ann.ray@example.com", "a.lee@example.com"] {
        scim.user(json!({ "userName": free })).await;
    }
    let taken = scim
        .call(
            "PATCH",
            &path,
            crate::patch(json!([{ "op": "replace", "value": { "userName": "Ann.Ray@example.com" } }])),
        )
        .await;
    assert_error(&taken, 409, Some("uniqueness"), "in use");
}

#[tokio::test]
async fn an_inactive_user_is_listed_and_has_no_keys() {
    let scim = Scim::start().await;
    let found = scim.get("/Users?filter=userName%20eq%20%22reader@example.com%22").await.json();
    let path = format!("/Users/{}", found["Resources"][0]["id"].as_str().unwrap());
    let reader = scim.server.caller_for("reader@example.com").await;
    assert_eq!(reader.call("/api/account/get-account", json!([])).await.status, 403, "known, without a role");
    let off = scim.patch(&path, json!([{ "op": "Replace", "path": "active", "value": "False" }])).await;
    assert_eq!(off["active"], false);
    assert_eq!(reader.call("/api/account/get-account", json!([])).await.status, 401);
    // Leaving it out, or removing it, enables nobody.
    let put = scim.call("PUT", &path, json!({ "userName": "reader@example.com" })).await.json();
    assert_eq!(put["active"], false);
    let removed = scim.patch(&path, json!([{ "op": "remove", "path": "active" }])).await;
    assert_eq!(removed.get("active"), None);
    assert_eq!(scim.stored("reader@example.com").await["accountDisabled"], true);
    let on = scim.patch(&path, json!([{ "op": "Replace", "path": "active", "value": true }])).await;
    assert_eq!(on["active"], true);
    assert_eq!(reader.call("/api/account/get-account", json!([])).await.status, 401, "keys stay revoked");
}

#[tokio::test]
async fn a_change_of_an_outdated_version_is_refused() {
    let scim = Scim::start().await;
    let id = scim.user(ann()).await;
    let path = format!("/Users/{id}");
    let version = scim.get(&path).await.header("etag").unwrap().to_owned();
    let rename = crate::patch(json!([{ "op": "replace", "path": "title", "value": "Head" }]));
    let same = scim.call_with("GET", &path, Value::Null, &[("if-none-match", &version)]).await;
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    let first = scim.call_with("PATCH", &path, rename.clone(), &[("if-match", &version)]).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_ne!(first.header("etag"), Some(version.as_str()));
    for (method, body) in [("PATCH", rename), ("PUT", ann()), ("DELETE", Value::Null)] {
        let late = scim.call_with(method, &path, body, &[("if-match", &version)]).await;
        assert_error(&late, 412, None, "another version");
    }
    assert_eq!(scim.call_with("GET", &path, Value::Null, &[("if-none-match", &version)]).await.status, 200);
}

#[tokio::test]
async fn a_repeated_request_runs_once() {
    let scim = Scim::start().await;
    let id = [("x-mc-req-id", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")];
    let first = scim.call_with("POST", "/Users", ann(), &id).await;
    let second = scim.call_with("POST", "/Users", ann(), &id).await;
    assert_eq!((first.status, second.status), (201, 201), "{}", second.body);
    assert_eq!(first.json(), second.json());
    assert_eq!(first.header("location"), second.header("location"));
    // Also a request that changes what it names.
    let path = format!("/Users/{}", first.json()["id"].as_str().unwrap());
    let id = [("x-mc-req-id", "3f2504e0-4f89-41d3-9a0c-0305e82c3302")];
    for _ in 0..2 {
        assert_eq!(scim.call_with("DELETE", &path, Value::Null, &id).await.status, 204);
    }
    let other = scim.call_with("POST", "/Users", ann(), &id).await;
    assert_error(&other, 409, None, "request id");
    let bad = scim.call_with("POST", "/Users", ann(), &[("x-mc-req-id", "seven")]).await;
    assert_error(&bad, 400, Some("invalidValue"), "GUID");
}

#[tokio::test]
async fn a_user_name_without_a_domain_gets_the_one_of_the_application() {
    let scim = Scim::start().await;
    let bare = json!({ "userName": "AnnLee", "externalId": "E-1" });
    assert_error(&scim.call("POST", "/Users", bare.clone()).await, 400, Some("invalidValue"), "userName");
    let admin = scim.server.admin();
    assert!(admin.set_user_name_domain(&scim.client_id, Some("elsewhere.example")).await.is_err());
    admin.set_user_name_domain(&scim.client_id, Some("example.com")).await.unwrap();
    let path = format!("/Users/{}", scim.user(bare).await);
    assert_eq!(scim.get(&path).await.json()["userName"], "AnnLee");
    assert_eq!(scim.stored("annlee@example.com").await["emailAddress"], "AnnLee@example.com");
    for filter in ["userName eq \"annlee\"", "userName sw \"ann\" and active eq true"] {
        let found = scim.get(&format!("/Users?filter={}", crate::encoded(filter))).await.json();
        assert_eq!(found["totalResults"], 1, "{filter}");
    }
    let renamed =
        scim.patch(&path, json!([{ "op": "replace", "path": "userName", "value": "AnnRay" }])).await;
    assert_eq!(renamed["userName"], "AnnRay");
    let whole = scim
        .patch(&path, json!([{ "op": "replace", "path": "userName", "value": "ann.fox@example.com" }]))
        .await;
    assert_eq!(whole["userName"], "ann.fox@example.com");
}

#[tokio::test]
async fn every_change_is_the_last_modification_and_the_response_has_its_moment() {
    let scim = Scim::start().await;
    // The clock of a machine is finer than the moments that are kept.
    let tick = jiff::SignedDuration::new(7, 123_456_789);
    scim.server.clock().advance(tick);
    let created = scim.call("POST", "/Users", ann()).await.json();
    let path = format!("/Users/{}", created["id"].as_str().unwrap());
    let group = scim.call("POST", "/Groups", json!({ "displayName": "Sales" })).await.json();
    let group_path = format!("/Groups/{}", group["id"].as_str().unwrap());
    assert_eq!(scim.get(&path).await.json()["meta"], created["meta"]);
    assert_eq!(scim.get(&group_path).await.json()["meta"], group["meta"]);

    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let alias = json!([{ "value": "other@example.com", "type": "other" }]);
    let mut last = created["meta"]["lastModified"].as_str().unwrap().to_owned();
    for (path, operation) in [
        (&path, json!({ "op": "replace", "path": "title", "value": "Chief" })),
        (&path, json!({ "op": "remove", "path": format!("{enterprise}:department") })),
        (&path, json!({ "op": "replace", "path": "nickName", "value": "Annie" })),
        (&path, json!({ "op": "replace", "path": "displayName", "value": "Ann Ray" })),
        (&path, json!({ "op": "replace", "path": "externalId", "value": "E-2" })),
        (&path, json!({ "op": "replace", "path": "active", "value": false })),
        (&path, json!({ "op": "replace", "path": "password", "value": "correct horse 7 Battery" })),
        (&path, json!({ "op": "add", "path": "emails", "value": alias })),
        (&path, json!({ "op": "replace", "path": "userName", "value": "ann.ray@example.com" })),
        (&group_path, json!({ "op": "replace", "path": "displayName", "value": "Support" })),
        (&group_path, json!({ "op": "replace", "path": "externalId", "value": "G-1" })),
        (&group_path, json!({ "op": "add", "path": "members", "value": [{ "value": created["id"] }] })),
    ] {
        scim.server.clock().advance(tick);
        let changed = scim.call("PATCH", path, crate::patch(json!([operation]))).await.json();
        let read = scim.get(path).await.json();
        assert_eq!(changed["meta"], read["meta"], "{operation}");
        let modified = read["meta"]["lastModified"].as_str().unwrap().to_owned();
        assert!(modified > last, "{operation}: {modified} follows {last}");
        last = modified;
    }
}
