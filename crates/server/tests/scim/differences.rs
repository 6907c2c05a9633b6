//! What libraries understand differently, a test for each row of the table in docs/SCIM.md, and what is stored then.

use serde_json::{Value, json};

use crate::{Scim, assert_error, encoded, patch};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A user with a work address and a home address.
async fn ann(scim: &Scim) -> String {
    let emails = json!([
        { "value": "ann@example.com", "type": "work", "primary": true },
        { "value": "ann@home.example", "type": "home" },
    ]);
    let id =
        scim.user(json!({ "userName": "Ann@example.com", "displayName": "Ann", "emails": emails })).await;
    format!("/Users/{id}")
}

impl Scim {
    /// Addresses and types of a user.
    async fn emails(&self, path: &str) -> Value {
        let user = self.get(path).await.json();
        let emails = user["emails"].as_array().into_iter().flatten();
        emails.map(|email| json!([email["value"], email["type"], email["primary"]])).collect()
    }

    /// The aliases that API 1.0 shows.
    async fn aliases(&self, address: &str) -> String {
        let path = "/api/user/get-aliases";
        self.server.administrator().call(path, json!([{ "emailAddress": address }])).await.body
    }

    /// The attributes with a value that API 1.0 shows.
    async fn attributes(&self, address: &str) -> Value {
        let path = "/api/user/get-attributes";
        let row = self.server.administrator().call(path, json!([{ "emailAddress": address }])).await.json();
        let all = row["data"][0]["attributes"].as_array().unwrap().iter();
        let set = all.filter(|attribute| attribute["value"] != "");
        set.map(|attribute| (attribute["name"].as_str().unwrap().to_owned(), attribute["value"].clone()))
            .collect()
    }

