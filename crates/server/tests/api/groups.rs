//! Groups and their members, through a real socket.

use serde_json::{Value, json};
use testkit::{Response, TestCaller, TestServer};

const CREATE: &str = "/api/directory/create-group";
const UPDATE: &str = "/api/directory/update-group";
const DELETE: &str = "/api/directory/delete-group";
const FIND: &str = "/api/directory/find-groups";
const ADD: &str = "/api/directory/add-group-member";
const REMOVE: &str = "/api/directory/remove-group-member";
const MEMBERS: &str = "/api/directory/get-group-members";

async fn post(caller: &TestCaller, path: &str, item: Value) -> Response {
    caller.call(path, json!([item])).await
}

/// The row of a call that succeeds.
async fn one(caller: &TestCaller, path: &str, item: Value) -> Value {
    let answer = post(caller, path, item).await;
    assert_eq!((answer.rows(), answer.codes().len()), (1, 0), "{path}: {answer}");
    answer.json()["data"][0].clone()
}

async fn group(caller: &TestCaller, description: &str, parent: Option<&Value>) -> Value {
    one(caller, CREATE, json!({"description": description, "parentId": parent})).await["id"].clone()
}

/// Code and field of the one error of a call.
async fn error(caller: &TestCaller, path: &str, item: Value) -> (String, String) {
    let answer = post(caller, path, item.clone()).await;
    let fail = answer.json()["fail"].clone();
    assert_eq!((answer.status, answer.rows(), answer.codes().len()), (200, 0, 1), "{path}: {answer}");
    assert_eq!(fail[0]["key"], item);
    let error = &fail[0]["errors"][0];
    assert_eq!(error["retryable"], false);
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("field"))
}

fn is(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

#[tokio::test]
async fn groups_are_nested_and_count_what_is_in_them() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let made = one(&caller, CREATE, json!({"description": "Sales", "parentId": ""})).await;
    let keys: Vec<_> = made.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "description", "source", "parentId", "userCount", "folderCount"]);
    let (sales, root) = (made["id"].clone(), made["parentId"].clone());
    // The account's root is a folder, and not a group.
    let made = one(&caller, CREATE, json!({"description": "Support", "parentId": root})).await;
    assert_eq!((&made["parentId"], made["id"] == root), (&root, false));
    for path in [UPDATE, DELETE, MEMBERS, ADD] {
        let item = json!({"id": root, "emailAddress": "a@elsewhere.example"});
        assert_eq!(post(&caller, path, item).await.codes(), ["err_not_found"], "{path}");
    }
    let north = group(&caller, "North", Some(&sales)).await;
    let made = one(&caller, CREATE, json!({"description": "Harbour", "parentId": north})).await;
    assert_eq!((&made["parentId"], &made["source"]), (&north, &json!("cloud")));
    let harbour = made["id"].clone();

    // With nothing but the id, update-group reads.
    let read = one(&caller, UPDATE, json!({"id": sales})).await;
    assert_eq!((&read["userCount"], &read["folderCount"]), (&json!(0), &json!(1)));
    one(&caller, ADD, json!({"id": sales, "emailAddress": "a@elsewhere.example"})).await;
    let moved = one(&caller, UPDATE, json!({"id": harbour, "parentId": sales, "description": "Port"})).await;
    assert_eq!((&moved["parentId"], &moved["description"]), (&sales, &json!("Port")));
    let read = one(&caller, UPDATE, json!({"id": sales})).await;
    assert_eq!((&read["userCount"], &read["folderCount"]), (&json!(1), &json!(2)));
    let top = one(&caller, UPDATE, json!({"id": harbour, "parentId": ""})).await;
    assert_eq!(top["parentId"], root);
    one(&caller, UPDATE, json!({"id": harbour, "parentId": sales})).await;
    let top = one(&caller, UPDATE, json!({"id": harbour, "parentId": root})).await;
    assert_eq!(top["parentId"], root);
    assert_eq!(one(&caller, DELETE, json!({"id": harbour})).await, json!({"id": harbour}));

    let unknown = is("err_not_found", "id");
    for path in [UPDATE, DELETE, MEMBERS] {
        assert_eq!(error(&caller, path, json!({"id": harbour})).await, unknown, "{path}");
    }
    assert_eq!(error(&caller, UPDATE, json!({"id": harbour, "description": "x"})).await, unknown);
    for path in [ADD, REMOVE] {
        let item = json!({"id": harbour, "emailAddress": "a@b.example"});
        assert_eq!(error(&caller, path, item).await, unknown, "{path}");
    }
}

