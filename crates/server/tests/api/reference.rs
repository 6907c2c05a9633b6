//! The reference in docs/API.md: made of the table of endpoints and of calls that were really made, and compared with what
//! is checked in.

use std::path::Path;

use serde_json::Value;
use server::{Endpoint, Style, Takes};
use testkit::TestServer;
use wire::item::FieldSpec;

use crate::matrix;

const MARK: &str =
    "<!-- What follows is made by a test: MATRICULA_UPDATE=1 cargo test -p matricula-server reference -->\n";

/// The fields of an item or a row, one a line.
fn fields(out: &mut String, fields: &[FieldSpec], required: &str) {
    for field in fields {
        let schema = (field.schema)();
        let kind = match (schema["type"].as_str(), schema["items"]["type"].as_str()) {
            (Some("array"), Some("object")) => "objects".to_owned(),
            (Some("array"), Some(of)) => format!("{of}s"),
            (kind, _) => kind.unwrap_or_default().to_owned(),
        };
        let needed = if field.required { required } else { "" };
        out.push_str(&format!(
            "| `{}` | {kind}{needed} | {} |\n",
            field.name,
            field.doc.trim().replace('|', "\\|")
        ));
        // What stands in a list or an object is told where it stands.
        let inner = if kind == "objects" { &schema["items"] } else { &schema };
        for (name, of) in inner["properties"].as_object().into_iter().flatten() {
            let doc = of["description"].as_str().unwrap_or_default();
            let kind = of["type"].as_str().unwrap_or_default();
            out.push_str(&format!("| `{}.{name}` | {kind} | {doc} |\n", field.name));
        }
    }
}

/// Keys, ids, tokens and hashes differ from run to run, and are not what an example is about.
fn redacted(value: &mut Value) {
    match value {
        Value::String(text) => {
            let opaque = |c: char| c.is_ascii_alphanumeric() || "-_+/=.".contains(c);
            if text.len() >= 40 && text.chars().all(opaque) {
                *text = "…".to_owned();
            } else if text.starts_with("http://127.0.0.1:") {
                *text = "http://127.0.0.1:8080".to_owned();
            }
        }
        Value::Array(values) => {
            values.iter_mut().for_each(redacted);
            if values.len() > 3 {
                values.truncate(2);
                values.push(Value::from("…"));
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(redacted),
        _ => {}
    }
}

fn shown(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            redacted(&mut value);
            value.to_string()
        }
        Err(_) => text.to_owned(),
    }
}

fn section(endpoint: &Endpoint, request: &str, answer: &str) -> String {
    let method = endpoint.method.as_str();
    let mut out = format!("\n### `{method} {}`\n\n{}\n\n", endpoint.path, endpoint.summary);
    let permission =
        endpoint.permission.as_ref().map_or("none".to_owned(), |permission| format!("*{permission}*"));
    let products: Vec<_> = endpoint.products.iter().map(|product| product.as_str()).collect();
    let product = match (&*products, endpoint.style()) {
        ([], Style::Envelope) => "not for applications of API 2.0".to_owned(),
        ([], Style::Rest | Style::Scim | Style::OAuth) => "for every application".to_owned(),
        ([product], _) => format!("product `{product}`"),
        (products, _) => format!("one of the products `{}`", products.join("`, `")),
    };
    let signed = if endpoint.is_signed() { "" } else { "Unsigned. " };
    out.push_str(&format!("{signed}Permission: {permission}; {product}.\n\n"));
    if endpoint.is_stub() {
        out.push_str("A stub by design: `data` is always empty, and nothing changes. `[ours]`\n\n");
    }
    let place = if matches!(endpoint.takes, Takes::Query(_)) { "query" } else { "item" };
    let (takes, note) = match endpoint.takes {
        Takes::Items(fields) => (fields, ""),
        Takes::One(fields) => (fields, "At most one item.\n\n"),
        Takes::Page(fields) => (fields, "At most one item; paged.\n\n"),
        Takes::Object(fields) => (fields, "The body is the object itself.\n\n"),
        Takes::Query(fields) => (fields, ""),
        Takes::Form(fields) => (fields, "The body is a form.\n\n"),
        Takes::File(fields) => {
            (fields, "The body is the file; the header `x-mc-arg` has at most one item.\n\n")
        }
        Takes::Other => (&[][..], ""),
    };
    out.push_str(note);
    if !takes.is_empty() {
        out.push_str(&format!("| {place} | | |\n|---|---|---|\n"));
        fields(&mut out, takes, ", required");
        out.push('\n');
    }
    if !endpoint.row.is_empty() {
        out.push_str("| row | | |\n|---|---|---|\n");
        fields(&mut out, endpoint.row, "");
        out.push('\n');
    }
    if !endpoint.codes.is_empty() {
        let codes: Vec<_> = endpoint.codes.iter().map(|code| format!("`{code}`")).collect();
        out.push_str(&format!("Codes of an item: {}.\n\n", codes.join(", ")));
    }
    let request = if request.is_empty() { String::new() } else { format!("{}\n", shown(request)) };
    out.push_str(&format!("```\n{request}→ {}\n```\n", shown(answer)));
    out
}

#[tokio::test]
async fn the_reference_is_what_the_server_does() {
    let mut reference = String::new();
    for endpoint in server::endpoints() {
        let server = TestServer::start().await;
        let (request, answer) = matrix::good(&server, endpoint).await;
        reference.push_str(&section(endpoint, &request, &answer.body));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/API.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (ours, made) = text.split_once(MARK).expect("docs/API.md has the mark");
    #[expect(
        clippy::disallowed_methods,
        reason = "the caller of the test decides whether the file is written"
    )]
    if std::env::var("MATRICULA_UPDATE").is_ok() {
        std::fs::write(&path, format!("{ours}{MARK}{reference}")).unwrap();
    } else {
        assert!(
            made == reference,
            "docs/API.md is not what the server does: run with MATRICULA_UPDATE=1 and look at it"
        );
    }
}
