//! Properties of every input, well-formed or not. The fuzz targets call these functions with generated input. The test
//! `crates/wire/tests/corpus.rs` includes this file and replays the corpus with stable Rust.

mod scim;

use std::io::BufReader;

use jiff::Timestamp;
use matricula_wire::body::{Body, MAX_PAGE};
use matricula_wire::explain::request;
use matricula_wire::header::{Authorization, Basic, RequestId};
use matricula_wire::import::{Entry, Format, Row, Rows, preview};
use matricula_wire::item::Item;
use matricula_wire::oauth::Credentials;
use matricula_wire::reader::{Limits, is_blank, read};
use matricula_wire::rest::{self, PageQuery};
use matricula_wire::signature::authorization as authorization_header;
use matricula_wire::trace_parent::TraceParent;
use matricula_wire::{audit, create_user, date, login, users};
use secrecy::ExposeSecret;
use serde_json::Value;

pub use scim::{scim_filter, scim_patch};

/// A body is read alike by both readers and stable when written again, or it is refused with a position inside it.
pub fn reader(body: &[u8]) {
    let limits = Limits::default();
    let strict = serde_json::from_slice::<Value>(body).ok().filter(|value| depth(value) <= limits.depth);
    match read(body, &limits) {
        Ok(value) => {
            assert!(!is_blank(body));
            assert!(strict.is_none_or(|strict| same_value(&strict, &value)), "not what strict JSON means");
            let again = read(value.to_string().as_bytes(), &limits);
            assert!(again.is_ok_and(|again| same_value(&again, &value)), "not stable");

            let inner = inner_bytes(body);
            let text = match str::from_utf8(inner) {
                Ok(text) => text.to_owned(),
                Err(_) => inner.iter().map(|&byte| char::from(byte)).collect(),
            };
            assert!(
                read(text.as_bytes(), &limits).is_ok_and(|utf8| same_value(&utf8, &value)),
                "depends on the encoding"
            );

            // The second comma needs the lenient reader.
            let wrapped = format!("[{text},]");
            let deeper = Limits { depth: limits.depth + 1, ..limits };
            let wrapped = read(wrapped.as_bytes(), &deeper);
            assert!(
                wrapped.is_ok_and(|wrapped| same_value(&wrapped, &Value::Array(vec![value]))),
                "the readers differ"
            );
        }
        Err(error) => {
            assert!(strict.is_none() || body.len() > limits.bytes, "JSON was refused: {error}");
            assert!(error.offset() <= body.len());
            let lines = body[..error.offset()].iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(error.line(), lines + 1);
            assert!((1..=error.offset() + 1).contains(&error.column()));
            let quotes_nothing = |sign: char| sign == ' ' || sign == '…' || sign.is_ascii_graphic();
            assert!(error.message().chars().all(quotes_nothing));
            assert!(!error.to_string().contains(char::is_control));
        }
    }
}

/// A date does not depend on case and blanks, and keeps its moment when written as in RFC 1123.
pub fn date(value: &[u8]) {
    // 24 November 2026.
    let now = Timestamp::constant(1_795_524_900, 0);
    let found = date::parse(value, now);
    assert_eq!(date::parse(&value.to_ascii_uppercase(), now), found);
    if value.len() < 100 {
        assert_eq!(date::parse(&[b" ", value, b"\t"].concat(), now), found);
    }
    if let Ok(moment) = found {
        let written = moment.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
        // An offset can lead out of the years with four digits.
        if !written.contains('-') {
            assert_eq!(date::parse(written.as_bytes(), moment), Ok(moment), "{written}");
        }
    }
}

