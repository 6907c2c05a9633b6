//! OpenLDAP's `slapd`, with its mdb backend, which forces every add to disk before it acknowledges it.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::ldap::{self, Peer};
use crate::machine;

/// The time limit for its start.
const START: Duration = Duration::from_secs(10);

/// The path on Debian, which is not in every user's PATH.
const PROGRAMS: [&str; 3] = ["/usr/sbin/slapd", "/usr/local/libexec/slapd", "/usr/libexec/slapd"];

/// A `slapd` with a database in a separate folder.
pub(crate) struct Slapd {
    process: Child,
    address: SocketAddr,
}

impl Slapd {
    /// The installed program.
    pub(crate) fn program() -> Option<&'static str> {
        PROGRAMS.into_iter().find(|program| Path::new(program).exists())
    }

    /// Writes its configuration into a new folder. Forced writes stay enabled. The attributes to search by are indexed, as
    /// in the server.
    pub(crate) fn configure(folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder.join("data"))?;
        let shown = folder.display();
        let text = format!(
            "include /etc/ldap/schema/core.schema\n\
             include /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\n\
             modulepath /usr/lib/ldap\n\
             moduleload back_mdb\n\
             pidfile {shown}/slapd.pid\n\
             database mdb\n\
             suffix \"{}\"\n\
             rootdn \"{}\"\n\
             rootpw {}\n\
             directory {shown}/data\n\
             maxsize 17179869184\n\
             index objectClass,uid,mail eq\n",
            ldap::SUFFIX,
            ldap::ADMINISTRATOR,
            ldap::PASSWORD,
        );
        Ok(std::fs::write(config(folder), text)?)
    }

    /// Loads entries in LDIF into the database of a configured folder.
    pub(crate) fn load(
        program: &str,
        folder: &Path,
        entries: impl Iterator<Item = String>,
    ) -> anyhow::Result<()> {
        let mut loading = Command::new(program)
            .args(["-T", "add", "-q", "-f"])
            .arg(config(folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| program.to_owned())?;
        let mut input = std::io::BufWriter::new(loading.stdin.take().context("its input")?);
        for entry in entries {
            input.write_all(entry.as_bytes())?;
        }
        drop(input.into_inner()?);
        let status = loading.wait()?;
        ensure!(status.success(), "slapd -T add ended with {status}");
        Ok(())
    }

    pub(crate) fn start(program: &str, folder: &Path) -> anyhow::Result<Self> {
        let config = config(folder);
        let address = free_address()?;
        let process = Command::new(program)
            .args(["-d", "0", "-h", &format!("ldap://{address}"), "-f"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| program.to_owned())?;
        let mut slapd = Self { process, address };
        let started = machine::now();
        while TcpStream::connect(address).is_err() {
            if slapd.process.try_wait()?.is_some() || started.elapsed() > START {
                bail!("slapd did not start: {program} -d 1 -f {} tells why", config.display());
            }
            std::thread::yield_now();
        }
        Ok(slapd)
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer {
            address: self.address,
            name: ldap::ADMINISTRATOR.to_owned(),
            password: ldap::PASSWORD.to_owned(),
        }
    }
}

fn config(folder: &Path) -> PathBuf {
    folder.join("slapd.conf")
}

/// An address that was free a moment ago, for a server that cannot report the port that it chose.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
