//! The users family, except create-user.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::{PASSWORD, TestServer};

use crate::user;

const ANN: &str = "ann@example.com";

#[tokio::test]
async fn an_update_changes_what_it_names_and_an_address_alone_reads() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    administrator.create(user(ANN)).await;
    let before = server.events_since(&[]).await;
    let read =
        administrator.call("/api/user/update-user", json!([{"emailAddress": "ANN@example.com"}])).await;
    insta::assert_snapshot!(read.body, @r#"{"meta":{"status":200},"data":[{"emailAddress":"ann@example.com","name":"","forcePasswordChange":false,"passwordNeverExpires":false,"accountLocked":false,"accountDisabled":false,"allowSmtp":false,"allowPop":false}],"fail":[]}"#);
    assert_eq!(server.events_since(&before).await.len(), 0, "a read leaves no event");
    let item = json!({"emailAddress": ANN, "name": "Ann Lee", "allowPop": "True", "passwordNeverExpires": true,
                      "archiveStartDate": "2015-11-16T14:49:18+0000", "accountLocked": true});
    let update = administrator.call("/api/user/update-user", json!([item])).await;
    insta::assert_snapshot!(update.body, @r#"{"meta":{"status":200},"data":[{"emailAddress":"ann@example.com","name":"Ann Lee","forcePasswordChange":false,"passwordNeverExpires":true,"accountLocked":true,"accountDisabled":false,"allowSmtp":false,"allowPop":true,"archiveStartDate":"2015-11-16T14:49:18+0000"}],"fail":[]}"#);
    let event = server.events_since(&before).await.remove(0);
    insta::assert_snapshot!(format!("{} {} {}: {}", event.actor, event.action, event.target, event.detail),
        @"admin@example.com user.updated ann@example.com: name, passwordNeverExpires=true, accountLocked=true, allowPop=true, archiveStartDate=2015-11-16T14:49:18Z");
    // Each item stands or falls alone; the same request again is the same answer.
    let body = json!({"data": [
        {"emailAddress": ANN, "password": "short"}, {"emailAddress": ANN, "name": "Ann"}, {"name": "nobody"},
        {"emailAddress": "nobody@example.com"}, {"emailAddress": "admin@other.example"}, {"emailAddress": "x"},
        {"emailAddress": ANN, "archiveStartDate": "soon", "name": "\u{7}"},
    ]});
    let signed = administrator.signed("/api/user/update-user");
    let answer = administrator.send("/api/user/update-user", &signed, body.to_string()).await;
    assert_eq!(answer.rows(), 1);
    assert_eq!(
        answer.codes(),
        [
            "err_password_policy",
            "err_validation_null",
            "err_xdk_operation_forbidden_for_address",
            "err_xdk_operation_forbidden_for_address",
            "err_validation_invalid_email_address",
            "err_validation_type"
        ]
    );
    let forbidden = &answer.json()["fail"];
    assert_eq!(forbidden[2]["errors"], forbidden[3]["errors"], "unknown and another account's look alike");
    let again = administrator.send("/api/user/update-user", &signed, body.to_string()).await;
    assert_eq!(again.body, answer.body);
}

#[tokio::test]
async fn a_password_set_by_an_administrator_ends_key_pairs_and_can_be_forced_to_change() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    administrator.call("/api/user/create-user", json!([{"emailAddress": ANN, "password": PASSWORD}])).await;
    let ann = server.logged_in(&server.log_in(ANN, PASSWORD).await);
    assert_eq!(ann.call("/api/user/get-profile", json!([])).await.rows(), 1);
    let new = "Another good password 9";
    let reset = json!([{"emailAddress": ANN, "password": new, "forcePasswordChange": true}]);
    let answer = administrator.call("/api/user/update-user", reset).await;
    assert!(answer.rows() == 1 && !answer.body.contains(new));
    assert_eq!(ann.call("/api/user/get-profile", json!([])).await.status, 401);
    assert_eq!(server.log_in(ANN, new).await.codes(), ["err_user_password_change_required"]);
}

