use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn one(input: impl AsRef<[u8]>) -> Request {
    let mut all = read(input.as_ref()).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or(b"nothing")).into_owned()
}

#[rstest]
#[case::pasted(
    "curl 'http://127.0.0.1:8080/api/user/create-user' \\\n  -H 'authorization: MC key:sig=' \\\n  -H 'x-mc-date: D' \\\n  -d '{\"data\":[]}'\n"
)]
#[case::with_a_prompt(
    "$ curl -H 'Authorization: MC key:sig=' -H 'x-mc-date: D' -d '{\"data\":[]}' 127.0.0.1:8080/api/user/create-user | jq ."
)]
#[case::double_quotes(
    "curl -sSX POST \"http://127.0.0.1:8080/api/user/create-user\" --header=\"authorization:MC key:sig=\" --header \"x-mc-date: D\" --data-raw \"{\\\"data\\\":[]}\""
)]
#[case::ansi_quotes(
    "curl --url http://127.0.0.1:8080/api/user/create-user -H $'authorization: MC key\\u003asig=' -H$'x-mc-date: \\x44' --data-binary $'{\"data\":[]}' -o out.json --compressed -k"
)]
#[case::windows(
    "curl \"http://127.0.0.1:8080/api/user/create-user\" ^\r\n  -H \"authorization: MC key:sig=\" ^\r\n  -H \"x-mc-date: D\" ^\r\n  --data-raw \"{\\\"data\\\":[]}\""
)]
#[case::chromium_on_windows(
    "curl ^\"http://127.0.0.1:8080/api/user/create-user^\" ^\n  -H ^\"authorization: MC key:sig=^\" ^\n  -H ^\"x-mc-date: D^\" ^\n  --data-raw ^\"^{^\\^\"data^\\^\":^[^]^}^\""
)]
#[case::http(
    "POST /api/user/create-user HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: MC key:sig=\r\nX-Mc-Date:  D \r\nContent-Length: 11\r\n\r\n{\"data\":[]}\n"
)]
#[case::http_with_line_feeds(
    "\n\nPOST http://127.0.0.1:8080/api/user/create-user\nauthorization: MC key:sig=\nx-mc-date: D\n\n{\"data\":[]}"
)]
#[case::har(r#"{"log":{"version":"1.2","entries":[
    {"request":{"method":"GET","url":"http://127.0.0.1:8080/favicon.ico","headers":[]}},
    {"startedDateTime":"2026-11-24T12:00:00.000Z","request":{"method":"POST","url":"http://127.0.0.1:8080/api/user/create-user",
     "headers":[{"name":":authority","value":"x"},{"name":"authorization","value":"MC key:sig="},{"name":"x-mc-date","value":"D"}],
     "postData":{"mimeType":"application/json","text":"{\"data\":[]}"}}}]}}"#)]
