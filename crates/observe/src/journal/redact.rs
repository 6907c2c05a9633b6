//! Redaction: signatures, tokens and cookies in headers, and the values of secret fields in bodies. Text that cannot be
//! parsed is redacted as a whole.

use serde_json::Value;
use wire::reader;
use wire::secret_name::is_secret_name;

/// Replaces a secret.
const REDACTED: &str = "[redacted]";

/// Parts of the names of secret fields, in lower case and without separators.
const SECRET: [&str; 7] =
    ["accesskey", "appkey", "apikey", "privatekey", "authorization", "cookie", "assertion"];

/// Schemes of `Authorization` whose whole value is redacted.
const SCHEMES: [&str; 6] = ["Basic", "Basic-Cloud", "Basic-AD", "Bearer", "Digest", "Negotiate"];

/// Whether a field may be a secret. Tokens are, except page tokens.
fn is_secret(name: &str) -> bool {
    if is_secret_name(name) {
        return true;
    }
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRET.iter().any(|secret| name.contains(secret)) || (name.contains("token") && name != "pagetoken")
}

/// Headers: the scheme of `Authorization` and the access key of a signature remain.
pub(super) fn headers(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let redacted = |(name, value): (String, String)| match name.as_str() {
        "authorization" | "proxy-authorization" => (name, authorization(&value)),
        secret if is_secret(secret) => (name, REDACTED.to_owned()),
        _ => (name, value),
    };
    headers.into_iter().map(redacted).collect()
}

fn authorization(value: &str) -> String {
    let (scheme, rest) = value.split_once(' ').unwrap_or_default();
    match rest.split_once(':') {
        Some((access_key, _)) if scheme == "MC" => format!("MC {access_key}:{REDACTED}"),
        // Without a scheme, the first word may be a secret.
        _ => match SCHEMES.iter().find(|known| known.eq_ignore_ascii_case(scheme)) {
            Some(known) => format!("{known} {REDACTED}"),
            None => REDACTED.to_owned(),
        },
    }
}

/// Path and query.
pub(super) fn target(target: &str) -> String {
    match target.split_once('?') {
        Some((path, query)) => format!("{path}?{}", pairs(query)),
        None => target.to_owned(),
    }
}

/// The body of a request or response. An incomplete body is redacted as a whole.
pub(super) fn body(bytes: &[u8], whole: bool, content_type: Option<&str>) -> String {
    if reader::is_blank(bytes) {
        return String::new();
    }
    if let Some(json) = Some(bytes).filter(|_| whole).and_then(json) {
        return json;
    }
    let is_form =
        content_type.is_some_and(|it| it.trim_start().starts_with("application/x-www-form-urlencoded"));
    match str::from_utf8(bytes) {
        Ok(form) if is_form && whole => pairs(form),
        _ => format!("{REDACTED}: {} bytes or more that can't be read", bytes.len()),
    }
}

/// An object or a list with its secrets redacted. Any other JSON is not a body of this API and may be a secret.
fn json(bytes: &[u8]) -> Option<String> {
    let limits = reader::Limits { bytes: bytes.len(), ..reader::Limits::default() };
    let mut value = reader::read(bytes, &limits).ok()?;
    redact(&mut value);
    matches!(value, Value::Object(_) | Value::Array(_)).then(|| value.to_string())
}

fn redact(value: &mut Value) {
    match value {
        // A JSON body inside a string.
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            *text = json(text.as_bytes()).unwrap_or_else(|| REDACTED.to_owned());
        }
        Value::Object(fields) => {
            // An operation of SCIM names the field of its value in another one.
            let named = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("path"));
            let names_secret = named.and_then(|(_, path)| path.as_str()).is_some_and(is_secret);
            for (name, value) in fields.iter_mut() {
                match value {
                    // Such as `forcePasswordChange`.
                    Value::Bool(_) | Value::Null => {}
                    value if is_secret(name) => *value = REDACTED.into(),
                    value if names_secret && name.eq_ignore_ascii_case("value") => *value = REDACTED.into(),
                    Value::String(filter) if name.eq_ignore_ascii_case("filter") && is_secret(filter) => {
                        REDACTED.clone_into(filter);
                    }
                    value => redact(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        _ => {}
    }
}

/// A form or a query, redacted pair by pair. Text that is not a valid pair is redacted.
fn pairs(text: &str) -> String {
    let redacted = text.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if is_plain(name) && is_plain(value) => {
            // Both sides may be malformed, and the value may be a whole body.
            let body = Some(decoded(value)).filter(|value| value.contains(['{', '"', '\'']));
            let secret = is_secret(&decoded(name)) || body.is_some_and(|body| is_secret(&body));
            format!("{name}={}", if secret { REDACTED } else { value })
        }
        None if pair.is_empty() => String::new(),
        _ => REDACTED.to_owned(),
    });
    redacted.collect::<Vec<_>>().join("&")
}

