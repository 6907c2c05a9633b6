//! Running processes of the real binary.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) fn matricula(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_matricula"));
    command.args(arguments);
    command
}

/// A process that is killed with SIGKILL when dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended already; then it is only waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running sandbox.
pub(crate) struct Sandbox {
    _process: Running,
    /// Its first line of output: the keys, as JSON.
    pub(crate) keys: String,
}

impl Sandbox {
    /// Starts it on a folder, and waits for its keys.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", folder, more)
    }

    /// Starts it at an address.
    pub(crate) fn start_at(address: &str, folder: &Path, more: &[&str]) -> Self {
        let mut process = matricula(&["--json", "sandbox", "--quiet", "--listen", address, "--data"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut keys = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut keys).unwrap();
        Self { _process: Running(process), keys }
    }
}
