//! Objects: which are users, and what objects and lists in a user say.

use rstest::rstest;

use super::super::*;
use super::rows;
use super::shown;

/// The rows of a file without their numbers and lines; of a refused one, the fields that are named.
fn outcomes(text: &str) -> Vec<String> {
    let outcome = |row: Result<Row, ImportError>| {
        let row = match row {
            Ok(row) => row,
            Err(error) => return format!("file: {error}"),
        };
        match &row.item {
            Ok(_) => shown(row).splitn(3, ' ').nth(2).unwrap().to_owned(),
            Err(errors) => {
                let fields: Vec<_> =
                    errors.iter().map(|error| error.field.as_deref().unwrap_or("(row)")).collect();
                format!("refused on {}: {}", row.line, fields.join(", "))
            }
        }
    };
    Rows::new(text.as_bytes(), None).unwrap().map(outcome).collect()
}

#[rstest]
#[case(r#"{"user_id":"a","email":"a@b.c","blocked":true,"identities":[]}"#, &["a@b.c - - - - - disabled"])]
#[case(
    r#"{"user_id":"a","identities":[{"provider":"google","email":"linked@b.c"}],"email":"a@b.c"}"#,
    &["a@b.c - - - - -"]
)]
#[case(
    r#"[{"created_at":"x","identities":[{"email":"linked@b.c"}],"email":"a@b.c","blocked":true}]"#,
    &["a@b.c - - - - - disabled"]
)]
#[case(r#"{"user_id":"a","identities":[{"email":"linked@b.c"}]}"#, &["refused on 1: emailAddress"])]
#[case(
    r#"{"value":[{"displayName":"Ann","identities":[{"issuer":"x"}],"mail":"a@b.c","accountEnabled":false}]}"#,
    &["a@b.c Ann - - - - disabled"]
)]
#[case(r#"{"email":"a@b.c","data":[1,2],"enabled":false}"#, &["a@b.c - - - - - disabled"])]
#[case(r#"{"data":[1],"enabled":false,"email":"a@b.c"}"#, &["a@b.c - - - - - disabled"])]
#[case(r#"{"data":[],"profile":{"email":"a@b.c","status":"SUSPENDED"}}"#, &["a@b.c - - - - - disabled"])]
#[case(
    r#"{"realm":"r","enabled":true,"displayName":"R","groups":[],"users":[{"email":"a@b.c","enabled":false}],"clients":[{}]}"#,
    &["a@b.c - - - - - disabled"]
)]
#[case(r#"[{"realm":"r","users":[{"email":"a@b.c"}]},{"realm":"s","users":[]}]"#, &["a@b.c - - - - -"])]
#[case(r#"{"status":"ok","data":[{"email":"a@b.c"},7],"total":1}"#, &["a@b.c - - - - -", "refused on 1: (row)"])]
#[case("{\"value\":[\n{\"email\":\"a@b.c\"}]}\n{\"value\":[{\"email\":\"b@b.c\"}]}", &["a@b.c - - - - -", "b@b.c - - - - -"])]
#[case(r#"{"email":"x@b.c","users":[{"email":"a@b.c"}]}"#, &["refused on 1: (row)"])]
fn a_list_in_a_user_is_no_list_of_users(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(outcomes(text), expected);
}

