//! A plain sandbox behind a proxy that ends TLS: clients that ask where to call put `https://` before the host that they
//! are told (spec/clients.md 6), so it must be told the proxy's.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::tls_proxy::TlsProxy;
use crate::{compatibility, course, tools};

/// A sandbox that is told its public URL, and the proxy there.
fn behind_proxy() -> (Sandbox, TlsProxy) {
    let mut proxy = TlsProxy::bind();
    let sandbox = Sandbox::start_with(&["--public-url", &proxy.url()]);
    proxy.forward_to(sandbox.address());
    (sandbox, proxy)
}

#[test]
fn a_script_from_practice_runs_to_its_end_through_a_proxy() {
    let what = "the course of a script through a TLS proxy";
    let Some(python) = tools::python(what, "import requests", "python3 with requests") else { return };
    let version = tools::python_version(&python, &["requests"]);
    let (sandbox, proxy) = behind_proxy();
    assert!(
        sandbox.key("base_url").starts_with("http://127.0.0.1:"),
        "commands on this machine need no proxy"
    );
    let client = Client::new([python, tools::file("course.py")]);
    let client = client.with_variables([("REQUESTS_CA_BUNDLE", proxy.ca_file().into())]);
    let url = proxy.url();
    course::runs_to_its_end(&client, &sandbox.keys_with(&[("base_url", &url)]), &url);
    compatibility::record_run(&compatibility::COURSE_BY_PROXY, &version);
}

/// The response to a request with these headers.
fn asked(sandbox: SocketAddr, request: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(sandbox).unwrap();
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

const DISCOVERY: &str = "POST /api/login/discover-authentication";

#[test]
fn the_configured_name_is_own_and_no_header_changes_it() {
    let public = "https://directory.test:8443";
    let sandbox = Sandbox::start_with(&["--public-url", public]);
    let app = format!("x-mc-app-id: {}\r\n", sandbox.key("app_id"));
    let body = r#"{"data":[{"emailAddress":"administrator@example.com"}]}"#;
    for others in [
        "Host: directory.test:8443\r\n",
        "Host: 127.0.0.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n",
        "Host: evil.example\r\nForwarded: host=evil.example;proto=https\r\n",
    ] {
        let answer = asked(sandbox.address(), DISCOVERY, &format!("{others}{app}"), body);
        assert!(answer.contains(&format!(r#""region":{{"code":"local","api":"{public}"}}"#)), "{answer}");
        assert!(!answer.contains("evil"), "{answer}");
    }
    let page = |headers: &str| asked(sandbox.address(), "GET /console", headers, "");
    let own = page("Host: directory.test:8443\r\nX-Forwarded-Proto: https\r\n");
    assert!(!own.contains("err_") && !own.starts_with("HTTP/1.1 4"), "{own}");
    let foreign = page("Host: evil.example\r\nX-Forwarded-Host: directory.test\r\n");
    assert!(foreign.starts_with("HTTP/1.1 403"), "{foreign}");

    // A sandbox that was told no name trusts none.
    let plain = Sandbox::start();
    let app = plain.key("app_id");
    let headers =
        format!("Host: directory.test\r\nX-Forwarded-Host: directory.test\r\nx-mc-app-id: {app}\r\n");
    let answer = asked(plain.address(), DISCOVERY, &headers, body);
    assert!(answer.contains(&format!(r#""api":"{}""#, plain.key("base_url"))), "{answer}");
}

#[test]
fn a_public_url_that_is_none_is_refused_before_anything_is_created() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for url in ["directory.test", "https://directory.test/", "https://"] {
        let refused = Command::new(env!("CARGO_BIN_EXE_matricula"))
            .args(["sandbox", "--listen", "127.0.0.1:0", "--public-url", url, "--data"])
            .arg(&data)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("https://directory.example.com"), "{said}");
        assert!(!data.exists());
    }
}
