use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

fn read(body: impl AsRef<[u8]>) -> Result<Value, ReadError> {
    super::read(body.as_ref(), &Limits::default())
}

#[rstest]
#[case::python(
    "{'data': [{'emailAddress': 'a@b.example', 'forcePasswordChange': False, 'accountCode': None}]}"
)]
#[case::template(
    "{\r\n \"data\":[\r\n  {\r\n   \"emailAddress\": \"a@b.example\",\r\n   \"forcePasswordChange\": False,\r\n   \
     \"accountCode\": null\r\n  }\r\n ]\r\n}"
)]
#[case::trailing_commas(
    "{\"data\":[{'emailAddress':\"a@b.example\",'forcePasswordChange':FALSE,'accountCode':nONE,},],}"
)]
#[case::byte_order_mark(
    "\u{feff}{'data': [{'emailAddress': 'a@b.example', 'forcePasswordChange': false, 'accountCode': NULL}]}"
)]
fn bodies_of_real_clients(#[case] body: &str) {
    let item = json!({ "emailAddress": "a@b.example", "forcePasswordChange": false, "accountCode": null });
    assert_eq!(read(body).unwrap(), json!({ "data": [item] }));
}

#[rstest]
#[case(r"'O\'Brien'", "O'Brien")]
#[case(r#""O'Brien""#, "O'Brien")]
#[case(r#"'say "it\'s"'"#, "say \"it's\"")]
#[case(r#"'"'"#, "\"")]
#[case(r#""'""#, "'")]
#[case(r"''", "")]
#[case(r"'a\\b\/c'", "a\\b/c")]
#[case(r"'\n\r\t\b\f'", "\n\r\t\u{8}\u{c}")]
#[case(r"'\xa0\u200b\U0001f600\x00'", "\u{a0}\u{200b}\u{1f600}\0")]
#[case(r"'\ud83d\ude00 \uD83D\uDE00'", "\u{1f600} \u{1f600}")]
#[case("'line\r\nbreak\tand\u{1}more'", "line\r\nbreak\tand\u{1}more")]
#[case("'None'", "None")]
#[case("'Åsa 你好 😀'", "Åsa 你好 😀")]
fn strings(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(read(body).unwrap(), json!(expected));
}

#[rstest]
#[case("0", json!(0))]
#[case("-0", json!(-0.0))]
#[case("-17", json!(-17))]
#[case("18446744073709551615", json!(u64::MAX))]
#[case("-9223372036854775808", json!(i64::MIN))]
#[case("18446744073709551616", json!(18446744073709551616.0))]
#[case("1.5", json!(1.5))]
#[case("1e16", json!(1e16))]
#[case("1e-05", json!(1e-5))]
#[case("5e-324", json!(5e-324))]
#[case("1.7976931348623157e+308", json!(f64::MAX))]
fn numbers_mean_the_same_to_both_readers(#[case] number: &str, #[case] expected: Value) {
    assert_eq!(read(format!("[{number}]")).unwrap(), json!([expected]));
    assert_eq!(
        read(format!("[{number},]")).unwrap(),
        json!([expected]),
        "the comma needs the lenient reader"
    );
}

#[rstest]
#[case::strict(br#"{"name":"G\xf6ran \xc5"}"#)]
#[case::lenient(b"{'name': 'G\xf6ran \xc5'}")]
#[case::marked(b"\xef\xbb\xbf{'name': 'G\xf6ran \xc5'}")]
fn latin_1(#[case] body: &[u8]) {
    assert_eq!(read(body).unwrap(), json!({ "name": "Göran Å" }));
}

