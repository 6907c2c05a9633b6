//! create-account and update-account: a member of the Partner Provisioning Role makes accounts below its own.

use serde_json::{Value, json};
use testkit::{ACCOUNT, LOWER_ACCOUNT, OTHER_ACCOUNT, Response, TestCaller, TestServer};

use crate::user;

const CREATE: &str = "/api/account/create-account";
const UPDATE: &str = "/api/account/update-account";
const ROLE: &str = "Partner Provisioning Role";
const FIRST: &str = "Correct horse 9 battery";

async fn member(server: &TestServer) -> TestCaller {
    server.admin().set_role("plain@example.com", Some(ROLE)).await.unwrap();
    server.caller_for("plain@example.com").await
}

fn new(fields: Value) -> Value {
    let mut item = json!({"accountName": "Customer", "primaryDomain": "customer.example"});
    for (name, value) in fields.as_object().unwrap() {
        item[name] = value.clone();
    }
    item
}

fn told(events: &[directory::audit::Event]) -> String {
    let line = |e: &directory::audit::Event| format!("{} {} {} {}\n", e.actor, e.action, e.target, e.detail);
    events.iter().map(line).collect()
}

#[tokio::test]
async fn an_account_has_a_domain_and_an_administrator_from_the_start() {
    let server = TestServer::start().await;
    let packages = ["Mail [9702]", "Archive [12]"].map(str::to_owned);
    server.admin().change_settings(ACCOUNT, Some(&packages), None).await.unwrap();
    let member = member(&server).await;
    assert_eq!(member.call("/api/provisioning/get-packages", json!([])).await.rows(), 2, "to choose from");
    let item = new(json!({
        "adminPassword": FIRST, "adminRole": "full administrator", "contactName": "Cleo", "contactEmail": "cleo@customer.example",
        "telephone": "+44 1", "products": [9702], "forcePasswordChange": false,
        "addressLine1": "1 Street", "city": "London", "country": "GB", "numberOfUsers": 100, "maximumRetention": 180,
        "umbrellaAccounts": ["X"], "mailPlatform": "exchange",
    }));
    let events = server.events_since(&[]).await;
    let signed = member.signed(CREATE);
    let body = json!({"data": [item]}).to_string();
    let created = member.send(CREATE, &signed, body.clone()).await;
    let again = member.send(CREATE, &signed, body).await;
    assert_eq!((again.status, &again.body), (200, &created.body), "carried out once");
    let code = created.json()["data"][0]["accountCode"].as_str().unwrap().to_owned();
    assert_eq!(code.len(), 10);
    let events = server.events_since(&events).await;
    insta::assert_snapshot!(format!("{created}\n\n{}", told(&events)).replace(&code, "C…"));

    // The administrator logs in and works, within the new account only.
    let accounts = server.admin().accounts().await.unwrap();
    let account = accounts.iter().find(|account| account.code.as_str() == code).unwrap();
    let above = accounts.iter().find(|account| account.code.as_str() == ACCOUNT).unwrap();
    assert_eq!(account.above, [above.id]);
    assert_eq!(server.log_in("cleo@customer.example", FIRST).await.rows(), 1);
    let cleo = server.caller_for("cleo@customer.example").await;
    assert_eq!(cleo.create(user("dan@customer.example")).await.rows(), 1);
    assert_eq!(
        cleo.create(user("dan@example.com")).await.codes(),
        ["err_xdk_operation_forbidden_for_address"]
    );
    let shown = cleo.call("/api/account/get-account", json!([])).await.json()["data"][0].clone();
    assert_eq!(
        json!([
            shown["packages"],
            shown["contactName"],
            shown["contactEmail"],
            shown["telephone"],
            shown["domain"],
            shown["userCount"]
        ]),
        json!([["Mail [9702]"], "Cleo", "cleo@customer.example", "+44 1", "customer.example", 4])
    );
    // A partner above may act in it.
    let named = json!({"meta": {"accountCode": code}, "data": []}).to_string();
    assert_eq!(server.partner().post("/api/account/get-account", named).await.rows(), 1);
}

