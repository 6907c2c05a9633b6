mod json;
mod properties;
mod systems;

use super::*;
use proptest::prelude::*;
use rstest::rstest;
use secrecy::ExposeSecret as _;

/// A row, as a line to compare.
fn shown(row: Row) -> String {
    let Row { number, line, address, item } = row;
    match item {
        Ok(item) => {
            let secret = |secret: &Option<secrecy::SecretString>| {
                secret.as_ref().map_or("-".to_owned(), |secret| secret.expose_secret().to_owned())
            };
            let Item {
                email_address,
                password,
                password_hash,
                account_code,
                force_password_change,
                name,
                account_disabled,
                account_locked,
            } = match item {
                Entry::User(user) => *user,
                Entry::Alias(Alias { alias_for, alias }) => {
                    assert_eq!(alias, address);
                    return format!("{number} {line} {address} alias of {alias_for}");
                }
            };
            assert_eq!(email_address.as_deref(), Some(&*address));
            let state = match (account_disabled, account_locked) {
                (None, None) => "",
                (Some(true), None) => " disabled",
                (None, Some(true)) => " locked",
                _ => " disabled and locked",
            };
            format!(
                "{number} {line} {address} {} {} {} {} {}{state}",
                name.as_deref().unwrap_or("-"),
                secret(&password),
                secret(&password_hash),
                account_code.as_deref().unwrap_or("-"),
                force_password_change.map_or("-".to_owned(), |flag| flag.to_string()),
            )
        }
        Err(errors) => {
            let errors: Vec<_> = errors
                .iter()
                .map(|error| format!("{}: {}", error.field.as_deref().unwrap_or("(row)"), error.message))
                .collect();
            format!("{number} {line} {address} refused {}", errors.join("; "))
        }
    }
}

fn rows(text: impl AsRef<[u8]>) -> Vec<String> {
    Rows::new(text.as_ref(), None).unwrap().map(|row| shown(row.unwrap())).collect()
}

#[test]
fn csv_as_the_service_and_spreadsheets_write_it() {
    let plain = "email,name,password\nann@example.com,Ann Lee,secret\nbob@example.com,,\n";
    assert_eq!(rows(plain), ["1 2 ann@example.com Ann Lee secret - - -", "2 3 bob@example.com - - - - -"]);
    let german = "\u{feff}E-Mail;Display Name;Account_Code;Force Password Change;passwordHash;Badge\r\n\
                  \"ann@example.com\";\"Lee; \"\"Ann\"\"\nof two lines\";C1;yes;$2b$10$x;7\r\n;;;;;\r\nbob@example.com;Bob;;No;;\r\n";
    let mut read = Rows::new(german.as_bytes(), None).unwrap();
    let shown: Vec<_> = read.by_ref().map(|row| shown(row.unwrap())).collect();
    assert_eq!(read.summary().ignored.into_iter().collect::<Vec<_>>(), ["Badge"]);
    assert_eq!(
        shown,
        [
            "1 2 ann@example.com Lee; \"Ann\"\nof two lines - $2b$10$x C1 true",
            "2 5 bob@example.com Bob - - - false"
        ]
    );
    assert_eq!(rows(b"mail\tname\nann@example.com\t\xc5sa\n"), ["1 2 ann@example.com Åsa - - - -"]);
}

#[test]
fn a_row_that_can_t_be_used_says_why_and_the_next_one_is_read() {
    let text = "email,name,forcePasswordChange\n,Ann,\na@b.c,Lee, Ann,true\na@b.c,,maybe\na@b.c,,\n";
    assert_eq!(
        rows(text),
        [
            "1 2  refused emailAddress: This field is mandatory",
            "2 3  refused (row): line 3 has 4 fields, but the header has 3: does an unquoted field contain a separator?",
            "3 4 a@b.c refused forcePasswordChange: Expected true or false, found \"maybe\". These words are read: true, yes, 1, \
             WAHR, ja, VRAI, oui, VERDADERO, sí; false, no, 0, FALSCH, nein, FAUX, non, FALSO",
            "4 5 a@b.c - - - - -",
        ]
    );
}

