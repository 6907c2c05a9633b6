//! Roles by the API: nobody hands out what they do not hold, and somebody always holds everything.

use serde_json::{Value, json};
use testkit::{ACCOUNT, PASSWORD, TestCaller, TestServer};

async fn role_id(caller: &TestCaller, name: &str) -> Value {
    let roles = caller.call("/api/role/get-roles", json!([{"name": name}])).await;
    roles.json()["data"][0]["id"].clone()
}

/// A caller with a custom role: it may edit users and assign roles, and nothing else.
async fn delegate(server: &TestServer) -> TestCaller {
    let permissions =
        ["Directories | Internal | Edit", "Directories | Roles | Edit", "Directories | Roles | Read"];
    let permissions: Vec<_> = permissions.map(str::to_owned).into();
    server.admin().add_role(ACCOUNT, "Delegate", &permissions).await.unwrap();
    server.admin().set_role("plain@example.com", Some("Delegate")).await.unwrap();
    server.caller_for("plain@example.com").await
}

#[tokio::test]
async fn a_role_is_made_given_taken_and_removed() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let role = json!({"name": "Helpers", "permissions": ["directories|internal|read", "Directories | Groups | Read"]});
    let made = administrator.call("/api/role/create-role", json!([role])).await;
    assert_eq!(made.rows(), 1, "{made}");
    assert_eq!(
        administrator.call("/api/role/create-role", json!([role])).await.codes(),
        ["err_already_exists"]
    );
    let id = made.json()["data"][0]["id"].clone();
    let plain = server.user_without_role();
    assert_eq!(plain.call("/api/user/get-internal-users", json!([])).await.status, 403);
    let given = administrator
        .call("/api/role/assign-role", json!([{"emailAddress": "plain@example.com", "id": id}]))
        .await;
    assert_eq!(given.json()["data"][0]["role"], "Helpers");
    assert_eq!(plain.call("/api/user/get-internal-users", json!([])).await.status, 401);
    let plain = server.caller_for("plain@example.com").await;
    assert_eq!(plain.call("/api/user/get-internal-users", json!([])).await.status, 200);
    assert_eq!(
        administrator.call("/api/role/delete-role", json!([{"id": id}])).await.codes(),
        ["err_role_held"]
    );
    let taken = administrator
        .call("/api/role/assign-role", json!([{"emailAddress": "plain@example.com", "id": null}]))
        .await;
    assert_eq!((taken.rows(), taken.json()["data"][0].get("role")), (1, None));
    assert_eq!(plain.call("/api/user/get-internal-users", json!([])).await.status, 403);
    assert_eq!(administrator.call("/api/role/delete-role", json!([{"id": id}])).await.rows(), 1);
    let gone = json!([{"emailAddress": "plain@example.com", "id": id}]);
    assert_eq!(administrator.call("/api/role/assign-role", gone).await.codes(), ["err_not_found"]);
    for (permissions, code) in
        [(json!(["Directories | I | Edit"]), "err_validation_value"), (json!([]), "err_validation_blank")]
    {
        let bad = administrator
            .call("/api/role/create-role", json!([{"name": "Odd", "permissions": permissions}]))
            .await;
        assert_eq!(bad.codes(), [code]);
    }
    let built_in = role_id(&administrator, "Basic Administrator").await;
    assert_eq!(
        administrator.call("/api/role/delete-role", json!([{"id": built_in}])).await.codes(),
        ["err_not_found"]
    );
    let other = server.other_administrator().call("/api/role/delete-role", json!([{"id": built_in}])).await;
    assert_eq!(other.codes(), ["err_validation_invalid_id"], "an id is bound to its account");
}

#[tokio::test]
async fn nobody_gives_or_takes_over_what_they_do_not_hold() {
    let server = TestServer::start().await;
    let delegate = delegate(&server).await;
    let held = json!([{"name": "Less", "permissions": ["Directories | Internal | Edit"]}]);
    assert_eq!(delegate.call("/api/role/create-role", held).await.rows(), 1);
    let more = json!([{"name": "More", "permissions": ["Account | Logs | Read"]}]);
    assert_eq!(delegate.call("/api/role/create-role", more).await.codes(), ["err_role_not_covered"]);
    let super_id = role_id(&delegate, "Super Administrator").await;
    let raise = json!([{"emailAddress": "plain@example.com", "id": super_id}]);
    assert_eq!(delegate.call("/api/role/assign-role", raise).await.codes(), ["err_role_not_covered"]);
    let lower = json!([{"emailAddress": "admin@example.com", "id": ""}]);
    assert_eq!(delegate.call("/api/role/assign-role", lower).await.codes(), ["err_role_not_covered"]);
    // A password is a way to take over a role.
    for change in [
        json!({"password": PASSWORD}),
        json!({"accountDisabled": true}),
        json!({"accountLocked": true}),
        json!({"name": "x"}),
    ] {
        let mut item = change;
        item["emailAddress"] = "admin@example.com".into();
        assert_eq!(
            delegate.call("/api/user/update-user", json!([item])).await.codes(),
            ["err_role_not_covered"]
        );
    }
    let names = json!([{"emailAddress": "admin@example.com"}]);
    assert_eq!(delegate.call("/api/user/delete-user", names.clone()).await.codes(), ["err_role_not_covered"]);
    assert_eq!(delegate.call("/api/user/update-user", names).await.rows(), 1, "to read is no harm");
    // A partner role reaches further than any other: who lacks it can't give it.
    let partner = role_id(&server.administrator(), "Partner Administrator").await;
    let give = json!([{"emailAddress": "plain@example.com", "id": partner}]);
    assert_eq!(
        server.administrator().call("/api/role/assign-role", give).await.codes(),
        ["err_role_not_covered"]
    );
}

#[tokio::test]
async fn the_last_super_administrator_stays() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let calls = [
        ("/api/role/assign-role", json!({"id": null})),
        ("/api/user/update-user", json!({"accountDisabled": true})),
        ("/api/user/update-user", json!({"accountLocked": true})),
        ("/api/user/delete-user", json!({})),
    ];
    for (path, mut item) in calls.clone() {
        item["emailAddress"] = "admin@example.com".into();
        assert_eq!(
            administrator.call(path, json!([item])).await.codes(),
            ["err_last_super_administrator"],
            "{path}"
        );
    }
    let purge = json!([{"emailAddresses": ["admin@example.com"]}]);
    assert_eq!(
        administrator.call("/api/user/add-to-purge-list", purge).await.codes(),
        ["err_last_super_administrator"]
    );
    let super_id = role_id(&administrator, "Super Administrator").await;
    let second = json!([{"emailAddress": "plain@example.com", "id": super_id}]);
    assert_eq!(administrator.call("/api/role/assign-role", second).await.rows(), 1);
    let (path, mut item) = calls[1].clone();
    item["emailAddress"] = "admin@example.com".into();
    assert_eq!(administrator.call(path, json!([item])).await.rows(), 1);
    assert_eq!(administrator.call(path, json!([])).await.status, 401, "and is out at once");
}
