//! The users of a domain: `postmaster@` and `abuse@`.

use serde_json::{Value, json};
use testkit::{ACCOUNT, PASSWORD, TestCaller, TestServer};

use crate::user;

const POSTMASTER: &str = "postmaster@example.com";
const PROFILE: &str = "/api/user/get-profile";
const FORBIDDEN: &str = "err_xdk_operation_forbidden_for_address";
const REFUSAL: &str = "0003 Forbidden To Perform Operation For Address: this user belongs to its domain and cannot be changed or removed";

/// Names and addresses of the users in a domain, and the number that the list says.
async fn listed(caller: &TestCaller, domain: &str) -> (Vec<(String, String)>, Value) {
    let answer = caller.call("/api/user/get-internal-users", json!([{"domain": domain}])).await.json();
    let row = &answer["data"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let users = row["users"].as_array().unwrap().iter();
    (users.map(|user| (text(&user["emailAddress"]), text(&user["name"]))).collect(), row["userCount"].clone())
}

#[tokio::test]
async fn a_new_domain_lists_them_by_the_recorded_names() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let item = json!([{"domain": "new.example", "inboundType": "any"}]);
    administrator.call("/api/domain/create-domain", item.clone()).await;
    assert_eq!(listed(&administrator, "new.example").await, (Vec::new(), json!(0)), "it is not internal yet");
    let verified = administrator.call("/api/domain/verify-domain", item).await;
    assert_eq!(verified.rows(), 1, "{verified}");
    let below = json!([{"domain": "sub.new.example", "inboundType": "any"}]);
    administrator.call("/api/domain/create-domain", below).await;
    for domain in ["new.example", "sub.new.example"] {
        administrator.create(user(&format!("ann@{domain}"))).await;
        let expected =
            [("abuse", "Domain abuse address"), ("ann", ""), ("postmaster", "Domain postMaster address")];
        let expected = expected.map(|(local, name)| (format!("{local}@{domain}"), name.to_owned()));
        assert_eq!(listed(&administrator, domain).await, (expected.into(), json!(3)), "{domain}");
    }
    let events = server.admin().audit().await.unwrap();
    assert!(events.iter().all(|event| !event.target.starts_with("postmaster@")), "they have no own events");
}

#[tokio::test]
async fn a_profile_tells_a_missing_user_from_a_missing_permission() {
    let server = TestServer::start().await;
    let ask = async |caller: &TestCaller, address: &str| {
        let answer = caller.call(PROFILE, json!([{"emailAddress": address}])).await;
        let message =
            answer.json()["fail"][0]["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        (answer.rows(), answer.codes().concat(), message)
    };
    let administrator = server.administrator();
    let profile = administrator.call(PROFILE, json!([{"emailAddress": POSTMASTER}])).await.json();
    let profile = &profile["data"][0];
    assert_eq!(profile["name"], "Domain postMaster address");
    assert_eq!((&profile["emailAddress"], &profile["localPassword"]), (&json!(POSTMASTER), &json!(false)));
    assert_eq!(profile["editable"], false, "nobody can change it");
    let missing = "0003 Forbidden To Perform Operation For Address: no such user in the account";
    for address in ["nobody@example.com", "postmaster@other.example", "postmaster@unknown.example"] {
        assert_eq!(
            ask(&administrator, address).await,
            (0, FORBIDDEN.to_owned(), missing.to_owned()),
            "{address}"
        );
    }
    let (rows, code, message) = ask(&server.user_without_role(), POSTMASTER).await;
    assert_eq!((rows, &*code), (0, "err_xdk_permission_denied"));
    assert!(!message.contains("no such user"), "{message}");
}

#[tokio::test]
async fn their_addresses_are_taken_and_nobody_logs_in() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for path in ["/api/user/create-user", "/api/user/check-user"] {
        let created = administrator.call(path, json!([{"emailAddress": "PostMaster@Example.com"}])).await;
        assert_eq!(created.codes(), ["err_user_already_exists"], "{path}");
    }
    let alias = json!([{"aliasFor": "admin@example.com", "alias": "abuse@example.com"}]);
    let alias = administrator.call("/api/user/update-alias", alias).await;
    assert_eq!(alias.codes(), ["err_user_already_exists"]);
    // An item without changes is a read.
    let read = administrator.call("/api/user/update-user", json!([{"emailAddress": POSTMASTER}])).await;
    assert_eq!(read.rows(), 1);
    assert_eq!(server.log_in(POSTMASTER, PASSWORD).await.codes(), ["err_login_refused"]);
}

