//! Promises that every format keeps: an inactive account never becomes an active user, and a password is shown nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::super::meaning::NAMES;
use super::super::words::{INACTIVE, LOCKED, NO, YES};
use super::super::*;

/// The formats: SCIM is JSON with the keys of RFC 7643.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Csv,
    Json,
    Scim,
    Ldif,
}

fn kind() -> impl Strategy<Value = Kind> {
    select(vec![Kind::Csv, Kind::Json, Kind::Scim, Kind::Ldif])
}

/// A file with one user, who has these fields.
fn file(kind: Kind, fields: &[(String, String)]) -> String {
    const ADDRESS: &str = "ann@example.com";
    let values = fields.iter().map(|(name, value)| (name.clone(), typed(value)));
    match kind {
        Kind::Csv => {
            let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
            let line = |first: &str, cells: Vec<String>| [vec![first.to_owned()], cells].concat().join(",");
            let names = line("email", fields.iter().map(|(name, _)| quoted(name)).collect());
            let values = line(ADDRESS, fields.iter().map(|(_, value)| quoted(value)).collect());
            format!("{names}\n{values}\n")
        }
        Kind::Json => {
            let address = ("emailAddress".to_owned(), json!(ADDRESS));
            Value::Object(std::iter::once(address).chain(values).collect()).to_string()
        }
        Kind::Scim => {
            let mut user = Map::new();
            user.insert("schemas".to_owned(), json!(["urn:ietf:params:scim:schemas:core:2.0:User"]));
            user.insert("userName".to_owned(), json!("ann"));
            user.insert("emails".to_owned(), json!([{ "value": ADDRESS, "primary": true }]));
            user.extend(values);
            json!({ "totalResults": 1, "Resources": [user] }).to_string()
        }
        Kind::Ldif => {
            let line = |(name, value): &(String, String)| match value.is_ascii() && value.trim() == value {
                true => format!("{name}: {value}\n"),
                false => format!("{name}:: {}\n", STANDARD.encode(value)),
            };
            let lines: String = fields.iter().map(line).collect();
            format!("dn: uid=ann\nobjectClass: person\nmail: {ADDRESS}\n{lines}")
        }
    }
}

/// A flag or a number as JSON writes it, where JSON has one for the text.
fn typed(value: &str) -> Value {
    match value {
        "true" => json!(true),
        "false" => json!(false),
        "0" | "1" | "2" | "514" => json!(value.parse::<u32>().unwrap()),
        text => json!(text),
    }
}

/// A name in any case, with blanks and punctuation between its letters.
fn spelled(name: &'static str) -> impl Strategy<Value = String> {
    let signs = select(vec!["", "", "", "", "", "", " ", "_", "-", ".", "'"]);
    prop::collection::vec((any::<bool>(), signs), name.chars().count()).prop_map(|letters| {
        let letter = |(letter, (upper, sign)): (char, (bool, &str))| {
            let letter = if upper { letter.to_uppercase().to_string() } else { letter.to_string() };
            letter + sign
        };
        name.chars().zip(letters).map(letter).collect()
    })
}

/// A word in any case, with blanks around it.
fn word(words: &'static [&'static str]) -> BoxedStrategy<String> {
    let padded = |(word, upper, padding): (&str, bool, &str)| {
        let word = if upper { word.to_uppercase() } else { word.to_owned() };
        format!("{padding}{word}{padding}")
    };
    (select(words), any::<bool>(), select(vec!["", "", " "])).prop_map(padded).boxed()
}

