//! Files as other systems export them (`tests/import`), through the program and a server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::path::{Path, PathBuf};
use std::process::Command;

use client::wire::users::{UpdateUser, UserState};
use client::{Application, Keys, Login, blocking};
use running::{Sandbox, matricula};
use serde_json::Value;

/// Words of passwords in the files: none may be printed or recorded.
const PASSWORDS: [&str; 4] = ["Sunny-Day-4711", "Rainy-Night-0815", "Third-Word-4242", "{Sun}ny-Day"];

/// Each file, the exit code, and how many rows are created, exist already and are refused.
const FILES: &[(&str, i32, [u64; 3])] = &[
    ("01-bom/u.csv", 0, [1, 0, 0]),
    ("01-bom/quoted.csv", 0, [1, 0, 0]),
    ("02-utf16/u.csv", 0, [1, 0, 0]),
    ("02-utf16/u.txt", 0, [1, 0, 0]),
    ("03-type-line/u.csv", 0, [1, 0, 0]),
    ("04-adprops/mail-email.csv", 0, [1, 0, 0]),
    ("04-adprops/name-display.csv", 0, [1, 0, 0]),
    ("05-disabled-csv/u.csv", 0, [1, 0, 0]),
    ("05-disabled-csv/google.csv", 0, [1, 0, 0]),
    ("05-disabled-csv/entra.csv", 0, [1, 0, 0]),
    ("07-entra/UserCreateTemplate.csv", 0, [1, 0, 0]),
    ("09-okta/okta.csv", 0, [1, 0, 0]),
    ("10-unclosed-quote/u.csv", 3, [2, 0, 1]),
    ("10-unclosed-quote/two.csv", 3, [2, 0, 2]),
    ("10-unclosed-quote/big.csv", 3, [299, 0, 1]),
    ("10-unclosed-quote/midquote.csv", 0, [3, 0, 0]),
    ("12-cp1252/u.csv", 0, [3, 0, 0]),
    ("13-space/u.csv", 0, [1, 0, 0]),
    ("14-wahr/u.csv", 3, [3, 0, 2]),
    ("15-ssha512-b64/u.ldif", 0, [1, 0, 0]),
    ("16-no-blank/u.ldif", 0, [2, 0, 0]),
    ("18-group-mail/u.ldif", 3, [0, 0, 0]),
    ("19-disabled-ldif/ds.ldif", 0, [2, 0, 0]),
    ("20-modify/u.ldif", 3, [0, 0, 2]),
    ("21-multi-pw/u.ldif", 0, [1, 0, 0]),
    ("24-scim-active/u.json", 0, [1, 0, 0]),
    ("26-scim-emails/u.json", 0, [4, 0, 0]),
    ("27-wrapped/auth0-identities.jsonl", 3, [3, 0, 1]),
    ("27-wrapped/auth0.json", 0, [2, 0, 0]),
    ("27-wrapped/body.json", 0, [2, 0, 0]),
    ("27-wrapped/django-allauth.json", 0, [1, 0, 0]),
    ("27-wrapped/google-api.json", 0, [1, 0, 0]),
    ("27-wrapped/graph.json", 0, [2, 0, 0]),
    ("27-wrapped/keycloak-realms.json", 0, [2, 0, 0]),
    ("27-wrapped/keycloak.json", 0, [1, 0, 0]),
    ("27-wrapped/okta-api.json", 0, [2, 0, 0]),
    ("27-wrapped/py.json", 0, [1, 0, 0]),
    ("27-wrapped/trailing.json", 0, [2, 0, 0]),
    ("46-quoted-header/u.csv", 0, [1, 0, 0]),
    ("47-update-hash/u.csv", 0, [1, 0, 0]),
    ("48-empty/empty.csv", 3, [0, 0, 0]),
    ("48-empty/header.csv", 3, [0, 0, 0]),
    ("48-empty/space.csv", 0, [1, 0, 0]),
    ("49-columns/exchange.csv", 0, [1, 0, 0]),
    ("49-columns/outlook-de.csv", 0, [1, 0, 0]),
    ("49-columns/pipe.csv", 0, [1, 0, 0]),
    ("49-columns/upn.csv", 0, [1, 0, 0]),
    ("49-columns/username.csv", 0, [1, 0, 0]),
    ("50-json/bom.json", 0, [2, 0, 0]),
    ("50-json/comment.json", 0, [1, 0, 0]),
    ("50-json/dup.json", 3, [0, 0, 1]),
    ("50-json/list.json", 0, [2, 0, 0]),
    ("50-json/mustchange.json", 0, [3, 0, 0]),
    ("50-json/nameobj.json", 0, [1, 0, 0]),
    ("50-json/num.json", 3, [0, 0, 1]),
    ("50-json/strings.json", 3, [0, 0, 2]),
    ("50-json/surr.json", 3, [0, 0, 1]),
    ("51-ldif/brace.ldif", 0, [1, 0, 0]),
    ("51-ldif/bracemix.csv", 0, [1, 0, 0]),
    ("51-ldif/crlf-tab.ldif", 0, [1, 0, 0]),
    ("51-ldif/gn.ldif", 0, [1, 0, 0]),
    ("51-ldif/nomail.ldif", 3, [0, 0, 1]),
    ("51-ldif/ref.ldif", 0, [1, 0, 0]),
    ("53-roundtrip/users.csv", 3, [3, 0, 1]),
    ("59-ragged/u.csv", 3, [2, 0, 2]),
    ("62-dups/u.csv", 0, [1, 2, 0]),
    ("69-escape/b.csv", 0, [1, 0, 0]),
    ("69-escape/c.csv", 3, [0, 0, 1]),
];