#[rstest]
#[case(
    "name,password\nx,y\n",
    "the header line has no column `email` (or `emailAddress`, `mail`): found name,password. Rename the column, or \
     use --column of `matricula import`"
)]
#[case(
    "email,E-Mail\nx,y\n",
    "the header line names the column E-Mail twice, or another column for the same field: remove one, or use \
     --ignore of `matricula import`"
)]
#[case(
    "ann@example.com,Ann,Sunny-Day-4711\nx,y,z\n",
    "the first line contains an address instead of names of columns: add a header line such as `email,name,password`"
)]
fn a_header_that_can_t_be_used_stops_it(#[case] text: &str, #[case] said: &str) {
    assert_eq!(Rows::new(text.as_bytes(), None).err().unwrap().to_string(), said);
}

#[test]
fn json_in_every_shape() {
    let one = r#"{"emailAddress":"ann@example.com","name":"Ann {Lee}","password":"se\"cret"}"#;
    let two = r#"{ "emailAddress": "bob@example.com", "forcePasswordChange": "True", "badge": 7 }"#;
    let expected = ["ann@example.com Ann {Lee} se\"cret - - -", "bob@example.com - - - - true"];
    for text in [
        format!("{one}\n{two}\n"),
        format!("{one}{two}"),
        format!("[{one},\n{two}]"),
        format!(
            "{{\"totalResults\":2,\"Resources\" : [{one}, {two}], \"itemsPerPage\": {{\"x\": [\"]\"]}}}}"
        ),
    ] {
        let read: Vec<_> =
            rows(&text).iter().map(|row| row.splitn(3, ' ').nth(2).unwrap().to_owned()).collect();
        assert_eq!(read, expected, "{text}");
    }
    let broken =
        format!("{one}\nnonsense\n{{\"emailAddress\":7}}\n{{\"emailAddress\":}}\n{two}\n{{\"open\": ");
    assert_eq!(
        rows(broken)[1..],
        [
            "2 2  refused (row): line 2: expected an object in braces",
            "3 3  refused emailAddress: Expected text, found a number",
            "4 4  refused (row): line 4: at line 1, column 17 (byte 16), in `emailAddress`: expected a value, found `}`",
            "5 5 bob@example.com - - - - true",
            "6 6  refused (row): line 6: the object that begins here has no end",
        ]
    );
}