/// Whether the text can be a part of a form.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "%+-._*~:@/[],;!()$?'".contains(c))
}

fn decoded(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes()).map(|(text, _)| text.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("MC access:signature==", "MC access:[redacted]")]
    #[case("MC secret", "[redacted]")]
    #[case("Basic dXNlcjpwYXNz", "Basic [redacted]")]
    #[case("bearer ey.ab:cd", "Bearer [redacted]")]
    #[case("Basic-Cloud a:b", "Basic-Cloud [redacted]")]
    #[case("secret", "[redacted]")]
    #[case("my secret", "[redacted]")]
    fn of_authorization_what_is_no_secret_stays(#[case] sent: &str, #[case] kept: &str) {
        let all = headers(vec![("authorization".to_owned(), sent.to_owned())]);
        assert_eq!(all[0].1, kept);
    }

    #[test]
    fn cookies_and_tokens_go() {
        let sent = ["cookie", "set-cookie", "x-csrf-token", "x-mc-app-key", "x-mc-app-id"];
        let kept = headers(sent.map(|name| (name.to_owned(), "v".to_owned())).to_vec());
        let kept: Vec<_> = kept.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(kept, [REDACTED, REDACTED, REDACTED, REDACTED, "v"]);
    }

    #[rstest]
    #[case(
        r#"{"data":[{"password":"p","oldPassword":["p"],"x":1}]}"#,
        r#"{"data":[{"password":"[redacted]","oldPassword":"[redacted]","x":1}]}"#
    )]
    #[case(
        "{'new_password': 'p', 'forcePasswordChange': True}",
        r#"{"new_password":"[redacted]","forcePasswordChange":true}"#
    )]
    #[case(
        r#"{"data":[{"accessKey":"a","secretKey":"s"}],"access_token":"t"}"#,
        r#"{"data":[{"accessKey":"[redacted]","secretKey":"[redacted]"}],"access_token":"[redacted]"}"#
    )]
    #[case(
        r#"{"meta":{"pagination":{"pageToken":"next","token":7}}}"#,
        r#"{"meta":{"pagination":{"pageToken":"next","token":"[redacted]"}}}"#
    )]
    #[case(
        r#"{"data":"[{\"password\":\"p\"}]","more":"{password"}"#,
        r#"{"data":"[{\"password\":\"[redacted]\"}]","more":"[redacted]"}"#
    )]
    #[case(
        r#"{"Operations":[{"op":"add","Path":"urn:x:User:password","value":{"x":"p"}},{"path":"title","value":"t"}]}"#,
        r#"{"Operations":[{"op":"add","Path":"urn:x:User:password","value":"[redacted]"},{"path":"title","value":"t"}]}"#
    )]
    #[case(
        r#"{"filter":"password eq \"p\"","Filter":"title eq \"t\""}"#,
        r#"{"filter":"[redacted]","Filter":"title eq \"t\""}"#
    )]
    #[case("  ", "")]
    #[case("password=p", "[redacted]: 10 bytes or more that can't be read")]
    #[case(r#""password""#, "[redacted]: 10 bytes or more that can't be read")]
    fn of_a_body_the_secrets_go(#[case] sent: &str, #[case] kept: &str) {
        assert_eq!(body(sent.as_bytes(), true, None), kept);
    }

    #[test]
    fn what_can_t_be_read_goes_as_a_whole() {
        for broken in [&b"{\"password\": p"[..], b"\xff{}"] {
            assert!(body(broken, true, None).starts_with("[redacted]: "));
        }
        assert!(body(b"{}", false, None).starts_with("[redacted]: "));
    }

    /// curl labels any body as a form.
    #[test]
    fn what_is_no_form_is_not_shown_as_one() {
        for broken in
            [r#"{"password":"p=canary","x":1"#, r#"a={"password":"canary"}"#, "a=%7B%22password%22:canary"]
        {
            let shown = body(broken.as_bytes(), true, Some("application/x-www-form-urlencoded"));
            assert!(!shown.contains("canary") && shown.contains(REDACTED), "{shown}");
        }
    }

    #[test]
    fn of_forms_and_queries_too() {
        let form = "grant_type=client_credentials&client_%73ecret=s&client_id=c&s&";
        let kept = "grant_type=client_credentials&client_%73ecret=[redacted]&client_id=c&[redacted]&";
        assert_eq!(
            body(form.as_bytes(), true, Some("application/x-www-form-urlencoded; charset=UTF-8")),
            kept
        );
        assert_eq!(target("/a?Password=p&b=c"), "/a?Password=[redacted]&b=c");
        assert_eq!(target("/a"), "/a");
    }
}