/// A value of `Authorization` or `x-mc-req-id` equals itself when written again, or is refused without a quote.
pub fn authorization(value: &[u8]) {
    match Authorization::parse(value) {
        Ok(read) => {
            assert!(read.access_key().bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'));
            let written = authorization_header(read.access_key(), read.signature());
            assert_eq!(Authorization::parse(written.as_bytes()).as_ref(), Ok(&read));
            assert!(
                !format!("{read:?}").contains(read.access_key())
                    || "Authorization(…)".contains(read.access_key())
            );
        }
        Err(error) => assert!(error.to_string().is_ascii()),
    }
    if let Ok(id) = RequestId::parse(value) {
        assert_eq!(RequestId::parse(id.to_string().as_bytes()), Ok(id));
    }
}

/// A value of `Authorization` at login does not depend on blanks and the case of its scheme, or is refused without a
/// quote.
pub fn basic(value: &[u8]) {
    let trimmed = value.trim_ascii();
    let end = trimmed.iter().position(u8::is_ascii_whitespace).unwrap_or(trimmed.len());
    let (scheme, rest) = trimmed.split_at(end);
    let other = [b" ", &scheme.to_ascii_uppercase()[..], rest, b"\t"].concat();
    match (Basic::parse(value), Basic::parse(&other)) {
        (Ok(read), Ok(again)) => {
            let [password, same] = [&read.password, &again.password].map(ExposeSecret::expose_secret);
            assert_eq!((read.scheme, &read.user, password), (again.scheme, &again.user, same));
            assert!(!read.user.is_empty() && !read.user.contains(':') && !password.is_empty());
            assert_eq!(format!("{read:?}"), "Basic(…)");
        }
        (Err(error), Err(same)) => {
            assert_eq!(error, same);
            assert!(error.to_string().is_ascii());
        }
        _ => panic!("blanks or case change what it means"),
    }
}

/// A form that requests a token, a query, and the header that may replace a part of the form are bounded or refused
/// without a quote.
pub fn form(input: &[u8]) {
    let header = Credentials::read(Some(input), b"grant_type=client_credentials");
    for read in [Credentials::read(None, input), header] {
        match read {
            Ok(read) => assert!(!read.client_id.is_empty() && !read.client_secret.expose_secret().is_empty()),
            Err(error) => assert!(error.to_string().is_ascii()),
        }
    }
    let Ok(query) = str::from_utf8(input) else { return };
    match rest::query::<PageQuery>(query).item {
        Ok(page) => {
            assert!(page.page_size.is_none_or(|size| (1..=rest::MAX_PAGE).contains(&size.0)));
            assert!(page.page_token.is_none_or(|token| !token.is_empty()));
        }
        Err(errors) => assert!(errors.iter().all(|error| error.field.as_deref() == Some("pageSize"))),
    }
}

/// A pasted request becomes valid headers, or is refused without a quote.
pub fn request(input: &[u8]) {
    match request::read(input) {
        Ok(requests) => {
            assert!(!requests.is_empty());
            for request in requests {
                let received = request.received();
                assert!(received.target.is_empty() || received.target.starts_with(b"/"));
                assert!(received.authorization.is_none_or(|value| value == value.trim_ascii()));
            }
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.is_ascii() || message.contains('…'));
            assert!(!message.contains(char::is_control));
        }
    }
}

/// The parts of a body are bounded, and the shown form of an entry contains no secret, whatever its fields.
pub fn body(input: &[u8]) {
    let Ok(value) = read(input, &Limits::default()) else { return };
    let Ok(body) = Body::read(value.clone()) else { return };
    assert!((1..=MAX_PAGE).contains(&body.page.size));
    assert!(body.page.token.as_ref().is_none_or(|token| !token.is_empty()));
    entries::<create_user::Item>(&value);
    entries::<login::ChangePassword>(&value);
    entries::<users::UpdateUser>(&value);
    entries::<users::UpdateAttributes>(&value);
    entries::<users::Purge>(&value);
    entries::<audit::GetAuditEvents>(&value);
}

fn entries<I: Item>(value: &Value) {
    let count = value["data"].as_array().map_or(0, Vec::len);
    let read = |max| Body::read(value.clone()).and_then(|mut body| body.items::<I>(max));
    if count > 0 {
        assert!(read(count - 1).is_err(), "more than may be");
    }
    let Ok(entries) = read(count) else { return };
    assert_eq!(entries.len(), count);
    for entry in entries {
        for name in entry.key.keys() {
            let known = I::FIELDS.iter().find(|field| field.name == name);
            let shown = known.map_or(!name.to_ascii_lowercase().contains("password"), |field| !field.secret);
            assert!(shown, "a secret is shown");
        }
        if let Err(errors) = entry.item {
            assert!(!errors.is_empty());
            for error in errors {
                let field = error.field.unwrap_or_default();
                assert!(I::FIELDS.iter().any(|known| known.name == field), "names a field that there is");
            }
        }
    }
}

