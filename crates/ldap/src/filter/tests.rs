use super::*;
use crate::ber::{SEQUENCE, Writer};
use proptest::prelude::*;
use rstest::rstest;

fn ann() -> Entry {
    let mut entry = Entry::new("uid=ann@example.com,ou=people,dc=example,dc=com".to_owned());
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    entry.set(Attribute::ObjectClass, texts(&["top", "person", "inetOrgPerson"]));
    entry.set(Attribute::Uid, texts(&["Ann@example.com", "Ann"]));
    entry.set(Attribute::Mail, texts(&["Ann@example.com", "lee@bücher.example"]));
    entry.set_one(Attribute::Cn, "Ann  Lee");
    entry.set_one(Attribute::MemberOf, "cn=Sales,ou=groups,dc=example,dc=com");
    entry.set_one(Attribute::CreateTimestamp, "20261130181905Z");
    entry.set_one(Attribute::UidNumber, "100001");
    entry
}

fn assertion(tag: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer(&mut out);
    let open = writer.begin(tag);
    writer.octets(OCTETS, name.as_bytes());
    writer.octets(OCTETS, value);
    writer.end(open);
    out
}

fn of_parts(name: &str, parts: &[(u8, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer(&mut out);
    let open = writer.begin(0xa4);
    writer.octets(OCTETS, name.as_bytes());
    let list = writer.begin(SEQUENCE);
    parts.iter().for_each(|(tag, text)| writer.octets(*tag, text.as_bytes()));
    writer.end(list);
    writer.end(open);
    out
}

fn outcome(bytes: &[u8]) -> Option<bool> {
    let groups = Dn::parse("ou=groups,dc=example,dc=com").unwrap();
    Filter::decode(bytes, &groups).unwrap().matches(&ann())
}

#[rstest]
#[case(0xa3, "uid", "ANN", Some(true))]
#[case(0xa3, "USERID", " ann@EXAMPLE.com ", Some(true))]
#[case(0xa8, "cn", "ann lee", Some(true))]
#[case(0xa3, "mail", "LEE@xn--bcher-kva.example", Some(true))]
#[case(0xa3, "objectclass", "INETORGPERSON", Some(true))]
#[case(0xa3, "cn", "Bob", Some(false))]
#[case(0xa3, "sn", "Lee", Some(false))]
#[case(0xa3, "userPassword", "x", None)]
#[case(0xa3, "cn;lang-de", "Ann Lee", None)]
#[case(0xa3, "uidNumber", "one", None)]
#[case(0xa3, "uidNumber", "0100001", Some(true))]
#[case(0xa5, "uidNumber", "100000", Some(true))]
#[case(0xa6, "uidNumber", "100000", Some(false))]
#[case(0xa5, "createTimestamp", "20261130181905Z", Some(true))]
#[case(0xa6, "createTimestamp", "20261130191904+0100", Some(false))]
#[case(0xa5, "mail", "a", None)]
#[case(0xa3, "memberOf", "CN=sales, OU=groups, DC=example, DC=com", Some(true))]
#[case(0xa3, "memberOf", "sales", Some(true))]
#[case(0xa3, "memberOf", "support", Some(false))]
#[case(0xa3, "memberOf", "", Some(false))]
fn conditions_compare_by_the_rule_of_the_attribute(
    #[case] tag: u8,
    #[case] name: &str,
    #[case] value: &str,
    #[case] expected: Option<bool>,
) {
    assert_eq!(outcome(&assertion(tag, name, value.as_bytes())), expected);
}

#[rstest]
#[case("mail", &[(0x82, "@example.com")], Some(true))]
#[case("cn", &[(0x80, "ANN "), (0x82, "ee")], Some(true))]
#[case("cn", &[(0x81, "n"), (0x81, "l")], Some(true))]
#[case("cn", &[(0x81, "l"), (0x81, "n")], Some(false))]
// Parts do not share characters.
#[case("cn", &[(0x80, "ann l"), (0x82, "lee")], Some(false))]
#[case("memberOf", &[(0x80, "cn=")], None)]
#[case("unknown", &[(0x80, "a")], None)]
fn parts_are_found_in_their_order(
    #[case] name: &str,
    #[case] parts: &[(u8, &str)],
    #[case] expected: Option<bool>,
) {
    assert_eq!(outcome(&of_parts(name, parts)), expected);
}

#[test]
fn octets_that_are_no_text_are_undefined_and_no_error() {
    assert_eq!(outcome(&assertion(0xa3, "cn", b"\xf6")), None);
    assert_eq!(outcome(&[0x87, 2, b'c', b'n']), Some(true));
    assert_eq!(outcome(&[0xa0, 0]), Some(true));
    assert_eq!(outcome(&[0xa1, 0]), Some(false));
}

fn extended(rule: Option<&str>, name: Option<&str>, value: &str) -> Option<bool> {
    let mut out = Vec::new();
    let mut writer = Writer(&mut out);
    let open = writer.begin(0xa9);
    rule.iter().for_each(|rule| writer.octets(0x81, rule.as_bytes()));
    name.iter().for_each(|name| writer.octets(0x82, name.as_bytes()));
    writer.octets(0x83, value.as_bytes());
    writer.octets(0x84, &[0xff]);
    writer.end(open);
    outcome(&out)
}

#[test]
fn rules_are_those_of_equality_and_of_members_of_members() {
    let sales = "cn=sales,ou=groups,dc=example,dc=com";
    assert_eq!(extended(Some(IN_CHAIN), Some("memberOf"), sales), Some(true));
    assert_eq!(extended(Some("caseIgnoreMatch"), Some("cn"), "ann lee"), Some(true));
    assert_eq!(extended(Some("2.5.13.2"), Some("cn"), "ann lee"), Some(true));
    assert_eq!(extended(None, Some("cn"), "bob"), Some(false));
    assert_eq!(extended(Some("caseExactMatch"), Some("cn"), "ann lee"), None);
    assert_eq!(extended(Some(IN_CHAIN), Some("cn"), "ann lee"), None);
    assert_eq!(extended(Some("caseIgnoreMatch"), None, "ann lee"), None);
}

#[test]
fn filters_have_bounds() {
    let mut deep = vec![0xa0, 0];
    for _ in 0..MAX_DEPTH {
        let mut out = Vec::new();
        Writer(&mut out).octets(0xa2, &deep);
        deep = out;
    }
    assert_eq!(Filter::decode(&deep, &Dn::default()), Err(FilterError::TooLarge));
    let mut wide = Vec::new();
    Writer(&mut wide).octets(0xa1, &[0xa0, 0].repeat(MAX_CONDITIONS));
    assert_eq!(Filter::decode(&wide, &Dn::default()), Err(FilterError::TooLarge));
    for bytes in [&[][..], &[0xa2, 0], &[0xaa, 0], &[0xa3, 2, 4, 0], &[0xa0, 0, 0], &[0xa4, 4, 4, 0, 0x30, 0]]
    {
        assert!(matches!(Filter::decode(bytes, &Dn::default()), Err(FilterError::Malformed(_))), "{bytes:?}");
    }
}

/// A small model: a condition is true, false or undefined.
#[derive(Clone, Debug)]
enum Model {
    Is(Option<bool>),
    And(Vec<Model>),
    Or(Vec<Model>),
    Not(Box<Model>),
}

impl Model {
    fn outcome(&self) -> Option<bool> {
        // The smallest and the largest of false < undefined < true.
        let rank = |outcome: Option<bool>| outcome.map_or(1, |is| if is { 2 } else { 0 });
        let back = |rank: u8| [Some(false), None, Some(true)][usize::from(rank)];
        match self {
            Model::Is(outcome) => *outcome,
            Model::And(all) => back(all.iter().map(|one| rank(one.outcome())).min().unwrap_or(2)),
            Model::Or(all) => back(all.iter().map(|one| rank(one.outcome())).max().unwrap_or(0)),
            Model::Not(one) => back(2 - rank(one.outcome())),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        let list = |all: &[Model]| all.iter().flat_map(Model::encoded).collect::<Vec<_>>();
        let (tag, content) = match self {
            Model::Is(Some(true)) => return assertion(0xa3, "cn", b"ann lee"),
            Model::Is(Some(false)) => return assertion(0xa3, "cn", b"bob"),
            Model::Is(None) => return assertion(0xa3, "unknown", b""),
            Model::And(all) => (0xa0, list(all)),
            Model::Or(all) => (0xa1, list(all)),
            Model::Not(one) => (0xa2, one.encoded()),
        };
        let mut out = Vec::new();
        Writer(&mut out).octets(tag, &content);
        out
    }
}

fn model() -> impl Strategy<Value = Model> {
    let leaf = prop_oneof![Just(Some(true)), Just(Some(false)), Just(None)].prop_map(Model::Is);
    leaf.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Model::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Model::Or),
            inner.prop_map(|one| Model::Not(Box::new(one))),
        ]
    })
}

proptest! {
    #[test]
    fn logic_has_three_values(model in model()) {
        prop_assert_eq!(outcome(&model.encoded()), model.outcome());
    }

    #[test]
    fn any_bytes_are_a_filter_or_an_error(bytes: Vec<u8>) {
        let _ = Filter::decode(&bytes, &Dn::default()).map(|filter| filter.matches(&ann()));
    }
}
