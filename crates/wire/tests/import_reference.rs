//! Compares the reader of CSV files with CPython's, over files that CPython writes.

#![expect(clippy::disallowed_methods, reason = "a test reads its own settings from the environment")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail as the test does")]

use std::env;
use std::process::{Command, Stdio};

use matricula_wire::import::{Format, Rows};
use secrecy::ExposeSecret as _;

const SEED: &str = "20151124";

#[test]
fn csv_is_read_as_cpython_reads_it() {
    let cases = env::var("MATRICULA_FUZZ_CASES").unwrap_or_else(|_| "5000".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import_reference.py");
    let python = Command::new("python3").args([script, SEED, &cases]).stderr(Stdio::inherit()).output();
    let output = match python {
        Ok(output) => output,
        Err(_) if env::var("MATRICULA_TEST_ALL").is_ok_and(|all| all == "1") => panic!("needs python3"),
        Err(_) => {
            let message = b"left out: the CSV reader compared with CPython: needs python3\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), message);
            return;
        }
    };
    assert!(output.status.success(), "the script failed");
    let mut compared = 0;
    for line in str::from_utf8(&output.stdout).unwrap().lines() {
        let (file, expected) = line.split_once(' ').unwrap();
        let (file, expected) = (unhex(file), unhex(expected));
        let expected: Vec<[String; 3]> = serde_json::from_slice(&expected).unwrap();
        let shown = String::from_utf8_lossy(&file);
        let found: Vec<[String; 3]> = Rows::new(&file[..], Some(Format::Csv))
            .unwrap()
            .map(|row| {
                let row = row.unwrap();
                let item =
                    row.item.unwrap_or_else(|errors| panic!("{errors:?}\n{shown}")).into_user().unwrap();
                let password = item.password.unwrap();
                [row.address, item.name.unwrap(), password.expose_secret().to_owned()]
            })
            .collect();
        assert_eq!(found, expected, "{shown}");
        compared += 1;
    }
    assert_eq!(compared.to_string(), cases);
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
