//! Compares the parser with CPython: the output of `str(payload)` is parsed like `ast.literal_eval` does.

#![expect(clippy::disallowed_methods, reason = "a test reads its own settings from the environment")]

use std::env;
use std::process::{Command, Stdio};

use matricula_wire::reader::{Limits, read};
use serde_json::Value;

const SEED: &str = "20151124";

#[test]
fn what_python_sends_is_read_as_python_reads_it() {
    let cases = env::var("MATRICULA_FUZZ_CASES").unwrap_or_else(|_| "20000".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python_reference.py");
    let python = Command::new("python3").args([script, SEED, &cases]).stderr(Stdio::inherit()).output();
    let output = match python {
        Ok(output) => output,
        Err(_) if env::var("MATRICULA_TEST_ALL").is_ok_and(|all| all == "1") => panic!("needs python3"),
        Err(_) => return left_out("left out: the reader beside CPython: needs python3"),
    };
    assert!(output.status.success(), "the script failed");

    let mut compared = 0;
    for line in str::from_utf8(&output.stdout).unwrap().lines() {
        let (sent, meant) = line.split_once(' ').unwrap();
        let (sent, meant) = (unhex(sent).unwrap(), unhex(meant).unwrap());
        let sent_text = String::from_utf8_lossy(&sent);
        let expected: Value = serde_json::from_slice(&meant).unwrap();
        let found = read(&sent, &Limits::default()).unwrap_or_else(|error| panic!("{error}\n{sent_text}"));
        assert!(is_same(&found, &expected), "sent: {sent_text}\nread: {found}\nmeant: {expected}");
        compared += 1;
    }
    assert_eq!(compared.to_string(), cases);
    println!("{compared} values compared, seed {SEED}");
}

/// Compares bits and the order of keys, which `==` ignores (`-0.0` equals `0.0`).
fn is_same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(found), Value::Number(expected)) => {
            let bits = |number: &serde_json::Number| number.as_f64().map(f64::to_bits);
            found == expected && bits(found) == bits(expected)
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, expected)| is_same(found, expected))
        }
        (Value::Object(found), Value::Object(expected)) => {
            let mut pairs = found.iter().zip(expected);
            found.len() == expected.len()
                && pairs.all(|(found, expected)| found.0 == expected.0 && is_same(found.1, expected.1))
        }
        _ => found == expected,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).ok());
    digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

/// Written to standard error directly, because the harness shows captured output only on failure.
fn left_out(what: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{what}\n").as_bytes());
}
