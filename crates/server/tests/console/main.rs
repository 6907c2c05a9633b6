//! The console over HTTP. `browser.rs` tests the same pages in a real browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate matricula_server as server;

mod applications;
mod authority;
mod clients;
mod columns;
#[path = "../explore/mod.rs"]
mod explore;
mod explorer;
mod guard;
mod import;
mod journal;
mod matrix;
mod overview;
mod sign_in;
mod users;

use testkit::{ACCOUNT, Browser, PASSWORD, Response, TestServer};

/// Runs the tests again on PostgreSQL, if it is installed.
#[test]
fn again_on_postgres() {
    testkit::again_on_postgres("again_on_postgres");
}

const ADMINISTRATOR: &str = "admin@example.com";

async fn administrator(server: &TestServer) -> Browser<'_> {
    server.signed_in(ADMINISTRATOR, PASSWORD).await
}

/// A path of the account.
fn path(below: &str) -> String {
    format!("/console/{ACCOUNT}{below}")
}

fn user(address: &str) -> String {
    format!(r#"{{"data":[{{"emailAddress":"{address}"}}]}}"#)
}

/// The target of the link with this text.
fn link(page: &Response, text: &str) -> String {
    let before = page.body.split(&format!("\">{text}</a>")).next();
    let path = before
        .filter(|before| before.len() < page.body.len())
        .and_then(|before| before.rsplit("href=\"").next());
    path.unwrap_or_else(|| panic!("no link {text} in {}", page.body)).replace("&#38;", "&")
}

/// The text of the `<code>` element with this id.
fn code_text(page: &Response, id: &str) -> String {
    let shown = page.body.split(&format!("<code id=\"{id}\">")).nth(1);
    let shown = shown.unwrap_or_else(|| panic!("no {id} in {}", page.body));
    shown.split('<').next().unwrap_or_default().to_owned()
}

/// The target of a redirect.
fn location(answer: &Response) -> String {
    assert_eq!(answer.status, 303, "{answer}");
    answer.header("location").unwrap_or_default().to_owned()
}