#[test]
fn users_of_scim() {
    let user =
        |fields: &str| format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],{fields}}}"#);
    let text = [
        user(r#""userName":"ann","emails":[{"value":"x@example.com"},{"value":"ann@example.com","primary":true}],"displayName":"Ann Lee""#),
        user(r#""userName":"bob@example.com","name":{"givenName":"Bob","familyName":"Ray"},"password":"secret","active":true"#),
        user(r#""userName":"cid@example.com","active":false"#),
        user(r#""displayName":"Nobody""#),
    ]
    .join("\n");
    assert_eq!(
        rows(text),
        [
            "1 1 ann@example.com Ann Lee - - - -",
            "2 2 bob@example.com Bob Ray secret - - -",
            "3 3 cid@example.com - - - - - disabled",
            "4 4  refused emailAddress: This field is mandatory",
        ]
    );
}

#[rstest]
#[case(r#""profile":{"displayName":"Ann","active":false}"#, "Ann - - - - disabled")]
#[case(r#""profile":{"blocked":true,"firstName":"Ann"}"#, "Ann - - - - disabled")]
#[case(r#""profile":{"displayName":"Ann","state":"CA","locked":"no"}"#, "Ann - - - -")]
#[case(r#""manager":{"displayName":"Bob","active":false}"#, "- - - - -")]
fn a_state_next_to_fields_of_the_user_is_the_users(#[case] fields: &str, #[case] expected: &str) {
    let found = rows(format!(r#"{{"email":"ann@example.com",{fields}}}"#));
    assert_eq!(found, [format!("1 1 ann@example.com {expected}")]);
}

#[test]
fn ldif_as_directories_export_it() {
    let text = "version: 1\n# a comment\n\ndn: ou=people,dc=example,dc=com\nobjectClass: organizationalUnit\n\n\
                dn: uid=ann,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: Lee\nmail: ann@exam\n ple.com\nmail: other@example.com\n\
                displayName:: w4VzYSBMZWU=\nuserPassword: {SSHA}abc\n\n\n\
                dn: uid=bob\nchangetype: add\nmail: bob@example.com\ncn;lang-de: Bob\nuserPassword:: c2VjcmV0\n\n\
                dn: uid=cid\nchangetype: modify\nmail: cid@example.com\n\n\
                dn: uid=dee\nobjectClass: person\nphoto:< file:///x\n\n\
                dn: uid=eve\nmail:: ###\n";
    assert_eq!(
        rows(text),
        [
            "1 7 ann@example.com Åsa Lee - {SSHA}abc - -",
            "2 17 bob@example.com Bob secret - - -",
            "3 23  refused (row): line 23: the entry changes something that exists; only entries that add can be imported",
            "4 27  refused emailAddress: This field is mandatory: the entry has no attribute mail",
            "5 31  refused (row): line 32: the value of mail is not base64",
        ]
    );
}

#[test]
fn a_row_without_an_end_is_given_up() {
    for text in [
        format!("{{\"name\":\"{}", "x".repeat(MAX_ROW)),
        format!("dn: x\nmail: a@b.c\n{}", " x\n".repeat(MAX_ROW)),
    ] {
        let error = Rows::new(text.as_bytes(), None).unwrap().find_map(Result::err).unwrap();
        assert!(matches!(error, ImportError::RowTooLong { line: 1..=3 }), "{error}");
    }
}

#[test]
fn nothing_is_nothing() {
    assert!(rows("").is_empty());
    assert!(rows("[]").is_empty());
    assert!(rows("email\n").is_empty());
}

#[rstest]
#[case("users.CSV", Some(Format::Csv))]
#[case("users.jsonl", Some(Format::Json))]
#[case("export.ldif", Some(Format::Ldif))]
#[case("users", None)]
fn names_tell_the_format(#[case] name: &str, #[case] format: Option<Format>) {
    assert_eq!(Format::of_name(name), format);
}

/// A name or password as it may stand in a quoted field: no control characters, no blanks at the ends.
fn any_text() -> impl Strategy<Value = String> {
    "[a-zA-ZäÖßéŁ€0-9,;|\"' .@#=+{}\\[\\]:*-]{1,20}".prop_map(|text| format!("x{text}x"))
}

/// A file in one of the encodings that are read.
fn encoded(text: &str, encoding: usize) -> Vec<u8> {
    match encoding {
        0 => text.as_bytes().to_vec(),
        1 => format!("\u{feff}{text}").into_bytes(),
        2 => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        3 => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    }
}

proptest! {
    #[test]
    fn a_csv_file_gives_its_rows_however_it_is_written(
        people in prop::collection::vec((any_text(), any_text(), any::<bool>()), 1..6),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        headers in (
            prop::sample::select(vec!["email", "E-MAIL", "Email Address [Required]", "mail", "PrimarySmtpAddress"]),
            prop::sample::select(vec!["name", "Display Name", "displayName", "Anzeigename", "NAME (Last, First)"]),
            prop::sample::select(vec!["password", "Password [Required]", "Kennwort", "Initial password [x] Required"]),
            prop::sample::select(vec!["Enabled", "accountEnabled", "ACTIVE", "is_active"]),
        ),
        encoding in 0..5_usize,
    ) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let row = |cells: [&str; 4]| cells.map(quoted).join(&delimiter.to_string()) + end;
        let mut file = row([headers.0, headers.1, headers.2, headers.3]);
        for (number, (name, password, active)) in people.iter().enumerate() {
            let active = if *active { "TRUE" } else { "False" };
            file.push_str(&row([&format!("u{number}@example.com"), name, password, active]));
        }
        let rows: Vec<_> = Rows::new(&encoded(&file, encoding)[..], None).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), people.len());
        for (row, (name, password, active)) in rows.into_iter().zip(&people) {
            let item = row.item.unwrap().into_user().unwrap();
            prop_assert_eq!(item.name.as_deref(), Some(name.as_str()));
            prop_assert_eq!(item.password.as_ref().unwrap().expose_secret(), password);
            prop_assert_eq!(item.account_disabled, (!active).then_some(true));
        }
    }

    #[test]
    fn rows_of_any_csv_text_are_accounted_for_and_passwords_stay_in_their_field(
        lines in prop::collection::vec("[a-z@.,\"' ]{0,12}", 0..12),
        at in 0..12_usize,
    ) {
        const SECRET: &str = "Canary4711";
        let mut lines = lines;
        lines.insert(at.min(lines.len()), format!("a@example.com,Ann,{SECRET}"));
        let text = format!("email,name,password\n{}\n", lines.join("\n"));
        let mut read = Rows::new(text.as_bytes(), None).unwrap();
        let rows: Vec<_> = read.by_ref().map(Result::unwrap).collect();
        for row in &rows {
            if let Err(errors) = &row.item {
                prop_assert!(errors.iter().all(|error| !error.message.contains(SECRET)), "{errors:?}");
            }
        }
        prop_assert!(!read.summary().notes().concat().contains(SECRET));
        let previewed = format!("{:?}", preview(text.as_bytes()).unwrap());
        prop_assert!(!previewed.contains(SECRET), "{previewed}");
        // A line that is a row by itself is one, whatever quotes stand around it.
        let is_row = |line: &str| {
            !line.contains('"') && line.matches(',').count() == 2 && line.split(',').next().unwrap().contains('@')
        };
        for (number, line) in (2..).zip(&lines).filter(|(_, line)| is_row(line)) {
            prop_assert!(rows.iter().any(|row| row.line == number), "line {number}, {line}, of {text}");
        }
    }
}

#[test]
fn blanks_at_the_end_of_a_password_stay_where_the_format_delimits_it() {
    let password = |file: &str| {
        let item = Rows::new(file.as_bytes(), None).unwrap().next().unwrap().unwrap();
        let item = item.item.unwrap().into_user().unwrap();
        item.password.unwrap().expose_secret().to_owned()
    };
    let quoted = "email,password\na@b.c,\" secret \"\nb@b.c,\"secret\"\nc@b.c,secret \n";
    let mut read = Rows::new(quoted.as_bytes(), None).unwrap();
    assert_eq!(read.by_ref().count(), 3);
    assert_eq!(
        read.summary().notes(),
        ["1 password begins or ends with a blank, which belongs to the password: a@b.c on line 2"]
    );
    assert_eq!(password("dn: uid=a\nmail: a@b.c\ndescription:\nuserPassword: secret \n"), "secret ");
    assert_eq!(password("email,password\na@b.c,\" secret \"\n"), " secret ");
    assert_eq!(password("email,password\na@b.c, secret \n"), "secret");
    assert_eq!(password(r#"{"emailAddress":"a@b.c","password":" secret "}"#), " secret ");
}

#[test]
fn ldif_is_unfolded_before_anything_else() {
    let ann = "dn: uid=ann\nobjectClass: person\nmail: ann@example.com\n";
    // A line of blanks is a continuation, and no end of the entry: the lock behind it counts.
    assert_eq!(
        rows(format!("{ann}description: x\n  \nnsAccountLock: true\n")),
        ["1 1 ann@example.com - - - - - disabled"]
    );
    assert_eq!(rows(format!("{ann}userPassword: secret\n  \n")), ["1 1 ann@example.com - secret  - - -"]);
    assert_eq!(
        rows(format!("version:1\n{ann}c\n n\n :\n  Ann\n  Lee\n")),
        ["1 2 ann@example.com Ann Lee - - - -"]
    );
    for comment in ["# uid\\3Dann, people, example.c\n om\n", "# uid=ann,\r\n  {x}\r\n"] {
        assert_eq!(
            Format::of_beginning(format!("{comment}{ann}").as_bytes()),
            Some(Format::Ldif),
            "{comment}"
        );
    }
}

#[rstest]
#[case("userPassword:: PHNlY3JldA==", "- <secret - - -")]
#[case("userPassword:: OnNlY3JldA==", "- :secret - - -")]
#[case("userPassword:: IHNlY3JldA==", "-  secret - - -")]
#[case("userPassword: \tsecret", "- \tsecret - - -")]
#[case("userPassword::", "- - - - -")]
#[case(
    "userPassword:< file:///x",
    "refused userPassword: The value is in another file: put it into the LDIF"
)]
#[case(
    "userPassword: < file:///x",
    "refused userPassword: The value is in another file: put it into the LDIF"
)]
#[case("cn:< file:///x", "refused cn: The value is in another file: put it into the LDIF")]
#[case("jpegPhoto:< file:///x", "- - - - -")]
#[case("2.5.4.20: 7", "- - - - -")]
#[case("nsAccountLock;x-since-2020: true", "- - - - - disabled")]
fn a_value_of_ldif(#[case] line: &str, #[case] expected: &str) {
    let file = format!("dn: uid=ann\nmail: ann@example.com\n{line}\n");
    assert_eq!(rows(file), [format!("1 1 ann@example.com {expected}")]);
}

