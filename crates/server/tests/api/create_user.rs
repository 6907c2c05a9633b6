//! Every ruling about an item, as callers see it (docs/API.md).

use rstest::rstest;
use testkit::{Response, TestServer};

use crate::{item, user};

/// Ids are the same in every run of the same build, but not worth comparing.
fn redacted(answer: &Response) -> String {
    let mut text = answer.to_string();
    while let Some(start) = text.find(r#""id":""#) {
        let value = start + r#""id":""#.len();
        let end = value + text[value..].find('"').unwrap();
        text.replace_range(start..=end, r#""id":[id]"#);
    }
    // The length of the body depends on nothing else.
    text
}

#[tokio::test]
async fn a_user_is_created_and_a_second_one_refused() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let body = item(r#""emailAddress":"Ann.Lee@Example.com","name":"Ann Lee","forcePasswordChange":true"#);
    insta::assert_snapshot!("created", redacted(&administrator.create(body.clone()).await));
    let again = body.replace("Ann.Lee@Example.com", "ANN.lee@example.COM");
    insta::assert_snapshot!("exists", administrator.create(again).await);

    let stored = server.admin().user("ann.lee@example.com").await.unwrap();
    assert_eq!((stored.address.as_str(), stored.name.as_str()), ("Ann.Lee@Example.com", "Ann Lee"));
    assert!(
        stored.must_change_password && stored.password.is_none() && stored.role.is_none() && !stored.disabled
    );
}

#[tokio::test]
async fn every_ruling_about_an_item_has_its_code() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    administrator.create(user("taken@example.com")).await;
    let name = format!(r#""emailAddress":"a@example.com","name":"{}""#, "n".repeat(257));
    let cases = [
        "",
        r#""emailAddress":null"#,
        r#""emailAddress":"""#,
        r#""emailAddress":"  ""#,
        r#""emailAddress":7,"name":[],"forcePasswordChange":"perhaps","accountCode":{},"password":1"#,
        r#""emailAddress":"no address""#,
        r#""emailAddress":"a@b@example.com""#,
        &format!(r#""emailAddress":"{}@example.com""#, "a".repeat(250)),
        &name,
        r#""emailAddress":"a@example.com","name":"a\u0007b""#,
        r#""emailAddress":"a@unknown.example""#,
        r#""emailAddress":"a@other.example""#,
        r#""emailAddress":"taken@example.com""#,
        r#""emailAddress":"TAKEN@EXAMPLE.COM""#,
        r#""emailAddress":"a@example.com","password":"""#,
        r#""emailAddress":"a@example.com","password":"abc""#,
        r#""emailAddress":"a@example.com","passwordHash":"secret""#,
        r#""emailAddress":"a@example.com","password":"Long enough 1 x","passwordHash":"{SSHA}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==""#,
        r#""emailAddress":"a@example.com","accountCode":"""#,
        r#""emailAddress":"a@example.com","accountCode":"CNOBODY001""#,
        r#""emailAddress":"a@other.example","accountCode":"CTEST00002""#,
        r#""emailAddress":"a@lower.example","accountCode":"CTEST00003""#,
        r#""emailAddress":"","name":"\u0007","accountCode":"""#,
    ];
    let mut all = String::new();
    for case in cases {
        let answer = administrator.create(item(case)).await;
        assert_eq!((answer.status, answer.rows()), (200, 0), "{case}: {answer}");
        let fail = answer.json()["fail"].to_string();
        let shown = if case.len() > 90 { &case[..90] } else { case };
        all.push_str(&format!(
            "# {shown}\n{}\n\n",
            if fail.len() > 600 { &fail[fail.len() - 300..] } else { &fail }
        ));
    }
    insta::assert_snapshot!(all);
    // Who only asks is told the same.
    for case in cases {
        let asked = administrator.post("/api/user/check-user", item(case)).await;
        assert_eq!(asked.json(), administrator.create(item(case)).await.json(), "{case}");
    }
    let users = server.admin().count_users().await.unwrap();
    assert_eq!(users, testkit::SEEDED + 1, "beside those of the start, the one that was created first");
}

#[rstest]
#[case(r#""emailAddress":"a@example.com","name":"a\u200bb""#, "err_validation_characters")]
#[case(r#""emailAddress":"a\u202e@example.com""#, "err_validation_invalid_email_address")]
#[case(r#""emailAddress":"a@exam\u00adple.com""#, "err_validation_invalid_email_address")]
#[case(r#""emailAddress":"a@example.com","password":"Long \u2066enough 1 x""#, "err_password_policy")]
#[tokio::test]
async fn invisible_characters_are_refused(#[case] fields: &str, #[case] code: &str) {
    let server = TestServer::start().await;
    let answer = server.administrator().create(item(fields)).await;
    assert_eq!(answer.codes(), [code], "{answer}");
}

/// Two spellings of one letter are one address, stored in the composed form.
#[tokio::test]
async fn an_address_is_stored_composed() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let answer = administrator.create(user("A\u{30a}sa@Example.com")).await;
    assert_eq!(answer.json()["data"][0]["emailAddress"], "\u{c5}sa@Example.com", "{answer}");
    assert_eq!(administrator.create(user("\u{e5}sa@example.com")).await.codes(), ["err_user_already_exists"]);
}

#[rstest]
#[case::nothing(r#""emailAddress":"a@example.com""#)]
#[case::nulls(r#""emailAddress":"a@example.com","name":null,"password":null,"accountCode":null,"forcePasswordChange":null"#)]
#[case::own_account(r#""emailAddress":"a@example.com","accountCode":"ctest00001""#)]
#[case::unknown_fields(r#""emailAddress":"a@example.com","accountLocked":false,"allowPop":true"#)]
#[case::boolean_in_quotes(r#""emailAddress":"a@example.com","forcePasswordChange":"True""#)]
#[case::empty_name(r#""emailAddress":"a@example.com","name":"""#)]
#[tokio::test]
async fn what_may_be_left_out_or_spelt_otherwise(#[case] fields: &str) {
    let server = TestServer::start().await;
    let answer = server.administrator().create(item(fields)).await;
    assert_eq!((answer.status, answer.rows(), answer.codes().len()), (200, 1, 0), "{answer}");
}

#[tokio::test]
async fn a_partner_acts_in_its_own_account_and_those_below_and_nowhere_else() {
    let server = TestServer::start().await;
    let partner = server.partner();
    let answers = [
        (r#""emailAddress":"a@example.com""#, None),
        (r#""emailAddress":"a@lower.example","accountCode":"CTEST00003""#, None),
        (r#""emailAddress":"b@lower.example""#, Some("err_xdk_operation_forbidden_for_address")),
        (
            r#""emailAddress":"b@example.com","accountCode":"CTEST00003""#,
            Some("err_xdk_operation_forbidden_for_address"),
        ),
        (r#""emailAddress":"a@other.example","accountCode":"CTEST00002""#, Some("err_account_not_permitted")),
    ];
    for (fields, code) in answers {
        let answer = partner.create(item(fields)).await;
        assert_eq!(answer.codes().first().map(String::as_str), code, "{fields}: {answer}");
    }
    // The account in `meta` holds for every item that names none.
    let body = r#"{"meta":{"accountCode":"CTEST00003"},"data":[{"emailAddress":"c@lower.example"},
                   {"emailAddress":"c@example.com","accountCode":"CTEST00001"},{"emailAddress":"d@example.com"}]}"#;
    let answer = partner.create(body).await;
    assert_eq!(
        (answer.rows(), answer.codes()),
        (2, vec!["err_xdk_operation_forbidden_for_address".to_owned()])
    );
    // Callers who may not act in an account cannot tell whether it exists.
    let other = server.other_administrator();
    let (existing, missing) = (
        other.create(item(r#""emailAddress":"x@example.com","accountCode":"CTEST00001""#)).await,
        other.create(item(r#""emailAddress":"x@example.com","accountCode":"CTEST99999""#)).await,
    );
    assert_eq!(existing.body.replace("CTEST00001", ""), missing.body.replace("CTEST99999", ""));
}

#[tokio::test]
async fn an_address_twice_in_a_request_is_created_once() {
    let server = TestServer::start().await;
    let body = r#"{"data":[{"emailAddress":"a@example.com","password":"short"},
                           {"emailAddress":"A@example.com"},{"emailAddress":"a@example.com"}]}"#;
    let answer = server.administrator().create(body).await;
    assert_eq!(answer.rows(), 1, "the first that can be created is");
    assert_eq!(answer.codes(), ["err_password_policy", "err_user_already_exists"]);
}

#[tokio::test]
async fn bodies_as_python_and_old_samples_send_them_are_read() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for (n, body) in [
        "{'data': [{'emailAddress': 'py@example.com', 'name': \"O'Brien\", 'forcePasswordChange': False}]}"
            .as_bytes(),
        b"{\r\n \"data\": [ { \"emailAddress\": \"cs@example.com\", \"forcePasswordChange\": False, } ]\r\n}",
        b"{\"data\":[{\"emailAddress\":\"latin@example.com\",\"name\":\"\xc5sa\"}]}",
        "\u{feff}{\"data\":[{\"emailAddress\":\"bom@example.com\"}]}".as_bytes(),
        b"{'data': [{'emailAddress': 'none@example.com', 'name': None, 'password': None}]}",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = administrator.create(body).await;
        assert_eq!((answer.status, answer.rows()), (200, 1), "body {n}: {answer}");
    }
    assert_eq!(server.admin().user("latin@example.com").await.unwrap().name, "Åsa");
    assert_eq!(server.admin().user("py@example.com").await.unwrap().name, "O'Brien");
    assert_eq!(server.admin().user("none@example.com").await.unwrap().name, "");
}

#[tokio::test]
async fn a_body_that_can_not_be_read_says_where() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let deep = "[".repeat(20_000);
    let cases: [(&str, &str); 12] = [
        ("nothing", ""),
        ("blanks", " \r\n"),
        ("no data", "{}"),
        ("item without list", r#"{"emailAddress":"a@example.com"}"#),
        ("data null", r#"{"data":null}"#),
        ("data an object", r#"{"data":{}}"#),
        ("a list", "[]"),
        ("meta a text", r#"{"meta":"x","data":[]}"#),
        ("broken off", r#"{"data":[{"emailAddress":"a@exa"#),
        ("a secret without quotes", r#"{"data":[{"emailAddress":"a@example.com","password":hunter2}]}"#),
        ("form data", "data=1&x=2"),
        ("20,000 brackets", &deep),
    ];
    let mut all = String::new();
    for (what, body) in cases {
        let answer = administrator.create(body).await;
        assert_eq!(answer.status, 400, "{what}: {answer}");
        assert!(!answer.body.contains("hunter2"));
        all.push_str(&format!("# {what}\n{}\n\n", answer.body));
    }
    insta::assert_snapshot!(all);
    let empty = administrator.create(r#"{"data":[]}"#).await;
    assert_eq!((empty.status, empty.body.as_str()), (200, r#"{"meta":{"status":200},"data":[],"fail":[]}"#));
}

#[tokio::test]
async fn who_asks_what_would_come_of_it_creates_nobody() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let two = r#"{"data":[{"emailAddress":"Ann@example.com"},{"emailAddress":"ann@EXAMPLE.com"},{"emailAddress":"bob@example.com"}]}"#;
    let events = server.admin().audit().await.unwrap();
    for _ in 0..2 {
        let answer = administrator.post("/api/user/check-user", two).await;
        assert_eq!(
            answer.json()["data"],
            serde_json::json!([{"emailAddress":"Ann@example.com"},{"emailAddress":"bob@example.com"}])
        );
        assert_eq!(answer.codes(), ["err_user_already_exists"]);
    }
    assert_eq!(server.admin().count_users().await.unwrap(), testkit::SEEDED);
    assert!(server.events_since(&events).await.is_empty());
}

/// A field that is not known is ignored, as the service does; an optional one that is misspelt must not be lost in silence.
#[tokio::test]
async fn a_misspelt_optional_field_is_named_in_a_header() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let header = |answer: &testkit::Response| answer.header("x-matricula-ignored-fields").map(str::to_owned);
    for (field, named) in [
        ("forcepasswordchange", Some("forcepasswordchange (expected forcePasswordChange)")),
        ("display_name", Some("display_name (expected name)")),
        ("Password", Some("Password (expected password)")),
        ("allowPop", None),
        ("forcePasswordChange", None),
    ] {
        let address = format!("{}{}@example.com", field.to_lowercase(), named.is_some());
        let body = format!(r#"{{"data":[{{"emailAddress":"{address}","{field}":true}}]}}"#);
        let answer = administrator.create(body).await;
        assert_eq!((answer.rows(), header(&answer).as_deref()), (1, named), "{field}: {answer}");
    }
    // The style of API 2.0, and another endpoint.
    let object = serde_json::json!({"emailAddress": "ann@example.com", "fullName": "Ann"});
    let answer = administrator.post("/user/cloud-gateway/v1/users", object.to_string()).await;
    assert_eq!((answer.status, header(&answer).as_deref()), (201, Some("fullName (expected name)")));
    let group = serde_json::json!([{"description": "Ours", "parent-id": "x"}]);
    let answer = administrator.call("/api/directory/create-group", group).await;
    assert_eq!(header(&answer).as_deref(), Some("parent-id (expected parentId)"));
}

#[tokio::test]
async fn a_misspelt_address_field_is_named_and_states_are_created() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for (sent, named) in [("email", true), ("EmailAddress", true), ("email_address", true), ("badge", false)]
    {
        let answer = administrator.create(format!(r#"{{"data":[{{"{sent}":"ann@example.com"}}]}}"#)).await;
        assert_eq!(answer.codes(), ["err_validation_null"], "{answer}");
        let message = answer.json()["fail"][0]["errors"][0]["message"].as_str().unwrap().to_owned();
        let hint = format!(r#"The item has "{sent}": send it as "emailAddress""#);
        assert_eq!(message.contains(&hint), named, "{message}");
    }
    let users = serde_json::json!({"data": [
        {"emailAddress": "off@example.com", "password": testkit::PASSWORD, "accountDisabled": true},
        {"emailAddress": "shut@example.com", "password": testkit::PASSWORD, "accountLocked": "True"},
        {"emailAddress": "on@example.com", "password": testkit::PASSWORD, "accountDisabled": false},
    ]});
    let events = server.admin().audit().await.unwrap();
    assert_eq!(administrator.create(users.to_string()).await.rows(), 3);
    let details: Vec<_> = server.events_since(&events).await.into_iter().map(|event| event.detail).collect();
    assert_eq!(details, ["with password; disabled", "with password; locked", "with password"]);
    for (user, status) in [("off", 401), ("shut", 401), ("on", 200)] {
        let login = server.log_in(&format!("{user}@example.com"), testkit::PASSWORD).await;
        assert_eq!(login.status, status, "{user}: {login}");
    }
}
