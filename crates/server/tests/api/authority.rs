//! What was given out before must not rise with a user, and what is misspelt must not take anything away.

use serde_json::{Value, json};
use testkit::{ACCOUNT, PASSWORD, TestServer};

use crate::item;

async fn role_id(server: &TestServer, name: &str) -> Value {
    let roles = server.administrator().call("/api/role/get-roles", json!([{"name": name}])).await;
    roles.json()["data"][0]["id"].clone()
}

#[tokio::test]
async fn a_promotion_ends_key_pairs_and_sessions_and_a_password_that_somebody_else_set() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let assign = async |id: &Value| {
        let items = json!([{"emailAddress": "ann@example.com", "id": id}]);
        let answer = administrator.call("/api/role/assign-role", items).await;
        assert_eq!(answer.rows(), 1, "{answer}");
    };
    let status =
        async |caller: &testkit::TestCaller| caller.call("/api/account/get-account", json!([])).await.status;
    let new = item(&format!(r#""emailAddress":"ann@example.com","password":"{PASSWORD}""#));
    assert_eq!(administrator.create(new).await.rows(), 1);
    // Somebody who issues keys may issue them for a user without a role.
    let issued = server.caller_for("ann@example.com").await;
    assert_eq!(status(&issued).await, 403);
    let [basic, full, highest] = [
        role_id(&server, "Basic Administrator").await,
        role_id(&server, "Full Administrator").await,
        role_id(&server, "Super Administrator").await,
    ];

    assign(&basic).await;
    assert_eq!(status(&issued).await, 401, "the pair is ended");
    let forced = server.log_in("ann@example.com", PASSWORD).await;
    assert_eq!(forced.codes(), ["err_user_password_change_required"]);
    let own = "Another good one 7!";
    assert_eq!(server.change_password("ann@example.com", PASSWORD, own).await.rows(), 1);

    // A password of one's own stays; pairs and sessions end all the same.
    let pair = server.logged_in(&server.log_in("ann@example.com", own).await);
    let mut browser = server.signed_in("ann@example.com", own).await;
    assert_eq!(status(&pair).await, 200);
    assign(&highest).await;
    assert_eq!(status(&pair).await, 401);
    assert_eq!(browser.get(&format!("/console/{ACCOUNT}")).await.status, 303, "to the door");
    let pair = server.logged_in(&server.log_in("ann@example.com", own).await);
    // Who gets less, or the same, keeps them.
    assign(&highest).await;
    assign(&full).await;
    assign(&basic).await;
    assert_eq!(status(&pair).await, 200);
    let told = server.admin().audit().await.unwrap();
    let told: Vec<_> = told
        .iter()
        .filter(|event| event.action == "user.role_set")
        .map(|event| event.detail.clone())
        .collect();
    assert!(
        told.iter().any(|detail| detail.ends_with("; revoked bindings: 1; the password must be changed")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_misspelt_field_takes_nothing_away() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for misspelt in ["role", "roleId", "roleName"] {
        let items = json!([{"emailAddress": "reader@example.com", misspelt: "Basic Administrator"}]);
        let answer = administrator.call("/api/role/assign-role", items).await;
        assert_eq!((answer.codes(), answer.rows()), (vec!["err_validation_null".to_owned()], 0), "{answer}");
        assert!(answer.body.contains(r#""field":"id""#), "{answer}");
    }
    assert_eq!(
        server
            .administrator_without_permission()
            .call("/api/user/get-internal-users", json!([]))
            .await
            .status,
        200
    );
    administrator.create(crate::user("ann@example.com")).await;
    let all =
        administrator.call("/api/user/get-attributes", json!([{"emailAddress": "ann@example.com"}])).await;
    let id = all.json()["data"][0]["attributes"][0]["id"].clone();
    let set = async |attribute: Value| {
        let items = json!([{"emailAddress": "ann@example.com", "attributes": [attribute]}]);
        administrator.call("/api/user/update-attributes", items).await
    };
    let value = async || {
        let all = administrator
            .call("/api/user/get-attributes", json!([{"emailAddress": "ann@example.com"}]))
            .await;
        all.json()["data"][0]["attributes"][0]["value"].clone()
    };
    assert_eq!(set(json!({"id": id, "value": "kept"})).await.rows(), 1);
    assert_eq!(set(json!({"id": id, "vlaue": "x"})).await.codes(), ["err_validation_null"]);
    assert_eq!(value().await, "kept");
    assert_eq!(set(json!({"id": id, "value": null})).await.rows(), 1);
    assert_ne!(value().await, "kept");
}

#[tokio::test]
async fn the_hash_of_a_password_is_no_password() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let hash = "{SSHA}8c8hLDuh0PHLyFRQNdpFBLLEdNNzYWx0c2FsdA==";
    let refused = |answer: testkit::Response| {
        assert_eq!((answer.codes(), answer.rows()), (vec!["err_password_policy".to_owned()], 0), "{answer}");
        assert!(answer.body.contains("must not be a password hash: send a hash in passwordHash"), "{answer}");
        assert!(!answer.body.contains("8c8hLDuh0"), "{answer}");
    };
    let items = json!([{"emailAddress": "ann@example.com", "password": hash}]);
    refused(administrator.call("/api/user/create-user", items.clone()).await);
    refused(administrator.call("/api/user/check-user", items).await);
    let items = json!([{"emailAddress": "reader@example.com", "password": hash}]);
    refused(administrator.call("/api/user/update-user", items).await);
    refused(server.change_password("reader@example.com", PASSWORD, hash).await);
    let set = server.admin().set_password("reader@example.com", &hash.into(), &server.hasher()).await;
    assert!(set.unwrap_err().to_string().contains("a password hash"));
    assert_eq!(server.log_in("reader@example.com", PASSWORD).await.rows(), 1);
}

#[tokio::test]
async fn an_application_stops_with_its_account_for_users_of_other_accounts_too() {
    let server = TestServer::start().await;
    let admin = server.admin();
    // An application of the other account, for which a user of the first holds a key pair.
    let application = server.other_administrator().keys().app_id.clone();
    let app_key = server.other_administrator().keys().app_key.clone();
    let binding = admin.add_binding("admin@example.com", &application, None).await.unwrap();
    let mut keys = server.administrator().keys().clone();
    (keys.app_id, keys.app_key) = (application.clone(), app_key);
    keys.access_key = binding.access_key.clone();
    keys.secret_key = binding.secret_key().to_owned();
    let caller = server.caller(&keys);
    assert_eq!(caller.create(crate::user("ann@example.com")).await.rows(), 1);
    let basic = server
        .with_password("/api/login/login", &application, "admin@example.com", PASSWORD, json!({}))
        .await;
    assert_eq!(basic.rows(), 1, "{basic}");

    // As from another process: the running server is not told.
    server.admin_beside().disable_account(testkit::OTHER_ACCOUNT).await.unwrap();
    let refused = caller.create(crate::user("bea@example.com")).await;
    assert_eq!(
        (refused.status, refused.codes()),
        (401, vec!["err_xdk_invalid_signature".to_owned()]),
        "{refused}"
    );
    assert!(admin.user("bea@example.com").await.is_err());
    let basic = server
        .with_password("/api/login/login", &application, "admin@example.com", PASSWORD, json!({}))
        .await;
    assert_eq!(basic.codes(), ["err_developer_key"], "{basic}");
    // The first account's own application works on.
    assert_eq!(server.administrator().create(crate::user("bea@example.com")).await.rows(), 1);
}
