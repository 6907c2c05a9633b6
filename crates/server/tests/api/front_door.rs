//! The front door of API 2.0: a token instead of a signature, and the endpoints in its style (spec/protocol.md 8).

use jiff::SignedDuration;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Response, TestApplication, TestServer, basic, bearer};
use wire::create_user::PATH;

use crate::{item, user};

const USERS: &str = "/user/cloud-gateway/v1/users";
const ROLES: &str = "/role/cloud-gateway/v1/roles";
const TOKEN: &str = "/oauth/token";

/// One that may do everything.
async fn all_powerful(server: &TestServer) -> TestApplication {
    server.application("Super Administrator", &server::admin::products()).await
}

/// Status, and the first code wherever clients look for it.
fn refused(answer: &Response) -> (u16, String) {
    let json = answer.json();
    let code = [&json["fail"][0]["code"], &json["errors"][0]["code"], &json["error"]];
    (answer.status, code.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_token_is_given_and_calls_as_a_signature_does() {
    let server = TestServer::start().await;
    let application = all_powerful(&server).await;
    let answer = server.unsigned(TOKEN, application.form()).await;
    let mut token = answer.json();
    let text = token["access_token"].take().as_str().unwrap().to_owned();
    assert_eq!(token, json!({"access_token": null, "token_type": "Bearer", "expires_in": 1799, "scope": ""}));
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        (Some("no-store"), Some("no-cache"))
    );
    insta::assert_snapshot!(answer.to_string().replace(&text, "…"));

    let by_token = server.post_as(&text, PATH, user("a@example.com")).await;
    let by_signature = server.administrator().create(user("b@example.com")).await;
    assert_eq!((by_token.status, by_token.rows()), (200, 1), "{by_token}");
    let shape = |answer: &Response, name: &str| {
        let id = answer.json()["data"][0]["id"].as_str().unwrap().to_owned();
        answer.to_string().replace(&id, "…").replace(name, "x@example.com")
    };
    assert_eq!(shape(&by_token, "a@example.com"), shape(&by_signature, "b@example.com"));
    let told = server.admin().audit().await.unwrap();
    let told = told.iter().find(|event| event.target == "a@example.com").unwrap();
    assert_eq!(told.actor, "application A program");

    // Without a request id every call is separate; with one it runs once.
    let again = server.post_as(&text, PATH, user("a@example.com")).await;
    assert_eq!(again.codes(), ["err_user_already_exists"]);
    let mut headers = bearer(&text);
    headers.push(("x-mc-req-id".to_owned(), b"8578fcfc-a305-4d9a-99cb-f4d5ecefe297".to_vec()));
    let first = server.raw(PATH, &headers, user("c@example.com")).await;
    assert_eq!(
        (first.rows(), &first.body),
        (1, &server.raw(PATH, &headers, user("c@example.com")).await.body)
    );
    let other = server.raw(PATH, &headers, user("d@example.com")).await;
    assert_eq!(refused(&other).0, 409, "{other}");
}

#[tokio::test]
async fn credentials_come_in_the_form_or_in_the_header() {
    let server = TestServer::start().await;
    let TestApplication { client_id, client_secret } = all_powerful(&server).await;
    let header = |value: String| vec![("authorization".to_owned(), value.into_bytes())];
    let ask = async |headers: &[(String, Vec<u8>)], body: &str| server.raw(TOKEN, headers, body).await;
    let right = header(basic("Basic", &client_id, &client_secret));
    let given = ask(&right, "grant_type=client_credentials").await;
    assert_eq!(given.status, 200, "{given}");
    let both = ask(&right, &format!("grant_type=client_credentials&client_secret={client_secret}")).await;
    assert_eq!(refused(&both), (400, "invalid_request".to_owned()));
    let wrong = ask(&header(basic("Basic", &client_id, "wrong")), "grant_type=client_credentials").await;
    assert_eq!(refused(&wrong), (401, "invalid_client".to_owned()));
    // What is left over of another call does not matter when the form says all.
    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}");
    assert_eq!(ask(&bearer("stale"), &form).await.status, 200);
}

