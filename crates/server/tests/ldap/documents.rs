//! Each filter of docs/LDAP.md finds what it is meant to find, with the values that the program puts into it.

use crate::{Door, group_dn, names, user_dn};

const ANN: &str = "Ann.Lee@example.com";

/// What programs write for a user, an address or a domain, or the name of an entry.
const PLACEHOLDERS: [&str; 9] =
    ["%uid", "%[1]s", "{{.Username}}", "{{.UserDN}}", "{0}", "%s", "%d", "%u", "%U"];

/// The filters of the document.
fn filters() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/LDAP.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text.split("## Programs").nth(1).unwrap().split("```").next().unwrap().to_owned();
    let quoted = table.split('`').skip(1).step_by(2);
    let is_filter = |text: &&str| text.starts_with('(') && text.ends_with(')');
    quoted.filter(is_filter).map(|text| text.replace("\\|", "|")).collect()
}

/// A filter with values in place of what the program puts in.
fn filled(filter: &str) -> String {
    let mut filled = filter.replace("{{.UserAttr}}", "uid");
    for placeholder in PLACEHOLDERS {
        while let Some(at) = filled.find(placeholder) {
            let before = &filled[..at];
            let value = match before {
                before if before.ends_with("ember=") => user_dn(ANN),
                before if before.ends_with("cn=") => "Staff".to_owned(),
                before if before.ends_with("*@") => "example.com".to_owned(),
                _ => ANN.to_owned(),
            };
            filled.replace_range(at..at + placeholder.len(), &value);
        }
    }
    filled
}

#[tokio::test]
async fn every_filter_of_the_document_finds_whom_it_is_for() {
    let door = Door::seeded().await;
    let mut ldap = door.service().await;
    let all = filters();
    assert!(all.len() > 20, "the document has filters: {all:?}");
    let (ann, staff) = (user_dn(ANN), group_dn("Staff"));
    for filter in all {
        let found = names(&mut ldap, &filled(&filter)).await;
        let is_for_groups = filter.to_lowercase().contains("groupof") || filter.contains("ember={0}");
        let (expected, other) = if is_for_groups { (&staff, &ann) } else { (&ann, &staff) };
        assert!(found.contains(expected) && !found.contains(other), "{filter}: {found:?}");
        let names_one = PLACEHOLDERS.iter().any(|it| filter.contains(it)) && !filter.contains("*@");
        if names_one && !is_for_groups {
            assert_eq!(found.len(), 1, "{filter}: {found:?}");
        }
    }
}
