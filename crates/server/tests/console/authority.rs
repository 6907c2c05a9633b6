//! Permissions are those at the end of the form and at the write; revoking key pairs needs a confirmation.

use testkit::{Browser, PASSWORD, Response, TestCaller, TestServer};

use crate::{ADMINISTRATOR, administrator, link, location, path, user};

/// Sends a form in two parts, and runs something between them.
async fn send_in_parts(
    server: &TestServer,
    browser: &mut Browser<'_>,
    path: &str,
    fields: &[(&str, &str)],
    meanwhile: impl Future<Output = ()>,
) -> (String, String) {
    let token = browser.token().await;
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields).append_pair("token", &token);
    let (body, cookie) = (body.finish(), browser.cookie.clone().unwrap());
    let mut connection = server.connect().await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}",
        server.address(),
        body.len(),
        &body[..5]
    );
    connection.send(&head).await;
    // The response to another request shows that the server has read the first part.
    assert_eq!(server.get("/healthz").await.status, 200);
    meanwhile.await;
    connection.send(&body[5..]).await;
    connection.answer().await
}

#[tokio::test]
async fn a_demotion_while_a_form_arrives_takes_effect() {
    for (page, fields) in [
        ("keys", vec![("address", ADMINISTRATOR), ("days", "")]),
        ("clients", vec![("name", "Second"), ("product", "userandgroupmanagement"), ("role", "")]),
        ("tokens", vec![("days", "30")]),
    ] {
        let server = TestServer::start().await;
        let client = server.application("Super Administrator", &["userandgroupmanagement"]).await.client_id;
        server.promote("reader@example.com", "Super Administrator").await;
        let mut browser = server.signed_in("reader@example.com", PASSWORD).await;
        let app_id = server.administrator().keys().app_id.clone();
        let list = browser.get(&path("/applications")).await.body;
        let role =
            list.split("<select name=\"role\"><option value=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(list.contains(&format!("value=\"{role}\">Super Administrator<")), "{list}");
        let fields: Vec<_> =
            fields.into_iter().map(|(name, text)| (name, if name == "role" { role } else { text })).collect();
        let target = match page {
            "keys" => path(&format!("/applications/{app_id}/keys")),
            "tokens" => path(&format!("/clients/{client}/tokens")),
            _ => path("/clients"),
        };
        let (before, pairs) =
            (server.admin().audit().await.unwrap(), server.admin().bindings(None).await.unwrap().len());
        let demote = async {
            server.admin().set_role("reader@example.com", Some("Full Administrator")).await.unwrap();
        };
        let (head, body) = send_in_parts(&server, &mut browser, &target, &fields, demote).await;
        assert!(head.starts_with("HTTP/1.1 422"), "{page}: {head}");
        assert!(body.contains("has permissions that the caller does not have"), "{page}: {body}");
        assert_eq!(server.admin().bindings(None).await.unwrap().len(), pairs, "{page}");
        let events = server.events_since(&before).await;
        assert!(events.iter().all(|event| event.action == "user.role_set"), "{page}: {events:?}");
    }
}

async fn works(caller: &TestCaller) -> bool {
    caller.call("/api/account/get-account", serde_json::json!([])).await.status != 401
}

/// Asserts that a response asks for a confirmation, and repeats the fields of the form.
fn assert_asks(response: &Response, robot: &str, fields: &[(&str, &str)]) {
    assert_eq!(response.status, 200, "{response}");
    for text in [
        "key pairs will stop working",
        "payroll/3.1",
        robot,
        "cannot be undone",
        "Nothing has been changed yet",
    ] {
        assert!(response.body.contains(text), "{text}: {response}");
    }
    for (name, text) in fields {
        let field = format!("name=\"{name}\" value=\"{text}\"");
        assert!(response.body.contains(&field), "{name}: {response}");
    }
}

