//! Raw HTTP, also as shown by `curl -v`, or only headers.

use super::{Request, RequestError, header_line};

/// Reads request line, headers and body, with CR LF or LF; or only headers.
pub(super) fn read(input: &[u8]) -> Result<Request, RequestError> {
    let shown = shown_by_curl(input);
    let input = shown.as_deref().unwrap_or(input);
    let mut request = Request::default();
    let (mut rest, mut line_number) = (input, 0);
    loop {
        line_number += 1;
        let Some((line, after)) = next_line(rest) else { break };
        rest = after;
        let nothing_yet = request.headers.is_empty() && request.method.is_empty();
        if line.trim_ascii().is_empty() {
            if nothing_yet {
                continue;
            }
            request.body = Some(body(&request, rest)).filter(|body| !body.is_empty());
            break;
        }
        if nothing_yet && let Some((method, target)) = request_line(line) {
            request.method = method.to_owned();
            request.set_url(target);
        } else {
            let header =
                header_line(line.trim_ascii_start()).ok_or(RequestError::Form { line: line_number })?;
            request.headers.push(header);
        }
    }
    if request.headers.is_empty() { Err(RequestError::Form { line: 1 }) } else { Ok(request) }
}

fn next_line(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    let line = &rest[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest.get(end + 1..).unwrap_or_default()))
}

/// `POST /api/user/create-user HTTP/1.1`; the version is optional.
fn request_line(line: &[u8]) -> Option<(&str, &[u8])> {
    let words: Vec<&[u8]> =
        line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()).collect();
    let (method, target) = match words[..] {
        [method, target] => (method, target),
        [method, target, version] if version.starts_with(b"HTTP/") => (method, target),
        _ => return None,
    };
    let is_method = method.iter().all(u8::is_ascii_uppercase) && method.len() < 20;
    let is_target =
        target.starts_with(b"/") || target.starts_with(b"http://") || target.starts_with(b"https://");
    str::from_utf8(method).ok().filter(|_| is_method && is_target).map(|method| (method, target))
}

/// The body, of the declared length. Without one, a final line break is removed, because editors add it.
fn body(request: &Request, rest: &[u8]) -> Vec<u8> {
    let length = request.header("content-length").and_then(|value| str::from_utf8(value).ok()?.parse().ok());
    let body = match length {
        Some(length) => &rest[..rest.len().min(length)],
        None => rest.strip_suffix(b"\n").map_or(rest, |rest| rest.strip_suffix(b"\r").unwrap_or(rest)),
    };
    body.to_vec()
}

/// The request lines in the output of `curl -v`, which begin with `> `.
fn shown_by_curl(input: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for line in input.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.strip_prefix(b"> ") {
            // Output of curl before the request line.
            Some(sent) if out.is_empty() && request_line(sent).is_none() => {}
            Some(sent) => out.extend_from_slice(&[sent, b"\n"].concat()),
            // The headers end here; the body is not shown.
            None if !out.is_empty() && line.starts_with(b">") => break,
            None => {}
        }
    }
    (!out.is_empty()).then_some(out)
}
