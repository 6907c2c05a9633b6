use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::super::{Filter, GROUP, ResourceType, ScimError, ScimType, USER};
use super::{barbara, fields, guides};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn parse(text: &str) -> Result<Filter, ScimError> {
    Filter::parse(text, &USER)
}

#[rstest]
// The examples of RFC 7644, 3.4.2.2.
#[case(r#"userName Eq "john""#, false)]
#[case(r#"userName eq "bjensen@example.com""#, true)]
#[case(r#"name.familyName co "O'Malley""#, false)]
#[case(r#"name.familyName co "ense""#, true)]
#[case(r#"userName sw "bj""#, true)]
#[case(r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "BJ""#, true)]
#[case("title pr", true)]
#[case(r#"meta.lastModified gt "2011-05-13T04:42:33Z""#, true)]
#[case(r#"meta.lastModified ge "2011-05-13T04:42:34Z""#, true)]
#[case(r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, false)]
#[case(r#"meta.lastModified le "2011-05-13T04:42:34Z""#, true)]
#[case(r#"title pr and userType eq "Employee""#, true)]
#[case(r#"title pr or userType eq "Intern""#, true)]
#[case(r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#, true)]
#[case(r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#, false)]
#[case(r#"userType eq "Employee" and (emails.type eq "work")"#, true)]
#[case(r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#, true)]
#[case(
    r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    true
)]
// One element must satisfy all of it.
#[case(r#"emails[type eq "work" and value co "jensen.org"]"#, false)]
#[case(r#"emails.type eq "work" and emails.value co "jensen.org""#, true)]
// What Entra ID and Okta send.
#[case(r#"externalId eq "bjensen""#, true)]
#[case(r#"externalId eq "BJensen""#, false)]
#[case(r#"userName eq "BJENSEN@EXAMPLE.COM""#, true)]
#[case(r#"emails[type eq "work"].value eq "bjensen@example.com""#, true)]
#[case(r#"emails[type eq "home"].value eq "bjensen@example.com""#, false)]
#[case(r#"emails[type eq "home"].primary eq "True""#, false)]
#[case(r#"emails[type eq "home" or type eq "work"].primary pr"#, true)]
#[case(r#"emails[primary eq "True"].value sw "bj""#, true)]
#[case(r#"active eq "True""#, true)]
#[case("ACTIVE EQ False", false)]
#[case(r#"id eq "2819c223-7f76-453a-919d-413861904646" and manager eq "26118915""#, false)]
// Names with a URN, and in another letter case.
#[case(r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "tours""#, true)]
#[case(r#"URN:IETF:PARAMS:SCIM:SCHEMAS:EXTENSION:ENTERPRISE:2.0:USER:MANAGER.VALUE sw "2611""#, true)]
#[case(r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "26118915-6090-4610-87e4-49d8ca9f808d""#, true)]
#[case(r#"Department eq "tours" and manager eq "26118915-6090-4610-87e4-49d8ca9f808d""#, true)]
#[case(r#"NAME.GIVENNAME eq "barbara""#, true)]
// Escapes.
#[case(r#"name.givenName eq "\u0042arb\u0061ra""#, true)]
#[case(r#"title eq "\"\\\/""#, false)]
// Precedence: not, and, or; white space.
#[case(r#"title pr or userType eq "x" and userName eq "x""#, true)]
#[case(r#"(title pr or userType eq "x") and userName eq "x""#, false)]
#[case(r#"not (title pr) or title pr"#, true)]
#[case(r#"not (title pr or title pr)"#, false)]
#[case("  not(  nickName\tpr  )  ", true)]
#[case(r#"title eq"tour guide"and(userName pr)"#, true)]
// Absent attributes, null, and order of texts.
#[case(r#"nickName ne "x""#, true)]
#[case(r#"nickName eq null"#, true)]
#[case("title eq NULL", false)]
#[case("title ne null", true)]
#[case(r#"nickName gt "a""#, false)]
#[case(r#"emails.value ne "babs@jensen.org""#, false)]
#[case(r#"emails[value ne "babs@jensen.org"]"#, true)]
#[case(r#"title gt "tour""#, true)]
#[case(r#"title le "Tour Guide""#, true)]
#[case(r#"title ew "GUIDE""#, true)]
#[case("emails pr", true)]
#[case("phoneNumbers pr", false)]
#[case("emails.display pr", false)]
// Times compare as instants.
#[case(r#"meta.lastModified eq "2011-05-13T06:42:34.000+02:00""#, true)]
#[case(r#"meta.lastModified gt "2011-05-13T04:42:34+02:00""#, true)]
#[case(r#"meta.lastModified sw "2011-05-13""#, true)]
fn a_filter_selects(#[case] text: &str, #[case] expected: bool) {
    let filter = parse(text).unwrap();
    assert_eq!(filter.matches(&barbara()), expected, "{filter}");
    assert_eq!(parse(&filter.to_string()), Ok(filter));
}

