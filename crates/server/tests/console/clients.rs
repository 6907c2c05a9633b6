//! Applications of API 2.0: their pages, their tokens for SCIM, and who may change them.

use jiff::SignedDuration;
use secrecy::ExposeSecret;
use testkit::{ACCOUNT, Browser, PASSWORD, Response, TestServer};

use crate::{administrator, code_text, link, location, path};

const SCIM: &str = "/scim/v2/Users";
const PRODUCT: &str = "userandgroupmanagement";
const READ: &str = "Services | API Applications | Read";
const EDIT: &str = "Services | API Applications | Edit";
const NOT_COVERED: &str = "has permissions that the caller does not have";

/// The page of an application.
fn page_of(client_id: &str) -> String {
    path(&format!("/clients/{client_id}"))
}

/// The value of the role with this name in the form for a new application.
async fn role_value(browser: &mut Browser<'_>, role: &str) -> Option<String> {
    let list = browser.get(&path("/applications")).await.body;
    let before = list.split_once(&format!("\">{role}</option>"))?.0;
    before.rsplit("<option value=\"").next().map(str::to_owned)
}

/// Registers an application in the console. Returns the answer.
async fn register(browser: &mut Browser<'_>, name: &str, role: &str) -> Response {
    let role = role_value(browser, role).await.unwrap();
    browser.post(&path("/clients"), &[("name", name), ("role", &role), ("product", PRODUCT)]).await
}