#[tokio::test]
async fn nobody_can_change_or_remove_them() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let before = server.events_since(&[]).await;
    let roles =
        administrator.call("/api/role/get-roles", json!([{"name": "Basic Administrator"}])).await.json();
    let role = &roles["data"][0]["id"];
    let read =
        administrator.call("/api/user/get-attributes", json!([{"emailAddress": POSTMASTER}])).await.json();
    let attribute = &read["data"][0]["attributes"][0]["id"];
    assert!(role.is_string() && attribute.is_string());
    let other = "plain@example.com";
    for (path, field, item) in [
        ("user/update-user", "emailAddress", json!({"emailAddress": POSTMASTER, "password": PASSWORD})),
        ("user/update-user", "emailAddress", json!({"emailAddress": POSTMASTER, "name": "Other"})),
        ("user/update-user", "emailAddress", json!({"emailAddress": POSTMASTER, "accountDisabled": true})),
        ("user/delete-user", "emailAddress", json!({"emailAddress": POSTMASTER})),
        ("user/add-to-purge-list", "emailAddress", json!({"emailAddresses": [POSTMASTER]})),
        ("user/update-alias", "aliasFor", json!({"aliasFor": POSTMASTER, "alias": "hostmaster@example.com"})),
        (
            "user/add-delegate-user",
            "primaryAddress",
            json!({"primaryAddress": POSTMASTER, "delegateAddress": other}),
        ),
        (
            "user/add-delegate-user",
            "delegateAddress",
            json!({"primaryAddress": other, "delegateAddress": POSTMASTER}),
        ),
        (
            "user/update-attributes",
            "emailAddress",
            json!({"emailAddress": POSTMASTER, "attributes": [{"id": attribute, "value": "1"}]}),
        ),
        ("role/assign-role", "emailAddress", json!({"emailAddress": POSTMASTER, "id": role})),
    ] {
        let answer = administrator.call(&format!("/api/{path}"), json!([item])).await;
        assert_eq!((answer.rows(), answer.codes()), (0, vec![FORBIDDEN.to_owned()]), "{path}: {answer}");
        let error = &answer.json()["fail"][0]["errors"][0];
        assert_eq!((&error["field"], &error["message"]), (&json!(field), &json!(REFUSAL)), "{path}");
    }
    assert_eq!(server.events_since(&before).await.len(), 0);
}

#[tokio::test]
async fn the_operator_cannot_change_them_and_removes_them_with_the_domain() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let application = admin.add_application(ACCOUNT, "An application").await.unwrap();
    let refused = [
        admin.add_binding(POSTMASTER, &application.app_id, None).await.err().map(|why| why.to_string()),
        admin.set_role(POSTMASTER, Some("Basic Administrator")).await.err().map(|why| why.to_string()),
        admin.disable_user(POSTMASTER).await.err().map(|why| why.to_string()),
    ];
    for why in refused {
        let why = why.unwrap();
        assert!(why.ends_with("belongs to its domain and cannot be changed or removed"), "{why}");
    }
    let users = admin.count_users().await.unwrap();
    admin.add_domain(ACCOUNT, "moving.example").await.unwrap();
    assert_eq!(admin.count_users().await.unwrap(), users + 2);
    admin.remove_domain("moving.example").await.unwrap();
    assert_eq!(admin.count_users().await.unwrap(), users);
    admin.add_domain(testkit::OTHER_ACCOUNT, "moving.example").await.unwrap();
    let (moved, _) = listed(&server.other_administrator(), "moving.example").await;
    assert_eq!(moved.len(), 2);
}
