//! The schema as clients read it (RFC 4512, 4.1 and 4.2).

use super::{Attribute, Rule};

const DN: &str = "1.3.6.1.4.1.1466.115.121.1.12";
const TEXT: &str = "1.3.6.1.4.1.1466.115.121.1.15";
const IA5: &str = "1.3.6.1.4.1.1466.115.121.1.26";
const INTEGER: &str = "1.3.6.1.4.1.1466.115.121.1.27";
const TIME: &str = "1.3.6.1.4.1.1466.115.121.1.24";
const OID: &str = "1.3.6.1.4.1.1466.115.121.1.38";
const BOOLEAN: &str = "1.3.6.1.4.1.1466.115.121.1.7";
const TELEPHONE: &str = "1.3.6.1.4.1.1466.115.121.1.50";
const UUID: &str = "1.3.6.1.1.16.1";

/// Syntaxes: number and description.
const SYNTAXES: [(&str, &str); 9] = [
    (BOOLEAN, "Boolean"),
    (DN, "DN"),
    (TEXT, "Directory String"),
    (TIME, "Generalized Time"),
    (IA5, "IA5 String"),
    (INTEGER, "INTEGER"),
    (OID, "OID"),
    (TELEPHONE, "Telephone Number"),
    (UUID, "UUID"),
];

/// Matching rules: number, name, syntax.
const RULES: [(&str, &str, &str); 16] = [
    ("2.5.13.0", "objectIdentifierMatch", OID),
    ("2.5.13.1", "distinguishedNameMatch", DN),
    ("2.5.13.2", "caseIgnoreMatch", TEXT),
    ("2.5.13.3", "caseIgnoreOrderingMatch", TEXT),
    ("2.5.13.4", "caseIgnoreSubstringsMatch", TEXT),
    ("2.5.13.5", "caseExactMatch", TEXT),
    ("2.5.13.6", "caseExactOrderingMatch", TEXT),
    ("2.5.13.7", "caseExactSubstringsMatch", TEXT),
    ("2.5.13.13", "booleanMatch", BOOLEAN),
    ("2.5.13.14", "integerMatch", INTEGER),
    ("2.5.13.15", "integerOrderingMatch", INTEGER),
    ("2.5.13.20", "telephoneNumberMatch", TELEPHONE),
    ("2.5.13.21", "telephoneNumberSubstringsMatch", TELEPHONE),
    ("2.5.13.27", "generalizedTimeMatch", TIME),
    ("2.5.13.28", "generalizedTimeOrderingMatch", TIME),
    ("1.3.6.1.1.16.2", "UUIDMatch", UUID),
];

/// The rules and the syntax of a kind of values: for equality, order, parts.
const fn names(rule: Rule) -> (&'static str, Option<&'static str>, Option<&'static str>, &'static str) {
    match rule {
        Rule::Text => {
            ("caseIgnoreMatch", Some("caseIgnoreOrderingMatch"), Some("caseIgnoreSubstringsMatch"), TEXT)
        }
        Rule::Address => ("caseIgnoreMatch", None, Some("caseIgnoreSubstringsMatch"), TEXT),
        Rule::Exact => {
            ("caseExactMatch", Some("caseExactOrderingMatch"), Some("caseExactSubstringsMatch"), TEXT)
        }
        Rule::Telephone => ("telephoneNumberMatch", None, Some("telephoneNumberSubstringsMatch"), TELEPHONE),
        Rule::Dn => ("distinguishedNameMatch", None, None, DN),
        Rule::Uuid => ("UUIDMatch", None, None, UUID),
        Rule::Integer => ("integerMatch", Some("integerOrderingMatch"), None, INTEGER),
        Rule::Time => ("generalizedTimeMatch", Some("generalizedTimeOrderingMatch"), None, TIME),
        Rule::Oid => ("objectIdentifierMatch", None, None, OID),
        Rule::Boolean => ("booleanMatch", None, None, BOOLEAN),
    }
}

/// The equality rule of a kind of values, and its number.
pub(crate) fn is_equality(rule: Rule, named: &str) -> bool {
    let (equality, ..) = names(rule);
    let number = RULES.iter().find(|(_, name, _)| *name == equality).map(|(number, ..)| *number);
    equality.eq_ignore_ascii_case(named) || number == Some(named)
}