/// Files that can't be used at all.
const UNUSABLE: &[&str] = &["48-empty/nohead.csv", "50-json/truncated.json", "69-escape/a.csv"];

struct Place {
    folder: tempfile::TempDir,
    _sandbox: Sandbox,
    keys: Value,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(&folder.path().join("data"), &["--no-quota"]);
        let keys = serde_json::from_str(&sandbox.keys).unwrap();
        std::fs::write(folder.path().join("keys.json"), &sandbox.keys).unwrap();
        Self { folder, _sandbox: sandbox, keys }
    }

    fn command(&self, file: &str, json: bool) -> Command {
        let result = self.folder.path().join(format!("{}.result.csv", file.replace('/', "-")));
        let mut command = matricula(if json { &["--json", "import"] } else { &["import"] });
        command.arg(root().join(file)).arg("--result").arg(result);
        command.arg("--keys").arg(self.folder.path().join("keys.json"));
        command
    }

    fn result(&self, file: &str) -> String {
        let path = self.folder.path().join(format!("{}.result.csv", file.replace('/', "-")));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    fn keys(&self) -> Keys {
        serde_json::from_value(self.keys.clone()).unwrap()
    }

    fn state(&self, address: &str) -> UserState {
        let client = blocking::Client::new(&self.keys()).unwrap();
        let item = UpdateUser { email_address: address.to_owned(), ..UpdateUser::default() };
        client.update_users(&[item]).unwrap().data.remove(0)
    }
}