#[rstest]
#[case("email;\"Name (Last, First, Middle)\"\n", ';')]
#[case("email;Name (Last, First, Middle)\n", ';')]
#[case("email,\"Full\nname\"\n", ',')]
#[case("\"The\r\nbadge\"\temail\r\n", '\t')]
fn a_name_of_a_column_may_have_lines_and_other_separators(#[case] header: &str, #[case] delimiter: char) {
    let row = if header.starts_with("email") { "ann@example.com?Ann" } else { "7?ann@example.com" };
    let found = rows(format!("{header}{}\n", row.replace('?', &delimiter.to_string())));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with(&format!("1 {} ann@example.com ", header.lines().count() + 1)), "{found:?}");
}

#[test]
fn a_quote_in_the_header_swallows_no_row() {
    let text = "email,\"name\nann@example.com,\"\nbob@example.com,Bob\n";
    assert!(matches!(Rows::new(text.as_bytes(), None), Err(ImportError::Header(_))));
}

/// The fields of a preview: name, what it is read as, and its values; `**` is a hidden one.
fn previewed(file: impl AsRef<[u8]>) -> Vec<String> {
    let preview = preview(file.as_ref()).unwrap();
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "**".to_owned());
    let line = |field: &FieldPreview| {
        let values: Vec<_> = field.values.iter().map(value).collect();
        format!("{} {:?}: {}", field.name, field.read_as, values.join("/"))
    };
    preview.fields.iter().map(line).collect()
}

