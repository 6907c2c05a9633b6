//! Node.js: got over HTTP/2, and axios.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::compatibility::{self, Row};
use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::{retries, tools};

/// The client in a folder with the packages that it imports.
fn node(what: &str, program: &str) -> Option<(Client, Sandbox)> {
    let modules = tools::node_modules(what)?;
    let sandbox = Sandbox::start_tls();
    symlink(modules, sandbox.folder().join("node_modules")).unwrap();
    for file in [program, "signed.mjs"] {
        std::fs::copy(tools::file("node").join(file), sandbox.folder().join(file)).unwrap();
    }
    let client = Client::new(["node".as_ref(), sandbox.folder().join(program).as_os_str()]);
    Some((client.with_variables(sandbox.trusted_by("NODE_EXTRA_CA_CERTS")), sandbox))
}

/// Runs the client, and records the versions.
fn check_client(client: Client, sandbox: &Sandbox, http: &str, package: &str, row: &Row) {
    let said = client.creates_once(sandbox, "åsa@example.com");
    assert_eq!(said, format!("{http}\n"));
    client.trusts_not_everybody(sandbox, "certificate");
    compatibility::record_run(row, &versions(&modules(sandbox), &[package]));
}

/// The versions of Node.js and of these packages in a folder of packages.
pub(crate) fn versions(modules: &Path, packages: &[&str]) -> String {
    let version = |package: &&str| {
        let described = modules.join(package).join("package.json");
        let described: Value = serde_json::from_slice(&std::fs::read(described).unwrap()).unwrap();
        format!(", {package} {}", described["version"].as_str().unwrap())
    };
    let packages: String = packages.iter().map(version).collect();
    format!("Node.js {}{packages}", tools::version("node", &["--version"]))
}

fn modules(sandbox: &Sandbox) -> PathBuf {
    sandbox.folder().join("node_modules")
}

/// What the client prints, as JSON.
fn printed(client: &Client, sandbox: &Sandbox, argument: &str) -> Value {
    let output = client.run(&sandbox.keys_with(&[]), &[argument]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn libraries_that_repeat_calls_wait_for_the_quota() {
    let Some((client, mut sandbox)) = node("axios-retry, got and ky", "retries.mjs") else { return };
    sandbox.serve_instead(retries::ONE_CALL_PER_SECOND);
    let libraries = ["axios-retry", "got", "ky"];
    let created = printed(&client, &sandbox, "repeated");
    for library in libraries {
        let both = [0, 1].map(|number| format!("repeated-{library}{number}@example.com"));
        assert_eq!(created[library], json!(both));
    }
    compatibility::record_run(&compatibility::NODE_RETRIES, &versions(&modules(&sandbox), &libraries));
}

#[test]
fn libraries_of_oauth_get_a_token_however_they_encode_credentials() {
    let Some((client, sandbox)) = node("oauth4webapi and simple-oauth2", "tokens.mjs") else { return };
    let libraries = ["oauth4webapi", "simple-oauth2"];
    let read = printed(&client, &sandbox, "");
    for library in libraries {
        assert_eq!(read[library], json!(["bearer", "CSANDBOX01"]));
    }
    compatibility::record_run(&compatibility::NODE_TOKENS, &versions(&modules(&sandbox), &libraries));
}

#[test]
fn got_speaks_http_2() {
    let Some((client, sandbox)) = node("got", "create_user_got.mjs") else { return };
    check_client(client, &sandbox, "HTTP/2.0", "got", &compatibility::GOT);
}

#[test]
fn axios_works_as_it_comes() {
    let Some((client, sandbox)) = node("axios", "create_user_axios.mjs") else { return };
    check_client(client, &sandbox, "HTTP/1.1", "axios", &compatibility::AXIOS);
}
