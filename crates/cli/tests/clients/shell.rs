//! curl, signed by openssl: the documented template, filled in.

use crate::program::{Client, command};
use crate::sandbox::Sandbox;
use crate::{compatibility, sample, tools};

#[test]
fn curl_sends_the_template() {
    if !tools::has_tools("the curl client", &["bash", "curl", "openssl"]) {
        return;
    }
    let client = Client::new(["bash".as_ref(), tools::file("create_user.sh").as_os_str()]);
    let sandbox = Sandbox::start();

    let sent = sample::creates_once(&client, &sandbox, "ann@example.com", "Ann Lee");
    assert!(sent.body().contains("\"forcePasswordChange\": False,\n"), "{sent}");
    assert!(sent.date().ends_with(" UTC"), "{sent}");
    let request_id = sent.header("x-mc-req-id").unwrap();
    assert!(!request_id.iter().any(u8::is_ascii_lowercase), "{sent}");

    let refused = sample::is_refused(&client, &sandbox);
    sample::is_bad_signature(&refused.answer());
    compatibility::record_run(&compatibility::CURL, &tools::version("curl", &["--version"]));
}

#[test]
fn curl_speaks_http_2() {
    let what = "the curl client over HTTP/2";
    if !tools::has_tools(what, &["bash", "curl", "openssl"]) {
        return;
    }
    let features = command("curl").arg("--version").output().unwrap();
    if !String::from_utf8_lossy(&features.stdout).contains(" HTTP2 ") {
        return testkit::left_out(what, "a curl with HTTP/2");
    }
    let sandbox = Sandbox::start_tls();
    // The same program; curl reads the difference from its configuration file.
    let settings = format!(
        "http2\ncacert = \"{}\"\nwrite-out = \"%{{stderr}}HTTP/%{{http_version}}\"\n",
        sandbox.key("ca_file")
    );
    std::fs::write(sandbox.folder().join(".curlrc"), settings).unwrap();
    let client = Client::new(["bash".as_ref(), tools::file("create_user.sh").as_os_str()]);
    let client = client.with_variables([("CURL_HOME", sandbox.folder().into())]);
    assert_eq!(client.creates_once(&sandbox, "ann@example.com"), "HTTP/2");
    client.trusts_not_everybody(&sandbox, "certificate");
    compatibility::record_run(&compatibility::CURL_HTTP_2, &tools::version("curl", &["--version"]));
}
