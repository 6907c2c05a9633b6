//! Changes at the same moment, in one request, and after the directory around a user has changed.

use futures_util::future::join_all;
use serde_json::{Value, json};
use server::admin::AddressFrom;
use testkit::ACCOUNT;

use crate::{Scim, assert_error, encoded, patch};

async fn group(scim: &Scim, name: &str, members: &[&str]) -> String {
    let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
    let created = scim.call("POST", "/Groups", json!({ "displayName": name, "members": members })).await;
    assert_eq!(created.status, 201, "{}", created.body);
    format!("/Groups/{}", created.json()["id"].as_str().unwrap())
}

async fn members(scim: &Scim, path: &str) -> Vec<String> {
    let group = scim.get(path).await.json();
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

async fn found(scim: &Scim, filter: &str) -> Vec<String> {
    let list = scim.get(&format!("/Users?filter={}", encoded(filter))).await.json();
    let resources = list["Resources"].as_array().unwrap_or_else(|| panic!("{filter}: {list}"));
    resources.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
}

fn replace(path: &str, value: &str) -> Value {
    patch(json!([{ "op": "replace", "path": path, "value": value }]))
}

#[tokio::test]
async fn a_member_is_a_user_whatever_its_address_is_at_the_moment() {
    let scim = Scim::start().await;
    let ann = scim.user(json!({ "userName": "ann0@example.com" })).await;
    let path = group(&scim, "Sales", &[]).await;
    let user = format!("/Users/{ann}");
    for round in 1..20 {
        let comes = round % 2 == 1;
        let op = if comes { "add" } else { "remove" };
        let change = patch(json!([{ "op": op, "path": "members", "value": [{ "value": ann }] }]));
        let rename = replace("userName", &format!("ann{round}@example.com"));
        let (changed, renamed) =
            tokio::join!(scim.call("PATCH", &path, change), scim.call("PATCH", &user, rename));
        assert_eq!((changed.status, renamed.status), (200, 200), "{} {}", changed.body, renamed.body);
        assert_eq!(members(&scim, &path).await.len(), usize::from(comes), "{round}");
    }
}

#[tokio::test]
async fn a_group_has_the_members_of_one_request_and_a_name_once() {
    let scim = Scim::start().await;
    let mut users = Vec::new();
    for n in 0..4 {
        users.push(scim.user(json!({ "userName": format!("u{n}@example.com") })).await);
    }
    let path = group(&scim, "Sales", &[]).await;
    for _ in 0..5 {
        let version = scim.get(&path).await.header("etag").unwrap().to_owned();
        let put = |user: &String| {
            let body = json!({ "displayName": "Sales", "members": [{ "value": user }] });
            let (scim, path, version) = (&scim, &path, version.clone());
            async move { scim.call_with("PUT", path, body, &[("if-match", &version)]).await.status }
        };
        let mut statuses = join_all(users.iter().map(put)).await;
        statuses.sort_unstable();
        // One that finds its own member in the group already changes nothing.
        assert!(statuses.iter().filter(|status| **status == 200).count() <= 2, "{statuses:?}");
        assert_eq!(members(&scim, &path).await.len(), 1, "{statuses:?}");
        scim.call("PUT", &path, json!({ "displayName": "Sales" })).await;
    }
    let administrator = scim.server.administrator();
    let mut paths = Vec::new();
    for name in ["One", "Two"] {
        let top =
            administrator.call("/api/directory/create-group", json!([{ "description": name }])).await.json();
        let below = json!([{ "description": format!("below {name}"), "parentId": top["data"][0]["id"] }]);
        assert_eq!(administrator.call("/api/directory/create-group", below).await.rows(), 1);
        let filter = encoded(&format!("displayName eq \"below {name}\""));
        let list = scim.get(&format!("/Groups?filter={filter}")).await.json();
        paths.push(format!("/Groups/{}", list["Resources"][0]["id"].as_str().unwrap()));
    }
    for round in 0..5 {
        let name = format!("Both {round}");
        let rename = |path: &String| {
            let (scim, path, body) = (&scim, path.clone(), replace("displayName", &name));
            async move { scim.call("PATCH", &path, body).await.status }
        };
        let mut statuses = join_all(paths.iter().map(rename)).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{round}");
    }
}

#[tokio::test]
async fn bulk_gives_what_the_list_in_its_order_would() {
    let scim = Scim::start().await;
    let ann = scim.user(json!({ "userName": "ann@example.com" })).await;
    let path = group(&scim, "Sales", &[]).await;
    let user = format!("/Users/{ann}");
    let change = |path: &str, data: Value| json!({ "method": "PATCH", "path": path, "data": data });
    let bulk = async |operations: Vec<Value>| {
        let done = scim.call("POST", "/Bulk", json!({ "Operations": operations })).await.json();
        let statuses = done["Operations"].as_array().unwrap().iter().map(|one| one["status"].clone());
        statuses.map(|status| status.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let titles: Vec<_> = (0..20).map(|n| change(&user, replace("title", &format!("title {n}")))).collect();
    assert_eq!(bulk(titles).await, vec!["200"; 20]);
    assert_eq!(scim.get(&user).await.json()["title"], "title 19");
    let member = |op: &str| patch(json!([{ "op": op, "path": "members", "value": [{ "value": ann }] }]));
    let statuses = bulk(vec![
        change(&path, member("add")),
        change(&path, member("remove")),
        change(&path, member("add")),
    ]);
    assert_eq!(statuses.await, ["200"; 3]);
    assert_eq!(members(&scim, &path).await, [ann.as_str()]);
    let again = json!({ "method": "POST", "path": "/Users", "data": { "userName": "ann@example.com" } });
    let first = bulk(vec![json!({ "method": "DELETE", "path": user }), again.clone(), again]).await;
    assert_eq!(first, ["204", "201", "409"]);

    for most in [json!("1"), json!(1)] {
        let gone = json!({ "method": "DELETE", "path": "/Users/none" });
        let body = json!({ "failOnErrors": most, "Operations": [gone, gone] });
        let done = scim.call("POST", "/Bulk", body).await.json();
        assert_eq!(done["Operations"].as_array().unwrap().len(), 1, "{most}");
    }
    for most in [json!(-1), json!(1.5), json!("many"), json!([1])] {
        let refused = scim.call("POST", "/Bulk", json!({ "failOnErrors": most, "Operations": [] })).await;
        assert_error(&refused, 400, Some("invalidValue"), "failOnErrors");
    }
    let unknown = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }]));
    let done = scim.call("POST", "/Bulk", json!({ "Operations": [change(&path, unknown)] })).await;
    assert!(done.header("x-matricula-ignored-fields").unwrap().contains("members"), "{}", done.body);
}