const UNKNOWN_HEADER: &str = "Login mail;Person;Badge;SSO secret;Kennwort;;\n\
                              ann@example.com;Ann Lee;Canary-1;Canary-2;Canary-3;;\n\
                              bob@example.com;\"Bob\u{1b}[31m\";7;;\"\";;\n";

#[test]
fn a_preview_shows_columns_whose_header_can_t_be_used() {
    let expected = [
        "Login mail Ignored: ann@example.com/bob@example.com",
        "Person Ignored: Ann Lee/**",
        "Badge Ignored: **/**",
        "SSO secret Undecided: **",
        "Kennwort Field(\"password\"): **",
    ];
    for encoding in 0..5 {
        assert_eq!(previewed(encoded(UNKNOWN_HEADER, encoding)), expected, "{encoding}");
    }
    let twice = "email,E-Mail,name,name,email (2)\na@b.ch,b@b.ch,Ann,Bob,\n";
    assert_eq!(
        previewed(twice),
        [
            "email Field(\"email\"): a@b.ch",
            "E-Mail (3) Field(\"email\"): b@b.ch",
            "name Field(\"name\"): Ann",
            "name (2) Field(\"name\"): Bob",
            "email (2) Field(\"email\"): ",
        ]
    );
    assert!(previewed("").is_empty());
}