#[tokio::test]
async fn what_a_group_may_not_be_says_why() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let sales = group(&caller, "Sales", None).await;
    let north = group(&caller, "North", Some(&sales)).await;
    let south = group(&caller, "South", Some(&sales)).await;
    let gone = group(&caller, "Gone", None).await;
    one(&caller, DELETE, json!({"id": gone})).await;
    let theirs = one(&server.other_administrator(), CREATE, json!({"description": "Theirs"})).await;
    let (of_another, root_of_another) = (theirs["id"].clone(), theirs["parentId"].clone());
    let exists = is("err_already_exists", "description");
    let placement = is("err_group_placement", "parentId");
    let invalid = is("err_validation_invalid_id", "parentId");
    for (path, item, expected) in [
        (CREATE, json!({}), is("err_validation_null", "description")),
        (CREATE, json!({"description": " "}), is("err_validation_blank", "description")),
        (CREATE, json!({"description": "x".repeat(257)}), is("err_validation_length", "description")),
        (CREATE, json!({"description": "a\u{7}"}), is("err_validation_characters", "description")),
        (CREATE, json!({"description": "SALES"}), exists.clone()),
        (CREATE, json!({"description": "north", "parentId": sales}), exists.clone()),
        (CREATE, json!({"description": "x", "parentId": gone}), is("err_not_found", "parentId")),
        (CREATE, json!({"description": "x", "parentId": of_another}), invalid.clone()),
        (CREATE, json!({"description": "x", "parentId": root_of_another}), invalid.clone()),
        (CREATE, json!({"description": "x", "parentId": "x"}), invalid.clone()),
        (UPDATE, json!({"description": "x"}), is("err_validation_null", "id")),
        (UPDATE, json!({"id": of_another}), is("err_validation_invalid_id", "id")),
        (UPDATE, json!({"id": south, "description": "North"}), exists),
        (UPDATE, json!({"id": south, "description": ""}), is("err_validation_blank", "description")),
        (UPDATE, json!({"id": sales, "parentId": sales}), placement.clone()),
        (UPDATE, json!({"id": sales, "parentId": north}), placement.clone()),
        (DELETE, json!({"id": of_another}), is("err_validation_invalid_id", "id")),
        (DELETE, json!({"id": sales}), is("err_group_has_folders", "id")),
        (FIND, json!({"source": "file"}), is("err_validation_value", "source")),
        (FIND, json!({"query": "q".repeat(257)}), is("err_validation_length", "query")),
        (FIND, json!({"query": "\n x"}), is("err_validation_characters", "query")),
    ] {
        assert_eq!(error(&caller, path, item.clone()).await, expected, "{path} {item}");
    }
    // Everything that is wrong with an item is told at once.
    let answer = post(&caller, UPDATE, json!({"id": "x", "description": "", "parentId": "x"})).await;
    let codes = ["err_validation_invalid_id", "err_validation_blank", "err_validation_invalid_id"];
    assert_eq!(answer.codes(), codes);

    let mut parent = group(&caller, "Down", None).await;
    for _ in 1..20 {
        parent = group(&caller, "Down", Some(&parent)).await;
    }
    assert_eq!(error(&caller, CREATE, json!({"description": "x", "parentId": parent})).await, placement);
}

