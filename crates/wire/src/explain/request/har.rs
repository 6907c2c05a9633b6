//! JSON: a HAR file (HTTP Archive 1.2) from a browser or proxy, or an object of headers.

use serde_json::Value;

use super::{Request, RequestError};
use crate::header;
use crate::reader;

pub(super) fn read(text: &[u8]) -> Result<Vec<Request>, RequestError> {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        // For instance a Python dict of headers.
        Err(error) => reader::read(text, &reader::Limits::default())
            .map_err(|_| RequestError::Json { line: error.line(), column: error.column() })?,
    };
    if let Some(entries) = value["log"]["entries"].as_array() {
        let requests: Vec<_> = entries.iter().filter_map(entry).collect();
        return if requests.is_empty() { Err(RequestError::NoEntry) } else { Ok(requests) };
    }
    // A single entry, or its request, copied from a file.
    if let Some(request) = entry(&value).or_else(|| request(&value)) {
        return Ok(vec![request]);
    }
    let headers = headers(&value).or_else(|| headers(&value["headers"])).ok_or(RequestError::Object)?;
    Ok(vec![Request { headers, ..Request::default() }])
}

/// An entry whose request goes to the API.
fn entry(entry: &Value) -> Option<Request> {
    let mut request = request(&entry["request"])?;
    request.sent_at = entry["startedDateTime"].as_str().and_then(|text| text.parse().ok());
    let path = request.target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let holds = |piece: &[u8]| path.windows(piece.len()).any(|window| window == piece);
    let goes_there = holds(b"/api/") || holds(b"/login") || holds(b"/cloud-gateway/");
    (goes_there || request.header(header::DATE).is_some()).then_some(request)
}

fn request(value: &Value) -> Option<Request> {
    let mut request = Request {
        method: value["method"].as_str()?.to_owned(),
        headers: headers(&value["headers"])?,
        body: value["postData"]["text"].as_str().map(|text| text.as_bytes().to_vec()),
        ..Request::default()
    };
    request.set_url(value["url"].as_str()?.as_bytes());
    Some(request)
}

/// A list of objects with name and value, or one object. Pseudo-headers of HTTP/2 are skipped.
fn headers(value: &Value) -> Option<Vec<(String, Vec<u8>)>> {
    let header =
        |name: &str, value: &Value| Some((name.to_owned(), value.as_str()?.trim().as_bytes().to_vec()));
    let headers: Option<Vec<_>> = match value {
        Value::Array(list) => list.iter().map(|one| header(one["name"].as_str()?, &one["value"])).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| header(name, value)).collect(),
        _ => None,
    };
    headers.map(|headers| headers.into_iter().filter(|(name, _)| !name.starts_with(':')).collect())
}