#[rstest]
#[case(r#"displayName eq "tour guides""#, true)]
#[case(r#"members eq "u1""#, true)]
#[case(r#"members eq "U1""#, false)]
#[case(r#"members[value eq "u2"]"#, true)]
#[case(r#"id eq "e9e30dba-f08f-4109-8486-d5c6a331660a" and members eq "u2""#, true)]
#[case(r#"members[value eq "u1" and type eq "User"]"#, false)]
#[case(r#"members.$ref pr"#, false)]
fn a_filter_selects_groups(#[case] text: &str, #[case] expected: bool) {
    assert_eq!(Filter::parse(text, &GROUP).unwrap().matches(&guides()), expected);
}

#[test]
fn texts_compare_beyond_ascii() {
    let user = fields(json!({ "userName": "ZOË", "title": "\u{1f642} \"q\" \\" }));
    for filter in [
        r#"userName eq "zo\u00eb""#,
        r#"userName sw "zO""#,
        r#"title sw "\ud83d\ude42""#,
        r#"title ew "\"Q\" \\""#,
    ] {
        assert!(parse(filter).unwrap().matches(&user), "{filter}");
    }
}

#[rstest]
#[case("", "position 1: expected an attribute, not or a parenthesis, found the end")]
#[case("usrName pr", "position 1: unknown attribute \"usrName\" (did you mean userName?).")]
#[case(r#"title pr and colour eq "x""#, "position 14: unknown attribute \"colour\"")]
#[case(r#"emails[kind eq "work"]"#, "position 8: unknown sub-attribute \"kind\" of emails")]
#[case(r#"urn:x:User:title eq "x""#, "unknown schema or attribute \"urn:x:User:title\"")]
#[case("title is 5", "position 7: expected one of eq, ne")]
#[case("title eq Tour", "position 10: expected a text in double quotes, a number, true")]
#[case("title eq 5", "expected a text in double quotes, found 5")]
#[case(r#"title eq "x"#, "position 10: the closing quote is missing")]
#[case(r#"title eq "\x""#, "position 10: expected a text with the escapes of JSON")]
#[case(r#"title eq "\ud83d""#, "position 10: expected a text with the escapes of JSON")]
#[case("active gt true", "active is a boolean")]
#[case(r#"active co "t""#, "active is a boolean")]
#[case(r#"active eq "yes""#, "expected true or false, found \"yes\"")]
#[case(r#"x509Certificates gt "a""#, "has no order")]
#[case(r#"name eq "x""#, "compare one of them, such as name.formatted")]
#[case(r#"addresses eq "x""#, "such as addresses.formatted")]
#[case("title gt null", "expected a text in double quotes, found null")]
#[case(r#"meta.created gt "yesterday""#, "expected a time such as")]
#[case("(title pr", "position 10: expected and, or or ), found the end")]
#[case("title pr)", "position 9: expected and, or, or the end of the filter")]
#[case("title pr userName pr", "position 10: expected and, or, or the end of the filter")]
#[case("title[x pr]", "title has no sub-attributes")]
#[case("emails[emails[type pr]]", "unknown sub-attribute")]
#[case("not title pr", "unknown attribute \"not\"")]
fn an_invalid_filter_is_explained(#[case] text: &str, #[case] detail: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)));
    assert!(error.detail.contains(detail), "{}", error.detail);
}