/// Members that can't be added or removed, with code and field of the error.
fn refused_members() -> [(&'static str, Value, (String, String)); 12] {
    [
        (ADD, json!({}), is("err_validation_null", "emailAddress")),
        (ADD, json!({"emailAddress": " "}), is("err_validation_blank", "emailAddress")),
        (
            ADD,
            json!({"emailAddress": "c@elsewhere.example", "domain": "elsewhere.example"}),
            is("err_validation_value", "domain"),
        ),
        (ADD, json!({"emailAddress": "c"}), is("err_validation_invalid_email_address", "emailAddress")),
        (ADD, json!({"domain": "c d"}), is("err_validation_invalid_domain", "domain")),
        (
            ADD,
            json!({"domain": "c.example", "notes": "n".repeat(1_025)}),
            is("err_validation_length", "notes"),
        ),
        (ADD, json!({"domain": "c.example", "notes": "\u{7}"}), is("err_validation_characters", "notes")),
        (ADD, json!({"emailAddress": "ann@example.com"}), is("err_folder_group_member_already_exists", "")),
        (ADD, json!({"emailAddress": "c@example.com"}), is("err_folder_email_address_not_found", "")),
        (REMOVE, json!({"emailAddress": "c@example.com"}), is("err_folder_email_address_not_found", "")),
        (REMOVE, json!({"domain": "c.example"}), is("err_folder_email_address_not_found", "")),
        (REMOVE, json!({}), is("err_validation_null", "emailAddress")),
    ]
}

#[tokio::test]
async fn members_are_users_addresses_from_outside_and_domains() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let ann = json!({"emailAddress": "Ann@example.com", "name": "Ann Lee"});
    let created = one(&caller, wire::create_user::PATH, ann).await;
    let sales = group(&caller, "Sales", None).await;
    let add = |member: Value| {
        let mut item = json!({"id": sales});
        item.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
        item
    };

    let added = one(&caller, ADD, add(json!({"emailAddress": "ann@EXAMPLE.com", "notes": "leads"}))).await;
    let shown =
        json!({"id": added["id"], "folderId": sales, "emailAddress": "ann@EXAMPLE.com", "internal": true});
    assert_eq!(added.to_string(), shown.to_string(), "its keys stand in the recorded order");
    // The id is that of the membership.
    let other = group(&caller, "Other", None).await;
    let elsewhere = one(&caller, ADD, json!({"id": other, "emailAddress": "ann@example.com"})).await;
    assert!(added["id"] != created["id"] && added["id"] != elsewhere["id"] && added["id"].is_string());
    let outside = one(&caller, ADD, add(json!({"emailAddress": "b@elsewhere.example", "domain": ""}))).await;
    assert_eq!(outside["internal"], false);
    let domain = one(&caller, ADD, add(json!({"domain": "Elsewhere.example"}))).await;
    assert_eq!(
        domain,
        json!({"id": domain["id"], "folderId": sales, "domain": "elsewhere.example", "internal": false})
    );
    one(&caller, ADD, add(json!({"domain": "example.com"}))).await;

    let answer = post(&caller, MEMBERS, json!({"id": sales})).await;
    let row = |address: &str, domain: &str, internal: bool| json!({"emailAddress": address, "domain": domain, "internal": internal, "type": "created_manually"});
    let mut last = row("ann@EXAMPLE.com", "example.com", true);
    last.as_object_mut()
        .unwrap()
        .extend([("name".to_owned(), json!("Ann Lee")), ("notes".to_owned(), json!("leads"))]);
    let members = json!([{"groupMembers": [
        row("", "elsewhere.example", false),
        row("b@elsewhere.example", "elsewhere.example", false),
        row("", "example.com", true),
        last,
    ]}]);
    assert_eq!(answer.json()["data"].to_string(), members.to_string());
    assert_eq!(answer.json()["meta"]["pagination"], json!({"pageSize": 4, "totalCount": 4}));

    for (path, member, expected) in refused_members() {
        assert_eq!(error(&caller, path, add(member.clone())).await, expected, "{path} {member}");
    }

    let removed = one(&caller, REMOVE, add(json!({"emailAddress": "ANN@example.com"}))).await;
    assert_eq!(removed, added);
    let removed = one(&caller, REMOVE, add(json!({"domain": "elsewhere.example"}))).await;
    assert_eq!(removed, domain);
    assert_eq!(one(&caller, UPDATE, json!({"id": sales})).await["userCount"], 2);

    // Also in the same request, each item on its own.
    let twice = add(json!({"domain": "twice.example"}));
    let answer = caller.call(ADD, json!([twice, twice, {"id": sales}])).await;
    assert_eq!(answer.rows(), 1);
    assert_eq!(answer.codes(), ["err_folder_group_member_already_exists", "err_validation_null"]);
}

