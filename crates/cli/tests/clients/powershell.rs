//! PowerShell, which is not run here: its recorded bytes are sent in the same pieces.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use client::{Keys, Signer, machine_clock, random_request_id};
use serde_json::{Value, json};
use wire::create_user::PATH;
use wire::signature::{Parts, SigningKey, authorization};

use crate::sandbox::Sandbox;
use crate::{compatibility, sample};

const WINDOWS_POWERSHELL: &[u8] = include_bytes!("../../../../tests/clients/powershell/5.1.http");
const POWERSHELL_7: &[u8] = include_bytes!("../../../../tests/clients/powershell/7.http");

const ADDRESS: &str = "asa@example.com";

/// .NET's names of days and months on an English Windows, and those on a German one that differ.
const GERMAN: &[(&str, &str)] = &[
    ("Mon,", "Mo,"),
    ("Tue,", "Di,"),
    ("Wed,", "Mi,"),
    ("Thu,", "Do,"),
    ("Fri,", "Fr,"),
    ("Sat,", "Sa,"),
    ("Sun,", "So,"),
    ("Mar", "Mrz"),
    ("May", "Mai"),
    ("Oct", "Okt"),
    ("Dec", "Dez"),
];
const ENGLISH: &[(&str, &str)] = &[];

#[test]
fn windows_powershell_waits_for_100_continue_and_sends_latin_1() {
    assert!(WINDOWS_POWERSHELL.windows(3).any(|bytes| bytes == b"\xC5sa"), "the fixture lost its Latin-1");
    let sandbox = Sandbox::start();
    let mut connection = Connection::open(&sandbox);

    // The first call is from an English Windows; the second, on the same connection, from a German one.
    let answers = [ENGLISH, GERMAN].map(|names| {
        let (head, body) = request(WINDOWS_POWERSHELL, &sandbox, &sandbox.keys_with(&[]), names);
        connection.send(&head);
        assert_eq!(connection.receive_answer().status, 100);
        connection.send(&body);
        connection.receive_answer().json()
    });
    are_created_and_duplicate(&answers, &sandbox);
}

#[test]
fn windows_powershell_need_not_send_a_body_that_is_refused() {
    let sandbox = Sandbox::start();
    let mut connection = Connection::open(&sandbox);
    let keys = sandbox.keys_with(&[("secret_key", "bm90IHRoZSBzZWNyZXQ=")]);
    let (head, _) = request(WINDOWS_POWERSHELL, &sandbox, &keys, ENGLISH);
    connection.send(&head);
    let answer = connection.receive_answer();
    assert_eq!(answer.status, 401);
    sample::is_bad_signature(&answer.json());
    compatibility::record_run(&compatibility::WINDOWS_POWERSHELL, "5.1");
}

#[test]
fn powershell_7_sends_utf_8_at_once() {
    let sandbox = Sandbox::start();
    let mut connection = Connection::open(&sandbox);
    let answers = [ENGLISH, GERMAN].map(|names| {
        let (head, body) = request(POWERSHELL_7, &sandbox, &sandbox.keys_with(&[]), names);
        connection.send(&[head, body].concat());
        connection.receive_answer().json()
    });
    are_created_and_duplicate(&answers, &sandbox);
    compatibility::record_run(&compatibility::POWERSHELL, "7");
}

fn are_created_and_duplicate([created, duplicate]: &[Value; 2], sandbox: &Sandbox) {
    sample::is_created(created, ADDRESS);
    let key = json!({
        "emailAddress": ADDRESS,
        "accountCode": sandbox.key("account_code"),
        "forcePasswordChange": false,
        "name": "Åsa Öberg",
    });
    sample::is_duplicate(duplicate, &key);
}

/// Head and body of a fixture, signed now with the keys of a file, with translated names in its date.
fn request(
    fixture: &[u8],
    sandbox: &Sandbox,
    keys: &std::path::Path,
    names: &[(&str, &str)],
) -> (Vec<u8>, Vec<u8>) {
    let keys = Keys::from_file(keys).unwrap();
    let signed = Signer::new(&keys).unwrap().sign(PATH, machine_clock(), &random_request_id());
    let date = names.iter().fold(signed.date, |date, (english, name)| date.replace(english, name));
    let parts = Parts {
        date: date.as_bytes(),
        request_id: signed.request_id.as_bytes(),
        application_key: keys.app_key.as_bytes(),
    };
    let signature = SigningKey::from_secret(&keys.secret_key).unwrap().sign(&parts, PATH.as_bytes());

    let end = fixture.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let body = fill_template(
        &fixture[end..],
        &[("address", ADDRESS), ("account_code", sandbox.key("account_code"))],
    );
    let head = fill_template(
        &fixture[..end],
        &[
            ("host", &sandbox.address().to_string()),
            ("authorization", &authorization(&keys.access_key, &signature)),
            ("date", &date),
            ("request_id", &signed.request_id),
            ("app_id", &keys.app_id),
            ("content_length", &body.len().to_string()),
        ],
    );
    (head, body)
}

/// Fills each `{{name}}` of the template. Its other bytes do not change.
fn fill_template(template: &[u8], values: &[(&str, &str)]) -> Vec<u8> {
    let (mut filled, mut rest) = (Vec::new(), template);
    while let Some(start) = rest.windows(2).position(|bytes| bytes == b"{{") {
        let length = rest[start..].windows(2).position(|bytes| bytes == b"}}").unwrap();
        let name = str::from_utf8(&rest[start + 2..start + length]).unwrap();
        let value = values.iter().find(|(known, _)| *known == name);
        let (_, value) = value.unwrap_or_else(|| panic!("nothing to fill in for {name}"));
        filled.extend_from_slice(&rest[..start]);
        filled.extend_from_slice(value.as_bytes());
        rest = &rest[start + length + 2..];
    }
    filled.extend_from_slice(rest);
    filled
}

/// A connection, byte by byte.
struct Connection(BufReader<TcpStream>);

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Connection {
    fn open(sandbox: &Sandbox) -> Self {
        Self(BufReader::new(TcpStream::connect(sandbox.address()).unwrap()))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// The next response. `100 Continue` has no body.
    fn receive_answer(&mut self) -> Answer {
        let status = self.line().split(' ').nth(1).expect("no answer").parse().unwrap();
        let mut length = 0;
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Answer { status, body }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end_matches("\r\n").to_owned()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