async fn create(server: &TestServer, token: &str, user_name: &str) -> Response {
    server.post_as(token, SCIM, format!(r#"{{"userName":"{user_name}"}}"#)).await
}

/// The ids of the tokens that the page offers to revoke.
fn token_ids(page: &Response) -> Vec<String> {
    let ids = page.body.split("name=\"id\" value=\"").skip(1);
    ids.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// A browser of an administrator with only these permissions.
async fn with_role<'s>(server: &'s TestServer, role: &str, permissions: &[&str]) -> Browser<'s> {
    let permissions: Vec<_> = permissions.iter().map(|text| (*text).to_owned()).collect();
    server.admin().add_role(ACCOUNT, role, &permissions).await.unwrap();
    server.promote("reader@example.com", role).await;
    server.signed_in("reader@example.com", PASSWORD).await
}

#[tokio::test]
async fn a_token_is_shown_once_works_and_stops_when_it_is_revoked() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let before = server.admin().audit().await.unwrap();
    let registered = register(&mut browser, "Okta", "Full Administrator").await;
    let secret = code_text(&registered, "client-secret");
    let page = link(&registered, "To the application");
    assert_eq!(page, page_of(&code_text(&registered, "client-id")));
    assert_eq!(link(&browser.get(&path("/applications")).await, "Okta"), page);

    let shown = browser.get(&page).await;
    let url = format!("http://{}/scim/v2", server.address());
    assert_eq!(code_text(&shown, "scim-url"), url);
    for part in ["Full Administrator", PRODUCT, "never used", "Issue a token"] {
        assert!(shown.body.contains(part), "{part}: {shown}");
    }
    let tokens = format!("{page}/tokens");
    let first = browser.post(&tokens, &[("days", "30")]).await;
    assert!(first.body.contains("it will not be shown again. It expires at"), "{first}");
    assert!(!first.body.contains("The old token"), "{first}");
    assert_eq!(code_text(&first, "scim-url"), url);
    let first = code_text(&first, "scim-token");
    assert_eq!(server.get_as(&first, SCIM).await.status, 200);
    let second = browser.post(&tokens, &[("days", "")]).await;
    assert!(second.body.contains("It does not expire") && second.body.contains("The old token"), "{second}");
    let second = code_text(&second, "scim-token");

    // A third one is refused, and the page does not offer it.
    let third = browser.post(&tokens, &[("days", "")]).await;
    assert_eq!(third.status, 422, "{third}");
    let why = "Nothing was changed. This application has two tokens already: revoke one first.";
    assert!(third.body.contains(why) && !third.body.contains("name=\"days\""), "{third}");

    let shown = browser.get(&page).await;
    assert!(shown.body.contains("1 request, none refused"), "{shown}");
    let ids = token_ids(&shown);
    assert_eq!(ids.len(), 2, "{shown}");
    let revoke = format!("{page}/revoke");
    let asked = browser.post(&revoke, &[("id", &ids[0])]).await;
    assert!(asked.body.contains("Nothing has been changed yet") && asked.body.contains(&ids[0]), "{asked}");
    assert_eq!(create(&server, &first, "ann@example.com").await.status, 201);
    let revoked = browser.post(&revoke, &[("id", &ids[0]), ("sure", "yes")]).await;
    let shown = browser.get(&location(&revoked)).await;
    assert!(shown.body.contains("The token is revoked") && token_ids(&shown) == ids[1..], "{shown}");
    assert_eq!(create(&server, &first, "bob@example.com").await.status, 401);
    assert_eq!(create(&server, &second, "bob@example.com").await.status, 201);
    assert_eq!(browser.post(&revoke, &[("id", &ids[0]), ("sure", "yes")]).await.status, 404);

    // The audit has the changes, and no secret. Nor has a page.
    let events = server.events_since(&before).await;
    for action in ["client.added", "client.token_added", "client.token_revoked"] {
        assert!(events.iter().any(|event| event.action == action), "{action}: {events:?}");
    }
    let audit = browser.get(&path("/audit")).await.body;
    for secret in [&secret, &first, &second] {
        assert!(!format!("{events:?}").contains(secret) && !audit.contains(secret.as_str()));
        assert!(!shown.body.contains(secret.as_str()) && !third.body.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn an_application_is_disabled_after_its_name_is_typed() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let registered = register(&mut browser, "Okta", "Full Administrator").await;
    let page = link(&registered, "To the application");
    let token = code_text(&browser.post(&format!("{page}/tokens"), &[]).await, "scim-token");
    let disable = format!("{page}/disable");
    let refused = browser.post(&disable, &[("confirm", "Entra")]).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert!(refused.body.contains("Nothing was changed. Type Okta to confirm."), "{refused}");
    assert_eq!(create(&server, &token, "ann@example.com").await.status, 201);
    let disabled = browser.post(&disable, &[("confirm", "Okta")]).await;
    assert!(browser.get(&location(&disabled)).await.body.contains("The application is disabled"));
    assert_eq!(create(&server, &token, "bob@example.com").await.status, 401);
    assert_eq!(browser.get(&page).await.status, 404);
}

#[tokio::test]
async fn user_names_without_a_domain_get_the_chosen_one() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let client = server.application("Full Administrator", &[PRODUCT]).await.client_id;
    let (_, token) = server.admin().add_token(&client, None).await.unwrap();
    let (page, token) = (page_of(&client), token.expose_secret());
    assert_eq!(create(&server, token, "ann").await.status, 400);
    let set = format!("{page}/scim-settings");
    let from = ("address_from", "userName");
    for (fields, why) in [
        (vec![from, ("domain", "other.example")], "There is no such internal domain"),
        (vec![from, ("domain", "..")], "The domain "),
        (vec![from, ("deletions", "-1")], "Deletions: "),
        (vec![("address_from", "mail")], "Address from: "),
    ] {
        let refused = browser.post(&set, &fields).await;
        assert_eq!(refused.status, 422, "{refused}");
        assert!(refused.body.contains(&format!("Nothing was changed. {why}")), "{refused}");
    }
    let done = browser.post(&set, &[from, ("domain", "example.com"), ("deletions", "7")]).await;
    let shown = browser.get(&location(&done)).await.body;
    assert!(shown.contains("value=\"example.com\" selected") && shown.contains(">Undo</button>"), "{shown}");
    assert!(!shown.contains("other.example") && shown.contains("name=\"deletions\" value=\"7\""), "{shown}");
    assert_eq!(create(&server, token, "ann").await.status, 201);
    assert!(server.admin().user("ann@example.com").await.is_ok());
    let done = browser.post(&set, &[("address_from", "emails"), ("domain", "")]).await;
    let shown = browser.get(&location(&done)).await;
    assert!(shown.body.contains("<option value=\"emails\" selected>"), "{shown}");
    // What the undo would send.
    assert!(shown.body.contains("name=\"deletions\" value=\"7\""), "{shown}");
    assert_eq!(create(&server, token, "bob").await.status, 400);
}

#[tokio::test]
async fn an_application_shows_what_is_refused_and_its_requests() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let client = server.application("Full Administrator", &[PRODUCT]).await.client_id;
    let page = page_of(&client);
    assert!(!browser.get(&page).await.body.contains("in the journal"));
    server.control();
    let issued = browser.post(&format!("{page}/tokens"), &[("days", "3")]).await;
    let token = code_text(&issued, "scim-token");
    assert_eq!(create(&server, &token, "nobody").await.status, 400);
    let shown = browser.get(&page).await;
    for part in ["1 request, 100 % refused", "invalidValue", "1 token expires soon or has expired"] {
        assert!(shown.body.contains(part), "{part}: {shown}");
    }
    let journal = browser.get(&link(&shown, "Last requests in the journal")).await;
    assert!(journal.body.contains("POST /scim/v2/Users") && !journal.body.contains(&token), "{journal}");

    // An expired token is the application's: its administrator sees that a new one is needed.
    server.clock().advance(SignedDuration::from_hours(3 * 24));
    assert_eq!(server.get_as(&token, SCIM).await.status, 401);
    let mut browser = administrator(&server).await;
    let shown = browser.get(&page).await.body;
    assert!(shown.contains("token_expired"), "{shown}");
    assert!(shown.contains(">expired</span>"), "{shown}");
    browser.post(&format!("{page}/tokens"), &[("days", "3")]).await;
    let overview = browser.get(&path("")).await;
    assert!(overview.body.contains("1 within 14 days"), "{overview}");
    assert_eq!(link(&overview, "A program"), page);
}