/// Object classes: number, name, kind, class above, mandatory and optional attributes.
const CLASSES: [(&str, &str, &str, &str, &str, &str); 14] = [
    ("2.5.6.0", "top", "ABSTRACT", "", "objectClass", ""),
    ("2.5.6.4", "organization", "STRUCTURAL", "top", "o", "description"),
    ("2.5.6.5", "organizationalUnit", "STRUCTURAL", "top", "ou", "description"),
    ("2.5.6.6", "person", "STRUCTURAL", "top", "sn $ cn", "telephoneNumber $ description"),
    (
        "2.5.6.7",
        "organizationalPerson",
        "STRUCTURAL",
        "person",
        "",
        "title $ ou $ physicalDeliveryOfficeName",
    ),
    (
        "2.16.840.1.113730.3.2.2",
        "inetOrgPerson",
        "STRUCTURAL",
        "organizationalPerson",
        "",
        "departmentNumber $ displayName $ employeeNumber $ givenName $ mail $ mobile $ o $ uid",
    ),
    ("2.5.6.9", "groupOfNames", "STRUCTURAL", "top", "cn", "member $ description $ ou $ o"),
    ("2.5.6.17", "groupOfUniqueNames", "AUXILIARY", "top", "cn", "uniqueMember $ description $ ou $ o"),
    ("2.5.6.11", "applicationProcess", "STRUCTURAL", "top", "cn", "description $ ou"),
    ("1.3.6.1.4.1.1466.344", "dcObject", "AUXILIARY", "top", "dc", ""),
    (
        "1.3.6.1.1.1.2.0",
        "posixAccount",
        "AUXILIARY",
        "top",
        "cn $ uid $ uidNumber $ gidNumber $ homeDirectory",
        "loginShell $ gecos $ description",
    ),
    ("1.3.6.1.1.1.2.2", "posixGroup", "AUXILIARY", "top", "gidNumber", "description"),
    ("1.3.6.1.4.1.9999.1.1", "mailAccount", "AUXILIARY", "top", "mail", "uid"),
    ("2.5.20.1", "subschema", "AUXILIARY", "top", "", "attributeTypes $ objectClasses $ matchingRules"),
];

/// The attribute types, each as a definition.
pub(crate) fn attribute_types() -> Vec<String> {
    let definition = |attribute: &Attribute| {
        let kind = attribute.of();
        let (equality, order, parts, syntax) = names(kind.rule);
        let names: Vec<String> =
            std::iter::once(&kind.name).chain(kind.others).map(|name| format!("'{name}'")).collect();
        let order = order.map(|rule| format!(" ORDERING {rule}")).unwrap_or_default();
        let parts = parts.map(|rule| format!(" SUBSTR {rule}")).unwrap_or_default();
        let single = if kind.is_single { " SINGLE-VALUE" } else { "" };
        let usage = if kind.is_operational { " NO-USER-MODIFICATION USAGE directoryOperation" } else { "" };
        format!(
            "( {} NAME ( {} ) EQUALITY {equality}{order}{parts} SYNTAX {syntax}{single}{usage} )",
            kind.oid,
            names.join(" ")
        )
    };
    Attribute::ALL.iter().map(definition).collect()
}

/// The object classes, each as a definition.
pub(crate) fn object_classes() -> Vec<String> {
    let definition = |(oid, name, kind, above, must, may): &(&str, &str, &str, &str, &str, &str)| {
        let part = |word: &str, text: &str, list: bool| match (text, list) {
            ("", _) => String::new(),
            (text, true) => format!(" {word} ( {text} )"),
            (text, false) => format!(" {word} {text}"),
        };
        format!(
            "( {oid} NAME '{name}'{} {kind}{}{} )",
            part("SUP", above, false),
            part("MUST", must, true),
            part("MAY", may, true)
        )
    };
    CLASSES.iter().map(definition).collect()
}

/// The matching rules, each as a definition.
pub(crate) fn matching_rules() -> Vec<String> {
    RULES.iter().map(|(oid, name, syntax)| format!("( {oid} NAME '{name}' SYNTAX {syntax} )")).collect()
}

/// The syntaxes, each as a definition.
pub(crate) fn syntaxes() -> Vec<String> {
    SYNTAXES.iter().map(|(oid, description)| format!("( {oid} DESC '{description}' )")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_name_only_what_is_defined() {
        let rules = matching_rules().join("\n");
        for definition in attribute_types() {
            for (word, all) in [("EQUALITY ", &rules), ("ORDERING ", &rules), ("SUBSTR ", &rules)] {
                if let Some((_, rest)) = definition.split_once(word) {
                    let name = rest.split(' ').next().unwrap();
                    assert!(all.contains(&format!("'{name}'")), "{definition}");
                }
            }
        }
        for (_, _, _, above, must, may) in CLASSES {
            assert!(above.is_empty() || CLASSES.iter().any(|class| class.1 == above), "{above}");
            for name in must.split(" $ ").chain(may.split(" $ ")).filter(|name| !name.is_empty()) {
                assert!(Attribute::named(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn an_equality_rule_has_a_name_and_a_number() {
        assert!(is_equality(Rule::Text, "CASEIGNOREMATCH") && is_equality(Rule::Text, "2.5.13.2"));
        assert!(!is_equality(Rule::Text, "caseExactMatch"));
    }
}