#[tokio::test]
async fn aliases_and_primaries_share_one_uniqueness() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for address in [ANN, "bob@example.com"] {
        administrator.create(user(address)).await;
    }
    let alias = async |alias_for: &str, alias: &str| {
        administrator.call("/api/user/update-alias", json!([{"aliasFor": alias_for, "alias": alias}])).await
    };
    let added = alias(ANN, "A.Lee@example.com").await;
    insta::assert_snapshot!(added.body, @r#"{"meta":{"status":200},"data":[{"domain":"example.com","isInternal":true,"alias":"A.Lee@example.com","aliasDisplayName":"","aliasFor":"ann@example.com","type":"created_manually"}],"fail":[]}"#);
    for taken in ["a.lee@EXAMPLE.com", "bob@example.com", ANN] {
        assert_eq!(alias("bob@example.com", taken).await.codes(), ["err_user_already_exists"], "{taken}");
    }
    assert_eq!(administrator.create(user("a.lee@example.com")).await.codes(), ["err_user_already_exists"]);
    assert_eq!(alias(ANN, "x@other.example").await.codes(), ["err_xdk_operation_forbidden_for_address"]);
    assert_eq!(alias(ANN, "x").await.codes(), ["err_validation_invalid_email_address"]);
    assert_eq!(alias("a.lee@example.com", "y@example.com").await.codes(), ["err_user_is_alias"]);
    let is_alias =
        administrator.call("/api/user/update-user", json!([{"emailAddress": "a.lee@example.com"}])).await;
    assert_eq!(is_alias.codes(), ["err_user_is_alias"]);
    let aliases = administrator.call("/api/user/get-aliases", json!([{"emailAddress": ANN}])).await;
    assert_eq!(aliases.json()["data"][0]["aliases"][0]["alias"], "A.Lee@example.com");
    let wrong = json!([{"aliasFor": "bob@example.com", "alias": "a.lee@example.com"}]);
    assert_eq!(administrator.call("/api/user/remove-alias", wrong).await.codes(), ["err_not_found"]);
    let right = json!([{"aliasFor": ANN, "alias": "a.lee@example.com"}]);
    assert_eq!(administrator.call("/api/user/remove-alias", right).await.rows(), 1);
    assert_eq!(alias("bob@example.com", "a.lee@example.com").await.rows(), 1, "free again");
}

#[tokio::test]
async fn a_removed_user_is_gone_and_its_address_is_not_reborn_with_old_rights() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    server
        .admin()
        .add_administrator(testkit::ACCOUNT, "boss@example.com", "", "Full Administrator", None)
        .await
        .unwrap();
    server
        .admin()
        .set_password("boss@example.com", &PASSWORD.to_owned().into(), &server.hasher())
        .await
        .unwrap();
    administrator
        .call(
            "/api/user/update-alias",
            json!([{"aliasFor": "boss@example.com", "alias": "chief@example.com"}]),
        )
        .await;
    let delegation = json!([{"primaryAddress": "boss@example.com", "delegateAddress": "reader@example.com"}]);
    administrator.call("/api/user/add-delegate-user", delegation).await;
    let boss = server.logged_in(&server.log_in("boss@example.com", PASSWORD).await);
    assert_eq!(boss.call("/api/account/get-account", json!([])).await.rows(), 1);
    let gone =
        administrator.call("/api/user/delete-user", json!([{"emailAddress": "boss@example.com"}])).await;
    assert_eq!(gone.rows(), 1, "{gone}");
    assert_eq!(boss.call("/api/account/get-account", json!([])).await.status, 401, "out at once");
    assert_eq!(server.log_in("boss@example.com", PASSWORD).await.status, 401);
    let again =
        administrator.call("/api/user/delete-user", json!([{"emailAddress": "boss@example.com"}])).await;
    assert_eq!(again.codes(), ["err_xdk_operation_forbidden_for_address"]);
    let users = server.admin().count_users().await.unwrap();
    assert_eq!(users, testkit::SEEDED, "its alias is gone too");

    let reborn = json!([{"emailAddress": "boss@example.com", "password": PASSWORD}]);
    assert_eq!(administrator.call("/api/user/create-user", reborn).await.rows(), 1);
    let boss = server.logged_in(&server.log_in("boss@example.com", PASSWORD).await);
    assert_eq!(boss.call("/api/account/get-account", json!([])).await.status, 403, "no role");
    let found = administrator
        .call("/api/user/find-delegate-users", json!([{"primaryAddress": "boss@example.com"}]))
        .await;
    assert_eq!(found.json()["data"][0]["delegateUsers"], json!([]));
    let events = server.admin().audit().await.unwrap();
    let reborn = "with password; the address was removed earlier, and gets none of its old rights";
    assert_eq!(events.iter().filter(|event| event.detail == reborn).count(), 1);
    assert!(server.admin().verify_audit().await.unwrap().iter().all(|chain| chain.broken.is_none()));
}