#[tokio::test]
async fn a_user_stays_in_groups_when_an_alias_goes() {
    let scim = Scim::start().await;
    let administrator = scim.server.administrator();
    for change in [
        replace("userName", "alias@example.com"),
        patch(json!([{ "op": "remove", "path": "emails[value eq \"alias@example.com\"]" }])),
    ] {
        let emails = json!([{ "value": "alias@example.com", "type": "other" }]);
        let ann = scim.user(json!({ "userName": "ann@example.com", "emails": emails })).await;
        let created = scim.call("POST", "/Groups", json!({ "displayName": "Sales" })).await.json();
        let listed =
            administrator.call("/api/directory/find-groups", json!([{ "query": "Sales" }])).await.json();
        let add =
            json!([{ "id": listed["data"][0]["folders"][0]["id"], "emailAddress": "alias@example.com" }]);
        assert_eq!(administrator.call("/api/directory/add-group-member", add).await.rows(), 1);
        let path = format!("/Users/{ann}");
        let changed = scim.call("PATCH", &path, change).await;
        let read = scim.get(&path).await;
        assert_eq!((changed.json(), changed.header("etag")), (read.json(), read.header("etag")));
        assert_eq!(read.json()["groups"][0]["display"], "Sales", "{}", read.body);
        for path in [path, format!("/Groups/{}", created["id"].as_str().unwrap())] {
            assert_eq!(scim.call("DELETE", &path, Value::Null).await.status, 204);
        }
    }
}