#[tokio::test]
async fn a_user_that_is_deleted_is_no_member_any_more() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let sales = group(&caller, "Sales", None).await;
    caller.create(crate::user("ann@example.com")).await;
    let alias = json!({"aliasFor": "ann@example.com", "alias": "a.lee@example.com"});
    one(&caller, "/api/user/update-alias", alias).await;
    for address in ["ann@example.com", "a.lee@example.com", "plain@example.com"] {
        one(&caller, ADD, json!({"id": sales, "emailAddress": address})).await;
    }
    one(&caller, "/api/user/delete-user", json!({"emailAddress": "ann@example.com"})).await;
    let answer = post(&caller, MEMBERS, json!({"id": sales})).await;
    let members = &answer.json()["data"][0]["groupMembers"];
    assert_eq!(members.as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer.json()["meta"]["pagination"]["totalCount"], 1);
}

/// The rows of every page, walked forwards by `next`, then back by `previous` to the first one.
async fn walk(caller: &TestCaller, path: &str, item: Value, rows: &str, size: usize) -> Vec<Value> {
    let page = async |body: Value| {
        let answer = caller.post(path, body.to_string()).await;
        assert_eq!((answer.rows(), answer.codes().len()), (1, 0), "{answer}");
        let page = answer.json();
        let found = page["data"][0][rows].as_array().unwrap().clone();
        let pagination = page["meta"]["pagination"].clone();
        assert_eq!(pagination["pageSize"], found.len());
        (found, pagination)
    };
    let first =
        json!({"data": [item], "meta": {"pagination": {"pageSize": size.to_string(), "pageToken": null}}});
    let (first, mut pagination) = page(first).await;
    assert!(pagination.get("previous").is_none());
    let (mut all, mut pages) = (first.clone(), vec![first]);
    while let Some(next) = pagination.get("next") {
        // A page that follows needs nothing but its token.
        let (found, after) =
            page(json!({"meta": {"pagination": {"pageSize": size, "pageToken": next}}})).await;
        assert_eq!(after["totalCount"], pagination["totalCount"]);
        all.extend(found.clone());
        pages.push(found);
        pagination = after;
    }
    assert_eq!(pagination["totalCount"], all.len());
    for expected in pages.iter().rev().skip(1) {
        let previous = pagination["previous"].clone();
        let (found, before) =
            page(json!({"meta": {"pagination": {"pageSize": size, "pageToken": previous}}})).await;
        assert_eq!(&found, expected);
        pagination = before;
    }
    assert!(pagination.get("previous").is_none());
    all
}

