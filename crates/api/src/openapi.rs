//! The OpenAPI document, generated from the tables of endpoints and codes (spec/protocol.md 1, 2, 8).

mod codes;
mod schemas;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::header;
use wire::item::{FieldSpec, object};

use crate::endpoint::{Endpoint, ID, Method, Takes};
use crate::endpoints;
use crate::style::Style;
use schemas::reference;

/// The document, in OpenAPI 3.1.
pub fn document() -> Value {
    let (mut paths, mut shared) = (Map::new(), Map::new());
    for endpoint in endpoints::all() {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.as_str().to_ascii_lowercase()] = operation(endpoint, &mut shared);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Matricula",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A self-hosted internal directory whose provisioning API is compatible with the Mimecast API 1.0 and the known parts of 2.0. `[ours]` marks behaviour that this project decided because no public source documents it. \
                Independent of Mimecast and not affiliated with it.",
        },
        "paths": paths,
        "components": schemas::components(shared),
    })
}

fn operation(endpoint: &Endpoint, shared: &mut Map<String, Value>) -> Value {
    let codes = codes::possible_codes(endpoint);
    let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let mut description = match &endpoint.permission {
        Some(permission) => format!("Needs the permission *{permission}*."),
        None => "Needs no permission.".to_owned(),
    };
    let products: Vec<_> = endpoint.products.iter().map(|product| product.as_str()).collect();
    match *products {
        [] => {}
        [product] => description
            .push_str(&format!(" An application of API 2.0 must be registered for the product `{product}`.")),
        _ => description.push_str(&format!(
            " An application of API 2.0 must be registered for one of the products `{}`.",
            products.join("`, `")
        )),
    }
    if endpoint.is_stub() {
        description.push_str(" A stub by design: `data` is always empty, and nothing changes. `[ours]`");
    }
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "tags": [tag(endpoint)],
        "summary": endpoint.summary,
        "description": description,
        "x-codes": names,
        "security": security(endpoint),
        "parameters": parameters(endpoint),
        "responses": responses(endpoint, &codes, shared),
    });
    if let Some(permission) = &endpoint.permission {
        operation["x-permission"] = permission.to_string().into();
    }
    if !products.is_empty() {
        operation["x-products"] = products.into();
    }
    if endpoint.is_stub() {
        operation["x-stub"] = true.into();
    }
    if let Some(body) = request_body(endpoint) {
        operation["requestBody"] = body;
    }
    operation
}

/// Such as `createUser`. In the style of API 2.0 such as `postUserCloudGatewayV1Users`, because the last segment is not
/// a function.
fn operation_id(endpoint: &Endpoint) -> String {
    let text = match endpoint.style() {
        Style::Envelope => endpoint.path.rsplit('/').next().unwrap_or_default().to_owned(),
        Style::Rest | Style::Scim | Style::OAuth => {
            format!("{}{}", endpoint.method.as_str().to_ascii_lowercase(), endpoint.path)
        }
    };
    let mut id = String::new();
    for (index, word) in text.split(['/', '-', '{', '}']).enumerate() {
        let (first, rest) = word.split_at(word.len().min(1));
        id.push_str(&if index == 0 { first.to_owned() } else { first.to_ascii_uppercase() });
        id.push_str(rest);
    }
    id
}

/// The functional area: the second segment of a path below `/api`, else the first (spec/protocol.md 1.1).
fn tag(endpoint: &Endpoint) -> &'static str {
    let mut segments = endpoint.path.split('/').filter(|segment| !segment.is_empty() && *segment != "api");
    segments.next().unwrap_or_default()
}

fn security(endpoint: &Endpoint) -> Value {
    let signature = json!({ "accessKeyAndSignature": [], "date": [], "requestId": [], "applicationId": [] });
    match endpoint.style() {
        Style::OAuth => json!([{ "client": [] }, {}]),
        _ if !endpoint.is_signed() && codes::takes_password(endpoint) => json!([{ "password": [] }]),
        _ if !endpoint.is_signed() => json!([]),
        // Applications of API 2.0 cannot call it.
        Style::Envelope if endpoint.products.is_empty() => json!([signature]),
        Style::Envelope | Style::Rest | Style::Scim => json!([{ "token": [] }, signature]),
    }
}