#[tokio::test]
async fn nobody_issues_a_token_with_more_permissions_than_their_own() {
    let server = TestServer::start().await;
    let strong = server.application("Full Administrator", &[PRODUCT]).await.client_id;
    let (token_id, token) = server.admin().add_token(&strong, None).await.unwrap();
    let super_administrator =
        role_value(&mut administrator(&server).await, "Super Administrator").await.unwrap();
    let mut browser = with_role(&server, "Integrator", &[READ, EDIT]).await;
    let (page, token_id) = (page_of(&strong), token_id.to_string());
    let shown = browser.get(&page).await.body;
    assert!(shown.contains("You cannot change this application") && shown.contains(&token_id), "{shown}");
    assert!(!shown.contains(&format!("action=\"{page}")), "{shown}");
    let before = server.admin().audit().await.unwrap();
    for (form, fields) in [
        ("tokens", vec![("days", "3")]),
        ("revoke", vec![("id", token_id.as_str())]),
        ("revoke", vec![("id", token_id.as_str()), ("sure", "yes")]),
        ("scim-settings", vec![("address_from", "userName"), ("domain", "example.com")]),
        ("scim-settings", vec![("address_from", "userName")]),
        ("disable", vec![("confirm", "A program")]),
    ] {
        let refused = browser.post(&format!("{page}/{form}"), &fields).await;
        assert_eq!(refused.status, 422, "{form}: {refused}");
        assert!(refused.body.contains(NOT_COVERED), "{form}: {refused}");
    }
    assert_eq!(role_value(&mut browser, "Super Administrator").await, None);
    let fields = [("name", "Mine"), ("role", super_administrator.as_str()), ("product", PRODUCT)];
    let refused = browser.post(&path("/clients"), &fields).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert!(refused.body.contains(NOT_COVERED), "{refused}");
    let events = server.events_since(&before).await;
    assert!(events.is_empty(), "{events:?}");
    assert_eq!(server.get_as(token.expose_secret(), SCIM).await.status, 200);

    // An application with a role that the administrator covers.
    let registered = register(&mut browser, "Mine", "Integrator").await;
    let page = link(&registered, "To the application");
    let token = code_text(&browser.post(&format!("{page}/tokens"), &[]).await, "scim-token");
    assert_eq!(server.get_as(&token, SCIM).await.status, 403, "the role has no permission for users");
}

#[tokio::test]
async fn a_reader_sees_an_application_without_buttons() {
    let server = TestServer::start().await;
    let client = server.application("Full Administrator", &[PRODUCT]).await.client_id;
    let (token_id, _) = server.admin().add_token(&client, None).await.unwrap();
    server.admin().set_user_name_domain(&client, Some("example.com")).await.unwrap();
    server.control();
    let mut browser = with_role(&server, "Viewer", &[READ]).await;
    let page = page_of(&client);
    let shown = browser.get(&page).await;
    assert_eq!(code_text(&shown, "scim-url"), format!("http://{}/scim/v2", server.address()));
    for part in [token_id.to_string().as_str(), "User names without a domain are in"] {
        assert!(shown.body.contains(part), "{part}: {shown}");
    }
    for part in [&format!("action=\"{page}"), "You cannot change", "in the journal"] {
        assert!(!shown.body.contains(part), "{part}: {shown}");
    }
    for form in ["tokens", "revoke", "scim-settings", "disable"] {
        let refused = browser.post(&format!("{page}/{form}"), &[]).await;
        assert_eq!(refused.status, 403, "{form}: {refused}");
    }
}

#[tokio::test]
async fn an_application_without_the_product_cannot_use_scim() {
    let server = TestServer::start().await;
    let client = server.application("Full Administrator", &["auditevents"]).await.client_id;
    let mut browser = administrator(&server).await;
    let shown = browser.get(&page_of(&client)).await.body;
    assert!(shown.contains("This application cannot use SCIM") && !shown.contains("scim-url"), "{shown}");
    assert!(!shown.contains("Issue a token") && shown.contains(">Disable</button>"), "{shown}");
    // A token that it has nevertheless can be revoked.
    server.admin().add_token(&client, None).await.unwrap();
    let shown = browser.get(&page_of(&client)).await;
    assert_eq!(token_ids(&shown).len(), 1, "{shown}");
}