/// A file of users has rows counted from 1, on existing lines, each with an address or a reason. The rows do not depend
/// on how the bytes are split into reads.
pub fn import(file: &[u8]) {
    if let Ok(preview) = preview(file)
        && let Ok(options) = preview.choose(&preview.recognised())
    {
        assert!(preview.has_more || Rows::with_options(file, &options).is_ok());
    }
    let formats = [None, Some(Format::Csv), Some(Format::Json), Some(Format::Ldif)];
    for format in formats {
        let rows = |capacity: usize| -> Option<Vec<String>> {
            let rows = Rows::new(BufReader::with_capacity(capacity, file), format).ok()?;
            Some(rows.map(|row| row.map_or_else(|error| error.to_string(), row_text)).collect())
        };
        let whole = rows(file.len().max(1));
        let lines = file.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
        let mut line = 0;
        for (number, row) in (1..).zip(Rows::new(file, format).into_iter().flatten().flatten()) {
            assert_eq!(row.number, number);
            assert!((line.max(1)..=lines).contains(&row.line), "line {} of {lines}, after {line}", row.line);
            line = row.line;
            match &row.item {
                Ok(Entry::User(user)) => {
                    assert_eq!(user.email_address.as_deref(), Some(row.address.as_str()));
                }
                Ok(Entry::Alias(alias)) => {
                    assert!(alias.alias == row.address && !alias.alias_for.is_empty());
                }
                Err(errors) => assert!(!errors.is_empty()),
            }
            assert!(row.item.is_err() || !row.address.is_empty());
        }
        // The bytes of the first read decide whether the format can be detected.
        if format.is_some() {
            assert_eq!(whole, rows(3), "depends on how the bytes arrive");
        }
    }
}

/// A text gives the same rows in each encoding.
pub fn encoding(file: &[u8]) {
    let text = String::from_utf8_lossy(file);
    // A mark in the text would be taken for one of the file.
    let text = text.trim_start_matches('\u{feff}');
    let rows = |bytes: &[u8]| -> Result<Vec<String>, String> {
        let rows = Rows::new(bytes, Some(Format::Csv)).map_err(|error| error.to_string())?;
        Ok(rows.map(|row| row.map_or_else(|error| error.to_string(), row_text)).collect())
    };
    let marked = format!("\u{feff}{text}");
    let expected = rows(marked.as_bytes());
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> = marked.encode_utf16().flat_map(to_bytes).collect();
        assert_eq!(rows(&bytes), expected, "depends on the encoding");
    }
}

/// A header never makes a password appear outside its field.
pub fn header(line: &[u8]) {
    const SECRET: &str = "Canary-4711-Zq";
    let line = String::from_utf8_lossy(line).replace(['\n', '\r'], " ");
    let columns = line.matches([',', ';', '\t', '|']).count();
    let fields = format!("{SECRET},").repeat(columns + 1);
    for delimiter in [",", ";", "\t", "|"] {
        let text = format!("{line}\n{}\n", fields.replace(',', delimiter));
        let Ok(mut rows) = Rows::new(text.as_bytes(), Some(Format::Csv)) else { continue };
        for row in rows.by_ref().flatten() {
            for error in row.item.err().into_iter().flatten() {
                assert!(!error.message.contains(SECRET), "{}", error.message);
            }
        }
        let reasons = rows.summary().without_password_rows.into_iter().map(|(.., why)| why);
        assert!(reasons.into_iter().all(|why| !why.contains(SECRET)));
    }
}

/// A header that names a trace names it in the places of the specification, and is written as it was read.
pub fn trace_parent(header: &[u8]) {
    let Some(parsed) = TraceParent::parse(header) else { return };
    let written = parsed.to_string();
    assert!(parsed.trace_id != [0; 16] && parsed.span_id != [0; 8]);
    assert_eq!(written.as_bytes()[2..53], header[2..53]);
    assert_eq!(TraceParent::parse(written.as_bytes()), Some(parsed));
}

fn row_text(row: Row) -> String {
    let Row { number, line, address, item } = row;
    match item {
        Ok(Entry::User(item)) => {
            let secrets = [item.password, item.password_hash]
                .map(|secret| secret.map(|secret| secret.expose_secret().to_owned()));
            format!("{number} {line} {address} {:?} {:?} {secrets:?}", item.name, item.account_code)
        }
        Ok(Entry::Alias(alias)) => format!("{number} {line} {address} alias of {}", alias.alias_for),
        Err(errors) => format!("{number} {line} {address} {errors:?}"),
    }
}

fn inner_bytes(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Equal, and written alike: `-0.0` and `0.0` differ.
fn same_value(one: &Value, other: &Value) -> bool {
    let [one_text, other_text] = [one, other].map(Value::to_string);
    one == other && one_text == other_text
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
