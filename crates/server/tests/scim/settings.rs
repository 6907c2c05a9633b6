//! How an application provisions: where addresses come from, and how many users it may delete.

use jiff::SignedDuration;
use serde_json::{Value, json};
use server::admin::AddressFrom;

use crate::{Scim, assert_error, encoded, patch};

async fn with_addresses_from_emails() -> Scim {
    let scim = Scim::start().await;
    scim.server.admin().set_address_from(&scim.client_id, AddressFrom::Emails).await.unwrap();
    scim
}

fn emails(list: &[(&str, &str)]) -> Value {
    list.iter().map(|(kind, value)| json!({ "type": kind, "value": value })).collect()
}

#[tokio::test]
async fn the_address_comes_from_emails_and_the_user_name_is_any_name() {
    let scim = with_addresses_from_emails().await;
    let sent =
        emails(&[("home", "ann@home.example"), ("other", "a.lee@example.com"), ("work", "ann@example.com")]);
    let id = scim.user(json!({ "userName": "ACME\\Ann", "emails": sent })).await;
    let path = format!("/Users/{id}");
    let user = scim.get(&path).await.json();
    assert_eq!((&user["userName"], &user["emails"]), (&json!("ACME\\Ann"), &sent));
    assert_eq!(scim.stored("a.lee@example.com").await["emailAddress"], Value::Null, "an alias");
    assert_eq!(scim.stored("ann@example.com").await["emailAddress"], "ann@example.com");

    for filter in ["userName eq \"acme\\\\ANN\"", "userName eq \"acme\\\\ann\" and active eq true"] {
        let found = scim.get(&format!("/Users?filter={}", encoded(filter))).await.json();
        assert_eq!(
            (&found["totalResults"], &found["Resources"][0]["id"]),
            (&json!(1), &json!(id)),
            "{filter}"
        );
    }
    // Its address is not its name.
    let filter = encoded("userName eq \"ann@example.com\"");
    assert_eq!(scim.get(&format!("/Users?filter={filter}")).await.json()["totalResults"], 0);

    // The primary address is the address; a name can change alone.
    let primary = json!([{ "value": "Ann.Ray@example.com", "type": "other", "primary": true }]);
    let renamed = scim.patch(&path, json!([{ "op": "add", "path": "emails", "value": primary }])).await;
    assert_eq!((&renamed["id"], &renamed["userName"]), (&json!(id), &json!("ACME\\Ann")));
    assert_eq!(renamed["emails"].as_array().unwrap().len(), 4, "{renamed}");
    assert_eq!(scim.stored("ann.ray@example.com").await["emailAddress"], "Ann.Ray@example.com");
    let named = scim.patch(&path, json!([{ "op": "replace", "path": "userName", "value": "aray" }])).await;
    assert_eq!(named["userName"], "aray");
    let gone = encoded("userName eq \"acme\\\\ann\"");
    assert_eq!(scim.get(&format!("/Users?filter={gone}")).await.json()["totalResults"], 0);
}

#[tokio::test]
async fn a_user_needs_an_internal_address_and_a_name_of_its_own() {
    let scim = with_addresses_from_emails().await;
    for sent in [json!([]), emails(&[("work", "ann@elsewhere.example")]), emails(&[("work", "ann")])] {
        let refused = scim.call("POST", "/Users", json!({ "userName": "ann", "emails": sent })).await;
        assert_error(
            &refused,
            400,
            Some("invalidValue"),
            "emails must contain an address in an internal domain",
        );
    }
    let ann = scim.user(json!({ "userName": "ann", "emails": emails(&[("work", "ann@example.com")]) })).await;
    let again = json!({ "userName": "ANN", "emails": emails(&[("work", "other@example.com")]) });
    assert_error(&scim.call("POST", "/Users", again).await, 409, Some("uniqueness"), "userName");
    assert_eq!(scim.stored("other@example.com").await["emailAddress"], Value::Null, "nothing is left of it");
    let taken = json!({ "userName": "bob", "emails": emails(&[("work", "ann@example.com")]) });
    assert_error(&scim.call("POST", "/Users", taken).await, 409, Some("uniqueness"), "in use");

    // The name belongs to the application: another one has its own, or sees the address.
    let other = scim.server.application("Full Administrator", &["userandgroupmanagement"]).await;
    let (_, token) = scim.server.admin().add_token(&other.client_id, None).await.unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&token);
    let seen = scim.server.get_as(token, &format!("/scim/v2/Users/{ann}")).await.json();
    assert_eq!(seen["userName"], "ann@example.com");

    // A name is free at once when its user is deleted.
    assert_eq!(scim.call("DELETE", &format!("/Users/{ann}"), Value::Null).await.status, 204);
    scim.user(json!({ "userName": "Ann", "emails": emails(&[("work", "ann@example.com")]) })).await;
}

#[tokio::test]
async fn a_user_made_elsewhere_has_its_address_as_name_until_it_gets_one() {
    let scim = with_addresses_from_emails().await;
    let created = scim.server.administrator();
    let item = json!([{ "emailAddress": "eve@example.com", "name": "Eve" }]);
    assert_eq!(created.call("/api/user/create-user", item).await.rows(), 1);
    let filter = encoded("userName eq \"EVE@example.com\"");
    let found = scim.get(&format!("/Users?filter={filter}")).await.json();
    assert_eq!(found["totalResults"], 1, "{found}");
    let path = format!("/Users/{}", found["Resources"][0]["id"].as_str().unwrap());
    let named = scim.patch(&path, json!([{ "op": "replace", "path": "userName", "value": "eve" }])).await;
    assert_eq!(
        (&named["userName"], &named["emails"][0]["value"]),
        (&json!("eve"), &json!("eve@example.com"))
    );
}