#[test]
fn a_preview_shows_keys_and_attributes() {
    let json = r#"[{"login":{"mail":"ann@example.com","secret":"Canary-1"},"person":"Ann","password":"Canary-2"},
                   {"badge":7,"groups":["a"],"adminPassword":["Canary-3"],"emails":[{"value":"bob@example.com"}]}]"#;
    assert_eq!(
        previewed(json),
        [
            "login.mail Ignored: ann@example.com",
            "login.secret Undecided: **",
            "person Ignored: Ann",
            "password Field(\"password\"): **",
            "badge Ignored: /**",
            "adminPassword Undecided: /a list",
            "emails Field(\"email\"): /bob@example.com",
        ]
    );
    let ldif = "dn: uid=ann\nlogin: ann@example.com\ncn: Ann\nuserPassword: Canary\nuserAccountControl: 514\nloginDisabledX:\n\n\
                dn: ou=x\nobjectClass: group\nmail: group@example.com\n\ndn: uid=bob\nsn:: w5g=\n";
    assert_eq!(
        previewed(ldif),
        [
            "login Ignored: ann@example.com",
            "cn Field(\"name\"): Ann",
            "userPassword Field(\"password\"): **",
            "userAccountControl Recognised(\"state of the account\"): 514",
            "loginDisabledX Recognised(\"empty\"): ",
            "sn Field(\"lastName\"): /Ø",
        ]
    );
}

#[rstest]
#[case(b"PK\x03\x04", "save the sheet as CSV")]
#[case(b"\x1f\x8b", "decompress it first")]
#[case(b"ann@example.com,Ann,Canary\n", "the first line contains an address instead of names of columns")]
fn a_file_that_is_no_table_has_no_preview(#[case] file: &[u8], #[case] said: &str) {
    for error in [preview(file).unwrap_err(), Rows::new(file, None).err().unwrap()] {
        assert!(error.to_string().contains(said) && !error.to_string().contains("Canary"), "{error}");
    }
}

#[test]
fn a_preview_is_bounded() {
    let header: Vec<_> = (0..MAX_FIELDS + 1).map(|n| format!("c{n}")).collect();
    let long = format!("{},email\n{}\n", header.join(","), "x".repeat(1_000));
    let shown = preview(long.repeat(9).as_bytes()).unwrap();
    assert!(shown.fields.len() == MAX_FIELDS && shown.has_more);
    assert!(shown.fields[0].values.len() <= SHOWN_ROWS);
    assert_eq!(shown.fields[0].values[0].as_ref().unwrap().chars().count(), 61);
    // A header of equal names takes no quadratic time.
    assert!(preview("a,".repeat(500_000).as_bytes()).unwrap().has_more);
}

fn read_as(file: &str, choices: &[Use]) -> Vec<String> {
    let options = preview(file.as_bytes()).unwrap().choose(choices).unwrap();
    Rows::with_options(file.as_bytes(), &options).unwrap().map(|row| shown(row.unwrap())).collect()
}

#[test]
fn a_file_is_read_with_the_chosen_fields() {
    let [email, name, password] = ["email", "name", "password"].map(Use::Field);
    let file = "Login mail,Person,Start,pwd\nann@example.com,Ann Lee,Canary-3,old\n";
    assert_eq!(
        read_as(file, &[email, name, password, Use::Ignored]),
        ["1 2 ann@example.com Ann Lee Canary-3 - - -"]
    );
    // Two columns of one name are told apart.
    let twice = "email,E-Mail\na@b.c,x@y.z\n";
    assert_eq!(read_as(twice, &[Use::Ignored, email]), ["1 2 x@y.z - - - - -"]);
    assert_eq!(read_as(twice, &[email, Use::Ignored]), ["1 2 a@b.c - - - - -"]);
    // A better name that is ignored makes no room for one that is ignored, too.
    let names = "mail,name,cn\na@b.c,Ann,Lee\n";
    assert_eq!(read_as(names, &[email, Use::Ignored, Use::Ignored]), ["1 2 a@b.c - - - - -"]);
    let json = r#"{"userName":"ann@b.c","emails":["a@b.c"],"enabled":false,"who":"Ann"}"#;
    let recognised = preview(json.as_bytes()).unwrap().recognised();
    assert_eq!(read_as(json, &recognised), ["1 1 a@b.c - - - - - disabled"]);
    let fields: Vec<_> =
        preview(json.as_bytes()).unwrap().fields.into_iter().map(|field| field.name).collect();
    let choices = |field: &String| match field.as_str() {
        "who" => name,
        "enabled" | "emails" => Use::Ignored,
        _ => email,
    };
    let choices: Vec<_> = fields.iter().map(choices).collect();
    assert_eq!(read_as(json, &choices), ["1 1 ann@b.c Ann - - - -"]);
}

