//! What files of other systems say in their own way.

use super::*;

#[test]
fn entries_of_ldif_are_whole_without_a_blank_line_between_them() {
    let entry = |n: u8, lines: &str| format!("dn: uid=u{n}\n{lines}mail: u{n}@example.com\n");
    let file = entry(1, "")
        + &entry(2, "nsAccountLock: TRUE\nobjectClass: person\n")
        + " \n"
        + &entry(3, "cn: Ann\n");
    assert_eq!(
        rows(file),
        [
            "1 1 u1@example.com - - - - -",
            "2 3 u2@example.com - - - - - disabled",
            "3 8 u3@example.com Ann - - - -"
        ]
    );
}

#[rstest]
#[case("Deleted At", "2024-01-01", " disabled")]
#[case("Deleted At", "0000-00-00 00:00:00", "")]
#[case("Locked At", "2024-01-01", " locked")]
#[case("sambaAcctFlags", "[DU  ]", " disabled")]
#[case("nsRoleDN", "cn=nsManagedDisabledRole", " disabled")]
#[case("msDS-User-Account-Control-Computed", "16", " locked")]
#[case("canLogin", "f", " disabled")]
#[case("State", "WA", "")]
#[case("State", "suspended", " disabled")]
fn a_state_of_another_kind(#[case] name: &str, #[case] value: &str, #[case] state: &str) {
    let expected = format!("1 2 a@b.ch - - - - -{state}");
    assert_eq!(rows(format!("email,{name}\na@b.ch,{value}\n")), [expected]);
}

#[test]
fn a_row_without_its_state_is_refused() {
    let found = rows("email,name,Enabled\na@b.ch,Ann,true\nb@b.ch,Bob\n");
    assert!(
        found[1].contains("line 3 has 2 fields, and the header 3: the field Enabled is missing"),
        "{found:?}"
    );
    assert_eq!(rows("email,name\na@b.ch\n"), ["1 2 a@b.ch - - - - -"]);
}

#[test]
fn rows_of_csv_that_are_not_people_are_counted() {
    let file = "mail,objectClass\nann@b.ch,user\nall@b.ch,group\ncon@b.ch,top;person;contact\nbob@b.ch,\n";
    let mut read = Rows::new(file.as_bytes(), None).unwrap();
    assert_eq!(read.by_ref().count(), 2);
    assert_eq!(read.summary().skipped_entries, [(3, "group".to_owned()), (4, "contact".to_owned())]);
}

#[test]
fn a_date_of_expiry_is_reported() {
    let file = "mail,accountExpires\na@b.ch,133456789\nb@b.ch,9223372036854775807\nc@b.ch,0\n";
    let mut read = Rows::new(file.as_bytes(), None).unwrap();
    assert_eq!(read.by_ref().count(), 3);
    assert!(read.summary().notes()[0].starts_with("1 user has a date on which the account expires"));
}

#[test]
fn a_first_line_without_a_known_name_is_not_quoted() {
    let error = |file: &str| Rows::new(file.as_bytes(), None).err().unwrap().to_string();
    for file in ["Ann Lee;Canary-1;Sales\n", "ann,Canary-1\nbob,x\n"] {
        assert!(!error(file).contains("Canary") && error(file).contains("none that is known"), "{file}");
    }
    assert!(error("Person;Enabled\n").contains("found Person;Enabled"));
}

#[test]
fn a_chosen_name_that_does_not_occur_is_an_error_in_every_format() {
    let mut options = Options::default();
    options.map("active", "workng").unwrap();
    for file in [
        "email,working\na@b.ch,false\n",
        r#"{"email":"a@b.ch","working":false}"#,
        "dn: uid=a\nmail: a@b.ch\nworking: false\n",
    ] {
        let error = match Rows::with_options(file.as_bytes(), &options) {
            Ok(rows) => rows.last().unwrap().err(),
            Err(error) => Some(error),
        };
        assert!(error.unwrap().to_string().contains("workng"), "{file}");
    }
    // What occurred in one file says nothing about the next.
    let rows = |file: &str| Rows::with_options(file.as_bytes(), &options).unwrap().last().unwrap();
    assert!(rows(r#"{"email":"a@b.ch","workng":false}"#).is_ok());
    assert!(rows(r#"{"email":"a@b.ch"}"#).is_err());
    options.map("email", "working").unwrap();
    assert_eq!(format!("{options:?}"), format!("{:?}", options.clone()));
}
