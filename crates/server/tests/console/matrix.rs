//! The authorisation matrix of the console: every page of the table against every kind of user.

use std::collections::BTreeMap;

use server::console::Method;
use server::console::{PAGES, Page};
use testkit::{Browser, PASSWORD, Response, TestServer};

use crate::{administrator, link, location, path};

/// The values of the path parameters.
async fn path_parameters(server: &TestServer) -> BTreeMap<&'static str, String> {
    let browser = &mut administrator(server).await;
    let last = |path: &str| path.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let user = link(&browser.get(&path("/users")).await, "plain@example.com");
    let group = location(&browser.post(&path("/groups"), &[("description", "Matrix")]).await);
    let app = browser.get(&path("/applications")).await;
    let app = app.body.split("/applications/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let client = server.application("Basic Administrator", &["userandgroupmanagement"]).await.client_id;
    let import = browser.upload(&path("/import"), "users.csv", b"email\nmatrix@example.com\n").await;
    // The journal starts with the first request.
    server.control();
    server.administrator().create("").await;
    BTreeMap::from([
        ("entry", "1".to_owned()),
        ("account", testkit::ACCOUNT.to_owned()),
        ("user", last(&user)),
        ("group", last(&group)),
        ("app", app),
        ("client", client),
        ("job", last(&location(&import))),
    ])
}

fn fill(page: &Page, parameters: &BTreeMap<&str, String>) -> String {
    let mut filled = page.path.to_owned();
    for (name, value) in parameters {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    assert!(!filled.contains('{'), "{}: say in `path_parameters` what its names stand for", page.path);
    filled
}

async fn request_page(browser: &mut Browser<'_>, page: &Page, path: &str) -> Response {
    match page.method {
        Method::Get => browser.get(path).await,
        // An empty form changes nothing, except that it issues a token.
        Method::Post => browser.post(path, &[]).await,
    }
}

fn pages() -> impl Iterator<Item = &'static Page> {
    PAGES.iter().copied().flatten()
}

#[tokio::test]
async fn every_page_needs_a_session_of_its_account() {
    let server = TestServer::start().await;
    let mut administrator = administrator(&server).await;
    let parameters = path_parameters(&server).await;
    let mut other = server.signed_in("admin@other.example", PASSWORD).await;
    for page in pages() {
        let filled = fill(page, &parameters);
        let stranger = match page.method {
            Method::Get => server.browser().get(&filled).await,
            Method::Post => server.browser().send(&filled, &[]).await,
        };
        if page.takes_file || matches!(page.method, Method::Get) {
            assert!(location(&stranger).starts_with("/console/sign-in?next="), "{}", page.path);
        } else {
            assert_eq!(stranger.status, 401, "{}: {stranger}", page.path);
            assert!(stranger.body.contains("sign in to send the form again"), "{}: {stranger}", page.path);
        }
        let refused = request_page(&mut other, page, &filled).await;
        assert_eq!(refused.status, 403, "{}: {refused}", page.path);
        assert!(!refused.body.contains("example.com"), "{}: {refused}", page.path);
        let shown = request_page(&mut administrator, page, &filled).await;
        match page.method {
            Method::Get => assert_eq!(shown.status, 200, "{}: {shown}", page.path),
            Method::Post => assert!(matches!(shown.status, 200 | 303 | 404 | 422), "{}: {shown}", page.path),
        }
    }
}

#[tokio::test]
async fn every_page_requires_its_permission() {
    let server = TestServer::start().await;
    let parameters = path_parameters(&server).await;
    let mut all: Vec<String> =
        pages().filter_map(|page| page.permission.as_ref()).map(ToString::to_string).collect();
    all.sort();
    all.dedup();
    for lacking in &all {
        let others: Vec<_> = all.iter().filter(|one| *one != lacking).cloned().collect();
        let role = format!("Without {lacking}");
        server.admin().add_role(testkit::ACCOUNT, &role, &others).await.unwrap();
        server.promote("reader@example.com", &role).await;
        let mut browser = server.signed_in("reader@example.com", PASSWORD).await;
        for page in pages() {
            let needs = page.permission.as_ref().map(ToString::to_string);
            let answer = request_page(&mut browser, page, &fill(page, &parameters)).await;
            if needs.as_ref() == Some(lacking) {
                assert_eq!(answer.status, 403, "{} without {lacking}", page.path);
                assert!(answer.body.contains("needs the permission"), "{answer}");
            } else {
                assert_ne!(answer.status, 403, "{} with {needs:?}: {answer}", page.path);
            }
        }
    }
}

#[tokio::test]
async fn objects_of_another_account_are_not_found() {
    let server = TestServer::start().await;
    let parameters = path_parameters(&server).await;
    let mut other = server.signed_in("admin@other.example", PASSWORD).await;
    let own: BTreeMap<_, _> = parameters
        .iter()
        .map(|(name, value)| {
            (*name, if *name == "account" { testkit::OTHER_ACCOUNT.to_owned() } else { value.clone() })
        })
        .collect();
    for page in pages().filter(|page| page.path.matches('{').count() > 1) {
        let answer = request_page(&mut other, page, &fill(page, &own)).await;
        assert_eq!(answer.status, 404, "{}: {answer}", page.path);
    }
}

#[tokio::test]
async fn a_partner_administers_child_accounts() {
    let server = TestServer::start().await;
    let mut partner = server.signed_in("partner@example.com", PASSWORD).await;
    let lower = format!("/console/{}/users", testkit::LOWER_ACCOUNT);
    assert_eq!(partner.get(&lower).await.status, 200);
    let form = [("address", "ann@lower.example"), ("how", "none")];
    assert_eq!(partner.post(&format!("{lower}/new"), &form).await.status, 200);
    assert!(server.admin().user("ann@lower.example").await.is_ok());
    assert_eq!(partner.get(&format!("/console/{}/users", testkit::OTHER_ACCOUNT)).await.status, 403);
}