#[rstest]
#[case(r#"{"a":1,"b":2,"a":3}"#)]
#[case(r#"{'a':1,'b':2,'a':3}"#)]
fn the_last_of_two_keys_counts(#[case] body: &str) {
    assert_eq!(read(body).unwrap().to_string(), r#"{"a":3,"b":2}"#);
}

#[rstest]
#[case("", true)]
#[case(" \r\n\t", true)]
#[case("\u{feff}\n", true)]
#[case("{}", false)]
#[case("\0", false)]
fn blank_bodies(#[case] body: &str, #[case] blank: bool) {
    assert_eq!(is_blank(body.as_bytes()), blank);
}

/// `depth` lists and objects in turn around `core`.
fn nested(depth: usize, core: &str) -> String {
    let opening = ["[", "{\"k\":"].into_iter().cycle().take(depth).collect::<String>();
    let closing = ["]", "}"].into_iter().cycle().take(depth).collect::<Vec<_>>();
    format!("{opening}{core}{}", closing.into_iter().rev().collect::<String>())
}

#[rstest]
#[case::default(64, 64)]
#[case::none(0, 0)]
#[case::one(1, 1)]
#[case::most(127, 127)]
#[case::more_than_most(1000, 127)]
fn both_readers_stop_at_the_same_depth(#[case] asked: usize, #[case] real: usize) {
    let limits = Limits { depth: asked, ..Limits::default() };
    for core in ["1", "None"] {
        assert!(super::read(nested(real, core).as_bytes(), &limits).is_ok(), "{core}");
        let error = super::read(nested(real + 1, core).as_bytes(), &limits).unwrap_err();
        let expected = format!("lists and objects are nested deeper than {real} levels");
        assert_eq!(error.message(), expected, "{core}");
    }
}

#[rstest]
#[case::lists("[")]
#[case::objects("{'a':")]
#[case::open_strings("['")]
#[case::backslashes("'\\")]
#[case::long_number("1")]
#[case::long_fraction("0.0000000000")]
#[case::bytes_that_are_not_utf_8("[\u{80}")]
fn a_mebibyte_of_anything_is_answered_without_a_crash(#[case] piece: &str) {
    let _ = read(piece.repeat((1 << 20) / piece.len()));
}

#[test]
fn a_long_body_is_not_looked_at() {
    let limits = Limits { bytes: 4, ..Limits::default() };
    assert!(super::read(b"[12]", &limits).is_ok());
    let error = super::read(b"[123]", &limits).unwrap_err();
    assert_eq!(error.message(), "the body is longer than 4 bytes");
}

#[rstest]
#[case::start("x", (0, 1, 1))]
#[case::after_crlf("{\r\n  'a': x}", (10, 2, 8))]
#[case::characters_not_bytes("['åß😀', x]", (13, 1, 9))]
#[case::after_a_mark("\u{feff}x", (3, 1, 1))]
#[case::end_of_body("[1,\n", (4, 2, 1))]
fn places(#[case] body: &str, #[case] expected: (usize, usize, usize)) {
    let error = read(body).unwrap_err();
    assert_eq!((error.offset(), error.line(), error.column()), expected);
}

#[rstest]
#[case::latin_1(b"['\xe5', x]".as_slice(), (6, 1, 7))]
#[case::marked_latin_1(b"\xef\xbb\xbf\n['\xe5', x]", (10, 2, 7))]
fn places_in_latin_1(#[case] body: &[u8], #[case] expected: (usize, usize, usize)) {
    let error = read(body).unwrap_err();
    assert_eq!((error.offset(), error.line(), error.column()), expected);
}

#[rstest]
#[case("x", "")]
#[case("[1, [2, x]]", "[1][1]")]
#[case("{'data': [{}, {'name': x}]}", "data[1].name")]
#[case("{'data': [{}, {'name' x}]}", "data[1]")]
#[case("{'odd key': {'': {'x\"\n': x}}}", r#"["odd key"][""]["x\"\n"]"#)]
#[case(&format!("{{'{}': x}}", "k".repeat(65)), &format!("[\"{}…\"]", "k".repeat(64)))]
fn paths(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(read(body).unwrap_err().path(), expected);
}

fn messages(bodies: &[&str]) -> String {
    let message = |body: &&str| {
        let error = read(body).unwrap_err().to_string();
        assert!(!error.contains("hunter"), "a value may be a password: {error}");
        format!("{body:?}\n  {error}")
    };
    bodies.iter().map(message).collect::<Vec<_>>().join("\n")
}

#[test]
fn messages_about_lists_and_objects_say_what_to_write_instead() {
    let bodies = [
        " ",
        "[1, 2",
        "[1 2]",
        "[1; 2]",
        "{\"a\": 1 \"b\": 2}",
        "{\"a\" = 1}",
        "{\"a\"}",
        "{1: 2}",
        "{, }",
        "{name: 1}",
    ];
    insta::assert_snapshot!(messages(&bodies), @r#"
    " "
      at line 1, column 1 (byte 0): the body is empty
    "[1, 2"
      at line 1, column 6 (byte 5): expected `,` or `]`, found the end of the body
    "[1 2]"
      at line 1, column 4 (byte 3): expected `,` or `]`, found a digit
    "[1; 2]"
      at line 1, column 3 (byte 2): expected `,` or `]`, found `;`
    "{\"a\": 1 \"b\": 2}"
      at line 1, column 9 (byte 8): expected `,` or `}`, found a double quote
    "{\"a\" = 1}"
      at line 1, column 6 (byte 5): expected `:` after the key, found `=`
    "{\"a\"}"
      at line 1, column 5 (byte 4): expected `:` after the key, found `}`
    "{1: 2}"
      at line 1, column 2 (byte 1): expected a key in quotes, found a digit
    "{, }"
      at line 1, column 2 (byte 1): expected a key in quotes, found `,`
    "{name: 1}"
      at line 1, column 2 (byte 1): found a key without quotes: put it in double quotes
    "#);
}

#[test]
fn messages_about_python_and_comments_say_what_to_write_instead() {
    let bodies = [
        "{u'name': 1}",
        "[u'x']",
        "[b'x']",
        "[Rb'x']",
        "(1, 2)",
        "[1, 2] # done",
        "[ // none",
        "[/* none */]",
    ];
    insta::assert_snapshot!(messages(&bodies), @r#"
    "{u'name': 1}"
      at line 1, column 2 (byte 1): found a Python string with a prefix such as u'…': leave the prefix out, or send json.dumps(payload)
    "[u'x']"
      at line 1, column 2 (byte 1), in `[0]`: found a Python string with a prefix such as u'…': leave the prefix out, or send json.dumps(payload)
    "[b'x']"
      at line 1, column 2 (byte 1), in `[0]`: found Python bytes such as b'…': decode them to text before they are sent
    "[Rb'x']"
      at line 1, column 2 (byte 1), in `[0]`: found Python bytes such as b'…': decode them to text before they are sent
    "(1, 2)"
      at line 1, column 1 (byte 0): found a Python tuple: write a list, in square brackets
    "[1, 2] # done"
      at line 1, column 8 (byte 7): expected the end of the body, found a comment, which JSON does not have: leave it out
    "[ // none"
      at line 1, column 3 (byte 2), in `[0]`: expected a value, found a comment, which JSON does not have: leave it out
    "[/* none */]"
      at line 1, column 2 (byte 1), in `[0]`: expected a value, found a comment, which JSON does not have: leave it out
    "#);
}

#[test]
fn messages_about_values_say_what_to_write_instead() {
    let bodies = [
        "[1] [2]",
        "hunter2",
        "[undefined]",
        "[%(password)s]",
        "[\u{a0}1]",
        "[é]",
        "[\u{1}]",
        "[nan]",
        "[-Infinity]",
        "[1e400]",
        "[01234]",
        "[+1]",
        "[1_000]",
        "[.5]",
        "[12-34-56]",
    ];
    insta::assert_snapshot!(messages(&bodies), @r#"
    "[1] [2]"
      at line 1, column 5 (byte 4): expected the end of the body, found `[`
    "hunter2"
      at line 1, column 1 (byte 0): found a word without quotes: put text in double quotes; without quotes only true, false, null and numbers can be read
    "[undefined]"
      at line 1, column 2 (byte 1), in `[0]`: found a word without quotes: put text in double quotes; without quotes only true, false, null and numbers can be read
    "[%(password)s]"
      at line 1, column 2 (byte 1), in `[0]`: expected a value, found a punctuation mark
    "[\u{a0}1]"
      at line 1, column 2 (byte 1), in `[0]`: expected a value, found a blank that JSON does not know, such as a no-break space
    "[é]"
      at line 1, column 2 (byte 1), in `[0]`: expected a value, found a character beyond ASCII
    "[\u{1}]"
      at line 1, column 2 (byte 1), in `[0]`: expected a value, found a control character
    "[nan]"
      at line 1, column 2 (byte 1), in `[0]`: found nan or infinity, for which JSON has no number: send null, or leave the field out
    "[-Infinity]"
      at line 1, column 2 (byte 1), in `[0]`: found nan or infinity, for which JSON has no number: send null, or leave the field out
    "[1e400]"
      at line 1, column 2 (byte 1), in `[0]`: found a number too large for a double: send it as text, in quotes
    "[01234]"
      at line 1, column 2 (byte 1), in `[0]`: found something that is not a number as JSON writes it: if it is text, put it in double quotes; if it is a number, leave out plus signs and leading zeros
    "[+1]"
      at line 1, column 2 (byte 1), in `[0]`: found something that is not a number as JSON writes it: if it is text, put it in double quotes; if it is a number, leave out plus signs and leading zeros
    "[1_000]"
      at line 1, column 2 (byte 1), in `[0]`: found something that is not a number as JSON writes it: if it is text, put it in double quotes; if it is a number, leave out plus signs and leading zeros
    "[.5]"
      at line 1, column 2 (byte 1), in `[0]`: found something that is not a number as JSON writes it: if it is text, put it in double quotes; if it is a number, leave out plus signs and leading zeros
    "[12-34-56]"
      at line 1, column 2 (byte 1), in `[0]`: found something that is not a number as JSON writes it: if it is text, put it in double quotes; if it is a number, leave out plus signs and leading zeros
    "#);
}

#[test]
fn messages_about_strings_say_what_to_write_instead() {
    let bodies = [
        "['hunter2]",
        "{\"password\": \"hunter2,\n \"name\": \"x\"}",
        r"['hunter\2']",
        r"['\",
        r"['\x1']",
        r"['\u12']",
        r"['\U0001f60']",
        r"['\xéa']",
        r"['\ud83d hunter2']",
        r"['\ud83d\u0041']",
        r"['\udc00\ud83d']",
        r"['\U0000d83d\udc00']",
        r"['\U00110000']",
    ];
    insta::assert_snapshot!(messages(&bodies), @r#"
    "['hunter2]"
      at line 1, column 2 (byte 1), in `[0]`: found a string without a closing quote
    "{\"password\": \"hunter2,\n \"name\": \"x\"}"
      at line 2, column 3 (byte 25): expected `,` or `}`, found a letter; the string before it spans lines: is a closing quote missing?
    "['hunter\\2']"
      at line 1, column 9 (byte 8), in `[0]`: found a backslash that starts no escape: write a backslash itself as two, and else one of \" \' \/ \b \f \n \r \t \xNN \uNNNN \UNNNNNNNN
    "['\\"
      at line 1, column 3 (byte 2), in `[0]`: found a backslash that starts no escape: write a backslash itself as two, and else one of \" \' \/ \b \f \n \r \t \xNN \uNNNN \UNNNNNNNN
    "['\\x1']"
      at line 1, column 3 (byte 2), in `[0]`: expected two hexadecimal digits after `\x`
    "['\\u12']"
      at line 1, column 3 (byte 2), in `[0]`: expected four hexadecimal digits after `\u`
    "['\\U0001f60']"
      at line 1, column 3 (byte 2), in `[0]`: expected eight hexadecimal digits after `\U`
    "['\\xéa']"
      at line 1, column 3 (byte 2), in `[0]`: expected two hexadecimal digits after `\x`
    "['\\ud83d hunter2']"
      at line 1, column 3 (byte 2), in `[0]`: found half of a surrogate pair, which is no character: send both halves or neither
    "['\\ud83d\\u0041']"
      at line 1, column 3 (byte 2), in `[0]`: found half of a surrogate pair, which is no character: send both halves or neither
    "['\\udc00\\ud83d']"
      at line 1, column 3 (byte 2), in `[0]`: found half of a surrogate pair, which is no character: send both halves or neither
    "['\\U0000d83d\\udc00']"
      at line 1, column 3 (byte 2), in `[0]`: found half of a surrogate pair, which is no character: send both halves or neither
    "['\\U00110000']"
      at line 1, column 3 (byte 2), in `[0]`: found an escape beyond \U0010ffff, which is no character
    "#);
}

/// Any JSON value, not deep.
fn values() -> impl Strategy<Value = Value> {
    let scalars = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "['\"\\\\a\n\u{1f600}]{0,6}".prop_map(Value::from),
    ];
    scalars.prop_recursive(5, 40, 6, |inner| {
        let fields = prop::collection::vec((any::<String>(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// `value` as Python's `repr` writes it, with what else the lenient reader forgives.
fn repr(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => repr_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                repr(item, out);
                out.push_str(", ");
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (key, field) in fields {
                repr_text(key, out);
                out.push_str(":\r\n\t");
                repr(field, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

fn repr_text(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            _ if character == quote || character == '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{a0}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            '\u{2000}'..='\u{ffff}' => out.push_str(&format!("\\u{:04X}", u32::from(character))),
            '\u{1f000}'.. => out.push_str(&format!("\\U{:08x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push(quote);
}

proptest! {
    #[test]
    fn any_bytes_are_answered(body in any::<Vec<u8>>()) {
        if let Err(error) = read(&body) {
            prop_assert!(error.offset() <= body.len());
        }
    }

    #[test]
    fn anything_like_a_body_is_answered(body in "[\\[\\]{}:,'\"\\\\uxU0-9a-fTrueNoe \n.+-]{0,60}") {
        if let Err(error) = read(&body) {
            prop_assert!(error.offset() <= body.len());
        }
    }

    #[test]
    fn a_cut_body_is_answered(value in values(), cut in any::<prop::sample::Index>()) {
        let mut body = String::new();
        repr(&value, &mut body);
        let body = &body.as_bytes()[..cut.index(body.len())];
        if let Err(error) = read(body) {
            prop_assert!(error.offset() <= body.len());
        }
    }

    #[test]
    fn json_means_the_same_to_both_readers(value in values()) {
        let body = value.to_string();
        prop_assert_eq!(&read(&body).unwrap(), &value);
        prop_assert_eq!(&lenient::read(&body, 64).ok().unwrap(), &value);
    }

    #[test]
    fn what_repr_writes_is_read(value in values()) {
        let mut body = String::new();
        repr(&value, &mut body);
        prop_assert_eq!(read(&body).unwrap(), value, "{}", body);
    }
}