#[tokio::test]
async fn an_account_is_made_as_a_whole_or_not_at_all() {
    let server = TestServer::start().await;
    let member = member(&server).await;
    server.administrator().create(user("left@example.com")).await;
    let events = server.events_since(&[]).await;
    let accounts = server.admin().accounts().await.unwrap().len();
    let mut all = String::new();
    for fields in [
        json!({"accountName": " ", "primaryDomain": null}),
        json!({"primaryDomain": "no domain"}),
        json!({"primaryDomain": "example.com"}),
        json!({"primaryDomain": "below.other.example"}),
        json!({"contactEmail": "abuse@customer.example"}),
        json!({"contactEmail": "x", "telephone": "1".repeat(65), "contactName": "a\u{7}"}),
        json!({"adminPassword": "customer"}),
        json!({"adminRole": "Emperor"}),
        json!({"adminRole": "Partner Administrator"}),
        json!({"products": [1, "7"]}),
        json!({"products": []}),
        json!({"products": "1"}),
    ] {
        let refused = member.call(CREATE, json!([new(fields.clone())])).await;
        assert_eq!(refused.rows(), 0, "{refused}");
        all.push_str(&format!("# {fields}\n{} {}\n", refused.status, refused.json()["fail"][0]["errors"]));
    }
    let two = member.call(CREATE, json!([new(json!({})), new(json!({}))])).await;
    assert_eq!(two.codes(), ["err_validation_item_count"]);
    insta::assert_snapshot!(all);
    assert_eq!(server.admin().accounts().await.unwrap().len(), accounts);
    assert_eq!(told(&server.events_since(&events).await), "");
    // A domain below the partner's own is its to give.
    let below = member.call(CREATE, json!([new(json!({"primaryDomain": "c.example.com"}))])).await;
    assert_eq!(
        (below.rows(), &below.json()["data"][0]["adminEmail"]),
        (1, &json!("admin@c.example.com")),
        "{below}"
    );
    // What another registered and did not verify is lost to it.
    let pending = json!([{"domain": "wanted.example", "inboundType": "known"}]);
    assert_eq!(server.other_administrator().call("/api/domain/create-domain", pending).await.rows(), 1);
    let given = member.call(CREATE, json!([new(json!({"primaryDomain": "wanted.example"}))])).await;
    assert_eq!(given.rows(), 1, "{given}");
    let late = server
        .other_administrator()
        .call("/api/domain/verify-domain", json!([{"domain": "wanted.example"}]))
        .await;
    assert_eq!(late.codes(), ["err_domain_managed"]);
    assert!(server.admin().verify_audit().await.unwrap().iter().all(|chain| chain.broken.is_none()));
}

#[tokio::test]
async fn only_members_create_accounts_and_only_below_their_own() {
    let server = TestServer::start().await;
    let item = json!([new(json!({}))]);
    for caller in [server.administrator(), server.partner(), server.user_without_role()] {
        let denied: Response = caller.call(CREATE, item.clone()).await;
        assert_eq!((denied.status, denied.codes()), (403, vec!["err_xdk_permission_denied".to_owned()]));
        assert!(denied.body.contains(ROLE), "{denied}");
    }
    let member = member(&server).await;
    assert_eq!(
        member.call("/api/account/get-account", json!([])).await.status,
        403,
        "it has no other permission"
    );
    let mut all = String::new();
    for code in [LOWER_ACCOUNT, ACCOUNT, OTHER_ACCOUNT, "CNONE", "no code", ""] {
        let answer = member.call(UPDATE, json!([{"accountCode": code, "accountName": "Renamed"}])).await;
        all.push_str(&format!("# {code}\n{} {}\n", answer.status, answer.body));
    }
    insta::assert_snapshot!(all);
    let named = json!({"meta": {"accountCode": LOWER_ACCOUNT}, "data": [new(json!({}))]}).to_string();
    assert_eq!(member.post(CREATE, named).await.codes(), ["err_account_not_permitted"]);
    // Nobody else can make a member, or take one over by its password.
    let take = json!([{"emailAddress": "plain@example.com", "password": FIRST}]);
    for caller in [server.administrator(), server.partner()] {
        assert_eq!(
            caller.call("/api/user/update-user", take.clone()).await.codes(),
            ["err_role_not_covered"]
        );
    }
    let roles = server.administrator().call("/api/role/get-roles", json!([])).await.json();
    let role =
        roles["data"].as_array().unwrap().iter().find(|role| role["name"] == ROLE).unwrap()["id"].clone();
    let assign = json!([{"emailAddress": "reader@example.com", "id": role}]);
    let refused = server.administrator().call("/api/role/assign-role", assign).await;
    assert_eq!(refused.codes(), ["err_role_not_covered"]);
    let custom = json!([{"name": "Own", "permissions": [ROLE]}]);
    assert_eq!(
        server.administrator().call("/api/role/create-role", custom).await.codes(),
        ["err_validation_value"]
    );
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let server = TestServer::start().await;
    let packages = ["Mail [9702]", "Archive [12]"].map(str::to_owned);
    server.admin().change_settings(ACCOUNT, Some(&packages), None).await.unwrap();
    let member = member(&server).await;
    let events = server.events_since(&[]).await;
    let mut all = String::new();
    for item in [
        json!({"accountName": "Customer", "products": ["12", 9702], "numberOfUsers": -50}),
        json!({"contactName": "Cleo", "contactEmail": "cleo@example.net", "telephone": "+44 1"}),
        json!({"contactEmail": "", "telephone": ""}),
        json!({}),
        json!({"accountName": "", "contactEmail": "cleo", "products": [1]}),
    ] {
        let mut item = item;
        item["accountCode"] = LOWER_ACCOUNT.into();
        let answer = member.call(UPDATE, json!([item])).await;
        all.push_str(&format!("# {item}\n{} {}\n", answer.status, answer.body));
    }
    insta::assert_snapshot!(format!("{all}\n{}", told(&server.events_since(&events).await)));
}
