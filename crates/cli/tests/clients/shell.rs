//! curl, signed by openssl: the documented template, filled in.

use crate::program::Client;
use crate::sandbox::Sandbox;
use crate::{sample, tools};

#[test]
fn curl_sends_the_template() {
    if !tools::has("the curl client", &["bash", "curl", "openssl"]) {
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
}
