//! Node.js: got over HTTP/2, and axios.

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::compatibility::{self, Row};
use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::tools;

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
    let described = sandbox.folder().join("node_modules").join(package).join("package.json");
    let described: Value = serde_json::from_slice(&std::fs::read(described).unwrap()).unwrap();
    let version = described["version"].as_str().unwrap();
    let node = tools::version("node", &["--version"]);
    compatibility::record_run(row, &format!("Node.js {node}, {package} {version}"));
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