#[tokio::test]
async fn the_purge_list_shuts_out_at_once_and_removes_after_thirty_days() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for address in [ANN, "bob@example.com"] {
        administrator
            .call("/api/user/create-user", json!([{"emailAddress": address, "password": PASSWORD}]))
            .await;
    }
    let both = json!([{"emailAddresses": [ANN, "bob@example.com", "nobody@example.com", "x"]}]);
    let listed = administrator.call("/api/user/add-to-purge-list", both).await;
    assert_eq!(listed.rows(), 2);
    assert_eq!(listed.json()["fail"][0]["key"], json!({"emailAddress": "nobody@example.com"}));
    assert_eq!(server.log_in(ANN, PASSWORD).await.status, 401);
    let bob = json!([{"emailAddresses": ["bob@example.com"]}]);
    assert_eq!(administrator.call("/api/user/remove-from-purge-list", bob.clone()).await.rows(), 1);
    assert_eq!(administrator.call("/api/user/remove-from-purge-list", bob).await.codes(), ["err_not_found"]);
    assert_eq!(server.log_in("bob@example.com", PASSWORD).await.rows(), 1, "called off");
    server.clock().advance(SignedDuration::from_hours(24 * 30 - 1));
    assert_eq!(server.admin().purge_due().await.unwrap(), 0);
    server.clock().advance(SignedDuration::from_hours(1));
    assert_eq!(server.admin().purge_due().await.unwrap(), 1);
    let event = server.admin().audit().await.unwrap().pop().unwrap();
    assert_eq!(
        (event.actor.as_str(), event.action.as_str(), event.target.as_str()),
        ("matricula", "user.removed", ANN)
    );
    assert!(server.admin().user(ANN).await.is_err() && server.admin().user("bob@example.com").await.is_ok());
    let many: Vec<_> = (0..1_001).map(|n| format!("u{n}@example.com")).collect();
    let many = administrator.call("/api/user/add-to-purge-list", json!([{"emailAddresses": many}])).await;
    assert_eq!((many.status, many.codes()), (400, vec!["err_validation_item_count".to_owned()]));
}

#[tokio::test]
async fn attributes_are_set_together_or_not_at_all() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    administrator.create(user(ANN)).await;
    let get = async || {
        administrator.call("/api/user/get-attributes", json!([{"emailAddress": ANN}])).await.json()["data"][0]
            ["attributes"]
            .clone()
    };
    let all = get().await;
    let id = |name: &str| all.as_array().unwrap().iter().find(|a| a["name"] == name).unwrap()["id"].clone();
    let set = async |attributes: Value| {
        administrator
            .call("/api/user/update-attributes", json!([{"emailAddress": ANN, "attributes": attributes}]))
            .await
    };
    assert_eq!(
        set(json!([{"id": id("phoneNumber"), "value": "+49 1"}, {"id": id("title"), "value": "Dr"}]))
            .await
            .rows(),
        1
    );
    let bad = set(json!([{"id": id("title"), "value": "changed"}, {"id": "forged", "value": "x"}])).await;
    assert_eq!(bad.codes(), ["err_validation_invalid_id"]);
    assert_eq!(
        set(json!([{"id": id("title"), "value": "x".repeat(65_537)}])).await.codes(),
        ["err_validation_length"]
    );
    assert_eq!(
        set(json!([{"id": id("title"), "value": "\u{0}"}])).await.codes(),
        ["err_validation_characters"]
    );
    let values: Vec<_> =
        get().await.as_array().unwrap().iter().map(|a| a["value"].clone()).filter(|v| v != "").collect();
    assert_eq!(values, ["+49 1", "Dr"], "nothing of the refused item was done");
    let photo = json!([{"id": id("thumbnailPhoto"), "value": "aGVsbG8="}, {"id": id("title"), "value": ""}]);
    assert_eq!(set(photo).await.rows(), 1);
    let profile = administrator
        .call("/api/user/get-profile", json!([{"emailAddress": ANN, "showAvatar": "True"}]))
        .await;
    let row = profile.json()["data"][0].clone();
    assert_eq!(
        (row["attributes"]["phoneNumber"].as_str(), row["avatar"].as_str()),
        (Some("+49 1"), Some("aGVsbG8="))
    );
}