#[tokio::test]
async fn a_change_of_something_else_never_fails_or_renames_for_an_address() {
    let scim = Scim::start().await;
    let admin = scim.server.admin();
    let from = async |from| admin.set_address_from(&scim.client_id, from).await.unwrap();
    // By userName, with another primary address, with none, and with one outside.
    let sent = json!([{ "value": "other@example.com", "primary": true }, { "value": "p@new.example" }]);
    let ann = scim.user(json!({ "userName": "ann@example.com", "emails": sent })).await;
    let bob = scim.user(json!({ "userName": "bob@example.com", "emails": [] })).await;
    from(AddressFrom::Emails).await;
    for id in [&ann, &bob] {
        let path = format!("/Users/{id}");
        for change in
            [replace("title", "Chief"), patch(json!([{ "op": "replace", "path": "active", "value": false }]))]
        {
            assert_eq!(scim.call("PATCH", &path, change).await.status, 200);
        }
    }
    assert_eq!(scim.stored("ann@example.com").await["accountDisabled"], true);
    assert_eq!(scim.stored("bob@example.com").await["accountDisabled"], true);
    let path = format!("/Users/{ann}");
    let named = scim.call("PATCH", &path, replace("userName", "w1")).await;
    assert_eq!(named.json()["userName"], "w1", "{}", named.body);

    // The application's own name outlives a change of the setting.
    from(AddressFrom::UserName).await;
    assert_eq!(
        scim.call("PATCH", &path, replace("title", "Head")).await.json()["userName"],
        "ann@example.com"
    );
    from(AddressFrom::Emails).await;
    assert_eq!(found(&scim, "userName eq \"w1\"").await, [ann.as_str()]);
    // Nobody gets the name by which another user shows.
    let taken = json!({ "userName": "BOB@example.com", "emails": [{ "value": "eve@example.com" }] });
    assert_error(&scim.call("POST", "/Users", taken).await, 409, Some("uniqueness"), "userName");

    // A domain that becomes the account's later, with another user at the address; and one that is given up.
    admin.add_domain(ACCOUNT, "new.example").await.unwrap();
    let new = scim.user(json!({ "userName": "new", "emails": [{ "value": "p@new.example" }] })).await;
    assert_eq!(scim.call("PATCH", &path, replace("title", "Boss")).await.status, 200);
    let mut both = [ann.clone(), new.clone()];
    both.sort();
    let mut listed = found(&scim, "emails eq \"P@new.example\"").await;
    listed.sort();
    assert_eq!(listed, both);
    let path = format!("/Users/{new}");
    admin.remove_domain("new.example").await.unwrap();
    let disabled = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    let disabled = scim.call("PATCH", &path, disabled).await;
    assert_eq!((disabled.status, &disabled.json()["active"]), (200, &json!(false)), "{}", disabled.body);
}

#[tokio::test]
async fn names_without_a_domain_find_users_made_elsewhere() {
    let scim = Scim::start().await;
    let item = json!([{ "emailAddress": "Dora@example.com", "name": "Dora" }]);
    assert_eq!(scim.server.administrator().call("/api/user/create-user", item).await.rows(), 1);
    let admin = scim.server.admin();
    admin.set_user_name_domain(&scim.client_id, Some("example.com")).await.unwrap();
    for name in ["dora", "dora@example.com"] {
        let ids = found(&scim, &format!("userName eq \"{name}\"")).await;
        assert_eq!(ids.len(), 1, "{name}");
        assert_eq!(scim.get(&format!("/Users/{}", ids[0])).await.json()["userName"], "Dora");
    }
}