#[tokio::test]
async fn revoking_key_pairs_needs_a_confirmation() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let robot = "robot@example.com";
    server
        .administrator()
        .create(format!(r#"{{"data":[{{"emailAddress":"{robot}","password":"{PASSWORD}"}}]}}"#))
        .await;
    let user = link(&browser.get(&path("/users")).await, robot);
    let bulk = path("/users/bulk");
    for (action, fields) in [
        (format!("{user}/state"), vec![("to", "lock")]),
        (format!("{user}/state"), vec![("to", "disable")]),
        (format!("{user}/password"), vec![]),
        (bulk.clone(), vec![("to", "lock"), ("pick", robot), ("pick", ADMINISTRATOR)]),
        (format!("{user}/role"), vec![("role", "BASIC")]),
    ] {
        server.admin().enable_user(robot).await.unwrap();
        browser.post(&format!("{user}/state"), &[("to", "unlock")]).await;
        browser.post(&format!("{user}/role"), &[("role", "")]).await;
        let (caller, other) = (server.caller_for(robot).await, server.caller_for(robot).await);
        server.create_by(&caller, "payroll/3.1", "{}").await;
        let page = browser.get(&user).await.body;
        let basic =
            page.split("\">Basic Administrator</option>").next().unwrap().rsplit("value=\"").next().unwrap();
        let mut fields: Vec<_> = fields
            .into_iter()
            .map(|(name, text)| (name, if text == "BASIC" { basic } else { text }))
            .collect();
        let before = server.admin().audit().await.unwrap();
        assert_asks(&browser.post(&action, &fields).await, robot, &fields);
        assert!(works(&caller).await && works(&other).await, "{action}");
        assert_eq!(server.events_since(&before).await.len(), 0, "{action}");
        fields.retain(|(_, text)| *text != ADMINISTRATOR);
        fields.push(("sure", "yes"));
        let done = browser.post(&action, &fields).await;
        assert!(matches!(done.status, 200 | 303), "{action}: {done}");
        assert!(!works(&caller).await && !works(&other).await, "{action}");
    }
    // Without a live key pair no confirmation is needed.
    assert_eq!(browser.post(&format!("{user}/state"), &[("to", "lock")]).await.status, 303);
    assert!(browser.get(&format!("{user}/remove")).await.body.contains("Remove now"));
}

#[tokio::test]
async fn a_form_survives_the_end_of_its_session() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let token = browser.token().await;
    let form = [
        ("token", token.as_str()),
        ("request", ""),
        ("address", "ann@example.com"),
        ("name", "Ann \"A\" Lee"),
        ("how", "type"),
        ("password", "Typed horse 7 battery"),
    ];
    let left = browser.cookie.take();
    assert!(left.is_some());
    let sign_in_page = browser.send(&path("/users/new"), &form).await;
    assert_eq!(sign_in_page.status, 401, "{sign_in_page}");
    assert!(sign_in_page.header("content-type").unwrap().starts_with("text/html"), "{sign_in_page}");
    assert!(sign_in_page.body.contains("Your session has ended. Nothing was saved"), "{sign_in_page}");
    assert!(!sign_in_page.body.contains("Typed horse"), "a password is not sent back: {sign_in_page}");
    assert!(server.admin().user("ann@example.com").await.is_err());
    let hidden = |page: &str| -> Vec<(String, String)> {
        let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
        let unescape = |text: &str| text.replace("&#34;", "\"");
        let field = |input: &str| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (name.to_owned(), unescape(rest.split('"').next().unwrap()))
        };
        inputs.map(field).collect()
    };
    let mut fields = hidden(&sign_in_page.body);
    // The form is kept after a wrong password.
    for (password, status) in [("wrong", 422), (PASSWORD, 200)] {
        let mut sent: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        sent.extend([("address", ADMINISTRATOR), ("password", password)]);
        let page = browser.send("/console/sign-in", &sent).await;
        assert_eq!(page.status, status, "{page}");
        fields = hidden(&page.body);
        if status == 200 {
            assert!(page.body.contains("Send it again"), "{page}");
            assert!(page.body.contains(&format!("action=\"{}\"", path("/users/new"))), "{page}");
        }
    }
    let sent: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    // The form asks for the password again, and keeps the other fields.
    let again = browser.send(&path("/users/new"), &sent).await;
    assert_eq!(again.status, 422, "{again}");
    assert!(
        again.body.contains("value=\"ann@example.com\"") && again.body.contains("Ann &#34;A&#34; Lee"),
        "{again}"
    );
}

#[tokio::test]
async fn unknown_paths_of_the_console_answer_in_html() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    for unknown in ["/console/none/of/it", &path("/nothing"), "/console/sign-out", &path("/users/new/x")] {
        let page = browser.get(unknown).await;
        assert_eq!(page.status, 404, "{unknown}: {page}");
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{unknown}: {page}");
        assert!(page.body.contains("Page not found"), "{unknown}: {page}");
        assert!(page.header("content-security-policy").is_some(), "{unknown}");
    }
    // A GET of a form's path redirects to the page with the form.
    assert_eq!(location(&browser.get(&path("/users/bulk")).await), path("/users"));
    let user = link(&browser.get(&path("/users")).await, ADMINISTRATOR);
    assert_eq!(location(&browser.get(&format!("{user}/password")).await), user);
    // Other paths answer programs.
    assert!(server.get("/none").await.body.contains("err_"), "JSON");
}

#[tokio::test]
async fn an_export_contains_the_users_of_the_search() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    for address in ["+49@example.com", "ann.one@example.com", "ann.two@example.com", "bea@example.com"] {
        assert_eq!(server.administrator().create(user(address)).await.rows(), 1, "{address}");
    }
    let addresses = async |browser: &mut Browser<'_>, query: &str| -> Vec<String> {
        let file = browser.get(&path(&format!("/users.csv{query}"))).await.body;
        let lines = file.lines().skip(1);
        lines.map(|line| line.split(',').next().unwrap().trim_matches('"').to_owned()).collect()
    };
    let page = browser.get(&path("/users?q=ann")).await.body;
    assert!(page.contains("users.csv?q=ann") && page.contains("Export results"), "{page}");
    assert_eq!(addresses(&mut browser, "?q=ann").await, ["ann.one@example.com", "ann.two@example.com"]);
    let administrators = addresses(&mut browser, "?state=administrator").await;
    assert!(
        administrators.contains(&ADMINISTRATOR.to_owned())
            && !administrators.contains(&"bea@example.com".to_owned())
    );
    assert!(addresses(&mut browser, "?domain=example.com").await.len() > administrators.len());
    let all = addresses(&mut browser, "").await;
    assert!(all.contains(&"'+49@example.com".to_owned()), "no formula: {all:?}");
    // The audit's export is escaped, too.
    let audit = browser.get(&path("/audit.csv")).await.body;
    assert!(audit.contains("\"'+49@example.com\"") && !audit.contains("\"+49@example.com\""), "{audit}");
}

#[tokio::test]
async fn an_application_shows_what_is_refused_before_a_key_pair_is_known() {
    let server = TestServer::start().await;
    let (caller, mut browser) = (server.administrator(), administrator(&server).await);
    let page = path(&format!("/applications/{}", caller.keys().app_id));
    browser.get(&page).await;
    let bad = caller.send("/api/user/create-user", &caller.signed("/api/another/path"), "{}").await;
    assert_eq!(bad.status, 401);
    let shown = browser.get(&page).await.body;
    assert!(
        shown.contains("1 request, 100 % refused") && shown.contains("err_xdk_invalid_signature"),
        "{shown}"
    );
}