impl Place {
    /// The status of a refused login; `None`: it gave keys.
    fn log_in(&self, user: &str, password: &str) -> Option<u16> {
        let application = Application::from(&self.keys());
        let login = Login { address: format!("{user}@example.com"), password: password.to_owned().into() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match runtime.block_on(application.log_in(&login)) {
            Ok(_) => None,
            Err(client::CallError::Refused { status, .. }) => Some(status),
            Err(error) => panic!("{error}"),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/import")
}

#[test]
fn every_file_of_another_system_gives_its_users() {
    let place = Place::new();
    for (file, code, counts) in FILES {
        let output = place.command(file, true).output().unwrap();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{file}: {output:?}"));
        let counted = ["created", "exists", "refused"].map(|name| report["counts"][name].as_u64().unwrap());
        assert_eq!((output.status.code(), counted), (Some(*code), *counts), "{file}: {report}");
        let printed = format!("{}{}", report, String::from_utf8_lossy(&output.stderr));
        let leaked =
            PASSWORDS.iter().find(|word| printed.contains(**word) || place.result(file).contains(**word));
        assert_eq!(leaked, None, "{file}");
    }
    for file in UNUSABLE {
        let output = place.command(file, false).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{file}: {output:?}");
        assert!(!output.stderr.contains(&0x1b), "{file}: {output:?}");
    }

    for disabled in ["a05", "a05b", "a05c", "b19", "c19", "a24", "m50", "p50", "q50", "a53"] {
        let state = place.state(&format!("{disabled}@example.com"));
        assert!(state.account_disabled, "{disabled}");
        let login = place.log_in(disabled, "Sunny-Day-4711");
        assert_eq!(login, Some(401), "{disabled}");
    }
    assert!(!place.state("b53@example.com").account_disabled);
    for (user, name) in [
        ("a09", "Ann Nine"),
        ("b12", "Šimon Žák"),
        ("a13", "Ann Lee"),
        ("q1", "\"Ann\" Lee"),
        ("a46", "Lee, Ann"),
        ("b51", "Änn Lee"),
        ("c53", "=HYPERLINK(\"http://x\",\"y\")"),
    ] {
        assert_eq!(place.state(&format!("{user}@example.com")).name, name);
    }
    for user in ["a13", "a46", "a15", "a21", "b27", "i51", "k51"] {
        let password = if user.ends_with("51") { "{Sun}ny-Day-4711" } else { "Sunny-Day-4711" };
        let login = place.log_in(user, password);
        let expected = if user == "b27" { Some(401) } else { None };
        assert_eq!(login, expected, "{user}");
    }
}

#[test]
fn options_say_what_a_column_is() {
    let place = Place::new();
    let file = place.folder.path().join("people.csv");
    std::fs::write(&file, "Login mail,Full,ssoEnabled\nann@example.com,Ann,yes\n").unwrap();
    let import = |arguments: &[&str]| {
        let mut command = matricula(&["import"]);
        command
            .arg(&file)
            .args(arguments)
            .arg("--dry-run")
            .arg("--keys")
            .arg(place.folder.path().join("keys.json"));
        let output = command.output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(printed).unwrap())
    };
    let (code, printed) = import(&[]);
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("use --column"), "{printed}");
    let columns = ["--column", "email=Login mail", "--column", "name=Full"];
    let (code, printed) = import(&columns);
    assert_eq!(code, Some(3), "{printed}");
    assert!(printed.contains("(ssoEnabled): Unknown field"), "{printed}");
    let (code, printed) = import(&[&columns[..], &["--ignore", "ssoEnabled"]].concat());
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("1 would be created"), "{printed}");
    assert!(printed.contains("chosen columns: Login mail as email, Full as name"), "{printed}");
    let (code, printed) = import(&["--column", "email=Login mail", "--column", "nick=Full"]);
    assert_eq!((code, printed.contains("there is no field nick")), (Some(1), true), "{printed}");
}

#[test]
fn users_with_unusable_hashes_are_created_without_them_on_request() {
    let place = Place::new();
    let file = "22-crypt/u.ldif";
    let output = place.command(file, true).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let counted =
        |report: &Value| (report["counts"]["created"].as_u64(), report["counts"]["refused"].as_u64());
    assert_eq!((output.status.code(), counted(&report)), (Some(3), (Some(2), Some(1))), "{report}");
    std::fs::remove_file(place.folder.path().join("22-crypt-u.ldif.result.csv")).unwrap();
    let output = place.command(file, true).arg("--without-unusable-hashes").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), counted(&report)), (Some(0), (Some(1), Some(0))), "{report}");
    assert_eq!(report["without_hash"], 1, "{report}");
    assert!(place.result(file).contains("c22@example.com,created,"), "{}", place.result(file));
    assert!(place.result(file).contains("created without the password: "), "{}", place.result(file));
    assert_eq!(place.log_in("c22", "Sunny-Day-4711"), Some(401));
}

#[test]
fn the_template_can_be_imported() {
    let place = Place::new();
    let template = matricula(&["import", "--template"]).output().unwrap();
    assert_eq!(template.status.code(), Some(0), "{template:?}");
    let file = place.folder.path().join("template.csv");
    std::fs::write(&file, &template.stdout).unwrap();
    let mut command = matricula(&["import"]);
    let output =
        command.arg(&file).arg("--keys").arg(place.folder.path().join("keys.json")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(place.state("bob@example.com").force_password_change);
}

#[test]
fn an_inactive_account_is_refused_on_request() {
    let place = Place::new();
    let output =
        place.command("05-disabled-csv/u.csv", true).args(["--inactive", "refuse"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(place.result("05-disabled-csv/u.csv").contains("not active"), "{output:?}");
}
