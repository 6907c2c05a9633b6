//! The console in a real browser. The stories are in `tests/console/stories`, the checks of every page in
//! `tests/console/visitor.mjs`.
//!
//! Skipped without Node.js, Chromium or their packages, which `scripts/test-tools` installs.

#![expect(clippy::disallowed_methods, reason = "a test finds its tools by the environment")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::client::NewUser;
use testkit::{ACCOUNT, DOMAIN, PASSWORD, TestServer};

/// Users in addition to those of the fixture: enough for several pages, and more for the pictures.
fn users() -> u64 {
    if std::env::var("MATRICULA_UPDATE").is_ok_and(|update| update == "1") { 50_000 } else { 120 }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Whether all tools of the stories are installed.
fn has_tools() -> bool {
    let on_path = |tool: &&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
    };
    let packages = root().join(".test-tools/browser/node_modules/playwright-core");
    let missing = ["node", "chromium", "python3", "curl"].into_iter().find(|tool| !on_path(tool));
    let missing = missing.or((!packages.exists()).then_some("playwright-core"));
    if let Some(tool) = missing {
        testkit::left_out("the console in a browser", tool);
    }
    missing.is_none()
}

/// Users with special names, and many others.
async fn fill(server: &TestServer) {
    let people = ["Ann Lee", "Åsa Öberg", "Seán O'Brien", "Ann-Marie van der Berg"].into_iter().enumerate();
    let people: Vec<NewUser> = people
        .map(|(n, name)| NewUser {
            name: Some(name.to_owned()),
            ..NewUser::new(format!("person{n}@{DOMAIN}"))
        })
        .collect();
    assert_eq!(server.client().create_users(&people).await.unwrap().data.len(), people.len());
    server.admin().seed(Some(ACCOUNT), Some(DOMAIN), users(), &mut |_| {}).await.unwrap();
}

/// Runs the test again on PostgreSQL, if it is installed.
#[test]
fn again_on_postgres() {
    testkit::again_on_postgres("again_on_postgres");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_story_of_the_console_succeeds() {
    if !has_tools() {
        return;
    }
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    fill(&server).await;
    // The journal starts here.
    server.control();
    let users =
        ["administrator admin@example.com", "reader reader@example.com", "partner partner@example.com"];
    let users: Vec<String> = users
        .iter()
        .map(|user| {
            let (who, address) = user.split_once(' ').unwrap();
            format!(r#""{who}":{{"address":"{address}","password":"{PASSWORD}"}}"#)
        })
        .collect();
    let mut stories = Command::new("node");
    stories
        .arg(root().join("tests/console/run.mjs"))
        .env("MATRICULA_CONSOLE_NOW", server.clock().now().to_string())
        .env("MATRICULA_CONSOLE_URL", format!("http://{}", server.address()))
        .env("MATRICULA_CONSOLE_USERS", format!("{{{}}}", users.join(",")));
    let told = tokio::task::spawn_blocking(move || stories.output().unwrap()).await.unwrap();
    let (said, cried) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "{said}{cried}");
}