#[test]
fn a_password_is_no_condition() {
    for text in [r#"password eq "hunter2""#, r#"title pr and PASSWORD sw "h""#] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.status, error.scim_type), (403, Some(ScimType::Sensitive)));
        assert!(!error.detail.contains("hunter2"));
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(32)).is_ok());
    assert!(parse(&nested(33)).unwrap_err().detail.contains("at most 32 nested"));
    assert!(parse(&nested(4_000)).is_err());
    let long = format!("title eq \"{}\"", "x".repeat(8_192));
    assert!(parse(&long).unwrap_err().detail.contains("at most 8192 bytes"));
    let deep = format!("{}emails[type pr or type pr].value pr{}", "not (".repeat(31), ")".repeat(31));
    assert!(parse(&deep).is_err(), "its canonical text would be too deep");
    let many = vec!["title pr"; 600].join(" and ");
    let Filter::And(all) = parse(&many).unwrap() else { panic!("not joined") };
    assert_eq!(all.len(), 600);
}

#[rstest]
#[case(&USER, r#"userName eq "A""#, "userName", Some("A"))]
#[case(&USER, r#"USERNAME eq "A" and active eq true"#, "userName", Some("A"))]
#[case(&USER, r#"active eq true and (title pr and externalId eq "A")"#, "externalId", Some("A"))]
#[case(&USER, r#"emails[type eq "work"].value eq "A""#, "emails.value", Some("A"))]
#[case(&USER, r#"emails[type eq "work" and value eq "A"]"#, "emails.value", Some("A"))]
#[case(&USER, r#"emails eq "A""#, "emails.value", Some("A"))]
#[case(&USER, r#"emails[type eq "work" or value eq "A"]"#, "emails.value", None)]
#[case(&USER, r#"userName eq "A" or title pr"#, "userName", None)]
#[case(&USER, r#"not (userName eq "A")"#, "userName", None)]
#[case(&USER, r#"userName sw "A""#, "userName", None)]
#[case(&GROUP, r#"id eq "g" and members eq "u""#, "members.value", Some("u"))]
#[case(&GROUP, r#"members[value eq "u"]"#, "members.value", Some("u"))]
#[case(&GROUP, r#"displayName eq "A""#, "displayName", Some("A"))]
fn what_every_match_must_have_is_found(
    #[case] resource_type: &ResourceType,
    #[case] text: &str,
    #[case] path: &str,
    #[case] expected: Option<&str>,
) {
    assert_eq!(Filter::parse(text, resource_type).unwrap().required_equals(path), expected);
}

#[rstest]
#[case("USERNAME EQ \"A\"", "userName eq \"A\"")]
#[case(
    "emails[type eq \"a\" OR type eq \"b\"].value sw \"\\u0041\"",
    "emails[(type eq \"a\" or type eq \"b\") and value sw \"A\"]"
)]
#[case("emails eq \"A\"", "emails.value eq \"A\"")]
#[case("((title pr) and (title pr or (nickName pr)))", "title pr and (title pr or nickName pr)")]
#[case("primary pr", "")]
fn the_canonical_text(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(parse(text).map(|filter| filter.to_string()).unwrap_or_default(), expected);
}

fn filters() -> impl Strategy<Value = String> {
    let value = prop_oneof![Just("\"a\"".to_owned()), Just("\"B\\u00e9\"".to_owned())];
    let operator =
        prop_oneof![Just("eq"), Just("NE"), Just("co"), Just("sw"), Just("ew"), Just("gt"), Just("le")];
    let text = prop_oneof![
        Just("userName".to_owned()),
        Just("Emails.Type".to_owned()),
        Just("emails".to_owned()),
        Just(format!("{ENTERPRISE}:department")),
    ];
    let leaf = prop_oneof![
        (text, operator, value).prop_map(|(path, operator, value)| format!("{path} {operator} {value}")),
        Just("active eq \"True\"".to_owned()),
        Just("emails[type eq \"work\" or primary eq true].value co \"a\"".to_owned()),
        Just("manager pr or title pr".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or ({b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn the_canonical_text_means_the_same(text in filters()) {
        let filter = parse(&text).unwrap();
        let again = parse(&filter.to_string()).unwrap();
        prop_assert_eq!(again.matches(&barbara()), filter.matches(&barbara()));
        prop_assert_eq!(again, filter);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[a-zA-Z .:$\\[\\]()\"\\\\0-9é]{0,60}") {
        let _ = parse(&text);
    }
}