#[rstest]
#[case("", 400, "invalid_request")]
#[case("{}", 400, "invalid_request")]
#[case("grant_type=client_credentials", 400, "invalid_request")]
#[case("grant_type=client_credentials&client_id=a&client_id=a&client_secret=b", 400, "invalid_request")]
#[case("grant_type=password&username=a&password=b", 400, "unsupported_grant_type")]
#[case("grant_type=client_credentials&client_id=a&client_secret=b", 401, "invalid_client")]
#[tokio::test]
async fn what_is_no_request_for_a_token_is_refused_as_oauth_does(
    #[case] body: &str,
    #[case] status: u16,
    #[case] error: &str,
) {
    let server = TestServer::start().await;
    let answer = server.unsigned(TOKEN, body).await;
    assert_eq!(refused(&answer), (status, error.to_owned()), "{answer}");
    assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert!(body["error_description"].as_str().is_some_and(|text| !text.is_empty()));
    // The same in the envelope, where shipped connectors look for it.
    assert_eq!((&body["meta"]["status"], &body["data"]), (&json!(status), &json!([])), "{answer}");
    let fail = &body["fail"][0];
    assert_eq!((&fail["code"], &fail["message"]), (&fail["errors"][0]["code"], &body["error_description"]));
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_id_and_a_disabled_application_are_answered_alike() {
    let server = TestServer::start().await;
    let application = all_powerful(&server).await;
    let wrong = TestApplication { client_secret: "A".repeat(43), ..application.clone() };
    let unknown = TestApplication { client_id: "A".repeat(40), ..application.clone() };
    let gone = all_powerful(&server).await;
    server.admin().disable_client(&gone.client_id).await.unwrap();
    let mut answers = Vec::new();
    for application in [wrong, unknown, gone] {
        let answer = server.unsigned(TOKEN, application.form()).await;
        let shown = answer.to_string();
        answers.push(shown.replace(answer.header("x-ratelimit-remaining").unwrap(), "N"));
    }
    assert_eq!((&answers[0], &answers[1]), (&answers[1], &answers[2]));
    insta::assert_snapshot!(answers[0]);
}

#[tokio::test]
async fn requests_for_tokens_are_counted_for_where_they_come_from() {
    let server = TestServer::start_with(|config| config.quota.calls = 1).await;
    let application = all_powerful(&server).await;
    // 6.25 calls for each of a user's, rounded up.
    for _ in 0..7 {
        assert_eq!(server.unsigned(TOKEN, application.form()).await.status, 200);
    }
    let over = server.unsigned(TOKEN, application.form()).await;
    assert_eq!((over.status, over.header("retry-after")), (429, Some("5")), "{over}");
    assert_eq!(over.json()["error"], "err_xdk_quota_exceeded");
}

/// Every endpoint that a caller is needed for: a token that is none, that is old, or of an application that is not
/// registered for it.
#[tokio::test]
async fn every_endpoint_knows_a_good_token_from_a_bad_one() {
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    let nothing = server.application("Super Administrator", &[]).await;
    let gone = server.application("Super Administrator", &[]).await;
    let old = server.token(&nothing).await;
    let disabled = server.token(&gone).await;
    server.clock().advance(SignedDuration::from_secs(1_799));
    assert_eq!(server.get_as(&old, "/identity/whoami").await.status, 200, "it holds to the last second");
    server.clock().advance(SignedDuration::from_secs(1));
    let fresh = server.token(&nothing).await;
    for endpoint in server::endpoints().filter(|e| e.style() != server::Style::OAuth) {
        for (token, expected) in
            [("none", "token_invalid"), (&old, "token_expired"), (&fresh, "app_forbidden")]
        {
            let answer = call(&server, endpoint, token).await;
            let status = if expected == "app_forbidden" { 403 } else { 401 };
            if endpoint.path == "/identity/whoami" && status == 403 {
                assert_eq!(answer.status, 200, "it is for all: {answer}");
                continue;
            }
            // In both places (spec/protocol.md 2e), and in this form on every path.
            let fail = &answer.json()["fail"][0];
            assert_eq!(
                (answer.status, &fail["code"]),
                (status, &json!(expected)),
                "{}: {answer}",
                endpoint.path
            );
            assert_eq!(fail["errors"][0]["code"], expected, "{}: {answer}", endpoint.path);
        }
    }
    // Disabling takes effect at once.
    let token = server.token(&gone).await;
    assert_eq!(server.get_as(&token, "/identity/whoami").await.status, 200);
    server.admin().disable_client(&gone.client_id).await.unwrap();
    assert_eq!(refused(&server.get_as(&token, "/identity/whoami").await), (401, "token_invalid".to_owned()));
    assert_eq!(
        refused(&server.get_as(&disabled, "/identity/whoami").await),
        (401, "token_expired".to_owned())
    );
}

/// What an application reaches that is registered for one product alone; what all reach stands at the top.
#[tokio::test]
async fn each_product_reaches_its_endpoints() {
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    let mut shown = String::new();
    for products in std::iter::once(None).chain(server::admin::products().into_iter().map(Some)) {
        let names: Vec<_> = products.into_iter().collect();
        let token = server.token(&server.application("Partner Provisioning Role", &names).await).await;
        shown.push_str(&format!("# {}\n", names.first().unwrap_or(&"none")));
        for endpoint in server::endpoints().filter(|e| e.is_signed()) {
            let answer = call(&server, endpoint, &token).await;
            let reached = answer.json()["fail"][0]["code"] != "app_forbidden";
            if reached && (!endpoint.products.is_empty() || names.is_empty()) {
                shown.push_str(&format!("{} {}\n", endpoint.method.as_str(), endpoint.path));
            }
        }
    }
    insta::assert_snapshot!(shown);
}

async fn call(server: &TestServer, endpoint: &server::Endpoint, token: &str) -> testkit::Response {
    let body = if endpoint.method == server::Method::Get { "" } else { "{}" };
    server.request(endpoint.method.as_str(), endpoint.path, &testkit::bearer(token), body).await
}

/// An application acts with its own role, whatever the users of the account may do (spec/protocol.md 7).
#[tokio::test]
async fn the_role_is_the_application_s_own() {
    let server = TestServer::start().await;
    let reader = server.token(&server.application("Reader", &["userandgroupmanagement"]).await).await;
    let listed = server.post_as(&reader, "/api/user/get-internal-users", "{}").await;
    assert_eq!((listed.status, listed.rows()), (200, 1));
    let denied = server.post_as(&reader, PATH, user("a@example.com")).await;
    assert_eq!((denied.status, denied.codes()), (403, vec!["err_xdk_permission_denied".to_owned()]));
    let denied = server.post_as(&reader, USERS, r#"{"emailAddress":"a@example.com"}"#).await;
    assert_eq!(refused(&denied), (403, "err_xdk_permission_denied".to_owned()));
    assert!(denied.json()["fail"].is_null(), "in the new style: {denied}");
    // Removed by another process: nothing is written with it, even by a fresh token.
    let beside = server.admin_beside();
    let writer = server.application("Basic Administrator", &["userandgroupmanagement"]).await;
    let token = server.token(&writer).await;
    assert_eq!(server.post_as(&token, PATH, user("a@example.com")).await.rows(), 1);
    beside.disable_client(&writer.client_id).await.unwrap();
    let late = server.post_as(&token, PATH, user("late@example.com")).await;
    assert_eq!(refused(&late), (401, "token_invalid".to_owned()));
}

#[tokio::test]
async fn a_user_is_made_in_the_new_style() {
    let server = TestServer::start().await;
    let token = server.token(&all_powerful(&server).await).await;
    let post = async |body: Value| server.post_as(&token, USERS, body.to_string()).await;
    let made = post(
        json!({"emailAddress": "ann@example.com", "name": "Ann", "password": "correct Horse 7 battery"}),
    );
    let made = made.await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(made.to_string().replace(&id, "…"));
    let stored = server.admin().user("ann@example.com").await.unwrap();
    assert!(stored.password.is_some() && stored.name == "Ann");
    // Each refusal with the code of create-user, and a status that says it too.
    let cases = [
        (json!({"emailAddress": "ANN@example.com"}), 409, "err_user_already_exists", Some("emailAddress")),
        (json!({}), 400, "err_validation_null", Some("emailAddress")),
        (json!({"emailAddress": 7}), 400, "err_validation_type", Some("emailAddress")),
        (
            json!({"emailAddress": "b@example.com", "password": "weak"}),
            400,
            "err_password_policy",
            Some("password"),
        ),
        (
            json!({"emailAddress": "b@other.example"}),
            403,
            "err_xdk_operation_forbidden_for_address",
            Some("emailAddress"),
        ),
        (
            json!({"emailAddress": "b@example.com", "accountCode": "X"}),
            403,
            "err_account_not_permitted",
            Some("accountCode"),
        ),
        (json!([{"emailAddress": "b@example.com"}]), 400, "err_deserialise", None),
    ];
    for (body, status, code, field) in cases {
        let answer = post(body).await;
        assert_eq!(refused(&answer), (status, code.to_owned()), "{answer}");
        assert_eq!(answer.json()["errors"][0]["field"].as_str(), field, "{answer}");
        assert!(!answer.body.contains("retryable") && !answer.body.contains("weak"), "{answer}");
    }
    // With a request id it is made once, and the answer is the first one again.
    let mut headers = bearer(&token);
    headers.push(("x-mc-req-id".to_owned(), b"8578fcfc-a305-4d9a-99cb-f4d5ecefe297".to_vec()));
    for password in ["", r#","password":"correct Horse 7 battery""#] {
        let name = if password.is_empty() { "c" } else { "d" };
        let body = format!(r#"{{"emailAddress":"{name}@example.com"{password}}}"#);
        headers[1].1[0] = name.as_bytes()[0];
        let first = server.raw(USERS, &headers, body.clone()).await;
        let again = server.raw(USERS, &headers, body).await;
        assert_eq!((first.status, again.status, &first.body), (201, 201, &again.body), "{again}");
    }
    // A signature is as good as a token.
    let signed = server.administrator().post(USERS, r#"{"emailAddress":"e@example.com"}"#).await;
    assert_eq!(signed.status, 201, "{signed}");
}

#[tokio::test]
async fn the_list_of_users_pages_to_the_end_and_is_that_of_get_internal_users() {
    let server = TestServer::start().await;
    let token = server.token(&all_powerful(&server).await).await;
    for n in 0..9 {
        server
            .administrator()
            .create(item(&format!(r#""emailAddress":"u{n}@example.com","name":"U {n}""#)))
            .await;
    }
    let classic = server.post_as(&token, "/api/user/get-internal-users", "{}").await.json();
    let classic: Vec<_> = classic["data"][0]["users"].as_array().unwrap().clone();
    assert_eq!(classic.len(), 15);
    for size in [1, 4, 14, 15, 16] {
        let (mut users, mut next) = (Vec::new(), String::new());
        loop {
            let page =
                server.get_as(&token, &format!("{USERS}?pageSize={size}&pageToken={next}")).await.json();
            let rows = page["users"].as_array().unwrap().clone();
            assert_eq!(page["meta"]["pagination"]["pageSize"], rows.len());
            users.extend(rows);
            match page["meta"]["pagination"]["next"].as_str() {
                Some(token) => next = token.to_owned(),
                None => break,
            }
        }
        let names: Vec<_> =
            users.iter().map(|user| (&user["emailAddress"], &user["name"], &user["domain"])).collect();
        let expected: Vec<_> =
            classic.iter().map(|user| (&user["emailAddress"], &user["name"], &user["domain"])).collect();
        assert_eq!(names, expected, "{size} on a page");
    }
    let signed = server.get_signed(&server.administrator(), &format!("{USERS}?pageSize=1")).await;
    insta::assert_snapshot!(
        signed.json()["users"][0].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    );
    for (query, field) in
        [("pageSize=0", "pageSize"), ("pageSize=101", "pageSize"), ("pageToken=x", "pageToken")]
    {
        let answer = server.get_as(&token, &format!("{USERS}?{query}")).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (400, &json!(field)), "{answer}");
    }
}

#[tokio::test]
async fn who_calls_and_which_roles_there_are() {
    let server = TestServer::start().await;
    let application =
        server.application("Full Administrator", &["userandgroupmanagement", "rolemanagement"]).await;
    let token = server.token(&application).await;
    let mut who = server.get_as(&token, "/identity/whoami").await.json();
    assert_eq!(who["id"], application.client_id.as_str());
    who["id"] = "…".into();
    who["permissions"] = who["permissions"].as_array().unwrap().len().into();
    insta::assert_snapshot!(who);
    let signed = server.get_signed(&server.user_without_role(), "/identity/whoami").await.json();
    assert_eq!((&signed["type"], &signed["id"]), (&json!("user"), &json!("plain@example.com")));
    let roles = server.get_as(&token, ROLES).await.json();
    let names: Vec<_> =
        roles["roles"].as_array().unwrap().iter().map(|role| role["roleName"].as_str().unwrap()).collect();
    insta::assert_snapshot!(names.join(", "));
    let classic = server.post_as(&token, "/api/role/get-roles", "{}").await.json();
    assert_eq!(classic["data"][0]["id"], roles["roles"][0]["id"], "one id on both doors");
}

#[tokio::test]
async fn paths_and_methods_are_refused_in_the_style_of_their_neighbours() {
    let server = TestServer::start().await;
    let got = server.get(TOKEN).await;
    assert_eq!(refused(&got), (405, "err_xdk_method_not_allowed".to_owned()));
    assert!(got.body.contains("call it with POST"), "{got}");
    let posted = server.unsigned(ROLES, "").await;
    assert!(
        posted.json()["errors"][0]["message"].as_str().unwrap().ends_with("call it with GET"),
        "{posted}"
    );
    let unknown = server.get("/user/cloud-gateway/v1/no-such").await;
    assert_eq!(refused(&unknown), (404, "err_xdk_unknown_path".to_owned()));
    assert!(unknown.json()["errors"][0]["code"].is_string());
    let missing = server.get(ROLES).await;
    assert_eq!(
        (missing.status, &missing.json()["errors"][0]["code"]),
        (400, &json!("err_xdk_missing_header"))
    );
}