/// A field that says that the account is disabled or locked, by every name that has such a meaning.
fn inactive() -> impl Strategy<Value = (String, String)> {
    let names: Vec<(Meaning, &'static str)> = NAMES
        .iter()
        .filter(|(meaning, _)| meaning.is_state())
        .flat_map(|(meaning, names)| names.iter().map(|name| (*meaning, *name)))
        .collect();
    select(names).prop_flat_map(|(meaning, name)| (spelled(name), values(meaning)))
}

fn values(meaning: Meaning) -> BoxedStrategy<String> {
    let some = |words: &[&'static str]| select(words.to_vec()).prop_map(str::to_owned).boxed();
    let state = |words: &'static [&'static str]| select(words).prop_flat_map(spelled).boxed();
    match meaning {
        Meaning::Active => word(NO),
        Meaning::Disabled | Meaning::Locked => word(YES),
        Meaning::Status | Meaning::StatusOrRegion => prop_oneof![state(INACTIVE), state(LOCKED)].boxed(),
        Meaning::LockedSince => some(&["000001010000Z", "20240101000000Z", "1"]),
        Meaning::DisabledSince => some(&["2024-01-01", "01.02.2024 10:00", "yes"]),
        Meaning::SambaFlags => some(&["[DU         ]", "[UL]"]),
        Meaning::RoleOfDirectory => some(&["cn=nsManagedDisabledRole,dc=example,dc=com"]),
        Meaning::AccountControl => some(&["2", "514", "66050", "528", " 514 "]),
        _ => unreachable!("{meaning:?} is no state"),
    }
}

/// A field that says nothing about the state, or that the account is active.
fn other() -> impl Strategy<Value = (String, String)> {
    let pairs = [
        ("displayName", "Ann"),
        ("badge", "7"),
        ("isActive", "true"),
        ("accountLocked", "no"),
        ("sn", "Lee"),
    ];
    select(pairs.to_vec()).prop_map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// These fields, with one at any place among others of other names.
fn together(one: (String, String), mut others: Vec<(String, String)>, at: Index) -> Vec<(String, String)> {
    let mut names = vec![meaning::plain(&one.0)];
    others.retain(|(name, _)| {
        let name = meaning::plain(name);
        let is_new = !names.contains(&name);
        names.push(name);
        is_new
    });
    others.insert(at.index(others.len() + 1), one);
    others
}

/// A password as no other text of a file is.
const SECRET: &str = "Canary 47'11";

/// A field that holds the password, by every name that has this meaning.
fn password() -> impl Strategy<Value = (String, String)> {
    let names = NAMES.iter().find(|(meaning, _)| *meaning == Meaning::Password).unwrap().1;
    select(names).prop_flat_map(|name| (spelled(name), Just(SECRET.to_owned())))
}

/// Everything that is said about a file. The second part is what the rows hold, without the password.
fn said(text: &str, kind: Kind) -> (String, String, Option<String>) {
    let format = match kind {
        Kind::Csv => Format::Csv,
        Kind::Json | Kind::Scim => Format::Json,
        Kind::Ldif => Format::Ldif,
    };
    let mut rows = match Rows::new(text.as_bytes(), Some(format)) {
        Ok(rows) => rows,
        Err(error) => return (error.to_string(), String::new(), None),
    };
    let (mut said, mut held, mut password) = (String::new(), String::new(), None);
    for row in rows.by_ref() {
        match row.map(|row| (row.address, row.item)) {
            Ok((_, Ok(entry))) => {
                let item = entry.into_user().unwrap();
                password = item.password.as_ref().map(|password| password.expose_secret().to_owned());
                let hash = item.password_hash.as_ref().map(|hash| hash.expose_secret().to_owned());
                held += &format!("{:?} {:?} {:?} {hash:?}", item.email_address, item.name, item.account_code);
            }
            Ok((address, Err(errors))) => {
                held += &address;
                let text = |error: &Error| format!("{} {:?}", error.message, error.field);
                said.extend(errors.iter().map(text));
            }
            Err(error) => said += &error.to_string(),
        }
    }
    let summary = rows.summary();
    said += &summary.notes().concat();
    said += &format!("{:?} {:?}", summary.ignored, summary.skipped_entries);
    (said, held, password)
}

proptest! {
    #[test]
    fn an_inactive_account_is_never_an_active_user(
        kind in kind(),
        inactive in inactive(),
        others in prop::collection::vec(other(), 0..3),
        at in any::<Index>(),
    ) {
        let fields = together(inactive, others, at);
        let text = file(kind, &fields);
        let mut rows: Vec<_> = Rows::new(text.as_bytes(), None).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), 1);
        let row = rows.remove(0);
        prop_assert!(row.item.is_ok(), "{:?}: {}", row.item.err(), text);
        let item = row.item.unwrap().into_user().unwrap();
        prop_assert!(item.account_disabled == Some(true) || item.account_locked == Some(true), "{text}");
        let options = Options { inactive: Inactive::Refuse, ..Options::default() };
        let mut rows = Rows::with_options(text.as_bytes(), &options).unwrap();
        prop_assert!(rows.next().unwrap().unwrap().item.is_err(), "{text}");
    }

    #[test]
    fn a_password_is_shown_nowhere(
        kind in kind(),
        password in password(),
        others in prop::collection::vec(prop_oneof![other(), inactive()], 0..3),
        at in any::<Index>(),
    ) {
        let fields = together(password, others, at);
        let text = file(kind, &fields);
        let (said, held, found) = said(&text, kind);
        prop_assert!(!said.contains(SECRET) && !held.contains(SECRET), "{said} {held}: {text}");
        prop_assert!(found.is_none_or(|found| found == SECRET), "{text}");
    }

    #[test]
    fn a_message_about_a_broken_file_shows_no_password(
        kind in kind(),
        password in password(),
        others in prop::collection::vec(prop_oneof![other(), inactive()], 0..3),
        places in any::<[Index; 2]>(),
        sign in prop::option::of(select(vec!['"', '\'', ',', '\n', '{', '}', '[', ']', ':', '\\', ' '])),
    ) {
        let fields = together(password, others, places[0]);
        let mut text = file(kind, &fields);
        let place = places[1].index(text.len());
        // Without the line break, the row would name the columns.
        prop_assume!(text.is_char_boundary(place) && !text[place..].starts_with('\n'));
        match sign {
            Some(sign) => text.insert(place, sign),
            None => drop(text.remove(place)),
        }
        let (said, _, _) = said(&text, kind);
        prop_assert!(!said.contains(SECRET), "{said}: {text}");
    }

    #[test]
    fn an_inactive_account_is_never_an_active_user_wherever_the_file_says_so(
        (name, value) in inactive(),
        path in prop::collection::vec(select(vec!["profile", "attributes", "account", "directory", "x"]), 1..3),
        listed in any::<bool>(),
        list in prop::option::of(select(vec!["identities", "members", "data", "value", "entries", "operations"])),
        is_first in any::<bool>(),
    ) {
        let value = if listed { json!([typed(&value)]) } else { typed(&value) };
        let said = path.iter().rev().fold(json!({ name: value }), |inner, key| json!({ *key: inner })).to_string();
        let list = list.map_or(String::new(), |list| format!(r#","{list}":[{{"email":"x@example.com"}}]"#));
        let said = &said[1..said.len() - 1];
        let text = match is_first {
            true => format!(r#"{{{said}{list},"email":"ann@example.com"}}"#),
            false => format!(r#"{{"email":"ann@example.com"{list},{said}}}"#),
        };
        let rows: Vec<_> = Rows::new(text.as_bytes(), None).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), 1, "{}", text);
        if let Ok(Entry::User(item)) = &rows[0].item {
            prop_assert!(item.account_disabled == Some(true) || item.account_locked == Some(true), "{text}");
        }
    }

    #[test]
    fn every_line_of_json_lines_is_a_row_whatever_is_cut(
        count in 1..6_usize,
        broken in any::<Index>(),
        place in any::<Index>(),
    ) {
        let line = |n: usize| {
            format!(r#"{{"email":"u{n}@example.com","name":"Ann","emails":[{{"value":"x"}}],"profile":{{"a":"b"}}}}"#)
        };
        let mut lines: Vec<String> = (0..count).map(line).collect();
        let cut = broken.index(count);
        let length = 1 + place.index(lines[cut].len() - 1);
        lines[cut].truncate(length);
        let text = lines.join("\n");
        // A brace alone on its line begins an object of several lines.
        prop_assume!(length > 1);
        let rows: Vec<_> = Rows::new(text.as_bytes(), None).unwrap().map(Result::unwrap).collect();
        let found: Vec<u64> = rows.iter().map(|row| row.line).collect();
        prop_assert_eq!(found, (1..=count as u64).collect::<Vec<_>>(), "{}", &text);
        let good = rows.iter().filter(|row| row.item.is_ok()).count();
        prop_assert_eq!(good, count - 1, "{}", text);
    }
}