#[tokio::test]
async fn a_profile_is_one_s_own_or_needs_the_permission() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let own = administrator.call("/api/user/get-profile", json!([])).await;
    insta::assert_snapshot!(own.body, @r#"{"meta":{"status":200},"data":[{"name":"","emailAddress":"admin@example.com","id":"admin@example.com","accountCode":"CTEST00001","role":"Super Administrator","admin":true,"external":false,"editable":true,"localPassword":true,"changePassword":false,"companyName":"An account","serverTimeZone":"UTC","attributes":{},"links":[]}],"fail":[]}"#);
    let plain = server.user_without_role();
    let mine = plain.call("/api/user/get-profile", json!([{"emailAddress": "PLAIN@example.com"}])).await;
    assert_eq!((mine.rows(), mine.json()["data"][0]["admin"].as_bool()), (1, Some(false)));
    for other in ["admin@example.com", "nobody@example.com", "admin@other.example"] {
        assert_eq!(
            plain.call("/api/user/get-profile", json!([{"emailAddress": other}])).await.status,
            403,
            "{other}"
        );
    }
    for other in ["nobody@example.com", "admin@other.example"] {
        let answer = administrator.call("/api/user/get-profile", json!([{"emailAddress": other}])).await;
        assert_eq!(answer.codes(), ["err_xdk_operation_forbidden_for_address"], "{other}");
    }
}

#[tokio::test]
async fn delegates_are_added_found_and_removed() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let add = async |primary: &str, delegate: &str| {
        let item = json!([{"primaryAddress": primary, "delegateAddress": delegate}]);
        administrator.call("/api/user/add-delegate-user", item).await
    };
    administrator.create(user(ANN)).await;
    let added = add(ANN, "reader@example.com").await;
    assert_eq!((added.rows(), &added.json()["data"][0]["success"]), (1, &json!(true)));
    assert_eq!(add(ANN, "reader@example.com").await.codes(), ["err_already_exists"]);
    assert_eq!(add(ANN, ANN).await.codes(), ["err_validation_value"]);
    assert_eq!(add(ANN, "admin@other.example").await.codes(), ["err_xdk_operation_forbidden_for_address"]);
    let find = async || {
        administrator.call("/api/user/find-delegate-users", json!([{"primaryAddress": ANN}])).await.json()["data"][0]["delegateUsers"].clone()
    };
    let found = find().await;
    assert_eq!(
        (found.as_array().unwrap().len(), &found[0]["emailAddress"]),
        (1, &json!("reader@example.com"))
    );
    assert_eq!(found[0]["id"], added.json()["data"][0]["id"]);
    let remove = json!([{"id": found[0]["id"]}]);
    assert_eq!(administrator.call("/api/user/remove-delegate-user", remove.clone()).await.rows(), 1);
    assert_eq!(administrator.call("/api/user/remove-delegate-user", remove).await.codes(), ["err_not_found"]);
    assert_eq!(find().await, json!([]));
}

#[tokio::test]
async fn a_renamed_user_keeps_everything_but_its_address() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let update = async |item: Value| administrator.call("/api/user/update-user", json!([item])).await;
    administrator.create(user("ann@example.com")).await;
    administrator.create(user("bob@example.com")).await;
    let renamed = update(json!({ "emailAddress": "ann@example.com", "newEmailAddress": "Ann.Ray@example.com", "keepAlias": true, "name": "Ann Ray" })).await;
    assert_eq!(renamed.json()["data"][0]["emailAddress"], "Ann.Ray@example.com", "{}", renamed.body);
    assert_eq!(renamed.json()["data"][0]["name"], "Ann Ray");
    let alias = update(json!({ "emailAddress": "ann@example.com" })).await;
    assert_eq!(alias.codes(), ["err_user_is_alias"]);
    for (address, code) in [
        ("bob@example.com", "err_user_already_exists"),
        ("ann@elsewhere.example", "err_xdk_operation_forbidden_for_address"),
        ("ann", "err_validation_invalid_email_address"),
    ] {
        let refused =
            update(json!({ "emailAddress": "ann.ray@example.com", "newEmailAddress": address })).await;
        assert_eq!(refused.codes(), [code], "{}", refused.body);
        assert_eq!(refused.json()["fail"][0]["errors"][0]["field"], "newEmailAddress");
    }
    // Without an alias the old address is free at once.
    update(json!({ "emailAddress": "bob@example.com", "newEmailAddress": "rob@example.com" })).await;
    assert_eq!(administrator.create(user("bob@example.com")).await.rows(), 1);
    let actions: Vec<_> =
        server.admin().audit().await.unwrap().into_iter().map(|event| event.action).collect();
    assert!(actions.contains(&"user.renamed".to_owned()), "{actions:?}");
}
