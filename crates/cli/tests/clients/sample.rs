//! The calls of every client that works like the documented samples.

use serde_json::{Value, json};

use crate::program::{Client, Ran};
use crate::relay::Sent;
use crate::sandbox::Sandbox;

/// The headers that the samples set themselves.
pub(crate) const SET: [&str; 6] =
    ["Authorization", "x-mc-app-id", "x-mc-date", "x-mc-req-id", "Content-Type", "Accept"];

/// Creates a user, creates it again, and returns the request of the client. The second response contains the item as it
/// was read, without its password, and so the name.
pub(crate) fn creates_once(client: &Client, sandbox: &Sandbox, address: &str, name: &str) -> Sent {
    let first = client.create(sandbox, address, name, &[]);
    assert!(first.is_good(), "{first}");
    is_created(&first.answer(), address);

    let second = client.create(sandbox, address, name, &[]);
    assert!(second.is_good(), "{second}");
    let key = json!({
        "emailAddress": address,
        "accountCode": sandbox.key("account_code"),
        "forcePasswordChange": false,
        "name": name,
    });
    is_duplicate(&second.answer(), &key);
    first.sent
}

/// Calls with another secret: the call is refused, and the client fails.
pub(crate) fn is_refused(client: &Client, sandbox: &Sandbox) -> Ran {
    let wrong = ("secret_key", "bm90IHRoZSBzZWNyZXQ=");
    let refused = client.create(sandbox, "eve@example.com", "Eve", &[wrong]);
    assert!(!refused.is_good(), "{refused}");
    refused
}

pub(crate) fn is_created(answer: &Value, address: &str) {
    assert!(answer["data"][0]["id"].as_str().is_some_and(|id| !id.is_empty()), "{answer}");
    let row = json!({ "emailAddress": address, "id": answer["data"][0]["id"] });
    assert_eq!(*answer, json!({ "meta": { "status": 200 }, "data": [row], "fail": [] }));
}

pub(crate) fn is_duplicate(answer: &Value, key: &Value) {
    let fail = &answer["fail"][0];
    assert_eq!(fail["errors"][0]["code"], "err_user_already_exists", "{answer}");
    assert_eq!(fail["key"], *key, "{answer}");
    let counts =
        [&answer["data"], &answer["fail"], &fail["errors"]].map(|list| list.as_array().map(Vec::len));
    assert_eq!(
        (counts, &answer["meta"]),
        ([Some(0), Some(1), Some(1)], &json!({ "status": 200 })),
        "{answer}"
    );
}

pub(crate) fn is_bad_signature(answer: &Value) {
    assert_eq!(answer["fail"][0]["errors"][0]["code"], "err_xdk_invalid_signature", "{answer}");
    assert_eq!((&answer["meta"], &answer["data"]), (&json!({ "status": 401 }), &json!([])), "{answer}");
}