fn parameters(endpoint: &Endpoint) -> Value {
    let mut parameters = Vec::new();
    if !endpoint.is_signed() && endpoint.style() == Style::Envelope {
        parameters.push(json!({
            "name": header::APP_ID, "in": "header", "required": true,
            "description": "The application id of the caller.",
            "schema": { "type": "string" },
        }));
    }
    if endpoint.is_signed() && endpoint.writes {
        parameters.push(json!({
            "name": header::REQUEST_ID, "in": "header", "required": false,
            "description": "A GUID. The same request with the same GUID is carried out only once. Mandatory for signed calls.",
            "schema": { "type": "string", "format": "uuid" },
        }));
    }
    if endpoint.path.contains(ID) {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true,
            "description": "The secure id.", "schema": { "type": "string" },
        }));
    }
    if let Takes::File(fields) = endpoint.takes {
        let items = json!({ "type": "array", "items": object(fields), "maxItems": 1 });
        parameters.push(json!({
            "name": header::ARGUMENT, "in": "header", "required": false,
            "description": "The arguments.",
            "content": { JSON: { "schema": envelope("Meta", items, false) } },
        }));
    }
    if let Takes::Query(fields) = endpoint.takes {
        parameters.extend(fields.iter().map(|field| {
            json!({
                "name": field.name, "in": "query", "required": field.required,
                "description": field.doc.trim(), "schema": (field.schema)(),
            })
        }));
    }
    parameters.into()
}

fn request_body(endpoint: &Endpoint) -> Option<Value> {
    let items =
        |fields: &[FieldSpec], max| json!({ "type": "array", "items": object(fields), "maxItems": max });
    let (required, media, schema) = match endpoint.takes {
        Takes::Items(fields) => (true, JSON, envelope("Meta", items(fields, MAX_ITEMS), true)),
        Takes::One(fields) => (false, JSON, envelope("Meta", items(fields, 1), false)),
        Takes::Page(fields) => (false, JSON, envelope("MetaOfPage", items(fields, 1), false)),
        Takes::Object(fields) => (true, JSON, object(fields)),
        Takes::Form(fields) => (true, "application/x-www-form-urlencoded", object(fields)),
        Takes::File(_) => (true, "text/csv", json!({ "type": "string" })),
        Takes::Other => (false, JSON, json!({ "type": "object" })),
        Takes::Query(_) => return None,
    };
    Some(json!({ "required": required, "content": { media: { "schema": schema } } }))
}

const JSON: &str = "application/json";

fn envelope(meta: &str, data: Value, required: bool) -> Value {
    let mut schema = json!({ "type": "object", "properties": { "meta": reference(meta), "data": data } });
    if required {
        schema["required"] = json!(["data"]);
    }
    schema
}

/// The body of each status: of success, and of every code that can refuse the call.
fn responses(endpoint: &Endpoint, codes: &[Code], shared: &mut Map<String, Value>) -> Value {
    let mut by_status: BTreeMap<u16, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for code in codes {
        let (status, schema) = codes::answer(endpoint, *code);
        let (named, schemas) = by_status.entry(status).or_default();
        named.push(code.as_str());
        if !schemas.contains(&schema) {
            schemas.push(schema);
        }
    }
    // A response to something that was created names its id.
    let creates = endpoint.method == Method::Post && endpoint.row.iter().any(|field| field.name == "id");
    let ran = if endpoint.style() == Style::Rest && creates { 201 } else { 200 };
    let refused = by_status.remove(&ran).map(|(named, _)| named).unwrap_or_default();
    let description = match refused.len() {
        0 => "Success.".to_owned(),
        _ => format!("Success; refused items are in `fail`: {}.", list(&refused)),
    };
    let mut body = match endpoint.style() {
        Style::Envelope => schemas::success_envelope(endpoint.row, matches!(endpoint.takes, Takes::Page(_))),
        Style::Rest | Style::Scim | Style::OAuth => object(endpoint.row),
    };
    if endpoint.is_stub() {
        body["properties"]["data"]["maxItems"] = 0.into();
    }
    let mut responses = Map::new();
    responses.insert(ran.to_string(), schemas::response(ran, description, body));
    for (status, (named, schemas)) in by_status {
        let schema = match &schemas[..] {
            [one] => reference(one),
            all => json!({ "anyOf": all.iter().map(|name| reference(name)).collect::<Vec<_>>() }),
        };
        let response = schemas::response(status, format!("Refused: {}.", list(&named)), schema);
        let name = shared_response(shared, &format!("{:?}{status}", endpoint.style()), response);
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    responses.into()
}

/// Stores a response that many endpoints share, and returns its name.
fn shared_response(shared: &mut Map<String, Value>, name: &str, response: Value) -> String {
    for suffix in std::iter::once(String::new()).chain((2..).map(|number| format!("_{number}"))) {
        let name = format!("{name}{suffix}");
        if shared.entry(name.as_str()).or_insert_with(|| response.clone()) == &response {
            return name;
        }
    }
    name.to_owned()
}

fn list(codes: &[&str]) -> String {
    codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ")
}
