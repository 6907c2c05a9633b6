//! A server in a separate process, so that its processor time and memory are not the driver's.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::machine;

/// A server process. It is stopped when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    log: PathBuf,
    /// From spawn to the first response of `/readyz`.
    pub(crate) ready_after: Duration,
}

impl Process {
    /// Starts this program as a server that logs to a file, and waits until it is ready.
    pub(crate) fn start(command: &str, argument: &Path, log: PathBuf) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let file = File::options().create(true).append(true).open(&log)?;
        let started = machine::now();
        let mut child = Command::new(program)
            .arg(command)
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("the server's output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line
            .trim()
            .parse()
            .with_context(|| format!("the server did not start; see {}", log.display()))?;
        let mut process = Self { child, address, log, ready_after: Duration::ZERO };
        process.wait_until_ready()?;
        process.ready_after = started.elapsed();
        Ok(process)
    }

    /// One request is enough, because connections wait until the server accepts them.
    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        anyhow::ensure!(
            answer.starts_with("HTTP/1.1 200"),
            "the server is not ready; see {}",
            self.log.display()
        );
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it and waits for its end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "the server ended with {status}; see {}", self.log.display());
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
