//! Other readers: each is one process that answers every file with what it read.

#![expect(clippy::disallowed_methods, reason = "a test reads its own settings from the environment")]

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use proptest::test_runner::TestCaseError;
use serde::de::DeserializeOwned;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers");

/// Where `scripts/test-tools` puts the packages of npm.
const NODE_MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.test-tools/import/node_modules");

pub(crate) struct Reference {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Its name and version.
    pub(crate) version: String,
}

impl Reference {
    /// The readers of CSV and of LDIF. A reader that this machine lacks is left out, and the test says so.
    pub(crate) fn of_csv() -> Vec<Self> {
        let cpython = Self::start("python3", "read_csv.py", "CSV compared with CPython needs python3");
        let node = Self::start(
            "node",
            "read_csv.mjs",
            "CSV compared with csv-parse needs node and its package from scripts/test-tools",
        );
        [cpython, node].into_iter().flatten().collect()
    }

    pub(crate) fn of_ldif() -> Vec<Self> {
        // The package of the system belongs to the Python of the system.
        let python = Self::start(
            "/usr/bin/python3",
            "read_ldif.py",
            "LDIF compared with python-ldap needs python3-ldap",
        );
        let perl = Self::start("perl", "read_ldif.pl", "LDIF compared with Net::LDAP needs libnet-ldap-perl");
        [python, perl].into_iter().flatten().collect()
    }

    fn start(program: &str, script: &str, missing: &str) -> Option<Self> {
        let all = env::var("MATRICULA_TEST_ALL").is_ok_and(|all| all == "1");
        let process = Command::new(program)
            .args([&format!("{FOLDER}/{script}"), NODE_MODULES])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if all { Stdio::inherit() } else { Stdio::null() })
            .spawn();
        let started = process.ok().and_then(|mut process| {
            let input = process.stdin.take().unwrap();
            let mut output = BufReader::new(process.stdout.take().unwrap());
            let mut version = String::new();
            output.read_line(&mut version).unwrap();
            let version = version.trim().to_owned();
            // A script whose package is missing ends without a word.
            (!version.is_empty()).then_some(Self { process, input, output, version })
        });
        assert!(!all || started.is_some(), "{missing}");
        if started.is_none() {
            // Written past the harness, which shows a test's output only when it fails.
            let _ = std::io::stderr().write_all(format!("left out: {missing}\n").as_bytes());
        }
        started
    }

    /// What it reads from a file.
    pub(crate) fn read<T: DeserializeOwned>(
        &mut self,
        file: &[u8],
        delimiter: char,
    ) -> Result<T, TestCaseError> {
        let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
        let hex: String = file.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        writeln!(self.input, "{} {hex}", u32::from(delimiter)).unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        let refused = |error| TestCaseError::fail(format!("{}: {error}: {answer}", self.version));
        serde_json::from_str(&answer).map_err(refused)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