#[tokio::test]
async fn groups_and_members_are_walked_page_by_page() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let groups: Vec<_> = (0..23)
        .map(|n| json!({"description": format!("{} {n}", if n % 2 == 0 { "Even" } else { "Odd" })}))
        .collect();
    let made = caller.call(CREATE, json!(groups)).await;
    assert_eq!(made.rows(), 23, "{made}");
    let found = walk(&caller, FIND, json!({}), "folders", 5).await;
    let described: Vec<_> = found.iter().map(|group| group["description"].as_str().unwrap()).collect();
    let mut expected: Vec<_> = groups.iter().map(|group| group["description"].as_str().unwrap()).collect();
    // Those of one request are made at the same time.
    expected.sort_unstable();
    let mut sorted = described.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(
        walk(&caller, FIND, json!({"query": "EVEN", "source": "Cloud"}), "folders", 5).await.len(),
        12
    );
    assert_eq!(walk(&caller, FIND, json!({"source": "cloud", "query": " "}), "folders", 23).await.len(), 23);

    let answer = post(&caller, FIND, json!({"query": "odd 1", "source": "cloud"})).await;
    let row = &answer.json()["data"][0];
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["source", "query", "folders"]);
    assert_eq!((&row["source"], &row["query"]), (&json!("cloud"), &json!("odd 1")));
    assert_eq!(row["folders"].as_array().unwrap().len(), 6);
    let answer = post(&caller, FIND, json!({"source": "ldap"})).await;
    assert_eq!(answer.json()["data"], json!([{"source": "ldap", "folders": []}]));
    // As recorded: without hits there is no count.
    assert_eq!(answer.json()["meta"]["pagination"], json!({"pageSize": 0}));

    let id = &found[0]["id"];
    let members: Vec<_> = (0..23)
        .map(|n| json!({"id": id, "emailAddress": format!("member{n:02}@elsewhere.example")}))
        .collect();
    assert_eq!(caller.call(ADD, json!(members)).await.rows(), 23);
    let found = walk(&caller, MEMBERS, json!({"id": id}), "groupMembers", 7).await;
    let addresses: Vec<_> = found.iter().map(|member| member["emailAddress"].clone()).collect();
    assert_eq!(addresses, members.iter().map(|member| member["emailAddress"].clone()).collect::<Vec<_>>());

    // A token is good for its own list and account only, and '' is none.
    let first = json!({"data": [{"id": id}], "meta": {"pagination": {"pageSize": 5, "pageToken": ""}}});
    let first = caller.post(MEMBERS, first.to_string()).await;
    let next = first.json()["meta"]["pagination"]["next"].clone();
    let follow = json!({"meta": {"pagination": {"pageToken": next}}}).to_string();
    assert_eq!(caller.post(MEMBERS, follow.clone()).await.json()["meta"]["pagination"]["pageSize"], 18);
    for answer in [
        caller.post(FIND, follow.clone()).await,
        server.other_administrator().post(MEMBERS, follow.clone()).await,
    ] {
        assert_eq!(answer.codes(), ["err_validation_invalid_page_token"]);
    }
    let unnamed = caller.post(MEMBERS, "{}").await;
    assert_eq!(unnamed.codes(), ["err_validation_null"]);
}

#[tokio::test]
async fn a_partner_keeps_the_groups_of_an_account_below() {
    let server = TestServer::start().await;
    let partner = server.partner();
    let meta = json!({"accountCode": testkit::LOWER_ACCOUNT});
    let make = json!({"meta": meta, "data": [{"description": "Below"}]}).to_string();
    let made = partner.post(CREATE, make).await.json()["data"][0]["id"].clone();
    let user = json!({"meta": meta, "data": [{"emailAddress": "a@lower.example"}]}).to_string();
    assert_eq!(partner.post(wire::create_user::PATH, user).await.rows(), 1);
    let member = json!({"id": made, "emailAddress": "a@lower.example"});
    let added = partner.post(ADD, json!({"meta": meta, "data": [member]}).to_string()).await;
    assert_eq!(added.json()["data"][0]["internal"], true, "{added}");
    // The id is one of the account it was made in, and of no other.
    let own = post(&partner, ADD, member).await;
    assert_eq!(own.codes(), ["err_validation_invalid_id"]);
}