fn one_request_in_many_forms(#[case] input: &str) {
    let request = one(input);
    let received = request.received();
    assert_eq!(received.method, "POST");
    assert_eq!(text(Some(received.target)), "/api/user/create-user");
    assert_eq!(text(received.authorization), "MC key:sig=");
    assert_eq!(text(received.date), "D");
    assert_eq!(text(received.host), "127.0.0.1:8080");
    assert_eq!(text(received.body), r#"{"data":[]}"#);
    assert_eq!(request.sent_at.is_some(), input.contains("startedDateTime"));
}

#[rstest]
#[case::lines("Authorization: MC key:sig=\nx-mc-date: D\n")]
#[case::object(r#"{"Authorization": "MC key:sig=", "x-mc-date": "D"}"#)]
#[case::python("{'Authorization': 'MC key:sig=', 'x-mc-date': 'D'}")]
#[case::within_an_object(r#"{"headers": {"Authorization": "MC key:sig=", "x-mc-date": "D"}}"#)]
#[case::list(r#"[{"name": "Authorization", "value": "MC key:sig="}, {"name": "x-mc-date", "value": "D"}]"#)]
fn headers_alone(#[case] input: &str) {
    let request = one(input);
    assert!(request.method.is_empty() && request.target.is_empty());
    assert_eq!(text(request.header("AUTHORIZATION")), "MC key:sig=");
    assert_eq!(text(request.header("x-mc-date")), "D");
}

#[test]
fn what_curl_shows_of_itself() {
    let verbose = "*   Trying 127.0.0.1:8080...\n* Connected\n> POST /api/user/create-user HTTP/1.1\n> Host: 127.0.0.1:8080\n\
                   > authorization: MC key:sig=\n> \n< HTTP/1.1 401 Unauthorized\n< content-type: application/json\n{}";
    let request = one(verbose);
    assert_eq!(
        (request.method.as_str(), text(request.header("authorization"))),
        ("POST", "MC key:sig=".into())
    );
    assert_eq!((request.headers.len(), request.body), (2, None));
}

#[test]
fn bytes_stay_bytes() {
    let http = b"POST /api/x HTTP/1.1\r\nx-mc-date: M\xe4r \r\n\r\n\xff";
    let request = one(http);
    assert_eq!(request.header("x-mc-date"), Some(&b"M\xe4r"[..]));
    assert_eq!(request.body.as_deref(), Some(&b"\xff"[..]));
    assert_eq!(one(b"POST / HTTP/1.1\r\na: b\r\n\r\n{}\r\n").body.as_deref(), Some(&b"{}"[..]));
    let curl = one(b"curl http://h/api/x -H 'x-mc-date: M\xe4r' -H $'a: \\xff\\377'");
    assert_eq!(curl.header("x-mc-date"), Some(&b"M\xe4r"[..]));
    assert_eq!(curl.header("a"), Some(&b"\xff\xff"[..]));
}

#[test]
fn what_curl_makes_of_its_options() {
    let request =
        one("curl -G -d a=b -d c=d 'http://h/api/x?y=z#part' -u 'ann:pass word' -H 'Accept:' -H 'Empty;'");
    assert_eq!((request.method.as_str(), text(Some(&request.target))), ("GET", "/api/x?y=z&a=b&c=d".into()));
    assert_eq!(text(request.header("authorization")), "Basic YW5uOnBhc3Mgd29yZA==");
    assert_eq!((request.header("accept"), request.header("empty")), (None, Some(&b""[..])));
    for (user, value) in [("''", "Basic Og=="), ("ann", "Basic YW5uOg=="), ("ann:", "Basic YW5uOg==")] {
        let request = one(format!("curl -u {user} http://h/api/x"));
        assert_eq!(text(request.header("authorization")), value, "as curl 7.88.1 sends it");
    }
    let file = one("curl -d @body.json http://h");
    assert_eq!((file.method.as_str(), text(Some(&file.target)), file.body), ("POST", "/".into(), None));
    let pieces = one("curl --data a --data-raw @b http://h/");
    assert_eq!(text(pieces.body.as_deref()), "a&@b");
    let token = one("curl --oauth2-bearer abc -I -m 5 --proxy p:1 http://user:word@h/");
    assert_eq!((token.method.as_str(), text(token.header("authorization"))), ("HEAD", "Bearer abc".into()));
    assert_eq!(text(token.authority.as_deref()), "h");
}

#[rstest]
#[case::nothing("", RequestError::Empty)]
#[case::blanks(" \r\n\t", RequestError::Empty)]
#[case::prose("why is my signature wrong?", RequestError::Form { line: 1 })]
#[case::broken_header("POST /x HTTP/1.1\na: b\nno header\n", RequestError::Form { line: 3 })]
#[case::utf_16("\u{feff}", RequestError::Empty)]
#[case::powershell("Invoke-WebRequest -Uri http://h", RequestError::PowerShell)]
#[case::broken_json("{\"a\": }", RequestError::Json { line: 1, column: 7 })]
#[case::other_json("{\"a\": 1}", RequestError::Object)]
#[case::har_of_elsewhere(
    r#"{"log":{"entries":[{"request":{"method":"GET","url":"http://h/","headers":[]}}]}}"#,
    RequestError::NoEntry
)]
#[case::open_quote("curl 'http://h", RequestError::Quote)]
#[case::open_double_quote("curl \"http://h", RequestError::Quote)]
#[case::open_ansi_quote("curl $'http://h", RequestError::Quote)]
#[case::variable("curl $URL", RequestError::Variable)]
#[case::quoted_variable("curl \"$URL\"", RequestError::Variable)]
#[case::command("curl http://h -H \"x-mc-date: $(date)\"", RequestError::Variable)]
#[case::backquotes("curl http://h -H `date`", RequestError::Variable)]
#[case::header_file("curl -H @headers http://h", RequestError::HeaderFile)]
#[case::no_value("curl http://h -H", RequestError::Value)]
#[case::no_url("curl -s", RequestError::NoUrl)]
#[case::no_colon("curl http://h -H abc", RequestError::HeaderColon)]
fn what_is_no_request_says_so(#[case] input: &str, #[case] expected: RequestError) {
    assert_eq!(read(input.as_bytes()), Err(expected));
}

#[test]
fn utf_16_is_recognised() {
    assert_eq!(read(b"\xff\xfec\0u\0"), Err(RequestError::Utf16));
}

proptest! {
    #[test]
    fn anything_is_answered(input in any::<Vec<u8>>()) {
        let _ = read(&input);
        let _ = read(&[b"curl ", &input[..]].concat());
    }

    /// Text in single quotes is unchanged.
    #[test]
    fn what_is_quoted_is_read(value in "[ -&(-~é€]{1,60}") {
        let line = format!("curl http://h/api/x -H 'a: {value}'");
        let request = one(&line);
        let expected = value.trim();
        // curl removes headers with blank values.
        prop_assert_eq!(request.header("a").unwrap_or_default(), expected.as_bytes());
    }
}