#[tokio::test]
async fn lists_answer_odd_questions() {
    let scim = Scim::start().await;
    let ann = scim.user(json!({ "userName": "ann@example.com", "title": "Chief" })).await;
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert!(found(&scim, &format!("schemas eq \"{core}\"")).await.contains(&ann));
    assert!(found(&scim, &format!("schemas eq \"{enterprise}\"")).await.is_empty());
    assert!(found(&scim, "emails eq \"nobody@example.com\"").await.is_empty());
    for kind in ["Users", "Groups"] {
        let path = format!("/{kind}?filter={}", encoded("externalId eq \"\\u0000\""));
        assert_eq!(scim.get(&path).await.json()["totalResults"], 0);
    }
    for (from, at) in [("Users", "Groups"), ("Groups", "Users")] {
        group(&scim, &format!("{from} 1"), &[]).await;
        group(&scim, &format!("{from} 2"), &[]).await;
        let page = scim.get(&format!("/{from}?count=1&cursor=")).await.json();
        let cursor = page["nextCursor"].as_str().unwrap();
        let refused = scim.get(&format!("/{at}?cursor={cursor}")).await;
        assert_error(&refused, 400, Some("invalidCursor"), "cursor");
    }
    // Without the members there is no version of the group.
    let page = scim.get("/Groups?excludedAttributes=members").await.json();
    assert_eq!(page["Resources"][0]["meta"]["version"], Value::Null);
    assert_ne!(scim.get("/Groups").await.json()["Resources"][0]["meta"]["version"], Value::Null);
    let schema = scim.get(&format!("/Schemas/{}", core.replace(':', "%3A"))).await;
    assert_eq!(schema.json()["id"], core);

    let path = group(&scim, "Secret", &[&ann]).await;
    assert_eq!(members(&scim, &path).await, [ann.as_str()]);
    let permissions = ["Edit", "Read"].map(|word| format!("Directories | Internal | {word}"));
    scim.server.admin().add_role(ACCOUNT, "Users only", &permissions).await.unwrap();
    let application = scim.server.application("Users only", &["userandgroupmanagement"]).await;
    let (_, token) = scim.server.admin().add_token(&application.client_id, None).await.unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&token);
    let seen = scim.server.get_as(token, &format!("/scim/v2/Users/{ann}")).await;
    assert_eq!((seen.status, &seen.json()["groups"]), (200, &Value::Null), "{}", seen.body);
}

#[tokio::test]
async fn repeated_requests_and_new_tokens_have_their_effect_once_and_at_once() {
    let scim = Scim::start().await;
    let ann = scim.user(json!({ "userName": "ann@example.com" })).await;
    let path = format!("/Users/{ann}");
    let id = [("x-mc-req-id", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")];
    let enable = patch(json!([{ "op": "replace", "path": "active", "value": true }]));
    assert_eq!(scim.call_with("PATCH", &path, enable.clone(), &id).await.status, 200);
    scim.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }])).await;
    // It changed nothing then, and does not later.
    assert_eq!(scim.call_with("PATCH", &path, enable, &id).await.json()["active"], true);
    assert_eq!(scim.get(&path).await.json()["active"], false);

    let id = [("x-mc-req-id", "3f2504e0-4f89-41d3-9a0c-0305e82c3302")];
    let deletes = (0..4).map(|_| scim.call_with("DELETE", &path, Value::Null, &id));
    let statuses: Vec<_> = join_all(deletes).await.iter().map(|deleted| deleted.status).collect();
    assert_eq!(statuses, [204; 4]);

    // The application was just used.
    let (_, token) = scim.server.admin().add_token(&scim.client_id, None).await.unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&token);
    assert_eq!(scim.server.get_as(token, "/scim/v2/Users").await.status, 200);
    let wrong = format!("Bearer {}", &token[1..]);
    let headers = [("authorization".to_owned(), wrong.into_bytes())];
    let refused = scim.server.request("GET", "/scim/v2/Users", &headers, String::new()).await;
    assert_error(&refused, 401, None, "matricula admin client token add");
    for authorization in [None, Some("Basic YTpi"), Some("abc")] {
        let headers: Vec<_> = authorization
            .map(|value| ("authorization".to_owned(), value.as_bytes().to_vec()))
            .into_iter()
            .collect();
        let refused = scim.server.request("GET", "/scim/v2/Users", &headers, String::new()).await;
        assert_error(&refused, 401, None, "Authorization: Bearer TOKEN");
    }

    let emails = json!([{ "value": "b@example.com" }]);
    let created =
        scim.call("POST", "/Users", json!({ "userName": "bob@example.com", "emails": emails })).await;
    let read = scim.get(&format!("/Users/{}", created.json()["id"].as_str().unwrap())).await;
    assert_eq!(created.json()["meta"], read.json()["meta"]);
}
