//! The console as people meet it: in a real browser, on a real server. The stories stand in `tests/console/stories`; what
//! must hold of every page in `tests/console/visitor.mjs`.
//!
//! Left out, by name, where there is no Node.js, no Chromium or none of their packages: `scripts/test-tools` installs them.

#![expect(clippy::disallowed_methods, reason = "a test finds its tools by the environment")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::client::NewUser;
use testkit::{ACCOUNT, DOMAIN, PASSWORD, TestServer};

/// Users beside those who may sign in: enough for several pages, and for a picture a directory as there are some.
fn users() -> u64 {
    if std::env::var("MATRICULA_UPDATE").is_ok_and(|update| update == "1") { 50_000 } else { 120 }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Whether all that the stories need is on this machine.
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

/// People to be looked for, and a crowd.
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

/// The same on PostgreSQL, where it is installed.
#[test]
fn again_on_postgres() {
    testkit::again_on_postgres("again_on_postgres");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_story_of_the_console_goes_as_told() {
    if !has_tools() {
        return;
    }
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    fill(&server).await;
    // From here on there is a journal.
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
