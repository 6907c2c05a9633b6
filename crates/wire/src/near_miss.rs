//! Fields that were sent under a name that is almost right. They are ignored, so a caller should know.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::import::field_of;
use crate::item::FieldSpec;

/// Names that are examined in a request, and longest name.
const MOST_NAMES: usize = 100;
const MOST_BYTES: usize = 60;

/// The field that a name was probably meant for: the same but for case and separators, with one letter wrong, or another
/// word for it in files of users.
pub fn near_miss(sent: &str, fields: &[FieldSpec]) -> Option<&'static str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.');
    if sent.len() > MOST_BYTES || !sent.chars().all(is_word) {
        return None;
    }
    let plain = |text: &str| text.replace(['_', '-', ' ', '.'], "").to_lowercase();
    let typed = plain(sent);
    let is_typo =
        |name: &str| name.len() >= 8 && typed.len() >= 7 && strsim::osa_distance(&typed, &plain(name)) == 1;
    let find =
        |is_meant: &dyn Fn(&str) -> bool| fields.iter().map(|field| field.name).find(|name| is_meant(name));
    find(&|name| plain(name) == typed)
        .or_else(|| find(&is_typo))
        .or_else(|| field_of(sent).and_then(|known| find(&|name| name == known)))
}

/// The near misses in some objects: name and field. A field that was also sent under its own name is not missed.
pub fn near_misses<'v>(
    objects: impl Iterator<Item = &'v Value>,
    fields: &[FieldSpec],
) -> BTreeMap<String, &'static str> {
    let (mut seen, mut found) = (BTreeSet::new(), BTreeMap::new());
    for object in objects.filter_map(Value::as_object) {
        for name in object.keys() {
            let is_known = fields.iter().any(|field| field.name == name);
            if is_known || seen.len() >= MOST_NAMES || !seen.insert(name.as_str()) {
                continue;
            }
            if let Some(field) = near_miss(name, fields).filter(|field| !object.contains_key(*field)) {
                found.insert(name.clone(), field);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::create_user;
    use crate::item::Item as _;
    use serde_json::json;

    #[test]
    fn a_name_that_is_almost_right_is_found() {
        let fields = create_user::Item::FIELDS;
        for (sent, meant) in [
            ("forcepasswordchange", Some("forcePasswordChange")),
            ("force_password_change", Some("forcePasswordChange")),
            ("forcePasswordChnage", Some("forcePasswordChange")),
            ("mustChangePassword", Some("forcePasswordChange")),
            ("email", Some("emailAddress")),
            ("emailAdress", Some("emailAddress")),
            ("displayName", Some("name")),
            ("Password", Some("password")),
            ("account-code", Some("accountCode")),
            ("suspended", Some("accountDisabled")),
            ("enabled", Some("accountDisabled")),
            ("pasword", Some("password")),
            ("allowPop", None),
            ("names", None),
            ("password\n", None),
            ("emailAddress\u{e9}", None),
        ] {
            assert_eq!(near_miss(sent, fields), meant, "{sent}");
        }
    }

    #[test]
    fn a_field_that_is_there_was_not_missed() {
        let items =
            [json!({"emailAddress": "a@example.com", "mail": "b@example.com", "NAME": "Ann"}), json!(7)];
        let found = near_misses(items.iter(), create_user::Item::FIELDS);
        assert_eq!(found, BTreeMap::from([("NAME".to_owned(), "name")]));
    }
}
