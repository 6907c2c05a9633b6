//! A client that is a program: how it is started, and what came of it.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::relay::{Relay, Sent};
use crate::sandbox::Sandbox;

/// What starts a client; keys, address and name are added to it.
pub(crate) struct Client {
    start: Vec<Box<OsStr>>,
}

impl Client {
    pub(crate) fn new<S: AsRef<OsStr>>(start: impl IntoIterator<Item = S>) -> Self {
        Self { start: start.into_iter().map(|word| word.as_ref().into()).collect() }
    }

    /// Runs it as `program KEYS ADDRESS NAME`, by way of a relay.
    pub(crate) fn create(
        &self,
        sandbox: &Sandbox,
        address: &str,
        name: &str,
        changed: &[(&str, &str)],
    ) -> Ran {
        let relay = Relay::to(sandbox.address());
        let url = relay.url();
        let changed = [&[("base_url", url.as_str())], changed].concat();
        let output = self.run(&sandbox.keys_with(&changed), &[address, name]);
        let Some(sent) = relay.sent() else { panic!("no request was sent: {output:?}") };
        Ran { sent, output }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, keys: &Path, arguments: &[&str]) -> Output {
        let (program, start) = self.start.split_first().unwrap();
        command(program).args(start).arg(keys).args(arguments).output().unwrap()
    }
}

/// A program that depends on no setting of whoever runs the tests.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    // Arguments, files and, in Java, headers are UTF-8; names of days and months are English unless said otherwise.
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command
}

/// What a client sent, and what came of it.
pub(crate) struct Ran {
    pub(crate) sent: Sent,
    output: Output,
}

impl Ran {
    /// Whether it ended well.
    pub(crate) fn is_good(&self) -> bool {
        self.output.status.success()
    }

    /// The body of the answer, which it printed.
    pub(crate) fn answer(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// What it complained of.
    pub(crate) fn complaint(&self) -> String {
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
