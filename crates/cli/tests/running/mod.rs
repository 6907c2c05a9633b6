//! The real binary, running.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The binary, with arguments.
pub(crate) fn matricula(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_matricula"));
    command.args(arguments);
    command
}

/// A process that does not outlive the test. SIGKILL: nothing is tidied up.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended can't be killed, and is only waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sandbox that serves.
pub(crate) struct Sandbox {
    _process: Running,
    /// The first line it printed: its keys, as JSON.
    pub(crate) keys: String,
}

impl Sandbox {
    /// Starts it on a folder, and waits until it says where it listens.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", folder, more)
    }

    /// The same, at an address.
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
