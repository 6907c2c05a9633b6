//! Parts that all endpoints share: the envelope, security schemes, response headers.

use serde_json::{Map, Value, json};
use wire::body::MAX_PAGE;
use wire::envelope::Pagination;
use wire::item::{FieldSpec, Row, Shown, object};
use wire::{header, oauth, rest};

/// A reference to a shared schema.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn success_envelope(row: &[FieldSpec], paged: bool) -> Value {
    let mut meta = json!({
        "type": "object",
        "properties": { "status": { "type": "integer", "const": 200 } },
        "required": ["status"],
    });
    if paged {
        meta["properties"]["pagination"] = reference("Pagination");
    }
    json!({
        "type": "object",
        "properties": {
            "meta": meta,
            "data": { "type": "array", "items": object(row), "description": "One row for each item that succeeded, in the order of the request." },
            "fail": { "type": "array", "items": reference("Failure"), "description": "One entry for each refused item; or one without `key` if the whole call was refused." },
        },
        "required": ["meta", "data", "fail"],
    })
}

/// A response, with the headers of every response.
pub(super) fn response(status: u16, description: String, schema: Value) -> Value {
    let mut headers = json!({
        header::RATE_LIMIT: { "$ref": "#/components/headers/RateLimit" },
        header::RATE_REMAINING: { "$ref": "#/components/headers/RateRemaining" },
        header::RATE_RESET: { "$ref": "#/components/headers/RateReset" },
    });
    if status == 429 || status == 503 {
        headers[header::RETRY_AFTER] = json!({ "$ref": "#/components/headers/RetryAfter" });
    }
    json!({ "description": description, "headers": headers, "content": { "application/json": { "schema": schema } } })
}

pub(super) fn components(responses: Map<String, Value>) -> Value {
    json!({
        "responses": responses,
        "schemas": schemas(),
        "securitySchemes": security_schemes(),
        "headers": {
            "RateLimit": number("Calls allowed per window."),
            "RateRemaining": number("Calls left in this window."),
            "RateReset": number("Milliseconds until the next window."),
            "RetryAfter": number("Seconds to wait."),
        },
    })
}

fn schemas() -> Value {
    json!({
        "Meta": meta(json!({})),
        "MetaOfPage": meta(json!({ "pagination": {
            "type": ["object", "null"],
            "properties": {
                "pageSize": { "type": "integer", "minimum": 1, "maximum": MAX_PAGE, "description": "Rows per page." },
                "pageToken": { "type": ["string", "null"], "description": "`next` or `previous` of an earlier response." },
            },
        } })),
        "Pagination": Pagination::schema(),
        "Failure": {
            "type": "object",
            "properties": {
                "key": { "type": "object", "description": "The item without its secrets. Absent if the whole call was refused." },
                "errors": { "type": "array", "minItems": 1, "items": reference("Error") },
            },
            "required": ["errors"],
        },
        "Error": {
            "type": "object",
            "properties": {
                "code": { "type": "string", "description": "Machine-readable code." },
                "message": { "type": "string", "description": "Human-readable text." },
                "retryable": { "type": "boolean", "description": "Whether the unchanged request may succeed later." },
                "field": { "type": "string", "description": "The wrong field." },
            },
            "required": ["code", "message", "retryable"],
        },
        "Refused": {
            "type": "object",
            "properties": {
                "meta": {
                    "type": "object",
                    "properties": { "status": { "type": "integer", "description": "The HTTP status." } },
                    "required": ["status"],
                },
                "data": { "type": "array", "maxItems": 0 },
                "fail": { "type": "array", "minItems": 1, "maxItems": 1, "items": reference("Failure") },
            },
            "required": ["meta", "data", "fail"],
        },
        "Errors": object(rest::Errors::FIELDS),
        "OAuthError": { "allOf": [object(oauth::Refused::FIELDS), reference("Refused")] },
    })
}

fn security_schemes() -> Value {
    json!({
        "token": { "type": "http", "scheme": "bearer", "description": "An access token of `POST /oauth/token`." },
        "accessKeyAndSignature": {
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "`MC {access key}:{signature}`. The signature is the base64 of the HMAC-SHA1 over \
                `{x-mc-date}:{x-mc-req-id}:{path}:{application key}`, keyed with the base64-decoded secret key.",
        },
        "date": { "type": "apiKey", "in": "header", "name": header::DATE, "description": "Such as `Tue, 24 Nov 2015 12:50:11 UTC`." },
        "requestId": { "type": "apiKey", "in": "header", "name": header::REQUEST_ID, "description": "A GUID." },
        "applicationId": { "type": "apiKey", "in": "header", "name": header::APP_ID, "description": "The application id." },
        "password": {
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "`Basic-Cloud {base64(address:password)}`.",
        },
        "client": { "type": "http", "scheme": "basic", "description": "Client id and secret; may be sent in the form instead." },
    })
}

fn meta(more: Value) -> Value {
    let mut meta = json!({
        "type": ["object", "null"],
        "properties": { "accountCode": { "type": ["string", "null"], "description": "Account to act in, default: the caller's own." } },
    });
    for (name, schema) in more.as_object().into_iter().flatten() {
        meta["properties"][name] = schema.clone();
    }
    meta
}

fn number(description: &str) -> Value {
    json!({ "description": description, "required": true, "schema": { "type": "integer", "minimum": 0 } })
}
