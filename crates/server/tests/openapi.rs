//! The OpenAPI document: what is served, what is checked in, and what it says.

use std::path::Path;

use matricula_server::{OPENAPI, endpoints, openapi};
use serde_json::Value;
use testkit::TestServer;

/// The places that a document points to.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn what_is_checked_in_is_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let document = serde_json::to_string_pretty(&openapi::document()).unwrap() + "\n";
    #[expect(
        clippy::disallowed_methods,
        reason = "the caller of the test decides whether the file is written"
    )]
    if std::env::var("MATRICULA_UPDATE").is_ok() {
        std::fs::write(&path, document).unwrap();
    } else {
        assert!(
            std::fs::read_to_string(&path).is_ok_and(|text| text == document),
            "docs/openapi.json is not what the tables of endpoints and codes say: run with MATRICULA_UPDATE=1 and look at it"
        );
    }
}

#[test]
fn every_endpoint_is_described_and_nothing_points_nowhere() {
    let document = openapi::document();
    let mut ids = std::collections::BTreeSet::new();
    for endpoint in endpoints() {
        let operation = &document["paths"][endpoint.path][endpoint.method.as_str().to_ascii_lowercase()];
        assert!(operation["responses"].is_object(), "{}", endpoint.path);
        let permission = endpoint.permission.as_ref().map(ToString::to_string);
        assert_eq!(operation["x-permission"].as_str(), permission.as_deref(), "{}", endpoint.path);
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{}", endpoint.path);
        let codes = operation["x-codes"].as_array().unwrap();
        for code in endpoint.codes {
            assert!(codes.iter().any(|named| named == code.as_str()), "{}: {code}", endpoint.path);
        }
    }
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for place in found {
        assert!(document.pointer(place.strip_prefix('#').unwrap()).is_some(), "{place} does not exist");
    }
}

#[tokio::test]
async fn it_is_served_to_everybody_and_counted() {
    let server = TestServer::start_with(|config| config.quota.calls = 1).await;
    for _ in 0..7 {
        let answer = server.get(OPENAPI).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.json(), openapi::document());
    }
    assert_eq!(server.get(OPENAPI).await.status, 429);
}