    /// The names of the users that a filter finds.
    async fn found(&self, filter: &str) -> Vec<String> {
        let found = self.get(&format!("/Users?filter={}", encoded(filter))).await;
        assert_eq!(found.status, 200, "{filter}: {}", found.body);
        let found = found.json();
        let users = found["Resources"].as_array().unwrap().iter();
        users.map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn keys_of_a_value_without_path_are_paths_and_unknown_ones_are_ignored() {
    let scim = Scim::start().await;
    let path = ann(&scim).await;
    let user = scim
        .patch(
            &path,
            json!([{ "op": "replace", "value": {
                "name.givenName": "Anne", "emails[type eq \"home\"].value": "anne@home.example",
                format!("{ENTERPRISE}:department"): "Sales", "nosuch": 7, "nosuch.sub": 7, "title": "Head",
            } }]),
        )
        .await;
    assert_eq!((&user["name"]["givenName"], user.get("nosuch")), (&json!("Anne"), None));
    assert_eq!(user["emails"][1]["value"], "anne@home.example");
    assert_eq!(scim.attributes("ann@example.com").await, json!({ "department": "Sales", "title": "Head" }));
    // A path is not ignored: the caller means this attribute.
    let unknown = patch(json!([{ "op": "replace", "path": "nosuch", "value": 7 }]));
    assert_error(&scim.call("PATCH", &path, unknown).await, 400, Some("invalidPath"), "nosuch");
}

#[tokio::test]
async fn every_response_but_204_has_a_body_and_a_media_type_in_lower_case() {
    let scim = Scim::start().await;
    let typed =
        [("content-type", "Application/SCIM+JSON; Charset=UTF-8"), ("accept", "APPLICATION/scim+JSON")];
    let created = scim.call_with("POST", "/Users", json!({ "userName": "ann@example.com" }), &typed).await;
    let path = format!("/Users/{}", created.json()["id"].as_str().unwrap());
    let put = scim.call("PUT", &path, json!({ "userName": "ann@example.com", "title": "Head" })).await;
    let changed = scim.call("PATCH", &path, patch(json!([{ "op": "remove", "path": "title" }]))).await;
    let (read, listed) = (scim.get(&path).await, scim.get("/Users").await);
    for (response, status) in [(&created, 201), (&put, 200), (&changed, 200), (&read, 200), (&listed, 200)] {
        assert_eq!(
            (response.status, response.header("content-type")),
            (status, Some("application/scim+json"))
        );
        assert!(response.json()["schemas"].is_array(), "{}", response.body);
    }
    assert_eq!(scim.call("DELETE", &path, Value::Null).await.body, "");
    let none = scim.get(&format!("/Groups?filter={}", encoded("displayName eq \"none\""))).await.json();
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn a_change_at_a_filter_without_such_an_element_creates_it() {
    let scim = Scim::start().await;
    for (op, name) in [("Add", "bob"), ("Replace", "kit"), ("add", "lee"), ("replace", "may")] {
        let (address, work) = (format!("{name}@example.com"), format!("{name}.work@example.com"));
        let emails = json!([{ "value": format!("{name}@home.example"), "type": "home" }]);
        let path = format!("/Users/{}", scim.user(json!({ "userName": address, "emails": emails })).await);
        let at_work =
            |value: &str| json!([{ "op": op, "path": "emails[type eq \"work\"].value", "value": value }]);
        scim.patch(&path, at_work(&work)).await;
        let home = json!([format!("{name}@home.example"), "home", null]);
        assert_eq!(scim.emails(&path).await, json!([home, [work, "work", null]]), "{op}");
        assert!(scim.aliases(&address).await.contains(&work), "{op}");
        // The next one finds it.
        let other = format!("{name}.other@example.com");
        scim.patch(&path, at_work(&other)).await;
        assert_eq!(scim.emails(&path).await, json!([home, [other, "work", null]]), "{op}");
        let aliases = scim.aliases(&address).await;
        assert!(aliases.contains(&other) && !aliases.contains(&work), "{op}: {aliases}");
    }
    let path = ann(&scim).await;
    for unclear in ["emails[type ne \"work\" and value sw \"x\"].value", "emails[value co \"nobody\"].type"] {
        let change = patch(json!([{ "op": "replace", "path": unclear, "value": "x@example.com" }]));
        assert_error(&scim.call("PATCH", &path, change).await, 400, Some("noTarget"), "emails");
    }
    assert_eq!(scim.emails(&path).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_whole_element_that_is_replaced_keeps_its_type() {
    let scim = Scim::start().await;
    let path = ann(&scim).await;
    let home = "emails[type eq \"home\"]";
    scim.patch(&path, json!([{ "op": "replace", "path": home, "value": { "value": "anne@home.example" } }]))
        .await;
    let work = json!(["ann@example.com", "work", true]);
    assert_eq!(scim.emails(&path).await, json!([work, ["anne@home.example", "home", null]]));
    // The new value may say another type.
    let other = json!({ "value": "a.lee@example.com", "type": "other" });
    scim.patch(&path, json!([{ "op": "replace", "path": home, "value": other }])).await;
    assert_eq!(scim.emails(&path).await, json!([work, ["a.lee@example.com", "other", null]]));
    assert!(scim.aliases("ann@example.com").await.contains("a.lee@example.com"));
}

#[tokio::test]
async fn a_second_primary_address_is_the_only_one() {
    let scim = Scim::start().await;
    let path = ann(&scim).await;
    let second = json!([{ "value": "a.lee@example.com", "type": "other", "primary": true }]);
    scim.patch(&path, json!([{ "op": "add", "path": "emails", "value": second }])).await;
    let emails = scim.emails(&path).await;
    let primary: Vec<_> = emails.as_array().unwrap().iter().filter(|email| email[2] == true).collect();
    assert_eq!(primary, [&json!(["a.lee@example.com", "other", true])], "{emails}");
    // The address of the user is its userName, whichever address is primary.
    assert_eq!(scim.stored("ann@example.com").await["emailAddress"], "Ann@example.com");
}

#[tokio::test]
async fn only_the_named_members_are_removed() {
    let scim = Scim::start().await;
    let mut ids = Vec::new();
    for name in ["ann", "bob", "kit"] {
        ids.push(scim.user(json!({ "userName": format!("{name}@example.com"), "displayName": name })).await);
    }
    let members: Vec<_> =
        ids.iter().map(|id| json!({ "value": id, "display": "as sent", "type": "User" })).collect();
    let group =
        scim.call("POST", "/Groups", json!({ "displayName": "Sales", "members": members })).await.json();
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let left = scim
        .patch(&path, json!([{ "op": "remove", "path": "members", "value": [{ "value": ids[1] }] }]))
        .await;
    let left: Vec<_> = left["members"].as_array().unwrap().iter().map(|member| &member["value"]).collect();
    assert_eq!(left, [&json!(ids[0]), &json!(ids[2])]);
    for (id, groups) in [(&ids[0], 1), (&ids[1], 0), (&ids[2], 1)] {
        let user = scim.get(&format!("/Users/{id}")).await.json();
        assert_eq!(user["groups"].as_array().map_or(0, Vec::len), groups, "{user}");
    }
    let administrator = scim.server.administrator();
    let found = administrator.call("/api/directory/find-groups", json!([{ "query": "Sales" }])).await.json();
    let id = &found["data"][0]["folders"][0]["id"];
    let all = administrator.call("/api/directory/get-group-members", json!([{ "id": id }])).await.body;
    assert!(all.contains("ann@") && !all.contains("bob@") && all.contains("kit@"), "{all}");
}

#[tokio::test]
async fn texts_for_booleans_are_read() {
    let scim = Scim::start().await;
    let path = ann(&scim).await;
    for (value, active) in
        [(json!("False"), false), (json!("true"), true), (json!("false"), false), (json!("TRUE"), true)]
    {
        let user = scim.patch(&path, json!([{ "op": "Replace", "path": "active", "value": value }])).await;
        assert_eq!(user["active"], active, "{value}");
        assert_eq!(scim.stored("ann@example.com").await["accountDisabled"], !active, "{value}");
    }
    let other = patch(json!([{ "op": "Replace", "path": "active", "value": "no" }]));
    assert_error(&scim.call("PATCH", &path, other).await, 400, Some("invalidValue"), "active");
}

#[tokio::test]
async fn conditions_in_brackets_are_about_one_element() {
    let scim = Scim::start().await;
    ann(&scim).await;
    let found = scim.found("emails[type eq \"work\" and value co \"home.example\"]").await;
    assert_eq!(found, Vec::<String>::new());
    let ann = ["Ann@example.com"];
    assert_eq!(scim.found("emails[type eq \"home\" and value co \"home.example\"]").await, ann);
    // Without brackets, each condition may be true of another element.
    assert_eq!(scim.found("emails.type eq \"work\" and emails.value co \"home.example\"").await, ann);
}

#[tokio::test]
async fn names_and_attributes_are_found_in_any_letter_case_with_and_without_urn() {
    let scim = Scim::start().await;
    ann(&scim).await;
    for filter in [
        "userName eq \"ANN@EXAMPLE.COM\"",
        "USERNAME EQ \"ann@example.com\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"aNN\"",
        "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:username eq \"ann@example.com\"",
        "Emails[Type Eq \"WORK\"].VALUE co \"ANN@\"",
    ] {
        assert_eq!(scim.found(filter).await, ["Ann@example.com"], "{filter}");
    }
}

#[tokio::test]
async fn escapes_in_filters_are_undone() {
    let scim = Scim::start().await;
    let name = "Zo\u{eb} \"Z\" O\\Neil";
    scim.user(json!({ "userName": "zoe@example.com", "displayName": name })).await;
    for filter in [
        "displayName eq \"Zo\u{eb} \\\"Z\\\" O\\\\Neil\"",
        "displayName eq \"Zo\\u00eb \\u0022Z\\u0022 O\\u005cNeil\"",
        "displayName co \"\\\"z\\\"\" and displayName ew \"\\\\neil\"",
    ] {
        assert_eq!(scim.found(filter).await, ["zoe@example.com"], "{filter}");
    }
    assert_eq!(scim.stored("zoe@example.com").await["name"], name);
}

#[tokio::test]
async fn moments_are_compared_as_moments() {
    let scim = Scim::start().await;
    let path = ann(&scim).await;
    let modified = scim.get(&path).await.json()["meta"]["lastModified"].as_str().unwrap().to_owned();
    let modified: jiff::Timestamp = modified.parse().unwrap();
    let written = |seconds: i64, hours: i8| {
        let moment = modified + jiff::SignedDuration::from_secs(seconds);
        moment.display_with_offset(jiff::tz::offset(hours)).to_string()
    };
    // As texts, the first would be later and the second earlier.
    for (operator, moment, is_found) in [
        ("gt", written(-60, 9), true),
        ("gt", written(60, -9), false),
        ("le", written(60, -9), true),
        ("eq", written(0, 5), true),
    ] {
        let filter = format!("userName eq \"ann@example.com\" and meta.lastModified {operator} \"{moment}\"");
        assert_eq!(scim.found(&filter).await.len(), usize::from(is_found), "{filter}");
    }
}

#[tokio::test]
async fn a_manager_is_a_text_or_an_object_and_no_roles_are_none() {
    let scim = Scim::start().await;
    let manager = format!("{ENTERPRISE}:manager");
    for (number, value) in
        [json!("M-1"), json!({ "value": "M-1" }), json!([{ "value": "M-1" }])].into_iter().enumerate()
    {
        let body = json!({ "userName": format!("u{number}@example.com"), "roles": [], ENTERPRISE: { "manager": "M-0" } });
        let path = format!("/Users/{}", scim.user(body).await);
        let user = scim.get(&path).await.json();
        assert_eq!((&user[ENTERPRISE]["manager"]["value"], user.get("roles")), (&json!("M-0"), None));
        let changed =
            scim.call("PATCH", &path, patch(json!([{ "op": "Add", "path": manager, "value": value }]))).await;
        let expected = if value.is_array() { (400, "M-0") } else { (200, "M-1") };
        let user = scim.get(&path).await.json();
        assert_eq!(
            (changed.status, user[ENTERPRISE]["manager"]["value"].as_str().unwrap()),
            expected,
            "{}",
            changed.body
        );
    }
}

#[tokio::test]
async fn not_is_about_everything_in_its_brackets() {
    let scim = Scim::start().await;
    for (name, title) in [("ann1", Some("Head")), ("bob1", Some("Head")), ("ann2", None), ("bob2", None)] {
        scim.user(json!({ "userName": format!("{name}@example.com"), "nickName": "one", "title": title }))
            .await;
    }
    for (condition, expected) in [
        ("not (title pr)", &["ann2", "bob2"][..]),
        ("not (userName sw \"ann\" or title pr)", &["bob2"]),
        ("not (userName sw \"ann\" and title pr)", &["ann2", "bob1", "bob2"]),
        ("not (not (userName sw \"ann\"))", &["ann1", "ann2"]),
        ("userName sw \"ann\" and not (title pr)", &["ann2"]),
    ] {
        let mut found = scim.found(&format!("nickName eq \"one\" and {condition}")).await;
        found.sort();
        let expected: Vec<_> = expected.iter().map(|name| format!("{name}@example.com")).collect();
        assert_eq!(found, expected, "{condition}");
    }
}