#[test]
fn choices_that_contradict_each_other_are_refused() {
    let file = preview(&b"Login,Other,Start\na@b.ch,b@b.ch,Ann\n"[..]).unwrap();
    let [email, name, ignored] = [Use::Field("email"), Use::Field("name"), Use::Ignored];
    assert!(file.is_understood());
    assert_eq!(file.choose(&[ignored, name, ignored]).unwrap_err(), ChoiceError::NoAddress);
    let twice = ChoiceError::Twice { field: "email", places: [0, 1] };
    assert_eq!(file.choose(&[email, email, name]).unwrap_err(), twice);
    assert_eq!(file.choose(&[email, Use::Undecided, name]).unwrap_err(), ChoiceError::Undecided(1));
    // A user has first and last names in any number of fields.
    let first = Use::Field("firstName");
    assert!(file.choose(&[email, first, first]).is_ok());
    for (text, understood) in [
        ("login;name\na@b.c;Ann\n", true),
        ("a;b\n1;2\n", false),
        ("mail;E-Mail;AdminPassword\na@b.c;;\n", true),
        ("mail;AdminPassword\na@b.c;x\n", false),
        ("email;E-Mail\na@b.c;b@b.c\n", false),
        ("{\"mail\":\"a@b.c\",\"login\":\"ann\"}", true),
        ("{\"contact\":\"a@b.c\"}", false),
    ] {
        assert_eq!(preview(text.as_bytes()).unwrap().is_understood(), understood, "{text}");
    }
}

proptest! {
    #[test]
    fn choosing_what_is_recognised_changes_nothing(
        names in prop::collection::vec(prop::sample::select(vec![
            "email", "E-Mail", "mail", "login", "name", "cn", "pwd", "Kennwort", "", "#", "note", "userAccountControl",
            "Status", "column 2", "email (2)", "adminPassword", "Vorname",
        ]), 1..8),
        cells in prop::collection::vec(prop::sample::select(vec!["", "a@b.ch"]), 8),
    ) {
        let file = format!("row,{}\n1,{}\n", names.join(","), cells[..names.len()].join(","));
        let preview = preview(file.as_bytes()).unwrap();
        let read = |options: &Options| -> Result<Vec<String>, String> {
            let rows = Rows::with_options(file.as_bytes(), options).map_err(|error| error.to_string())?;
            Ok(rows.map(|row| shown(row.unwrap())).collect())
        };
        let recognised = read(&Options::default());
        match preview.choose(&preview.recognised()) {
            Ok(options) => prop_assert_eq!(read(&options), recognised, "{}", file),
            Err(ChoiceError::Undecided(_)) => {}
            Err(_) => prop_assert!(recognised.is_err(), "{}", file),
        }
    }
}

#[test]
fn objects_that_are_not_people_are_counted() {
    let django = r#"[
        {"model": "auth.permission", "pk": 1, "fields": {"name": "Can add", "codename": "add_user"}},
        {"model": "auth.user", "pk": 1, "fields": {"username": "ann", "email": "ann@example.com", "first_name": "Ann",
         "last_name": "Lee", "password": "!Wq8cT2vJr5nLkY0dZxPfHbS3mGuAeRi7oKtC9yQw", "is_active": false, "groups": [], "last_login": null}},
        {"model": "shop.customer", "pk": 7, "fields": {"email": "bob@example.com", "is_active": true}}]"#;
    let mut read = Rows::new(django.as_bytes(), None).unwrap();
    let found: Vec<_> = read.by_ref().map(|row| shown(row.unwrap())).collect();
    assert_eq!(found, ["1 3 ann@example.com Ann Lee - - - - disabled", "2 5 bob@example.com - - - - -"]);
    assert_eq!(read.summary().skipped_entries, [(2, "auth.permission".to_owned())]);
    let scim = r#"{"Resources": [
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "All"},
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann@example.com"}]}"#;
    let empty = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;
    assert!(rows(empty).is_empty());
    let mut read = Rows::new(scim.as_bytes(), None).unwrap();
    assert_eq!(read.by_ref().count(), 1);
    assert_eq!(read.summary().skipped_entries, [(2, "Group".to_owned())]);
}