#[tokio::test]
async fn deletions_beyond_the_limit_wait_for_the_hour_to_pass() {
    let scim = Scim::start().await;
    let mut paths = Vec::new();
    for n in 0..5 {
        let id = scim.user(json!({ "userName": format!("user{n}@example.com") })).await;
        paths.push(format!("/Users/{id}"));
    }
    let delete = async |n: usize| {
        let id = format!("3f2504e0-4f89-41d3-9a0c-0305e82c330{n}");
        scim.call_with("DELETE", &paths[n], Value::Null, &[("x-mc-req-id", &id)]).await
    };
    // Those before the limit do not count.
    assert_eq!(delete(0).await.status, 204);
    scim.server.admin().set_deletions_an_hour(&scim.client_id, Some(2)).await.unwrap();
    assert_eq!(delete(1).await.status, 204);
    scim.server.clock().advance(SignedDuration::from_mins(30));
    assert_eq!(delete(2).await.status, 204);
    let refused = delete(3).await;
    assert_error(&refused, 429, None, "as many users in the last hour");
    assert_eq!(refused.header("retry-after"), Some("60"));
    let operations =
        json!([{ "method": "DELETE", "path": paths[3] }, { "method": "DELETE", "path": "/Users/none" }]);
    let bulk = scim.call("POST", "/Bulk", json!({ "Operations": operations })).await.json();
    assert_eq!(bulk["Operations"][0]["status"], "429", "{bulk}");
    // Disabling is no deletion.
    scim.patch(&paths[3], json!([{ "op": "replace", "path": "active", "value": false }])).await;

    // The first deletion is an hour ago: the same request may run now, the one after it not yet.
    scim.server.clock().advance(SignedDuration::from_mins(31));
    assert_eq!(delete(3).await.status, 204);
    assert_eq!(delete(4).await.status, 429);
    scim.server.admin().set_deletions_an_hour(&scim.client_id, None).await.unwrap();
    assert_eq!(delete(4).await.status, 204);
    let events = scim.server.admin().audit().await.unwrap();
    let set: Vec<_> = events.iter().filter(|event| event.action == "client.scim_settings_set").collect();
    assert_eq!(set[0].detail, "address from userName, at most 2 deletions an hour");
}

#[tokio::test]
async fn telephone_numbers_and_the_manager_are_the_directorys_attributes() {
    let scim = Scim::start().await;
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let phones = json!([
        { "type": "fax", "value": "+44 1" },
        { "type": "work", "value": "+44 2", "display": "desk" },
        { "type": "mobile", "value": "+44 3" },
    ]);
    let manager = json!({ "value": "m-1", "$ref": "../Users/m-1" });
    let id = scim
        .user(json!({ "userName": "ann@example.com", "phoneNumbers": phones, enterprise: { "manager": manager } }))
        .await;
    let path = format!("/Users/{id}");
    let administrator = scim.server.administrator();
    let attributes = async || {
        let asked = json!([{ "emailAddress": "ann@example.com" }]);
        administrator.call("/api/user/get-attributes", asked).await
    };
    let all = attributes().await;
    let list = all.json()["data"][0]["attributes"].clone();
    let id =
        |name: &str| list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()["id"].clone();
    let all = all.body;
    assert!(all.contains("+44 2") && all.contains("+44 3") && all.contains("m-1"), "{all}");
    assert!(!all.contains("+44 1"), "{all}");
    let user = scim.get(&path).await.json();
    assert_eq!((&user["phoneNumbers"], &user[enterprise]["manager"]), (&phones, &manager));

    // What another door changes shows here.
    let set = json!([{ "emailAddress": "ann@example.com", "attributes": [
        { "id": id("phoneNumber"), "value": "+44 9" },
        { "id": id("mobileNumber"), "value": "" },
        { "id": id("manager"), "value": "m-2" },
    ] }]);
    let changed = administrator.call("/api/user/update-attributes", set).await;
    assert_eq!(changed.rows(), 1, "{}", changed.body);
    let user = scim.get(&path).await.json();
    assert_eq!(
        user["phoneNumbers"][1],
        json!({ "type": "work", "value": "+44 9", "display": "desk" }),
        "{user}"
    );
    assert_eq!(user["phoneNumbers"].as_array().unwrap().len(), 2, "{user}");
    assert_eq!(user[enterprise]["manager"], json!({ "value": "m-2" }), "{user}");
    let removed = scim
        .patch(
            &path,
            json!([
                { "op": "remove", "path": "phoneNumbers[type eq \"work\"]" },
                { "op": "remove", "path": format!("{enterprise}:manager") },
            ]),
        )
        .await;
    assert_eq!(removed["phoneNumbers"], json!([{ "type": "fax", "value": "+44 1" }]), "{removed}");
    let all = attributes().await.body;
    assert!(!all.contains("+44 9") && !all.contains("m-2"), "{all}");
}

#[tokio::test]
async fn texts_that_the_directory_cannot_keep_are_refused() {
    let scim = Scim::start().await;
    let path = format!("/Users/{}", scim.user(json!({ "userName": "ann@example.com" })).await);
    for value in ["x".repeat(64 * 1_024 + 1), "a\u{0}b".to_owned()] {
        for attribute in ["title", "name.givenName", "externalId"] {
            let operations = json!([{ "op": "replace", "path": attribute, "value": value }]);
            let refused = scim.call("PATCH", &path, patch(operations)).await;
            assert_error(&refused, 400, Some("invalidValue"), attribute);
        }
    }
}
