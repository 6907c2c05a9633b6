//! Rust: reqwest with reqwest-retry, which without further settings repeats a POST after a 503 and after a lost response.

use std::sync::Arc;
use std::time::Duration;

use client::{Keys, Signer, random_request_id};
use futures_util::future::BoxFuture;
use http::{Extensions, HeaderValue};
use reqwest::{Client, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Next, Result};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use serde_json::{Value, json};
use wire::create_user::PATH;

use crate::compatibility;
use crate::sandbox::Sandbox;
use crate::tools;

/// Where the client signs: above its retries, or below them.
#[derive(Clone, Copy)]
enum Signs {
    Once,
    EachTry,
}

fn client(signs: Signs, keys: &Keys) -> ClientWithMiddleware {
    let signer = Arc::new(Signer::new(keys).unwrap());
    let signing = as_middleware(move |mut request, extensions, next| {
        sign(&signer, &mut request);
        Box::pin(next.run(request, extensions))
    });
    // What is repeated is its default; the waits are shorter.
    let waits =
        ExponentialBackoff::builder().retry_bounds(Duration::from_millis(1), Duration::from_millis(10));
    let retries = RetryTransientMiddleware::new_with_policy(waits.build_with_max_retries(3));
    let builder = ClientBuilder::new(Client::builder().no_proxy().build().unwrap());
    match signs {
        Signs::Once => builder.with(signing).with(retries).build(),
        Signs::EachTry => builder.with(retries).with(signing).build(),
    }
}

/// Tells the compiler that the closure is for every lifetime.
fn as_middleware<F>(sign: F) -> F
where
    F: for<'a> Fn(Request, &'a mut Extensions, Next<'a>) -> BoxFuture<'a, Result<Response>>,
{
    sign
}

fn sign(signer: &Signer, request: &mut Request) {
    let signed = signer.sign(PATH, server::System::real().clock.now(), &random_request_id());
    for (name, value) in signed.iter() {
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
}

/// Creates a user while the server has this fault.
async fn create(signs: Signs, sandbox: &Sandbox, address: &str, fault: Value) -> Value {
    let plain = Client::builder().no_proxy().build().unwrap();
    let faults = format!("{}/sandbox/faults", sandbox.key("base_url"));
    let injected = plain.post(faults).body(fault.to_string()).send().await.unwrap();
    assert!(injected.status().is_success());
    let keys = serde_json::from_slice(&std::fs::read(sandbox.keys_with(&[])).unwrap()).unwrap();
    let body = json!({"data": [{"emailAddress": address}]}).to_string();
    let url = format!("{}{PATH}", sandbox.key("base_url"));
    let answer = client(signs, &keys).post(url).body(body).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_call_that_reqwest_repeats_by_itself_creates_one_user() {
    let sandbox = Sandbox::start_with(&["--control"]);
    let busy = || json!({"kind": "refuse", "status": 503, "times": 2});
    let lost = || json!({"kind": "drop_answer", "times": 1});
    for (signs, name) in [(Signs::Once, "once"), (Signs::EachTry, "each")] {
        // Nothing was done before the 503, so the repeated call creates the user whatever its request id.
        let address = format!("{name}-busy@example.com");
        let created = create(signs, &sandbox, &address, busy()).await;
        assert_eq!(created["data"][0]["emailAddress"], address.as_str(), "{created}");
    }
    // The user was created before the response was lost: the same request gets the same response, another one the truth.
    let created = create(Signs::Once, &sandbox, "once-lost@example.com", lost()).await;
    assert_eq!(created["data"][0]["emailAddress"], "once-lost@example.com", "{created}");
    let duplicate = create(Signs::EachTry, &sandbox, "each-lost@example.com", lost()).await;
    assert_eq!(duplicate["fail"][0]["errors"][0]["code"], "err_user_already_exists", "{duplicate}");
    compatibility::record_run(&compatibility::REQWEST_RETRY, &tools::locked(&["reqwest", "reqwest-retry"]));
}