#[test]
fn a_long_list_is_read_and_a_field_behind_it_is_reported() {
    let users: Vec<_> = (0..40_000).map(|n| format!(r#"{{"email":"u{n}@example.com"}}"#)).collect();
    let around = |end: &str| outcomes(&format!("{{\"total\":1,\n\"data\":[{}]{end}}}", users.join(",")));
    assert_eq!(around(r#","next":null"#).len(), users.len());
    let found = around(r#","more":{"email":"x"},"email":"a@b.c","enabled":false"#);
    assert_eq!(found.len(), users.len() + 1);
    assert_eq!(found[users.len()], "refused on 1: (row)");
    // A user in which a list has no end is refused, not split.
    let user = format!("{{\"email\":\"a@b.c\",\"data\":[{}", users.join(","));
    assert!(outcomes(&user)[0].starts_with("file: line 1: the row is longer"));
}

#[test]
fn groups_with_members_are_skipped() {
    let group = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"members":[{"value":"7"}]}"#;
    let operation = format!(r#"{{"method":"POST","path":"/Groups","data":{group}}}"#);
    let bulk = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{operation}]}}"#
    );
    for text in [group, &format!(r#"{{"Resources":[{group}]}}"#), &bulk] {
        let mut read = Rows::new(text.as_bytes(), None).unwrap();
        assert!(read.next().is_none(), "{text}");
        assert_eq!(read.summary().skipped, 1, "{text}");
    }
}

#[rstest]
#[case(r#""profile":{"status":"SUSPENDED"}"#, "a@b.c - - - - - disabled")]
#[case(r#""profile":{"userAccountControl":514}"#, "a@b.c - - - - - disabled")]
#[case(r#""profile":{"lockoutTime":"133456"}"#, "a@b.c - - - - - locked")]
#[case(r#""profile":{"accountIsEnabled":false}"#, "refused on 1: profile.accountIsEnabled")]
#[case(r#""profile":{"status":"on leave"}"#, "refused on 1: profile.status")]
#[case(r#""profile":{"status":{"code":"suspended"}}"#, "refused on 1: profile.status")]
#[case(r#""profile":{"account":{"enabled":false}}"#, "a@b.c - - - - - disabled")]
#[case(r#""profile":{"city":"Reno","state":"NV","status":"home"}"#, "a@b.c - - - - -")]
#[case(r#""profile":{"city":"Reno","state":"suspended"}"#, "a@b.c - - - - - disabled")]
#[case(r#""profile":{"password":"secret"}"#, "a@b.c - secret - - -")]
#[case(r#""meta":{"mustChangePassword":true}"#, "a@b.c - - - - true")]
#[case(r#""attributes":{"nsAccountLock":["TRUE"],"userAccountControl":["514"]}"#, "a@b.c - - - - - disabled")]
#[case(r#""attributes":{"locale":["de"],"userAccountControl":["512"]}"#, "a@b.c - - - - -")]
#[case(r#""status":{"code":"suspended"}"#, "refused on 1: status")]
#[case(r#""enabled":{"value":false}"#, "refused on 1: enabled")]
#[case(r#""enabled":[false]"#, "refused on 1: enabled")]
#[case(r#""directory":{"enabled":false}"#, "refused on 1: directory.enabled")]
#[case(r#""directory":{"enabled":true,"status":"synchronised","password":null}"#, "a@b.c - - - - -")]
#[case(
    r#""directory":{"ldap":{"mustChangePassword":"yes"}}"#,
    "refused on 1: directory.ldap.mustChangePassword"
)]
#[case(r#""manager":{"profile":{"enabled":false}},"createdBy":{"status":"deleted"}"#, "a@b.c - - - - -")]
#[case(
    r#""homeAddress":{"state":"CA","active":false},"_links":{"resetPassword":{"href":"x"}}"#,
    "a@b.c - - - - -"
)]
#[case(
    r#""passwordProfile":{"password":"secret","forceChangePasswordNextSignIn":true,"forceChangePasswordNextSignInWithMfa":false}"#,
    "a@b.c - secret - - true"
)]
fn an_object_in_a_user_follows_the_rules_of_the_user(#[case] fields: &str, #[case] expected: &str) {
    assert_eq!(outcomes(&format!(r#"{{"email":"a@b.c",{fields}}}"#)), [expected]);
}

#[test]
fn an_object_in_a_user_can_be_ignored() {
    let text = r#"{"email":"a@b.c","directory":{"enabled":false},"credentials":{"secret":"x"}}"#;
    for names in [["directory.enabled", "credentials.secret"], ["directory", "credentials"]] {
        let mut options = Options::default();
        names.iter().for_each(|name| options.ignore(name));
        let mut rows = Rows::with_options(text.as_bytes(), &options).unwrap();
        assert_eq!(shown(rows.next().unwrap().unwrap()), "1 1 a@b.c - - - - -");
    }
}

#[rstest]
#[case(r#""credentials":{"provider":{"type":"OKTA","name":"OKTA"}}"#, "a@b.c - - - - -")]
#[case(
    r#""credentials":{"password":{},"recovery_question":{"question":"Q"},"provider":{"type":"OKTA"}}"#,
    "a@b.c - - - - -"
)]
#[case(r#""credentials":{"password":{"value":"secret"}}"#, "a@b.c - secret - - -")]
#[case(
    r#""credentials":{"password":{"hash":{"algorithm":"BCRYPT"}}}"#,
    "refused on 1: credentials.password.hash"
)]
#[case(r#""credentials":{"secret":"x"}"#, "refused on 1: credentials.secret")]
#[case(r#""credentials":[{"type":"otp","secretData":"{}"},{"type":"webauthn"}]"#, "a@b.c - - - - -")]
#[case(
    r#""credentials":[{"type":"otp"},{"type":"password","secretData":"{}"}]"#,
    "refused on 1: credentials"
)]
#[case(r#""hashFunction":"SHA-1""#, "a@b.c - - - - -")]
#[case(r#""hashFunction":"SHA-1","password":"secret""#, "refused on 1: hashFunction")]
fn credentials_without_a_password_refuse_nothing(#[case] fields: &str, #[case] expected: &str) {
    assert_eq!(outcomes(&format!(r#"{{"email":"a@b.c",{fields}}}"#)), [expected]);
}

#[test]
fn tables_of_django_with_addresses_are_not_users() {
    let row = |model: &str, fields: &str| format!(r#"{{"model":"{model}","pk":1,"fields":{{{fields}}}}}"#);
    let text = [
        row("account.emailaddress", r#""user":1,"email":"a@b.c","verified":true"#),
        row("people.member", r#""email":"b@b.c","is_active":false"#),
        row("people.person", r#""email":"c@b.c","username":"c""#),
        row("people.appuser", r#""email":"d@b.c""#),
        row("crm.contact", r#""email":"e@b.c","name":"E""#),
    ];
    let text = format!("[{}]", text.join(",\n"));
    assert_eq!(outcomes(&text), ["b@b.c - - - - - disabled", "c@b.c - - - - -", "d@b.c - - - - -"]);
    let mut read = Rows::new(text.as_bytes(), None).unwrap();
    read.by_ref().for_each(drop);
    assert_eq!(
        read.summary().skipped_entries,
        [(1, "account.emailaddress".to_owned()), (5, "crm.contact".to_owned())]
    );
}

#[rstest]
#[case("{\"email\":\"a@b.c\",\"name\":\"x}\n{\"email\":\"b@b.c\"}\n", &["refused on 1: (row)", "b@b.c - - - - -"])]
#[case("{\"email\":\"a@b.c\",\n\n{\"email\":\"b@b.c\"}\n", &["refused on 1: (row)", "b@b.c - - - - -"])]
#[case("{\"email\":\"a@b.c\",\"emails\":[\r\n{\"email\":\"b@b.c\"}\r\n", &["refused on 1: (row)", "b@b.c - - - - -"])]
#[case(
    "{\"email\":\"a@b.c\",\"x\":{\"y\":1}\n{\"email\":\"b@b.c\"}\n{\"email\":\"c@b.c",
    &["refused on 1: (row)", "b@b.c - - - - -", "refused on 3: (row)"]
)]
#[case(
    "[\n  {\"email\":\"a@b.c\",\"x\":\"y},\n  {\"email\":\"b@b.c\"}\n]",
    &["refused on 2: (row)", "b@b.c - - - - -"]
)]
#[case(
    "{\"users\":[\n{\"email\":\"a@b.c\",\"x\":\"y},\n{\"email\":\"b@b.c\"}\n],\"z\":1}",
    &["refused on 2: (row)", "b@b.c - - - - -"]
)]
#[case(
    "[\n{\n\"email\":\"a@b.c\",\n\"emails\":[\n{\n\"x\":1\n},\n{\n\"x\":2\n}\n],\n\"name\":\n{\n\"givenName\":\"Ann\"\n}\n}\n,\n{\n\"email\":\"b@b.c\"\n}\n]",
    &["a@b.c Ann - - - -", "b@b.c - - - - -"]
)]
#[case(
    "{\n  \"users\": [\n    {\n      \"email\": \"a@b.c\",\n      \"x\": [\n        {}\n      ]\n    }\n  ]\n}\n",
    &["a@b.c - - - - -"]
)]
#[case(
    "{\"users\":[{\"email\":\"a@b.c\"},{\"email\":\"b@b",
    &[
        "a@b.c - - - - -",
        "refused on 1: (row)",
        "file: the `[` on line 1 is not closed: the file was truncated"
    ]
)]
fn an_object_without_an_end_swallows_no_other_row(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(outcomes(text), expected);
}

#[test]
fn a_part_of_a_country_is_no_state_in_any_object() {
    for (inner, expected) in [
        (r#""seat":{"state":"CA"}"#, "1 1 a@b.ch - - - - -"),
        (r#""profile":{"state":"CA"}"#, "1 1 a@b.ch - - - - -"),
        (r#""profile":{"state":"suspended"}"#, "1 1 a@b.ch - - - - - disabled"),
        (r#""seat":{"deletedAt":null}"#, "1 1 a@b.ch - - - - -"),
        (r#""profile":{"deletedAt":"2024-01-01"}"#, "1 1 a@b.ch - - - - - disabled"),
    ] {
        assert_eq!(rows(format!("{{\"email\":\"a@b.ch\",{inner}}}")), [expected], "{inner}");
    }
    assert!(rows(r#"{"email":"a@b.ch","seat":{"state":"suspended"}}"#)[0].contains("refused seat.state"));
    assert!(
        rows(r#"{"email":"a@b.ch","profile":{"state":["inactive"]}}"#)[0].contains("refused profile.state")
    );
    assert!(rows(r#"{"email":"a@b.ch","seat":{"deletedAt":"2024-01-01"}}"#)[0].contains("refused"));
}
