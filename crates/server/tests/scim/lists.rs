//! Lists: filters, pages by index and by cursor, selected attributes, and what the service says about itself.

use serde_json::json;

use crate::{Scim, assert_error, encoded};

#[tokio::test]
async fn pages_follow_each_other_by_cursor_while_users_come_and_go() {
    let scim = Scim::start().await;
    for n in 0..12 {
        scim.user(json!({ "userName": format!("u{n:02}@example.com") })).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scim.get(&format!("/Users?count=3&cursor={cursor}")).await.json();
        let users = page["Resources"].as_array().unwrap();
        seen.extend(users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
        if seen.len() == 6 {
            // One before the cursor, one behind it.
            scim.user(json!({ "userName": "a@example.com" })).await;
            scim.user(json!({ "userName": "zz@example.com" })).await;
        }
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), seen.len(), "nobody twice: {seen:?}");
    assert!(
        (0..12).all(|n| seen.contains(&format!("u{n:02}@example.com")))
            && seen.contains(&"zz@example.com".to_owned())
    );
    let filter = encoded("userName sw \"u\"");
    let first = scim.get(&format!("/Users?count=10&cursor=&filter={filter}")).await.json();
    let rest = scim
        .get(&format!("/Users?count=10&filter={filter}&cursor={}", first["nextCursor"].as_str().unwrap()))
        .await
        .json();
    assert_eq!((&first["totalResults"], rest["Resources"].as_array().unwrap().len()), (&json!(12), 2));
    assert_error(&scim.get("/Users?cursor=nonsense").await, 400, Some("invalidCursor"), "cursor");
}

#[tokio::test]
async fn a_query_selects_attributes_and_says_what_is_wrong() {
    let scim = Scim::start().await;
    let id = scim
        .user(json!({ "userName": "ann@example.com", "title": "Head", "name": { "givenName": "Ann" } }))
        .await;
    let path = format!("/Users/{id}");
    let user = scim.get(&format!("{path}?attributes=title,NAME.givenName")).await.json();
    let mut keys: Vec<_> = user.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["id", "name", "schemas", "title"]);
    assert_eq!(scim.get(&format!("{path}?excludedAttributes=title")).await.json().get("title"), None);
    let found = scim
        .call(
            "POST",
            "/Users/.search",
            json!({ "filter": "title eq \"head\"", "attributes": ["userName"], "count": 1 }),
        )
        .await
        .json();
    assert_eq!(
        (&found["totalResults"], &found["Resources"][0]["userName"]),
        (&json!(1), &json!("ann@example.com"))
    );

    // Over all kinds: users first, then groups.
    let group = scim.call("POST", "/Groups", json!({ "displayName": "Sales" })).await;
    assert_eq!(group.status, 201);
    let all = scim.call("POST", "/.search", json!({ "count": 1000 })).await.json();
    let kinds: Vec<_> =
        all["Resources"].as_array().unwrap().iter().map(|found| &found["meta"]["resourceType"]).collect();
    assert_eq!((*kinds.first().unwrap(), *kinds.last().unwrap()), (&json!("User"), &json!("Group")));
    let last =
        scim.call("POST", "/.search", json!({ "count": 1, "startIndex": all["totalResults"] })).await.json();
    assert_eq!(last["Resources"][0]["displayName"], "Sales");
    let one = scim.call("POST", "/.search", json!({ "filter": "userName sw \"ann\"" })).await.json();
    assert_eq!(
        (&one["totalResults"], &one["Resources"][0]["userName"]),
        (&json!(1), &json!("ann@example.com"))
    );
    let none = scim.call("POST", "/.search", json!({ "filter": "nosuch eq 1" })).await;
    assert_error(&none, 400, Some("invalidFilter"), "nosuch");

    assert_error(&scim.get("/Users?filter=nosuch%20eq%201").await, 400, Some("invalidFilter"), "nosuch");
    assert_error(&scim.get("/Users?count=many").await, 400, Some("invalidValue"), "count");
    let none = scim.get("/Users?count=0").await.json();
    assert_eq!((&none["Resources"], none["totalResults"].as_u64().unwrap() > 0), (&json!([]), true));
    let guess = scim.get(&format!("/Users?filter={}", encoded("password sw \"a\""))).await;
    assert_error(&guess, 403, Some("sensitive"), "password");
}

#[tokio::test]
async fn the_service_says_what_it_offers() {
    let scim = Scim::start().await;
    let configuration = scim.get("/ServiceProviderConfig").await.json();
    assert_eq!(configuration["patch"]["supported"], true);
    let types = scim.get("/ResourceTypes").await.json();
    assert_eq!(types["totalResults"], 2);
    for found in types["Resources"].as_array().unwrap() {
        assert_eq!(
            &scim.get(&format!("/ResourceTypes/{}", found["id"].as_str().unwrap())).await.json(),
            found
        );
        assert_eq!(scim.get(&format!("/Schemas/{}", found["schema"].as_str().unwrap())).await.status, 200);
    }
    assert_eq!(scim.get("/Schemas").await.json()["totalResults"], 3);
}
