//! The overview: figures, charts and health of integrations.

use jiff::SignedDuration;
use secrecy::SecretString;
use testkit::{Browser, PASSWORD, TestServer};

use crate::{administrator, path, user};

const CREATE: &str = "/api/user/create-user";

/// The table row that contains this text.
fn row<'p>(page: &'p str, name: &str) -> &'p str {
    let row = page.split("<tr>").find(|row| row.contains(name) && row.contains("</tr>"));
    row.unwrap_or_else(|| panic!("no row {name} in {page}"))
}

async fn overview(browser: &mut Browser<'_>, query: &str) -> String {
    let page = browser.get(&path(query)).await;
    assert_eq!(page.status, 200, "{page}");
    page.body
}

#[tokio::test]
async fn an_account_without_calls_shows_the_first_steps() {
    let server = TestServer::start().await;
    let page = overview(&mut administrator(&server).await, "").await;
    let url = format!("http://{}", server.address());
    for told in
        [&url, "CTEST00001", "<span class=\"mono\">example.com</span>", "done</span>", "shows one to paste"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(page.contains(">idle</span>") && !page.contains("<svg"), "{page}");

    // A new account.
    let (admin, password) = (server.admin(), SecretString::from(PASSWORD));
    admin.add_account("CTEST00009", "New", None).await.unwrap();
    admin.add_domain("CTEST00009", "new.example").await.unwrap();
    let credentials = Some((&password, &server.hasher()));
    let address = "admin@new.example";
    admin.add_administrator("CTEST00009", address, "New", "Super Administrator", credentials).await.unwrap();
    let page = server.signed_in(address, PASSWORD).await.get("/console/CTEST00009").await.body;
    for told in ["Register an application", "the program, ", "<span class=\"mono\">admin@new.example</span>"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("done</span>") && page.contains("/console/CTEST00009/applications"), "{page}");
}

#[tokio::test]
async fn requests_are_counted_drawn_and_judged() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let mut browser = administrator(&server).await;
    // Requests without a valid signature are counted as an application's after the page was opened.
    overview(&mut browser, "").await;
    for name in ["ann", "bob", "cid"] {
        caller.create(user(&format!("{name}@example.com"))).await;
    }
    caller.create(user("ann@elsewhere.example")).await;
    caller.create("no body").await;
    caller.send(CREATE, &caller.signed("/api/another"), user("dan@example.com")).await;

    let page = overview(&mut browser, "").await;
    assert!(page.contains("6 in all") && page.contains("2 refused: 33 %"), "{page}");
    assert!(page.contains("1 item was refused"), "{page}");
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 4);
    let label =
        "aria-label=\"Requests in the last hour, each minute: 6 in all, 2 refused, at most 6 in one minute\"";
    assert!(page.contains("role=\"img\"") && page.contains(label), "{page}");
    let refused = row(&page, "err_xdk_invalid_signature");
    assert!(
        refused.contains("Access key, secret key, application key or the signed text is wrong."),
        "{refused}"
    );
    for code in ["err_deserialise", "err_xdk_operation_forbidden_for_address"] {
        assert!(row(&page, code).contains("data-label=\"Times\">1<"), "{page}");
    }
    let judged = row(&page, &format!("/applications/{}", caller.keys().app_id));
    assert!(
        judged.contains("needs attention") && judged.contains(">6<") && judged.contains("33 %"),
        "{judged}"
    );
    assert!(page.contains("2,048 may wait"), "{page}");

    // The other span, and a single application.
    let page = overview(&mut browser, "?span=day").await;
    assert!(page.contains("6 in all") && page.contains("each quarter of an hour"), "{page}");
    let page = overview(&mut browser, &format!("?application={}", caller.keys().app_id)).await;
    assert!(page.contains("6 in all") && page.contains("\" selected>"), "{page}");

    // Older requests are only in the longer span.
    server.clock().advance(SignedDuration::from_hours(2));
    let mut browser = administrator(&server).await;
    let page = overview(&mut browser, "").await;
    assert!(page.contains("0 in all") && page.contains(">idle</span>") && page.contains("<svg"), "{page}");
    assert!(overview(&mut browser, "?span=day").await.contains("6 in all"));
    for _ in 0..30 {
        caller.call("/api/account/get-account", serde_json::json!([])).await;
    }
    assert!(overview(&mut browser, "").await.contains(">healthy</span>"));
    // Other accounts see none of these requests.
    let mut other = server.signed_in("admin@other.example", PASSWORD).await;
    let page = other.get("/console/CTEST00002?span=day").await;
    assert!(!page.body.contains("in all") && page.body.contains("The first call"), "{page}");
}

#[tokio::test]
async fn keys_that_end_soon_need_attention() {
    let server = TestServer::start().await;
    let (admin, keys) = (server.admin(), server.administrator().keys().clone());
    let ends = server.clock().now() + SignedDuration::from_hours(24 * 13);
    admin.add_binding("admin@example.com", &keys.app_id, Some(ends)).await.unwrap();
    let page = overview(&mut administrator(&server).await, "").await;
    let judged = row(&page, &format!("/applications/{}", keys.app_id));
    assert!(judged.contains("needs attention") && judged.contains("1 within 14 days"), "{judged}");
}

#[tokio::test]
async fn applications_are_hidden_without_the_permission() {
    let server = TestServer::start().await;
    server.administrator().create(user("ann@example.com")).await;
    server.admin().add_role(testkit::ACCOUNT, "Logs", &["Account | Logs | Read".to_owned()]).await.unwrap();
    server.promote("reader@example.com", "Logs").await;
    let page = overview(&mut server.signed_in("reader@example.com", PASSWORD).await, "").await;
    for hidden in ["Applications", "in all", "The first call", " users</a>"] {
        assert!(!page.contains(hidden), "{hidden}: {page}");
    }
}
