//! A client that is a program: its start and its output.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::relay::{Relay, Sent};
use crate::sample;
use crate::sandbox::Sandbox;

/// The command line of a client; keys, address and name are appended.
pub(crate) struct Client {
    start: Vec<Box<OsStr>>,
    environment: Vec<(&'static str, OsString)>,
}

impl Client {
    pub(crate) fn new<S: AsRef<OsStr>>(start: impl IntoIterator<Item = S>) -> Self {
        let start = start.into_iter().map(|word| word.as_ref().into()).collect();
        Self { start, environment: Vec::new() }
    }

    /// Sets these variables in its environment.
    pub(crate) fn with_variables(
        self,
        variables: impl IntoIterator<Item = (&'static str, OsString)>,
    ) -> Self {
        Self { environment: variables.into_iter().collect(), ..self }
    }

    /// Calls without a relay, which cannot read TLS: creates a user, creates it again, and is refused with another
    /// secret. Returns the standard error of the successful call.
    pub(crate) fn creates_once(&self, sandbox: &Sandbox, address: &str) -> String {
        let keys = sandbox.keys_with(&[]);
        let [created, duplicate] = [(), ()].map(|()| self.run(&keys, &[address]));
        for output in [&created, &duplicate] {
            assert!(output.status.success(), "{output:?}");
        }
        let [created_answer, duplicate] =
            [&created, &duplicate].map(|output| serde_json::from_slice(&output.stdout).unwrap());
        sample::is_created(&created_answer, address);
        let code = &duplicate["fail"][0]["errors"][0]["code"];
        assert_eq!(
            (code, &duplicate["data"]),
            (&json!("err_user_already_exists"), &json!([])),
            "{duplicate}"
        );

        let wrong = ("secret_key", "bm90IHRoZSBzZWNyZXQ=");
        let refused = self.run(&sandbox.keys_with(&[wrong]), &["eve@example.com"]);
        assert!(!refused.status.success(), "{refused:?}");
        String::from_utf8_lossy(&created.stderr).into_owned()
    }

    /// Checks that it does not call a server whose certificate it cannot trust.
    pub(crate) fn trusts_not_everybody(self, sandbox: &Sandbox, complaint: &str) {
        let output =
            Self { environment: Vec::new(), ..self }.run(&sandbox.keys_with(&[]), &["eve@example.com"]);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && complained.contains(complaint), "{output:?}");
    }

    /// Runs `program KEYS ADDRESS NAME` through a relay.
    pub(crate) fn create(
        &self,
        sandbox: &Sandbox,
        address: &str,
        name: &str,
        changed: &[(&str, &str)],
    ) -> Ran {
        let relay = Relay::to_server(sandbox.address());
        let url = relay.url();
        let changed = [&[("base_url", url.as_str())], changed].concat();
        let output = self.run(&sandbox.keys_with(&changed), &[address, name]);
        let Some(sent) = relay.sent() else { panic!("no request was sent: {output:?}") };
        Ran { sent, output }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, keys: &Path, arguments: &[&str]) -> Output {
        let (program, start) = self.start.split_first().unwrap();
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command(program).envs(environment).args(start).arg(keys).args(arguments).output().unwrap()
    }
}

/// A program that is independent of the settings of the user who runs the tests.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    // Arguments, files and, in Java, headers are UTF-8; names of days and months are English by default.
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    for trust in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_HOME"]
    {
        command.env_remove(trust);
    }
    command
}

/// The request of a client, and its output.
pub(crate) struct Ran {
    pub(crate) sent: Sent,
    output: Output,
}

impl Ran {
    /// Whether it exited with success.
    pub(crate) fn is_good(&self) -> bool {
        self.output.status.success()
    }

    /// The body of the response, which it printed.
    pub(crate) fn answer(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    pub(crate) fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Output { status, stdout, stderr } = &self.output;
        let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8_lossy(text));
        write!(f, "{status}\nprinted: {stdout}\ncomplained: {stderr}\nsent:\n{}", self.sent)
    }
}
